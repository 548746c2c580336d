"""Splitting Markdown by `recursive`, against the tokenizer alone, in one run.

    python -m benchmarks.splitting [--megabytes 6] [--corpus ../shared/corpora/handbook/content]

The two take turns on each document, so that other work on the machine weighs on both alike; of several rounds the
median counts. Without `splits_at_whitespace` every chunk is counted a second time.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

from chunking import DocumentChunker
from chunking.testing import build, bundled, document
from indexing.models.files import BUNDLED, locate
from indexing.models.tokenizer import ModelTokenizer
from sluice.records import Document

ROOT = Path(__file__).resolve().parents[1]


def read(corpus: Path, size: int) -> Iterator[Document]:
    """Markdown files until `size` characters are reached, again from the first when there are too few."""
    files = sorted(corpus.rglob("*.md"))
    if not files:
        raise SystemExit(f"{corpus}: no Markdown here; name a folder with --corpus")
    total = turn = 0
    while total < size:
        for file in files:
            text = file.read_text(encoding="utf-8")
            yield document(text, uri=f"{turn}/{file.relative_to(corpus).as_posix()}")
            total += len(text)
            if total >= size:
                break
        turn += 1


class Declared(ModelTokenizer):
    """The bundled model's tokenizer, with what it says of itself overruled."""

    def __init__(self, *, splits_at_whitespace: bool) -> None:
        super().__init__(locate(BUNDLED, ROOT))
        self.splits_at_whitespace = splits_at_whitespace


def measured(chunker: DocumentChunker, tokenizer: Tokenizer, documents: list[Document]) -> tuple[float, float]:
    """Seconds of the tokenizer alone, and of the whole splitting, chunks with ids and all."""
    alone = splitting = 0.0
    for each in documents:
        start = time.perf_counter()
        tokenizer.encode(each.text, add_special_tokens=False)
        middle = time.perf_counter()
        chunker.chunk(each)
        alone += middle - start
        splitting += time.perf_counter() - middle
    return alone, splitting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=6)
    parser.add_argument("--corpus", type=Path, default=ROOT / "../shared/corpora/handbook/content")
    parser.add_argument("--strategy", default="recursive")
    parser.add_argument("--overlap", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    documents = list(read(arguments.corpus, int(arguments.megabytes * 1e6)))
    size = sum(len(each.text) for each in documents) / 1e6
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {size:.1f} M characters, {len(documents)} documents")
    for declared, context in ((True, "none"), (True, "headings"), (False, "none")):
        chunker = build(
            Declared(splits_at_whitespace=declared),
            strategy=arguments.strategy,
            max_tokens=200,
            overlap_tokens=arguments.overlap,
            context=context,
        )
        rounds = [measured(chunker, bundled(), documents) for _ in range(arguments.rounds)]
        ratios = sorted(splitting / alone for alone, splitting in rounds)
        alone, splitting = min(rounds, key=sum)
        print(
            f"{arguments.strategy}, context {context:8}, splits_at_whitespace {declared!s:5}: tokenizer alone {alone:.2f} s, "
            f"splitting {splitting:.2f} s; ratio {ratios[len(ratios) // 2]:.2f} (of {len(ratios)} rounds, best {ratios[0]:.2f})"
        )


if __name__ == "__main__":
    main()
