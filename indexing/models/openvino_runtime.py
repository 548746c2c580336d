"""Runs a model with OpenVINO: 4 to 5 times the speed of torch fp32 on a CPU with bf16 (docs/adr has the figures).

A BERT is built from its weights' file (`bert_graph`). Any other model is converted once per identity and kept as
`<models_dir>/<identity>/` (`model.xml`, `model.bin`); who finds it there imports neither torch nor sentence_transformers.
Each time a model is opened, a probe says whether it embeds as sentence-transformers does: `probe.npz` in that folder, or
for the bundled model the one that comes with the package.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indexing.models import bert_graph
from indexing.models.encoder import Batch, said
from indexing.models.files import BUNDLED, ModelFiles
from sluice.errors import ConfigurationError, IntegrityError
from sluice.ids import digest
from sluice.points import Vector

CONVERSION = 2
"""Raised when `torch_runtime.export` writes another graph or probe, so that older ones are not found."""

MIN_COSINE = 0.999

BATCH_TOKENS = 1024
"""Padded tokens of a batch. Larger ones leave the cache of a core, smaller ones do not fill it (docs/adr)."""

SHAPES_KEPT = 32
"""Shapes of batches that OpenVINO keeps what it prepared for; without a bound a corpus's every shape stays, 40 MB after 3,000
texts, for 1% of the time at most."""

_BUNDLED_PROBE = Path(__file__).with_name("bundled_probe.npz")


class OpenVinoRuntime:
    """A compiled model with as many streams as OpenVINO finds best for throughput (here one a core)."""

    batch_tokens = BATCH_TOKENS

    def __init__(self, compiled: Any) -> None:
        self._queue = openvino().AsyncInferQueue(compiled, 0)
        results: dict[int, Vector] = {}

        def keep(request: Any, position: int) -> None:
            results[position] = request.get_output_tensor(0).data.copy()  # the tensor is the request's, and is used again

        # Not a method: a cycle through the queue, which is no Python object, is never collected (265 MB a model).
        self._queue.set_callback(keep)
        self._results = results

    def run(self, batches: Iterable[Batch]) -> Vector:
        """The rows of all batches in order; a batch is asked for when a stream is free."""
        self._results.clear()
        count = 0
        try:
            for batch in batches:
                self._queue.start_async({"input_ids": batch.ids, "attention_mask": batch.mask}, count)
                count += 1
        finally:
            self._queue.wait_all()
        rows: Vector = np.concatenate([self._results.pop(position) for position in range(count)])
        return rows


@dataclass(frozen=True, slots=True)
class Probe:
    """A batch, and sentence-transformers' own fp32 vectors of it."""

    batch: Batch
    vectors: Vector

    @classmethod
    def read(cls, file: Path) -> Probe:
        with np.load(file) as kept:
            return cls(Batch(np.arange(len(kept["ids"])), kept["ids"], kept["lengths"]), kept["vectors"])

    def cosine(self, runtime: OpenVinoRuntime) -> float:
        """The smallest cosine of a vector to what it should be."""
        seen = runtime.run([self.batch])
        return float(np.min(np.sum(seen * self.vectors, axis=1) / np.linalg.norm(seen, axis=1)))


def open_runtime(files: ModelFiles, models_dir: Path, *, bf16: bool) -> OpenVinoRuntime:
    """The compiled model, built or converted first.

    Raises ConfigurationError when this CPU has no bf16, IntegrityError when the model cannot be converted or does not embed
    as sentence-transformers does (cosine below 0.999).
    """
    core = openvino().Core()
    if bf16 and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ConfigurationError(
            "embedding.precision: openvino-bf16 needs a CPU with bf16 instructions, this one has none",
            hint="set embedding.precision to openvino-fp32 or fp32; vectors that exist stay as they are",
        )
    options = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
        "CPU_RUNTIME_CACHE_CAPACITY": SHAPES_KEPT,
    }
    if (pooling := bert_graph.pooling_of(files)) is not None:
        probe = Probe.read(_BUNDLED_PROBE if files.name == BUNDLED else converted(files, models_dir, graph=False) / "probe.npz")
        with suppress(KeyError, OSError, ValueError, RuntimeError):  # not the BERT that its configuration says: converted
            runtime = OpenVinoRuntime(core.compile_model(bert_graph.build(openvino(), files, pooling), "CPU", options))
            if probe.cosine(runtime) >= MIN_COSINE:
                return runtime
    folder = converted(files, models_dir)
    try:
        runtime = OpenVinoRuntime(core.compile_model(folder / "model.xml", "CPU", options))
        cosine = Probe.read(folder / "probe.npz").cosine(runtime)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise IntegrityError(
            f"the converted model of '{files.name}' in {folder} cannot be opened: {said(error)}",
            hint=f"remove that folder, it is made again: rm -r {folder}",
        ) from error
    if not cosine >= MIN_COSINE:
        raise IntegrityError(
            f"the converted model of '{files.name}' differs from the original: cosine {cosine:.5f}, at least {MIN_COSINE} wanted",
            hint=f"set embedding.precision to fp32 or bf16, or remove {folder} to convert again",
        )
    return runtime


def converted(files: ModelFiles, models_dir: Path, *, graph: bool = True) -> Path:
    """The folder of the converted model, or of its probe alone; whoever comes first makes it, whole or not at all."""
    folder = models_dir / digest("openvino" if graph else "probe", files.identity, CONVERSION)[:32]
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
            export(files, building, graph=graph)
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
