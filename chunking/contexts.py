"""What the embedder reads before a chunk's text: title, headings, a table's header; cut to fit, the text never is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chunking.outline import Outline
from chunking.spans import Ruler, whole_grapheme
from sluice.records import Document

Mode = Literal["none", "title", "headings"]

VERSION = 1
"""Raised whenever the same document and mode would give another context."""

_SEPARATOR = ">"


def names(mode: Mode, title: str, path: Sequence[str]) -> tuple[str, ...]:
    """The title, then the headings from the outermost: each on one line, without empty ones and repetitions."""
    if mode == "none":
        return ()
    kept: list[str] = []
    for name in map(one_line, [title, *path] if mode == "headings" else [title]):
        if name and name.casefold() not in (kept[0].casefold() if kept else "", kept[-1].casefold() if kept else ""):
            kept.append(name)
    return tuple(kept)


def one_line(name: str) -> str:
    """A name as a context says it: runs of white space as one space."""
    return " ".join(name.split())


def sizes_within(ruler: Ruler, document: Document, outline: Outline) -> dict[str, int]:
    """Tokens of those headings that stand in the document's text as a context says them: read off its positions."""
    sizes: dict[str, int] = {}
    for part in outline.parts:
        name = one_line(part.path[-1]) if part.path else ""
        start = document.text.find(name, part.start, part.content) if name and name not in sizes else -1
        size = ruler.read(document.text, (start, start + len(name))) if start >= 0 else None
        if size is not None:
            sizes[name] = size
    return sizes


@dataclass(frozen=True, slots=True)
class Wording:
    """What a chunk's context says: names from the outermost to the deepest, and a header below them."""

    names: tuple[str, ...]
    header: str = ""

    def __str__(self) -> str:
        return "\n".join(filter(None, [f" {_SEPARATOR} ".join(self.names), self.header]))

    def __bool__(self) -> bool:
        return bool(self.names or self.header)

    def pieces(self) -> list[str]:
        """What is left of the text when it is cut at the white space between its parts."""
        joined = [piece for name in self.names for piece in (_SEPARATOR, name)][1:]
        return [*joined, self.header] if self.header else joined


class Fitter:
    """Contexts for the chunks of one document: the longest that leave room for the text.

    Where counts add up at white space, names are counted instead of contexts, and those whose size is known already
    (`sizes`) are not counted at all.
    """

    def __init__(self, ruler: Ruler, sizes: Mapping[str, int]) -> None:
        self._ruler = ruler
        self._sizes = sizes

    def fit(self, wording: Wording, room: int) -> tuple[str, bool]:
        """The context of at most `room` tokens, and whether it was cut.

        The outermost names go first, so that the deepest heading stays longest; then the end of what is left.
        """
        shorter = wording
        while shorter:
            if self._count(shorter) <= room:
                return str(shorter), shorter is not wording
            shorter = replace(shorter, names=shorter.names[1:]) if shorter.names else Wording(())
        return self._beginning(wording.header or "".join(wording.names[-1:]), room), bool(wording)

    def _count(self, wording: Wording) -> int:
        if not self._ruler.exact:
            return self._ruler.count(str(wording))
        return sum(self._sizes[piece] if piece in self._sizes else self._ruler.count(piece) for piece in wording.pieces())

    def _beginning(self, text: str, room: int) -> str:
        """The longest beginning, cut between tokens and characters, that has at most `room` tokens on its own."""
        ends = self._ruler.tokenizer.spans(text)[: max(room, 0), 1].tolist()
        while ends:
            beginning = text[: whole_grapheme(text, ends.pop(), 0)].rstrip()
            if self._ruler.tokenizer.counts([beginning])[0] <= room:
                return beginning
        return ""
