"""A server's vector store in names of its own, so that tests may share the server with anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stores.qdrant.store import QdrantStore


class Apart:
    """The same store under names that begin with a prefix; other collections and aliases are not seen."""

    def __init__(self, store: QdrantStore, prefix: str) -> None:
        self._store, self._prefix = store, prefix

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return lambda collection, *arguments, **options: method(self._prefix + collection, *arguments, **options)

    def clone(self, source: str, target: str) -> None:
        self._store.clone(self._prefix + source, self._prefix + target)

    def names(self) -> list[str]:
        return [name.removeprefix(self._prefix) for name in self._store.names() if name.startswith(self._prefix)]

    def read(self) -> dict[str, str]:
        aliases = self._store.read().items()
        cut = len(self._prefix)
        return {alias[cut:]: name[cut:] for alias, name in aliases if alias.startswith(self._prefix)}

    def switch(self, changes: Mapping[str, str | None]) -> None:
        p = self._prefix
        self._store.switch({p + alias: None if name is None else p + name for alias, name in changes.items()})


@contextmanager
def apart(store: QdrantStore) -> Iterator[Apart]:
    """Under a prefix of its own; whatever was made under it is gone afterwards."""
    found = Apart(store, f"sluice_test_{os.urandom(6).hex()}_")
    try:
        yield found
    finally:
        found.switch(dict.fromkeys(found.read()))
        for name in found.names():
            found.drop(name)


@contextmanager
def serving(*arguments: str) -> Iterator[str]:
    """What stands in for a Qdrant server (`benchmarks/qdrant_served.py`), in a process of its own; its address."""
    with _process(*arguments) as said:
        yield said


@contextmanager
def serving_both(*arguments: str) -> Iterator[tuple[str, int]]:
    """The same by gRPC, too: its address and that port."""
    with _process("--grpc", *arguments) as said:
        url, port = said.split()
        yield url, int(port)


@contextmanager
def _process(*arguments: str) -> Iterator[str]:
    command, root = [sys.executable, "-m", "benchmarks.qdrant_served", *arguments], Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
