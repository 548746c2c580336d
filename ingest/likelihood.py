"""Which of two guesses at an encoding is likelier, by where characters stand: a capital within a small word does not."""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\ufffd"

_SAMPLE = 64 * 1024
_OTHERS = {"windows-1252": "cp1252", "macintosh": "mac-roman", "cp850": "cp850"}
"""What the detector takes for others of its own, or does not know: the Web has no pages of Macintosh before OS X and of DOS."""
_OPENING, _CLOSING = "“‘«»„‚‹›”’", "”’»«“‘›‹"
_LEAST, _SURER = 0.75, 0.15
_USUAL = frozenset("äöüßéèàçêóáíñåøæãúôâîûëïòùìõ")
"""Small letters beyond ASCII of the languages that these encodings are for; of others, a guess that is another's has its own."""
_WORDS = "àèéóåöæÀÉÅ"
"""Letters beyond ASCII that are words by themselves."""
_SIGNS = frozenset("•€£§°©®™•½¼±×µ²³\xa0…")


def likelier(content: bytes, name: str, text: str) -> tuple[str, str]:
    """The guess and its text, or another encoding in which clearly more characters stand where such characters do."""
    best, least = (name, text), max(_LEAST, _fits(text[:_SAMPLE], name) + _SURER)
    for other, codec in _OTHERS.items() if least < 1 + _SURER else ():
        read = content.decode(codec, "replace")
        if other != name and (fits := _fits(read[:_SAMPLE], other)) >= least:
            best, least = (other, read), fits + 1e-6
    return best


def _fits(text: str, encoding: str) -> float:
    """How well a text's characters beyond ASCII stand where they are, 0 to 1: a capital within a small word does not."""
    is_own = encoding not in _OTHERS
    foreign = [place for place, character in enumerate(text) if ord(character) > 127]
    said = (_belongs(text[max(place - 1, 0) : place], text[place], text[place + 1 : place + 2], is_own) for place in foreign)
    return sum(said) / max(1, len(foreign))


def _belongs(before: str, character: str, after: str, is_own: bool) -> float:
    if character.isalpha() and character not in "ªºƒ":
        return _letter(before, character, after, is_own)
    if character == "’" and before.isalpha():
        return 1.0
    if character in _OPENING or character in _CLOSING:
        opens, closes = not before.isalnum() and after.strip() != "", not after.isalnum() and before.strip() != ""
        return float((opens and character in _OPENING) or (closes and character in _CLOSING))
    if character in "–—":
        return 0.9 if before.isalnum() == after.isalnum() else 0.0
    if character in "¡¿":
        return float(not before.isalnum() and after.isalpha())
    if character in "€£" and (before.isalpha() or after.isalpha()):
        return 0.2
    if character in _SIGNS:
        return 0.0 if before.islower() and after.islower() else 0.8
    if unicodedata.category(character)[0] in "LM" or character == "\xad":
        return 1.0 if is_own or character == "\xad" else 0.0
    return 0.2 if unicodedata.category(character)[0] != "C" and character != REPLACEMENT else 0.0


def _letter(before: str, character: str, after: str, is_own: bool) -> float:
    if unicodedata.category(character) not in ("Ll", "Lu", "Lt"):
        return float(is_own)
    if not (before.isalpha() or after.isalpha()):
        return 1.0 if character in _WORDS and not after.isdigit() else 0.2
    if not character.islower() and before.isalpha() and (not before.isupper() or after.islower()):
        return 0.0
    return 1.0 if character.lower() in _USUAL else 0.9 if is_own else 0.5
