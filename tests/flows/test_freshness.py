"""Documents that are too old leave by themselves, come back when the rule is raised, and are reported."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest

from indexing.endings import Over
from pipeline.reading import searching
from pipeline.resources import Resources, utc_now
from sluice.access import Principal
from sluice.once import once
from sluice.settings import load
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


class Later(Resources):
    """The same index some days later, before anything ran again."""

    @once
    def over(self) -> Over:
        return Over(self.stores.endings, lambda: utc_now() + timedelta(days=3))


def test_from_its_moment_on_no_search_gives_an_expired_document_whatever_runs_next(index: Index) -> None:
    """By front matter and by a rule, live and in older releases, as a hit and as a copy; and more time brings it back."""
    first = index.run()["release"]
    ends = f"{utc_now() + timedelta(days=1):%Y-%m-%d}"
    index.write("people/0.md", f"---\nexpires: {ends}\n---\n\n# People note 0\n\nRemember that we {TOPICS['people'][0]}.\n")
    index.write("people/1.md", f"# People note 1\n\nRemember that we {TOPICS['people'][1]}.\n")
    index.write("people/9.md", f"---\nexpires: {ends}\n---\n\nRemember that we {TOPICS['people'][1]}.\n")
    (source,) = index.settings["sources"]
    index.configure(sources=[{**source, "ttl_rules": [{"match": "people/2.md", "ttl": "2d"}]}], gates=[])
    index.run()

    def found(r: Resources, topic: int, release: str | None = None) -> set[str]:
        hits = searching.search(r, TOPICS["people"][topic], Principal.of(["people"]), 9, release)
        return {hit.uri for hit in hits} | {copy.uri for hit in hits for copy in hit.copies}

    with Resources(load(index.config)) as now, Later(load(index.config)) as then:
        assert found(now, 0) == {f"people/{n}.md" for n in (0, 1, 2, 3, 9)}
        assert found(then, 0) == found(then, 1) == {"people/1.md", "people/3.md"}
        assert found(now, 0, first) == {f"people/{n}.md" for n in range(4)}
        assert found(then, 0, first) == {"people/1.md", "people/3.md"}
    index.write("people/0.md", f"# People note 0\n\nRemember that we {TOPICS['people'][0]}.\n")
    index.run()
    with Later(load(index.config)) as then:
        assert found(then, 0) == {"people/0.md", "people/1.md", "people/3.md"}
