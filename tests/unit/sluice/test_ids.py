"""Canonical hashing: the same input gives the same id, anywhere; different inputs do not."""

from __future__ import annotations

import random
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice import ids

TEXT = st.text(st.characters(), max_size=20)  # surrogates too
FIELD = st.one_of(TEXT, st.binary(max_size=20), st.integers(), st.none())
FIELDS = st.lists(FIELD, max_size=4)
LEAVES = st.lists(TEXT, max_size=12)


def tagged(fields: Sequence[object]) -> list[tuple[type, object]]:
    return [(type(field), field) for field in fields]


@given(FIELDS, FIELDS)
def test_different_fields_never_share_an_id(a: list[ids.Field], b: list[ids.Field]) -> None:
    """Equal digests mean equal lists of fields, types included."""
    assert (ids.digest(*a) == ids.digest(*b)) == (tagged(a) == tagged(b))


@given(TEXT, TEXT, st.integers(min_value=0, max_value=20))
def test_where_one_field_ends_matters(a: str, b: str, cut: int) -> None:
    """Moving a boundary between two fields moves the id, although the joined text is the same."""
    joined = a + b
    left, right = joined[:cut], joined[cut:]
    assert (ids.digest(a, b) == ids.digest(left, right)) == ((a, b) == (left, right))
    assert ids.digest(a, b) != ids.digest(joined)
    assert ids.digest(a, b, "") != ids.digest(a, b)


def test_what_looks_alike_is_told_apart_by_its_type() -> None:
    """1, "1", b"1" and nothing at all are different fields."""
    alike: list[ids.Field] = ["1", b"1", 1, None, "", b"", 0, "None"]
    assert len({ids.digest(field) for field in alike} | {ids.digest()}) == len(alike) + 1


def test_what_is_no_field_is_refused() -> None:
    """A type that hashing does not know never takes the place of the field before it."""
    with pytest.raises(AssertionError, match=r"1\.5"):
        ids.digest("a", 1.5)  # type: ignore[arg-type]


# ── fingerprints of configurations ───────────────────────────────────────────────────────────────────────────────────

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, PLAIN, max_size=4), st.randoms(use_true_random=False))
def test_a_fingerprint_ignores_the_order_of_keys(value: dict[str, object], rng: random.Random) -> None:
    """The order in which a mapping was written is no part of what it says."""
    items = list(value.items())
    rng.shuffle(items)
    assert ids.fingerprint("kind", value) == ids.fingerprint("kind", dict(items))


def test_a_fingerprint_says_what_kind_of_thing_it_is_of() -> None:
    """The same keys of a parser and of a chunker are different things; and every value counts."""
    assert ids.fingerprint("parse", {"a": 1}) != ids.fingerprint("chunk", {"a": 1})
    values: tuple[object, ...] = (1, "1", None, [], {}, True, 1.5)
    assert len({ids.fingerprint("k", {"a": value}) for value in values}) == 7


def test_a_fingerprint_is_the_same_in_another_process() -> None:
    """Sets are hashed in sorted order: Python's own order differs from process to process."""
    script = "from sluice.ids import fingerprint; print(fingerprint('k', {'s': frozenset('abcdefgh')}))"
    here = ids.fingerprint("k", {"s": frozenset("abcdefgh")})
    root = Path(__file__).resolve().parents[3]
    for seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, cwd=root, capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == here


def test_what_has_no_stable_text_has_no_place_in_a_fingerprint() -> None:
    """An object's repr may hold an address; it is refused, paths are not."""
    assert ids.fingerprint("k", {"p": PurePosixPath("a/b")}) == ids.fingerprint("k", {"p": "a/b"})
    with pytest.raises(TypeError, match="object has no place"):
        ids.fingerprint("k", {"o": object()})


# ── identities ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_ids_are_pinned() -> None:
    """A change of any of these orphans every index in the world: it must be on purpose."""
    key = ids.document_key("s", "u")
    assert key == "aed3ae2f259cd960ba8a94973a2ba5ddc0bd036a6c4fdf7655fd7e02090a3edb"
    assert (
        ids.version_id(key, ids.content_hash(b"bytes"), "parser")
        == "4d2e71b175dc8f14bd54b994665a2e1d488457d0f2a0c781096f3ad3f0f3b243"
    )
    assert ids.chunk_id(key, "f", 0, "t") == "fd80bcfc-f4e4-515e-abb9-e3de46cf4a64"
    assert ids.merkle_root(["a", "b", "c"]) == "14f499b082fb8913975b7459b6d97543e4fa5c98348827de965f1a6c3a9b58e5"
    assert (
        ids.fingerprint("kind", {"b": [1, None], "a": "é"}) == "d0dbc007d5ae34517a092e9a09189f0bf0b921419808b722362f21f95c00cb04"
    )


def test_hashes_of_content_and_text_are_plain_sha256() -> None:
    """Anyone can compute them: no tags, no lengths."""
    assert ids.content_hash(b"") == ids.text_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert ids.text_hash("ä") == ids.content_hash("ä".encode())


@given(TEXT, TEXT, st.integers(min_value=0), TEXT)
def test_a_chunk_id_is_a_uuid(key: str, strategy: str, start: int, text: str) -> None:
    """Qdrant takes UUIDs only; the same chunk has the same one, and each of its parts counts."""
    made = ids.chunk_id(key, strategy, start, text)
    assert str(uuid.UUID(made)) == made
    assert uuid.UUID(made).variant == uuid.RFC_4122
    assert made == ids.chunk_id(key, strategy, start, text)
    others = {
        ids.chunk_id(key + "x", strategy, start, text),
        ids.chunk_id(key, strategy + "x", start, text),
        ids.chunk_id(key, strategy, start + 1, text),
        ids.chunk_id(key, strategy, start, text + "x"),
    }
    assert len(others | {made}) == 5


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\U0001f600", "\x00", "é"])
def test_any_python_text_has_an_id(text: str) -> None:
    """Lone surrogates, as in file names of another encoding, are hashed like any other text."""
    for made in (ids.text_hash(text), ids.digest(text), ids.document_key(text, text), ids.fingerprint("k", {text: text})):
        assert len(made) == 64


# ── Merkle roots ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(LEAVES, st.randoms(use_true_random=False))
def test_a_root_does_not_depend_on_order(leaves: list[str], rng: random.Random) -> None:
    """Partitions may finish in any order."""
    shuffled = list(leaves)
    rng.shuffle(shuffled)
    assert ids.merkle_root(shuffled) == ids.merkle_root(iter(leaves))


@given(LEAVES, LEAVES)
def test_a_root_depends_on_every_leaf(a: list[str], b: list[str]) -> None:
    """Equal roots mean the same leaves, repetitions included."""
    assert (ids.merkle_root(a) == ids.merkle_root(b)) == (sorted(a) == sorted(b))
