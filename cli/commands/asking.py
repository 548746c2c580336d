"""Commands that read: search as a principal, and measure a release on a golden set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.panel import Panel
from rich.text import Text

from cli.answers import measured_json
from cli.completing import release_ids
from cli.console import measures_table, show
from cli.launch import opened
from cli.main import nearest, tags_of, with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from pipeline.reading import searching
from sluice.access import Principal
from sluice.display import counted


@click.command()
@click.argument("query")
@click.option(
    "--as", "principal", required=True, metavar="TAG,…", help="The tags of whoever searches; there is no search as nobody."
)
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many chunks.")
@click.option("--release", metavar="ID", shell_complete=release_ids, help="Search this release instead of the live one.")
@click.option("--reader", default="", metavar="ID", help="Who searches, for canaries: the same id is served by the same release.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only documents of this source (repeatable).")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Only documents in this language (repeatable).")
@click.option("--since", metavar="DATE", help="Only documents modified at or after this date (ISO 8601).")
@click.option("--until", metavar="DATE", help="Only documents modified at or before this date (ISO 8601; a day to its end).")
@with_json
@click.pass_obj
def search(
    config: Path,
    query: str,
    principal: str,
    k: int,
    release: str | None,
    reader: str,
    sources: tuple[str, ...],
    languages: tuple[str, ...],
    since: str | None,
    until: str | None,
    as_json: bool,
) -> None:
    """Search the live release for QUERY, as a principal: what they may not read never leaves the store."""
    who = Principal.of(tags_of(principal), reader)
    with opened(config) as r:
        hits = searching.search(r, query, who, k, release, searching.narrowed(r, who, sources, languages, since, until))
        known = sorted(r.known_tags(r.stores.documents.read())) if not hits else []
    unknown = sorted(who.tags.difference(known)) if not hits else []
    result = {"query": query, "principal": sorted(who.tags), "hits": hits, "unknown_tags": unknown}

    def people(console: SafeConsole) -> None:
        if not hits:
            console.print("nothing that this principal may read answers that")
        for tag in unknown:
            console.print(f"no such tag in this index: {tag}{meant(tag, known)}", markup=False)
        for rank, hit in enumerate(hits, 1):
            where = " › ".join((hit.title, *(h for h in hit.heading_path if h != hit.title)))
            page = f", page {hit.page}" if hit.page else ""
            head = Text(f"{rank}. {hit.uri}{page}", "bold").append(
                f"  {hit.score:.3f}  [{', '.join(hit.access_tags)}]", "default"
            )
            console.print(head, soft_wrap=True)  # a uri is copied from here: it is not broken
            if where:
                console.prose(where, "   ")
            console.print(Panel(Text(hit.text)) if console.wraps else Text(f"{hit.text}\n"))

    show(result, as_json, people)


def meant(tag: str, known: list[str]) -> str:
    """What was probably meant, or what there is."""
    close = nearest(tag, known)
    return f" (did you mean {close}?)" if close else f" (there are: {', '.join(known[:10])}{' …' if len(known) > 10 else ''})"


@click.command()
@click.option(
    "--golden", type=click.Path(path_type=Path, dir_okay=False), help="Default: the golden set of the first retrieval gate."
)
@click.option("--release", metavar="ID", shell_complete=release_ids, help="Measure this release instead of the live one.")
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 1000))
@click.option("--gate", is_flag=True, help="Exit 3 when a configured floor is not reached (for a CI check).")
@with_json
@click.pass_obj
def evaluate(config: Path, golden: Path | None, release: str | None, k: int, gate: bool, as_json: bool) -> None:
    """Measure a release on a golden set: recall, ranking, passages, overall and per slice."""
    from pipeline.reading import evaluating  # what measures: a search does not pay for it

    with opened(config) as r:
        found = evaluating.evaluate(r, golden, release, k, gate=gate)
        result = measured_json(found)
        judge = _judging(r.settings.search.log)

    def people(console: SafeConsole) -> None:
        drafted, counts = result.get("synthetic", {}), found.evaluation.counted
        alone = ", all of them drafted: nobody asked them" if drafted and counts[0].query.synthetic else ""
        console.print(f"release {result['release']} on {result['golden']}: {counted(result['queries'], 'query')}{alone}")
        if result["measures"]:
            console.print(measures_table(result["measures"], result["slices"], passages=True))
        else:
            console.print("none of its questions can be scored: sluice golden check says why")
        if result.get("kinds"):
            console.print(measures_table(result["measures"], result["kinds"], passages=True, by="kind"))
        if drafted and not alone:
            figures = ", ".join(f"{name} {value:.3f}" for name, value in drafted.items() if name != "queries")
            console.prose(f"{counted(drafted['queries'], 'drafted question')}, in none of these means: {figures}")
        facts: dict[str, Any] = {name: result[name] for name in ("stale", "missing", "unscored") if result.get(name)}
        if result["unjudged"]:
            console.prose(f"{counted(result['unjudged'], 'hit')} among the first {k} that nobody judged: {judge}")
        if facts:
            console.print(
                " · ".join(
                    counted(count, f"{name} {'query' if name == 'unscored' else 'label'}") for name, count in facts.items()
                )
            )
        if result["missed"]:
            rows = [(each["id"], each["uri"], each["says"]) for each in result["missed_queries"]]
            console.print(table(f"nothing found for {counted(result['missed'], 'query')}", ["query", "looked for", "why"], rows))
            if others := result.get("missed_others"):
                console.prose(f"{', '.join(others)} (sluice why QUERY URI --as TAG,… says why)", f"and {len(others)} more: ")
        for line in result.get("below", []):
            console.print(f"[red]below the floor[/red]  {line}")

    show(result, as_json, people)


def _judging(log: Path | None) -> str:
    """How somebody judges hits: from the log of searches where there is one, else a question at a time."""
    if log is None:
        return "sluice golden add --query TEXT, or name a file under search.log, which keeps what is searched to be judged"
    if not log.is_file():
        return f"sluice golden add --query TEXT, or, once {log} has searches, --log {log} --next"
    return f"sluice golden add --log {log} --next"
