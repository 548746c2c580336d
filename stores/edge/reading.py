"""Reading collections while other processes write: no lock, no wait, and never an answer that was true only before.

Every change of a collection is one file replaced whole. A search reads it first, works on what it names (which nobody
changes), and reads it again at the end: when it is another one by then, the search is done again. So what a revocation
returned for holds for every answer given after it, in every process, and neither waits for the other.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from qdrant_edge import EdgeShard

from sluice.errors import IndexBusy
from stores.edge import files, shards
from stores.edge.files import State
from stores.edge.queries import Overlay

T = TypeVar("T")

OPEN_SHARDS = 8
"""Collections that a process keeps open for reading; opening one of 20,000 points again takes 0.1 s."""
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class View:
    """What holds of a collection at one moment."""

    content: bytes
    state: State
    shard: EdgeShard
    overlay: Overlay


class Reader:
    """Opens collections below a folder for reading and keeps the last few open. Threads may share it."""

    def __init__(self, folder: Path, recover: Callable[[Path], bool], wait_s: float) -> None:
        self._folder, self._recover, self._wait_s = folder, recover, wait_s
        self._views: OrderedDict[str, View] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, name: str, work: Callable[[View], T]) -> T:
        """The result of this work on what held of a collection at its end; FileNotFoundError where there is none."""
        while True:
            view = self.view(name)
            result = work(view)
            if (self._folder / name / "state.json").read_bytes() == view.content:
                return result

    def view(self, name: str) -> View:
        """What holds now. Waits for a process that writes into it; what one left that was killed is put in order."""
        folder, deadline = self._folder / name, time.monotonic() + self._wait_s
        while True:
            content, state = files.read_state(folder)
            if state.writing:
                if self._recover(folder):
                    continue
                if time.monotonic() >= deadline:
                    raise busy(folder, self._wait_s)
                time.sleep(_POLL_S)
                continue
            try:
                return self._opened(folder, content, state)
            except FileNotFoundError:
                if files.read_state(folder)[0] == content:
                    raise files.damaged(folder, f"its state names files that are not there ({state.shard}/)") from None

    def _opened(self, folder: Path, content: bytes, state: State) -> View:
        with self._lock:  # one thread opens, the others find it open
            held = self._views.get(folder.name)
            if held is None or held.content != content:
                same = held is not None and held.state.shard == state.shard
                shard = held.shard if held is not None and same else shards.open_shard(folder, state.shard)
                self.keep(folder.name, View(content, state, shard, files.read_overlay(folder, state)))
            self._views.move_to_end(folder.name)
            return self._views[folder.name]

    def adopt(self, folder: Path, state: State, shard: EdgeShard) -> None:
        """A shard that this process has just written needs no opening."""
        with self._lock:
            self.keep(folder.name, View(files.read_state(folder)[0], state, shard, {}))

    def keep(self, name: str, view: View) -> None:
        """The caller holds the lock. A shard goes when the last search in it has ended."""
        self._views[name] = view
        while len(self._views) > OPEN_SHARDS:
            self._views.popitem(last=False)

    def forget(self, name: str) -> None:
        """Let go of a collection."""
        with self._lock:
            self._views.pop(name, None)

    def close(self) -> None:
        """Let go of all of them."""
        with self._lock:
            self._views.clear()


def busy(folder: Path, wait_s: float) -> IndexBusy:
    """Another process writes into this collection."""
    return IndexBusy(
        f"collection {folder.name} of the embedded vector store is being written by another process (waited {wait_s:g} s)",
        hint="try again when its build has ended, raise stores.qdrant.wait_s, or use a server",
    )
