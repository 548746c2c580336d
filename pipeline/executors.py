"""Who does the heavy work: a function over partitions of documents, in this process, on threads, or elsewhere.

A function is handed opened `Resources` and a partition of ids; it reads and writes the stores itself, may be done twice
with the same effect, and returns counts. So the same function runs inline, on threads, as Prefect's tasks
(`flows/tasks.py`) or on a cluster, where a worker opens its own Resources (`pipeline.resources.shared`): to add a way is
to add a class with `map`. Functions are named in their modules and partitions are frozen records: both pickle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from sluice.errors import DiskFull, IndexBusy, Retryable

if TYPE_CHECKING:
    from pipeline.resources import Resources

P = TypeVar("P", bound=Sized)
R = TypeVar("R")

PARTITION_DOCUMENTS = 128
"""Documents in a partition: about 1,500 chunks, enough to sort by length, few enough to lose little to a crash."""

PATIENCE_S = (1.0, 5.0, 20.0)
"""How long a partition waits before it is tried again, each time."""


class Executor(Protocol):
    """Maps a function over partitions; `len` of a partition is how many documents it has."""

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        """What the function gave for each partition, in their order; raises what it raised for the first that failed."""


class FlowNeeded(BaseException):
    """Not an error: raised by `IfSmall` in the place of work that is worth a flow."""


@dataclass(frozen=True, slots=True)
class Inline:
    """In this very thread, one partition after another: where a process dies is the same every time."""

    patience_s: Sequence[float] = ()

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        return [patiently(function, r, partition, self.patience_s) for partition in partitions]


@dataclass(frozen=True, slots=True)
class Threads:
    """On threads of this process: one embeds (all cores) while another parses, chunks or writes."""

    workers: int = 2
    patience_s: Sequence[float] = ()

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                return list(pool.map(partial(patiently, function, r, patience_s=self.patience_s), partitions))
            except Exception:
                raise
            except BaseException:
                r.cancel()  # what waits is not begun; leaving the pool waits for what is in work
                raise


@dataclass(frozen=True, slots=True)
class Begin:
    """A flow that takes seconds to begin: `start` begins it and returns at once; meanwhile `workers` threads have work."""

    start: Callable[[], None]
    workers: int = 2


@dataclass(frozen=True, slots=True)
class IfSmall:
    """Work of at most so many documents in this process, a partition in this thread and more on `workers`; FlowNeeded in the
    place of more documents.

    With `begin`, what can be done while the flow begins (`meanwhile`) is done, and then FlowNeeded is raised.
    """

    documents: int = PARTITION_DOCUMENTS
    begin: Begin | None = None
    workers: int = 2

    def meanwhile(self, documents: int) -> Threads | None:
        """The flow for this much work is begun from here on: who works until it stands; None where nobody does."""
        if self.begin is None or documents <= self.documents:
            return None
        self.begin.start()
        return Threads(self.begin.workers, PATIENCE_S)

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        if sum(map(len, partitions)) > self.documents:
            raise FlowNeeded
        many = len(partitions) > 1 and self.workers > 1
        alone: Executor = Threads(self.workers, PATIENCE_S) if many else Inline(PATIENCE_S)
        return alone.map(function, partitions, r)


def patiently(function: Callable[[Resources, P], R], r: Resources, partition: P, patience_s: Sequence[float] = PATIENCE_S) -> R:
    """Do it; again after a while where that may help, as often as there are whiles."""
    for pause in patience_s:
        try:
            with r.at_work():
                return function(r, partition)
        except Retryable as error:
            if not may_succeed_later(error):
                raise
            r.progress.note(f"trying again in {pause:g} s: {error.message}")
            time.sleep(pause)
    with r.at_work():
        return function(r, partition)


def may_succeed_later(error: BaseException | None) -> bool:
    """Only the retryable half of the error tree, and neither a held index nor a full disk."""
    return isinstance(error, Retryable) and not isinstance(error, IndexBusy | DiskFull)
