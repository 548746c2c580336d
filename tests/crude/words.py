"""Words of a text for comparing two ways of reading a document: without case, forms, marks and digits' looks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> Counter[str]:
    """Each word with how often it is there, after NFKC and case folding."""
    return Counter(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def squeezed(text: str) -> str:
    """The text as one string of letters and digits."""
    return "".join(_WORD.findall(unicodedata.normalize("NFKC", text.replace("\u00ad", "")).casefold()))


def lost(crude: str, text: str) -> Counter[str]:
    """Words that the crude extraction has more often than the text."""
    return words(crude) - words(text)
