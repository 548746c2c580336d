"""What a run is told to do again, and what it found to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ingest.planning import SourcePlan
from sluice.errors import SluiceError
from sluice.ids import document_key
from sluice.records import DocumentState


@dataclass(frozen=True, slots=True)
class Redo:
    """Document keys whose stages are done again on purpose, although nothing changed."""

    fetch: frozenset[str] = frozenset()
    parse: frozenset[str] = frozenset()
    chunk: frozenset[str] = frozenset()

    @classmethod
    def since(cls, stage: str, keys: Iterable[str]) -> Redo:
        """These documents, from `fetch`, `parse` or `chunk` on."""
        chosen = frozenset(keys)
        order = ("fetch", "parse", "chunk")
        return cls(**dict.fromkeys(order[order.index(stage) :], chosen))

    def forces(self, stage: Literal["fetch", "parse"], source: str) -> Callable[[str], bool]:
        """Whether a uri of this source must be fetched or parsed whatever is known of it."""
        keys = self.fetch if stage == "fetch" else self.parse
        return lambda uri: document_key(source, uri) in keys


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to do, found without changing anything."""

    plans: tuple[SourcePlan, ...]
    expired: tuple[DocumentState, ...]
    parse: tuple[DocumentState, ...]
    """Documents whose bytes are here and wait to be parsed (those to be fetched come on top)."""
    held: dict[str, int]
    states: int
    troubles: tuple[SluiceError, ...] = ()
    """Why sources could not be looked at, or are guarded; what the others no longer have is taken away all the same."""
    looked: Mapping[str, str] = field(default_factory=dict)
    """Source to the reason why it could not be looked at; empty where it was."""
    guarded: tuple[str, ...] = ()
    """Those of them that were read, and whose deletions are held back until somebody allows them."""
    empty: tuple[str, ...] = ()
    """Of each source that lists nothing at all, why."""

    @property
    def ingest_needed(self) -> bool:
        return bool(self.parse or any(plan.fetch for plan in self.plans))
