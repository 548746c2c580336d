"""Paragraphs, else lines, else words: the recursive splitter of langchain-text-splitters, on token positions.

langchain's class measures each piece by calling back with its text, which tokenises a document about three times,
and cannot say where a piece came from when sizes are tokens (its start indices are wrong then). So its separators
are used as they are, per language, and its algorithm is followed on offsets: the chunks are the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, cast

from pydantic import Field, model_validator

from chunking.packing import Packing
from chunking.spans import Span
from chunking.strategy import Given
from sluice.records import Document
from sluice.settings import Section

PROSE = ("\n\n", "\n", " ", "")
"""langchain's default separators, from the coarsest to the finest."""


Language = Literal[
    "cpp", "go", "java", "kotlin", "js", "ts", "php", "proto", "python", "r", "rst", "ruby", "rust", "scala", "swift",
    "markdown", "latex", "html", "sol", "csharp", "cobol", "c", "lua", "perl", "haskell", "elixir", "powershell", "visualbasic6",
]  # fmt: skip
"""langchain's languages: its enumeration of them costs 0.2 s of import, which only who names one pays."""


class Options(Section):
    """`separators`: literal, coarsest first. `language`: langchain's separators for it instead (`markdown`, `python`, …)."""

    separators: tuple[str, ...] = Field(default=PROSE, min_length=1)
    language: Language | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Options:
        if self.language is not None and self.separators != PROSE:
            raise ValueError("give separators or language, not both")
        return self


class Recursive:
    """Pieces between separators, merged up to `max_tokens`; a piece too large is split at the next finer separator.

    Neighbours share up to `overlap_tokens` in whole pieces. Where no separator is left, windows of tokens.
    """

    Options = Options

    def __init__(self, given: Given) -> None:
        own = cast(Options, given.options)
        self._ruler = given.ruler
        self._pack = Packing(given.max_tokens, given.overlap_tokens, separators(own.separators, own.language))
        self.fingerprint = given.fingerprint("recursive", 1)

    def split(self, document: Document) -> list[Span]:
        return self._pack.split(self._ruler.tokens(document.text), 0, len(document.text))


def separators(literal: Sequence[str], language: str | None = None) -> list[re.Pattern[str]]:
    """Compiled separators, coarsest first; the empty one is left out, as windows of tokens take its place."""
    if language is not None:
        import langchain_text_splitters as langchain

        found = langchain.RecursiveCharacterTextSplitter.get_separators_for_language(langchain.Language(language))
        return [re.compile(pattern) for pattern in found if pattern]
    return [re.compile(re.escape(each)) for each in literal if each]
