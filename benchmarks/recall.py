"""What every fast way to a vector costs in answers: recall of its exact top 10 against fp32's, on the handbook, with intervals.

    .venv/bin/python -m benchmarks.recall [--chunks 12000] [--precisions openvino-bf16 bf16]

Handbook pieces of at most 200 tokens, the questions of its golden set, documents and questions embedded alike. The reference
is OpenVINO's fp32 where it runs, else torch's. `float16` is the reference's vectors rounded to half: not what Sluice keeps
(a delta release must equal a full build to 1e-6), and what that would cost. Intervals are 95%, by bootstrap over the
questions. Search is exact in all of them, as it is in the embedded store. Needs ../shared/corpora/handbook.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.commands import CORPORA
from indexing.models.encoder import FAMILIES, open_encoder
from indexing.models.files import BUNDLED, locate
from indexing.models.tokenizer import ModelTokenizer
from sluice.errors import SluiceError
from sluice.points import Vector

K, TOKENS, DRAWS = 10, 200, 10_000


def pieces(tokenizer: ModelTokenizer, count: int) -> list[str]:
    """The handbook's text in pieces, each once, spread over all of its files."""
    made: dict[str, None] = {}
    for file in sorted((CORPORA / "handbook" / "content").rglob("*.md")):
        text = file.read_text(encoding="utf-8", errors="replace")
        spans = tokenizer.spans(text)
        for n in range(0, len(spans), TOKENS):
            made[text[spans[n][0] : spans[min(n + TOKENS, len(spans)) - 1][1]]] = None
    found = list(made)
    return found[:: max(1, len(found) // count)][:count]


def questions() -> list[str]:
    lines = (CORPORA / "handbook.golden.jsonl").read_text(encoding="utf-8").splitlines()
    return [str(json.loads(line)["query"]) for line in lines if line.strip()]


def top(documents: Vector, asked: Vector) -> list[list[int]]:
    """The K best documents of each question, by all of them."""
    return [row[:K].tolist() for row in np.argsort(-(asked @ documents.T), axis=1, kind="stable")]


def interval(values: Vector) -> tuple[float, float]:
    """95% of the mean, percentiles of a bootstrap (Efron, 1979)."""
    rng = np.random.default_rng(7)
    means = values[rng.integers(0, len(values), (DRAWS, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def row(name: str, exact: list[list[int]], found: list[list[int]], cosine: float) -> None:
    recall = np.array([len(set(a) & set(b)) / K for a, b in zip(exact, found, strict=True)], np.float32)
    first = np.mean([a[0] == b[0] for a, b in zip(exact, found, strict=True)])
    low, high = interval(recall)
    print(
        f"| {name} | {recall.mean():.4f} | {low:.4f} to {high:.4f} | {recall.min():.1f} | {first:.2f} | {cosine:.5f} |",
        flush=True,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--chunks", type=int, default=12_000)
    arguments.add_argument("--precisions", nargs="+", default=["openvino-bf16"], choices=list(FAMILIES))
    given = arguments.parse_args()
    if not (CORPORA / "handbook").is_dir():
        sys.exit(f"the handbook is not at {CORPORA}: this benchmark needs the shared corpora")
    files = locate(BUNDLED, Path())
    texts, asked = pieces(ModelTokenizer(files), given.chunks), questions()
    with tempfile.TemporaryDirectory() as folder:

        def embedded(name: str) -> tuple[Vector, Vector]:
            encoder = open_encoder(files, name, Path(folder), "cpu")
            return encoder.encode(texts), np.stack([encoder.encode_query(text) for text in asked])

        reference = "openvino-fp32"
        try:
            documents, queries = embedded(reference)
        except SluiceError:
            reference = "fp32"
            documents, queries = embedded(reference)
        print(f"{len(texts)} pieces of the handbook, {len(asked)} questions, against {reference}\n")
        print(f"| | recall of its top {K} | 95% | worst question | same first | smallest cosine |\n|---|--:|--:|--:|--:|--:|")
        exact = top(documents, queries)
        half = documents.astype(np.float16).astype(np.float32)
        row("float16 storage (not used)", exact, top(half, queries), float(np.sum(half * documents, axis=1).min()))
        for name in given.precisions:
            own, own_queries = embedded(name)
            row(name, exact, top(own, own_queries), float(np.sum(own * documents, axis=1).min()))


if __name__ == "__main__":
    main()
