"""Work for a cluster's workers that ends them: importable there, as functions of a test's own module are not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexing.build import Built
from pipeline.resources import Resources
from pipeline.steps.building import Part, embed_partition
from pipeline.steps.fetching import Share, TakenIn, ingest_partition
from sluice.errors import ConfigurationError

KILLER, UNREADABLE = "security/2.md", "people/bad.md"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A partition of numbers, for executors."""

    numbers: tuple[int, ...]
    folder: Path = Path()

    def __len__(self) -> int:
        return len(self.numbers)

    def one_by_one(self) -> Sequence[Numbers]:
        return [Numbers((n,), self.folder) for n in self.numbers]

    def given_up(self, _r: Resources, reason: str) -> list[str]:
        return [f"{n}: {reason}" for n in self.numbers]


def doubled(_r: Resources, part: Numbers) -> list[int]:
    return [2 * n for n in part.numbers]


def dies_once(_r: Resources, part: Numbers) -> list[int]:
    """The worker of the partition with a 7 dies the first time."""
    if 7 in part.numbers and not (part.folder / "died").exists():
        (part.folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return [2 * n for n in part.numbers]


def dies_always(_r: Resources, part: Numbers) -> list[int]:
    """The worker of a partition with a 7 dies each time."""
    if 7 in part.numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    return [2 * n for n in part.numbers]


def wrong(_r: Resources, part: Numbers) -> list[int]:
    """Refuses a 7."""
    if 7 in part.numbers:
        raise ConfigurationError("a seven")
    return [2 * n for n in part.numbers]


def process(_r: Resources, _part: Numbers) -> list[tuple[int, int]]:
    """Which process did it, and with which Resources."""
    return [(os.getpid(), id(_r))]


def embed_or_die(r: Resources, part: Part) -> Built:
    """As `embed_partition`, but one document ends whoever cuts it."""
    if any(state.uri == KILLER for state in r.stores.documents.read(part.keys)):
        os.kill(os.getpid(), signal.SIGKILL)
    return embed_partition(r, part)


def ingest_or_die(r: Resources, share: Share) -> TakenIn:
    """As `ingest_partition`, but one document ends whoever parses it."""
    if any(ref.uri == UNREADABLE for ref in share.refs):
        r.ingestion(share.run).fetch(r.sources[share.source], share.refs)
        os.kill(os.getpid(), signal.SIGKILL)
    return ingest_partition(r, share)


INSTEAD: dict[str, Callable[[Resources, Any], Any]] = {"embed_partition": embed_or_die, "ingest_partition": ingest_or_die}
