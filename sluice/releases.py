"""A release: one version of an index, from the first point staged to the collection's removal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sluice.errors import ReleaseError

State = Literal["building", "staged", "canary", "promoted", "retired", "rejected", "abandoned"]
EventKind = Literal["promoted", "rolled back", "canary started", "canary ended", "access changed", "forgotten"]

TRANSITIONS: Mapping[State, tuple[State, ...]] = {
    "building": ("staged", "abandoned"),
    "staged": ("canary", "promoted", "rejected", "abandoned"),
    "canary": ("promoted", "staged"),
    "promoted": ("retired",),
    "retired": ("promoted",),
    "rejected": ("promoted",),
    "abandoned": (),
}
"""What may follow what. `retired → promoted` is a rollback, `rejected → promoted` someone offering it once more;
`abandoned` is a build that was not resumed, or a staged release that a newer one took the place of."""


def held_until(release: str, *, rejected: bool) -> str:
    """What is said of a release wherever it is called held: what has it offered again, which is what a run goes by."""
    judged = "; a changed golden set, gate or access rule has it judged again" if rejected else ""
    changes = f"until a document or a setting changes{judged}"
    return f"no run offers it again by itself {changes}; to offer it now: sluice promote {release}"


_OTHERS = "sluice releases lists those that are there"


@dataclass(frozen=True, slots=True)
class Transition:
    """A state, when it was entered, and who asked for it."""

    state: State
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Release:
    """The manifest of a release.

    `fingerprint` and `access_root` are Merkle roots (law 4, docs/architecture.md); two releases with both equal answer alike.
    `held` says why a run must not offer this fingerprint again by itself (rejected, rolled back). `synced` is the root
    of the access tags that its collection was last brought to, and `narrowed` names the documents (by key) of which it holds an
    older text that fewer may read than the present one. `replaced` is the release that was live before it.
    `removed` is when its collection was deleted by retention; the manifest stays. `erased` names the documents (by key)
    that were erased from it on demand; its counts are without them, and its fingerprint is not that of its build any more.
    `canary_share` is the share of readers that it serves, or served, beside the live one. `access` is the last change of
    its tags: when, how many documents lost and gained readers, and the seconds until the last loss held. `judged` is the
    last judgement: when, by whom, against which release (null: by itself), and which gates were overruled. `tokens` are those
    of its chunks, `tokens_embedded` those that it cost; `contexts_cut` counts contexts that did not fit. `recipe` is how it was
    made and is searched, whole (`sluice.recipe`); empty in releases from before there were recipes. `base` is the
    release that it is a delta of; null: it was built from nothing. `sources` says what was
    done for each source while it was made, `cost` what was embedded for it, at the endpoint's price.
    """

    id: str
    index: str
    collection: str
    state: State
    fingerprint: str
    access_root: str
    created: datetime
    history: tuple[Transition, ...] = ()
    fingerprints: Mapping[str, Any] = field(default_factory=dict)
    configuration: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    base: str | None = None
    documents: int = 0
    chunks: int = 0
    tokens: int = 0
    embedded: int = 0
    cached: int = 0
    tokens_embedded: int = 0
    contexts_cut: int = 0
    counts: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    verdicts: tuple[Mapping[str, Any], ...] = ()
    gates_fingerprint: str = ""
    judged: Mapping[str, Any] = field(default_factory=dict)
    held: str = ""
    pinned: bool = False
    replaced: str | None = None
    removed: datetime | None = None
    synced: str = ""
    narrowed: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    canary_share: float = 0.0
    access: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)
    cost: float = 0.0

    @property
    def held_until(self) -> str:
        """As the function, of this one."""
        return held_until(self.id, rejected=self.state == "rejected")

    @property
    def searchable(self) -> bool:
        """Whether its collection is complete and still there."""
        return self.removed is None and self.state not in ("building", "abandoned")

    def there(self) -> Release:
        """Itself; raises ReleaseError, with what became of its collection and when, where that is not complete or not there."""
        if self.searchable:
            return self
        if self.removed is None or self.state in ("building", "abandoned"):
            raise ReleaseError(f"release {self.id} cannot be read: it is {self.state}", hint=_OTHERS)
        raise ReleaseError(
            f"release {self.id} was removed by retention at {self.removed:%Y-%m-%d %H:%M} UTC: only its manifest is left "
            f"(sluice releases show {self.id})",
            hint=f"{_OTHERS}; raise retention.keep, or pin one (sluice releases pin ID), before it is removed",
        )

    @property
    def last_live(self) -> datetime | None:
        """When it last went live; None when it never did."""
        times = [t.at for t in self.history if t.state == "promoted"]
        return max(times) if times else None


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """Readers are served another release: for those who cache answers, delivered at least once, to be told apart by `id`.

    `release` serves them from now on, in the place of `replaced`: all of them when it went live (`promoted`, `rolled back`),
    the share `share` of them when it became a canary; when a canary ended, `release` is the live one, to which they return.
    A canary that goes live is `promoted`, and its end is not told apart.

    When readers of documents changed within `release` (`access changed`: `removed` are those that somebody may not read any
    more, `changed` those that more may read), and when one was erased (`forgotten`), documents are named by `key` alone.

    `everything` says to drop all that is cached: every document was cut or embedded anew, or too many changed to be
    listed. Else the documents are listed by what became of them, each `{"key", "uri", "source"}`. It is `intended` before
    readers see the change, `confirmed` when they do, `delivered` when every one of its targets took it; `taken` names those.
    """

    id: str
    index: str
    kind: EventKind
    release: str
    replaced: str | None
    at: datetime
    actor: str
    everything: bool = False
    added: tuple[Mapping[str, Any], ...] = ()
    changed: tuple[Mapping[str, Any], ...] = ()
    removed: tuple[Mapping[str, Any], ...] = ()
    state: Literal["intended", "confirmed", "delivered"] = "intended"
    taken: tuple[str, ...] = ()
    share: float = 0.0
