"""Golden sets that begin from the documents, and are mended after edits: draft, review, repair."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

import click

from cli.console import show
from cli.launch import opened
from cli.main import with_json
from cli.safe_console import SafeConsole
from cli.writing import writing
from evaluation import repair, reviewing
from evaluation.golden import load_golden
from evaluation.reports import plain_cell
from pipeline.golden import checking, drafting
from pipeline.golden.rewriting import Rewriter
from sluice.display import counted
from sluice.errors import ConfigurationError
from sluice.plain import plain


@click.command("draft")
@click.option("--golden", "--to", "path", type=click.Path(path_type=Path, dir_okay=False), help="The file to add to; it is made.")
@click.option("--count", default=200, show_default=True, type=click.IntRange(1, 5000), help="Questions, at most.")
@click.option(
    "--rewrite", "url", metavar="URL", help="Put them in other words: an OpenAI-compatible endpoint, up to /chat/completions."
)
@click.option("--rewrite-model", "model", metavar="NAME", help="The model to ask there.")
@click.option("--rewrite-key", "key", metavar="${NAME}", help="The variable that holds its key, never the key itself.")
@with_json
@click.pass_obj
def draft(
    config: Path, path: Path | None, count: int, url: str | None, model: str | None, key: str | None, as_json: bool
) -> None:
    """Draft questions from the documents themselves, without a model: a beginning for the first day.

    Headings that ask, questions with answers, definitions, links, titles, descriptions and rows of tables, each with the
    words that answer it, spread over folders, hard ones first. They are marked `synthetic` for good and are in no mean of
    questions that people asked; a gate with `synthetic: true` judges by them. By default they go to drafted.jsonl beside
    the configuration. With --rewrite each question and the words that answer it are sent to that endpoint.
    """
    rewrite = _rewriter(url, model, key)
    with writing(path, makes_folders=True), opened(config) as r:
        base = r.settings.base
        found = drafting.draft(r, path or r.settings.base / "drafted.jsonl", count, rewrite)
    result = plain(found)

    def people(console: SafeConsole) -> None:
        kinds = ", ".join(f"{n} from a {kind}" for kind, n in found.made_from.items())
        made = f" of {counted(found.candidates, 'candidate')}: {kinds}" if found.candidates else ""
        if not found.added:
            console.prose(
                f"no question drafted{made}: no heading asks, nothing is defined or tabled, or all of it is asked already; "
                "nothing was written"
            )
            return
        console.prose(f"{counted(found.added, 'question')} drafted{made}")
        if rewrite is not None:
            console.prose(f"{found.rewritten} of them in the words of {model}")
        looked = (
            f"{found.found_first} found first, {found.found_later} later, {found.not_found} not among the first {drafting.DEPTH}"
            if found.release
            else "there is no release yet: none was looked up, so the hard ones do not come first"
        )
        console.prose(f"{looked}\n{found.golden}")
        console.prose(
            f"read them before you believe them: sluice golden review {_as_written(found.golden, Path.cwd())}; what is found of "
            f"them now: sluice evaluate --golden {_as_written(found.golden, Path.cwd())}; a gate by them, with a floor a little "
            f"below that: {{type: retrieval, golden: {_as_written(found.golden, base)}, synthetic: true, min_recall: …}}"
        )

    show(result, as_json, people)


def _as_written(file: Path, base: Path) -> str:
    """A file's path as a configuration in this folder would name it."""
    where = file.absolute()
    return str(where.relative_to(base)) if where.is_relative_to(base) else os.path.relpath(where, base)


def _rewriter(url: str | None, model: str | None, key: str | None) -> Rewriter | None:
    """The endpoint's, as the options say; ConfigurationError for half of them, a key in the open, and a variable not set."""
    if url is None:
        if model or key:
            raise ConfigurationError("--rewrite is missing", hint="--rewrite URL says where the model is")
        return None
    if not model:
        raise ConfigurationError("--rewrite-model is missing", hint="the name of the model to ask at that address")
    if not re.fullmatch(r"https?://[^/@\s]+(/\S*)?", url):
        raise ConfigurationError(
            "--rewrite is no http address", hint="such as https://api.openai.com/v1, without a user and password"
        )
    return Rewriter(url, model, _key(key) if key else None)


def _key(written: str) -> str:
    named = re.fullmatch(r"\$\{(\w+)\}", written)
    if named is None:
        raise ConfigurationError(
            "--rewrite-key holds something else than the name of a variable",
            hint="write '${NAME}' in single quotes: a command line can be read by everybody on the machine",
        )
    if not (found := os.environ.get(named[1])):
        raise ConfigurationError(f"--rewrite-key: the environment variable {named[1]} is not set", hint=f"export {named[1]}=…")
    return found


class _Reader:
    """Whoever sits at the terminal; implements `evaluation.reviewing.Reviewer`."""

    def __init__(self, console: SafeConsole) -> None:
        self._console = console

    def ask(self, question: reviewing.Drafted) -> reviewing.Review:
        for line in (
            "",
            f"{question.number} of {question.of}: {question.query}",
            question.uri,
            question.quote,
        ):
            self._console.prose(plain_cell(line))
        while True:
            try:
                said = click.prompt("[t]ake, [m]end, [d]rop, [s]kip, [q]uit", prompt_suffix=" ", err=True).strip().lower()
                if said == "m":
                    return reviewing.Review("take", click.prompt("The question", prompt_suffix=": ", err=True))
            except click.Abort:  # Ctrl-C, or the end of the input: what is said next has a line of its own
                click.echo(err=True)
                return reviewing.Review("stop")
            if said in _SAID:
                return reviewing.Review(_SAID[said])
            self._console.prose(f"'{plain_cell(said)}' is none of the keys: t, m, d, s or q")


_SAID: dict[str, Literal["take", "drop", "skip", "stop"]] = {"t": "take", "d": "drop", "s": "skip", "q": "stop"}


@click.command("review")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@with_json
@click.pass_obj
def review(config: Path, path: Path, as_json: bool) -> None:
    """Read drafted questions one at a time: take, mend or throw away.

    What you say is in FILE before the next one is shown; what was read is not shown again.
    """
    with writing(path):
        counts = reviewing.review(path, _Reader(SafeConsole(stderr=True, highlight=False)))
    result = {"golden": str(path), **counts}
    told = ", ".join(f"{n} {what}" for what, n in counts.items())
    show(result, as_json, lambda console: console.prose(f"{told}: {path}"))


def _alike(proposal: repair.Proposal) -> str:
    return f" ({proposal.alike:.0%} alike: somebody must have read both)" if proposal.guess else ""


@click.command("repair")
@click.option("--golden", "path", type=click.Path(path_type=Path, dir_okay=False), help="Default: as for `check`.")
@click.option("--accept", "accepted", metavar="ID,…", default="", help="Put the new labels of these questions into the file.")
@click.option("--nearly", is_flag=True, help="With --accept: guesses, too, whose words are only nearly the quote.")
@with_json
@click.pass_obj
def mend(config: Path, path: Path | None, accepted: str, nearly: bool, as_json: bool) -> None:
    """Propose a new place for labels that went stale or are missing: moved to another document, or reworded.

    Nothing is changed but what --accept names. A reworded quote is a guess, and wants --nearly as well: read both first.
    """
    ids = [id for id in accepted.split(",") if id]
    with opened(config) as r:
        target = checking.golden_file(r, path)
        states = [state for state in r.stores.documents.read() if state.in_release]
        found = repair.proposals(load_golden(target), r.corpus(), states)
    chosen = [each for each in found if each.id in ids]
    if unknown := sorted(set(ids) - {each.id for each in chosen}):
        raise ConfigurationError(f"nothing is proposed for '{unknown[0]}'", hint="sluice golden repair lists the proposals")
    if (guessed := [each for each in chosen if each.guess]) and not nearly:
        raise ConfigurationError(
            f"the new words for '{guessed[0].id}' are a guess, {guessed[0].alike:.0%} like the quote: nothing was changed",
            hint="read both, and say --nearly with --accept if they answer the question",
        )
    with writing(target):
        count = repair.accept(target, chosen) if chosen else 0
    result = {"golden": str(target), "proposals": [each.as_json() for each in found], "accepted": count}

    def people(console: SafeConsole) -> None:
        for each in found:
            console.prose(plain_cell(f"{each.id}: {each.kind} ({each.reason})"))
            console.prose(plain_cell(f"was {each.label.uri}: {each.label.quote or '(the whole document)'}"))
            if each.new is not None:
                console.prose(
                    plain_cell(f"{'now' if not each.guess else 'a guess:'} {each.new.uri}: {each.new.quote}{_alike(each)}")
                )
        open_ = [each for each in found if each.new is not None and each.id not in ids]
        sure = list(dict.fromkeys(each.id for each in open_ if not each.guess))
        guesses = list(dict.fromkeys(each.id for each in open_ if each.guess))
        told = [f"{counted(count, 'label')} changed" if count else f"{counted(len(found), 'label')} without a place"]
        told += (
            [f"{counted(len(sure), 'stands', 'stand')} elsewhere: take them with --accept {','.join(sure[:5])}"] if sure else []
        )
        told += (
            [f"{counted(len(guesses), 'guess')}: read both, then --nearly --accept {','.join(guesses[:5])}"] if guesses else []
        )
        console.prose("; ".join(told))

    show(result, as_json, people)
