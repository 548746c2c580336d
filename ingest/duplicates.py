"""Which documents say the same, or nearly: reported for people, never acted upon (each document keeps its own tags)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sluice import ids


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups of document keys: of equal text, and of nearly equal text; reported, never acted upon."""

    equal: tuple[tuple[str, ...], ...]
    similar: tuple[tuple[str, ...], ...]


def simhash(text: str) -> int:
    """64 bits that differ in few places for texts that differ in few words (Charikar 2002, over three-word shingles)."""
    words = re.findall(r"\w+", text.lower())
    shingles = Counter(" ".join(words[i : i + 3]) for i in range(max(len(words) - 2, 1)))
    weights = [0] * 64
    for shingle, count in shingles.items():
        digest = int(ids.text_hash(shingle)[:16], 16)
        for bit in range(64):
            weights[bit] += count if digest >> bit & 1 else -count
    return sum(1 << bit for bit in range(64) if weights[bit] > 0)


def duplicates(texts: Iterable[tuple[str, str, int]], *, bits: int = 3) -> Duplicates:
    """Groups among (key, text hash, simhash); near ones differ in at most `bits` of 64 (at most 3)."""
    equal: dict[str, list[str]] = defaultdict(list)
    prints: dict[str, int] = {}
    for key, text, near in sorted(texts):
        equal[text].append(key)
        prints.setdefault(text, near)
    # Two prints that differ in 3 bits agree in one of four quarters: only those are compared.
    quarters: dict[tuple[int, int], list[str]] = defaultdict(list)
    for text, near in prints.items():
        for quarter in range(4):
            quarters[quarter, near >> 16 * quarter & 0xFFFF].append(text)
    leader = {text: text for text in prints}

    def first(text: str) -> str:
        while leader[text] != text:
            text = leader[text]
        return text

    for bucket in quarters.values():
        for place, one in enumerate(bucket):
            for other in bucket[place + 1 :]:
                if (prints[one] ^ prints[other]).bit_count() <= min(bits, 3):
                    low, high = sorted((first(one), first(other)))
                    leader[high] = low
    groups: dict[str, list[str]] = defaultdict(list)
    for text in prints:
        groups[first(text)].append(text)
    similar = [sorted(equal[text][0] for text in group) for group in groups.values() if len(group) > 1]
    same = [keys for keys in equal.values() if len(keys) > 1]
    return Duplicates(tuple(sorted(map(tuple, same))), tuple(sorted(map(tuple, similar))))
