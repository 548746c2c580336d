"""A model without a model: texts as hashed bags of words, the same on any machine.

For tests and dry runs, where what counts is that vectors are deterministic, cheap and nearer for texts that share
words. It finds exact words and nothing else: no release for people should be built with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from indexing.models.files import ModelFiles
from sluice.errors import IntegrityError
from sluice.ids import fingerprint
from sluice.points import Vector

# A long word is several tokens, as it is for a real tokenizer: a megabyte without a space is not one token.
_TOKEN = re.compile(r"\w{1,12}|[^\w\s]")


class HashingTokenizer:
    """Words (at most 12 characters a token) and single punctuation marks; no special tokens."""

    special_tokens = 0
    splits_at_whitespace = True

    def __init__(self, window: int = 256) -> None:
        self.window = window
        self.fingerprint = fingerprint("tokenizer", {"hashing": 1, "window": window})

    def spans(self, text: str) -> NDArray[np.int32]:
        """Character spans of the tokens, shape (n, 2), in order, non-overlapping."""
        return np.array([match.span() for match in _TOKEN.finditer(text)], dtype=np.int32).reshape(-1, 2)

    def counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, untruncated."""
        return [sum(1 for _ in _TOKEN.finditer(text)) for text in texts]


class HashingEncoder:
    """Unit vectors by feature hashing: each word adds the root of its count to one signed component.

    Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009. A text without words is the first
    unit vector. Deterministic, thread-safe, independent of order and batch.
    """

    def __init__(self, files: ModelFiles) -> None:
        self.dimension = files.dimension
        self.window = files.window
        self.fingerprint = fingerprint("encoder", {"model": files.identity, "family": "hashing"})

    def load(self) -> None:
        """Nothing to open."""

    def encode(self, texts: Sequence[str]) -> Vector:
        """Shape (n, dimension), float32, unit norm; IntegrityError for a text longer than the window."""
        words = [_TOKEN.findall(text.lower()) for text in texts]
        for position, tokens in enumerate(words):
            if len(tokens) > self.window:
                raise too_long(position, len(tokens), self.window, texts[position])
        return np.stack([self._vector(tokens) for tokens in words]) if words else np.zeros((0, self.dimension), np.float32)

    def encode_query(self, text: str) -> Vector:
        """Shape (dimension,); what lies behind the window is ignored."""
        return self._vector(_TOKEN.findall(text.lower())[: self.window])

    def _vector(self, tokens: Sequence[str]) -> Vector:
        vector = np.zeros(self.dimension, np.float64)
        for token, count in sorted(Counter(tokens).items()):  # sorted: a float sum depends on its order
            code = _code(token)
            vector[(code >> 1) % self.dimension] += count**0.5 * (1 if code & 1 else -1)
        norm = float(np.linalg.norm(vector))
        if norm == 0.0:
            vector[0] = norm = 1.0
        return (vector / norm).astype(np.float32)


@lru_cache(maxsize=65536)
def _code(token: str) -> int:
    return int.from_bytes(blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def too_long(position: int, seen: int, window: int, text: str) -> IntegrityError:
    """The error for a text that would have to be cut; it quotes the text's beginning."""
    return IntegrityError(
        f"text {position} of the batch has {seen} tokens with special tokens, the model's window is {window}: {text[:60]!r}…",
        hint="lower chunking.max_tokens, so that text, context and special tokens fit; texts are never cut",
    )
