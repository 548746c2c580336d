"""What a gate is handed and what it hands back.

A gate reads its files in `load`, before anything is built; it judges a staged release from what the context gives it,
and returns a Verdict. It never promotes, never raises for bad evidence, and never sees a store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from evaluation.protocols import Beside, ExpectedChunks, JudgedReleases, LabelledDocuments, ReleasePoints, Searcher, TakenOver
from sluice.access import NOBODY, AccessTags
from sluice.points import Vector
from sluice.records import Verdict

SAMPLES = 5
"""At most so many samples of anything in a verdict."""


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """One release as a gate may look at it: search in it, its documents, and every tag its points carry.

    `access` is a root over the tags that its own documents have now: while it stays, the release answers as it did.
    `plain` searches as a reader does, who knows no query ahead: what a search takes is measured with it.
    """

    id: str
    searcher: Searcher
    documents: LabelledDocuments
    tags: AccessTags = NOBODY
    access: str = ""
    plain: Searcher | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A document that a question was to find and did not: at which stage it was lost, in a word and in a sentence."""

    uri: str
    reason: str
    says: str


Explain = Callable[[str, str, str | None, AccessTags, int], Lost]
"""Why the candidate does not show a document: of a query, its uri and source, who asks, and how many hits they see."""


Recalls = Callable[[Sequence[AccessTags], Sequence[str], int], Mapping[AccessTags, Sequence[float]]]
"""By the readers' tags: of the k exact nearest to each question, the share that is found. Without those who may read nothing."""


@dataclass(frozen=True, slots=True)
class GateContext:
    """Everything the gates of one candidate may look at.

    `live` is None when there is no live release; when there is one that cannot be measured, `live_unmeasured` says why
    (a comparison then refuses); `serving` says that the candidate itself is what is live.
    `known_tags` is the vocabulary of the access rules. `window` is the embedding model's,
    in tokens, `special_tokens` included. `workspace` is a folder for what a gate wants to keep.
    `live_points` are the points of the live release; `vectors` gives what the model made of texts, by their hash (those
    that are still kept); `judged` gives what earlier releases answered and keeps what this one does; `alone` makes an
    index of nothing but the candidate's points that a reader with these tags may read, searched exactly; `golden_files` are
    those of all gates together; `ahead` is told queries before they are asked, so that they are embedded together, and
    whether they may outlive the release (no words of documents may); `taken_over` is what need not be compared word for word
    again, and `beside` keeps what was read of the points; `why` says at which stage a document was
    lost; `recalls` gives for each reader and question which share of the exact top k the store finds; `embedded_store` says
    that searches are timed on the embedded store, which no reader uses in earnest.
    """

    candidate: ReleaseView
    points: ReleasePoints
    expected: ExpectedChunks
    live: ReleaseView | None = None
    live_unmeasured: str = ""
    known_tags: AccessTags = NOBODY
    window: int = 256
    special_tokens: int = 2
    dimension: int | None = None
    workspace: Path | None = None
    live_points: ReleasePoints | None = None
    vectors: Callable[[Sequence[str]], Mapping[str, Vector]] | None = None
    embedded_store: bool = False
    judged: JudgedReleases | None = None
    alone: Callable[[AccessTags], Searcher] | None = None
    golden_files: frozenset[str] = frozenset()
    ahead: Callable[[Sequence[str], bool], None] = lambda _queries, _keep: None
    why: Explain | None = None
    recalls: Recalls | None = None
    serving: bool = False
    taken_over: TakenOver | None = None
    beside: Beside | None = None

    @property
    def alone_because(self) -> str:
        """Why there is nothing to compare with, where `live` is None."""
        return "this is the live release itself" if self.serving else "there is no live release"


class Gate(Protocol):
    """A condition that a release must meet to go live.

    `fingerprint` covers the options and the content of the files they name: when it changes, the gate is run again.
    """

    name: str

    @property
    def fingerprint(self) -> str: ...

    def load(self) -> None:
        """Read and check the gate's files; raises ConfigurationError, before anything is built."""

    def judge(self, context: GateContext) -> Verdict:
        """Whether this candidate passes, why, and the figures (plain values; at most five samples of anything)."""


@runtime_checkable
class Asking(Protocol):
    """A gate that puts the same queries to every release."""

    @property
    def queries(self) -> Sequence[str]:
        """What somebody wrote into a file, never words taken from documents."""


@runtime_checkable
class Prepared(Protocol):
    """A gate with something slow to load that no candidate changes: it is done beside the build.

    It is judged beside the other gates, too, on a thread of its own.
    """

    def ahead(self) -> None:
        """Load it; called on a thread of its own, perhaps never, and `judge` does not rely on it."""


def release_tags(points: ReleasePoints) -> AccessTags:
    """Every tag that any point of a release carries: what someone who may read everything holds."""
    return AccessTags(tag for point in points.scan(("access_tags",)) for tag in point.payload.get("access_tags") or ())


def refused(gate: str, reason: str, **evidence: Any) -> Verdict:
    """A verdict for want of evidence: no evidence is not a pass."""
    return Verdict(gate, False, f"refused: {reason}", {"refused": True} | evidence)


def not_applicable(gate: str, reason: str, warnings: tuple[str, ...] = ()) -> Verdict:
    """A verdict for a comparison that has nothing to be made with: it passes, and says that it says nothing."""
    return Verdict(gate, True, f"not applicable: {reason}", {"comparison": "not_applicable"}, warnings)
