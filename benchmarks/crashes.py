"""A process is killed at every moment at which it is about to leave something behind, and the next one goes on from there.

    python -m benchmarks.crashes [--model hashing:64] [--only "a first run"] [--part 0/1] [--json]

The moments of each scenario are counted in an undisturbed process (`moments.py`); then, for each, a process that does the
same on a copy of the same index dies of SIGKILL there. Afterwards, without any repair, a reader sees a complete release;
and once the same was done again and `gc` has run, everything is as the undisturbed process left it. Exit 1 with a list of
the moments after which it was not.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks import plain
from benchmarks.moments import Moments
from flows import operations, reading, steps
from flows.wiring import Wiring
from indexing.openvino_encoder import openvino
from sluice.access import Principal
from sluice.ids import version_id
from sluice.releases import Release
from sluice.settings import load
from stores.embedded import EmbeddedMongo

LIMIT_S = 300
"""A process that has not ended by then hangs."""

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


@dataclass(frozen=True, slots=True)
class Place:
    """An index in a folder: its corpus, its configuration, the embedded vector store; and a database of its own.

    `models` is where converted models are kept, for all of them.
    """

    folder: Path
    uri: str
    models: Path

    @property
    def config(self) -> Path:
        return self.folder / "sluice.yaml"

    def configure(self, **changes: Any) -> None:
        before = yaml.safe_load(self.config.read_text(encoding="utf-8")) if self.config.exists() else {}
        stores = {"mongodb": {"uri": self.uri, "database": self.folder.name}}
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
        """Write down every row next to the configuration, for copies of this place."""
        with Wiring(load(self.config)) as w:
            database = w.stores.database
            rows = {name: list(database[name].find()) for name in database.list_collection_names()}
        (self.folder / "rows.pickle").write_bytes(pickle.dumps(rows))

    def restored(self) -> Place:
        """With the rows that were written down, if any, in its database."""
        file = self.folder / "rows.pickle"
        if file.exists():
            with Wiring(load(self.config)) as w:
                for name, rows in pickle.loads(file.read_bytes()).items():
                    if rows:
                        w.stores.database[name].insert_many(rows)
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
        index="crashes",
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


def run(w: Wiring) -> None:
    outcome = operations.run(w, plain.engine(), allow_deletions=["notes"])["outcome"]
    if outcome not in ("promoted", "unchanged"):
        raise RuntimeError(f"the run was {outcome}")


def rollback(w: Wiring) -> None:
    """To the first release; once it is live, whatever command comes next tells those whom the dead one did not tell."""
    target = w.releases.all()[0]
    live = w.releases.live()
    if live is None or live.id != target.id:
        operations.rollback(w, target.id)
    else:
        operations.sync_access(w)


def forward(w: Wiring) -> None:
    """Back to the second release, past its gates."""
    operations.promote(w, plain.engine(), w.releases.all()[1].id)


def access_sync(w: Wiring) -> None:
    operations.sync_access(w)


def litter(w: Wiring) -> None:
    """A collection, a version and bytes that nothing needs."""
    w.stores.qdrant.create(f"{w.settings.index}__lost", dimension=2, sparse=False)
    [version] = w.stores.versions.get(sorted(w.stores.versions.ids())[:1]).values()
    w.stores.versions.put("0" * 64, version)
    w.stores.blobs.put(b"of no document")


def collect(w: Wiring) -> None:
    steps.collect_garbage(w)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What brings the index about, step by step, and what a process then does (a second time: to its end)."""

    do: Callable[[Wiring], None]
    before: tuple[Callable[[Place], None], ...] = ()


def _of(work: Callable[[Wiring], None]) -> Callable[[Place], None]:
    """That work, in a process of its own."""
    return lambda place: _must(in_child(lambda _tell: _do(place, work)))


SCENARIOS: Mapping[str, Scenario] = {
    "a first run": Scenario(run),
    "a run over changes": Scenario(run, (_of(run), changed)),
    "a rollback": Scenario(rollback, (_of(run), changed, _of(run))),
    "a promotion": Scenario(forward, (_of(run), changed, _of(run), _of(rollback))),
    "an access sync": Scenario(access_sync, (_of(run), changed, _of(run), retagged)),
    "gc": Scenario(collect, (_of(run), changed, _of(run), edited, _of(run), _of(litter), thrifty)),
}


# ── what is looked at ────────────────────────────────────────────────────────────────────────────────────────────────

Content = frozenset[tuple[str, str]]
"""Uri and text of every chunk."""


def content(w: Wiring, release: Release) -> Content:
    points = w.stores.qdrant.scan(release.collection, ["uri", "text"])
    return frozenset((point.payload["uri"], point.payload["text"]) for point in points)


def readers_see(w: Wiring, allowed: frozenset[Content | None]) -> None:
    """What the alias names is one of the complete releases that it may be, and gives every chunk to who may read it."""
    live = w.releases.live()
    seen = None if live is None else content(w, live)
    if live is None and w.settings.index in w.stores.qdrant.read():
        raise AssertionError("the alias names a collection that no release is")
    if seen not in allowed:
        raise AssertionError(
            f"the alias names {live and live.id}, which holds {len(seen or ())} chunks, not what a whole one does"
        )
    building = [release.id for release in w.releases.all() if release.state == "building"]
    if len(building) > 1:
        raise AssertionError(f"{len(building)} releases are building")
    if live is None:
        return
    points = {point.payload["uri"]: point.payload for point in w.stores.qdrant.scan(live.collection, [*PAYLOAD])}
    for uri, point in points.items():
        hits = reading.search(w, point["text"], Principal.of(point["access_tags"]), 3, None) if point["access_tags"] else []
        if point["access_tags"] and uri not in {hit.uri for hit in hits}:
            raise AssertionError(f"{uri} is not found by its own words")
    if reading.search(w, SUBJECTS[0], Principal.of(["nobody has this"]), 3, None):
        raise AssertionError("a stranger was answered")


def picture(w: Wiring) -> dict[str, Any]:
    """All that must be the same however often the way here was interrupted: no times, and no names made from times."""
    live, stores = w.releases.live(), w.stores
    releases = w.releases.all()
    names = {release.id: f"release {number}" for number, release in enumerate(r for r in releases if r.state != "abandoned")}
    return {
        "live": None if live is None else (names[live.id], live.fingerprint, live.access_root, live.documents, live.chunks),
        "releases": [(r.state, bool(r.held), r.fingerprint, r.removed is None) for r in releases if r.state != "abandoned"],
        "points": {
            names[release.id]: sorted(
                (point.id, json.dumps({**point.payload, "release": ""}, sort_keys=True))
                for point in stores.qdrant.scan(release.collection, PAYLOAD)
            )
            for release in releases
            if release.searchable
        },
        "vectors": {
            f"{names[release.id]} {point.id}": point.dense
            for release in releases
            if release.searchable
            for point in stores.qdrant.scan(release.collection, vectors=True)
        },
        "aliases": {name: names.get(to.rpartition("__")[2], to) for name, to in stores.qdrant.read().items()},
        "documents": [(s.uri, s.status, sorted(s.tags), s.version, s.content_hash, s.stale) for s in stores.documents.read()],
        "quarantine": [entry.uri for entry in stores.quarantine.entries()],
        "versions": sorted(stores.versions.ids()),
        "blobs": sorted(stores.blobs.hashes()),
        "embeddings": stores.database["embeddings"].count_documents({}),
        "events": sorted((e["kind"], names[e["release"]], e["state"]) for e in stores.database["events"].find()),
    }


def same(found: Any, expected: Any) -> bool:
    """Equal; vectors to 1e-5, for a real model's depend a little on which texts are embedded together."""
    if isinstance(expected, np.ndarray):
        return isinstance(found, np.ndarray) and found.shape == expected.shape and bool(np.allclose(found, expected, atol=1e-5))
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
    return bool(found == expected)


PAYLOAD = ("document_key", "version", "source", "uri", "title", "start", "end", "text", "text_hash", "access_tags", "release")


def orphans(w: Wiring) -> list[str]:
    """What nothing needs any more, in either store and on the disk."""
    stores, found = w.stores, []
    states = stores.documents.read()
    releases = [release for release in w.releases.all() if release.removed is None and release.state != "abandoned"]
    names = stores.qdrant.names()
    found += [f"collection {name}" for name in names if name not in {release.collection for release in releases}]
    disk = w.settings.state_dir / "qdrant" / "collection"
    found += [f"folder {path.name}" for path in disk.iterdir() if path.name not in names] if disk.exists() else []
    needed = {version_id(s.key, s.version, s.parse_fingerprint) for s in states if s.version}
    needed |= {id for release in releases if release.searchable for id in w.versions_in(release).values()}
    found += [f"version {id}" for id in stores.versions.ids() if id not in needed]
    found += [f"bytes {name}" for name in stores.blobs.hashes() - stores.blobs.references()]
    found += [f"a release that is {release.state}" for release in releases if release.state == "building"]
    return found


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def in_child(work: Callable[[Callable[[str], None]], Any]) -> tuple[str, Any]:
    """What became of it in a process of its own: ('done', result), ('raised', traceback) or ('killed', where)."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(LIMIT_S)
        try:
            told = pickle.dumps(("done", work(lambda name: os.write(writer, pickle.dumps(("killed", name))) and None)))
        except BaseException:
            told = pickle.dumps(("raised", traceback.format_exc()))
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(told)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if not told:
        return "lost", f"it ended with status {status}, and said nothing"
    outcome: tuple[str, Any] = pickle.loads(told)
    if (outcome[0] == "killed") != (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        return "lost", f"{outcome}, but it ended with status {status}"
    return outcome


def _must(told: tuple[str, Any]) -> Any:
    if told[0] != "done":
        raise RuntimeError(f"{told[0]}: {told[1]}")
    return told[1]


def _do(place: Place, work: Callable[[Wiring], None]) -> None:
    with Wiring(load(place.config)) as w, w.lease("crashes"):
        work(w)


@dataclass
class Matrix:
    """One scenario: its moments, and what follows from a death at each."""

    name: str
    start: Place
    model: str

    @property
    def scenario(self) -> Scenario:
        return SCENARIOS[self.name]

    def _place(self, name: str) -> Place:
        return replace(self.start, folder=self.start.folder / f"{self.name.replace(' ', '-')}-{name}")

    @cached_property
    def base(self) -> Place:
        """The index before."""
        place = self._place("base")
        first(place, self.model)
        for step in self.scenario.before:
            step(place)
        if self.scenario.before:
            _must(in_child(lambda _tell: place.keep_database()))
        return place

    @cached_property
    def undisturbed(self) -> tuple[list[str], dict[str, Any], frozenset[Content | None]]:
        """The moments, the picture after `gc`, and what readers may see on the way."""
        place = self.base.copy(self._place("undisturbed").folder.name)

        def before(_tell: Callable[[str], None]) -> Content | None:
            with Wiring(load(self.base.config)) as w:
                live = w.releases.live()
                return None if live is None else content(w, live)

        def work(_tell: Callable[[str], None]) -> Any:
            seen = {_must(in_child(before)) if self.scenario.before else None}
            place.restored()
            moments = Moments(place.folder / "state").watch()
            _do(place, self.scenario.do)
            passed = list(moments.passed)
            with Wiring(load(place.config)) as w, w.lease("crashes"):
                live = w.releases.live()
                seen.add(None if live is None else content(w, live))
                steps.collect_garbage(w)
                if left := orphans(w):
                    raise AssertionError(f"orphans although nothing was disturbed: {left}")
                return passed, picture(w), frozenset(seen)

        found: tuple[list[str], dict[str, Any], frozenset[Content | None]] = _must(in_child(work))
        return found

    def at(self, number: int) -> str:
        """Die at one moment, look, do it again, look; what was wrong."""
        moments, expected, allowed = self.undisturbed
        place = self.base.copy(self._place(str(number)).folder.name)

        def dies(tell: Callable[[str], None]) -> None:
            place.restored()
            Moments(place.folder / "state", number, tell).watch()
            _do(place, self.scenario.do)

        def goes_on(_tell: Callable[[str], None]) -> str:
            with Wiring(load(place.config)) as w:
                readers_see(w, allowed)
            _do(place, self.scenario.do)
            with Wiring(load(place.config)) as w, w.lease("crashes"):
                steps.collect_garbage(w)
                found, left = picture(w), orphans(w)
                readers_see(w, allowed)
                w.stores.database.client.drop_database(w.stores.database.name)
            different = [key for key in expected if not same(found[key], expected[key])]
            shown = [f"{key}: {str(found[key])[:300]} instead of {str(expected[key])[:300]}" for key in different]
            return "; ".join([*shown, *(f"orphaned: {thing}" for thing in left)])

        died = in_child(dies)
        if died != ("killed", moments[number]):
            return f"it was to be killed at '{moments[number]}', and {died[0]} {died[1]}"
        told, result = in_child(goes_on)
        shutil.rmtree(place.folder)
        return result if told == "done" else f"{told}: {result}"

    def all(self, part: int, parts: int) -> Iterator[tuple[int, str, str]]:
        """Every moment of this part: its number, its name, and what was wrong (empty: nothing)."""
        for number, name in enumerate(self.undisturbed[0]):
            if number % parts == part:
                yield number, name, self.at(number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="hashing:64")
    parser.add_argument("--only", choices=list(SCENARIOS))
    parser.add_argument("--part", default="0/1", help="which part of the moments, e.g. 1/3 for the second third")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary, EmbeddedMongo(Path(temporary)) as uri:
        start = Place(Path(temporary), uri, Path(temporary) / "models")
        _warm(start, asked.model)
        for name in [asked.only] if asked.only else SCENARIOS:
            started, wrong, died = time.monotonic(), {}, 0
            matrix = Matrix(name, start, asked.model)
            for number, moment, problem in matrix.all(part, parts):
                died += 1
                if problem:
                    wrong[f"{number} {moment}"] = problem
            moments = matrix.undisturbed[0]
            report[name] = {"moments": len(moments), "died": died, "wrong": wrong, "names": moments}
            if not asked.json:
                seconds = time.monotonic() - started
                print(f"{name}: {len(moments)} moments, died at {died}, {len(wrong)} wrong ({seconds:.0f} s)", flush=True)
                for moment, problem in wrong.items():
                    print(f"    {moment}: {problem}")
    if asked.json:
        print(json.dumps(report))
    return int(any(found["wrong"] for found in report.values()))


def _warm(start: Place, model: str) -> None:
    """Load in this process, by a run to its end, what every child would load; but no model, whose threads no child has."""
    place = replace(start, folder=start.folder / "warm")
    first(place, "hashing:8")
    _do(place, run)
    _do(place, access_sync)
    if not model.startswith("hashing"):
        openvino()
        converting = replace(start, folder=start.folder / "converting")
        first(converting, model)
        _must(in_child(lambda _tell: _do(converting, run)))
    gc.freeze()  # children share what they do not change


if __name__ == "__main__":
    sys.exit(main())
