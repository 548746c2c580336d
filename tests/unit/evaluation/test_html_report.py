"""The evidence of a release as one page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.gates.drift import DriftGate, DriftOptions
from evaluation.gates.replay import ReplayGate, ReplayOptions
from evaluation.reports import report_html
from evaluation.reports.charts import axis, bars, intervals, line, spread
from evaluation.reports.markup import text
from sluice.evidence import Answer, Figures, Hits, Intervals, Plot, Range, Table
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
        if tag not in ("meta", "line", "circle", "rect", "path", "br"):
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
    for said in ("rejected", "Recall@2", "-0.500", "b: phones", "phones.md (1.000)", "<i>phones</i>"):
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
    assert (bars(Plot((), {})), intervals(Intervals({})), line(Plot((), {"r": ()}))) == ("", "", "")
    assert spread(Plot(("a", "b"), {"questions": (0, 0)}, kind="spread")) == ""
    assert 'width="0.0"' in bars(Plot(("documents",), {"candidate": (0,), "live": (0,)}))
    assert "<circle" in intervals(Intervals({"Recall@5": Range(0.0, 0.0, 0.0)}))


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_enclose_the_values_and_are_told_apart(low: float, span: float) -> None:
    """Also where all values are equal: two ticks that both say 1 say nothing."""
    ticks = axis(low, low + span)
    assert ticks[0] <= low + 1e-6 * max(1, span)
    assert ticks[-1] >= low + span - 1e-6 * max(1, span, abs(low + span))
    svg = line(Plot(("a", "b"), {"x": (low, low + span)}))
    said = re.findall(r'text-anchor="end">([^<]*)<', svg)[: len(ticks)]
    assert len(set(said)) == len(ticks) >= 2


def test_a_spread_has_one_scale() -> None:
    """Twice as many questions are twice as long a bar, and none is none."""
    svg = spread(Plot(("lost", "as before", "gained"), {"questions": (10, 20, 0)}, kind="spread"))
    assert [float(width) for width in re.findall(r'<rect[^>]*width="([\d.]+)"', svg)] == [105.0, 210.0, 0.0]


def test_a_line_of_equal_values_lies_within_its_ticks() -> None:
    """Twenty releases that all score 1.000."""
    svg = line(Plot(tuple(f"r{i}" for i in range(20)), {"Recall@5": (1.0,) * 20}, limit=0.97))
    heights = {float(y) for y in re.findall(r'cy="([\d.]+)"', svg)}
    assert len(heights) == 1
    assert 12 <= heights.pop() < 150
    assert "1.000" in svg


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_nothing_sticks_out_of_the_page_on_a_phone(tmp_path: Path) -> None:
    """Whatever the names: tables are cards or scroll within themselves, and no ordinary word is cut."""
    long = "content/" + "z" * 90 + ".md"
    table = Table(
        ("table", "claim", "found", "for example"), (("documents", "keys are unique", "met", f"uri {long}"),), words=True
    )
    wide = Table(tuple(f"column {i}" for i in range(12)), (tuple(float(i) for i in range(12)),))
    hits = Hits({"candidate": (Answer(long, 1.0),), "live": (Answer(long, 1.0, right=True),)}, "why? " * 30, (long,))
    plot = Plot(("a",) * 20, {"x": (1.0,) * 20}, kind="line")
    shown = (table, wide, hits, plot, Intervals({long: Range(0.0, -0.1, 0.1)}), Figures({long: 3}))
    page = report_html(manifest(Verdict("own", False, "w" * 200, shown=shown, advice=(long,))))
    frame = f'<iframe id="f" srcdoc="{text(page)}" style="width:390px;height:900px;border:0"></iframe>'
    script = "<script>f.onload = () => { document.title = f.contentDocument.documentElement.scrollWidth + '!' }</script>"
    (tmp_path / "frame.html").write_text(f"<!doctype html><title>?</title><body>{frame}{script}", encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    command += ["--window-size=500,1000", "--virtual-time-budget=3000", "--dump-dom", (tmp_path / "frame.html").as_uri()]
    shown_page = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<title>(\d+)!</title>", shown_page.stdout)
    assert found is not None, shown_page.stdout[:500]
    assert int(found[1]) <= 390
