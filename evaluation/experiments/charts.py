"""Charts as inline SVG: they scale with the page, print, and need neither a script nor a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from evaluation.reports.charts import axis
from evaluation.reports.markup import text

WIDTH, HEIGHT = 430, 320
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 34, 46
RADIUS = 5

Place = tuple[float, float]

_DIRECTIONS = ((1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1), (0, -1), (0, 1))
_DISTANCES = (9, 14, 20, 28, 38, 50)


@dataclass(frozen=True, slots=True)
class Mark:
    """A numbered point with its vertical interval; `faint` for what is ruled out."""

    number: int
    name: str
    x: float
    y: float
    low: float
    high: float
    faint: bool = False


def scatter(marks: Sequence[Mark], *, x: str, y: str) -> str:
    """Points over labelled axes; the numbers are those of the table, the full names are in the titles."""
    if not marks:
        return ""
    xs = axis(0.0, max(mark.x for mark in marks) * 1.05 or 1.0)
    ys = axis(min(mark.low for mark in marks), max(mark.high for mark in marks))

    def across(value: float) -> float:
        return LEFT + (value - xs[0]) / (xs[-1] - xs[0]) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (value - ys[0]) / (ys[-1] - ys[0]) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(y)} against {text(x)}">']
    for value in ys:
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(value):.1f}" y2="{up(value):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{up(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    below = f'y="{HEIGHT - BOTTOM + 18}" text-anchor="middle"'
    parts += [f'<text x="{across(value):.1f}" {below}>{value:g}</text>' for value in xs]
    parts.append(f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{text(x)}</text>')
    parts.append(f'<text class="axis" x="2" y="14">{text(y)}</text>')
    upwards = sorted(marks, key=lambda mark: not mark.faint)  # what is still open lies on top
    points = [(across(mark.x), up(mark.y)) for mark in upwards]
    places = beside(points, [len(str(mark.number)) for mark in upwards])
    for mark, point, place in zip(upwards, points, places, strict=True):
        parts.append(_point(mark, point, place, up(mark.low), up(mark.high)))
    return "".join([*parts, "</svg>"])


def beside(points: Sequence[Place], digits: Sequence[int]) -> list[Place]:
    """A place near each point for the middle of its number, so that no number covers a point or another number.

    The nearest free one of eight directions, further out where points crowd; the last one tried where none is free.
    """
    places: list[Place] = []
    for (x, y), length in zip(points, digits, strict=True):
        for distance, (right, down) in product(_DISTANCES, _DIRECTIONS):
            place = (x + right * (distance + 4 * length), y + down * distance)
            inside = place[0] - 4 * length > LEFT and place[0] + 4 * length < WIDTH and TOP - 8 < place[1] < HEIGHT - BOTTOM
            covers = any(abs(place[0] - a) < 4 * length + RADIUS and abs(place[1] - b) < 6 + RADIUS for a, b in points)
            meets = any(
                abs(place[0] - a) < 4 * (length + other) + 2 and abs(place[1] - b) < 12
                for (a, b), other in zip(places, digits, strict=False)
            )
            if inside and not covers and not meets:
                break
        places.append(place)
    return places


def _point(mark: Mark, point: Place, place: Place, low: float, high: float) -> str:
    (x, y), (across, down) = point, place
    kind = "faint" if mark.faint else "open"
    title = f"{mark.name}: {mark.y:.3f} ({mark.low:.3f} to {mark.high:.3f}), {mark.x:,.0f} tokens"
    return (
        f'<g class="{kind}"><title>{text(title)}</title>'
        f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        f'<line class="pointer" x1="{x:.1f}" y1="{y:.1f}" x2="{across:.1f}" y2="{down:.1f}"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}"/>'
        f'<text class="number" x="{across:.1f}" y="{down + 4.5:.1f}" text-anchor="middle">{mark.number}</text></g>'
    )


def shade(value: float, low: float, high: float) -> str:
    """A background on which dark text reads well: from white at `low` to blue at `high`."""
    share = 0.0 if high <= low else min(max((value - low) / (high - low), 0.0), 1.0)
    red, green, blue = (round(255 - share * (255 - end)) for end in (140, 190, 235))
    return f"#{red:02x}{green:02x}{blue:02x}"
