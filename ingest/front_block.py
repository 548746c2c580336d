"""Where a document's front matter lies, and what is so nearly front matter that it must not pass as text.

    yaml   between lines of `---` (or from `---` to `...`)
    toml   between lines of `+++`
    json   between lines of `;;;`, or one object from `{` on

Before the block may stand what nobody reads: byte-order marks, invisible characters, blank lines, comments. Lines may end in
any way that Unicode knows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

from ingest.front_keys import meaning

Language = Literal["yaml", "toml", "json"]

_UNSEEN = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
_NL = r"(?:\r\n|[\n\r\x0b\x0c\x85\u2028\u2029])"
_PAD = f"[ \\t\u00a0{_UNSEEN}]*+"
_PREAMBLE = re.compile(
    rf"(?:[\s{_UNSEEN}]++|<!--.*?-->|\{{#.*?#\}}|\{{\{{-? ?/\*.*?\*/ ?-?\}}\}}"
    rf"|\{{%-? *comment *-?%\}}.*?\{{%-? *endcomment *-?%\}}"
    rf"|\[(?://|comment)\]: *(?:#|<>)[^\n\r]*|#![^\n\r]*|<\?.*?\?>|<!doctype[^>]*>)*+",
    re.DOTALL | re.IGNORECASE,
)
_FENCES: tuple[tuple[Language, str, str], ...] = (
    ("yaml", r"---(?:[ \t]*+(?:\#[^\n\r]*|ya?ml))?", r"(?:---|\.\.\.)"),
    ("toml", r"(?:\+\+\+(?:[ \t]*+toml)?|---[ \t]*+toml)", r"(?:\+\+\+|---)"),
    ("json", r"(?:;;;(?:[ \t]*+json)?|---[ \t]*+json)", r"(?:;;;|---)"),
)
_BLOCKS = tuple(
    (
        language,
        re.compile(rf"{opened}{_PAD}{_NL}(?P<inner>(?:.*?{_NL})??){_PAD}{closed}{_PAD}(?:{_NL}|\Z)", re.DOTALL),
    )
    for language, opened, closed in _FENCES
)
_OPENED = re.compile(rf"(?:{'|'.join(opened for _, opened, _ in _FENCES)}){_PAD}(?:{_NL}|\Z)")
_END = re.compile(rf"{_PAD}(?:{_NL}|\Z)")

HEAD = 16_384
"""Characters in which what is nearly front matter is looked for, after the comments and blanks that begin a text."""
_LINES = 100
_EDGES = " \t\u00a0\u00ad\ufeff" + "".join(map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070))))
_RULE = re.compile(r"(?:[-‐-―−]{2,}|\+{3,}|;{3,}|\.\.\.|\*{3,}|_{3,}|={3,})[ \t]{0,4}\w{0,8}")
_COMMENT = re.compile(r"/\*+|\"{3}|'{3}|<\?php|#!.*")
"""A first line of a program with nothing else in it."""
_CODE = re.compile(r"(`{3,}|~{3,})")
_KEY = rf"[^\W\d_](?:[\w \t.{_UNSEEN}-]{{1,40}}?)"
_STATED = re.compile(
    rf"(?:\#\+?|:|@|%+|//+|NOTE(?=[ \t])|>|;|\.\.|--+|/\*+|\"{{3}}|'{{3}})?"
    rf"[ \t]{{0,4}}[\"'“”«{{\[(*_]{{0,4}}[ \t]{{0,4}}(?P<key>{_KEY})"
    rf"[\"'“”»*_]{{0,4}}[ \t]{{0,4}}(?:=>|[:=：＝∶꞉︓﹕])"
)
"""A line that gives a key a value, in the ways of YAML, TOML, JSON, Org, reStructuredText and of people."""
_NAMED = re.compile(rf"(?<![\w-])(?P<key>{_KEY})[\"'”*]{{0,3}}[ \t]{{0,3}}(?:=>|[:=：＝∶꞉︓﹕])")
_META = re.compile(r"<meta\b[^>]{0,300}?\b(?:name|property)\s{0,3}=\s{0,3}[\"']?(?P<key>[\w.: -]{2,40})", re.IGNORECASE)
_SHOWN_CODE = re.compile(
    r"(?<=\n)[ \t]{0,3}(?P<f>`{3,}|~{3,})[^\n]*\n.*?(?:\n[ \t]{0,3}(?P=f)|\Z)|(?P<s>(?<!`)`{1,2}(?!`))[^`\n]+(?P=s)", re.DOTALL
)
"""Fences of code that do not begin a text, and spans of code in a line: what they show is an example."""
_MARKED = re.compile(r"(?:<|\s)(?:[\w-]{1,40}:)?(?P<key>[\w.-]{2,40})(?=[\s/>]|\s{0,3}=\s{0,3}[\"'])")
"""What may be the name of an element, or of an attribute."""
_HEADERLIKE = re.compile(r"$|\#|//|[-*] |[\]})]|[\"'\w][^\n]{0,200}?[:=]")
_BULLET = re.compile(r"[-*+] (?=[\w \t.-]{2,40}:)")
_WITHIN = re.compile(rf"[\[(]{{1,2}}(?P<key>{_KEY})::")
"""A property within a line, as Dataview and Semantic MediaWiki have it."""
_ORG = re.compile(r"#\+property:[ \t]*(?P<key>[\w-]{2,40})", re.IGNORECASE)
_REMARK = re.compile(r"(?P<mark>\#+|//+|--+|%+|;+)[ \t]*(?=(?:-{3}|\+{3})[ \t]*$)")
"""What makes a fence a comment of a program, as Jupytext writes notebooks."""
_INDENTED_CODE = 4


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the head of a text: its own words, and where the text goes on."""

    language: Language
    inner: str
    end: int
    bare: bool = False
    """An object without fences around it."""


def find(text: str) -> Block | None:
    """The block that a text begins with; None where there is none, or it is never closed."""
    start = _preamble(text)
    for language, pattern in _BLOCKS:
        if found := pattern.match(text, start):
            return Block(language, found["inner"], found.end())
    if text.startswith("{", start) and not text.startswith(("{{", "{%"), start):
        try:
            value, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            return None
        rest = _END.match(text, end)
        if isinstance(value, dict) and rest is not None:
            return Block("json", text[start:end], rest.end(), bare=True)
    return None


def unclosed(text: str) -> bool:
    """Whether a text begins as a block does."""
    return _OPENED.match(text, _preamble(text)) is not None


def names(words: str) -> str:
    """The first key within these words that says who may read or until when, or nearly does; empty without one."""
    return next((m["key"].strip() for m in _NAMED.finditer(words) if meaning(m["key"])), "")


def nearly(text: str, start: int = 0) -> str:
    """The key of a permission or expiry that stands at the head of a text as in front matter; empty without one.

    A permission counts on any of the first lines outside code; an expiry, which is a word of everyday letters, only between
    lines that look like a block's. What begins the text counts also within a comment or a fence of code.
    """
    begin = _preamble(text, start)
    if hidden := names(text[start:begin]):
        return hidden
    head = text[begin : begin + HEAD]
    if bullet := _BULLET.match(head):
        head = head[bullet.end() :]  # the properties of a page of Logseq
    if meta := next(
        (m["key"] for m in _META.finditer(_SHOWN_CODE.sub("", head)) if meaning(m["key"]) in ("tags", "nearly_tags")), ""
    ):
        return meta
    return next(_stated(re.split(_NL, head)[:_LINES]), "")


def marked(text: str, most: int = HEAD) -> str:
    """The first element or attribute at the head of XML that is named as a permission; empty without one."""
    return next((m["key"] for m in _MARKED.finditer(text, 0, most) if meaning(m["key"]) == "tags"), "")


def grants(words: str) -> str:
    """The first key within free words (a comment, keywords) that says who may read, or nearly does; empty without one."""
    keys = (m["key"].strip() for m in _NAMED.finditer(words[:HEAD]))
    return next((key for key in keys if meaning(key) in ("tags", "nearly_tags")), "")


def begins(text: str) -> str:
    """The key of a permission or expiry in a block that the text begins with, read or not; empty without one.

    For what is laid out (Word, PDF) and has no front matter: a line further down may well speak of tags.
    """
    lines = (line.strip(_EDGES) for line in re.split(_NL, text[:HEAD], maxsplit=_LINES))
    first, second = islice(chain(filter(None, lines), ("", "")), 2)
    opened = _COMMENT.fullmatch(first)
    stated = _STATED.match(second.lstrip("* ") if opened else first)
    if stated and meaning(stated["key"]) in ("tags", "nearly_tags"):
        return stated["key"].strip()
    if remark := _REMARK.match(first):
        lines = (line.strip(_EDGES).removeprefix(remark["mark"]) for line in re.split(_NL, text[:HEAD], maxsplit=_LINES))
        return nearly("\n".join(lines))
    return nearly(text) if _RULE.fullmatch(first) else ""


def _stated(lines: list[str]) -> Iterator[str]:
    """The keys that count, line by line: `ruled` is the part below a line of `---` while all of it looks like a block."""
    code, first, ruled, expiries = "", "", False, list[str]()
    for number, whole in enumerate(lines):
        line = whole.strip(_EDGES)
        fence = _CODE.match(line)
        if fence and number == 0:
            first, ruled = fence[1], True  # what begins with a fence of code may be a block that somebody wrapped
            continue
        if fence and first and line.startswith(first):
            first, ruled = "", False
            continue
        if fence and (not code or line.startswith(code)):
            code = "" if code else fence[1]
            continue
        if code:
            continue
        if number == 0 and line.startswith("{") and not line.startswith(("{{", "{%")):
            ruled = True
            if inner := names(line):
                yield inner
        if _RULE.fullmatch(line):
            yield from expiries
            ruled, expiries = True, []
            continue
        stated = _STATED.match(line)
        meant = meaning(stated["key"]) if stated else ""
        indented = len(whole.expandtabs(4)) - len(whole.expandtabs(4).lstrip(_EDGES)) >= _INDENTED_CODE
        if stated and meant in ("tags", "nearly_tags") and (ruled or not indented):
            yield stated["key"].strip()
        if (org := _ORG.match(line)) and meaning(org["key"]) in ("tags", "nearly_tags"):
            yield org["key"]
        yield from (m["key"].strip() for m in _WITHIN.finditer(line) if meaning(m["key"]) in ("tags", "nearly_tags"))
        if not indented and not _HEADERLIKE.match(line.lstrip("{[")):
            ruled, expiries = False, []
        elif stated and meant == "expires":
            expiries.append(stated["key"].strip())
            yield from expiries if ruled else ()
        elif ruled and (inner := names(line)):
            yield inner


def _preamble(text: str, start: int = 0) -> int:
    found = _PREAMBLE.match(text, start)
    return found.end() if found else start
