"""Characters that nobody sees, and sentences that speak to the model instead of the reader: found in plain text."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

from ingest.edits import Edit
from ingest.poison.disguises import disguised
from ingest.poison.phrases import EXFILTRATION, INSTRUCTIONS, ROLES
from sluice.spelling import LOOKALIKES

_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{3,6}\U000e007f")  # of Scotland, and the like
# One variation selector chooses a glyph; several in a row, or one after a letter that has none, carry bytes.
_PAYLOAD = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}|(?<![\u3400-\u9fff\uf900-\ufaff])[\U000e0100-\U000e01ef]")
_ZERO_WIDTH = re.compile("[\u200b\u2060-\u2064\u206a-\u206f\ufeff\u180e\u3164\u115f\u1160]+")
_JOINERS = re.compile("(?<=[\\x00-\u024f])[\u200c\u200d]+|[\u200c\u200d]+(?=[\\x00-\u024f])")  # emoji and scripts need them
_MARKS = re.compile("[\u200e\u200f]+")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]+")
_OVERRIDES = re.compile("[\u202d\u202e]+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdfd\ufe70-\ufefc]")
_SUSPECT = re.compile("[\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]")
_BLANK = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e01ef]")

_FOREIGN = re.compile(r"[^\x00-\x7f]")
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/]{40,}={0,2}(?![A-Za-z0-9+/=_-])")
_SENTENCE_END = re.compile(r"[.!?](?=\s)|\n|[。！？]")


def invisible(text: str) -> dict[str, list[Edit]]:
    """Rule → runs of characters that nobody sees, as edits that remove them; emoji and scripts that need them keep theirs."""
    if not _SUSPECT.search(text):
        return {}
    flags = [flag.span() for flag in _FLAG.finditer(text)]
    tags = [m.span() for m in _TAGS.finditer(text) if not any(start < m.start() < end for start, end in flags)]
    tags += [m.span() for m in _PAYLOAD.finditer(text)]
    rtl = _RIGHT_TO_LEFT.search(text) is not None
    widthless = [m.span() for m in _ZERO_WIDTH.finditer(text)]
    widthless += [m.span() for m in _JOINERS.finditer(text)] + ([] if rtl else [m.span() for m in _MARKS.finditer(text)])
    bidi = [m.span() for m in (_OVERRIDES if rtl else _BIDI).finditer(text)]
    found = {"tag_characters": tags, "zero_width": widthless, "bidi_controls": bidi}
    return {rule: [Edit(*span) for span in sorted(spans)] for rule, spans in found.items() if spans}


def addressing(text: str) -> dict[str, list[Edit]]:
    """Rule → the sentences that speak to the model, as edits that remove them; spelling tricks are seen through."""
    shadow, place = _shadow(text)
    found = {
        "instructions": [*_instructions(shadow), *_encoded(shadow), *disguised(shadow)],
        "role_markers": [m.span() for m in ROLES.finditer(shadow)],
        "exfiltration": [m.span() for m in EXFILTRATION.finditer(shadow)],
    }
    return {
        rule: [Edit(place(start), place(end - 1) + 1) for start, end in _sentences(shadow, sorted(spans))]
        for rule, spans in found.items()
        if spans
    }


@cache
def addresses_the_model(text: str) -> bool:
    """Whether a short text (an alternative text, a comment) gives orders to the model."""
    return bool(addressing(text)) or _TAGS.search(text) is not None


def _instructions(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in INSTRUCTIONS.finditer(text))


def _encoded(text: str) -> Iterator[tuple[int, int]]:
    """Orders wrapped in base64: a model unwraps them unasked."""
    for found in _ENCODED.finditer(text):
        packed = found.group().rstrip("=")
        try:
            inner = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if any(INSTRUCTIONS.finditer(inner)) or any(ROLES.finditer(inner)):
            yield found.span()


def _sentences(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The sentences these spans lie in, each once."""
    grown: list[tuple[int, int]] = []
    for start, end in spans:
        if grown and end <= grown[-1][1]:
            continue
        before = [m.end() for m in _SENTENCE_END.finditer(text, max(0, start - 1000), start)]
        after = _SENTENCE_END.search(text, end - 1)
        begin = before[-1] if before else max(0, start - 1000)
        finish = len(text) if after is None else after.start() if after.group() == "\n" else after.end()
        begin += len(text[begin:start]) - len(text[begin:start].lstrip())
        if grown and begin < grown[-1][1]:
            begin = grown[-1][1]
        grown.append((begin, max(finish, end)))
    return grown


def _shadow(text: str) -> tuple[str, Callable[[int], int]]:
    """The text as a reader takes it in (no invisible characters, lookalikes as what they look like), and the way back."""
    if text.isascii():
        return text, lambda position: position
    kept = [i for i, character in enumerate(text) if not _BLANK.match(character)] if _BLANK.search(text) else None
    shown = text if kept is None else "".join(text[i] for i in kept)
    plain = _FOREIGN.sub(lambda found: _plain(found.group()), shown)
    if kept is None:
        return plain, lambda position: position
    return plain, lambda position: kept[position]


@cache
def _plain(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).translate(LOOKALIKES)
    return folded if len(folded) == 1 else character
