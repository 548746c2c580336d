"""Finding phrases in long texts quickly: patterns are tried only around the words without which they cannot match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

_AROUND = 300
"""How far from one of its words a phrase may reach."""


@dataclass(frozen=True)
class Phrases:
    """Patterns, each tried only around its words: most pages have none of most words, and a word search is quick.

    A pattern is compiled when it is first tried: all of them take 70 ms, which no command that parses nothing shall pay.
    """

    patterns: tuple[tuple[tuple[str, ...], str], ...]

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Matches, in order of pattern."""
        small = _spaced(text.lower())
        if len(small) != len(text):  # some capitals have two small letters; then places are not the text's
            small = _spaced("".join(c.lower() if len(c.lower()) == 1 else c for c in text))
        there = {word: _places(word, small) for word in self._words if word in small}
        for words, phrase in self.patterns if there else self._wordless:
            if not words:
                yield from _pattern(phrase).finditer(text)
            elif places := sorted(place for word in words if word in there for place in there[word]):
                for start, end in _windows(places):
                    yield from _pattern(phrase).finditer(text, start, end)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(word for words, _ in self.patterns for word in words))

    @cached_property
    def _wordless(self) -> tuple[tuple[tuple[str, ...], str], ...]:
        return tuple((words, phrase) for words, phrase in self.patterns if not words)


def _spaced(text: str) -> str:
    """Every blank as a space: three times as quick as str.translate."""
    for blank in "\n\t\r\u00a0":
        text = text.replace(blank, " ")
    return text


def _places(word: str, small: str) -> list[int]:
    """Where a word begins; one of two or three letters from a to z must stand alone."""
    found, place = [], small.find(word)
    while place >= 0:
        end = place + len(word)
        if len(word) > 3 or not word.isascii() or not (small[place - 1 : place].isalnum() or small[end : end + 1].isalnum()):
            found.append(place)
        place = small.find(word, end)
    return found


def _windows(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    begin, finish = 0, -1
    for place in places:
        if place - _AROUND > finish:
            if finish >= 0:
                yield begin, finish
            begin = max(0, place - _AROUND)
        finish = place + _AROUND
    if finish >= 0:
        yield begin, finish


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile(phrase.replace(" ?", r"\s*").replace(" ", r"\s+"), re.I | re.M)


def compiled(phrases: Iterable[tuple[tuple[str, ...], str]]) -> Phrases:
    """Phrases from words and patterns in which a blank stands for any white space, and ` ?` for any or none."""
    return Phrases(tuple(phrases))
