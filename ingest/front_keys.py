"""What a key of front matter means, however it is spelled: a permission, an expiry, nearly one of them, or nothing of ours.

Case, `_`, `-`, blanks, invisible characters and letters of other alphabets that look the same do not make another key:
`Access-Tags` is `access_tags`. A key that is mistyped (`acess_tags`, `expries`) is `nearly` one: who wrote it meant a
permission or an expiry, and what that was cannot be known for certain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from rapidfuzz.distance import OSA

from sluice.spelling import LOOKALIKES

Meaning = Literal["tags", "expires", "nearly_tags", "nearly_expires", ""]

_TAGS = "accesstags"
_EXPIRES = frozenset(
    ("expires", "expire", "expiry", "expirydate", "expiration", "expirationdate", "expiresat", "expireson", "expiredate")
)
"""`expiryDate` is Hugo's; the others are what people write."""
_LONGEST = 60


def permission(keys: Iterable[object]) -> str:
    """The first of these keys that says who may read, or nearly does, as it is written; empty without one."""
    return next((key for key in map(str, keys) if meaning(key) in ("tags", "nearly_tags")), "")


@lru_cache(maxsize=4096)
def meaning(key: str) -> Meaning:
    """What a key stands for; the empty string for every other key."""
    if len(key) > _LONGEST:
        return ""
    letters = _letters(key)
    if letters == _TAGS:
        return "tags"
    if letters in _EXPIRES:
        return "expires"
    named = letters.endswith(_TAGS) and not re.search(r"\s", key.strip())  # `sluice.access_tags`, `page_access_tags`; no sentence
    if named or OSA.distance(letters, _TAGS, score_cutoff=2) <= 2:
        return "nearly_tags"
    return "nearly_expires" if OSA.distance(letters, "expires", score_cutoff=1) <= 1 else ""


def _letters(key: str) -> str:
    folded = unicodedata.normalize("NFKD", key).translate(LOOKALIKES).casefold()
    return re.sub(r"[\W\d_]+", "", folded)
