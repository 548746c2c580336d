"""The law on real documents: every strategy, every document."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import chunking
from chunking.testing import BundledTokenizer, build, document, obeys
from sluice.records import Document

CORPORA = Path(__file__).resolve().parents[3] / "../shared/corpora"


@cache
def corpus() -> list[Document]:
    """The handbook and the evaluation texts, read verbatim."""
    files = [*sorted((CORPORA / "handbook/content").rglob("*.md")), *sorted((CORPORA / "chunking").glob("*.*"))]
    return [document(f.read_text(encoding="utf-8"), uri=f.relative_to(CORPORA).as_posix(), title=f.stem) for f in files]


EVERY = {"recursive": 1, "heading": 2, "fixed": 3}
"""Every document for the strategy that most people use; for most others every fifth, other ones for each: minutes count."""


@pytest.mark.corpora
@pytest.mark.slow
@pytest.mark.skipif(not CORPORA.exists(), reason="../shared/corpora is absent")
@pytest.mark.parametrize("strategy", sorted(chunking.STRATEGIES))
def test_every_document(strategy: str) -> None:
    """Offsets, window, order, identity and coverage hold on every document of the corpora."""
    tokenizer = BundledTokenizer()
    chunker = build(tokenizer, strategy=strategy, max_tokens=200, overlap_tokens=20, context="headings")
    total = 0
    names = sorted(chunking.STRATEGIES)
    stride = EVERY.get(strategy, 5)
    for each in corpus()[names.index(strategy) % stride :: stride]:
        chunks = chunker.chunk(each)
        obeys(chunks, each, max_tokens=200, tokenizer=tokenizer)
        total += len(chunks)
    assert total > 8_000 / stride
