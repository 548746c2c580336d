"""What undoing a body's content coding promises: all of it, or an error."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.encodings import unpacked


def whole(body: bytes, coding: str, step: int = 7) -> bytes:
    return b"".join(unpacked((body[at : at + step] for at in range(0, len(body), step)), coding))


@given(st.binary(max_size=400), st.integers(1, 100))
def test_a_body_comes_out_whole_in_every_coding_however_it_is_cut_into_parts(body: bytes, step: int) -> None:
    """gzip of one member and of several, with zeros after it, deflate with and without zlib's heading, one coding in another."""
    zipped, deflated = gzip.compress(body), zlib.compress(body)
    assert whole(zipped, "gzip", step) == body
    assert whole(zipped + zipped, "X-Gzip", step) == body * 2
    assert whole(zipped + b"\0" * 9, "gzip", step) == body
    assert whole(deflated, "deflate", step) == whole(deflated[2:-4], "deflate", step) == body
    assert whole(gzip.compress(zipped), "gzip, gzip", step) == body
    assert whole(body, "", step) == whole(body, "utf-8", step) == body


@pytest.mark.parametrize("step", [1, 100_000])
@pytest.mark.parametrize("end", [1, 9, 40, -9, -1])
def test_what_is_cut_off_is_no_body(end: int, step: int) -> None:
    """Wherever the body ends before its end: within the heading, the words, or the sum that proves them."""
    with pytest.raises(ValueError, match="is cut off"):
        whole(gzip.compress(b"Deploy the gateway on Tuesdays. " * 20)[:end], "gzip", step)


def test_what_is_large_comes_in_parts_and_what_is_wrong_is_said() -> None:
    """A bomb of 64 MB is met 64 KiB at a time; words in a gzip's place, and a coding that nobody asked for, are errors."""
    assert max(map(len, unpacked([gzip.compress(bytes(1 << 26))], "gzip"))) <= 65536
    with pytest.raises(ValueError, match="is no gzip"):
        whole(b"Deploy the gateway", "gzip")
    with pytest.raises(ValueError, match="'br', which was not asked for"):
        whole(b"Deploy the gateway", "br")
    assert whole(b"", "gzip") == b""
