"""Runs a converted model with OpenVINO: 4 to 5 times the speed of torch fp32 on a CPU with bf16 (FACTS.md).

A model is converted once per identity and kept as `<models_dir>/<identity>/` (`model.xml`, `model.bin`, `probe.npz`); who
finds it there imports neither torch nor sentence_transformers. Each time it is opened, the probe says whether it still
embeds as sentence-transformers did.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexing.models.encoder import Batch, said
from indexing.models.files import ModelFiles
from sluice.errors import ConfigurationError, IntegrityError
from sluice.ids import digest
from sluice.points import Vector

CONVERSION = 1
"""Raised when `torch_runtime.export` writes another graph, so that older ones are not found."""

MIN_COSINE = 0.999


class OpenVinoRuntime:
    """A compiled model with as many streams as OpenVINO finds best for throughput (here one a core)."""

    def __init__(self, compiled: Any) -> None:
        self._queue = openvino().AsyncInferQueue(compiled, 0)
        results: dict[int, Vector] = {}

        def keep(request: Any, position: int) -> None:
            results[position] = request.get_output_tensor(0).data.copy()  # the tensor is the request's, and is used again

        # Not a method: a cycle through the queue, which is no Python object, is never collected (265 MB a model).
        self._queue.set_callback(keep)
        self._results = results

    def run(self, batches: Sequence[Batch]) -> list[Vector]:
        for position, batch in enumerate(batches):
            self._queue.start_async({"input_ids": batch.ids, "attention_mask": batch.mask}, position)
        self._queue.wait_all()
        return [self._results.pop(position) for position in range(len(batches))]


def open_runtime(files: ModelFiles, models_dir: Path, *, bf16: bool) -> OpenVinoRuntime:
    """The compiled model, converted first where it was not yet.

    Raises ConfigurationError when this CPU has no bf16, IntegrityError when the model cannot be converted or no longer
    embeds as sentence-transformers does (cosine below 0.999).
    """
    core = openvino().Core()
    if bf16 and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ConfigurationError(
            "embedding.precision: openvino-bf16 needs a CPU with bf16 instructions, this one has none",
            hint="set embedding.precision to openvino-fp32 or fp32; vectors that exist stay as they are",
        )
    folder = converted(files, models_dir)
    options = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32"}
    try:
        runtime = OpenVinoRuntime(core.compile_model(folder / "model.xml", "CPU", options))
        with np.load(folder / "probe.npz") as probe:
            batch, expected = Batch(np.arange(len(probe["ids"])), probe["ids"], probe["mask"]), probe["vectors"]
        seen = runtime.run([batch])[0]
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise IntegrityError(
            f"the converted model of '{files.name}' in {folder} cannot be opened: {said(error)}",
            hint=f"remove that folder, it is made again: rm -r {folder}",
        ) from error
    cosine = float(np.min(np.sum(seen * expected, axis=1) / np.linalg.norm(seen, axis=1)))
    if not cosine >= MIN_COSINE:
        raise IntegrityError(
            f"the converted model of '{files.name}' differs from the original: cosine {cosine:.5f}, at least {MIN_COSINE} wanted",
            hint=f"set embedding.precision to fp32 or bf16, or remove {folder} to convert again",
        )
    return runtime


def converted(files: ModelFiles, models_dir: Path) -> Path:
    """The folder of the converted model; whoever comes first makes it, whole or not at all."""
    folder = models_dir / digest("openvino", files.identity, CONVERSION)[:32]
    if folder.is_dir():
        return folder
    from indexing.models.torch_runtime import export

    models_dir.mkdir(parents=True, exist_ok=True)
    with (models_dir / ".converting.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():  # another process was faster
            return folder
        for left in models_dir.glob(".converting-*"):  # by a process that was killed: nobody else is at it now
            shutil.rmtree(left, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix=".converting-", dir=models_dir))
        try:
            export(files, building)
            building.rename(folder)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return folder


def openvino() -> Any:
    """The library, without its telemetry: converting a model would otherwise report to Google Analytics."""
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
