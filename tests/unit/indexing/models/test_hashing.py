from __future__ import annotations

import numpy as np
import pytest

from indexing.models.hashing import HashingEncoder
from sluice.errors import IntegrityError
from tests.model_dirs import hashing

ENCODER = HashingEncoder(hashing(256))


def test_texts_that_share_words_are_nearer() -> None:
    """Word overlap orders similarity, letter case does not matter."""
    query = ENCODER.encode_query("how many days of Leave")
    leave, server = ENCODER.encode(["leave is twenty days a year", "restart the server at night"])
    assert query @ leave > query @ server + 0.1


def test_vectors_are_the_same_on_any_machine() -> None:
    """Pinned: hashing does not depend on PYTHONHASHSEED, platform or version."""
    vector = HashingEncoder(hashing(4)).encode(["one two two three"])[0]
    assert vector.tolist() == pytest.approx([0.0, -0.9238795, 0.3826834, 0.0], abs=1e-6)


def test_a_text_without_words_is_still_a_unit_vector() -> None:
    """An empty text has the first unit vector, not NaN."""
    assert ENCODER.encode(["", "  "])[:, 0].tolist() == [1.0, 1.0]


def test_texts_beyond_the_window_are_refused_with_their_count() -> None:
    """257 tokens do not fit into 256; a query of that length is cut."""
    with pytest.raises(IntegrityError, match="text 1 of the batch has 257 tokens"):
        ENCODER.encode(["fine", "x " * 257])
    assert np.array_equal(ENCODER.encode_query("x " * 257), ENCODER.encode_query("x " * 256))


def test_fingerprints_tell_dimensions_apart() -> None:
    """hashing:64 and hashing:256 are different models."""
    assert HashingEncoder(hashing(64)).fingerprint != ENCODER.fingerprint
