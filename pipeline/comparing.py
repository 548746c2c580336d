"""What `sluice compare` and its flow do around the variants: decide from what is recorded, write the record, say it."""

from __future__ import annotations

from typing import Any

from cli.console import plain
from evaluation.experiments import conclude as decide
from evaluation.experiments.disagreements import disagreements
from evaluation.experiments.record import environment, folder_for, write
from pipeline.resources import utc_now
from pipeline.variants import Corpus, Laboratory
from sluice.errors import ConfigurationError

SECTIONS = ("chunking", "embedding", "search")


def ingested(lab: Laboratory) -> bool:
    """Whether the base's documents are there to be cut."""
    return any(state.in_release for state in lab.states)


def conclude(lab: Laboratory) -> dict[str, Any]:
    """The verdict over all recorded variants; writes the experiment's folder and gives the JSON of `sluice compare`."""
    if not lab.documents:
        raise ConfigurationError(
            f"{lab.experiment.base}: its sources hold no document that can be read", hint="sluice quarantine says what failed"
        )
    experiment = lab.experiment
    results = {}
    for variant in experiment.variants:
        if (result := lab.recorded(variant)) is None:  # another process removed it meanwhile
            result = lab.run(variant.name)
        results[variant.name] = result
    outcome = decide(lab.resolved, results, measure=experiment.measure, seed=experiment.seed, baseline=experiment.baseline)
    now = utc_now()
    folder = folder_for(lab.folder, experiment.name, now)
    configurations = {variant.name: sections(lab, variant.name) for variant in experiment.variants}
    verdict = outcome.as_json()
    for shown in verdict["variants"]:
        shown |= configurations[shown["name"]]
    summary = plain({
        "name": experiment.name,
        "finished": now,
        "base": str(experiment.base),
        "golden": str(experiment.golden),
        "documents": len(lab.documents),
        "labels": {
            "all": lab.resolved.labels,
            "stale": lab.resolved.stale,
            "missing": len(lab.resolved.with_state("missing")),
            "unscored": len(lab.resolved.unscored),
        },
        "fingerprints": {"corpus": lab.corpus_fingerprint, "golden": lab.golden.fingerprint},
        **verdict,
    })  # fmt: skip
    record = plain({
        "experiment": experiment.model_dump(mode="json"),
        "base": lab.w.configuration(),
        "variants": {
            variant.name: {"fingerprint": results[variant.name].fingerprint, **configurations[variant.name]}
            for variant in experiment.variants
        },
        "fingerprints": summary["fingerprints"],
        "environment": environment(),
        "actor": lab.w.actor,
        "finished": now,
    })  # fmt: skip
    texts = Corpus({state.key: document.text for state, document in lab.documents}, lab.w.model.tokenizer)
    write(folder, outcome, experiment=record, summary=summary, passages=disagreements(outcome, texts))
    return {"experiment": str(folder), **summary}


def sections(lab: Laboratory, name: str) -> dict[str, Any]:
    """The sections of the configuration that a variant is made of, whole."""
    whole = lab.settings(lab.experiment.variant(name))
    dumped = whole.model_dump(mode="json", include=set(SECTIONS), exclude_none=True)
    dumped["chunking"] |= whole.chunking.options
    return {section: dumped[section] for section in SECTIONS}


def markdown(result: dict[str, Any]) -> str:
    """The summary as Prefect shows it."""
    measure = result["measure"]
    head = f"# Experiment {result['name']}\n\n" + "\n".join(f"- {line}" for line in result["conclusion"])
    if found := result["confirmation"]:
        head += f"\n- Chosen on one half of the queries, measured on the other: {confirmation(found)}."
    together = ", all pairs" if len(result["variants"]) > 2 else ""
    behind = f"behind the leader ({result['level']:.0%}{together})"
    names = ("variant", measure, behind, "probability best", "tokens to embed", "tokens an answer", "ruled out")
    rows = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    for v in result["variants"]:
        cost, gap = v["cost"], v["behind_leader"]
        lead = "leads" if gap is None else f"{gap['mean']:.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
        name = v["name"].replace("|", "\\|")
        cells = (name, f"{own(v, measure):.3f}", lead, f"{v['probability_best']:.2f}", cost["tokens"], cost["tokens_per_answer"])
        rows.append("| " + " | ".join(str(cell) for cell in (*cells, "yes" if v["ruled_out"] else "")) + " |")
    return head + "\n\n" + "\n".join(rows) + f"\n\nRecord and report: `{result['experiment']}`\n"


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
