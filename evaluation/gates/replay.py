"""Replay: what people really asked, put to both releases; the answers that changed most, for a person to look at.

The log is what a Searcher writes when it is asked to: JSON Lines with query and tags (hits and scores are there for other
readers). Answers are compared by document, because a changed strategy gives every chunk another id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from evaluation.gates.base import SAMPLES, GateContext, ReleaseView, not_applicable, refused
from sluice.access import AccessTags, Principal
from sluice.display import counted
from sluice.errors import ConfigurationError, IntegrityError, ReleaseError
from sluice.evidence import Answer, Block, Figures, Hits
from sluice.ids import fingerprint
from sluice.jsons import bounded
from sluice.records import Hit, Verdict
from sluice.settings import ConfigPath, Section, Share


class ReplayOptions(Section):
    """The newest `queries` different questions of the log, k documents each. Without `min_overlap` it never rejects."""

    log: ConfigPath
    k: int = Field(default=10, ge=1)
    queries: int = Field(default=200, ge=1)
    min_overlap: Share | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    query: str
    tags: tuple[str, ...]


class ReplayGate:
    """The mean overlap of the first k documents between live and candidate."""

    Options = ReplayOptions
    name = "replay"

    def __init__(self, options: ReplayOptions) -> None:
        self.options = options

    @property
    def fingerprint(self) -> str:
        """Covers the options only: the log grows with every search, and is no reason to judge again."""
        own = self.options.model_dump(mode="json", exclude={"log"})
        return fingerprint("gate:replay", {"options": own, "version": 1})

    def load(self) -> None:
        """The log may not exist yet."""

    def judge(self, context: GateContext) -> Verdict:
        if context.live is None:
            if context.live_unmeasured and self.options.min_overlap is not None:
                return refused(self.name, f"the live release cannot be measured: {context.live_unmeasured}")
            return not_applicable(self.name, context.live_unmeasured or context.alone_because)
        asked, unreadable = self._asked()
        warnings = (f"{counted(unreadable, 'line')} of {self.options.log} could not be read",) if unreadable else ()
        if not asked:
            nothing = f"{self.options.log} holds no searches"
            return (
                refused(self.name, nothing)
                if self.options.min_overlap is not None
                else not_applicable(self.name, nothing, warnings)
            )
        try:
            compared = [self._compared(question, context.candidate, context.live) for question in asked]
        except (ReleaseError, IntegrityError) as error:
            return refused(self.name, f"a release cannot be searched: {error.message}")
        overlap = sum(each["overlap"] for each in compared) / len(compared)
        movers = sorted((each for each in compared if each["overlap"] < 1), key=lambda each: each["overlap"])
        evidence: dict[str, Any] = {
            "searches": len(compared),
            "k": self.options.k,
            "overlap": round(overlap, 4),
            "changed": len(movers),
            "movers": movers[:SAMPLES],
        }
        said = f"overlap@{self.options.k} {overlap:.3f} on {counted(len(compared), 'search')} of the log, {len(movers)} changed"
        if self.options.min_overlap is not None and overlap < self.options.min_overlap:
            reason = f"{said}; min_overlap is {self.options.min_overlap:g}"
            return Verdict(self.name, False, reason, evidence, warnings, _blocks(evidence))
        return Verdict(self.name, True, said, evidence, warnings, _blocks(evidence))

    def _asked(self) -> tuple[list[_Asked], int]:
        """The newest different questions, oldest of them first, and how many lines are not what a Searcher writes."""
        try:
            lines = self.options.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return [], 0
        except OSError as error:
            raise ConfigurationError(
                f"{self.options.log}: cannot be read: {error.strerror}", hint="correct the replay gate's 'log'"
            ) from None
        found: dict[_Asked, None] = {}
        unreadable = 0
        for line in reversed(lines):
            question = _question(line)
            if question is None:
                unreadable += bool(line.strip())
            elif len(found) < self.options.queries:
                found.setdefault(question)
        return list(reversed(found)), unreadable

    def _compared(self, asked: _Asked, candidate: ReleaseView, live: ReleaseView) -> dict[str, Any]:
        principal = Principal(AccessTags(asked.tags))
        mine, theirs = (view.searcher.search_documents(asked.query, principal, self.options.k) for view in (candidate, live))
        keys, others = {hit.document_key for hit in mine}, {hit.document_key for hit in theirs}
        most = max(len(keys), len(others))
        return {
            "query": asked.query,
            "tags": list(asked.tags),
            "overlap": round(len(keys & others) / most, 4) if most else 1.0,
            "candidate": list(_shown(mine)),
            "live": list(_shown(theirs)),
        }


def _blocks(evidence: dict[str, Any]) -> tuple[Block, ...]:
    """How much changed, and the searches that changed most with both answers."""
    figures = Figures({"overlap": evidence["overlap"], "searches": evidence["searches"], "changed": evidence["changed"]})
    movers = (
        Hits(
            {name: tuple(Answer(hit["uri"], hit["score"]) for hit in mover[name]) for name in ("candidate", "live")},
            mover["query"],
            (f"as {', '.join(mover['tags'])}", f"overlap {mover['overlap']:.2f}"),
        )
        for mover in evidence["movers"]
    )
    return (figures, *movers)


def _question(line: str) -> _Asked | None:
    try:
        value = bounded(line)
        query, tags = value["query"], value["tags"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(query, str) or not query.strip() or not isinstance(tags, list):
        return None
    return _Asked(query, tuple(sorted(str(tag) for tag in tags)))


def _shown(hits: Sequence[Hit]) -> Iterator[dict[str, Any]]:
    for hit in hits[:SAMPLES]:
        yield {"uri": hit.uri, "score": round(hit.score, 4)}
