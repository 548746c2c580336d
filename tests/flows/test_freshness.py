"""Documents that are too old leave by themselves, come back when the rule is raised, and are reported."""

from __future__ import annotations

import os
import time

import pytest

from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow


def test_a_document_past_its_time_to_live_leaves_the_release_and_every_search(index: Index) -> None:
    """It is listed in the run, found nowhere, and back without a fetch or a vector when the rule allows it again."""
    first = index.run()
    old = index.corpus / "people/0.md"
    os.utime(old, (time.time() - 40 * 86400,) * 2)
    (source,) = index.settings["sources"]
    index.configure(sources=[{**source, "ttl": "365d", "ttl_rules": [{"match": "people/**", "ttl": "30d"}]}])
    second = index.run()
    assert (second["documents_expired"], second["expired"], second["embedded"]) == (1, ["people/0.md"], 0)
    assert "people/0.md" not in index.find(TOPICS["people"][0], "people")
    assert "people/0.md" not in index.find(TOPICS["people"][0], "people", release=first["release"])
    report = index("freshness").out
    assert [line["uri"] for line in report["expired"]] == ["people/0.md"]
    assert (report["documents"], report["sources"]["notes"]["expired"]) == (11, 1)
    assert index.run("unchanged")["expired"] == []
    index.configure(sources=[source])
    third = index.run()
    assert (third["counts"]["crawl"]["kept"], third["counts"]["parse"]["kept"], third["embedded"]) == (0, 0, 0)
    assert index.find(TOPICS["people"][0], "people")[0] == "people/0.md"
