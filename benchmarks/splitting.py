"""Splitting Markdown by `recursive`, against the tokenizer alone, in one run.

    python -m benchmarks.splitting [--megabytes 6] [--corpus ../shared/corpora/handbook/content]

The two take turns on each document, so that other work on the machine weighs on both alike.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

from sluice.records import Document
from tests.conformance.strategy_suite import BundledTokenizer, build, bundled, document

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


def alone(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=6)
    parser.add_argument("--corpus", type=Path, default=ROOT / "../shared/corpora/handbook/content")
    parser.add_argument("--strategy", default="recursive")
    parser.add_argument("--overlap", type=int, default=20)
    arguments = parser.parse_args()
    documents = list(read(arguments.corpus, int(arguments.megabytes * 1e6)))
    tokenizer = bundled()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"{sum(len(d.text) for d in documents) / 1e6:.1f} M characters, {len(documents)} documents"
    )
    for exact in (True, False):
        chunker = build(
            BundledTokenizer(splits_at_whitespace=exact),
            strategy=arguments.strategy,
            max_tokens=200,
            overlap_tokens=arguments.overlap,
            context="headings",
        )
        chunker.chunk(documents[0])
        clock = {"tokenizer": 0.0, "splitting": 0.0}
        tokens = chunks = 0
        for each in documents:
            start = time.perf_counter()
            tokens += alone(tokenizer, each.text)
            middle = time.perf_counter()
            chunks += len(chunker.chunk(each))
            clock["tokenizer"] += middle - start
            clock["splitting"] += time.perf_counter() - middle
        print(
            f"splits_at_whitespace={exact!s:5}  {tokens} tokens, {chunks} chunks: tokenizer alone {clock['tokenizer']:.2f} s, "
            f"splitting {clock['splitting']:.2f} s, ratio {clock['splitting'] / clock['tokenizer']:.2f}"
        )


if __name__ == "__main__":
    main()
