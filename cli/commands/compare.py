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
from cli.talking import tell
from evaluation.experiments import leader_first, load_experiment
from pipeline.executors import FlowNeeded
from pipeline.experiments import adopting, comparing
from pipeline.experiments.variants import laboratory
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
            found = comparing.compare(lab, in_process(r), looking=adopt is not None)
        except FlowNeeded:
            found = in_flow(r, "compare", str(lab.experiment.path), {})
        result = comparison_json(found)
        if adopt is not None:
            result["adopt"] = {"variant": adopt, **adopting.sections(lab, adopt), **compressed}
            tell(f"report: {result['experiment']}/report.html")
    show(result, as_json, lambda console: _adopt(console, result) if adopt is not None else _tell(console, result))


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
        labels = counted(result["labels"]["all"], "label")
        said = f"Of the golden set's {labels}, {' and '.join(doubts)}: sluice golden check says which."
        console.print(said, style="yellow", markup=False)
    if found := result["confirmation"]:
        console.print(f"Chosen on one half of the queries, measured on the other: {comparing.confirmation(found)}.", markup=False)
    console.print(f"report: {result['experiment']}/report.html", markup=False, soft_wrap=True)


def _adopt(console: Console, result: dict[str, Any]) -> None:
    """YAML and short comments, no more: it is pasted, or sent into a file. What is no section of its own is a comment."""
    adopted = result["adopt"]
    for line in ("put this in the configuration in place of its own keys;", "the next run builds it and puts it to the gates"):
        _print(console, f"# {line}")
    _print(console, _yaml({section: adopted[section] for section in adopting.SECTIONS}))
    if parsing := adopted.get(adopting.PARSING):
        _print(console, "# and this into each source; the next run parses its documents anew:")
        _print(console, _commented(_yaml(parsing)))
    if gates := adopted.get("gates"):
        _compressed(console, adopted["stores"], gates, next(v for v in result["variants"] if v["name"] == adopted["variant"]))


def _compressed(console: Console, stores: Any, gates: Any, variant: dict[str, Any]) -> None:
    """What keeps vectors in fewer bits, never without the gate that looks at what it costs."""
    _print(console, "# on a Qdrant server; without the gate below no run takes vectors in fewer bits")
    _print(console, _yaml({"stores": stores}))
    _print(console, "# this gate beside the others:")
    _print(console, _commented(_yaml({"gates": gates})))
    worst = variant["cost"]["exact_overlap"][0]
    _print(console, f"# of the exact answers {worst['recall']:.3f} are found here by the readers, the least of all, of")
    _print(console, _commented(", ".join(worst["tags"])))


def _yaml(section: Any) -> str:
    return str(yaml.safe_dump(section, sort_keys=False, default_flow_style=None, width=78, allow_unicode=True)).rstrip("\n")


def _commented(text: str) -> str:
    return "\n".join(f"#   {line}" for line in text.splitlines())


def _print(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
