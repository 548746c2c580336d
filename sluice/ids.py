"""Canonical hashing: the same input gives the same id, on any machine, in any order.

Every id is a SHA-256 over length-prefixed, type-tagged fields, so that no two different lists of fields share an
input ("ab","c" and "a","bc" do not). Nothing here ever hashes a vector, a time or the order of a dict.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, assert_never

Field = str | bytes | int | None


def digest(*fields: Field) -> str:
    """SHA-256 (hex) over the fields, each tagged with its type and prefixed with its length."""
    return _digest(fields).hexdigest()


def _digest(fields: Iterable[Field]) -> hashlib._Hash:
    parts: list[bytes] = []
    for field in fields:
        match field:
            case str():  # nearly always
                tag, data = b"s", field.encode("utf-8", "surrogatepass")
            case None:
                tag, data = b"n", b""
            case bytes():
                tag, data = b"b", field
            case int():
                tag, data = b"i", str(int(field)).encode()
            case _:
                assert_never(field)
        parts += (tag, len(data).to_bytes(8, "big"), data)
    return hashlib.sha256(b"".join(parts))


def fingerprint(kind: str, value: Mapping[str, Any]) -> str:
    """Hash of a configuration: canonical JSON (sorted keys, no spaces), prefixed with what kind of thing it is.

    Sets count in sorted order and paths as text; TypeError for anything else that JSON does not know, for its text may
    differ from one process to the next.
    """
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return digest(kind, canonical)


def _plain(value: object) -> object:
    match value:
        case set() | frozenset():
            return sorted(value)
        case PurePath():
            return str(value)
    raise TypeError(f"a {type(value).__name__} has no place in a fingerprint")


def content_hash(content: bytes) -> str:
    """SHA-256 of the raw bytes (hex)."""
    return hashlib.sha256(content).hexdigest()


def text_hash(text: str) -> str:
    """SHA-256 of the UTF-8 of what is embedded (hex)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def document_key(source: str, uri: str) -> str:
    """A document's identity: its source and its uri, whatever its content."""
    return digest("document", source, uri)


def version_id(key: str, content: str, parse_fingerprint: str) -> str:
    """A parsed version's identity: document, bytes, and how they were parsed."""
    return digest("version", key, content, parse_fingerprint)


def chunk_id(key: str, strategy_fingerprint: str, start: int, text: str) -> str:
    """A chunk's identity as a UUID: document, strategy, start offset, text. Neither vector nor tags are part of it."""
    return str(uuid.UUID(bytes=_digest(("chunk", key, strategy_fingerprint, start, text)).digest()[:16], version=5))


IdSum = tuple[int, int]
"""How many chunk ids, and all of them xor-ed as numbers: equal for equal sets of them, in whatever order they are read."""


def id_sum(ids: Iterable[str]) -> IdSum:
    """The sum of these chunk ids."""
    count = total = 0
    for id in ids:
        count += 1
        total ^= int(id.replace("-", ""), 16)  # a third of what a UUID costs
    return count, total


def id_sum_of(one: IdSum, other: IdSum) -> IdSum:
    """The sum of all ids of which these are the sums, where none is in both."""
    return one[0] + other[0], one[1] ^ other[1]


def merkle_root(leaves: Iterable[str]) -> str:
    """Root of a binary Merkle tree over the sorted leaves: independent of their order, sensitive to each."""
    level = sorted(leaves)
    if not level:
        return digest("empty")
    while len(level) > 1:
        pairs = [(level[i], level[i + 1] if i + 1 < len(level) else None) for i in range(0, len(level), 2)]
        level = [digest("node", left, right) for left, right in pairs]
    return digest("root", level[0])
