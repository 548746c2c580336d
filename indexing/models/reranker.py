"""A cross-encoder reads query and text together: slower than vectors, and better at telling near answers apart."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from indexing.models.device import resolve
from indexing.models.torch_runtime import without_torchvision
from sluice.errors import ConfigurationError
from sluice.ids import digest
from sluice.once import once

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

BATCH_TEXTS = 32


class CrossEncoderReranker:
    """Implements `indexing.protocols.Reranker` with sentence-transformers' CrossEncoder; loaded when first used."""

    def __init__(self, model: str, device: str = "auto") -> None:
        self.model = model
        self._device = device
        self.lock = RLock()

    @once
    def fingerprint(self) -> str:
        """Of what decides its scores: the files of a folder or of the hub's cached snapshot; the name where there are none."""
        found = Path(self.model)
        if not found.is_dir():
            found = _snapshot(self.model) or found
        files = sorted(file for file in found.rglob("*") if file.suffix in (".json", ".safetensors", ".bin", ".txt", ".model"))
        if not files:
            return digest("reranker", self.model)
        return digest("reranker", *(part for file in files for part in (str(file.relative_to(found)), _hash(file))))

    @once
    def _encoder(self) -> CrossEncoder:
        try:
            with without_torchvision():
                from sentence_transformers import CrossEncoder  # 6 s

                found: CrossEncoder = CrossEncoder(self.model, device=resolve(self._device))
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"search.rerank: '{self.model}' is no cross-encoder that is here: {error}",
                hint="name a folder that holds one, or fetch it first",
            ) from None
        return found

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the query, in the order given; a pair longer than the model's window is cut."""
        if not texts:
            return []
        found = self._encoder.predict([(query, text) for text in texts], batch_size=BATCH_TEXTS, show_progress_bar=False)
        return [float(score) for score in found]


def _snapshot(name: str) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError):  # not in the cache, or no name of the hub
        return None


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
