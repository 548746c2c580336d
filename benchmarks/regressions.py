"""What the gates catch: regressions injected into a real index, each for real, and changes that are none.

    python -m benchmarks.regressions [--model bundled:all-MiniLM-L6-v2] [--queries 60]

A part of the handbook is published once; then each case has a copy of that index, its corpus and its configuration, does
its damage where it would happen (in the files, the configuration, the parser, the embedder, the store), and runs. Prints
a table: what became of the release, which gates rejected it, and whether the live alias stayed where it was.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml

from benchmarks import damage, plain
from flows import operations, steps
from flows.wiring import Wiring
from sluice.access import NOBODY, AccessTags
from sluice.releases import Release
from sluice.settings import load

SHARED = Path(__file__).resolve().parents[1] / "../shared/corpora"
DEPARTMENT = "content/departments/security"


@dataclass(frozen=True, slots=True)
class World:
    """A folder with a corpus, a configuration and, once it has run, an index."""

    folder: Path
    settings: dict[str, Any]

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    def configure(self, **changes: Any) -> None:
        self.settings.update(changes)
        (self.folder / "sluice.yaml").write_text(yaml.safe_dump(self.settings, sort_keys=False), encoding="utf-8")

    def files(self, under: str = "") -> list[Path]:
        return sorted((self.corpus / under).rglob("*.md"))

    def edit(self, files: Sequence[Path], change: Callable[[str], str]) -> None:
        for file in files:
            file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")

    def copy(self, to: Path) -> World:
        """The same, in another folder; models are shared. Waits for the embedded server to have written everything down."""
        until = time.monotonic() + 30
        while any((self.folder / "state").rglob("*-wal")) and time.monotonic() < until:
            time.sleep(0.05)
        shutil.copytree(self.folder, to, ignore=shutil.ignore_patterns("models"))
        models = self.folder / "state/models"
        if models.exists():
            (to / "state/models").symlink_to(models.resolve())
        copied = World(to, json.loads(json.dumps(self.settings)))
        copied.configure()
        return copied


def publishable(folder: Path, *, model: str, precision: str, queries: int, leaks: int) -> World:
    """The documents that the shortest `queries` questions and `leaks` cases of the handbook need, and a configuration."""
    handbook = yaml.safe_load((SHARED / "handbook.yaml").read_text(encoding="utf-8"))

    def size(line: dict[str, Any]) -> int:
        uris = [label["uri"] for label in line.get("relevant", [])] or [line["forbidden_uri"]]
        return sum((SHARED / "handbook" / uri).stat().st_size for uri in uris)

    golden = sorted(_lines("handbook.golden.jsonl"), key=size)[:queries]
    cases = sorted(_lines("handbook.leaks.jsonl"), key=size)[:leaks]
    uris = {label["uri"] for line in golden for label in line["relevant"]} | {case["forbidden_uri"] for case in cases}
    for uri in uris:
        target = folder / "corpus" / uri
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SHARED / "handbook" / uri, target)
    for name, lines in (("golden", golden), ("leaks", cases)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    world = World(folder, {})
    world.configure(
        index="handbook",
        state_dir="state",
        sources=[{"name": "handbook", "type": "files", "root": "corpus", "include": ["**/*.md"]}],
        access=handbook["access"],
        chunking={"strategy": "recursive", "max_tokens": 200, "overlap_tokens": 20, "context": "none"},
        embedding={"model": model, "precision": precision},
        gates=[
            {"type": "retrieval", "golden": "golden.jsonl", "k": 5, "min_recall": 0.5, "max_drop": 0.03, "max_stale": 0.05},
            {"type": "leaks", "cases": "leaks.jsonl"},
            {"type": "data_quality", "max_boilerplate": 0.3},
            {"type": "drift"},
        ],
    )
    return world


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SHARED / name).read_text(encoding="utf-8").splitlines()]


@dataclass(frozen=True, slots=True)
class Case:
    """A change: what is done before the run, by which wiring it runs, and what is done to the candidate before its judgement."""

    name: str
    before: Callable[[World], None] = lambda _world: None
    wiring: type[Wiring] = Wiring
    tamper: Callable[[Wiring, Release], None] = lambda _wiring, _release: None
    documents_per_task: int = steps.PARTITION_DOCUMENTS
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case; `caught` names the gates that rejected, `kept` says that the alias stayed where it was."""

    case: str
    outcome: str
    caught: tuple[str, ...]
    kept: bool
    reasons: tuple[str, ...] = field(default=(), repr=False)


def run(world: World, case: Case) -> Outcome:
    """Do what the case does, and run."""
    case.before(world)
    with case.wiring(load(world.folder / "sluice.yaml")) as w, w.lease("run"):
        live = w.releases.live()
        how = plain.engine(documents_per_task=case.documents_per_task, workers=case.workers, tamper=case.tamper)
        result = operations.run(w, how, allow_deletions=["handbook"])
        after = w.releases.live()
    failed = [verdict for verdict in result["verdicts"] if not verdict["passed"]]
    kept = (live.id if live else None) == (after.id if after else None)
    caught = tuple(verdict["gate"] for verdict in failed)
    return Outcome(case.name, result["outcome"], caught, kept, tuple(f"{v['gate']}: {v['reason']}" for v in failed))


# ── regressions ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Headless(Wiring):
    @cached_property
    def parsers(self) -> Any:
        return {name: damage.Headless(parser) for name, parser in super().parsers.items()}


class Truncated(Wiring):
    @cached_property
    def parsers(self) -> Any:
        return {name: damage.Truncated(parser) for name, parser in super().parsers.items()}


class Failing(Wiring):
    @cached_property
    def parsers(self) -> Any:
        return {name: damage.Failing(parser) for name, parser in super().parsers.items()}


class Shuffled(Wiring):
    @cached_property
    def embedder(self) -> Any:
        return damage.Shuffled(super().embedder)


class Unsynced(Wiring):
    """Current tags are applied before a release is judged, which repairs what a build did to them: here that fails too."""

    @property
    def releases(self) -> Any:
        whole = super().releases
        return replace(whole, points=damage.Deaf(whole.points))


def _twice(w: Wiring, release: Release) -> None:
    """Every chunk once more under another id, as a build does that gives ids by position."""
    w.stores.qdrant.upsert(release.collection, list(damage.copies(w.stores.qdrant, release.collection, _other_id)))


def _other_id(id: str) -> str:
    return str(uuid5(UUID(id), "again"))


def _retag(tags: AccessTags) -> Callable[[Wiring, Release], None]:
    def tamper(w: Wiring, release: Release) -> None:
        keys = [s.key for s in w.stores.documents.read() if s.uri.startswith(DEPARTMENT)]
        w.stores.qdrant.set_tags(release.collection, tags, keys)

    return tamper


def _typos(world: World, count: int = 3) -> None:
    world.edit(world.files()[:count], lambda text: text + "\nA small correction was made here.\n")


def _widened_rule(world: World) -> None:
    _typos(world)
    rules = [{"match": f"{DEPARTMENT}/**", "tags": ["security", "public"]}, *world.settings["access"]["rules"]]
    world.configure(access={"rules": rules})


def _login_page(world: World) -> None:
    for file in world.files()[::5]:
        file.write_text(damage.LOGIN, encoding="utf-8")


def _copied(world: World) -> None:
    for file in world.files()[::3]:
        file.with_name(f"copy-of-{file.name}").write_bytes(file.read_bytes())


def _stale(world: World) -> None:
    world.edit(world.files()[::4], lambda text: text + f"\n{damage.Failing.MARK}\n")


def _wrong_model(world: World) -> None:
    name = world.settings["embedding"]["model"]
    wrong = "hashing:8" if name.startswith("hashing:") else damage.noised_model(world.folder / "noised")
    world.configure(embedding=world.settings["embedding"] | {"model": wrong})


REGRESSIONS: tuple[Case, ...] = (
    Case("chunks of 16 tokens", lambda w: w.configure(chunking={"strategy": "recursive", "max_tokens": 16, "overlap_tokens": 0})),
    Case("a wrong model", _wrong_model),
    Case("a cleaner that deletes headings and what they say", wiring=Headless),
    Case("a department missing", lambda w: shutil.rmtree(w.corpus / DEPARTMENT)),
    Case("shuffled vectors", _typos, Shuffled),
    Case("truncated texts", wiring=Truncated),
    Case("duplicated chunks", _typos, tamper=_twice),
    Case("duplicated documents", _copied),
    Case("stale documents", _stale, Failing),
    Case("tags dropped", _typos, Unsynced, tamper=_retag(NOBODY)),
    Case("tags widened in the store", _typos, Unsynced, tamper=_retag(AccessTags({"security", "public"}))),
    Case("tags widened by a rule", _widened_rule),
    Case("a source that returned a login page", _login_page),
)

# ── changes that are none ────────────────────────────────────────────────────────────────────────────────────────────


def _rewritten(world: World) -> None:
    for file in reversed(world.files()):
        file.write_bytes(file.read_bytes())
        file.touch()


def _one_more(world: World) -> None:
    (world.corpus / "content/new.md").write_text("# A new page\n\nIt says something that no other page says.\n", encoding="utf-8")


def _one_less(world: World) -> None:
    asked = (world.folder / "golden.jsonl").read_text(encoding="utf-8")
    next(file for file in world.files() if str(file.relative_to(world.corpus)) not in asked).unlink()


def _moved_rule(world: World) -> None:
    rules = world.settings["access"]["rules"]
    world.configure(access={"rules": [{"match": "content/new.md", "tags": ["public"]}, *rules]})
    _one_more(world)


def _front_matter(world: World) -> None:
    world.edit(world.files()[:5], lambda text: text if text.startswith("---") else f"---\nowner: anna\n---\n{text}")


HARMLESS: tuple[Case, ...] = (
    Case("nothing at all"),
    Case("files written again in another order", _rewritten),
    Case("a typo fixed in 3 documents", _typos),
    Case("other partitioning", _typos, documents_per_task=7),
    Case("other worker count", _typos, documents_per_task=5, workers=3),
    Case("a document added", _one_more),
    Case("a rule that changes nothing put first", _moved_rule),
    Case("line ends as on Windows", lambda w: w.edit(w.files(), lambda text: text.replace("\n", "\r\n"))),
    Case("spaces at line ends", lambda w: w.edit(w.files(), lambda text: text.replace(".\n", ". \n"))),
    Case("a byte order mark", lambda w: w.edit(w.files()[:10], lambda text: "\ufeff" + text)),
    Case("an owner in the front matter", _front_matter),
    Case("tags damaged by the build, and repaired before it is judged", _typos, tamper=_retag(NOBODY)),
    Case("a document deleted that no question is about", _one_less),
    Case("more releases kept", lambda w: w.configure(retention={"keep": 5})),
    Case("searches logged", lambda w: w.configure(search={"mode": "dense", "log": "searches.jsonl"})),
)


def outcomes(base: World, cases: Sequence[Case], folder: Path) -> Iterator[Outcome]:
    """Each case on a copy of its own of what `base` published."""
    for position, case in enumerate(cases):
        copy = base.copy(folder / f"{position}")
        yield run(copy, case)
        shutil.rmtree(copy.folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="bundled:all-MiniLM-L6-v2")
    parser.add_argument("--precision", default="openvino-fp32")
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "base").mkdir()
        base = publishable(folder / "base", model=asked.model, precision=asked.precision, queries=asked.queries, leaks=30)
        print(run(base, Case("first")))
        for title, cases in (("regression", REGRESSIONS), ("harmless change", HARMLESS)):
            print(f"\n| {title} | outcome | caught by | alias untouched |\n|---|---|---|---|")
            chosen = [case for case in cases if asked.only in case.name]
            for found in outcomes(base, chosen, folder / title):
                print(
                    f"| {found.case} | {found.outcome} | {', '.join(found.caught) or '–'} | {'yes' if found.kept else 'no'} |",
                    flush=True,
                )
                for reason in found.reasons:
                    print(f"    {reason}")


if __name__ == "__main__":
    main()
