"""What holds for every Encoder: the hashing one, the cached one, and the bundled model at each precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from indexing.embed import CachedEmbedder
from indexing.models.encoder import ModelEncoder, open_encoder
from indexing.protocols import Encoder
from sluice.errors import IntegrityError
from sluice.points import Vector
from tests.model_dirs import bundled, hashing, models_dir

TEXTS = ["Leave is twenty days a year.", "x", "", "Restart the server at night. " * 20, "Wer zahlt die Reise? 東京", "x"]

SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("fp32", "bf16", "openvino-fp32", "openvino-bf16")]


class DictCache:
    """A VectorCache in a dict."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Vector] = {}

    def get(self, model: str, hashes: Sequence[str]) -> dict[str, Vector]:
        return {h: self.rows[model, h] for h in hashes if (model, h) in self.rows}

    def put(self, model: str, vectors: Mapping[str, Vector]) -> None:
        self.rows |= {(model, h): v for h, v in vectors.items()}


@pytest.fixture(scope="module", params=["hashing", "cached", *SLOW])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    name = request.param
    plain = open_encoder(hashing() if name in ("hashing", "cached") else bundled(), name, models_dir(tmp_path_factory))
    return CachedEmbedder(plain, DictCache()).as_encoder() if name == "cached" else plain


def cosines(a: Vector, b: Vector) -> Vector:
    found: Vector = np.sum(a * b, axis=-1)
    return found


def test_vectors_are_float32_of_the_promised_shape_and_of_unit_norm(encoder: Encoder) -> None:
    """(n, dimension), also for no text at all; an empty text has a vector too."""
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_vectors_come_in_the_order_of_the_texts(encoder: Encoder) -> None:
    """Whatever is sorted or batched inside, text n has row n, and company changes a vector by rounding only."""
    together, reversed_ = encoder.encode(TEXTS), encoder.encode(TEXTS[::-1])[::-1]
    alone = np.stack([encoder.encode([text])[0] for text in TEXTS])
    assert cosines(together, reversed_).min() >= 0.9995
    assert cosines(together, alone).min() >= 0.9995


@pytest.mark.parametrize("encoder", SLOW, indirect=True)
def test_who_rested_gives_the_same_vectors(encoder: ModelEncoder) -> None:
    """The runtime that was let go of is opened again for the next text."""
    before = encoder.encode(TEXTS)
    encoder.rest()
    assert cosines(before, encoder.encode(TEXTS)).min() >= 0.9999


def test_equal_texts_have_equal_vectors(encoder: Encoder) -> None:
    """Twice the same text in one call."""
    vectors = encoder.encode(TEXTS)
    assert cosines(vectors[1], vectors[5]) >= 0.9999


def test_a_text_longer_than_the_window_is_refused_with_its_count(encoder: Encoder) -> None:
    """Never cut: the error says how many tokens were seen and how many fit."""
    with pytest.raises(IntegrityError, match=r"has 3\d\d tokens .* window is 256"):
        encoder.encode(["fine", "word " * 300])


def test_a_query_longer_than_the_window_is_cut(encoder: Encoder) -> None:
    """A person may paste what they like: its beginning is searched for."""
    vector = encoder.encode_query("word " * 300)
    assert vector.shape == (encoder.dimension,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)
    assert cosines(encoder.encode_query("a short one"), encoder.encode(["a short one"])[0]) >= 0.999


def test_the_fingerprint_is_stable(encoder: Encoder) -> None:
    """It depends on the model and its precision, not on what was embedded."""
    before = encoder.fingerprint
    encoder.encode(["anything"])
    assert encoder.fingerprint == before
    assert len(before) == 64
