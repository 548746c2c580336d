"""The candidate against the best release of the last months, and the golden set against itself: neither wears down unseen.

A limit on the drop of one night says nothing of thirty nights. So a candidate is held against an anchor too: of the
releases that were live within `anchor_days`, the one that answers the same labels best. Their recorded answers are scored
again (`evaluation.judged`); their collections may be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from evaluation.authors import Change, changes_since
from evaluation.gates.base import SAMPLES, GateContext
from evaluation.golden import GoldenQuery, GoldenSet, Label
from evaluation.judged import Answered, Asked, Judged, decode, judged, on_shared_labels, scored_again
from evaluation.labels import ResolvedLabel, ResolvedSet, resolve_queries
from evaluation.past_scores import About, PastScores, Scored, asked_digest
from evaluation.scoring import Evaluation, evaluate
from sluice.ids import content_hash

EPSILON = 1e-9
SHOWN = 20
"""Releases of the line that shows the margin."""


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier release on the labels that it shares with the candidate, beside the candidate on the same."""

    release: str
    theirs: Scored
    mine: Scored

    def drop(self, measure: str) -> float:
        """By how much the candidate is below it."""
        return self.theirs.measures.get(measure, 0.0) - self.mine.measures.get(measure, 0.0)


@dataclass(frozen=True, slots=True)
class GoldenChange:
    """How a golden set differs from the one that a release was judged on; ids of questions, and labels by question."""

    release: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    reworded: tuple[str, ...]
    relabelled: tuple[str, ...]
    failed: tuple[str, ...] = ()
    """Of those removed, reworded and relabelled: what the candidate answers worse, as it was asked, than that release did."""
    by: tuple[Change, ...] = ()
    """Who changed it, where git knows."""

    @property
    def affected(self) -> int:
        return len(self.removed) + len(self.reworded) + len(self.relabelled)

    def as_json(self) -> dict[str, object]:
        lists = {name: list(getattr(self, name)[:SAMPLES]) for name in ("added", "removed", "reworded", "relabelled", "failed")}
        counts = {f"{name}_count": len(getattr(self, name)) for name in lists}
        return {"since": self.release, **lists, **counts, "by": [asdict(change) for change in self.by[:SAMPLES]]}

    def said(self) -> str:
        """The first line of a verdict, where the change hides a failure; else empty."""
        if not self.failed:
            return ""
        named = ", ".join(self.failed[:SAMPLES]) + (" …" if len(self.failed) > SAMPLES else "")
        by = f"; changed by {self.by[0].said()}" if self.by else ""
        return (
            f"the golden set no longer asks what this release fails: of {self.affected} removed, reworded or relabelled "
            f"since {self.release} was judged it answers {len(self.failed)} worse ({named}){by}"
        )


@dataclass(slots=True)
class _Kept:
    """A record as it is kept; it is read when somebody asks for more than what it is about."""

    content: bytes
    mark: str
    about: About
    _record: Judged | None = None

    @property
    def record(self) -> Judged | None:
        if self._record is None:
            self._record = decode(self.content)
        return self._record


@dataclass(slots=True)
class Records:
    """What is kept of the releases that this gate may look back at."""

    context: GateContext
    golden: GoldenSet
    name: str
    days: int
    pinned: str | None = None
    _anchors: tuple[str, ...] = field(init=False, default=())
    _by_release: dict[str, list[_Kept]] = field(init=False, default_factory=dict)
    _scores: PastScores = field(init=False, default_factory=PastScores)

    def __post_init__(self) -> None:
        kept = self.context.judged
        if kept is None:
            return
        self._anchors = tuple(past.id for past in kept.anchors(self.days, self.pinned))
        here = [self.context.candidate.id, *((self.context.live.id,) if self.context.live else ())]
        answers = kept.answers(list(dict.fromkeys((*self._anchors, *here))))
        scores = {content for release in here for content in answers.get(release, ()) if self._scores.add(content)}
        for release, contents in answers.items():
            self._by_release[release] = [one for content in contents if content not in scores and (one := self._kept(content))]

    def _kept(self, content: bytes) -> _Kept | None:
        mark = content_hash(content)
        if (about := self._scores.about.get(mark)) is not None:
            return _Kept(content, mark, about)
        record = decode(content)
        if record is None:
            return None
        about = self._scores.about[mark] = About.of(record)
        return _Kept(content, mark, about, record)

    def of(self, release: str) -> Judged | None:
        """The latest record of a release on this golden set: the same file, else one that shares questions, else one whose
        file no gate reads any more."""
        found = self._latest(release)
        return None if found is None else found.record

    def _latest(self, release: str) -> _Kept | None:
        kept = self._by_release.get(release, [])
        same = [one for one in kept if one.about.golden == self.name]
        if same:
            return same[-1]
        asked = {(query.query, query.principal) for query in self.golden.queries}
        others = [one for one in kept if one.about.golden not in self.context.golden_files]

        def shared(one: _Kept) -> int:
            return sum(answer.asked in asked for answer in one.record.answers) if one.record is not None else 0

        return max(others, key=shared, default=None)

    @property
    def most_scored(self) -> tuple[int, str]:
        """The most questions that could be scored when a release was judged, and that release."""
        found = [(one.about.scored, name) for name in self._by_release if (one := self._latest(name)) is not None]
        return max(found, default=(0, ""))

    def before(self) -> Judged | None:
        """The record that this golden set is compared with: the live release's, or the candidate's own when judged again."""
        return self.of(self.context.live.id if self.context.live is not None else self.context.candidate.id)

    def pasts(self, candidate: Evaluation, k: int) -> list[Past]:
        """Each release that may be the anchor, oldest first: those that share at least half of the candidate's questions.

        A record of these very questions and labels is scored once, and what it scored is kept with this candidate.
        """
        whole = judged("", candidate, golden="", fingerprint="", access="")
        labels, (all_mine, _) = About.of(whole).labels, on_shared_labels(candidate.resolved, whole, counts=self._readable)
        asked, found, seen = asked_digest(all_mine, k), list[Past](), list[str]()
        again = {asked: Scored.of(answers_again(candidate, all_mine, k))} if self._anchors and all_mine.scored else {}
        for release in self._anchors:
            kept = self._latest(release)
            if release == self.context.candidate.id or kept is None or kept.about.k < k:
                continue
            alike = bool(labels) and kept.about.labels == labels  # then the labels that both have are the candidate's
            theirs = self._scores.scores.get(kept.mark, {}).get(asked) if alike else None
            mine, this = all_mine, asked
            if theirs is None:
                record = kept.record
                if record is None:
                    continue
                mine, shared = on_shared_labels(candidate.resolved, record, counts=self._readable)
                this = asked_digest(mine, k)
                if _enough(mine, candidate):
                    theirs = Scored.of(scored_again(record, shared, k=k))
            if theirs is None or not _enough(mine, candidate):
                continue
            if alike:
                seen.append(kept.mark)
                self._scores.scores.setdefault(kept.mark, {})[asked] = theirs
            if this not in again:
                again[this] = Scored.of(answers_again(candidate, mine, k))
            found.append(Past(release, theirs, again[this]))
        if seen and self.context.judged is not None:
            kept_now = self._scores.encode(seen, asked)
            self.context.judged.keep(self.context.candidate.id, f"{self.name} scores", kept_now)
        return found

    def _readable(self, query: GoldenQuery, label: ResolvedLabel) -> bool:
        """Whether who asks may read the document today: access that was taken away is no loss of quality."""
        view = self.context.candidate
        asks = query.principal if query.principal is not None else view.tags
        states = view.documents.find(label.label.uri, label.label.source)
        return not states or any(not asks.isdisjoint(state.tags) for state in states)


def _enough(mine: ResolvedSet, candidate: Evaluation) -> bool:
    return bool(mine.scored) and 2 * len(mine.scored) >= len(candidate.resolved.scored)


def anchor_of(pasts: Sequence[Past], measure: str) -> Past | None:
    """The past release that the candidate is furthest below (or least above) on the labels they share."""
    return max(pasts, key=lambda past: past.drop(measure), default=None)


def known_labels(record: Judged) -> dict[Asked, frozenset[Label]]:
    """The labels of each question in a record."""
    return {answer.asked: frozenset(label.label for label in answer.labels) for answer in record.answers}


def change_of(
    golden: GoldenSet, before: Judged, context: GateContext, *, k: int, measure: str, synthetic: bool = False
) -> GoldenChange | None:
    """How the golden set differs from the one of a record, with what it hides; None where they mean the same."""
    if before.fingerprint == golden.fingerprint:
        return None
    now = {(query.query, query.principal): query for query in golden.queries if query.answerable}
    ids = {query.id for query in golden.queries}
    gone = [answer for answer in before.answers if answer.asked not in now]
    relabelled = [a for a in before.answers if a.asked in now and not {lb.label for lb in a.labels} <= set(now[a.asked].relevant)]
    old = {answer.asked for answer in before.answers}
    change = GoldenChange(
        before.release,
        added=tuple(q.id for asked, q in now.items() if asked not in old and q.id not in {a.query.id for a in gone}),
        removed=tuple(a.query.id for a in gone if a.query.id not in ids),
        reworded=tuple(a.query.id for a in gone if a.query.id in ids),
        relabelled=tuple(a.query.id for a in relabelled),
    )
    return GoldenChange(
        change.release,
        change.added,
        change.removed,
        change.reworded,
        change.relabelled,
        tuple(_worse([*gone, *relabelled], before, context, k, measure, str(golden.path))),
        changes_since(golden.path, before.fingerprint, synthetic=synthetic),
    )


def _worse(answers: Sequence[Answered], before: Judged, context: GateContext, k: int, measure: str, where: str) -> list[str]:
    """The questions, as they were asked, that the candidate answers worse than the release of the record did."""
    view = context.candidate
    resolved = resolve_queries([answer.query for answer in answers], view.documents, where=where)
    if not resolved.scored or not before.reaches(k):
        return []
    mine, theirs = on_shared_labels(resolved, before)
    if not mine.scored:
        return []
    now = evaluate(view.searcher, mine, k=k, everyone=view.tags, passages=False)
    then = {r.query.id: r.measures[measure] for r in scored_again(before, theirs, k=k, passages=False).results}
    return [r.query.id for r in now.results if r.measures[measure] < then[r.query.id] - EPSILON]


def answers_again(candidate: Evaluation, resolved: ResolvedSet, k: int) -> Evaluation:
    """The candidate on these questions and labels, from the hits it gave; itself where they are all of its own."""
    if resolved.scored == candidate.resolved.scored:
        return candidate
    answers = tuple(Answered(r.query, (), r.documents, r.chunks) for r in candidate.results)
    return scored_again(Judged("", "", "", "", candidate.k, answers), resolved, k=k)
