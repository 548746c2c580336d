"""`sluice compare`: variants measured, decided from what is recorded, written down, and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from evaluation.experiments import VariantResult, leader_first
from evaluation.experiments import conclude as decide
from evaluation.experiments.disagreements import disagreements
from evaluation.experiments.extrapolation import OnAll, on_all
from evaluation.experiments.outcome import Outcome as Decision
from evaluation.experiments.racing import ERROR, Stopped
from evaluation.experiments.record import CUTS, environment, folder_for, recorded_as, write
from evaluation.experiments.settings import VectorsSettings
from evaluation.labels import ResolvedSet
from pipeline.executors import Executor
from pipeline.experiments.adopting import Sections, sections
from pipeline.experiments.overlaying import overlays
from pipeline.experiments.overlaying import write as write_cuts
from pipeline.experiments.variants import Laboratory, laboratory
from pipeline.operations.parts import ingest
from pipeline.resources import Resources, utc_now
from pipeline.runs import holding, present_actor
from sluice.display import counted
from sluice.errors import ConfigurationError
from sluice.plain import plain


@dataclass(frozen=True, slots=True)
class Labels:
    """What became of a golden set's labels on these documents."""

    all: int
    stale: int
    missing: int
    unscored: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """Of how many documents anything was measured, how much of all text that was, and the share of documents that was drawn."""

    documents: int
    of: int
    share: float
    text: float
    intervals: Mapping[str, OnAll] = field(default_factory=dict)
    """Between what the deciding measure of each variant lies on all documents, where it is one of documents."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What an experiment found; `experiment` is the folder of its record."""

    experiment: Path
    name: str
    finished: datetime
    base: Path
    golden: Path
    documents: int
    labels: Labels
    fingerprints: Mapping[str, str]
    decision: Decision
    configurations: Mapping[str, Sections]
    """What each variant is made of, by its name."""
    stopped: tuple[Stopped, ...] = ()
    """The variants that a race stopped: they were measured on a part of the questions and documents only."""
    sampled: Sampled | None = None
    vectors: Mapping[str, VectorsSettings] = field(default_factory=dict)
    """How the vectors of a variant are kept, where it says so."""
    unjudged: Mapping[str, int] = field(default_factory=dict)
    """Of each variant, the hits among its first k documents that no label says anything of."""
    drafted: int = 0
    """Questions that were drafted: then all of them."""

    def summary(self) -> dict[str, Any]:
        """As the record holds it and `--json` prints it."""
        verdict = self.decision.as_json()
        for shown in verdict["variants"]:
            shown |= self.configurations[shown["name"]]
            shown["unjudged"] = self.unjudged.get(shown["name"], 0)
            if self.sampled is not None and (interval := self.sampled.intervals.get(shown["name"])) is not None:
                shown["on_all"] = plain(interval)
            if shown["name"] in self.vectors:
                shown["vectors"] = self.vectors[shown["name"]].model_dump(mode="json")
        kept = ("name", "finished", "base", "golden", "documents", "labels", "fingerprints", "stopped", "sampled", "drafted")
        verdict["conclusion"] = [*verdict["conclusion"], *_reservations(self)]
        summary: dict[str, Any] = plain({**{name: getattr(self, name) for name in kept}, **verdict})
        return summary


@dataclass(frozen=True, slots=True)
class Measuring:
    """A variant to be measured on so many documents."""

    experiment: str
    name: str
    documents: int

    def __len__(self) -> int:
        return self.documents


def measure_variant(_r: Resources, what: Measuring) -> str:
    """Cut, embed, search and score one variant; its result is recorded, and its fingerprint given."""
    with laboratory(what.experiment) as lab:
        return lab.run(what.name).fingerprint


def race(_r: Resources, what: Measuring) -> tuple[Stopped, ...]:
    """Stop the variants that have lost on a part of the questions and documents."""
    with laboratory(what.experiment) as lab:
        return lab.race()


def compare(lab: Laboratory, executor: Executor, *, looking: bool = False) -> Comparison:
    """Run what no earlier run answers, then decide; a variant that fails leaves the others' results recorded.

    Who is only `looking` gets no new folder where nothing is measured and one of this very experiment is there.
    A variant at a time: a model uses every core, and seconds measured side by side would be nobody's.
    """
    if not ingested(lab):
        lab.r.progress.note("the base's documents are not here yet: they are fetched and parsed first; no release is built")
        with holding(lab.r, "ingest", executor=executor) as run:
            ingest(lab.r, run)
        lab.look_again()
    lab.check_labels()
    pending, failed = lab.pending(), list[Exception]()
    stopped: tuple[Stopped, ...] = ()
    if lab.experiment.racing and pending:
        stopped = executor.map(race, [Measuring(str(lab.experiment.path), "race", len(lab.documents))], lab.r)[0]
        out = {each.variant for each in stopped}
        pending = [variant for variant in pending if variant.name not in out]
    if not pending:
        lab.r.progress.note("every variant is answered from the record of an earlier run")
    for variant in pending:
        what = Measuring(str(lab.experiment.path), variant.name, len(lab.documents))
        try:
            executor.map(measure_variant, [what], lab.r)
        except Exception as error:  # a strategy of the user's may raise anything
            failed.append(error)
    if failed:
        raise failed[0]
    return conclude(lab, stopped, again=looking and not pending)


def ingested(lab: Laboratory) -> bool:
    """Whether the base's documents are there to be cut."""
    return any(state.in_release for state in lab.states)


def conclude(lab: Laboratory, stopped: Sequence[Stopped] = (), *, again: bool = False) -> Comparison:
    """The verdict over all variants that were not stopped; writes the experiment's folder, unless it is said `again`."""
    if not lab.documents:
        raise ConfigurationError(
            f"{lab.experiment.base}: its sources hold no document that can be read", hint="sluice quarantine says what failed"
        )
    experiment = lab.experiment
    results = {}
    out = {each.variant for each in stopped}
    for variant in experiment.variants:
        if variant.name in out:
            continue
        if (result := lab.recorded(variant)) is None:  # another process removed it meanwhile
            result = lab.run(variant.name)
        results[variant.name] = result
    outcome = decide(lab.resolved, results, measure=experiment.measure, seed=experiment.seed, baseline=experiment.baseline)
    now = utc_now()
    folder = folder_for(lab.folder, experiment.name, now)
    found = Comparison(
        experiment=folder,
        name=experiment.name,
        finished=now,
        base=experiment.base,
        golden=experiment.golden,
        documents=len(lab.documents),
        labels=Labels(
            lab.resolved.labels, lab.resolved.stale, len(lab.resolved.with_state("missing")), len(lab.resolved.unscored)
        ),
        fingerprints={"corpus": lab.corpus_fingerprint, "golden": lab.golden.fingerprint},
        decision=outcome,
        configurations={name: sections(lab, name) for name in results},
        stopped=tuple(stopped),
        sampled=_sampled(lab, results),
        unjudged={name: _unjudged(result, lab.read_by(experiment.variant(name)).resolved) for name, result in results.items()},
        drafted=lab.drafted,
        vectors={name: kept for name in results if (kept := experiment.variant(name).vectors) is not None},
    )
    record = plain({
        "experiment": experiment.model_dump(mode="json"),
        "base": lab.r.configuration(),
        "variants": {
            name: {"fingerprint": results[name].fingerprint, **configuration}
            for name, configuration in found.configurations.items()
        },
        "fingerprints": found.fingerprints,
        "environment": environment(),
        "actor": present_actor("compare"),
        "finished": now,
    })  # fmt: skip
    if again and (earlier := recorded_as(lab.folder, experiment.name, record)) is not None:
        return replace(found, experiment=earlier)
    texts = {name: lab.texts(experiment.variant(name)) for name in results}
    passages = disagreements(outcome, texts, {name: lab.read_by(experiment.variant(name)).resolved for name in results})
    asked = {str(query["id"]) for query in passages}
    answering = {label.key for query in lab.resolved.scored for label in query.counted if query.query.id in asked}
    shown = overlays(lab, keys={key for key in answering if key}) if answering else []
    write(folder, outcome, experiment=record, summary={**found.summary(), "cuts": bool(shown)}, passages=passages)
    if shown:
        write_cuts(lab, folder / CUTS, shown)
    return found


def _unjudged(result: VariantResult, resolved: ResolvedSet) -> int:
    known = {query.query.id: {label.key for label in query.labels} for query in resolved.scored}
    return sum(hit.document_key not in known[query.id] for query in result.queries for hit in query.documents[: result.k])


def _sampled(lab: Laboratory, results: Mapping[str, VariantResult]) -> Sampled | None:
    share, measure = lab.experiment.sample, lab.experiment.measure
    if share is None or lab.part is None:
        return None
    found = dict[str, OnAll]()
    for name, result in results.items():
        variant = lab.experiment.variant(name)
        resolved, words = lab.read_by(variant).resolved, lab.settings(variant).search.mode != "dense"
        if (interval := on_all(result, resolved, share, measure, words=words)) is not None:
            found[name] = interval
    return Sampled(len(lab.measured), len(lab.documents), share, round(lab.part.share_of(lab.documents), 4), found)


def _reservations(found: Comparison) -> list[str]:
    """What the verdict does not say by itself: who was not measured to the end, and on how much."""
    lines = []
    if found.drafted:
        lines.append(
            f"All {found.drafted} questions were drafted from the documents, whose own words they use: they may say something of "
            "sizes and contexts, nothing of the mode of search or the weight of words."
        )
    if found.stopped:
        named = ", ".join(f"{each.variant} (at query {each.at_query}, by {each.against})" for each in found.stopped)
        odds = f"{ERROR:.0%} of such races stop a best variant, at most"
        lines.append(f"Stopped early: {named}. They are in no interval here; {odds}.")
    if (part := found.sampled) is not None:
        told = f"Measured on {part.text:.0%} of the text, of {part.documents:,} of {counted(part.of, 'document')}: "
        told += "values are higher than on all"
        lines.append(f"{told}, and the intervals are of this sample. Measure the choice on all before it goes live.")
        if len({sections["search"]["mode"] for sections in found.configurations.values()}) > 1:
            lines.append(
                "What competes was found by words, which holds search by words down more than dense: choose the mode on all."
            )
        if (best := part.intervals.get(leader := found.decision.decision.leader)) is not None:
            interval = f"{best.low:.3f} and {best.high:.3f}"
            lines.append(f"On all documents, with these questions, {leader} lies between {interval} (95% of such samples).")
    return lines


def markdown(found: Comparison) -> str:
    """The summary as Prefect shows it."""
    result = found.summary()
    measure = result["measure"]
    head = f"# Experiment {result['name']}\n\n" + "\n".join(f"- {line}" for line in result["conclusion"])
    if confirmed := result["confirmation"]:
        head += f"\n- Chosen on one half of the queries, measured on the other: {confirmation(confirmed)}."
    together = ", all pairs" if len(result["variants"]) > 2 else ""
    behind = f"behind the leader ({result['level']:.0%}{together})"
    names = ("variant", measure, behind, "probability best", "tokens to embed", "tokens an answer", "ruled out")
    rows = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    for v in leader_first(result)["variants"]:
        cost, gap = v["cost"], v["behind_leader"]
        lead = "leads" if gap is None else f"{gap['mean']:.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
        name = v["name"].replace("|", "\\|")
        cells = (name, f"{own(v, measure):.3f}", lead, f"{v['probability_best']:.2f}", cost["tokens"], cost["tokens_per_answer"])
        rows.append("| " + " | ".join(str(cell) for cell in (*cells, "yes" if v["ruled_out"] else "")) + " |")
    return head + "\n\n" + "\n".join(rows) + f"\n\nRecord and report: `{found.experiment}`\n"


def confirmation(found: dict[str, Any]) -> str:
    """What the half of the queries that did not choose says of the choice, in words."""
    if (gap := found["difference"]) is None:
        return f"the baseline, {found['baseline']}, is itself the best"
    interval = f"{gap['mean']:+.3f} ({found['level']:.0%} interval {gap['low']:+.3f} to {gap['high']:+.3f})"
    return f"{found['selected']} against {found['baseline']}: {interval}, {'' if found['confirmed'] else 'not '}confirmed"


def own(variant: dict[str, Any], measure: str) -> float:
    """A variant's mean of the deciding measure, `@k` standing for its own k."""
    name = measure.removesuffix("@k") + f"@{variant['k']}" if measure.endswith("@k") else measure
    return float(variant["measures"][name])
