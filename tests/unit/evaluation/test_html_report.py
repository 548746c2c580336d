"""The evidence of a release as one page."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from evaluation.gates.drift import DriftGate, DriftOptions
from evaluation.gates.replay import ReplayGate, ReplayOptions
from evaluation.html import intervals, paired_bars
from evaluation.html_report import report_html
from sluice.records import Verdict
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines
from tests.unit.evaluation.test_reports import DOCS, judged, manifest


class Page(HTMLParser):
    """Fails on a tag that is closed and was not open; keeps the words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "line", "circle", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Nothing stays open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_holds_all_evidence_side_by_side_and_needs_nothing_else(tmp_path: Path) -> None:
    """Well-formed, escaped, and without script, link or picture from elsewhere."""
    live, worse = Release(DOCS), Release([DOCS[0], Doc("phones.md", "Nothing.", raw=DOCS[1].text)])
    given = context(worse, live=live.view("live"), live_points=live)
    log = write_lines(tmp_path / "log.jsonl", json.dumps({"query": "<i>phones</i>", "tags": ["public"]}))
    release = manifest(
        judged(tmp_path, given),
        DriftGate(DriftOptions()).judge(given),
        ReplayGate(ReplayOptions(log=log)).judge(given),
        Verdict("leaks", True, "0 forbidden hits", warnings=("<script>alert(1)</script>",)),
    )
    before = replace(manifest(), id="live", configuration={"chunking": {"max_tokens": 100}})
    text = report_html(replace(release, configuration={"chunking": {"max_tokens": 200}}), before)
    page = Page(text)
    assert page.open == []
    words = " ".join(page.words)
    for said in (
        "rejected",
        "Recall@2",
        "-0.500",
        "Worst queries",
        "phones.md (1.000)",
        "<i>phones</i>",
    ):
        assert said in words
    for said in ("Drift", "documents", "held against live", "chunking.max_tokens", "0 forbidden hits", "embed"):
        assert said in words
    assert not re.search(r"<script|<link|<img|https?://|@import|url\(", text)


def test_a_first_release_and_one_that_was_never_judged_have_a_page_too() -> None:
    """No live release, no verdicts, no counts."""
    assert "no other release to hold it against" in report_html(manifest(Verdict("retrieval", True, "fine")))
    assert "no gate has judged it yet" in report_html(manifest())


def test_charts_of_nothing_are_nothing_and_of_zeroes_are_flat() -> None:
    """Neither divides by zero."""
    assert (paired_bars({}), intervals({})) == ("", "")
    assert 'width="0.0"' in paired_bars({"documents": (0, 0)})
    assert "<circle" in intervals({"Recall@5": {"mean": 0.0, "low": 0.0, "high": 0.0}})
