"""The embedding model of an index: its tokenizer and its encoder, at a precision that is decided once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

from indexing.models.encoder import ModelEncoder, open_encoder
from indexing.models.files import ModelFiles, locate
from indexing.models.hashing import HashingEncoder, HashingTokenizer
from indexing.models.precision import decide_precision
from indexing.models.tokenizer import ModelTokenizer, open_tokenizer
from indexing.sparse import Bm25Encoder
from sluice.settings import EmbeddingSettings


class Model:
    """A model, each part made when it is first asked for; `precision` is asked for at most once."""

    def __init__(self, files: ModelFiles, models_dir: Path, precision: Callable[[], str]) -> None:
        self.files = files
        self._models_dir = models_dir
        self._precision = precision
        self._lock = RLock()

    @cached_property
    def tokenizer(self) -> ModelTokenizer | HashingTokenizer:
        return open_tokenizer(self.files)

    @cached_property
    def precision(self) -> str:
        return self._precision()

    @property
    def encoder(self) -> ModelEncoder | HashingEncoder:
        with self._lock:  # two tasks that begin together must not both decide, or both load
            return self._encoder

    @cached_property
    def _encoder(self) -> ModelEncoder | HashingEncoder:
        return open_encoder(self.files, self.precision, self._models_dir)


def open_model(
    embedding: EmbeddingSettings,
    *,
    base: Path,
    cache: Path,
    decide: Callable[[str, Any], Any],
    decided: Callable[[str], Any],
    note: Callable[[str], None] = lambda _message: None,
) -> Model:
    """The model a configuration names, relative paths against `base`; converted models and hashes are kept in `cache`.

    `precision: auto` is measured when the precision is first asked for and nothing was `decided(name)` for this index and
    model, and then recorded by `decide(name, value)`, which returns what holds, whoever came first. Raises
    ConfigurationError and IntegrityError as `locate` does.
    """
    files = locate(embedding.model, base, stamps=cache)

    def precision() -> str:
        if embedding.precision != "auto" or files.hashing:
            return "fp32" if embedding.precision == "auto" else embedding.precision
        name = f"precision/{files.identity[:32]}"
        if (held := decided(name)) is None:
            note(f"embedding.precision: auto: measuring which precision is fastest here for {files.name}, once for this index")
            decision = decide_precision(files, cache)
            held = decide(name, decision.as_json())
            note(f"embedding.precision: {held['precision']} ({decision.summary})")
        return str(held["precision"])

    return Model(files, cache, precision)


def sparse_encoder() -> Bm25Encoder:
    """The sparse side of sparse and hybrid search."""
    return Bm25Encoder()
