"""How fast and how faithful each precision is, all on the same texts in one run.

    .venv/bin/python -m benchmarks.embedding [--texts 256] [--tokens 200] [--rounds 3] [--mixed]

Believe the ratios, not the figures: machines are noisy. Precisions take turns within each round and the best round
counts. `ST encode` is sentence-transformers' own encode at batch 32, what most people run.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from indexing.models.encoder import FAMILIES, open_encoder
from indexing.models.files import BUNDLED, ModelFiles, locate
from indexing.models.precision_sample import SAMPLE
from indexing.models.tokenizer import ModelTokenizer
from sluice.points import Vector

Encode = Callable[[Sequence[str]], Vector]


def texts(tokenizer: ModelTokenizer, count: int, tokens: int, mixed: bool) -> list[str]:
    """Shuffled sentences of the sample, cut to `tokens` tokens each, or to 20 to 254 with `mixed`."""
    rng = random.Random(7)
    made = []
    for _ in range(count):
        wanted = rng.randint(20, 254) if mixed else tokens
        text = " ".join(rng.sample(SAMPLE[:44], 12))
        made.append(text[: int(tokenizer.spans(text)[wanted - 1][1])])
    return made


def sentence_transformers(files: ModelFiles) -> Encode:
    """Their own encode."""
    from indexing.models.torch_runtime import sentence_transformer

    model = sentence_transformer(files)
    return lambda batch: np.asarray(
        model.encode(list(batch), batch_size=32, normalize_embeddings=True, show_progress_bar=False), np.float32
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--texts", type=int, default=256)
    arguments.add_argument("--tokens", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--mixed", action="store_true", help="lengths from 20 to 254 tokens")
    given = arguments.parse_args()
    files = locate(BUNDLED, Path())
    tokenizer = ModelTokenizer(files)
    sample = texts(tokenizer, given.texts, given.tokens, given.mixed)
    total = sum(tokenizer.counts(sample))
    print(
        f"{len(sample)} texts, {total / len(sample):.0f} tokens on average, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        encoders: dict[str, Encode] = {"ST encode": sentence_transformers(files)}
        encoders |= {name: open_encoder(files, name, Path(folder)).encode for name in FAMILIES}
        seconds = {name: float("inf") for name in encoders}
        vectors: dict[str, Vector] = {}
        for name, encode in encoders.items():
            vectors[name] = encode(sample)
        for _ in range(given.rounds):
            for name, encode in encoders.items():
                start = time.perf_counter()
                encode(sample)
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    exact = vectors["ST encode"]
    print(f"{'':16}{'texts/s':>9}{'tokens/s':>10}{'ratio':>7}{'cosine mean':>13}{'min':>9}{'top-10':>8}")
    for name, took in seconds.items():
        cosines = np.sum(vectors[name] * exact, axis=1)
        shared = [len(a & b) / 10 for a, b in zip(nearest(exact), nearest(vectors[name]), strict=True)]
        print(
            f"{name:16}{len(sample) / took:9.0f}{total / took:10.0f}{seconds['ST encode'] / took:7.2f}"
            f"{cosines.mean():13.5f}{cosines.min():9.5f}{np.mean(shared):8.3f}"
        )


def nearest(vectors: Vector) -> list[set[int]]:
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    return [set(row[:10].tolist()) for row in np.argsort(-similar, axis=1)]


if __name__ == "__main__":
    main()
