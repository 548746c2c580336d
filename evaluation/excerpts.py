"""A passage as a report shows it: on one line, short, around what is marked in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CHARACTERS = 320
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words, and the places in them that are marked, [start, end), in order."""

    text: str
    marks: tuple[Span, ...] = ()


def excerpt(passage: str, marks: Iterable[Span] = (), *, characters: int = CHARACTERS) -> Excerpt:
    """At most about so many characters of a passage, white space collapsed, the first marked place among them.

    `marks` are [start, end) in the passage; what lies outside of it is left out.
    """
    flat, at = _collapsed(passage)
    inside = sorted({(at[max(start, 0)], at[min(end, len(passage))]) for start, end in marks if start < len(passage) and end > 0})
    first, last = 0, len(flat)
    if len(flat) > characters:
        wanted = inside[0][0] if inside else 0
        first = max(0, min(wanted - characters // 4, len(flat) - characters))
        if first:
            first = min(flat.find(" ", first) + 1 or first, wanted)
        last = first + characters
        if last < len(flat):
            last = max(flat.rfind(" ", first, last), first + 1)
    before, after = "… " if first else "", " …" if last < len(flat) else ""
    shown = flat[first:last].rstrip()
    moved = ((max(start, first) - first, min(end, first + len(shown)) - first) for start, end in inside)
    kept = tuple((start + len(before), end + len(before)) for start, end in moved if start < end)
    return Excerpt(f"{before}{shown}{after}", kept)


def _collapsed(text: str) -> tuple[str, list[int]]:
    """The text with each run of white space as one space, none at its ends; and where each of its characters went to."""
    letters: list[str] = []
    at = []
    for character in text:
        at.append(len(letters))
        if not character.isspace():
            letters.append(character)
        elif letters and letters[-1] != " ":
            letters.append(" ")
    flat = "".join(letters).rstrip()
    return flat, [min(place, len(flat)) for place in (*at, len(letters))]
