"""BM25 as sparse vectors: a document's saturated term weights here, document frequencies in the store.

score(q, d) = sum over terms t of q:  IDF(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * |d| / avgdl))

Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009. IDF changes with every document
and is applied by the store to the query (Qdrant's IDF modifier), so a document's weights depend on its own text alone.
For the same reason avgdl is a constant: it sets how much a long chunk is discounted, and chunks are cut to one size.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

import regex

from sluice.ids import fingerprint
from sluice.points import SparseVector

AVERAGE_WORDS = 110.0
"""avgdl: 200 tokens of MiniLM's tokenizer are 111 words of the handbook (1,494,467 tokens, 826,697 words)."""

_WORD = regex.compile(r"[\w\p{M}]+")
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Bopomofo}\p{Yi}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]+"
)
"""Runs of scripts that set no space between words (or, Hangul, none before particles): cut into bigrams of graphemes, as
Lucene's CJKAnalyzer does."""
_GRAPHEME = regex.compile(r"\X")
_UNWRITTEN = regex.compile(
    r"[\xad\u0640\u064b-\u065f\u0670\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff]+"
)
"""What one writer sets and the next leaves out: soft hyphens and joiners, Arabic vowel signs and tatweel, Hebrew points."""


class Bm25Encoder:
    """Words of every script, case folded, English plurals folded, hashed to 32 bits; two words on one index add up."""

    def __init__(self, *, k1: float = 1.2, b: float = 0.75, average_words: float = AVERAGE_WORDS) -> None:
        self.k1, self.b, self.average_words = k1, b, average_words
        self.fingerprint = fingerprint("sparse", {"bm25": 2, "k1": k1, "b": b, "average_words": average_words})

    def documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """One vector of positive weights for each text, in order; empty for a text without words."""
        return [self._document(Counter(words(text))) for text in texts]

    def query(self, text: str) -> SparseVector:
        """Weight 1 for each distinct word."""
        return _sparse(dict.fromkeys(words(text), 1.0))

    def _document(self, counts: Mapping[str, int]) -> SparseVector:
        discount = self.k1 * (1 - self.b + self.b * sum(counts.values()) / self.average_words)
        return _sparse({word: tf * (self.k1 + 1) / (tf + discount) for word, tf in counts.items()})


def words(text: str) -> list[str]:
    """The words of a text in order: NFKC, case folded, plurals folded; of scripts without spaces, pairs of characters."""
    if text.isascii():
        return [_singular(word) for word in _WORD.findall(text.lower())]
    return list(_terms(_folded(text)))


def _folded(text: str) -> str:
    """Unicode's NFKC_Casefold, near enough; a dotted İ is an i."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return str(_UNWRITTEN.sub("", folded)).replace("i\u0307", "i")


def _terms(text: str) -> Iterator[str]:
    for found in _WORD.finditer(text):
        word = found.group()
        if word.isascii():
            yield _singular(word)
            continue
        end = 0
        for run in _UNSPACED.finditer(word):
            # Marks go with the letter before them, whatever their script is said to be.
            start, stop = run.span()
            while stop < len(word) and unicodedata.category(word[stop])[0] == "M":
                stop += 1
            if start > end:
                yield _singular(word[end:start])
            yield from _bigrams(word[max(start, end) : stop])
            end = stop
        if end < len(word):
            yield _singular(word[end:])


def _bigrams(run: str) -> Iterator[str]:
    """Each two neighbouring characters; of a single one, itself."""
    characters = _GRAPHEME.findall(run)
    if len(characters) < 2:
        yield run
    for before, after in pairwise(characters):
        yield before + after


def _singular(word: str) -> str:
    """The S-stemmer of Harman, "How effective is suffixing?", JASIS 42(1), 1991: three rules, the first that applies."""
    if len(word) < 4 or word[-1] != "s":
        return word
    if word.endswith("ies"):
        return word if word.endswith(("eies", "aies")) else f"{word[:-3]}y"
    if word.endswith("es"):
        return word if word.endswith(("aes", "ees", "oes")) else word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


@lru_cache(maxsize=262144)
def _index(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "little")


def _sparse(weights: Mapping[str, float]) -> SparseVector:
    summed: dict[int, float] = {}
    for word in sorted(weights):  # sorted: where two words collide, a float sum depends on its order
        index = _index(word)
        summed[index] = summed.get(index, 0.0) + weights[word]
    indices = tuple(sorted(summed))
    return SparseVector(indices, tuple(summed[index] for index in indices))
