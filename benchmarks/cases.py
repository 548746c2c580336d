"""A part of the handbook, published; and what becomes of a change to it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.tampering import Tampering
from pipeline.executors import PARTITION_DOCUMENTS, Inline, Threads
from pipeline.operations import nightly
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.releases import Release
from sluice.settings import load

SHARED = Path(__file__).resolve().parents[1] / "../shared/corpora"


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
    """A change: what is done before the run, on which resources, and what the candidate meets before its judges."""

    name: str
    before: Callable[[World], None] = lambda _world: None
    resources: type[Resources] = Resources
    tamper: Callable[[Resources, Release], None] = lambda _resources, _release: None
    documents_per_task: int = PARTITION_DOCUMENTS
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
    how = Tampering(case.tamper, Threads(case.workers) if case.workers > 1 else Inline())
    with case.resources(load(world.folder / "sluice.yaml")) as w:
        live = w.releases.live()
        with holding(w, "run", executor=how, partition_documents=case.documents_per_task) as by:
            result = nightly.reindex(w, by, allow_deletions=["handbook"])
        after = w.releases.live()
    failed = [verdict for verdict in result.verdicts if not verdict.passed]
    kept = (live.id if live else None) == (after.id if after else None)
    caught = tuple(verdict.gate for verdict in failed)
    return Outcome(case.name, result.outcome, caught, kept, tuple(f"{v.gate}: {v.reason}" for v in failed))
