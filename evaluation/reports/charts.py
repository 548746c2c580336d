"""Charts as inline SVG: they scale with the page, print, follow light and dark, and have honest axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluation.reports.markup import NOTHING, Html, tag
from sluice.evidence import Intervals, Plot

WIDTH = 420
"""Units of a drawing: about the pixels of a telephone, so that its 13-pixel letters stay legible there."""
_BAR, _ROW = 330, 40


def bars(plot: Plot) -> Html:
    """For each label a bar of each series, each label on a scale of its own from 0 to its largest; figures beside them."""
    parts, top = [], 0
    for position, label in enumerate(plot.labels):
        values = [series[position] for series in plot.series.values()]
        most = max((abs(value) for value in values if value is not None), default=0.0) or 1.0
        parts.append(tag("text", _shortened(label), x=0, y=top + 14))
        for number, value in enumerate(values):
            if value is not None:
                y, width = top + 20 + number * 18, _BAR * abs(value) / most
                parts.append(tag("rect", class_="before" if number else "now", x=0, y=y, width=f"{width:.1f}", height=14))
                parts.append(tag("text", f"{_compact(value)}{plot.unit}", x=f"{6 + width:.1f}", y=y + 12))
        top += len(values) * 18 + 28
    return _drawing(parts, top, plot.title or "bars") if parts else NOTHING


def spread(plot: Plot) -> Html:
    """How many of something each label has, in a row of bars on one scale from 0, with the counts beside them."""
    most = max((v for values in plot.series.values() for v in values if v is not None), default=0.0)
    if not plot.labels or not most:
        return NOTHING
    parts, top, left = list[Html](), 0, 150
    for position, label in enumerate(plot.labels):
        height = 16 * len(plot.series)
        parts.append(tag("text", label, x=0, y=top + height / 2 + 5))
        for number, values in enumerate(plot.series.values()):
            if (value := values[position]) is not None:
                y, width = top + number * 16, (WIDTH - left - 60) * value / most
                parts.append(tag("rect", class_="before" if number else "now", x=left, y=y + 1, width=f"{width:.1f}", height=14))
                parts.append(tag("text", f"{_compact(value)}{plot.unit}", x=f"{left + 6 + width:.1f}", y=y + 13))
        top += height + 6
    parts.append(tag("line", class_="zero", x1=left, x2=left, y1=0, y2=top - 6))
    return _drawing(parts, top, plot.title or "spread")


def intervals(block: Intervals) -> Html:
    """Differences with their intervals around zero; a limit is a mark left of it; ticks at round values."""
    if not block.rows:
        return NOTHING
    ends = [abs(end) for row in block.rows.values() for end in (row.mean, row.low, row.high)]
    ends += [block.limits[name] for name in block.rows if name in block.limits]
    largest = max((end for end in ends if math.isfinite(end)), default=0.0)
    step = tick_step(2 * largest, 5)
    count = max(1, math.ceil(largest / step - 1e-9))
    height = len(block.rows) * _ROW + 24

    def across(value: float) -> float:
        share = min(max(value / (count * step), -1.0), 1.0) if math.isfinite(value) else math.copysign(1.0, value)
        return WIDTH / 2 + (WIDTH / 2 - 20) * share

    parts = []
    for number in range(-count, count + 1):
        x = f"{across(number * step):.1f}"
        parts.append(tag("line", class_="grid" if number else "zero", x1=x, x2=x, y1=0, y2=height - 20))
        parts.append(tag("text", _signed(number * step, step), x=x, y=height - 4, text_anchor="middle"))
    for position, (name, row) in enumerate(block.rows.items()):
        y = position * _ROW + 28
        parts.append(tag("text", _shortened(name), class_="halo", x=0, y=y - 13))
        parts.append(tag("line", class_="line", x1=f"{across(row.low):.1f}", x2=f"{across(row.high):.1f}", y1=y, y2=y))
        parts.append(tag("circle", class_="now", cx=f"{across(row.mean):.1f}", cy=y, r=5))
        if name in block.limits:
            x = f"{across(-block.limits[name]):.1f}"
            parts.append(tag("line", class_="limit", x1=x, x2=x, y1=y - 9, y2=y + 9))
    return _drawing(parts, height, block.title or "differences")


def line(plot: Plot) -> Html:
    """Series over labels in order, with round ticks that enclose every value and the limit; the last value is named."""
    known = [v for values in plot.series.values() for v in values if v is not None and math.isfinite(v)]
    if not known:
        return NOTHING
    low, high = min([*known, *_limit(plot)]), max([*known, *_limit(plot)])
    ticks = axis(low, high)
    left, right, top, bottom = 48, 366, 12, 150

    def up(value: float) -> float:
        return bottom - (value - ticks[0]) / (ticks[-1] - ticks[0]) * (bottom - top)

    def across(position: int) -> float:
        return left + 14 + (right - left - 28) * (position / (len(plot.labels) - 1) if len(plot.labels) > 1 else 0.5)

    parts = []
    for value in ticks:
        level = f"{up(value):.1f}"
        parts.append(tag("line", class_="grid", x1=left, x2=right, y1=level, y2=level))
        parts.append(tag("text", _plain(value, ticks[1] - ticks[0]), x=left - 6, y=f"{up(value) + 4:.1f}", text_anchor="end"))
    for limit in _limit(plot):
        level = f"{up(limit):.1f}"
        parts.append(tag("line", class_="limit", x1=left, x2=right, y1=level, y2=level))
    for number, values in enumerate(plot.series.values()):
        points = [(across(i), up(v)) for i, v in enumerate(values) if v is not None and math.isfinite(v)]
        path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
        parts.append(tag("path", class_="line thin", d=path))
        parts += [tag("circle", class_="before" if number else "now", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4) for x, y in points]
        if points:
            last = next(v for v in reversed(values) if v is not None and math.isfinite(v))
            x, y = points[-1]
            parts.append(tag("text", f"{last:.3f}{plot.unit}", class_="halo", x=f"{x + 9:.1f}", y=f"{y + 4:.1f}"))
    first, *_, end = (*plot.labels, "") if len(plot.labels) == 1 else plot.labels
    parts.append(tag("text", first, x=left, y=bottom + 20))
    if len(plot.labels) > 1:
        parts.append(tag("text", end, x=WIDTH, y=bottom + 20, text_anchor="end"))
    return _drawing(parts, bottom + 28, plot.title or "line")


def axis(low: float, high: float) -> list[float]:
    """Round values, two at least and all different as they are printed, that enclose [low, high]."""
    step = tick_step(high - low, 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if last == first:
        first, last = first - 1, last + 1
    return [round(number * step, 10) for number in range(first, last + 1)]


def tick_step(span: float, count: int) -> float:
    """1, 2 or 5 times a power of ten, so that about `count` of them are the span; never below a thousandth."""
    if not math.isfinite(span) or span <= 0:
        return 0.01
    raw = max(span / count, 0.001)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw - 1e-12)


def _limit(plot: Plot) -> list[float]:
    return [plot.limit] if plot.limit is not None and math.isfinite(plot.limit) else []


def _drawing(parts: Sequence[Html], height: int, label: str) -> Html:
    return tag("svg", *parts, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=label)


def _shortened(name: str) -> str:
    return name if len(name) <= 54 else f"{name[:26]}…{name[-27:]}"


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _plain(value: float, step: float) -> str:
    return f"{value:,.{_decimals(step)}f}"


def _signed(value: float, step: float) -> str:
    return "0" if abs(value) < step / 2 else f"{value:+.{_decimals(step)}f}"


def _compact(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
