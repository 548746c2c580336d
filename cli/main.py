"""The command line: `sluice [--config FILE] COMMAND [--json]`.

With `--json`, standard output is one JSON object, also on failure; everything else goes to standard error. Exit codes:
0 done, 1 failed, 2 wrong usage or configuration, 3 rejected by a gate, 4 another process holds the index.

Over 300 lines: half of it is the table of commands.
"""

from __future__ import annotations

import difflib
import errno
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

from cli import early, memory
from cli.leaving import leave
from cli.safe_console import SafeConsole
from cli.streams import flushed, in_utf8, legible, occupy
from cli.talking import level, set_level, tell
from pipeline.observability import json_lines
from sluice import garbage, interrupts
from sluice.blame import own_code
from sluice.display import json_text
from sluice.errors import ConfigurationError, SluiceError, chain
from sluice.homes import have_a_home

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": (
        "cli.commands.demo:demo",
        "Tell the whole story on a bundled corpus: publish, change, reject, ask as two people, roll back.",
    ),
    "run": (
        "cli.commands.changing:run",
        "Ingest what changed, build what changed, gate it, and go live: what the nightly flow does.",
    ),
    "ingest": (
        "cli.commands.changing:ingest",
        "Fetch and parse what changed; deletions and access changes apply at once, nothing is built.",
    ),
    "index": (
        "cli.commands.changing:index",
        "Build and stage a release from what was ingested; `promote` puts it before the gates.",
    ),
    "promote": (
        "cli.commands.changing:promote",
        "Offer RELEASE to the gates and make it live when they pass, also one that was rejected or rolled back.",
    ),
    "rollback": ("cli.commands.changing:rollback", "Return to an earlier release in one atomic step, with today's access rules."),
    "backfill": (
        "cli.commands.changing:backfill",
        "Redo a slice of the documents on purpose, from a stage on; a release is published when its content differs.",
    ),
    "serve": (
        "cli.commands.serve:serve",
        "Run the schedules of this configuration on this machine until interrupted: the nightly run, and backfills on demand.",
    ),
    "compare": (
        "cli.commands.compare:compare",
        "Compare ways to cut, embed and search on one golden set, and say what the queries can tell.",
    ),
    "cuts": (
        "cli.commands.cuts:cuts",
        "Show on one page how the strategies of EXPERIMENT cut documents: tokens, contexts, and golden quotes they break.",
    ),
    "releases": ("cli.commands.versions:releases", "List the releases of an index; `show` and `diff` look closer."),
    "gc": (
        "cli.commands.versions:gc",
        "Remove what no release needs: collections beyond retention, orphans, old versions, bytes and vectors.",
    ),
    "search": (
        "cli.commands.asking:search",
        "Search the live release for QUERY, as a principal: what they may not read never leaves the store.",
    ),
    "why": (
        "cli.commands.why:why",
        "Say why the document URI is not among the hits of QUERY for a principal, and at which stage it was lost.",
    ),
    "evaluate": (
        "cli.commands.asking:evaluate",
        "Measure a release on a golden set: recall, ranking, passages, overall and per slice.",
    ),
    "golden": ("cli.commands.golden:golden", "Take care of the golden sets that gates measure with."),
    "access": ("cli.commands.access:access", "Who may read what."),
    "documents": (
        "cli.commands.documents:documents",
        "List the documents: status, readers, chunks in the live release, and why one is empty, dropped, stale or unreadable.",
    ),
    "runs": (
        "cli.commands.runs:runs",
        "List what was done to this index, newest first, and how each ended; `show` prints the log of one.",
    ),
    "trace": (
        "cli.commands.trace:trace",
        "From a chunk or a document to the bytes it came from, its run, release and recipe; its state in every stage.",
    ),
    "status": (
        "cli.commands.status:status",
        "One page: what is live, the last runs, gates over time, freshness, quarantine, cost, and what needs a person.",
    ),
    "freshness": (
        "cli.commands.freshness:freshness",
        "How old the documents are: age distribution, the oldest, the expired, and those that expire soon.",
    ),
    "duplicates": (
        "cli.commands.duplicates:duplicates",
        "Which documents say the same, or nearly, and whether the same people may read all copies.",
    ),
    "quarantine": (
        "cli.commands.quarantine:quarantine",
        "List the documents that could not be processed, with stage, reason and error; `retry` tries them again.",
    ),
    "forget": (
        "cli.commands.forget:forget",
        "Erase the document URI: bytes, versions, vectors, every collection, every experiment; and prove it.",
    ),
    "token": (
        "cli.commands.token:token",
        "Make a token with which a service reads INDEX from the Qdrant server: what is live, and no more.",
    ),
    "export": (
        "cli.commands.moving:export",
        "Write a release into a folder: its points as Parquet, its manifest, and the documents that it was made of.",
    ),
    "import": (
        "cli.commands.moving:import_",
        "Take an exported release into this index, checked against its fingerprint; it is staged, and `promote` makes it live.",
    ),
    "doctor": (
        "cli.commands.doctor:doctor",
        "Check the configuration, the sources, the servers, the model, and every database operation that Sluice relies on.",
    ),
}
"""Each command: where it lives, and what the list of commands says of it; it is imported only when it is used."""


WORKS = (
    *("run", "ingest", "index", "promote", "rollback", "backfill", "compare", "cuts", "evaluate", "doctor", "serve"),
    *("duplicates", "forget", "gc", "export", "import"),
)
"""Commands that may work for long before they have an answer."""

EVERYWHERE = ("--config", "-v", "--verbose", "--quiet")
"""Options of `sluice` itself, which are understood after a command's name, too."""


WHOLE_SENTENCE = 1_000
"""Letters of a command's summary: click would end it in dots at the end of a line."""


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for, and none of them to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not ctx.resilient_parsing and not {"--help", "-h"} & set(args):
            if args[0] in WORKS:  # the first sign of life, before what takes seconds is imported
                tell(f"{args[0]}: {_subject(args, ctx.params['config'])}")
            early.begin(args[0], ctx.params["config"])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


def _subject(args: Sequence[str], config: Path) -> str:
    """What a command is about to work on: its configuration, or the experiment, which names one of its own."""
    named = [arg for arg in args[1:] if not arg.startswith("-")] if args[0] in ("compare", "cuts") else []
    return named[0] if named else str(config)


class WholeGroup(click.Group):
    """A group whose list says each command's first sentence to its end."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            known = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
            formatter.write_dl([(name, command.get_short_help_str(WHOLE_SENTENCE)) for name, command in known if command])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="SLUICE_CONFIG",
    default=Path("sluice.yaml"),
    show_default=True,
    show_envvar=True,
    help="The configuration of one index.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error: stages as they begin, logs, tracebacks.")
@click.option("--quiet", is_flag=True, help="Say nothing on standard error but what went wrong.")
@click.version_option(package_name="sluice", prog_name="sluice")
@click.pass_context
def cli(ctx: click.Context, config: Path, verbose: bool, quiet: bool) -> None:
    """Turn documents into a versioned, permission-aware search index that goes live only on evidence.

    \b
    First steps:
      sluice demo                                    the whole story on a bundled corpus
      sluice --config my.yaml doctor                 check a configuration of your own
      sluice --config my.yaml run                    ingest, build, gate, promote
      sluice --config my.yaml search "…" --as staff  search as a principal

    --config, -v, --quiet and --json may stand before the command or after it.

    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 rejected by a gate, 4 another process holds the index.
    """
    ctx.obj = config


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: run a command, report any failure in the contract's terms, exit with its code."""
    given = to_the_front(sys.argv[1:] if arguments is None else arguments)
    as_json = wants_json(sys.argv[1:] if arguments is None else arguments)
    set_level(given)
    memory.end_when_out(as_json)
    try:
        memory.look()
        # Outside of standalone mode click returns the code of `ctx.exit(code)`; commands themselves return nothing.
        code = cli.main(args=given, prog_name="sluice", standalone_mode=False) or 0
    except SluiceError as error:
        if level() == "verbose" and hasattr(error, "__notes__"):  # where somebody's own code failed
            traceback.print_exception(error)
        code = fail(error.as_json(), error.exit_code, as_json)
    except click.UsageError as error:
        code = misused(error, as_json)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = interrupts.EXIT_CODE
        if not interrupts.say():  # nobody listens (a test), or in JSON Lines
            fail(INTERRUPTED, code, as_json)
    except Exception as error:
        if os.environ.get("SLUICE_TRACEBACK") or level() == "verbose":
            traceback.print_exception(error)
        code = fail(unforeseen(error), 1, as_json)
        if memory.is_out(error):  # what is done at exit would want some, too
            os._exit(flushed(code))
    finally:
        early.end()
    sys.exit(flushed(code))


def entry() -> None:
    """The program `sluice`: `main`, and the process ends at once."""
    in_utf8()
    err = f"error: {INTERRUPTED['message']}\nnext:  {INTERRUPTED['hint']}\n"
    out = json_text(json.dumps({"error": INTERRUPTED}, indent=2)) + "\n" if wants_json(sys.argv) else ""
    occupy()
    legible(wants_json(sys.argv))
    have_a_home()
    interrupts.listen(*((b"", b"") if json_lines.wanted() else (err.encode(), out.encode())))
    garbage.look_seldom()
    try:
        main()
    except SystemExit as ended:
        if isinstance(ended.code, int):
            interrupts.over(ended.code)
            leave(ended.code, at_once=interrupts.came())
        raise
    except KeyboardInterrupt:  # before there was anything to interrupt, or when it was over
        interrupts.at_once()


INTERRUPTED = {"type": "Interrupted", "message": "interrupted", "hint": "run again: what was done is kept"}


def wants_json(arguments: Iterable[str]) -> bool:
    """Whether the answer is to be JSON: said anywhere, but behind `--`, where nothing is an option."""
    return "--json" in takewhile(lambda argument: argument != "--", arguments)


def to_the_front(arguments: Sequence[str]) -> list[str]:
    """The arguments, with what is said to `sluice` itself before the command, wherever it was said, and `--json` after it.

    That is every command's own option: before the name of one within a group it would be the group's.
    """
    front: list[str] = []
    rest: list[str] = []
    json_: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            return [*front, *rest, *json_, argument, *waiting]
        if argument == "--json":
            json_ = [argument]
        elif argument in EVERYWHERE or argument.startswith("--config="):
            front += [argument, *([value] if argument == "--config" and (value := next(waiting, None)) is not None else [])]
        else:
            rest.append(argument)
    return [*front, *rest, *(json_ if rest else ())]  # of no command at all it is said that none is named


def nearest(word: str, known: Iterable[str]) -> str | None:
    """What was probably meant."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6)
    return found[0] if found else None


def misused(error: click.UsageError, as_json: bool) -> int:
    """Say what was wrong about a command line, and how it is written; of one without a command, all that there are."""
    ctx = error.ctx
    if ctx is not None and isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):  # from click 8.2 on
        if not as_json:
            click.echo(ctx.get_help(), err=True)
            return 2
        error = click.UsageError("no command is named", ctx)
    hint = f"see: {ctx.command_path} --help" if ctx else "see: sluice --help"
    usage = ctx.get_usage() if ctx else ""
    return fail({"type": "UsageError", "message": wrong_usage(error), "hint": hint}, 2, as_json, usage)


def wrong_usage(error: click.UsageError) -> str:
    """What was wrong, and what was probably meant, also by the name of a command within a group."""
    said, ctx = " ".join(error.format_message().split()), error.ctx  # click lists choices a line each, indented
    wrong = re.match(r"No such command '(.+)'", said)
    if wrong is None or ctx is None or not isinstance(ctx.command, click.Group):
        return said
    if wrong.group(1) in ("init", "new", "setup", "create"):  # as others have it
        return f"{said} A configuration is a file that you write: `sluice run` without one shows the shortest."
    meant = nearest(wrong.group(1), ctx.command.list_commands(ctx))
    return f"{said} Did you mean {meant}?" if meant is not None and "mean" not in said else said


def unforeseen(error: Exception) -> dict[str, str]:
    """What is said of an error that is none of Sluice's: a full disk or memory as such, and where in somebody's own code."""
    if memory.is_out(error):
        return memory.SAID | (
            {"message": f"{memory.SAID['message']}: {error}"} if isinstance(error, MemoryError) and str(error) else {}
        )
    if disk_is_full(error):
        return {
            "type": "DiskFull",
            "message": f"a disk is full: {error}",
            "hint": "make room and run again: what was done is kept",
        }
    said = f"{type(error).__name__}: {error}"
    if (place := own_code(error)) is not None:
        return {
            "type": type(error).__name__,
            "message": f"{place}: {said}",
            "hint": "mend it there; -v shows the whole traceback",
        }
    hint = "this was not expected: run again with -v for the full traceback"
    return {"type": type(error).__name__, "message": said, "hint": hint}


def disk_is_full(error: BaseException | None) -> bool:
    """Whether this, or what it came of, is the system's word for a disk without room."""
    return any(isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT) for each in chain(error))


def fail(error: Mapping[str, str], code: int, as_json: bool, usage: str = "") -> int:
    """Say what went wrong, in the form that was asked for; gives the exit code back."""
    with suppress(OSError):  # where the answer could not be written this cannot either; the exit code can
        _say(error, code, as_json, usage)
    return code


def _say(error: Mapping[str, str], code: int, as_json: bool, usage: str) -> None:
    if as_json:
        with suppress(OSError):
            click.echo(json_text(json.dumps({"error": error}, ensure_ascii=False, indent=2)))
    if json_lines.wanted():
        json_lines.write("error", "command failed", exit_code=code, **error)
        return
    if usage and not as_json:
        click.echo(usage, err=True)
    console = SafeConsole(stderr=True, highlight=False)
    console.prose(error["message"], "error: ", "bold red")
    if error["hint"]:
        console.prose(error["hint"], "next:  ", "bold")


def with_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """The `--json` option, on every command."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")(command)


def tags_of(value: str) -> list[str]:
    """`--as a,b` as a list of tags; ConfigurationError when there is none."""
    tags = [tag.strip() for tag in value.split(",") if tag.strip()]
    if not tags:
        raise ConfigurationError("--as names no tag", hint="name the principal's tags: --as public,engineering")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ConfigurationError("--as holds bytes that are no text", hint="is the terminal's encoding UTF-8?")
    return tags
