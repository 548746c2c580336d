"""Texts to unit vectors, whatever runs the model: tokens, the window's check, batches by length, order.

A runtime (torch in `torch_runtime`, OpenVINO in `openvino_runtime`) is handed padded batches and nothing else, and is opened
when the first text arrives: fingerprint and dimension cost no import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexing.models.device import resolve
from indexing.models.files import ModelFiles
from indexing.models.hashing import HashingEncoder, too_long
from indexing.models.tokenizer import ModelTokenizer
from sluice.errors import ConfigurationError, IntegrityError
from sluice.ids import fingerprint
from sluice.points import Vector

FAMILIES = {"fp32": "fp32", "openvino-fp32": "fp32", "bf16": "bf16", "openvino-bf16": "bf16"}
"""Precision to family: vectors of one family are equal in value whatever computed them, and share a fingerprint."""

SLICE_TEXTS = 8192
"""Texts tokenised at a time: enough to sort by length, and the next ones are tokenised while the model runs these."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids, int64 of shape (rows, tokens), padded; how many of each row count; the texts they stand for."""

    positions: NDArray[np.intp]
    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def mask(self) -> NDArray[np.int64]:
        """1 where a token is, 0 where a row is padded; int64 of shape (rows, tokens)."""
        return (np.arange(self.ids.shape[1]) < self.lengths[:, None]).astype(np.int64)

    def halves(self) -> tuple[Batch, Batch]:
        """The same rows in two batches, each no wider than its longest row."""
        middle = len(self.ids) // 2
        first, second = slice(None, middle), slice(middle, None)
        return self._part(first), self._part(second)

    def _part(self, rows: slice) -> Batch:
        lengths = self.lengths[rows]
        return Batch(self.positions[rows], np.ascontiguousarray(self.ids[rows, : int(lengths.max())]), lengths)


class Runtime(Protocol):
    """What runs a model."""

    @property
    def batch_tokens(self) -> int:
        """Padded tokens that a batch should have at most, as far as this runtime knows by now."""

    def run(self, batches: Iterable[Batch]) -> Vector:
        """The rows of all batches, one after the other, shape (rows, dimension); asks for a batch when it has room for it."""


class ModelEncoder:
    """Unit vectors, float32, in the order of the texts; safe to use from several threads, one at a time inside."""

    def __init__(self, files: ModelFiles, precision: str, runtime: Callable[[], Runtime]) -> None:
        self._files = files
        self._open = runtime
        self._runtime: Runtime | None = None
        self._tokenizer: ModelTokenizer | None = None
        self._lock = Lock()
        self.precision = precision
        self.dimension = files.dimension
        self.fingerprint = fingerprint("encoder", {"model": files.identity, "family": FAMILIES[precision]})

    def load(self) -> None:
        """Open the runtime, which the first text would wait for."""
        with self._lock:
            self._ready()

    def rest(self) -> None:
        """Let go of the runtime, hundreds of MB; the next text opens it again."""
        with self._lock:
            self._runtime = None

    def encode(self, texts: Sequence[str]) -> Vector:
        """Shape (n, dimension); raises IntegrityError, with its count, for a text longer than the window: never cut."""
        with self._lock:
            _, tokenizer = self._ready()
            return self._run(self._tokenised(texts, tokenizer), len(texts))

    def encode_query(self, text: str) -> Vector:
        """Shape (dimension,); a query longer than the window is cut."""
        with self._lock:
            vector: Vector = self._run([[self._ready()[1].query_ids(text)]], 1)[0]
            return vector

    def _ready(self) -> tuple[Runtime, ModelTokenizer]:
        if self._runtime is None or self._tokenizer is None:
            self._tokenizer = ModelTokenizer(self._files)
            self._runtime = self._open()
        return self._runtime, self._tokenizer

    def _tokenised(self, texts: Sequence[str], tokenizer: ModelTokenizer) -> Iterator[Sequence[Sequence[int]]]:
        """Token ids slice by slice, one slice ahead of whoever asks; the tokenizer works without Python's lock."""
        slices = [range(start, min(start + SLICE_TEXTS, len(texts))) for start in range(0, len(texts), SLICE_TEXTS)]

        def tokens(part: range) -> Sequence[Sequence[int]]:
            ids = tokenizer.document_ids([texts[position] for position in part])
            for position, row in zip(part, ids, strict=True):
                if len(row) > self._files.window:
                    raise too_long(position, len(row), self._files.window, texts[position])
            return ids

        if len(slices) < 2:
            yield from map(tokens, slices)
            return
        with ThreadPoolExecutor(1, "tokenizer") as pool:
            ahead = pool.submit(tokens, slices[0])
            for following in [*slices[1:], None]:
                ids = ahead.result()
                if following is not None:
                    ahead = pool.submit(tokens, following)
                yield ids

    def _run(self, slices: Iterable[Sequence[Sequence[int]]], texts: int) -> Vector:
        runtime, _ = self._ready()
        order: list[NDArray[np.intp]] = []

        def batches() -> Iterator[Batch]:
            before = 0
            for ids in slices:
                for batch in in_batches(ids, self._files.pad_id, runtime.batch_tokens):
                    order.append(batch.positions + before)
                    yield batch
                before += len(ids)

        rows = runtime.run(batches()) if texts else np.empty((0, self.dimension), np.float32)
        if rows.shape != (texts, self.dimension):
            raise IntegrityError(
                f"'{self._files.name}' gave vectors of shape {rows.shape[1:]}, its files say ({self.dimension},)",
                hint="the model's pooling configuration does not describe it; save the model again",
            )
        vectors = np.empty((texts, self.dimension), np.float32)
        if order:
            vectors[np.concatenate(order)] = rows
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(norms, np.finfo(np.float32).tiny)
        return vectors


def in_batches(ids: Sequence[Sequence[int]], pad_id: int, tokens: int) -> list[Batch]:
    """Longest first, so that rows of a batch are alike and little is padded; at most `tokens` padded tokens a batch.

    Array operations only: a loop over rows in Python took longer than the model on a GPU.
    """
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths = lengths[order]
    flat = np.fromiter(chain.from_iterable(ids[position] for position in order), np.int64, int(lengths.sum()))
    ends = np.concatenate([[0], np.cumsum(sorted_lengths)])
    batches: list[Batch] = []
    start = 0
    while start < len(order):
        width = int(sorted_lengths[start])
        stop = min(start + max(1, tokens // max(1, width)), len(order))
        rows = sorted_lengths[start:stop]
        padded = np.full((stop - start, width), pad_id, np.int64)
        padded[np.arange(width) < rows[:, None]] = flat[ends[start] : ends[stop]]
        batches.append(Batch(order[start:stop], padded, rows))
        start = stop
    return batches


def said(error: BaseException) -> str:
    """A foreign error in one line: its type, and the last line of its message (where OpenVINO and transformers say why)."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1].strip()[:200]}"


def open_encoder(files: ModelFiles, precision: str, models_dir: Path, device: str = "cpu") -> ModelEncoder | HashingEncoder:
    """The encoder of a model at a decided precision; cheap, the model arrives with the first text.

    `device` is one of this machine's, or `auto` (`device.resolve`), and in no fingerprint: on a GPU torch runs the precision's
    family. Which it is is found out when the model arrives.
    Converted models are kept in `models_dir`. Raises ConfigurationError for 'auto' (decide it first, once per index) and
    for a precision that does not exist; a hashing model has only one and ignores it.
    """
    if files.hashing:
        return HashingEncoder(files)
    if precision not in FAMILIES:
        raise ConfigurationError(
            f"embedding.precision: '{precision}' cannot be opened, only {', '.join(FAMILIES)}",
            hint="'auto' is decided once per index, by indexing.models.precision",
        )

    def runtime() -> Runtime:
        on = resolve(device)
        if precision.startswith("openvino-") and on == "cpu":
            from indexing.models.openvino_runtime import open_runtime

            return open_runtime(files, models_dir, bf16=FAMILIES[precision] == "bf16")
        from indexing.models.torch_runtime import load

        return load(files, bf16=FAMILIES[precision] == "bf16", device=on)

    return ModelEncoder(files, precision, runtime)
