"""Where in a text a quote stands, whatever markup, spacing or Unicode form each of them is written in.

Both are brought to one form: NFKC, without Markdown and HTML markup, white space collapsed; every character of that
form knows which characters of the original it came from, so a match comes back as offsets into the original. What is
not found exactly is aligned (rapidfuzz's partial ratio) and accepted from 0.9 on, when all digits are equal.

Markup is removed by what it looks like, not by parsing: the same rule applied to both sides cannot tell them apart,
and a quote that starts or ends within a link or a table row still matches.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

VERSION = 1
"""Raised whenever a quote would be found elsewhere in the same text than before: what was found is kept beside it."""

FUZZY_RATIO = 0.9

_MARKUP = re.compile(
    r"""
      (?P<line> ^(?: [ \t]*(?:```|~~~)[^\n]* | [-=:|*_+ \t]{3,}+ )$ )      # code fences; rules and table separators
    | (?P<bullet> ^[ \t>]*(?: [-+*•] | \d{1,3}[.)] )(?=[ \t]) | ^[ \t]*(?:>[ \t]*)+ | ^[ \t]*\#{1,6}(?=[ \t]) )
    | (?P<target> (?<=\]) \( [^()\s]* (?:\([^()\s]*\)[^()\s]*)* (?:\s+(?:"[^"\n]*"|'[^'\n]*'))? \s* \) )   # ](url "title")
    | < (?P<autolink> (?:https?://|mailto:)[^\s<>]+ ) >
    | (?P<inline> (?i:</?(?:a|abbr|b|code|del|em|i|kbd|mark|s|small|span|strong|sub|sup|u)\b[^<>]{0,2000}>) )
    | (?P<tag> </?[A-Za-z][^<>]{0,2000}> )
    | (?P<entity> &(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31}); )
    | (?P<pipe> \| )
    | (?P<mark> [*_~`\[\]\\] | !(?=\[) | [\u00ad\u200b-\u200f\u2060\ufeff] )
    """,
    re.VERBOSE | re.MULTILINE,
)
_HIDDEN = re.compile(r"<!--|<(?:style|script)\b", re.IGNORECASE)
_ENDS = {
    "<!--": re.compile(r"-->"),
    "<style": re.compile(r"</style\s*>", re.IGNORECASE),
    "<script": re.compile(r"</script\s*>", re.IGNORECASE),
}
_WORD = re.compile(r"\S+")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in comparable form: `text[i]` came from characters [starts[i], ends[i]) of the original."""

    text: str
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]

    def find(self, quote: str) -> tuple[int, int] | None:
        """Offsets [start, end) into the original of the first exact match, or of the best alignment; None without one."""
        wanted = plain(quote).text
        if not wanted:
            return None
        at = self.text.find(wanted)
        span = (at, at + len(wanted)) if at >= 0 else _aligned(wanted, self.text)
        return None if span is None else (int(self.starts[span[0]]), int(self.ends[span[1] - 1]))


def plain(text: str) -> Plain:
    """`text` in comparable form; the same for the same text, on any machine."""
    pieces = list(_pieces(_blanked(text)))
    if not pieces:
        return Plain("", np.empty(0, np.int32), np.empty(0, np.int32))
    letters = "".join(piece for piece, *_ in pieces)
    lengths = np.fromiter((len(piece) for piece, *_ in pieces), np.int32, len(pieces))
    places = np.array([(start, end, verbatim) for _, start, end, verbatim in pieces], np.int32)
    starts, ends, verbatim = np.repeat(places, lengths, axis=0).T  # of each letter: where its piece stands
    within = np.arange(len(letters), dtype=np.int32) - np.repeat(np.cumsum(lengths, dtype=np.int32) - lengths, lengths)
    starts = starts + within * verbatim
    return _collapsed(letters, starts, np.where(verbatim, starts + 1, ends))


def _blanked(text: str) -> str:
    """Comments, style sheets and scripts as white space of the same length; what is never closed stays."""
    kept: list[str] = []
    unclosed: set[str] = set()  # looked for once: thousands of them in one page must not cost thousands of searches
    at = 0
    while (match := _HIDDEN.search(text, at)) is not None:
        kind = match[0].lower()
        end = None if kind in unclosed else _ENDS[kind].search(text, match.end())
        if end is None:
            unclosed.add(kind)
        stop = match.end() if end is None else end.end()
        kept += [text[at : match.start()], text[match.start() : stop] if end is None else " " * (stop - match.start())]
        at = stop
    return "".join([*kept, text[at:]])


def _collapsed(text: str, starts: NDArray[np.int32], ends: NDArray[np.int32]) -> Plain:
    """Each run of white space as one space, none at the ends."""
    words = [(m.start(), m.end()) for m in _WORD.finditer(text)]
    if not words:
        return Plain("", starts[:0], ends[:0])
    edges = np.zeros(len(text) + 2, dtype=np.int8)
    begins, stops = np.array(words).T
    edges[begins] += 1
    edges[stops[:-1] + 1] -= 1  # a word and the white space after it
    edges[stops[-1]] -= 1
    keep = np.cumsum(edges[: len(text)], dtype=np.int8) > 0
    return Plain(" ".join(text[begin:end] for begin, end in words), starts[keep], ends[keep])


def _pieces(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """The text without markup: (piece, start, end, whether each of its characters is one of the original)."""
    at = 0
    for match in _MARKUP.finditer(text):
        yield from _folded(text, at, match.start())
        at = match.end()
        match match.lastgroup:
            case "autolink":
                yield from _folded(text, match.start("autolink"), match.end("autolink"))
            case "entity":
                yield unicodedata.normalize("NFKC", html.unescape(match.group())), match.start(), at, False
            case "inline" | "mark" | "target":
                pass
            case _:
                yield " ", match.start(), at, False
    yield from _folded(text, at, len(text))


def _folded(text: str, start: int, end: int) -> Iterator[tuple[str, int, int, bool]]:
    """NFKC of a stretch; where that changes it, cluster by cluster (a character and the marks that combine with it)."""
    stretch = text[start:end]
    if not stretch:
        return
    if stretch.isascii() or unicodedata.is_normalized("NFKC", stretch):
        yield stretch, start, end, True
        return
    at = 0
    while at < len(stretch):
        after = at + 1
        while after < len(stretch) and _combines(stretch[after]):
            after += 1
        cluster = stretch[at:after]
        folded = unicodedata.normalize("NFKC", cluster)
        yield folded, start + at, start + after, folded == cluster
        at = after


def _combines(character: str) -> bool:
    return character >= "\u0300" and (unicodedata.category(character)[0] == "M" or "\u1160" <= character <= "\u11ff")


def _aligned(wanted: str, text: str) -> tuple[int, int] | None:
    """The best alignment of `wanted` in `text` at word boundaries, when it is good enough and all digits are equal."""
    if not text:
        return None
    if len(text) <= len(wanted):  # partial_ratio would look for the text in the quote: any stub would match
        first, last = 0, len(text)
    else:
        best = fuzz.partial_ratio_alignment(wanted, text, score_cutoff=100 * FUZZY_RATIO)
        if best is None:
            return None
        first, last = best.dest_start, best.dest_end
    begins, stops = _boundaries(text, first, last)
    spans = [(begin, stop) for begin in begins for stop in stops if begin < stop]
    scored = [(fuzz.ratio(wanted, text[begin:stop]), -(stop - begin), begin, stop) for begin, stop in spans]
    if not scored:
        return None
    ratio, _, begin, stop = max(scored)
    if ratio < 100 * FUZZY_RATIO or _DIGIT.findall(wanted) != _DIGIT.findall(text[begin:stop]):
        return None
    return begin, stop


def _boundaries(text: str, first: int, last: int) -> tuple[list[int], list[int]]:
    """Word starts near `first` and word ends near `last`: an alignment cuts words where the text has more or fewer letters."""
    margin = max(24, (last - first) // 8)
    low, high = max(0, first - margin), min(len(text), last + margin)
    words = [(low + m.start(), low + m.end()) for m in _WORD.finditer(text[low:high])]
    begins = sorted((b for b, _ in words), key=lambda b: abs(b - first))[:4]
    stops = sorted((e for _, e in words), key=lambda e: abs(e - last))[:4]
    return begins, stops
