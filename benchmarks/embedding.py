"""How fast and how faithful each precision is, all on the same texts in one run, and where a call's time goes.

    .venv/bin/python -m benchmarks.embedding [--texts 256] [--tokens 200] [--rounds 3] [--mixed]
    .venv/bin/python -m benchmarks.embedding --device cuda --texts 40000 [--model FOLDER] [--from FILE_OR_FOLDER]

Believe the ratios, not the figures: machines are noisy. Precisions take turns within each round and the best round
counts. `ST encode` is sentence-transformers' own encode at batch 32 (256 on a GPU), what most people run. With `--device`
nothing but torch, sentence-transformers, numpy and a model's folder is needed: it can be carried to a machine with a GPU.
`--from` takes texts from Markdown files in the place of the sample's sentences.
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

from indexing.models.device import resolve
from indexing.models.encoder import FAMILIES, in_batches, open_encoder
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


def from_files(tokenizer: ModelTokenizer, folder: Path, count: int, tokens: int) -> list[str]:
    """Real text in pieces of at most `tokens` tokens, taken again from the start when there is not enough."""
    made: list[str] = []
    for file in sorted(folder.rglob("*.md")):
        text = file.read_text(encoding="utf-8", errors="replace")
        spans = tokenizer.spans(text)
        made += [text[spans[n][0] : spans[min(n + tokens, len(spans)) - 1][1]] for n in range(0, len(spans), tokens)]
    return [made[n % len(made)] for n in range(count)]


def sentence_transformers(files: ModelFiles, device: str) -> Encode:
    """Their own encode."""
    from indexing.models.torch_runtime import sentence_transformer

    model, size = sentence_transformer(files).to(device), 32 if device == "cpu" else 256
    return lambda batch: np.asarray(
        model.encode(list(batch), batch_size=size, normalize_embeddings=True, show_progress_bar=False), np.float32
    )


def shares(files: ModelFiles, tokenizer: ModelTokenizer, sample: Sequence[str], precision: str, device: str) -> None:
    """What each step of a call takes by itself; in a call the tokenizer works beside the model."""
    from indexing.models.torch_runtime import load

    runtime = load(files, bf16=FAMILIES[precision] == "bf16", device=device)
    start = time.perf_counter()
    ids = tokenizer.document_ids(sample)
    tokenised = time.perf_counter()
    batches = in_batches(ids, files.pad_id, runtime.batch_tokens)
    batched = time.perf_counter()
    runtime.run(batches)
    ran = time.perf_counter()
    print(
        f"{precision} on {device}, alone: tokenizer {tokenised - start:.2f} s, batches {batched - tokenised:.2f} s, "
        f"copies and model {ran - batched:.2f} s ({len(batches)} batches of at most {runtime.batch_tokens} tokens)",
        flush=True,
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--texts", type=int, default=256)
    arguments.add_argument("--tokens", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--mixed", action="store_true", help="lengths from 20 to 254 tokens")
    arguments.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or mps")
    arguments.add_argument("--model", default=BUNDLED, help="a sentence-transformers folder; default the bundled model")
    arguments.add_argument("--from", dest="folder", type=Path, help="a folder of Markdown files")
    given = arguments.parse_args()
    device = resolve(given.device)
    files = locate(given.model, Path())
    tokenizer = ModelTokenizer(files)
    if given.folder is not None:
        sample = from_files(tokenizer, given.folder, given.texts, given.tokens)
    else:
        sample = texts(tokenizer, given.texts, given.tokens, given.mixed)
    total = sum(tokenizer.counts(sample))
    print(
        f"{len(sample)} texts, {total / len(sample):.0f} tokens on average, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    names = list(FAMILIES) if device == "cpu" else ["fp32", "bf16"]
    with tempfile.TemporaryDirectory() as folder:
        encoders: dict[str, Encode] = {"ST encode": sentence_transformers(files, device)}
        encoders |= {name: open_encoder(files, name, Path(folder), device).encode for name in names}
        seconds = {name: float("inf") for name in encoders}
        vectors: dict[str, Vector] = {}
        for name, encode in encoders.items():
            vectors[name] = encode(sample)
            print(f"warmed {name}", flush=True)
        for _ in range(given.rounds):
            for name, encode in encoders.items():
                start = time.perf_counter()
                encode(sample)
                seconds[name] = min(seconds[name], time.perf_counter() - start)
    exact = vectors["ST encode"]
    compared = np.random.default_rng(7).permutation(len(sample))[:2000]
    print(f"{'':16}{'texts/s':>9}{'tokens/s':>10}{'ratio':>7}{'cosine mean':>13}{'min':>9}{'top-10':>8}")
    for name, took in seconds.items():
        cosines = np.sum(vectors[name] * exact, axis=1)
        pairs = zip(nearest(exact[compared]), nearest(vectors[name][compared]), strict=True)
        shared = [len(a & b) / 10 for a, b in pairs]
        print(
            f"{name:16}{len(sample) / took:9.0f}{total / took:10.0f}{seconds['ST encode'] / took:7.2f}"
            f"{cosines.mean():13.5f}{cosines.min():9.5f}{np.mean(shared):8.3f}",
            flush=True,
        )
    for name in ("fp32", "bf16"):
        shares(files, tokenizer, sample, name, device)


def nearest(vectors: Vector) -> list[set[int]]:
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    return [set(row[:10].tolist()) for row in np.argsort(-similar, axis=1)]


if __name__ == "__main__":
    main()
