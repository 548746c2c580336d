"""What `precision: auto` decides: the fastest way to run the model on this CPU that loses no retrieval quality.

Each candidate embeds the same fixed texts. One that moves a vector away from fp32's, or reorders neighbours, is refused
whatever its speed. Whoever calls records the answer once per index: a machine that measures differently tomorrow must not
change a fingerprint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from indexing.models.encoder import open_encoder
from indexing.models.files import ModelFiles
from indexing.models.precision_sample import SAMPLE
from indexing.protocols import Encoder
from sluice.errors import SluiceError
from sluice.points import Vector

REFERENCE = "fp32"
TRIED = ("openvino-bf16", "openvino-fp32", "bf16")
"""In the order they are tried: the likeliest winner first, in case time runs out."""

PREFERRED = (REFERENCE, "openvino-fp32", "bf16", "openvino-bf16")
"""From exact to rounded: a later one must be faster by `MIN_GAIN` to be worth it, so a tie goes to fp32."""

MIN_GAIN = 1.10
MIN_COSINE = 0.999
MIN_OVERLAP = 0.97
NEIGHBOURS = 10
BUDGET_S = 20.0
"""After this no further candidate is begun; the last one begun may take some seconds more."""


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


def decide_precision(files: ModelFiles, models_dir: Path) -> Decision:
    """`auto` for a model on this machine; raises ConfigurationError when not even fp32 runs."""
    return decide({name: partial(open_encoder, files, name, models_dir) for name in (REFERENCE, *TRIED)})


def decide(
    candidates: Mapping[str, Callable[[], Encoder]],
    texts: Sequence[str] = SAMPLE,
    *,
    budget_s: float = BUDGET_S,
    clock: Callable[[], float] = time.perf_counter,
) -> Decision:
    """The fastest candidate with cosine >= 0.999 and top-10 overlap >= 0.97 to fp32 on `texts`; ties go to fp32.

    Candidates are named by precision and must include fp32; each is made when its turn comes, so that one model is in memory
    at a time. One that raises a SluiceError is refused, fp32's own errors are the caller's.
    """
    begun = clock()
    reference, figures = _measured(candidates[REFERENCE](), texts, clock)
    seen = {REFERENCE: replace(figures, min_cosine=1.0, overlap=1.0)}
    expected = _neighbours(reference)
    for name, make in candidates.items():
        if name == REFERENCE:
            continue
        # The likeliest winner is tried however late it is: on a busy machine the first measurement alone outlasts the
        # budget, and what is decided here holds for as long as the index lives.
        if clock() - begun > budget_s and len(seen) > 1:
            seen[name] = Figures(refused="not tried: out of time")
            continue
        try:
            vectors, figures = _measured(make(), texts, clock, slowest_s=3 * len(texts) / seen[REFERENCE].texts_per_s)
        except SluiceError as error:
            seen[name] = Figures(refused=error.message)
            continue
        seen[name] = _judged(figures, reference, vectors, expected)
    best = REFERENCE
    for name in PREFERRED[1:]:
        if name in seen and not seen[name].refused and seen[name].texts_per_s >= MIN_GAIN * seen[best].texts_per_s:
            best = name
    return Decision(best, seen)


def _measured(
    encoder: Encoder, texts: Sequence[str], clock: Callable[[], float], slowest_s: float | None = None
) -> tuple[Vector, Figures]:
    """Vectors, and the better of two passes; the first pass opens the model and meets each shape, and does not count.

    A pass that alone takes `slowest_s` or two seconds is not repeated.
    """
    begun = clock()
    encoder.encode(texts[:1])
    opened = clock()
    vectors = encoder.encode(texts)
    best = clock() - opened
    refused = "too slow" if slowest_s is not None and best > slowest_s else ""
    for _ in range(2 if best < 2.0 and not refused else 0):
        start = clock()
        encoder.encode(texts)
        best = min(best, clock() - start)
    return vectors, Figures(len(texts) / max(best, 1e-9), seconds=clock() - begun, refused=refused)


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
