"""Source code, cut where its language allows: before classes and functions, else blank lines, lines, words."""

from __future__ import annotations

import posixpath
from typing import cast

from langchain_text_splitters import Language

from chunking.packing import Packing
from chunking.recursive import PROSE, separators
from chunking.spans import Span
from chunking.strategy import Given
from sluice.records import Document
from sluice.settings import Section

LANGUAGES: dict[str, Language] = {
    ".c": Language.C,
    ".cc": Language.CPP,
    ".cpp": Language.CPP,
    ".cs": Language.CSHARP,
    ".ex": Language.ELIXIR,
    ".exs": Language.ELIXIR,
    ".go": Language.GO,
    ".h": Language.C,
    ".hpp": Language.CPP,
    ".hs": Language.HASKELL,
    ".java": Language.JAVA,
    ".js": Language.JS,
    ".jsx": Language.JS,
    ".kt": Language.KOTLIN,
    ".lua": Language.LUA,
    ".php": Language.PHP,
    ".proto": Language.PROTO,
    ".ps1": Language.POWERSHELL,
    ".py": Language.PYTHON,
    ".r": Language.R,
    ".rb": Language.RUBY,
    ".rs": Language.RUST,
    ".scala": Language.SCALA,
    ".sol": Language.SOL,
    ".swift": Language.SWIFT,
    ".tex": Language.LATEX,
    ".ts": Language.TS,
    ".tsx": Language.TS,
}
"""langchain's languages by a uri's extension."""


class Options(Section):
    """`language`: of every document, instead of the one that its uri's extension names."""

    language: Language | None = None


class Code:
    """Pieces that begin at the language's own boundaries, joined up to `max_tokens`; any other document like `recursive`."""

    Options = Options

    def __init__(self, given: Given) -> None:
        self._given = given
        self._language = cast(Options, given.options).language
        self._packs: dict[Language | None, Packing] = {}
        self.fingerprint = given.fingerprint("code", 1)

    def split(self, document: Document) -> list[Span]:
        text = document.text
        return self._pack(self._language or language_of(document)).split(self._given.ruler.tokens(text), 0, len(text))

    def _pack(self, language: Language | None) -> Packing:
        if language not in self._packs:
            found = separators(PROSE, language)
            self._packs[language] = Packing(self._given.max_tokens, self._given.overlap_tokens, found)
        return self._packs[language]


def language_of(document: Document) -> Language | None:
    """The programming language that a document's uri names."""
    return LANGUAGES.get(posixpath.splitext(document.uri)[1].lower())
