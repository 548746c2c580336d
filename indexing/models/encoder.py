"""Texts to unit vectors, whatever runs the model: tokens, the window's check, batches by length, order.

A runtime (torch in `torch_runtime`, OpenVINO in `openvino_runtime`) is handed padded batches and nothing else, and is opened
when the first text arrives: fingerprint and dimension cost no import.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexing.models.files import ModelFiles
from indexing.models.hashing import HashingEncoder, too_long
from indexing.models.tokenizer import ModelTokenizer
from sluice.errors import ConfigurationError, IntegrityError
from sluice.ids import fingerprint
from sluice.points import Vector

FAMILIES = {"fp32": "fp32", "openvino-fp32": "fp32", "bf16": "bf16", "openvino-bf16": "bf16"}
"""Precision to family: vectors of one family are equal in value whatever computed them, and share a fingerprint."""

BATCH_TOKENS = 2048
"""Padded tokens of a batch. Larger ones leave the cache of a core, smaller ones do not fill it (FACTS.md)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids and their mask, int64 of shape (rows, tokens), and the texts they stand for."""

    positions: NDArray[np.intp]
    ids: NDArray[np.int64]
    mask: NDArray[np.int64]


class Runtime(Protocol):
    """What runs a model."""

    def run(self, batches: Sequence[Batch]) -> list[Vector]:
        """One array of shape (rows, dimension) for each batch, in order."""


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

    def encode(self, texts: Sequence[str]) -> Vector:
        """Shape (n, dimension); raises IntegrityError, with its count, for a text longer than the window: never cut."""
        with self._lock:
            ids = self._ready()[1].document_ids(texts)
            for position, tokens in enumerate(ids):
                if len(tokens) > self._files.window:
                    raise too_long(position, len(tokens), self._files.window, texts[position])
            return self._run(ids)

    def encode_query(self, text: str) -> Vector:
        """Shape (dimension,); a query longer than the window is cut."""
        with self._lock:
            vector: Vector = self._run([self._ready()[1].query_ids(text)])[0]
            return vector

    def _ready(self) -> tuple[Runtime, ModelTokenizer]:
        if self._runtime is None or self._tokenizer is None:
            self._tokenizer = ModelTokenizer(self._files)
            self._runtime = self._open()
        return self._runtime, self._tokenizer

    def _run(self, ids: Sequence[Sequence[int]]) -> Vector:
        vectors = np.empty((len(ids), self.dimension), np.float32)
        batches = in_batches(ids, self._files.pad_id)
        for batch, rows in zip(batches, self._ready()[0].run(batches), strict=True):
            if rows.shape != (len(batch.positions), self.dimension):
                raise IntegrityError(
                    f"'{self._files.name}' gave vectors of shape {rows.shape[1:]}, its files say ({self.dimension},)",
                    hint="the model's pooling configuration does not describe it; save the model again",
                )
            vectors[batch.positions] = rows
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.maximum(norms, np.finfo(np.float32).tiny)
        return vectors


def in_batches(ids: Sequence[Sequence[int]], pad_id: int, tokens: int = BATCH_TOKENS) -> list[Batch]:
    """Longest first, so that rows of a batch are alike and little is padded; at most `tokens` padded tokens a batch."""
    lengths = np.array([len(row) for row in ids], dtype=np.intp)
    order = np.argsort(-lengths, kind="stable")
    batches: list[Batch] = []
    start = 0
    while start < len(order):
        width = int(lengths[order[start]])
        positions = order[start : start + max(1, tokens // max(1, width))]
        padded = np.full((len(positions), width), pad_id, np.int64)
        mask = np.zeros((len(positions), width), np.int64)
        for row, position in enumerate(positions):
            padded[row, : lengths[position]] = ids[position]
            mask[row, : lengths[position]] = 1
        batches.append(Batch(positions, padded, mask))
        start += len(positions)
    return batches


def said(error: BaseException) -> str:
    """A foreign error in one line: its type, and the last line of its message (where OpenVINO and transformers say why)."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1].strip()[:200]}"


def open_encoder(files: ModelFiles, precision: str, models_dir: Path) -> ModelEncoder | HashingEncoder:
    """The encoder of a model at a decided precision; cheap, the model arrives with the first text.

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
        if precision.startswith("openvino-"):
            from indexing.models.openvino_runtime import open_runtime

            return open_runtime(files, models_dir, bf16=FAMILIES[precision] == "bf16")
        from indexing.models.torch_runtime import load

        return load(files, bf16=FAMILIES[precision] == "bf16")

    return ModelEncoder(files, precision, runtime)
