"""What the suites of documents and vectors claim, the limits that can be set, and Data Docs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.expectations import Suite, check
from evaluation.gates.data_quality import DataQualityGate, DataQualityOptions
from evaluation.gates.tables import tables
from evaluation.reports.blocks import html_of
from sluice.errors import ConfigurationError
from sluice.evidence import Table, block_json, blocks_of
from sluice.records import DocumentState, Verdict
from tests.unit.evaluation.fakes import Doc, Release, context

TOPICS = ("gateways", "badges", "holidays", "laptops", "phones", "travel", "reviews", "releases", "incidents", "pages")
DOCS = [Doc(f"{topic}.md", f"All that is to be known about {topic}, and nothing else.") for topic in TOPICS]
LOGIN = "Please sign in to continue to your company's single sign-on.\n\nForgotten your password? Ask the service desk for help."


class Stale(Release):
    def find(self, uri: str, source: str | None) -> list[DocumentState]:
        return [replace(state, stale=state.uri in ("gateways.md", "badges.md")) for state in super().find(uri, source)]


def constant(docs: Sequence[Doc]) -> Release:
    """An encoder that gives every text the same vector."""
    release = Release(docs)
    return Release(docs, points=[replace(point, dense=release.points[0].dense) for point in release.points])


def judged(release: Release, **options: Any) -> Verdict:
    gate = DataQualityGate(DataQualityOptions(**options))
    gate.load()
    return gate.judge(context(release))


@pytest.mark.parametrize(
    ("release", "said"),
    [
        (
            Release([*DOCS[:6], *(replace(doc, text=LOGIN) for doc in DOCS[6:])]),
            "few documents repeat the text of another (3 of 10",
        ),
        (Release([*DOCS[:4], *(replace(d, text=f"{LOGIN}\n\n{d.uri}") for d in DOCS[4:])]), "little of a document is what many"),
        (Stale(DOCS), "few documents are older than their source (2 of 10"),
        (constant(DOCS), "different texts have different vectors (9 of 10"),
    ],
)
def test_each_claim_about_documents_and_vectors_is_checked(release: Release, said: str) -> None:
    """A login page in place of pages, a banner on most of them, versions that failed, a broken encoder."""
    assert judged(Release(DOCS)).passed
    verdict = judged(release)
    assert not verdict.passed
    assert said in verdict.reason


def test_limits_can_be_set_and_what_they_are_about_is_shown_either_way() -> None:
    """The shares are in the evidence of a release that passes too."""
    verdict = judged(Stale(DOCS), max_stale_documents=0.3, languages=["en"])
    assert verdict.passed
    assert verdict.evidence["shares"]["stale_documents"] == 0.2
    assert "documents are in the languages expected" in judged(Release(DOCS), languages=["de"]).reason


def test_a_limit_that_is_not_kept_says_where_it_is_set_and_where_to_look() -> None:
    """The option by its name and value; repeated chunks by the documents that hold most of them."""
    [stale] = judged(Stale(DOCS)).advice
    assert "sluice documents --status stale" in stale
    assert "max_stale_documents, now 0.05" in stale
    pages, repeated = judged(Release([*DOCS[:6], *(replace(doc, text=LOGIN) for doc in DOCS[6:])])).advice
    assert ("sluice duplicates" in pages, "max_duplicates, now 0.1" in pages) == (True, True)
    assert "most of them stand in releases.md (2 of its 2 chunks), " in repeated
    assert ("reviews.md" in repeated, "max_duplicate_chunks, now 0.2" in repeated) == (False, True), (
        "its first place repeats none"
    )
    assert judged(Release(DOCS)).advice == ()


def test_the_tables_hold_no_text_and_no_vector() -> None:
    """What Great Expectations is shown, and may write down, are figures and names."""
    made = tables(context(Release(DOCS)))
    assert {name: len(table["uri"]) for name, table in made.items()} == {"documents": 10, "chunks": 10, "vectors": 10}
    assert all("All that is" not in repr(table) for table in made.values())
    assert made["documents"]["characters"] == [len(doc.text or "") for doc in DOCS]


def test_data_docs_are_pages_in_the_workspace(tmp_path: Path) -> None:
    """One folder for each release, made without a network."""
    gate = DataQualityGate(DataQualityOptions(data_docs=True))
    verdict = gate.judge(context(Release(DOCS), workspace=tmp_path))
    assert Path(verdict.evidence["data_docs"]) == tmp_path / "data_docs" / "r1" / "index.html"
    assert {page.stem for page in (tmp_path / "data_docs" / "r1" / "expectations").glob("*.html")} == {
        "chunks",
        "documents",
        "vectors",
    }


def test_an_authors_markup_is_text_on_the_pages(tmp_path: Path) -> None:
    """A user's suite checks a column whose values are an author's: on the pages of Great Expectations they are escaped."""
    own = tmp_path / "own.json"
    asked = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "uri", "regex": "^none$"}}
    own.write_text(json.dumps({"documents": [asked]}), encoding="utf-8")
    gate = DataQualityGate(DataQualityOptions(data_docs=True, suite=own))
    evil = Doc("<img src=x onerror=alert(1)>.md", "Words.")
    gate.judge(context(Release([evil, *DOCS]), workspace=tmp_path))
    pages = [page.read_text(encoding="utf-8") for page in (tmp_path / "data_docs" / "r1").rglob("*.html")]
    assert not any("<img src=x" in page for page in pages)
    assert any("img src=x" in page for page in pages)


def test_a_suite_of_the_users_own_may_be_about_every_table(tmp_path: Path) -> None:
    """An object with a list for each table; a table that is none is a configuration error."""
    own = tmp_path / "own.json"
    long = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "tokens", "min_value": 100}}
    own.write_text(json.dumps({"documents": [long]}), encoding="utf-8")
    assert "expect_column_values_to_be_between tokens (10 of 10" in judged(Release(DOCS), suite=own).reason
    for wrong, said in (
        ({"documnets": []}, "documents, chunks, vectors"),
        ({"documents": [{}]}, r"documents\.0|evaluation/suites"),
    ):
        own.write_text(json.dumps(wrong), encoding="utf-8")
        with pytest.raises(ConfigurationError) as raised:
            judged(Release(DOCS), suite=own)
        assert any(part in f"{raised.value.message} {raised.value.hint}" for part in said.split("|"))


def test_data_docs_show_an_authors_markup_as_text(tmp_path: Path) -> None:
    """A title that a user's suite finds wrong stands in the pages as it was typed, and runs nowhere."""
    evil = "<script>alert(1)</script>"
    suite = Suite(
        "documents",
        {"uri": [evil, "b"], "title": [evil, "fine"]},
        [
            {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "title", "regex": "^fine$"}},
            {"type": "expect_column_distinct_values_to_be_in_set", "kwargs": {"column": "title", "value_set": ["fine"]}},
        ],
        ["uri"],
    )
    findings = check([suite], parameters={}, docs=tmp_path)
    pages = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")]
    assert not any(evil in page for page in pages)
    assert any("&lt;script&gt;alert(1)" in page for page in pages)
    assert findings[0].samples[0]["title"] == evil


def test_documents_that_lost_something_are_counted_and_the_worst_are_named() -> None:
    """Two of ten lost something: the one that lost more of its text comes first, and the report has a row for each."""
    lossy = {
        "gateways.md": [{"what": "picture", "count": 2, "where": "page 1"}],
        "badges.md": [{"what": "table", "count": 1, "where": "page 2", "share": 0.04}],
    }
    points = [
        replace(p, payload={**p.payload, "metadata": {"losses": lossy[str(p.payload["uri"])]}})
        if p.payload["uri"] in lossy
        else p
        for p in Release(DOCS).points
    ]
    verdict = judged(Release(DOCS, points=points))
    losses = verdict.evidence["losses"]
    assert (losses["documents"], [(w["uri"], w["share"]) for w in losses["worst"]]) == (
        2,
        [("badges.md", 0.04), ("gateways.md", 0.0)],
    )
    assert any("2 documents lost something" in str(block) for block in verdict.shown)


def test_what_is_met_is_folded_and_what_is_not_stands_first() -> None:
    """On the page a phone shows the next gate on the first screen; the fold says how many it holds, and survives the manifest."""
    verdict = judged(Release([*DOCS[:6], *(replace(doc, text=LOGIN) for doc in DOCS[6:])]))
    wrong, met = (block for block in verdict.shown if isinstance(block, Table) and block.head[1] == "claim")
    assert {row[2] for row in met.rows} == {"met"}
    assert (met.folded, wrong.folded) == (f"{len(met.rows)} expectations are met", "")
    assert "met" not in {row[2] for row in wrong.rows}
    assert len(wrong.marked) == len(wrong.rows) > 0
    [back] = blocks_of([block_json(met)])
    assert back == met
    assert html_of(back).startswith(f"<details><summary>{met.folded}</summary>")
    assert judged(Release(DOCS)).evidence["losses"] == {"documents": 0, "worst": []}
