"""Content codings of an HTTP body undone to the end: what is cut off or broken fails, and a part never passes for the whole.

httpx and Scrapy give what they could unpack of a body that ends in its middle, and httpx the first member of a gzip only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

ACCEPTED = "gzip, deflate"
"""What to ask for."""
_STEP = 65536
_GZIP = b"\x1f\x8b"
_NOT_ASKED_FOR = frozenset({"br", "zstd", "compress", "x-compress", "dcb", "dcz"})


def unpacked(parts: Iterable[bytes], content_encoding: str) -> Iterator[bytes]:
    """The body that these parts are, in parts of at most 64 KiB; ValueError for one that is cut off, broken, or in a coding that
    `ACCEPTED` does not name. What is no coding at all (`utf-8`) is left alone, as browsers do."""
    for coding in reversed([word.strip().lower() for word in content_encoding.split(",")]):
        if coding in _NOT_ASKED_FOR:
            raise ValueError(f"its content coding is '{coding}', which was not asked for")
        if coding in ("gzip", "x-gzip", "deflate"):
            parts = _inflated(parts, coding)
    yield from parts


def _inflated(parts: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """One coding undone. After a gzip's last member anything may follow; a body of nothing is nothing."""
    left, stream, ended = b"", None, False
    for part in parts:
        left += part
        while len(left) > 1 if stream is None else left:
            if stream is None:
                if ended and not (coding != "deflate" and left.startswith(_GZIP)):
                    return
                stream = zlib.decompressobj(_window(coding, left))
            yield from _steps(stream, left, coding)
            left, ended = stream.unused_data, stream.eof
            stream = None if ended else stream
    if stream is not None or (left and not ended):
        raise ValueError(f"its {coding} is cut off")


def _steps(stream: zlib._Decompress, left: bytes, coding: str) -> Iterator[bytes]:
    try:
        while not stream.eof and (found := stream.decompress(left, _STEP)):
            yield found
            left = stream.unconsumed_tail
    except zlib.error as error:
        raise ValueError(f"is no {coding}: {error}") from None


def _window(coding: str, head: bytes) -> int:
    """zlib's parameter: some servers send deflate without zlib's heading."""
    if coding != "deflate":
        return zlib.MAX_WBITS | 16
    return zlib.MAX_WBITS if head[0] & 15 == 8 and (head[0] << 8 | head[1]) % 31 == 0 else -zlib.MAX_WBITS
