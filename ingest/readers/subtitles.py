"""Subtitles (SubRip, WebVTT, YouTube's, SubStation Alpha): what is said, without numbers and times of cues; who speaks stays."""

from __future__ import annotations

import html
import re

from ingest.elements import Piece, clean

_TIME = r"(?:\d{1,3}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_CUE = re.compile(rf"[^\S\n]*{_TIME}(?:[^\S\n]*-->[^\S\n]*{_TIME}[^\n]*|,{_TIME}[^\S\n]*)")
_NUMBERED = re.compile(rf"\s*(?:\d+[^\S\n]*\n)?{_CUE.pattern}(?:\n|\Z)")
_HEADED = re.compile(r"WEBVTT(?:[ \t][^\n]*)?(?:\n|\Z)")
_SCRIPT = "[Script Info]"
_DIALOGUE = re.compile(r"^Dialogue:(?:[^,\n]*,){9}([^\n]*)", re.MULTILINE)
_ASIDE = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t]|\Z)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^<>]+)>")
_MARKS = re.compile(r"</?(?:[biuvc]|ruby|rt|lang|font|\d[\d:.]*)\b[^<>]*>|\{\\[^{}]*\}", re.IGNORECASE)
_WORD_BY_WORD = re.compile(r"<\d+:\d\d[\d:.]*>")
_ENDS = (".", "!", "?", "…", '"', "”", "。", "！", "？", "»", ")")
_LONGEST = 1000


def are_subtitles(text: str) -> bool:
    """Whether a text begins as subtitles do."""
    start = text.lstrip("\ufeff \t\r\n")[:2000].replace("\r\n", "\n")
    return start.startswith(_SCRIPT) or _HEADED.match(start) is not None or _NUMBERED.match(start) is not None


def subtitle_pieces(text: str) -> list[Piece]:
    """What is said as paragraphs: cues are cut for the screen, so a paragraph ends where a sentence does, or another speaks."""
    found: list[Piece] = []
    said: list[str] = []

    def close() -> None:
        if said:
            found.append(Piece("text", " ".join(said)))
            said.clear()

    rolls = _WORD_BY_WORD.search(text) is not None
    before = ""
    for block in _blocks(text):
        for at, line in enumerate(block):
            # A line goes on being shown while the next one appears under it.
            if line == before and (rolls or (at == 0 and len(block) > 1)):
                continue
            before = line
            if _begins_a_turn(line):
                close()
            said.append(line)
            if line.endswith(_ENDS) or sum(map(len, said)) > _LONGEST:
                close()
    close()
    return found


def _blocks(text: str) -> list[list[str]]:
    """The lines of each cue."""
    if text.lstrip("\ufeff \t\r\n").startswith(_SCRIPT):
        spoken = (re.sub(r"\\[Nn]", "\n", at[1]).replace("\\h", " ") for at in _DIALOGUE.finditer(clean(text)))
        return [[shown for line in part.split("\n") if (shown := _shown(line))] for part in spoken]
    lines = [line.strip() for line in clean(text.replace("\ufeff", "")).split("\n")]
    cues = [at for at, line in enumerate(lines) if _CUE.fullmatch(line)]
    found = []
    for at, next_cue in zip(cues, [*cues[1:], len(lines)], strict=True):
        inside = lines[at + 1 : next_cue]
        if next_cue < len(lines):
            inside = inside[: _end(inside)]
        found.append([shown for line in _without_asides(inside) if (shown := _shown(line))])
    return found


def _end(inside: list[str]) -> int:
    """Where the text of a cue ends before another cue: the last line above it, behind an empty one, is its name or number."""
    if inside and inside[-1] and (inside[-1].isdecimal() or (len(inside) > 1 and not inside[-2])):
        return len(inside) - 1
    return len(inside)


def _without_asides(lines: list[str]) -> list[str]:
    """Without the blocks that say something to programs and writers."""
    kept: list[str] = []
    aside = False
    for at, line in enumerate(lines):
        aside = bool(line) and (aside or (at > 0 and not lines[at - 1] and _ASIDE.match(line) is not None))
        if not aside:
            kept.append(line)
    return kept


def _shown(line: str) -> str:
    voiced = _VOICE.sub(lambda at: f"{at[1].strip()}: ", line)
    return " ".join(html.unescape(_MARKS.sub("", voiced)).split())


def _begins_a_turn(line: str) -> bool:
    """A dash, or a name and a colon, begin what another one says."""
    return re.match(r"[-–—]\s*\S|[^\W\d_][\w .'-]{0,30}: ", line) is not None
