from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from indexing.models.precision import GPU_COPIES, Decision, Figures, _machine, _remembered, decide, decide_precision
from indexing.models.precision_sample import SAMPLE
from indexing.models.tokenizer import ModelTokenizer
from sluice.errors import ConfigurationError
from sluice.ids import digest
from sluice.points import Vector
from tests.model_dirs import bundled

TEXTS = [f"text {n}" for n in range(48)]
EXACT = np.random.default_rng(7).normal(size=(48, 64)).astype(np.float32)
EXACT /= np.linalg.norm(EXACT, axis=1, keepdims=True)


class Clock:
    """Time that passes only when an encoder works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TimedEncoder:
    """Takes `seconds` a text and gives fp32's vectors with noise; fails when told to."""

    fingerprint = "timed"
    dimension = 64

    def __init__(self, clock: Clock, seconds: float, noise: float = 0.0, fails: bool = False, **costs: float) -> None:
        """`opening_s` for the first text, `kernels_s` for the first batch, `asking_s` for every call."""
        self.clock, self.seconds, self.fails, self.calls = clock, seconds, fails, 0
        self.opening_s, self.kernels_s, self.asking_s = (costs.get(f"{name}_s", 0.0) for name in ("opening", "kernels", "asking"))
        noisy = EXACT + noise * np.random.default_rng(1).normal(size=EXACT.shape).astype(np.float32)
        self.vectors: Vector = (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> Vector:
        self.calls += 1
        if self.fails:
            raise ConfigurationError("this CPU has no bf16")
        self.clock.now += len(texts) * self.seconds + self.opening_s + self.asking_s
        self.opening_s = 0.0
        if len(texts) > 1:
            self.clock.now += self.kernels_s
            self.kernels_s = 0.0
        return np.resize(self.vectors, (len(texts), self.dimension))

    def encode_query(self, text: str) -> Vector:
        vector: Vector = self.encode([text])[0]
        return vector


def decided(encoders: Mapping[str, TimedEncoder], clock: Clock, copies: int = 1, **limits: float) -> Decision:
    makers = {name: partial(lambda encoder: encoder, encoder) for name, encoder in encoders.items()}
    return decide(makers, TEXTS, copies=copies, clock=clock, **limits)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_fastest_faithful_candidate_wins(clock: Clock) -> None:
    """Rounding that keeps vectors and neighbours is accepted, and speed decides."""
    decision = decided(
        {
            "fp32": TimedEncoder(clock, 0.02),
            "openvino-bf16": TimedEncoder(clock, 0.005, noise=1e-5),
            "openvino-fp32": TimedEncoder(clock, 0.01),
        },
        clock,
    )
    assert decision.precision == "openvino-bf16"
    assert decision.figures["openvino-bf16"].texts_per_s == pytest.approx(200)


def test_a_candidate_that_moves_vectors_is_refused_however_fast(clock: Clock) -> None:
    """A cosine below 0.999 to fp32 loses, and the record says why."""
    decision = decided({"fp32": TimedEncoder(clock, 0.02), "bf16": TimedEncoder(clock, 0.001, noise=0.02)}, clock)
    assert decision.precision == "fp32"
    assert "cosine to fp32" in decision.figures["bf16"].refused


def test_a_candidate_that_reorders_neighbours_is_refused(clock: Clock) -> None:
    """Small errors that change who is near lose too: here every cosine is above 0.999."""
    decision = decided({"fp32": TimedEncoder(clock, 0.02), "bf16": TimedEncoder(clock, 0.001, noise=0.0045)}, clock)
    assert decision.figures["bf16"].min_cosine >= 0.999
    assert "overlap" in decision.figures["bf16"].refused


def test_ties_go_to_fp32(clock: Clock) -> None:
    """5% faster is not a reason to leave the exact precision, nor to prefer bf16 to openvino-fp32."""
    close = {"fp32": TimedEncoder(clock, 0.0100), "openvino-bf16": TimedEncoder(clock, 0.0095)}
    assert decided(close, clock).precision == "fp32"
    three = {
        "fp32": TimedEncoder(clock, 0.02),
        "openvino-bf16": TimedEncoder(clock, 0.0095),
        "openvino-fp32": TimedEncoder(clock, 0.01),
    }
    assert decided(three, clock).precision == "openvino-fp32"


def test_a_candidate_that_fails_is_refused_with_its_reason(clock: Clock) -> None:
    """A precision this machine cannot run costs nothing but a line in the record."""
    decision = decided({"fp32": TimedEncoder(clock, 0.02), "bf16": TimedEncoder(clock, 0, fails=True)}, clock)
    assert decision.precision == "fp32"
    assert decision.figures["bf16"].refused == "this CPU has no bf16"


def test_time_is_bounded(clock: Clock) -> None:
    """A slow candidate is left after one pass, and after the budget none is begun."""
    slow, late = TimedEncoder(clock, 0.2), TimedEncoder(clock, 0.001)
    decision = decided({"fp32": TimedEncoder(clock, 0.01), "bf16": slow, "late": late}, clock, budget_s=5)
    assert slow.calls == 2
    assert decision.figures["bf16"].refused == "too slow"
    assert (late.calls, decision.figures["late"].refused) == (0, "not tried: out of time")


def test_opening_a_model_does_not_count_as_its_speed(clock: Clock) -> None:
    """Loading and the first pass are warm-up."""
    decision = decided({"fp32": TimedEncoder(clock, 0.01), "bf16": TimedEncoder(clock, 0.005, opening_s=4)}, clock)
    assert decision.precision == "bf16"
    assert decision.figures["bf16"].seconds > 4


def test_a_gpu_is_measured_at_work_and_not_while_it_loads_its_kernels(clock: Clock) -> None:
    """Seen on an H100: bf16's first batch took 1 s and a call of 48 texts mostly Python's time: fp32, 2.5 times slower, won."""

    def candidates() -> dict[str, TimedEncoder]:
        return {
            "fp32": TimedEncoder(clock, 0.0001, kernels_s=1.0, asking_s=0.02),
            "bf16": TimedEncoder(clock, 0.00004, noise=1e-5, kernels_s=1.0, asking_s=0.02),
        }

    assert decided(candidates(), clock).precision == "fp32"
    busy = decided(candidates(), clock, copies=GPU_COPIES)
    assert busy.precision == "bf16"
    assert busy.figures["bf16"].min_cosine > 0.999


def test_the_record_is_plain_data(clock: Clock) -> None:
    """What is stored names the precision and each candidate's figures."""
    record = decided({"fp32": TimedEncoder(clock, 0.01)}, clock).as_json()
    assert record["precision"] == "fp32"
    assert set(record["figures"]["fp32"]) == {"texts_per_s", "min_cosine", "overlap", "seconds", "refused"}


def test_the_sample_is_varied_and_fits_the_window() -> None:
    """48 distinct texts of 20 to 250 tokens: the model is never measured on a cut text."""
    counts = ModelTokenizer(bundled()).counts(SAMPLE)
    assert len(set(SAMPLE)) == 48
    assert min(counts) >= 20
    assert 160 <= max(counts) <= 250


@pytest.mark.slow
def test_auto_decides_for_the_bundled_model_on_this_machine(tmp_path: Path) -> None:
    """Every candidate is measured or refused with a reason, what wins is faithful to fp32, and it is measured once."""
    decision = decide_precision(bundled(), tmp_path)
    chosen = decision.figures[decision.precision]
    assert set(decision.figures) == {"openvino-fp32", "openvino-bf16"}
    assert chosen.min_cosine >= 0.999
    assert chosen.overlap >= 0.97
    assert not chosen.refused
    assert decide_precision(bundled(), tmp_path) == decision


def test_a_machine_remembers_what_it_measured(tmp_path: Path) -> None:
    """The next index of this machine reads it: no model is opened. What cannot be read is measured again."""
    identity = bundled().identity
    memory = tmp_path / f"precision-{digest('precision', identity, _machine('cpu'))[:32]}.json"
    kept = Decision("openvino-fp32", {"openvino-fp32": Figures(10.0, 1.0, 1.0, 0.5)})
    memory.write_text(json.dumps(kept.as_json()))
    assert decide_precision(bundled(), tmp_path) == kept
    memory.write_text("{")
    assert _remembered(memory) is None
