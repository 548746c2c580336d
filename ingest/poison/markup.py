"""Text in HTML, and in HTML within Markdown, that a browser does not show: found in the source, and cut from it.

The scan is lexical and keeps everything else as it is, byte for byte. It knows inline styles, attributes, and the rules
of `<style>` blocks whose selector is one tag, class or id. It does not know external style sheets and scripts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser

from ingest.poison.text import addresses_the_model
from ingest.stylesheets import declarations, style_rules

WORTH_A_SCAN = re.compile(r"style\s*=|<style|\shidden\b|<font|bgcolor|<!--|\salt\s*=", re.IGNORECASE)
_VOID_NAMES = "area base br col embed hr img input link meta param source track wbr"
_VOID = frozenset(_VOID_NAMES.split())
_BLOCK_NAMES = "p div ul ol table h1 h2 h3 h4 h5 h6 section article blockquote pre form main header footer"
_CLOSES = {  # opening tags that end an element which nobody closed
    "p": frozenset(_BLOCK_NAMES.split()),
    "li": frozenset({"li"}),
    "td": frozenset({"td", "th", "tr"}),
    "th": frozenset({"td", "th", "tr"}),
    "tr": frozenset({"tr"}),
    "option": frozenset({"option"}),
}
_UNSEEN = frozenset({"script", "style", "template", "head", "title", "noscript"})
_IN_HEAD = _UNSEEN | {"base", "link", "meta", "basefont", "bgsound", "noframes"}
"""What may stand in a page's head: anything else ends it, said or not."""
_NAMED = {"white": (255, 255, 255), "black": (0, 0, 0), "snow": (255, 250, 250), "ivory": (255, 255, 240)}
_TRANSPARENT = re.compile(r"transparent|rgba?\(\s*\d+[,\s]+\d+[,\s]+\d+\s*[,/]\s*0(?:\.0+)?%?\s*\)|#[0-9a-f]{3}0|#[0-9a-f]{6}00")
_RUNAWAY = 4_000
_LENGTH = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|vw|vh|cm|in)?")
_CODE = re.compile(r"^(```|~~~).*?(?:^\1|\Z)|(`+)(?!`).+?(?<!`)\2(?!`)|^(?: {4}|\t)[^\n]*", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cut:
    """A span of the source that is not shown, and the rule that says so."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Look:
    """How text looks at one place in the tree; colours are RGB, or None where this scan cannot know them."""

    hidden: str = ""
    visible: bool = True
    tiny: bool = False
    colour: tuple[int, int, int] | None = (0, 0, 0)
    background: tuple[int, int, int] | None = (255, 255, 255)
    unseen: bool = False

    @property
    def rule(self) -> str:
        if self.unseen:
            return ""
        if self.hidden or not self.visible:
            return self.hidden or "hidden_style"
        if self.tiny:
            return "hidden_size"
        return "hidden_colour" if _same(self.colour, self.background) else ""


def hidden(source: str, *, markdown: bool = False) -> list[Cut]:
    """Everything in the source that a person does not see, in order; code in Markdown is text, whatever it says."""
    if not WORTH_A_SCAN.search(source):
        return []
    plain = _CODE.sub(lambda code: re.sub(r"[^\n]", "x", code.group()), source) if markdown else source
    plain = _without_runaways(plain)
    scan = _Scan(plain)
    scan.feed(plain)
    scan.close()
    return _joined(scan.cuts(), source)


def _without_runaways(source: str) -> str:
    """The source, of equal length, in which a tag that begins again and again and never ends begins once.

    The standard library's parser looks from each of them to the end: 128 KB of `<img alt='` took 9 s, and 16 times as much 40
    minutes.
    """
    parts = source.split(">")
    if not any(len(part) > _RUNAWAY and part.count("<") > 1 for part in parts):
        return source
    cut = (part.rpartition("<") if len(part) > _RUNAWAY else ("", "", part) for part in parts)
    return ">".join(before.replace("<", " ") + sign + rest for before, sign, rest in cut)


class _Scan(HTMLParser):
    """Walks the source once; what lies between two tags has the look of the innermost open element."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self._lines = [0, *(found.end() for found in re.finditer("\n", source))]
        self._length = len(source)
        self._rules, complete = style_rules(source)
        self._foreign = not complete or bool(re.search(r"<link[^<>]+stylesheet", source, re.IGNORECASE))
        self._open: list[tuple[str, _Look]] = [("", _Look(background=None if self._foreign else (255, 255, 255)))]
        self._opened: Counter[str] = Counter()
        self._events: list[tuple[int, str]] = []

    def cuts(self) -> list[Cut]:
        ends = [start for start, _ in self._events[1:]] + [self._length]
        return [Cut(rule, start, end) for (start, rule), end in zip(self._events, ends, strict=True) if rule]

    def _at(self, rule: str) -> None:
        line, column = self.getpos()
        self._events.append((self._lines[line - 1] + column, rule))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        while tag in _CLOSES.get(inner := self._open[-1][0], ()) or (inner == "head" and tag not in _IN_HEAD):
            self._opened[self._open.pop()[0]] -= 1
        look = self._looks(tag, given, self._open[-1][1])
        if tag == "img" and addresses_the_model(given.get("alt", "")):
            self._at("alt_text")
            return
        self._at(look.hidden)
        if tag not in _VOID:
            self._open.append((tag, look))
            self._opened[tag] += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML knows no self-closing tags; only void ones close themselves

    def handle_endtag(self, tag: str) -> None:
        self._at(self._open[-1][1].hidden)
        while self._opened[tag]:  # one that nothing opened ends nothing
            ended, _ = self._open.pop()
            self._opened[ended] -= 1
            if ended == tag:
                return

    def handle_data(self, data: str) -> None:
        self._at(self._open[-1][1].rule)

    def handle_entityref(self, name: str) -> None:
        self._at(self._open[-1][1].rule)

    def handle_charref(self, name: str) -> None:
        self._at(self._open[-1][1].rule)

    def handle_comment(self, data: str) -> None:
        self._at("comment" if addresses_the_model(data) else "")

    def handle_decl(self, decl: str) -> None:
        self._at("")

    def handle_pi(self, data: str) -> None:
        self._at("")

    def unknown_decl(self, data: str) -> None:
        self._at("")

    def _looks(self, tag: str, given: Mapping[str, str], above: _Look) -> _Look:
        style: dict[str, str] = {}
        for selector in (tag, *(f".{name}" for name in given.get("class", "").split()), f"#{given.get('id', '')}"):
            style |= self._rules.get(selector.lower(), {})
        style |= declarations(given.get("style", ""))
        if "color" in given and tag == "font":
            style.setdefault("color", given["color"])
        if "bgcolor" in given:
            style.setdefault("background-color", given["bgcolor"])
        if above.unseen or tag in _UNSEEN:
            return _Look(unseen=True)
        look = above if above.hidden else replace(above, hidden=_hides(style, given))
        if "visibility" in style:
            look = replace(look, visible=style["visibility"] not in ("hidden", "collapse"))
        if (size := _length(style.get("font-size", ""))) is not None:
            look = replace(look, tiny=size < 2)
        if "color" in style:
            look = replace(look, colour=_colour(style["color"]))
            if not look.hidden and _TRANSPARENT.fullmatch(style["color"]):
                look = replace(look, hidden="hidden_colour")
        ground = style.get("background-color", style.get("background", ""))
        if ground:
            found = _colour(ground.split()[0]) if ground not in ("none", "transparent", "inherit") else look.background
            return replace(look, background=found)
        unknown = self._foreign and (given.get("class") or given.get("id"))
        return replace(look, background=None) if unknown else look


def _hides(style: Mapping[str, str], given: Mapping[str, str]) -> str:
    """The rule by which an element hides all that is in it."""
    if style.get("display", "") == "none" or ("hidden" in given and given["hidden"] != "until-found"):
        return "hidden_style"
    opacity = _LENGTH.fullmatch(style.get("opacity", ""))
    if opacity and float(opacity.group(1)) < 0.05:
        return "hidden_style"
    sizes = [_length(style.get(side, "")) for side in ("max-height", "height", "width")]
    if style.get("overflow", "") == "hidden" and any(size is not None and size <= 1 for size in sizes):
        return "hidden_size"
    if re.search(r"scale[xy]?\(\s*0(?:\.0+)?\s*[,)]", style.get("transform", "")):
        return "hidden_size"
    moved = [style.get("text-indent", "")]
    if style.get("position", "") in ("absolute", "fixed", "relative"):
        moved += [style.get(side, "") for side in ("left", "top", "right", "bottom")]
        if re.search(r"rect\(\s*0|inset\(\s*(?:50|100)%", style.get("clip", "") + style.get("clip-path", "")):
            return "hidden_offscreen"
    moved += [style.get("margin-left", ""), style.get("margin-top", "")]
    return "hidden_offscreen" if any((_length(way) or 0) <= -500 for way in moved) else ""


def _length(value: str) -> float | None:
    """A length in pixels, roughly; None for what is none."""
    found = _LENGTH.fullmatch(value.strip())
    if found is None:
        return None
    scale = {"em": 16.0, "rem": 16.0, "%": 0.16, "vw": 10.0, "vh": 10.0, "cm": 38.0, "in": 96.0}
    return float(found.group(1)) * scale.get(found.group(2) or "px", 1.0)


def _colour(value: str) -> tuple[int, int, int] | None:
    """RGB; None where this scan does not know it."""
    if value in _NAMED:
        return _NAMED[value]
    if found := re.fullmatch(r"#([0-9a-f]{3}|[0-9a-f]{6})", value):
        digits = found.group(1) if len(found.group(1)) == 6 else "".join(digit * 2 for digit in found.group(1))
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if found := re.fullmatch(r"rgba?\(\s*(\d+)[,\s]+(\d+)[,\s]+(\d+)(?:\s*[,/]\s*[\d.]+%?)?\s*\)", value):
        red, green, blue = (min(int(part), 255) for part in found.groups())
        return red, green, blue
    return None


def _same(one: tuple[int, int, int] | None, other: tuple[int, int, int] | None) -> bool:
    return one is not None and other is not None and all(abs(a - b) <= 12 for a, b in zip(one, other, strict=True))


def _joined(cuts: list[Cut], source: str) -> list[Cut]:
    """Neighbours of one rule as one, and without those that hide no word."""
    joined: list[Cut] = []
    for cut in cuts:
        if joined and joined[-1].rule == cut.rule and joined[-1].end == cut.start:
            joined[-1] = replace(joined[-1], end=cut.end)
        else:
            joined.append(cut)
    return [cut for cut in joined if cut.rule in ("comment", "alt_text") or _words(source[cut.start : cut.end])]


def _words(markup: str) -> bool:
    shown = re.search(r"<img\b[^<>]{0,2000}\balt\s*=\s*[\"']?\s*\w", markup, re.IGNORECASE)
    return bool(shown or re.search(r"\w", re.sub(r"<[^>]*>?|&\w+;", " ", markup)))
