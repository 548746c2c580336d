"""What the embedder reads before a chunk's text: title, headings, a table's header; cut to fit, the text never is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from chunking.protocols import Tokenizer

Mode = Literal["none", "title", "headings"]

VERSION = 1
"""Raised whenever the same document and mode would give another context."""

_SEPARATOR = " > "


def entries(mode: Mode, title: str, path: Sequence[str]) -> list[str]:
    """The title, then the headings from the outermost: each on one line, without empty ones and repetitions."""
    names = {"none": [], "title": [title], "headings": [title, *path]}[mode]
    kept: list[str] = []
    for name in (" ".join(name.split()) for name in names):
        if name and name.casefold() not in (kept[0].casefold() if kept else "", kept[-1].casefold() if kept else ""):
            kept.append(name)
    return kept


class Fitter:
    """Contexts for the chunks of one index: the longest that leave room for the text, counted once per wording."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def fit(self, names: Sequence[str], header: str, room: int, known: dict[str, int]) -> tuple[str, bool]:
        """The context of at most `room` tokens, and whether it was cut.

        The outermost names go first, so that the deepest heading stays longest; then the header's end. `known` keeps
        counts between calls.
        """
        for dropped in range(len(names) + 1):
            context = "\n".join(filter(None, [_SEPARATOR.join(names[dropped:]), header]))
            if dropped == len(names) and not header:
                break
            if self._count(context, known) <= room:
                return context, dropped > 0
        return self._beginning(header or (names[-1] if names else ""), room), bool(header or names)

    def _count(self, text: str, known: dict[str, int]) -> int:
        if text not in known:
            known[text] = self._tokenizer.counts([text])[0]
        return known[text]

    def _beginning(self, text: str, room: int) -> str:
        """The longest beginning, cut between tokens, that has at most `room` tokens on its own."""
        ends = self._tokenizer.spans(text)[: max(room, 0), 1].tolist()
        while ends:
            beginning = text[: ends.pop()].rstrip()
            if self._tokenizer.counts([beginning])[0] <= room:
                return beginning
        return ""
