"""Whoever sits at the terminal says what answers a question: shown what is found, told what to type, free to undo."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Callable, Iterable, Sequence

import click
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from evaluation.golden import Label
from evaluation.judging import Judgement, Places, Question
from sluice.errors import ConfigurationError
from sluice.records import Hit

WHICH = "Which answer it? [1 2 …, f, u, n, s, b, q, ?]"
WORDS = "The words that answer it (Enter: the whole document)"
HELP = """\
  1, or 1 3   these answer it; you are asked for the words next
  f           find a document by words that stand in it
  u           a document that is not shown: you type its uri
  n           no document answers it (not: none of these)
  s           skip; it is not asked again unless you say --skipped
  b           back: take the last judgement out and ask that question again
  q, Ctrl-C   stop; everything judged so far is in the file already
"""
WORDS_HELP = "  Copy them from the passage, or type its first and last words with … or ... between them."


class Stopped(Exception):
    """The person has had enough: q, Ctrl-C or the end of the input, at any prompt."""


class Terminal:
    """Asks one question after another; implements `evaluation.judging.Judge`."""

    def __init__(
        self,
        console: Console,
        places: Places,
        slices: Iterable[str] = (),
        *,
        editing: bool = True,
        find: Callable[[str], Sequence[tuple[str, str, str]]] = lambda _words: (),
    ) -> None:
        """With `editing` prompts are on standard output, as line editing needs it; else on standard error.

        `find` gives documents that hold all words: source, uri, and the words in their place.
        """
        self._console, self._places, self._editing, self._find = console, places, editing, find
        self._slices = dict.fromkeys(slices)
        self._added: list[list[str]] = []
        """For each question judged, in order, the slices that came with it: what is taken back is not offered any more."""
        self._told = False
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  arrow keys, and a pasted line break does not end the answer

    def ask(self, question: Question) -> Judgement:
        try:
            return self._asked(question)
        except Stopped:
            return Judgement("stop")

    def finish(self) -> bool:
        try:
            done = self._prompt("That was the last one (Enter: done, b: back)", empty=True).lower() != "b"
            if not done:
                self._forget_slices()
            return done
        except Stopped:
            return True

    def _asked(self, question: Question) -> Judgement:
        self._show(question)
        while True:
            said = self._prompt(WHICH).lower()
            match said:
                case "?" | "h" | "help":
                    self._say(HELP + WORDS_HELP)
                case "q":
                    raise Stopped
                case "s":
                    self._added.append([])
                    return Judgement("skip")
                case "b" if question.number > 1:
                    self._forget_slices()
                    return Judgement("back")
                case "b":
                    self._say("  this is the first question: there is nothing to take back")
                case "n":
                    return self._kept((), self._named())
                case "f":
                    if label := self._by_words():
                        return self._kept((label,), self._named())
                case "u":
                    if label := self._elsewhere():
                        return self._kept((label,), self._named())
                case _:
                    if chosen := _chosen(said, question.hits):
                        labels = tuple(self._words(hit.uri, hit.source, (hit.start, hit.end)) for hit in chosen)
                        return self._kept(labels, self._named())
                    self._say(f"  type {_numbers(question.hits)}f, u, n, s, b or q; ? says what they mean")

    def _show(self, question: Question) -> None:
        times = f", asked {question.asked} times" if question.asked > 1 else ""
        self._console.print()
        self._console.print(Rule(Text(f"question {question.number} of {question.of}{times}", "dim"), align="left"))
        self._say(visible(question.query), "bold")
        if not question.hits:
            self._say("  nothing is found for it", "yellow")
        for number, hit in enumerate(question.hits, 1):
            where = " › ".join(name for name in hit.heading_path if name != hit.title)
            page = f"page {hit.page}" if hit.page else ""
            self._console.print()
            self._say(f"{number}. {visible('  '.join(filter(None, (hit.uri, where, page))))}  ({hit.score:.3f})", "cyan")
            self._say(visible(hit.text))
        self._console.print()
        if not self._told:
            self._say(HELP)
            self._told = True

    def _words(self, uri: str, source: str | None = None, near: tuple[int, int] | None = None) -> Label:
        """The label of a document: asked until the words are in it."""
        while True:
            words = self._prompt(f"{visible(uri)}: {WORDS}", empty=True)
            if words == "?":
                self._say(WORDS_HELP)
                continue
            try:
                return self._places.label(uri, source, words, near=near)
            except ConfigurationError as error:
                self._say(f"  {visible(error.message)}", "red")
                self._say(WORDS_HELP)

    def _elsewhere(self) -> Label | None:
        """A document that was not found, by its uri; None when the person thinks better of it."""
        while uri := self._prompt("Its uri (Enter: none after all)", empty=True):
            try:
                self._places.label(uri)
            except ConfigurationError as error:
                self._say(f"  {visible(error.message)}", "red")
            else:
                return self._words(uri)
        return None

    def _by_words(self) -> Label | None:
        """A document that holds some words; None when the person thinks better of it."""
        while words := self._prompt("Words that stand in it (Enter: none after all)", empty=True):
            found = self._find(words)
            for number, (_, uri, snippet) in enumerate(found, 1):
                self._say(f"{number}. {visible(uri)}", "cyan")
                self._say(f"   {visible(snippet)}")
            if not found:
                self._say("  no document holds all of these words", "yellow")
                continue
            said = self._prompt(f"Which? [1 to {len(found)}; Enter: other words]", empty=True)
            if said.isascii() and said.isdigit() and 1 <= int(said) <= len(found):
                source, uri, _ = found[int(said) - 1]
                return self._words(uri, source)
        return None

    def _forget_slices(self) -> None:
        for name in self._added.pop() if self._added else ():
            self._slices.pop(name, None)

    def _named(self) -> tuple[str, ...]:
        known = f" of {', '.join(list(self._slices)[:12])}, or new ones" if self._slices else ""
        said = self._prompt(f"Slices{known}, commas between (Enter: none)", empty=True)
        named = tuple(dict.fromkeys(part.strip() for part in said.split(",") if part.strip()))
        self._added.append([name for name in named if name not in self._slices])
        self._slices |= dict.fromkeys(named)
        return named

    def _kept(self, labels: Sequence[Label], slices: tuple[str, ...]) -> Judgement:
        self._say("kept: " + ("; ".join(map(_told, labels)) or "no document answers it") + _listed(slices), "green")
        return Judgement("keep", tuple(labels), slices)

    def _prompt(self, text: str, *, empty: bool = False) -> str:
        """What was typed, trimmed; asked again while it is empty, unless that is an answer. Raises Stopped."""
        while True:
            try:
                said: str = click.prompt(text, default="", show_default=False, err=not self._editing)
            except click.Abort:  # Ctrl-C, or the end of the input
                self._console.print()
                raise Stopped from None
            if said.strip() or empty:
                return said.strip()

    def _say(self, text: str, style: str = "") -> None:
        """Text as it is, wrapped by the terminal: what is copied from it holds no line break of ours."""
        self._console.print(Text(text, style), soft_wrap=True)


def visible(text: str) -> str:
    """Text without control characters: a document shall not move the cursor or rename the window."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else "�" for c in text)


def _chosen(said: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits of these numbers, one for each document; empty when they are not all numbers of hits."""
    numbers = said.replace(",", " ").split()
    if not all(n.isascii() and n.isdigit() and 1 <= int(n) <= len(hits) for n in numbers):
        return []
    return list({hit.document_key: hit for hit in (hits[int(n) - 1] for n in reversed(numbers))}.values())[::-1]


def _numbers(hits: Sequence[Hit]) -> str:
    return "" if not hits else "1, " if len(hits) == 1 else f"numbers from 1 to {len(hits)}, "


def _told(label: Label) -> str:
    quote = " ".join((label.quote or "").split())
    if len(quote) > 100:
        quote = f"{quote[:60]} … {quote[-30:]}"
    return visible(label.uri) + (f" “{visible(quote)}”" if quote else " (the whole document)")


def _listed(slices: Sequence[str]) -> str:
    return f"  [{', '.join(slices)}]" if slices else ""
