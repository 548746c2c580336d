"""What the report shows can be read: numbers beside their points, colours under text, tables that fit a sheet."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from html import escape
from pathlib import Path
from typing import Any

import pytest

from evaluation.experiments.charts import HEIGHT, RADIUS, WIDTH, Mark, beside, scatter, shade
from evaluation.experiments.report import COLUMNS, render
from evaluation.statistics import METHOD


@pytest.mark.parametrize("seed", range(20))
def test_no_number_covers_another_or_a_point(seed: int) -> None:
    """Fifteen points in three crowds, as of five strategies searched in three ways."""
    randomly = random.Random(seed)
    points = [(x + randomly.uniform(-20, 20), y + randomly.uniform(-12, 12)) for x, y in [(120, 180), (240, 120), (340, 90)] * 5]
    digits = [len(str(number)) for number in range(1, 16)]
    places = beside(points, digits)
    boxes = [(x - 4 * n, y - 5, x + 4 * n, y + 5) for (x, y), n in zip(places, digits, strict=True)]
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= WIDTH
        assert 0 <= top < bottom <= HEIGHT
        assert not any(
            left - RADIUS + 1 < x < right + RADIUS - 1 and top - RADIUS + 1 < y < bottom + RADIUS - 1 for x, y in points
        )
        assert not any(left < r and le < right and top < b and t < bottom for le, t, r, b in boxes[:i])


def test_points_that_coincide_still_have_places() -> None:
    """Forty variants of one result: more than there is room for, and nothing fails."""
    marks = [Mark(number, "same", 100.0, 0.5, 0.4, 0.6) for number in range(1, 41)]
    assert scatter(marks, x="tokens", y="recall").count("<circle") == 40
    assert len(beside([(200.0, 150.0)] * 40, [2] * 40)) == 40


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.3, 0.7, 1.0, 2.0])
def test_text_reads_well_on_every_shade(value: float) -> None:
    """A contrast of at least 7 to 1 (WCAG AAA) for the page's text colour."""
    assert (luminance(shade(value, 0.0, 1.0)) + 0.05) / (luminance("#1a1a1a") + 0.05) >= 7


def summary(variants: int) -> dict[str, Any]:
    gap = {"variant": "v", "mean": 0.01, "low": -0.02, "high": 0.04, "queries_needed": None}
    cost: dict[str, Any] = {"chunks": 1, "tokens": 2, "embedded": 3, "vector_bytes": 4, "tokens_per_answer": 5.0}
    cost |= {"seconds": {"chunk": 0.1, "embed": 0.2, "search": 0.3}}
    return {
        "name": "many",
        "finished": "2026-11-21T12:00:00Z",
        "base": "b.yaml",
        "golden": "g.jsonl",
        "documents": 1,
        "queries": 9,
        "measure": "nDCG@10",
        "level": 0.95 if variants == 2 else 0.9,
        "winner": None,
        "labels": {"all": 9},
        "fingerprints": {},
        "conclusion": ["Not settled."],
        "confirmation": None,
        "variants": [
            {
                "name": f"v{number}",
                "k": 5,
                "measures": {"nDCG@10": 0.5, "Recall@5": 0.5},
                "intervals": {"Recall@5": [0.4, 0.6]},
                "slices": {"hr": {"queries": 9, "nDCG@10": 0.5}},
                "cost": cost,
                "probability_best": 0.5,
                "ruled_out": False,
                "behind_leader": gap if number else None,
                "chunking": {"strategy": "fixed"},
                "search": {"mode": "dense"},
            }
            for number in range(variants)
        ],
    }


def test_the_heat_map_is_cut_for_paper() -> None:
    """No table has more than COLUMNS variants side by side; every variant is in one."""
    page = render(summary(2 * COLUMNS + 3), [])
    maps = re.findall(r'<th class="name">slice</th>(.*?)</tr>', page)
    numbers = [[int(n) for n in re.findall(r"<th>(\d+)</th>", head)] for head in maps]
    assert [len(part) for part in numbers] == [COLUMNS, COLUMNS, 3]
    assert [n for part in numbers for n in part] == list(range(1, 2 * COLUMNS + 4))


def test_the_intervals_are_called_by_their_level() -> None:
    """Two variants are one pair, told apart at 95%; more are told apart together, at 90%; how is said too."""
    assert f"95% intervals ({METHOD}). Grey" in render(summary(2), [])
    assert f"90% intervals ({METHOD}), which hold together for all pairs of variants" in render(summary(3), [])


def test_the_extremes_of_a_disagreement_are_unfolded() -> None:
    """Best and worst are open, what lies between is a line: fifteen variants do not make thirty pages."""
    hit = {"uri": "a.md", "relevant": True, "text": "words"}
    entries = [{"names": [f"v{i}"], "value": 1 - i / 4, "hits": [hit]} for i in range(4)]
    page = render(summary(4), [{"id": "q", "query": "why?", "relevant": ["a.md"], "variants": entries}])
    opened = re.findall(r"<details( open)?><summary>(v\d)", page)
    assert opened == [(" open", "v0"), ("", "v1"), ("", "v2"), (" open", "v3")]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_of_the_page_in_a_browser(width: int, tmp_path: Path) -> None:
    """Wide tables scroll within themselves, on a phone rows are cards, of which nothing is cut: the page is no wider than a
    phone, and loads nothing from anywhere."""
    given = summary(20)
    given["variants"][3]["name"] = "a name without a place to break " + "x" * 80
    given["variants"][3]["chunking"] = {"strategy": "my.module:" + "Y" * 60}
    hit = {"uri": "a/very/long/path/" + "z" * 90 + ".md", "relevant": True, "text": "w" * 300}
    entries = [{"names": [v["name"] for v in given["variants"]], "value": 1.0, "hits": [hit]}]
    page = render(given, [{"id": "q", "query": "why? " * 30, "relevant": [hit["uri"]], "variants": entries}])
    frame = f'<iframe id="f" srcdoc="{escape(page)}" style="width:{width}px;height:900px;border:0"></iframe>'
    script = (
        "<script>f.onload = () => { const d = f.contentDocument; const loaded = f.contentWindow.performance"
        '.getEntriesByType("resource").length; const cut = [...d.querySelectorAll(".cards")].filter('
        'c => c.scrollWidth > c.clientWidth).length; document.title = [d.documentElement.scrollWidth, loaded, cut].join(" ");'
        "}</script>"
    )
    (tmp_path / "frame.html").write_text(f"<!doctype html><title>?</title><body>{frame}{script}", encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--window-size={width + 100},1000", "--virtual-time-budget=3000", "--dump-dom"]
    shown = subprocess.run([*command, (tmp_path / "frame.html").as_uri()], capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<title>(\d+) (\d+) (\d+)</title>", shown.stdout)
    assert found is not None, shown.stdout[:500]
    assert int(found[1]) <= width
    assert int(found[2]) == 0
    assert width > 600 or int(found[3]) == 0
    assert page.count('class="wide cards"') == 3


def test_the_leader_comes_first_and_equal_values_have_a_chart() -> None:
    """Whatever the order of the experiment; ticks are told apart though every variant scores the same."""
    given = summary(3)
    for number, variant in enumerate(given["variants"]):
        variant["measures"] = {"nDCG@10": 0.4 + number / 10, "Recall@5": 1.0}
        variant["intervals"] = {"Recall@5": [1.0, 1.0]}
        variant["behind_leader"] = given["variants"][0]["behind_leader"] if number < 2 else None
    given["variants"][0]["behind_leader"] = {"variant": "v0", "mean": 0.2, "low": 0.1, "high": 0.3, "queries_needed": 0}
    given["variants"][1]["behind_leader"] = given["variants"][0]["behind_leader"]
    page = render(given, [])
    assert re.findall(r'<td class="name">(v\d)</td>', page)[:3] == ["v2", "v1", "v0"]
    ticks = re.findall(r'text-anchor="end">([\d.]+)<', page)
    assert len(set(ticks)) == len(ticks) >= 2
    heights = {float(y) for y in re.findall(r'cy="([\d.]+)"', page)}
    assert all(0 < y < HEIGHT for y in heights)
