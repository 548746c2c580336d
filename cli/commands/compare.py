"""The command that compares strategies: `sluice compare EXPERIMENT`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console

from cli.answers import comparison_json
from cli.console import show
from cli.launch import in_flow, in_process, opened
from cli.main import with_json
from cli.tables import table
from evaluation.experiments import leader_first, load_experiment
from pipeline import adopting, comparing
from pipeline.executors import FlowNeeded
from pipeline.variants import laboratory
from sluice.display import counted
from sluice.errors import ConfigurationError


@click.command()
@click.argument("experiment", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--adopt", metavar="VARIANT", help="Print the configuration that puts this variant in place; nothing is changed.")
@with_json
def compare(experiment: Path, adopt: str | None, as_json: bool) -> None:
    """Compare ways to cut, embed and search on one golden set, and say what the queries can tell.

    The experiment's own `base` takes the place of --config. Nothing live is touched; a base that was never ingested is
    ingested first. Variants that an earlier experiment measured on the same documents and queries are not run again.
    """
    if not experiment.exists():
        raise ConfigurationError(
            f"{experiment}: no such experiment",
            hint="configs/experiments/demo.yaml is one to copy; docs/experiments.md explains it",
        )
    settings = load_experiment(experiment)
    if not settings.base.exists():
        hint = "the path is relative to the experiment's file; it names the configuration whose documents are compared on"
        raise ConfigurationError(f"{experiment}: base: {settings.base}: no such file", hint=hint)
    with opened(settings.base) as r, laboratory(str(settings.path)) as lab:
        lab.check()
        compressed = adopting.kept(lab, adopt) if adopt is not None else {}
        try:
            found = comparing.compare(lab, in_process(r))
        except FlowNeeded:
            found = in_flow(r, "compare", str(lab.experiment.path), {})
        result = comparison_json(found)
        if adopt is not None:
            result["adopt"] = {"variant": adopt, **adopting.sections(lab, adopt), **compressed}
    show(result, as_json, lambda console: _tell(console, result))


def _tell(console: Console, result: dict[str, Any]) -> None:
    rows = []
    for v in leader_first(result)["variants"]:
        cost, gap = v["cost"], v["behind_leader"]
        behind = "leads" if gap is None else f"{gap['mean']:.3f}\n{gap['low']:+.3f} to {gap['high']:+.3f}"
        mark = "ruled out" if v["ruled_out"] else "winner" if v["name"] == result["winner"] else ""
        rows.append(
            (
                v["name"],
                f"{comparing.own(v, result['measure']):.3f}",
                f"{comparing.own(v, 'Recall@k'):.3f}",
                behind,
                f"{v['probability_best']:.2f}",
                f"{cost['tokens']:,}",
                f"{cost['tokens_per_answer']:,.0f}",
                mark,
            )
        )
    head = ["variant", f"#{result['measure']}", "#Recall@k", "#behind the leader", "#P(best)", "#tokens to embed", "#to read", ""]
    console.print(table(f"{result['name']}: {counted(result['queries'], 'query')}", head, rows))
    for line in result["conclusion"]:
        console.print(line, markup=False)
    if doubts := [f"{n} {kind}" for kind in ("missing", "stale") if (n := result["labels"][kind])]:
        said = f"Of the golden set's {result['labels']['all']} labels, {' and '.join(doubts)}: sluice golden check says which."
        console.print(said, style="yellow", markup=False)
    if found := result["confirmation"]:
        console.print(f"Chosen on one half of the queries, measured on the other: {comparing.confirmation(found)}.", markup=False)
    console.print(f"report: {result['experiment']}/report.html", markup=False, soft_wrap=True)
    if adopted := result.get("adopt"):
        console.print(
            "\n# put this in the configuration in place of its own keys; the next run builds it and puts it to the gates"
        )
        sections = {section: adopted[section] for section in adopting.SECTIONS}
        console.print(yaml.safe_dump(sections, sort_keys=False, default_flow_style=None), markup=False, soft_wrap=True)
        if parsing := adopted.get(adopting.PARSING):
            console.print("# and this into each source; the next run parses its documents anew")
            console.print(yaml.safe_dump(parsing, sort_keys=False, default_flow_style=None), markup=False, soft_wrap=True)
        if gates := adopted.get("gates"):
            _compressed(console, adopted["stores"], gates, next(v for v in result["variants"] if v["name"] == adopted["variant"]))


def _compressed(console: Console, stores: Any, gates: Any, variant: dict[str, Any]) -> None:
    """What keeps vectors in fewer bits, never without the gate that looks at what it costs."""
    console.print("# on a Qdrant server; without this gate beside the others, no run takes vectors in fewer bits")
    for section in ({"stores": stores}, {"gates": gates}):
        shown = yaml.safe_dump(section, sort_keys=False, default_flow_style=None)
        console.print(shown, markup=False, soft_wrap=True, end="")
    worst = variant["cost"]["exact_overlap"][0]
    found = f"# here the readers of {', '.join(worst['tags'])} find {worst['recall']:.3f} of the exact answers, the least of all"
    console.print(found, markup=False, soft_wrap=True)
