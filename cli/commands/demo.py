"""`sluice demo`: the whole story on the bundled corpus, from nothing, embedded."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.rule import Rule

from cli.answers import as_json as answer
from cli.console import for_people, run_report, show
from cli.launch import changing, launch, opened
from cli.main import with_json
from cli.safe_console import SafeConsole
from cli.writing import writing
from pipeline.operations import going_live, nightly
from pipeline.reading import searching
from sluice.access import Principal
from sluice.errors import ConfigurationError, SluiceError
from sluice.plain import plain

BUNDLED = Path(__file__).resolve().parents[2] / "configs"
"""In a checkout and in a wheel alike: the wheel holds it beside the packages (tests/unit/test_wheel.py)."""

EDITED, OLD, NEW = (
    "company/expenses.md",
    "The home office allowance is 600 euros once every three years.",
    "The home office allowance is 850 euros once every two years.",
)
EDITED_QUERY = "How much is the home office allowance?"
DELETED, DELETED_QUERY = "company/travel-policy-2023.md", "What is the hotel limit per night?"
ACCESS_QUERY = "Will the device team and the alarm team be merged?"
ENGINEER, PEOPLE_LEAD = ("everyone", "engineering"), ("everyone", "people", "people-leads", "people-restricted")
CARELESS = "chunking: {strategy: fixed, max_tokens: 8, overlap_tokens: 0, context: none}"


@click.command()
@click.option(
    "--workplace",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".sluice/demo"),
    show_default=True,
    help="Where the demo works; an earlier demo there is replaced.",
)
@with_json
def demo(workplace: Path, as_json: bool) -> None:
    """Tell the whole story on a bundled corpus: publish, change, reject, ask as two people, roll back."""
    story = Story(workplace.absolute(), for_people(stderr=as_json))
    with writing(workplace, makes_folders=True):
        result = story.tell()
    show(
        result,
        as_json,
        lambda console: console.print(f"\n[bold green]The demo is done[/bold green] in {result['seconds']:.0f} s."),
    )


class Story:
    """The demo's chapters; each checks that what it claims is so, and fails when it is not."""

    def __init__(self, workplace: Path, console: SafeConsole) -> None:
        self.workplace, self.console = workplace, console
        self.config, self.careless = workplace / "demo.yaml", workplace / "careless.yaml"
        self.corpus = workplace / "demo" / "corpus"

    def tell(self) -> dict[str, Any]:
        started = time.monotonic()
        self._prepare()
        chapters: dict[str, Callable[[], dict[str, Any]]] = {
            "1. A first version goes live: crawled, parsed, chunked, embedded, staged, gated, promoted": self._first,
            "2. One document is edited and one deleted: the second version costs just that": self._second,
            "3. A careless configuration (chunks of 8 tokens) is rejected; the live version keeps serving": self._careless,
            "4. The same question as two people gives two answers": self._two_people,
            "5. Rollback: one step back, and what was deleted stays unreadable": self._rollback,
        }
        told = {}
        for title, chapter in chapters.items():
            self.console.print()
            if self.console.wraps:
                self.console.print(Rule())
            self.console.print(f"[bold]{title}[/bold]")  # a rule's own title would be cut where the terminal is narrow
            told[title[0]] = chapter()
        self.console.print()
        self.console.print("Look around (each command teaches with --help):")
        for line in ("releases", "releases show ID", f'search "{DELETED_QUERY}" --as everyone', "evaluate", "doctor"):
            self.console.print(f"  sluice --config {self.config} {line}", markup=False, soft_wrap=True)
        return {"config": str(self.config), "chapters": told, "seconds": round(time.monotonic() - started, 1)}

    def _prepare(self) -> None:
        if not (BUNDLED / "demo.yaml").is_file():
            raise ConfigurationError(f"the demo corpus is not at {BUNDLED}", hint="install Sluice again")
        if self.workplace.exists() and any(self.workplace.iterdir()):
            if not self.config.is_file():
                raise ConfigurationError(
                    f"{self.workplace} is not an earlier demo; it is left alone", hint="name another folder: --workplace DIR"
                )
            shutil.rmtree(self.workplace)
        shutil.copytree(BUNDLED / "demo", self.workplace / "demo")
        text = (BUNDLED / "demo.yaml").read_text(encoding="utf-8").replace("state_dir: ../.sluice/demo", "state_dir: state")
        self.config.write_text(text, encoding="utf-8")
        lines = [CARELESS if line.startswith("chunking:") else line for line in text.splitlines()]
        self.careless.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _first(self) -> dict[str, Any]:
        return self._run(self.config, "promoted")

    def _second(self) -> dict[str, Any]:
        file = self.corpus / EDITED
        text = file.read_text(encoding="utf-8")
        if OLD not in text:
            raise SluiceError(f"{file} does not say what the demo edits", hint="restore configs/demo")
        file.write_text(text.replace(OLD, NEW), encoding="utf-8")
        (self.corpus / DELETED).unlink()
        self.console.print(f"edited {EDITED}: “{NEW}”; deleted {DELETED}")
        result = self._run(self.config, "promoted")
        self._ask(EDITED_QUERY, ENGINEER)
        self._must(result["counts"]["parse"]["kept"] == 1, f"1 document parsed, not {result['counts']['parse']['kept']}")
        self._must(result["documents_deleted"] == 1, "1 document deleted")
        return result

    def _careless(self) -> dict[str, Any]:
        before = self._live()
        result = self._run(self.careless, "rejected")
        self._must(self._live() == before, "the live release is the same as before")
        self.console.print(f"live is still {before}; the candidate {result['release']} is kept for inspection")
        return result

    def _two_people(self) -> dict[str, Any]:
        found = {", ".join(who): self._ask(ACCESS_QUERY, who) for who in (ENGINEER, PEOPLE_LEAD)}
        first, second = found.values()
        self._must(first[0]["uri"] != second[0]["uri"], "two people, two answers")
        self._must(not any("restricted" in hit["uri"] for hit in first), "nothing restricted for the engineer")
        return found

    def _rollback(self) -> dict[str, Any]:
        with changing(self.config, "rollback") as (r, run):
            result = answer(going_live.rollback(r, run))
        run_report(result)(self.console)
        hits = self._ask(DELETED_QUERY, ("everyone",))
        self._must(all(hit["uri"] != DELETED for hit in hits), f"{DELETED} stays unreadable in the older release too")
        again = self._run(self.config, "unchanged")
        self._must(again["held"] is not None, "the release that was left does not come back by itself")
        return dict(result)

    # ── helpers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self, config: Path, outcome: str) -> dict[str, Any]:
        result = answer(launch(config, "run", nightly.reindex, {}))
        run_report(result)(self.console)
        self._must(result["outcome"] == outcome, f"outcome {outcome}, not {result['outcome']}")
        return result

    def _ask(self, query: str, tags: tuple[str, ...]) -> list[dict[str, Any]]:
        with opened(self.config) as r:
            hits = plain(searching.search(r, query, Principal.of(tags), 3, None))
        self.console.print(f"\n[bold]“{escape(query)}”[/bold] as {', '.join(tags)}")
        for hit in hits[:2]:
            self.console.print(f"  [cyan]{hit['uri']}[/cyan]  {escape(_excerpt(hit['text'], query))}", soft_wrap=True)
        return list(hits)

    def _live(self) -> str:
        with opened(self.config) as r:
            live = r.releases.live()
            return live.id if live else ""

    @staticmethod
    def _must(true: bool, claim: str) -> None:
        if not true:
            raise SluiceError(
                f"the demo expected: {claim}", hint="this is a defect in Sluice: please report it with the output above"
            )


def _excerpt(text: str, query: str, width: int = 200) -> str:
    """The stretch of a text that shares the most words with the query, for a glance."""
    words = text.split()
    wanted = {word.strip("?.,").lower() for word in query.split() if len(word) > 3}
    size = 28
    best = max(
        range(max(len(words) - size, 0) + 1), key=lambda i: sum(w.strip("?.,").lower() in wanted for w in words[i : i + size])
    )
    return ("…" if best else "") + " ".join(words[best : best + size])[:width] + "…"
