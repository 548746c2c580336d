"""Runs a model with sentence_transformers and torch, on whatever device, and converts it to OpenVINO.

Imported by whoever needs a model run, never at the top of another file: the import takes 5 to 7 s, and a process that
finds a converted model needs none of it.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexing.models.encoder import Batch, in_batches, said
from indexing.models.files import ModelFiles
from indexing.models.tokenizer import ModelTokenizer
from sluice.errors import ConfigurationError, IntegrityError
from sluice.points import Vector

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

# Every model is a folder by the time it gets here (`files.locate`): nothing is left to ask the hub for.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

_importing = RLock()

PROBES = (
    "How many days of leave may I carry over?",
    "Rotate the signing key every 90 days; the old one stays valid for a week, so that no client is cut off.",
    "Bestellungen über 5.000 € brauchen zwei Unterschriften – naïve façade, 東京, 🚀.",
    "x",
)
"""What a converted model must still embed as before, each time it is opened: question, prose, odd characters, shortest."""


CPU_BATCH_TOKENS = 2048
"""Padded tokens of a batch: larger ones leave the cache of a core."""

GPU_BATCH_TOKENS = 262_144
"""On an H100 4.4 times the speed of 65,536 with our loop around it, and no slower than more."""

ACTIVATIONS = 64
"""Numbers of a layer's width that a token keeps busy at the peak, roughly: attention's and the feed-forward's intermediates."""


class TorchRuntime:
    """A sentence-transformers model's modules on one device; the same code on every one.

    Copies to a GPU do not wait for one another, and the vectors come back in one copy. When memory runs out, a batch is
    halved and tried again, and later ones are made smaller.
    """

    def __init__(self, model: SentenceTransformer, device: str = "cpu", batch_tokens: int = CPU_BATCH_TOKENS) -> None:
        self._model = model
        self._device = device
        self.batch_tokens = batch_tokens

    def run(self, batches: Iterable[Batch]) -> Vector:
        """The rows of all batches in order, float32; MemoryError where a single text is too much for the device."""
        import torch

        with torch.inference_mode():
            rows = torch.cat([part for batch in batches for part in self._embedded(batch)])
            vectors: Vector = rows.float().cpu().numpy()
        return vectors

    def _embedded(self, batch: Batch) -> Iterator[torch.Tensor]:
        import torch

        try:
            yield self._forward(batch)
            return
        except torch.OutOfMemoryError as error:
            if len(batch.ids) == 1:
                raise MemoryError(f"{self._device} has no room for a text of {batch.ids.size} tokens") from error
        if self._device != "cpu":
            torch.cuda.empty_cache()
        self.batch_tokens = min(self.batch_tokens, max(1, batch.ids.size // 2))
        for half in batch.halves():
            yield from self._embedded(half)

    def _forward(self, batch: Batch) -> torch.Tensor:
        import torch

        ids, lengths = self._moved(batch.ids.astype(np.int32)), self._moved(batch.lengths)
        mask = torch.arange(batch.ids.shape[1], device=self._device)[None, :] < lengths[:, None]
        found: torch.Tensor = self._model({"input_ids": ids.long(), "attention_mask": mask.long()})["sentence_embedding"]
        return found

    def _moved(self, array: NDArray[Any]) -> torch.Tensor:
        """On the device; to a GPU from pinned memory, so that the copy runs beside what the GPU does."""
        import torch

        tensor = torch.from_numpy(array)
        return (
            tensor.pin_memory().to(self._device, non_blocking=True)
            if self._device.startswith("cuda")
            else tensor.to(self._device)
        )


def load(files: ModelFiles, *, bf16: bool = False, device: str = "cpu") -> TorchRuntime:
    """The model on its device; raises ConfigurationError when sentence-transformers refuses it."""
    import torch

    model = sentence_transformer(files).to(device)
    if device == "cpu":
        return TorchRuntime(model.bfloat16() if bf16 else model)
    torch.set_float32_matmul_precision("highest")  # no TF32: fp32 is what the reference is
    free = torch.cuda.mem_get_info(device)[0] if device.startswith("cuda") else 4 << 30
    a_token = files.dimension * (2 if bf16 else 4) * ACTIVATIONS
    batch_tokens = min(GPU_BATCH_TOKENS, max(CPU_BATCH_TOKENS, free // 2 // a_token))
    return TorchRuntime(model.bfloat16() if bf16 else model, device, batch_tokens)


def export(files: ModelFiles, folder: Path, *, graph: bool = True) -> None:
    """Write `model.xml`, `model.bin` and `probe.npz` (a batch, and sentence-transformers' own fp32 vectors of it) to `folder`.

    Without `graph` the probe alone. The graph takes ids and mask (int64, both dimensions free) and gives what the last module
    gives. Conversion traces the model's PyTorch modules, so any sentence-transformers model that is a chain of tensors works
    (OpenVINO's documentation, "Converting a PyTorch Model"). Raises IntegrityError when the model cannot be converted.
    """
    import torch

    from indexing.models.openvino_runtime import openvino

    model = sentence_transformer(files)
    batch = in_batches(ModelTokenizer(files).document_ids(PROBES), files.pad_id, CPU_BATCH_TOKENS)[0]
    vectors = reference(files, PROBES, model)[batch.positions]
    np.savez(folder / "probe.npz", ids=batch.ids, lengths=batch.lengths, vectors=vectors)
    if not graph:
        return

    class Chain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.chain = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.chain({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    example = {"input_ids": torch.from_numpy(batch.ids), "attention_mask": torch.from_numpy(batch.mask)}
    with _quiet():
        try:
            converted = openvino().convert_model(Chain().eval(), example_input=example)
        except Exception as error:  # tracing runs the model's own code
            raise IntegrityError(
                f"'{files.name}' cannot be converted to OpenVINO: {said(error)}",
                hint="set embedding.precision to fp32 or bf16",
            ) from error
    openvino().save_model(converted, folder / "model.xml", compress_to_fp16=False)


def reference(files: ModelFiles, texts: Sequence[str], model: SentenceTransformer | None = None) -> Vector:
    """What sentence-transformers' own `encode` gives for documents, normalised: the measure of everything else."""
    given = sentence_transformer(files) if model is None else model
    texts = [files.document_prompt + text for text in texts]
    return np.asarray(given.encode(texts, prompt="", normalize_embeddings=True, show_progress_bar=False), np.float32)


def sentence_transformer(files: ModelFiles) -> SentenceTransformer:
    """The model as sentence-transformers loads it, in fp32, on the CPU, with the window its files state."""
    with _quiet(), without_torchvision():
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]  # it counts 103 tensors, in between the bars of a run
        try:
            model = SentenceTransformer(str(files.folder), device="cpu", local_files_only=True)
        except Exception as error:  # every architecture fails in its own way
            raise ConfigurationError(
                f"embedding.model: sentence-transformers cannot load '{files.name}': {said(error)}",
                hint="use a model that `SentenceTransformer(folder)` loads without remote code",
            ) from error
        model.max_seq_length = files.window
        return model.float().eval()


@contextmanager
def without_torchvision() -> Iterator[None]:
    """For transformers torchvision is not there, unless it is loaded already: nothing here sees images.

    unstructured's PDF extra brings in the torchvision of the package index, built for CUDA; beside a CPU build of torch its
    import fails ("operator torchvision::nms does not exist"), and with it sentence_transformers'. Where it works it takes 2 s.
    """
    with _importing:  # two at once: the second would take what the first put there for torchvision, until that is gone
        if "torchvision" in sys.modules:
            yield
            return
        sys.modules["torchvision"] = None  # type: ignore[assignment]  # what makes an import fail, as if it were not installed
        try:
            yield
        finally:
            sys.modules.pop("torchvision", None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what these libraries are known to say while loading and tracing, and nothing else."""
    chatty = logging.getLogger("transformers")
    level = chatty.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message=r".*is_gradient_checkpointing", category=FutureWarning)
        warnings.filterwarnings("ignore", message=r"Converting a tensor to a Python")
        chatty.setLevel(logging.ERROR)
        try:
            yield
        finally:
            chatty.setLevel(level)
