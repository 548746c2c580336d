"""Source code, cut where its language allows: before classes and functions, else blank lines, lines, words."""

from __future__ import annotations

import posixpath
from typing import cast

from chunking.packing import Packing
from chunking.recursive import PROSE, Language, separators
from chunking.spans import Span
from chunking.strategy import Given
from sluice.records import Document
from sluice.settings import Section

LANGUAGES: dict[str, Language] = {
    ".c": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".ex": "elixir",
    ".exs": "elixir",
    ".go": "go",
    ".h": "c",
    ".hpp": "cpp",
    ".hs": "haskell",
    ".java": "java",
    ".js": "js",
    ".jsx": "js",
    ".kt": "kotlin",
    ".lua": "lua",
    ".php": "php",
    ".proto": "proto",
    ".ps1": "powershell",
    ".py": "python",
    ".r": "r",
    ".rb": "ruby",
    ".rs": "rust",
    ".scala": "scala",
    ".sol": "sol",
    ".swift": "swift",
    ".tex": "latex",
    ".ts": "ts",
    ".tsx": "ts",
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
