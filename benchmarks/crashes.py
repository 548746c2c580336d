"""A process is killed at every moment at which it is about to leave something behind, and the next one goes on from there.

    python -m benchmarks.crashes [--model hashing:64] [--only "a first run" [0/1]] [--json]

The moments of each scenario are counted in an undisturbed process (`moments.py`); then, for each, a process that does the
same on a copy of the same index dies of SIGKILL there. Afterwards, without any repair, a reader sees a complete release;
and once the same was done again and `gc` has run, everything is as the undisturbed process left it. Exit 1 with a list of
the moments after which it was not. On servers, where SLUICE_TEST_MONGODB_URI and SLUICE_TEST_QDRANT_URL name them.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.children import in_child, must
from benchmarks.crash_checks import Content, content, orphans, picture, readers_see, same
from benchmarks.crash_scenarios import SCENARIOS, Place, Scenario, access_sync, do, first, run
from benchmarks.moments import Moments
from benchmarks.under_test import EMBEDDED, servers
from indexing.models.openvino_runtime import openvino
from pipeline.operations.collecting import collect_garbage
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.settings import load
from stores.mongo.embedded import EmbeddedMongo


@dataclass
class Matrix:
    """One scenario: its moments, and what follows from a death at each."""

    name: str
    start: Place
    model: str

    @property
    def scenario(self) -> Scenario:
        return SCENARIOS[self.name]

    @property
    def _idle(self) -> frozenset[str]:
        """An index that has run has the indexes of its database already."""
        return frozenset({"createIndexes"}) if self.scenario.before else frozenset()

    def _place(self, name: str) -> Place:
        return replace(self.start, folder=self.start.folder / f"{self.name.replace(' ', '-')}-{name}")

    @cached_property
    def base(self) -> Place:
        """The index before."""
        place = self._place("base").restored()
        first(place, self.model)
        for step in self.scenario.before:
            step(place)
        if self.scenario.before:
            must(in_child(lambda _tell: place.keep_database()))
        return place

    @cached_property
    def undisturbed(self) -> tuple[list[str], dict[str, Any], frozenset[Content | None]]:
        """The moments, the picture after `gc`, and what readers may see on the way."""
        place = self.base.copy(self._place("undisturbed").folder.name)

        def before(_tell: Callable[[str], None]) -> Content | None:
            with Resources(load(self.base.config)) as w:
                live = w.releases.live()
                return None if live is None else content(w, live)

        def work(_tell: Callable[[str], None]) -> Any:
            seen = {must(in_child(before)) if self.scenario.before else None}
            place.restored()
            moments = Moments(place.folder / "state", idle=self._idle).watch()
            do(place, self.scenario.do, moments)
            passed = list(moments.passed)
            with Resources(load(place.config)) as w, holding(w, "crashes") as by:
                live = w.releases.live()
                seen.add(None if live is None else content(w, live))
                collect_garbage(w, by)
                if left := orphans(w):
                    raise AssertionError(f"orphans although nothing was disturbed: {left}")
                return passed, picture(w), frozenset(seen)

        found: tuple[list[str], dict[str, Any], frozenset[Content | None]] = must(in_child(work))
        return found

    def at(self, number: int) -> str:
        """Die at one moment, look, do it again, look; what was wrong."""
        moments, expected, allowed = self.undisturbed
        place = self.base.copy(self._place(str(number)).folder.name)

        def dies(tell: Callable[[str], None]) -> None:
            place.restored()
            moments = Moments(place.folder / "state", number, tell, self._idle).watch()
            do(place, self.scenario.do, moments)

        def goes_on(_tell: Callable[[str], None]) -> str:
            with Resources(load(place.config)) as w:
                readers_see(w, allowed)
            with Resources(load(place.config)) as w, holding(w, "crashes") as by:
                self.scenario.do(w, by)
            with Resources(load(place.config)) as w, holding(w, "crashes") as by:
                collect_garbage(w, by)
                found, left = picture(w), orphans(w)
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
    only = "a scenario, and which part of its moments, e.g. 1/3 for the second third; again for more scenarios"
    parser.add_argument("--only", nargs="+", metavar=("SCENARIO", "PART"), action="append", help=only)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if unknown := {name for name, *_ in asked.only or ()} - SCENARIOS.keys():
        parser.error(f"no scenario: {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}")
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary, servers() as named, ExitStack() as opened:
        uri = named.mongodb_uri or opened.enter_context(EmbeddedMongo(Path(temporary)))
        start = Place(Path(temporary), uri, Path(temporary) / "models", servers=named if named.any else EMBEDDED)
        _warm(start, asked.model)
        for name, *share in asked.only or [[name] for name in SCENARIOS]:
            part, parts = map(int, (share or ["0/1"])[0].split("/"))
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
    do(place, run)
    do(place, access_sync)
    if not model.startswith("hashing"):
        openvino()
        converting = replace(start, folder=start.folder / "converting")
        first(converting, model)
        must(in_child(lambda _tell: do(converting, run)))
    gc.freeze()  # children share what they do not change


if __name__ == "__main__":
    sys.exit(main())
