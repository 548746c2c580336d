"""What the gates catch: regressions injected into a real index, each for real, and changes that are none.

    python -m benchmarks.regressions [--model bundled:all-MiniLM-L6-v2] [--queries 60]

A part of the handbook is published once; then each case has a copy of that index, its corpus and its configuration, does
its damage where it would happen (in the files, the configuration, the parser, the embedder, the store), and runs. Prints
a table: what became of the release, which gates rejected it, and whether the live alias stayed where it was.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from benchmarks import damage
from benchmarks.cases import Case, Outcome, World, publishable, run
from benchmarks.harmless import HARMLESS, typos
from pipeline.resources import Resources
from sluice.access import NOBODY, AccessTags
from sluice.releases import Release


class Headless(Resources):
    @cached_property
    def parsers(self) -> Any:
        return {name: damage.Headless(parser) for name, parser in super().parsers.items()}


class WithoutHeadings(Resources):
    @cached_property
    def parsers(self) -> Any:
        return {name: damage.WithoutHeadings(parser) for name, parser in super().parsers.items()}


class Truncated(Resources):
    @cached_property
    def parsers(self) -> Any:
        return {name: damage.Truncated(parser) for name, parser in super().parsers.items()}


class Failing(Resources):
    @cached_property
    def parsers(self) -> Any:
        return {name: damage.Failing(parser) for name, parser in super().parsers.items()}


class Shuffled(Resources):
    @cached_property
    def embedder(self) -> Any:
        return damage.Shuffled(super().embedder)


class Unsynced(Resources):
    """Current tags are applied before a release is judged, which repairs what a build did to them: here that fails too."""

    def releases_by(self, actor: str) -> Any:
        whole = super().releases_by(actor)
        return replace(whole, points=damage.Deaf(whole.points))


def _twice(w: Resources, release: Release) -> None:
    """Every chunk once more under another id, as a build does that gives ids by position."""
    w.stores.qdrant.upsert(release.collection, list(damage.copies(w.stores.qdrant, release.collection, _other_id)))


def _other_id(id: str) -> str:
    return str(uuid5(UUID(id), "again"))


def _widened_rule(world: World) -> None:
    typos(world)
    rules = [{"match": f"{damage.DEPARTMENT}/**", "tags": ["security", "public"]}, *world.settings["access"]["rules"]]
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
    Case("a cleaner that deletes headings", resources=WithoutHeadings),
    Case("a cleaner that deletes headings and what they say", resources=Headless),
    Case("a department missing", lambda w: shutil.rmtree(w.corpus / damage.DEPARTMENT)),
    Case("shuffled vectors", typos, Shuffled),
    Case("truncated texts", resources=Truncated),
    Case("duplicated chunks", typos, tamper=_twice),
    Case("duplicated documents", _copied),
    Case("stale documents", _stale, Failing),
    Case("tags dropped", typos, Unsynced, tamper=damage.retag(NOBODY)),
    Case("tags widened in the store", typos, Unsynced, tamper=damage.retag(AccessTags({"security", "public"}))),
    Case("tags widened by a rule", _widened_rule),
    Case("a source that returned a login page", _login_page),
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
