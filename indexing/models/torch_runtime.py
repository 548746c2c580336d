"""The only file that imports sentence_transformers and torch: runs a model with them, and converts it to OpenVINO.

Imported by whoever needs a model run, never at the top of another file: the import takes 5 to 7 s, and a process that
finds a converted model needs none of it.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexing.models.encoder import Batch, in_batches, said
from indexing.models.files import ModelFiles
from indexing.models.tokenizer import ModelTokenizer
from sluice.errors import ConfigurationError, IntegrityError
from sluice.points import Vector

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Every model is a folder by the time it gets here (`files.locate`): nothing is left to ask the hub for.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

PROBES = (
    "How many days of leave may I carry over?",
    "Rotate the signing key every 90 days; the old one stays valid for a week, so that no client is cut off.",
    "Bestellungen über 5.000 € brauchen zwei Unterschriften – naïve façade, 東京, 🚀.",
    "x",
)
"""What a converted model must still embed as before, each time it is opened: question, prose, odd characters, shortest."""


class TorchRuntime:
    """A sentence-transformers model's modules, run one batch after the other on the CPU."""

    def __init__(self, model: SentenceTransformer) -> None:
        self._model = model

    def run(self, batches: Sequence[Batch]) -> list[Vector]:
        import torch

        vectors = []
        with torch.inference_mode():
            for batch in batches:
                features = {"input_ids": torch.from_numpy(batch.ids), "attention_mask": torch.from_numpy(batch.mask)}
                vectors.append(self._model(features)["sentence_embedding"].float().numpy())
        return vectors


def load(files: ModelFiles, *, bf16: bool = False) -> TorchRuntime:
    """The model in memory; raises ConfigurationError when sentence-transformers refuses it."""
    model = sentence_transformer(files)
    return TorchRuntime(model.bfloat16() if bf16 else model)


def export(files: ModelFiles, folder: Path) -> None:
    """Write `model.xml`, `model.bin` and `probe.npz` (a batch, and sentence-transformers' own fp32 vectors of it) to `folder`.

    The graph takes ids and mask (int64, both dimensions free) and gives what the last module gives. Conversion traces the
    model's PyTorch modules, so any sentence-transformers model that is a chain of tensors works (OpenVINO's documentation,
    "Converting a PyTorch Model"). Raises IntegrityError when the model cannot be converted.
    """
    import torch

    from indexing.models.openvino_runtime import openvino

    model = sentence_transformer(files)
    batch = in_batches(ModelTokenizer(files).document_ids(PROBES), files.pad_id)[0]

    class Chain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.chain = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.chain({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    example = {"input_ids": torch.from_numpy(batch.ids), "attention_mask": torch.from_numpy(batch.mask)}
    with _quiet():
        try:
            graph = openvino().convert_model(Chain().eval(), example_input=example)
        except Exception as error:  # tracing runs the model's own code
            raise IntegrityError(
                f"'{files.name}' cannot be converted to OpenVINO: {said(error)}",
                hint="set embedding.precision to fp32 or bf16",
            ) from error
    openvino().save_model(graph, folder / "model.xml", compress_to_fp16=False)
    np.savez(folder / "probe.npz", ids=batch.ids, mask=batch.mask, vectors=reference(files, PROBES, model)[batch.positions])


def reference(files: ModelFiles, texts: Sequence[str], model: SentenceTransformer | None = None) -> Vector:
    """What sentence-transformers' own `encode` gives for documents, normalised: the measure of everything else."""
    given = sentence_transformer(files) if model is None else model
    texts = [files.document_prompt + text for text in texts]
    return np.asarray(given.encode(texts, prompt="", normalize_embeddings=True, show_progress_bar=False), np.float32)


def sentence_transformer(files: ModelFiles) -> SentenceTransformer:
    """The model as sentence-transformers loads it, in fp32, on the CPU, with the window its files state."""
    with _quiet():
        hide_torchvision_if_broken()
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


def hide_torchvision_if_broken() -> None:
    """Make a torchvision that cannot be imported absent, so that transformers does without it.

    unstructured's PDF extra brings in the torchvision of the package index, built for CUDA; beside a CPU build of torch its
    import fails ("operator torchvision::nms does not exist"), and with it sentence_transformers'. Nothing here sees images.
    """
    try:
        import_module("torchvision")
    except Exception:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.modules["torchvision"] = None  # type: ignore[assignment]


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
