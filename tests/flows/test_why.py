"""`sluice why`: each planted reason is named, and a reader learns nothing of what they may not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow

QUERY = TOPICS["people"][0]


def _asked(index: Index, uri: str, tags: str = "people", *options: str) -> dict[str, Any]:
    answer = index("why", QUERY, uri, "--as", tags, *options)
    assert answer.code == 0, answer
    return answer.out


def _planted(index: Index) -> dict[str, str]:
    """An index in which a document is missing for each reason before any ranking: uri to reason."""
    index.write("people/expired.md", "---\nexpires: 2020-01-01\n---\n# Old\n\nParental leave was ten weeks.\n")
    index.write("people/broken.md", "---\naccess_tags: [unclosed\n---\ntext\n")
    index.write("people/empty.md", "\n")
    index.write("people/gone.md", "# Gone\n\nParental leave is gone.\n")
    index.write("people/erased.md", "# Erased\n\nParental leave is erased.\n")
    index.write("people/aside.md", "# Aside\n\nParental leave stands aside.\n")
    index.run()
    assert index("forget", "people/erased.md").code == 0
    (index.corpus / "people/gone.md").unlink()
    source = {**index.settings["sources"][0], "exclude": ["**/aside.md", "**/left-out.md"]}
    index.configure(sources=[source])
    index.run()
    index.write("people/late.md", "# Late\n\nParental leave lasts sixteen weeks, says the late note.\n")
    assert index("ingest").code == 0
    return {
        "people/nowhere.md": "never_listed",
        "people/left-out.md": "excluded",
        "people/aside.md": "excluded",
        "people/broken.md": "quarantined",
        "people/empty.md": "dropped",
        "people/expired.md": "expired",
        "people/erased.md": "forgotten",
        "people/gone.md": "deleted",
        "security/0.md": "no_tag_in_common",
        "people/late.md": "not_in_release",
        "people/0.md": "found",
        "people/3.md": "outranked",
    }


def test_every_planted_reason_is_named(index: Index) -> None:
    """Ten reasons before any ranking, and found and outranked after it; ranks in the stages are tests/unit/indexing."""
    planted = _planted(index)
    told = {uri: _asked(index, uri, "people", "-k", "1") for uri in planted}
    assert {uri: answer["reason"] for uri, answer in told.items()} == planted
    assert "security" in told["security/0.md"]["says"]
    assert told["people/broken.md"]["says"].startswith("parse: ")
    assert told["people/3.md"]["ranks"]["dense_exact"] > 1
    assert [rival["uri"] for rival in told["people/3.md"]["outranked_by"]] == ["people/0.md"]


def test_what_is_not_asked_for_any_more_is_found_while_it_is_served_and_excluded_afterwards(index: Index) -> None:
    """Live: its rank, and that it leaves; taken away at once (`run --now`): excluded, not deleted by its source."""
    index.run()
    index.configure(sources=[{**index.settings["sources"][0], "exclude": ["people/0.md"]}], gates=[])
    assert index("ingest").code == 0
    served = _asked(index, "people/0.md")
    assert (served["reason"], served["ranks"]["answered"]) == ("found", 1)
    assert "it is hit 1; the configuration of source 'notes' does not ask for it any more: release" in served["says"]
    assert "sluice run --now" in served["hint"]
    index.run("promoted", "--now")
    gone = _asked(index, "people/0.md")
    assert (gone["reason"], "does not ask for it any more" in gone["says"]) == ("excluded", True)


def test_a_document_of_nobody_and_one_of_others_say_what_to_do(index: Index) -> None:
    """Which rule is missing, or which tags there are; then what brings the change in."""
    index.write("other/free.md", "# Free\n\nNo rule is about this.\n")
    index.run()
    nobody, others = _asked(index, "other/free.md"), _asked(index, "security/0.md")
    assert nobody["says"] == "nobody may read it: no rule under access.rules matches it"
    assert others["says"] == "it is readable by security, and by nobody else"
    assert all(answer["hint"].endswith("then sluice access sync") for answer in (nobody, others))


def test_a_reader_is_told_of_nothing_that_they_may_not_read(index: Index) -> None:
    """With `why: reader`, whatever is hidden, gone or held back answers as a name that was never there, field by field."""
    planted = _planted(index)
    index.configure(access={**index.settings["access"], "why": "reader"})
    never = _asked(index, "no/such.md") | {"uri": ""}
    for uri, reason in planted.items():
        answer = _asked(index, uri)
        if reason in ("found", "outranked", "not_in_release") or uri == "people/aside.md":
            assert answer["reason"] != "not_found", uri  # they may read it
        else:
            assert answer | {"uri": ""} == never, uri
    assert never["reason"] == "not_found"
    assert all(_asked(index, uri, "nobody") | {"uri": "", "principal": ["people"]} == never for uri in planted)


def test_why_is_no_search_of_a_reader(index: Index, tmp_path: Path) -> None:
    """Asking why leaves no line in the log of searches; an empty query and an unknown source are wrong usage."""
    index.configure(search={"mode": "dense", "log": "searches.jsonl"})
    index.run()
    assert _asked(index, "people/0.md")["reason"] == "found"
    assert not (tmp_path / "searches.jsonl").exists()
    assert index("why", " ", "people/0.md", "--as", "people").code == 2
    assert index("why", QUERY, "people/0.md", "--as", "people", "--source", "other").code == 2
