"""What `precision: auto` decides: the fastest way to run the model on this machine that loses no retrieval quality.

Each candidate embeds the same fixed texts. One that moves a vector away from fp32's, or reorders neighbours, is refused
whatever its speed. Whoever calls records the answer once per index: a machine that measures differently tomorrow must not
change a fingerprint. A machine remembers what it measured, so that its next index does not measure again.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexing.models.encoder import open_encoder
from indexing.models.files import ModelFiles
from indexing.models.precision_sample import SAMPLE
from sluice.errors import ConfigurationError, SluiceError
from sluice.ids import digest
from sluice.points import Vector
from sluice.replacing import replacing

if TYPE_CHECKING:
    from indexing.protocols import Encoder

PREFERRED = ("fp32", "openvino-fp32", "bf16", "openvino-bf16")
"""From exact to rounded: a later one must be faster by `MIN_GAIN` to be worth it, so a tie goes to fp32."""

MIN_GAIN = 1.10
MIN_COSINE = 0.999
MIN_OVERLAP = 0.97
NEIGHBOURS = 10
BUDGET_S = 20.0
"""After this no further candidate is begun, but for the first: on two idle cores all of it takes two seconds."""

GPU_COPIES = 32
"""The sample so many times over keeps a GPU busy: with one copy both precisions take as long as Python needs to ask for them."""

REPEATED_BELOW_S = 0.8
"""While its passes took less together, a candidate is timed once more, and the best one counts: a busy machine's first pass
once was 2 times too slow."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen of one candidate; zeros where it was not measured. `refused` is empty, or says why."""

    texts_per_s: float = 0.0
    min_cosine: float = 0.0
    overlap: float = 0.0
    seconds: float = 0.0
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The precision to use from now on, and the evidence."""

    precision: str
    figures: Mapping[str, Figures]

    def as_json(self) -> dict[str, Any]:
        return {"precision": self.precision, "figures": {name: asdict(f) for name, f in self.figures.items()}}

    @property
    def summary(self) -> str:
        """One line for people: texts a second of each, or why not."""
        return ", ".join(f"{name} {f.refused or f'{f.texts_per_s:.0f} texts/s'}" for name, f in self.figures.items())


def decide_precision(
    files: ModelFiles, models_dir: Path, device: str = "cpu", *, measuring: Callable[[], None] = lambda: None
) -> Decision:
    """`auto` for a model on this machine, measured or remembered; raises ConfigurationError when not even fp32 runs.

    `measuring` is told before anything is measured, and not where it is remembered.

    On a CPU OpenVINO's fp32 is the reference where it runs, for it was probed against sentence-transformers' own vectors when
    it was opened; torch, which is 4 to 5 times slower there and takes as many seconds to import, is tried where it does not.
    """
    memory = models_dir / f"precision-{digest('precision', files.identity, _machine(device))[:32]}.json"
    if (known := _remembered(memory)) is not None:
        return known
    measuring()
    open_as = {name: partial(open_encoder, files, name, models_dir, device) for name in PREFERRED}
    try:
        if device != "cpu":
            raise ConfigurationError("torch runs the model on a GPU")
        decision = decide({name: open_as[name] for name in ("openvino-fp32", "openvino-bf16")})
    except SluiceError as error:
        copies = 1 if device == "cpu" else GPU_COPIES
        decision = decide({name: open_as[name] for name in ("fp32", "bf16")}, copies=copies)
        if device == "cpu":
            figures = {**decision.figures, "openvino-fp32": Figures(refused=error.message)}
            decision = Decision(decision.precision, figures)
    _remember(memory, decision)
    return decision


def decide(
    candidates: Mapping[str, Callable[[], Encoder]],
    texts: Sequence[str] = SAMPLE,
    *,
    copies: int = 1,
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.perf_counter,
) -> Decision:
    """The fastest candidate with cosine >= 0.999 and top-10 overlap >= 0.97 to the first one on `texts`; ties go to fp32.

    Candidates are named by precision, the first is the reference; each is made when its turn comes, so that one model is in
    memory at a time. One that raises a SluiceError is refused, the reference's own errors are the caller's. With `copies`
    speed is that of the texts so many times over, after a pass that is not counted: a GPU loads its kernels in the first one.
    """
    begun, first = clock(), next(iter(candidates))
    reference, figures = _measured(candidates[first](), texts, copies, clock)
    seen = {first: replace(figures, min_cosine=1.0, overlap=1.0)}
    expected = _neighbours(reference)
    for name, make in candidates.items():
        if name == first:
            continue
        # The likeliest winner is tried however late it is: on a busy machine the first measurement alone outlasts the
        # budget, and what is decided here holds for as long as the index lives.
        if clock() - begun > budget_s and len(seen) > 1:
            seen[name] = Figures(refused="not tried: out of time")
            continue
        try:
            vectors, figures = _measured(make(), texts, copies, clock, seen[first].texts_per_s / 3)
        except SluiceError as error:
            seen[name] = Figures(refused=error.message)
            continue
        seen[name] = _judged(figures, reference, vectors, expected)
    best = first
    for name in PREFERRED:
        if name in seen and not seen[name].refused and seen[name].texts_per_s >= MIN_GAIN * seen[best].texts_per_s:
            best = name
    return Decision(best, seen)


def _machine(device: str) -> str:
    """What decides speed: processor, cores, device, and the libraries that run models there."""
    if device != "cpu":
        return json.dumps([_gpu(device), device, importlib.metadata.version("torch")])
    processor = platform.processor() or platform.machine()
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), processor)
    libraries = [importlib.metadata.version(name) for name in ("openvino", "torch")]
    return json.dumps([processor, os.cpu_count(), device, *libraries])


def _gpu(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else platform.processor()


def _remembered(file: Path) -> Decision | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Decision(str(kept["precision"]), {name: Figures(**figures) for name, figures in kept["figures"].items()})
    except (OSError, ValueError, KeyError, TypeError):  # none yet, or of another version: measured
        return None


def _remember(file: Path, decision: Decision) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as made:
        made.write_text(json.dumps(decision.as_json()), encoding="utf-8")


def _measured(
    encoder: Encoder, texts: Sequence[str], copies: int, clock: Callable[[], float], slowest: float = 0.0
) -> tuple[Vector, Figures]:
    """Vectors, and the best of a few passes; the first text opens the model.

    No pass follows once they took `REPEATED_BELOW_S` together, or where the first was slower than `slowest` texts a second.
    """
    begun = clock()
    encoder.encode(texts[:1])
    asked = list(texts) * copies
    if copies > 1:
        encoder.encode(asked)
    opened = clock()
    vectors = encoder.encode(asked)[: len(texts)]
    best = max(clock() - opened, 1e-9)
    refused = "too slow" if len(asked) / best < slowest else ""
    while clock() - opened < REPEATED_BELOW_S and not refused:
        start = clock()
        encoder.encode(asked)
        best = min(best, max(clock() - start, 1e-9))
    return vectors, Figures(len(asked) / best, seconds=clock() - begun, refused=refused)


def _judged(figures: Figures, reference: Vector, vectors: Vector, expected: list[set[int]]) -> Figures:
    cosine = float(np.sum(reference * vectors, axis=1).min())
    shared = [len(a & b) / max(1, len(a)) for a, b in zip(expected, _neighbours(vectors), strict=True)]
    overlap = float(np.mean(shared))
    refused = figures.refused
    if not cosine >= MIN_COSINE:
        refused = f"cosine to fp32 {cosine:.4f}, at least {MIN_COSINE} wanted"
    elif not overlap >= MIN_OVERLAP:
        refused = f"top-{NEIGHBOURS} overlap with fp32 {overlap:.3f}, at least {MIN_OVERLAP} wanted"
    return replace(figures, min_cosine=cosine, overlap=overlap, refused=refused)


def _neighbours(vectors: Vector) -> list[set[int]]:
    """The nearest others of each row."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    return [set(np.argsort(-row, kind="stable")[: min(NEIGHBOURS, len(row) - 1)].tolist()) for row in similar]
