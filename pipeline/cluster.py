"""Partitions on a Dask cluster: each worker opens its own Resources once, and a worker that dies costs a try, not the run.

Only so much is in flight that every worker has something to begin with next. A partition whose worker died is a suspect:
when all others are done, each suspect is tried again with nothing beside it, so that what dies then is its own doing; after
`tries` it is taken apart document by document, and a document that still ends its worker is given up (quarantined) by the
partition itself. No future is held once its answer is here: Dask does finished work again whose worker died while somebody
holds it. Why `distributed` and not prefect-dask: docs/adr/0010-dask.md.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol, Self, TypeVar, cast, runtime_checkable

from pipeline.executors import Inline, P, R, patiently
from pipeline.resources import Resources, shared
from pipeline.runs import configuration_hash
from sluice.errors import ConfigurationError, Permanent, StoreUnavailable
from sluice.settings import RunnerSettings

D = TypeVar("D", bound="Divisible")

CONNECT_S = 60.0
"""How long a cluster may take to answer and to have a worker."""
UNSTAFFED_S = 600.0
"""How long work waits for a cluster that has lost all its workers: others may be on their way."""


class WorkerDied(Permanent):
    """A piece of work ended its worker every time, and there is nothing left to take apart."""


@runtime_checkable
class Divisible(Sized, Protocol):
    """A partition that may be done elsewhere, document by document if need be, and that knows how to give one up."""

    def one_by_one(self) -> Sequence[Self]:
        """The same work, one document in each."""

    def given_up(self, r: Resources, reason: str) -> object:
        """Keep in the quarantine that the only document of this partition cannot be done; what its function would have given."""


@dataclass(slots=True)
class Dask:
    """Implements `pipeline.executors.Executor`; closing lets go of the cluster. What is not Divisible is done here."""

    address: str | None = None
    workers: int = 2
    tries: int = 3
    unstaffed_s: float = UNSTAFFED_S
    run: str = field(default_factory=lambda: os.urandom(6).hex())
    """Workers open their Resources anew for another executor: what a source listed for an earlier run is old."""
    _opened: ExitStack = field(default_factory=ExitStack)
    _client: Any = None  # distributed.Client, which has no types

    @classmethod
    def of(cls, runner: RunnerSettings) -> Self:
        return cls(runner.address, runner.few, runner.tries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client = None
        self._opened.close()

    def map(self, function: Callable[[Resources, P], R], partitions: Sequence[P], r: Resources) -> Sequence[R]:
        """In the order of the partitions; one that was taken apart gives an answer for each of its documents."""
        there = [part for part in partitions if isinstance(part, Divisible)]
        if len(there) < len(partitions):
            return Inline().map(function, partitions, r)
        if not there:
            return []
        answers: dict[int, list[R]] = {}
        try:
            for position in self._round(function, dict(enumerate(partitions)), answers, r):
                answers[position] = self._alone(function, there[position], r)
        finally:
            r.stores.documents.look_again()  # workers wrote
        return [answer for position in range(len(partitions)) for answer in answers[position]]

    def _round(
        self, function: Callable[[Resources, P], R], parts: dict[int, P], answers: dict[int, list[R]], r: Resources
    ) -> list[int]:
        """Do all of them; gives the positions of those whose worker died."""
        from distributed.scheduler import KilledWorker

        client, suspects, waiting = self._connected(), list[int](), deque(parts)
        failed, under_way, ended = dict[int, BaseException](), dict[Any, int](), SimpleQueue[Any]()
        seen = time.monotonic()
        try:
            while waiting or under_way:
                while waiting and not failed and len(under_way) < self._bound(client):
                    position = waiting.popleft()
                    future = self._submitted(function, parts[position], r)
                    under_way[future] = position
                    future.add_done_callback(ended.put)
                if not under_way:  # what one failed of did not leave the others half done and unseen
                    break
                try:
                    future = ended.get(timeout=self._silent_s)
                except Empty:
                    now, is_up = time.monotonic(), client.status == "running"
                    seen = now if is_up and self._staff(client) else seen
                    if is_up and now - seen < self.unstaffed_s:
                        continue
                    raise self._gone(TimeoutError(f"silent, or without a worker, for {now - seen:.0f} s")) from None
                position, seen = under_way.pop(future), time.monotonic()
                status, error = future.status, future.exception() if future.status == "error" else None
                if status == "finished" and self._answered(future, answers, position):
                    r.progress.advance(len(parts[position]))
                elif error is not None and not isinstance(error, KilledWorker):
                    failed[position] = error
                elif client.status == "running":
                    suspects.append(position)
                else:
                    raise self._gone(ConnectionError("the connection was lost"))
                future.release()
        except OSError as error:
            raise self._gone(error) from None
        finally:
            if under_way and client.status == "running":
                client.cancel(list(under_way))
        if failed:
            raise failed[min(failed)]
        return sorted(suspects)

    def _answered(self, future: Any, answers: dict[int, list[Any]], position: int) -> bool:
        """Have the answer of what is done; False where its worker went before it could be asked for it.

        Dask would do the work again, and wait without end where no worker is left.
        """
        try:
            answers[position] = [future.result(timeout=self._silent_s)]
        except TimeoutError:
            return False
        return True

    @property
    def _silent_s(self) -> float:
        return min(CONNECT_S, self.unstaffed_s)

    def _alone(self, function: Callable[[Resources, D], R], part: D, r: Resources) -> list[R]:
        """A suspect, with nothing beside it; taken apart when it dies as often as it may, given up when it is one document."""
        for _ in range(1, self.tries):
            answers: dict[int, list[R]] = {}
            if not self._round(function, {0: part}, answers, r):
                return answers[0]
        if len(part) > 1:
            return [answer for single in part.one_by_one() for answer in self._alone(function, single, r)]
        r.stores.documents.look_again()  # the worker may have written before it died
        return [cast(R, part.given_up(r, f"its worker died each of the {self.tries} times that it was tried"))]

    def _submitted(self, function: Callable[[Resources, P], R], part: P, r: Resources) -> Any:
        path, written = str(r.settings.path), configuration_hash(r)
        return self._client.submit(on_worker, function, path, written, self.run, r.spending, part, pure=False, retries=0)

    @staticmethod
    def _bound(client: Any) -> int:
        return 2 * max(1, Dask._staff(client))

    @staticmethod
    def _staff(client: Any) -> int:
        return len(client.scheduler_info(n_workers=-1)["workers"])

    def _connected(self) -> Any:
        if self._client is None:
            import distributed

            try:
                address = self.address or self._opened.enter_context(local_cluster(self.workers))
                self._client = self._opened.enter_context(
                    distributed.Client(address, timeout=CONNECT_S, set_as_default=False, direct_to_workers=False)
                )
                self._client.wait_for_workers(1, timeout=CONNECT_S)
            except (OSError, TimeoutError) as error:
                raise self._gone(error) from None
        return self._client

    def _gone(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"the Dask cluster at {self.address or 'this machine'} did not answer: {type(error).__name__}: {error}",
            hint="is its scheduler up, with a worker that has Sluice, the configuration and the stores' addresses?",
        )


@contextmanager
def local_cluster(workers: int) -> Iterator[Any]:
    """So many worker processes on this machine, of one thread each: the model uses all cores by itself."""
    import dask
    import distributed

    # A death is told at once: Dask's own default would let a partition take three more workers with it.
    chosen = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.worker-saturation": 1.0,
        # After 15 s Dask would give up, for good, a worker that died and is begun anew: on a busy machine it takes longer.
        "distributed.deploy.lost-worker-timeout": f"{UNSTAFFED_S:.0f}s",
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # Prefect's handlers would print each step of its own
    with (
        dask.config.set(chosen),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            memory_limit=0,
            host="127.0.0.1",
            silence_logs=50,
        ) as cluster,
    ):
        yield cluster


_kept: dict[str, tuple[str, ExitStack, Resources]] = {}
_kept_lock = threading.Lock()


@atexit.register
def _let_go() -> None:
    """What a worker keeps is closed while Python can still do it."""
    while _kept:
        _kept.popitem()[1][1].close()


def on_worker(function: Callable[[Resources, P], R], config: str, written: str, run: str, spending: str | None, part: P) -> R:
    """Do it on this worker's Resources, which stay open for the run's next partition: the model is loaded once."""
    r = resources_of_worker(config, written, run)
    r.spending = spending
    return patiently(function, r, part)


def resources_of_worker(config: str, written: str, run: str) -> Resources:
    """Those of the configuration as the driver has it; another text under this path is a ConfigurationError."""
    with _kept_lock:
        kept, closing, r = _kept.get(config, ("", ExitStack(), None))
        if r is None or kept != run:
            closing.close()
            _kept.pop(config, None)
            opened = ExitStack()
            r = opened.enter_context(shared(config))
            if configuration_hash(r) != written:
                opened.close()
                raise ConfigurationError(
                    f"{config} on this worker is not what the run was started with",
                    hint="give every worker the same file, and start the run again",
                )
            _kept[config] = (run, opened, r)
        return r
