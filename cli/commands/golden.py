"""Commands about golden sets: are the labels still true, bring others' sets in, let them grow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from cli.answers import checked_json
from cli.commands import golden_drafted
from cli.console import show
from cli.launch import opened
from cli.main import WholeGroup, tags_of, with_json
from cli.safe_console import SafeConsole
from cli.tables import table
from cli.terminal import Terminal
from cli.writing import writing
from evaluation import asked, golden_import, growing, judging
from evaluation.golden import load_golden
from pipeline.golden import checking
from pipeline.reading import parsed_texts
from pipeline.resources import Resources
from sluice.access import AccessTags, Principal
from sluice.display import counted
from sluice.errors import ConfigurationError, ReleaseError


@click.group(cls=WholeGroup)
def golden() -> None:
    """Take care of the golden sets that gates measure with."""


golden.add_command(golden_drafted.draft)
golden.add_command(golden_drafted.review)
golden.add_command(golden_drafted.mend)


@golden.command("check")
@click.option(
    "--golden",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Default: the golden set of the first retrieval gate.",
)
@with_json
@click.pass_obj
def check(config: Path, path: Path | None, as_json: bool) -> None:
    """Are the labels still true: stale, missing, ambiguous, closed to who asks, duplicate; which slices are too small.

    Without --golden also whether each leak case of the gates can fail, and can pass.

    Exits 3 when something needs care.
    """
    with opened(config) as r:
        result = checked_json(checking.check_golden(r, path))

    def people(console: Console) -> None:
        console.print(f"{result['golden']}: {counted(result['queries'], 'query')}, {counted(result['labels'], 'label')}")
        if not result["queries"]:
            console.print("it asks nothing: sluice golden add, draft or import fills it")
        for kind in ("stale", "missing", "ambiguous", "unreadable", "leak_cases"):
            if result[kind]:
                rows = [(label.get("id"), label.get("uri"), label.get("reason")) for label in result[kind]]
                console.print(
                    table(kind.replace("_", " "), ["case" if kind == "leak_cases" else "query", "document", "why"], rows)
                )
        if result["duplicates"]:
            console.print(table("asked twice", ["queries"], [(", ".join(ids),) for ids in result["duplicates"]]))
        few = set(result["small_slices"])
        rows = [
            (name, n, "too few to hold against a release" if name in few else "") for name, n in sorted(result["slices"].items())
        ]
        console.print(table("slices", ["slice", "#queries", ""], rows))
        if result["unanswerable"]:
            console.print(f"{counted(len(result['unanswerable']), 'query says', 'queries say')} that nothing here answers them")
        covered = [(s, folder, n) for s, folders in result["coverage"].items() for folder, n in folders.items()]
        console.print(table("labels by source and folder", ["source", "folder", "#labels"], covered))
        console.print("[green]healthy[/green]" if result["healthy"] else "[yellow]needs care[/yellow]")

    show(result, as_json, people)


@golden.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["beir", "trec", "csv"]), required=True)
@click.option(
    "--golden", "--to", "path", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The golden set to write."
)
@click.option("--uri", default="{id}", show_default=True, help="Where the document of an id lies, e.g. '{id}.md'.")
@click.option("--split", default="test", show_default=True, help="BEIR: which qrels.")
@click.option("--topics", type=click.Path(path_type=Path, dir_okay=False), help="TREC: the queries, `id<TAB>text` a line.")
@click.option("--replace", is_flag=True, help="Replace the golden set if there is one.")
@with_json
def bring(source: Path, form: str, path: Path, uri: str, split: str, topics: Path | None, replace: bool, as_json: bool) -> None:
    """Write a golden set from SOURCE: a BEIR folder, TREC qrels, or a CSV of questions with passages."""
    where = golden_import.uri_template(uri)
    match form:
        case "beir":
            lines = golden_import.read_beir(source, where, split=split)
        case "trec":
            if topics is None:
                raise ConfigurationError("TREC qrels hold no queries", hint="name their file: --topics FILE")
            lines = golden_import.read_trec(source, topics, where)
        case _:
            lines = golden_import.read_csv(source, where)
    if path.exists() and not replace:
        raise ConfigurationError(f"{path} is there already", hint="write it elsewhere, or say --replace")
    if not lines:
        raise ConfigurationError(f"{source} holds no question", hint="is it the right file?")
    with writing(path, makes_folders=True):
        queries = growing.add(path, lines, replace=True)  # whole or not at all: what was there stays until then
    labels = sum(len(line["relevant"]) for line in lines)
    result = {"golden": str(path), "queries": queries, "labels": labels}
    show(
        result,
        as_json,
        lambda console: console.print(f"{path}: {counted(queries, 'query')}, {counted(labels, 'label')}"),
    )


@golden.command("add")
@click.option("--golden", "path", type=click.Path(path_type=Path, dir_okay=False), help="Default: as for `golden check`.")
@click.option("--query", help="The question.")
@click.option("--uri", "uris", multiple=True, help="A document that answers it (repeatable); none: nothing here answers it.")
@click.option("--quote", help="The words of the (first) document that answer it, as they stand there.")
@click.option("--nearly", is_flag=True, help="Keep a quote that is only nearly in its document, too.")
@click.option("--slice", "slices", multiple=True, help="A slice that the question belongs to (repeatable).")
@click.option("--kind", default="", help="What kind of question it is.")
@click.option("--id", "name", help="Its id; by default the next free one.")
@click.option("--as", "principal", metavar="TAG,…", help="Who asks; by default somebody who may read everything.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Judge the queries of a log in the terminal (one a line, or JSON Lines with `query`).",
)
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 50), help="With --log: hits to judge.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="With --log: questions in one sitting.")
@click.option(
    "--next", "best", is_flag=True, help="With --log: first what many searches ask and no label covers, not what is asked most."
)
@click.option("--skipped", "again", is_flag=True, help="With --log: ask what was skipped in earlier sittings again.")
@with_json
@click.pass_obj
def add(
    config: Path,
    path: Path | None,
    query: str | None,
    uris: tuple[str, ...],
    quote: str | None,
    nearly: bool,
    slices: tuple[str, ...],
    kind: str,
    name: str | None,
    principal: str | None,
    log: Path | None,
    k: int,
    limit: int,
    best: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Add a question with its answer, or judge those of a query log; every label is checked before it is kept.

    With --log each question is shown with what is found for it now. A judgement is in the file before the next question
    is asked; what was judged or skipped is not asked again, so the same command goes on where it ended.
    """
    if (query is None) == (log is None):
        raise ConfigurationError("say what to add", hint="one of --query TEXT and --log FILE")
    tags = tags_of(principal) if principal is not None else None
    if log is not None:
        with writing(path, makes_folders=True):
            result = _sitting(config, path, growing.read_log(log), tags, k, limit, best=best, again=again, as_json=as_json)
        show(result, as_json, lambda console: console.print(_ended(result), markup=False, soft_wrap=True))
        return
    with writing(path, makes_folders=True), opened(config) as r:
        target = checking.golden_file(r, path, drafted=False)
        labels: list[dict[str, Any]] = [{"uri": uri} for uri in uris]
        if quote and not labels:
            raise ConfigurationError("--quote without --uri", hint="name the document that the words are from")
        if not (query or "").strip():
            raise ConfigurationError("--query is empty", hint="say what is asked")
        if (known := growing.asked_already(target, query or "", tags)) is not None:
            raise ConfigurationError(f"{target}: '{known}' asks that already", hint="add the document to the labels of its line")
        if quote:
            labels[0]["quote"] = quote
        line: dict[str, Any] = {"id": name or growing.next_id(target, "added"), "query": query, "relevant": labels}
        line |= {"slice": list(slices), "kind": kind, "principal": tags}
        counts = {"added": growing.add(target, [line], r.corpus(), nearly=nearly)}
    result = {"golden": str(target), **counts}
    show(result, as_json, lambda console: console.print(", ".join(f"{n} {what}" for what, n in counts.items()) + f": {target}"))


def _sitting(
    config: Path,
    path: Path | None,
    log: list[tuple[str, int]],
    tags: list[str] | None,
    k: int,
    limit: int,
    *,
    best: bool,
    again: bool,
    as_json: bool,
) -> dict[str, Any]:
    """Search for the next questions of a log, let go of the index, and put them before whoever sits at the terminal."""
    with opened(config) as r:
        target = checking.golden_file(r, path, drafted=False)
        skipped = judging.Skipped(r.settings.state_dir / "golden-skipped.jsonl")
        passed_over = () if again else tuple(skipped.queries.values())
        waiting, known = judging.unasked(target, log, passed_over, principal=tags)
        if best:
            held_now = load_golden(target).queries if target.exists() else ()
            waiting = asked.next_best(waiting, [query.query for query in held_now], limit)
        batch = waiting[:limit]
        if batch:
            r.progress.note(f"searching for {counted(len(batch), 'question')}")
        questions = list(_found(r, batch, tags, k))
    with opened(config) as r:  # anew: a person takes their time, and a nightly run must not wait for them
        places = judging.Places(r.corpus(), AccessTags(tags) if tags is not None else None)
        held = load_golden(target).queries if target.exists() else ()
        slices = (name for q in held for name in q.slices)
        editing = sys.stdout.isatty() and not as_json  # standard output is for the answer
        console = SafeConsole(stderr=True, highlight=False)
        terminal = Terminal(console, places, slices, editing=editing, find=partial(parsed_texts.containing, r))
        counts = judging.judge_all(target, questions, terminal, places.documents, skipped, principal=tags)
    left = counts.pop("left") + len(waiting) - len(batch)
    return {"golden": str(target), **counts, "known": known, "left": left}


def _found(r: Resources, batch: list[tuple[str, int]], tags: list[str] | None, k: int) -> Iterator[judging.Question]:
    if not batch:
        return
    everyone = Principal.of(tags if tags is not None else sorted(r.known_tags(r.stores.documents.read())))
    release = checking.to_search_in(r)
    if release is None:
        raise ReleaseError(
            f"index '{r.settings.index}' has no release to search in",
            hint="sluice ingest and sluice index stage one, before any gate; without one: --query TEXT --uri URI",
        )
    if release.last_live is None:
        r.progress.note(f"nothing is live yet: what is found is of release {release.id}")
    searcher = r.searcher(release)  # not in the query log: nobody asked
    for number, (text, times) in enumerate(batch, 1):
        yield judging.Question(text, times, tuple(searcher.search(text, everyone, k)), number, len(batch))


def _ended(result: dict[str, Any]) -> str:
    left = f"; {result['left']} left: run the same command again" if result["left"] else "; nothing of the log is left"
    known = f", {result['known']} known already" if result["known"] else ""
    return f"{result['added']} added, {result['skipped']} skipped{known}{left}\n{result['golden']}"
