"""Small indexes to be killed in: what brings one about, step by step, and what a process then does."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from benchmarks.children import in_child, must
from benchmarks.moments import Moments
from benchmarks.under_test import EMBEDDED, Servers
from pipeline.operations import going_live, nightly, syncing
from pipeline.operations.collecting import collect_garbage
from pipeline.resources import Resources
from pipeline.runs import Run, holding
from sluice.settings import load

TEAMS = ("engineering", "people", "security")
SUBJECTS = (
    "gateways",
    "databases",
    "holidays",
    "travel",
    "reviews",
    "badges",
    "laptops",
    "audits",
    "lunches",
    "parking",
    "keys",
    "desks",
)


Work = Callable[[Resources, Run], None]


@dataclass(frozen=True, slots=True)
class Place:
    """An index in a folder: its corpus, its configuration, its vector store (the embedded one); and a database of its own.

    `models` is where converted models are kept, for all of them.
    """

    folder: Path
    uri: str
    models: Path
    qdrant: Mapping[str, Any] | None = None
    """Another vector store than that of `servers`."""
    servers: Servers = EMBEDDED
    """Where it is kept, if not in its folder. All places there are one index, and only one of them is there at a time."""

    @property
    def config(self) -> Path:
        return self.folder / "sluice.yaml"

    def configure(self, **changes: Any) -> None:
        before = yaml.safe_load(self.config.read_text(encoding="utf-8")) if self.config.exists() else {}
        database = self.servers.prefix + self.folder.name.replace(" ", "-")
        stores = {"mongodb": {"uri": self.uri, "database": database}, "qdrant": dict(self.qdrant or self.servers.qdrant)}
        self.config.write_text(yaml.safe_dump({**before, "stores": stores, **changes}), encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        file = self.folder / "corpus" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def copy(self, name: str) -> Place:
        """Another one like it; the database is copied by whoever is the first to open it (`restored`)."""
        other = replace(self, folder=self.folder.with_name(name))
        shutil.copytree(self.folder, other.folder, symlinks=True)
        other.configure()
        return other

    def keep_database(self) -> None:
        """Write down every row, and what a served vector store holds, next to the configuration, for copies of this place."""
        with Resources(load(self.config)) as w:
            database = w.stores.database
            rows = {name: list(database[name].find()) for name in database.list_collection_names()}
        (self.folder / "rows.pickle").write_bytes(pickle.dumps((rows, self.servers.kept())))

    def restored(self) -> Place:
        """With what was written down, if anything, in its database and a served vector store, and nothing else there."""
        file = self.folder / "rows.pickle"
        rows, kept = pickle.loads(file.read_bytes()) if file.exists() else ({}, ({}, {}))
        self.servers.put_back(kept)
        if rows:
            with Resources(load(self.config)) as w:
                for name, found in rows.items():
                    if found:
                        w.stores.database[name].insert_many(found)
            file.unlink()
        return self


def first(place: Place, model: str) -> None:
    """Twelve documents of three teams."""
    place.models.mkdir(exist_ok=True)
    (place.folder / "state").mkdir(parents=True)
    (place.folder / "state" / "models").symlink_to(place.models)
    golden = []
    for number, subject in enumerate(SUBJECTS):
        uri = f"{TEAMS[number % 3]}/{number}.md"
        place.write(uri, f"# About {subject}\n\n{_paragraphs(number, subject)}")
        label = {"uri": uri, "quote": f"{subject} are looked after"}
        golden.append({"id": subject, "query": f"who counts {subject}?", "relevant": [label], "slice": [], "kind": "fact"})
    (place.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in golden), encoding="utf-8")
    place.configure(
        index=f"{place.servers.prefix}crashes",
        state_dir="state",
        sources=[{"name": "notes", "type": "files", "root": "corpus", "include": ["**/*.md"], "limits": {"sandbox": False}}],
        access={"rules": [{"match": f"{team}/**", "tags": [team]} for team in TEAMS]},
        chunking={"strategy": "recursive", "max_tokens": 60},
        embedding={"model": model, "precision": "fp32" if model.startswith("hashing") else "openvino-fp32"},
        gates=[{"type": "retrieval", "golden": "golden.jsonl", "min_recall": 0.5, "max_drop": 1.0, "max_stale": 0.9}],
    )


def _paragraphs(number: int, subject: str) -> str:
    return "\n\n".join(
        f"Paragraph {n} says that {subject} are looked after on day {number * n} by team {number % 3}, who count all {subject} "
        f"of floor {number + n} and write their number into list {number * 7 + n} before noon."
        for n in range(1, 3)
    )


def changed(place: Place) -> None:
    """Three documents edited, one deleted, one new, and one that others may read from now on."""
    for number in (0, 4, 8):
        place.write(
            f"{TEAMS[number % 3]}/{number}.md", f"# About {SUBJECTS[number]}\n\nSince today all {SUBJECTS[number]} rest.\n"
        )
    (place.folder / "corpus/people/1.md").unlink()
    place.write("people/12.md", "# About cups\n\nCups are washed by those who drank from them.\n")
    widened = [{"match": "security/2.md", "tags": ["people"]}, *({"match": f"{t}/**", "tags": [t]} for t in TEAMS)]
    place.configure(access={"rules": widened})


def retagged(place: Place) -> None:
    """One team's documents for another team, and nobody's for a third."""
    place.configure(
        access={"rules": [{"match": "engineering/**", "tags": ["security"]}, {"match": "people/**", "tags": ["people"]}]}
    )


def edited(place: Place) -> None:
    """One document edited."""
    place.write("security/5.md", "# About badges\n\nBadges are green.\n")


def thrifty(place: Place) -> None:
    """Two releases are enough from now on."""
    place.configure(retention={"keep": 1})


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────


def run(w: Resources, by: Run) -> None:
    outcome = nightly.reindex(w, by, allow_deletions=["notes"]).outcome
    if outcome not in ("promoted", "unchanged"):
        raise RuntimeError(f"the run was {outcome}")


def rollback(w: Resources, by: Run) -> None:
    """To the first release; once it is live, whatever command comes next tells those whom the dead one did not tell."""
    target = w.releases.all()[0]
    live = w.releases.live()
    if live is None or live.id != target.id:
        going_live.rollback(w, by, target.id)
    else:
        syncing.sync_access(w, by)


def forward(w: Resources, by: Run) -> None:
    """Back to the second release, past its gates."""
    going_live.promote(w, by, w.releases.all()[1].id)


def access_sync(w: Resources, by: Run) -> None:
    syncing.sync_access(w, by)


def litter(w: Resources, _by: Run) -> None:
    """A collection, a version and bytes that nothing needs."""
    w.stores.qdrant.create(f"{w.settings.index}__lost", dimension=2, sparse=False)
    [version] = w.stores.versions.get(sorted(w.stores.versions.ids())[:1]).values()
    w.stores.versions.put("0" * 64, version)
    w.stores.blobs.put(b"of no document")


def collect(w: Resources, by: Run) -> None:
    collect_garbage(w, by)


def do(place: Place, work: Work, moments: Moments | None = None) -> None:
    with Resources(load(place.config)) as w:
        if moments is not None:
            moments.also_of(w.stores.qdrant)
        with holding(w, "crashes") as by:
            work(w, by)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What brings the index about, step by step, and what a process then does (a second time: to its end)."""

    do: Work
    before: tuple[Callable[[Place], None], ...] = ()


def _of(work: Work) -> Callable[[Place], None]:
    """That work, in a process of its own."""
    return lambda place: must(in_child(lambda _tell: do(place, work)))


SCENARIOS: Mapping[str, Scenario] = {
    "a first run": Scenario(run),
    "a run over changes": Scenario(run, (_of(run), changed)),
    "a rollback": Scenario(rollback, (_of(run), changed, _of(run))),
    "a promotion": Scenario(forward, (_of(run), changed, _of(run), _of(rollback))),
    "an access sync": Scenario(access_sync, (_of(run), changed, _of(run), retagged)),
    "gc": Scenario(collect, (_of(run), changed, _of(run), edited, _of(run), _of(litter), thrifty)),
}
