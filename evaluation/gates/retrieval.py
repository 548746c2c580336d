"""Retrieval: the candidate finds what the golden set says is there, and no less of it than the live release does.

Floors are absolute, overall and by slice. Against the live release, on the same queries and the same labels, a drop of
Recall@k beyond `max_drop` rejects, and so does one that is more than chance (see `comparison.py`); other measures
likewise where a limit is stated for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from evaluation.gates.anchoring import SHOWN, GoldenChange, Records, anchor_of, answers_again, change_of, known_labels
from evaluation.gates.base import SAMPLES, GateContext, ReleaseView, refused
from evaluation.gates.comparison import ROUNDING, compare
from evaluation.gates.retrieval_options import RetrievalOptions
from evaluation.gates.retrieval_shown import blocks, change_blocks, explained, labels, lost, mend, spread, stale_table, worst
from evaluation.golden import GoldenSet, load_golden
from evaluation.judged import Judged, encode, found_before, judged, on_shared_labels, scored_again
from evaluation.labels import ResolvedSet, resolve, resolve_like, unknown
from evaluation.protocols import LabelledDocuments
from evaluation.readable import barred
from evaluation.scoring import Evaluation, evaluate
from sluice.display import counted
from sluice.errors import ConfigurationError, IntegrityError, ReleaseError
from sluice.evidence import Block
from sluice.ids import fingerprint
from sluice.records import Verdict


class RetrievalGate:
    """Floors on a golden set, and no drop against the live release."""

    Options = RetrievalOptions
    name = "retrieval"

    def __init__(self, options: RetrievalOptions) -> None:
        self.options = options

    @cached_property
    def golden(self) -> GoldenSet:
        """The questions that somebody asked; with `synthetic`, those that were drafted, and no other."""
        whole = load_golden(self.options.golden)
        return whole.of(synthetic=self.options.synthetic)

    @property
    def _set(self) -> str:
        """The name under which answers are kept: one file may hold the questions of two gates."""
        return f"{self.golden.path}{' (drafted)' if self.options.synthetic else ''}"

    @property
    def _asked(self) -> str:
        """What one of its questions is called: a mean over drafted ones is never said as if people had asked them."""
        return "drafted query" if self.options.synthetic else "query"

    @property
    def queries(self) -> list[str]:
        return [query.query for query in self.golden.queries]

    @property
    def fingerprint(self) -> str:
        own = self.options.model_dump(mode="json", exclude={"golden"})
        return fingerprint("gate:retrieval", {"options": own, "golden": self.golden.fingerprint, "version": 3})

    def load(self) -> None:
        there = {name for query in self.golden.queries if query.answerable for name in query.slices}
        unknown = sorted(self.options.slices.keys() - there)
        if unknown:
            raise ConfigurationError(
                f"{self.golden.path}: no query is of slice '{unknown[0]}', for which the retrieval gate has a floor",
                hint=f"its slices are: {', '.join(sorted(there)) or 'none'}",
            )

    def judge(self, context: GateContext) -> Verdict:
        records = Records(context, self.golden, self._set, self.options.anchor_days, self.options.anchor)
        before = records.before()
        views = [view for view in (context.live, context.candidate) if view is not None]
        judged_as = next((view for view in views if before is not None and view.id == before.release), None)
        now = context.candidate.documents
        resolved = resolve(self.golden, now, found_before(before, judged_as.documents, now) if judged_as else unknown)
        changed = self._changed(before, context)
        unusable = self._unusable(resolved, records)
        if unusable:
            verdict = refused(self.name, _led(changed, unusable), golden=str(self.golden.path), **labels(resolved))
            evidence = {**verdict.evidence, **({"golden_change": changed.as_json()} if changed else {})}
            shown = (stale_table(verdict.evidence["stale_labels"]), *change_blocks(evidence))
            return replace(verdict, evidence=evidence, shown=shown, advice=mend(self.golden, resolved))
        candidate = self._measure(context.candidate, resolved)
        self._keep(candidate, context)
        evidence = {"golden": str(self.golden.path)} | candidate.as_json()
        if changed:
            evidence["golden_change"] = changed.as_json()
        warnings = self._warnings(candidate, resolved, now)
        failures = self.shortfalls(candidate)
        pair, unmeasured = self._beside_live(context, candidate, before, changed is not None)
        if pair is not None and context.live is not None:
            own, live = pair
            evidence["live"] = {"release": context.live.id, "measures": live.measures, "slices": live.by_slice()}
            if _cut(own, candidate):
                evidence["shared"] = {"queries": len(own.counted), "measures": own.measures, "slices": own.by_slice()}
            shown_only = (f"Success@{self.options.k}", "nDCG@10")
            found = compare(own, live, limits=self.options.limits, shown=shown_only, slice_queries=self.options.slice_queries)
            evidence |= {"comparison": found.measures, "slice_comparison": found.slices}
            failures += found.failures
            warnings += found.doubts
        else:
            evidence["comparison"] = "refused" if unmeasured else "not_applicable"
        failures += self._below_anchor(records, candidate, evidence)
        mine, theirs = pair if pair is not None else (candidate, None)
        evidence["spread"] = spread(mine, theirs)
        evidence["worst"] = worst(mine, theirs, f"Recall@{self.options.k}")
        if changed and changed.failed:
            warnings.insert(0, changed.said())
        if unmeasured:
            reason = _led(changed, f"refused: the live release cannot be measured: {unmeasured}")
            return Verdict(self.name, False, reason, evidence | {"refused": True}, tuple(warnings), self._shown(evidence))
        if failures:
            explained(evidence["worst"], candidate, context)
            advice = lost(evidence["worst"], f"Recall@{self.options.k}", context.candidate.id)
            by = f"by {counted(len(candidate.counted), self._asked)}: " if self.options.synthetic else ""
            reason = _led(changed, by + "; ".join(failures))
            return Verdict(self.name, False, reason, evidence, tuple(warnings), self._shown(evidence), advice)
        reason = _led(changed, self._summary(candidate, pair, context))
        return Verdict(self.name, True, reason, evidence, tuple(warnings), self._shown(evidence))

    def _warnings(self, candidate: Evaluation, resolved: ResolvedSet, documents: LabelledDocuments) -> list[str]:
        missing = len(resolved.with_state("missing"))
        warnings = [f"{counted(missing, 'label is', 'labels are')} not in the release's text"] if missing else []
        closed = barred((*resolved.scored, *resolved.unscored), documents)
        if closed:
            told = "; ".join(f"'{id}': {reason}" for id, _, reason in closed[:SAMPLES])
            rest = f" and {len(closed) - SAMPLES} more" if len(closed) > SAMPLES else ""
            warnings.append(f"{counted(len(closed), 'label is a miss', 'labels are misses')} for ever: {told}{rest}")
        return warnings + self._small_slices(candidate) + self._nearly_stale(resolved)

    def _changed(self, before: Judged | None, context: GateContext) -> GoldenChange | None:
        if before is None:
            return None
        k, drafted = self.options.k, self.options.synthetic
        return change_of(self.golden, before, context, k=k, measure=f"Recall@{k}", synthetic=drafted)

    def _keep(self, candidate: Evaluation, context: GateContext) -> None:
        """What was answered is kept, so that this release need not be searched again when the next one is held against it."""
        if context.judged is not None:
            path, mark = self._set, self.golden.fingerprint
            record = judged(context.candidate.id, candidate, golden=path, fingerprint=mark, access=context.candidate.access)
            context.judged.keep(context.candidate.id, f"{path} {mark}", encode(record))

    def _below_anchor(self, records: Records, candidate: Evaluation, evidence: dict[str, Any]) -> list[str]:
        """The limits that do not hold against the anchor, in words; what it is goes into the evidence."""
        decisive = f"Recall@{self.options.k}"
        pasts = records.pasts(candidate, self.options.k)
        anchor = anchor_of(pasts, decisive)
        if anchor is None:
            missing = self.options.anchor
            return [f"the anchor '{missing}' has no record of its answers: it cannot be held against"] if missing else []
        limit = self.options.max_drop
        evidence["anchor"] = {
            "release": anchor.release,
            "days": self.options.anchor_days,
            "queries": anchor.theirs.queries,
            "measures": anchor.theirs.measures,
            "candidate": anchor.mine.measures,
            "margin": round(limit - anchor.drop(decisive), 6),
            "last": [
                {"release": past.release, decisive: past.theirs.measures[decisive], "queries": past.theirs.queries}
                for past in pasts[-SHOWN:]
            ],
        }
        which = "the pinned anchor" if self.options.anchor else f"the best of the last {self.options.anchor_days} days"
        return [
            f"{name} {anchor.mine.measures.get(name, 0.0):.3f} against {anchor.theirs.measures.get(name, 0.0):.3f} of "
            f"{anchor.release}, {which}: a drop beyond max_drop {allowed:.3f}"
            for name, allowed in self.options.limits.items()
            if not anchor.drop(name) <= allowed + ROUNDING
        ]

    def _shown(self, evidence: dict[str, Any]) -> tuple[Block, ...]:
        return tuple(blocks(evidence, self.options.limits))

    def shortfalls(self, evaluation: Evaluation) -> list[str]:
        """Each floor that the measures do not reach, in words, overall and by slice."""
        short = _below(evaluation.measures, self.options.floors, "")
        slices = evaluation.by_slice()
        for name, floors in self.options.slices.items():
            if name not in slices:
                short.append(f"slice '{name}' has a floor and no query that can be scored: no evidence is not a pass")
            else:
                short += _below(slices[name], floors.by_measure(self.options.k), f" of slice '{name}'")
        if self.options.min_slice_recall is not None:
            every = {f"Recall@{self.options.k}": self.options.min_slice_recall}
            for name, figures in slices.items():
                if figures["queries"] >= self.options.slice_queries and name not in self.options.slices:
                    short += _below(figures, every, f" of slice '{name}'")
        return short

    def _small_slices(self, evaluation: Evaluation) -> list[str]:
        """Floors on slices of too few queries hold, and one query more or less decides them."""
        counts = {name: int(figures["queries"]) for name, figures in evaluation.by_slice().items() if name in self.options.slices}
        few = [f"{name} {count}" for name, count in counts.items() if count < self.options.slice_queries]
        return [f"floors on slices of fewer than {self.options.slice_queries} queries: {', '.join(few)}"] if few else []

    def _nearly_stale(self, resolved: ResolvedSet) -> list[str]:
        """Said beforehand: in a small set one edited quote is a share of its own."""
        if (resolved.stale + 1) / resolved.labels <= self.options.max_stale:
            return []
        return [
            f"one more edited quote makes {resolved.stale + 1} of {counted(resolved.labels, 'label')} stale, more than max_stale "
            f"{self.options.max_stale:.0%} allows: the next release would be refused; add questions, or raise max_stale"
        ]

    def _unusable(self, resolved: ResolvedSet, records: Records) -> str:
        """Why this golden set is no evidence about this release; empty when it is."""
        if not resolved.scored and not resolved.unscored:
            which = "drafted query" if self.options.synthetic else "query that somebody asked (drafted ones: synthetic: true)"
            drafted = any(query.synthetic for query in load_golden(self.options.golden).queries) or self.options.synthetic
            return f"{self.golden.path} holds no {which if drafted else 'query'} that has an answer"
        if resolved.stale_share > self.options.max_stale:
            return (
                f"{resolved.stale} of {counted(resolved.labels, 'label')} {'is' if resolved.stale == 1 else 'are'} stale, "
                f"more than max_stale {self.options.max_stale:.0%} allows"
            )
        if not resolved.scored:
            return f"none of {counted(len(resolved.unscored), 'query')} can be scored: every label of theirs is stale"
        count, wanted = len(resolved.scored), self.options.min_queries
        if wanted is not None:
            return f"{counted(count, 'query')} can be scored, min_queries is {wanted}" if count < wanted else ""
        most, release = records.most_scored
        if 2 * count < most:
            return (
                f"{counted(count, 'query')} can be scored, {most} could be when {release} was judged: fewer than half say "
                f"nothing of the rest; if the golden set was cut on purpose, say so with min_queries: {count}"
            )
        return ""

    def _measure(self, release: ReleaseView, resolved: ResolvedSet) -> Evaluation:
        return evaluate(release.searcher, resolved, k=self.options.k, everyone=release.tags)

    def _beside_live(
        self, context: GateContext, candidate: Evaluation, before: Judged | None, changed: bool
    ) -> tuple[tuple[Evaluation, Evaluation] | None, str]:
        """(candidate, live) on the same questions and labels; None where there is no live release, or with the reason why it
        cannot be measured.

        Where it was judged on this golden set under the same access, its kept answers are used again. Where the golden set
        changed since, only what both versions have counts: a question that live never had a document for hides nothing.
        """
        live, k = context.live, self.options.k
        if live is None:
            return None, context.live_unmeasured
        record = before
        if record is None or before is None or before.release != live.id or not before.reaches(k) or before.access != live.access:
            try:
                labels = resolve_like(self.golden, live.documents, candidate.resolved)
                measured = self._measure(live, labels)
            except (ReleaseError, IntegrityError) as error:  # its collection or what it was made of is gone
                return None, error.message
            path, mark = self._set, self.golden.fingerprint
            record = judged(live.id, measured, golden=path, fingerprint=mark, access=live.access)
            if before is None or not changed:
                return (candidate, measured), ""
        known = known_labels(before) if before is not None and changed else None
        mine, theirs = on_shared_labels(candidate.resolved, record, known=known)
        if not mine.scored:  # nothing of it is asked any more: the set as it is now, on both
            labels = resolve_like(self.golden, live.documents, candidate.resolved)
            return (candidate, self._measure(live, labels)), ""
        return (answers_again(candidate, mine, k), scored_again(record, theirs, k=k)), ""

    def _summary(self, candidate: Evaluation, pair: tuple[Evaluation, Evaluation] | None, context: GateContext) -> str:
        """The mean over all of its questions, and beside it live's, on the questions and labels that both were asked."""
        name = f"Recall@{self.options.k}"
        own = f"{name} {candidate.measures[name]:.3f} on {counted(len(candidate.counted), self._asked)}"
        if pair is None:
            return f"{own}, {context.alone_because}" + ("" if context.serving else " to compare with")
        mine, live = pair
        if not _cut(mine, candidate):
            return f"{own}, live {live.measures[name]:.3f}"
        both = f"{len(mine.counted)} that both were asked, by the labels that both have"
        return f"{own}; on the {both}, {mine.measures[name]:.3f}, live {live.measures[name]:.3f}"


def _cut(mine: Evaluation, candidate: Evaluation) -> bool:
    """Whether a comparison is on fewer questions or labels than the candidate's own means are over."""
    return [query.counted for query in mine.resolved.scored] != [query.counted for query in candidate.resolved.scored]


def _led(changed: GoldenChange | None, reason: str) -> str:
    """A reason that begins with what a change of the golden set hides."""
    return f"{changed.said()}; {reason}" if changed and changed.failed else reason


def _below(measures: Mapping[str, float], floors: Mapping[str, float], where: str) -> list[str]:
    return [
        f"{name}{where} {measures.get(name, 0.0):.3f} is below the floor {floor:.3f}"
        for name, floor in floors.items()
        if not measures.get(name, 0.0) >= floor - ROUNDING  # a measure that is no number reaches nothing
    ]
