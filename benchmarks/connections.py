"""Connections to the stores are held up, cut and reset at random moments of a run, and the next run makes it good.

    python -m benchmarks.connections [--cuts 100] [--seed 13] [--json]

Both stores are processes of their own on loopback: the embedded MongoDB-compatible server, and what stands in for a Qdrant
server (`qdrant_served.py`); a proxy between (`proxy.py`) strikes once, at the n-th piece of data that passes, n drawn at random
from an undisturbed run's. The command, through its own entry point in a process of its own, must then end with what it was to do,
or with exit 1 and one line that says which store did not answer. A reader must find a complete release; and once the command was
given again, and `gc`, everything is as the undisturbed one left it: fingerprint, access root, every point, row and vector.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

from benchmarks.children import in_child, must
from benchmarks.crash_checks import Content, content, orphans, picture, readers_see, same
from benchmarks.crash_scenarios import Place, changed, do, first, retagged, run
from benchmarks.proxy import HOWS
from pipeline.operations.collecting import collect_garbage
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.settings import load
from stores.mongo.embedded import EmbeddedMongo

LIMITS = "directConnection=true&socketTimeoutMS=2000&connectTimeoutMS=2000&serverSelectionTimeoutMS=4000"
RUN = ("run", "--allow-deletions", "notes")
WORK: dict[str, tuple[tuple[str, ...], tuple[Callable[[Place], object], ...]]] = {
    "a first run": (RUN, ()),
    "a run over changes": (RUN, (lambda place: _expect(place, RUN), changed)),
    "an access sync": (("access", "sync"), (lambda place: _expect(place, RUN), retagged)),
}
"""The command of each, and what brings the index about before it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, its JSON, what it said."""

    code: int
    out: dict[str, Any]
    err: str

    @property
    def complaint(self) -> str:
        """What is wrong about how it ended; empty where it did its work, or failed cleanly."""
        if "Traceback" in self.err:
            return f"a traceback: {self.err[-600:]}"
        if self.code == 0:
            return ""
        error = self.out.get("error") or {}
        clean = self.code == 1 and error.get("type") == "StoreUnavailable" and error.get("hint") and "\n" not in error["message"]
        return "" if clean else f"exit {self.code}: {json.dumps(self.out)[:600]}"


def command(place: Place, *arguments: str) -> Ended:
    """A command of the command line, in a process of its own."""

    def work(_tell: Callable[[str], None]) -> tuple[int, str, str]:
        from cli.main import main

        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            code: object = 0
            try:
                main(["--config", str(place.config), *arguments, "--json"])
            except SystemExit as exit:
                code = exit.code
            sys.stdout.flush()
            sys.stderr.flush()
            out.seek(0)
            err.seek(0)
            return cast(int, code), out.read(), err.read()

    code, out, err = must(in_child(work))
    return Ended(code, json.loads(out) if out.strip() else {}, err)


def _expect(place: Place, arguments: tuple[str, ...]) -> Ended:
    ended = command(place, *arguments)
    if ended.code:
        raise RuntimeError(f"undisturbed, and {ended}")
    return ended


@dataclass
class Served:
    """The servers, the proxy before them, and where the folders of indexes are made."""

    folder: Path
    proxy: subprocess.Popen[str]
    mongo: int
    qdrant: int
    made: int = 0

    def order(self, at: int = 0, how: str = "") -> dict[str, Any]:
        """Give the proxy an order; what became of the one before it."""
        if self.proxy.stdin is None or self.proxy.stdout is None:
            raise RuntimeError("the proxy has no pipes")
        print(json.dumps({"at": at, "how": how}), file=self.proxy.stdin, flush=True)
        answered: dict[str, Any] = json.loads(self.proxy.stdout.readline())
        return answered

    def place(self) -> Place:
        """An index of twelve documents that has not run; the vector store is empty of the one before."""
        self.made += 1
        uri, url = f"mongodb://127.0.0.1:{self.mongo}/?{LIMITS}", f"http://127.0.0.1:{self.qdrant}"
        place = Place(self.folder / f"cut{self.made}", uri, self.folder / "models", {"url": url, "timeout_s": 2})
        first(place, "hashing:64")

        def emptied(_tell: Callable[[str], None]) -> None:
            with Resources(load(place.config)) as w:
                store = w.stores.qdrant
                store.switch(dict.fromkeys(store.read()))
                for name in store.names():
                    store.drop(name)

        must(in_child(emptied))
        return place


@contextmanager
def served() -> Iterator[Served]:
    """All of it, for as long as this lasts."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        uri = opened.enter_context(EmbeddedMongo(folder))
        qdrant = _process(opened, "benchmarks.qdrant_served")
        url = _line(qdrant)
        socket = unquote(uri.removeprefix("mongodb://").split("/?")[0])
        proxy = _process(opened, "benchmarks.proxy", f"mongo={socket}", f"qdrant={url.rpartition(':')[2]}")
        ports = json.loads(_line(proxy))
        found = Served(folder, proxy, ports["mongo"], ports["qdrant"])
        do(found.place(), run)  # loads in this process what every child would load
        gc.freeze()
        yield found


def _process(opened: ExitStack, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdin=pipe, stdout=pipe, text=True)
    opened.callback(process.wait)
    opened.callback(cast(Any, process.stdin).close)
    return process


def _line(process: subprocess.Popen[str]) -> str:
    return "" if process.stdout is None else process.stdout.readline().strip()


@dataclass
class Cuts:
    """One kind of work: what an undisturbed one leaves, and what follows from a strike."""

    name: str
    served: Served
    pieces: int = 0
    expected: dict[str, Any] = field(default_factory=dict)
    allowed: frozenset[Content | None] = frozenset()

    def undisturbed(self) -> None:
        arguments, before = WORK[self.name]
        place = self.served.place()
        for step in before:
            step(place)
        seen = {must(in_child(lambda _tell: _live(place)))}
        self.served.order()
        _expect(place, arguments)
        self.pieces = self.served.order()["passed"]
        seen.add(must(in_child(lambda _tell: _live(place))))
        self.allowed = frozenset(seen)
        self.expected, left = must(in_child(lambda _tell: _collected(place)))
        if left:
            raise RuntimeError(f"orphans although nothing was disturbed: {left}")

    def at(self, number: int, how: str) -> tuple[str, str, str]:
        """Strike once: at which server it was done (empty: it ended before), how the command ended, what was wrong."""
        arguments, before = WORK[self.name]
        place = self.served.place()
        for step in before:
            step(place)
        self.served.order(number, how)
        ended = command(place, *arguments)
        became = self.served.order()
        wrong = [ended.complaint]

        def look(_tell: Callable[[str], None]) -> None:
            with Resources(load(place.config)) as w:
                readers_see(w, self.allowed)

        if how == "away":
            time.sleep(2)
        told, said = in_child(look)
        wrong.append("" if told == "done" else f"a reader: {said}")
        again = command(place, *arguments)
        wrong.append("" if again.code == 0 else f"again: exit {again.code}: {json.dumps(again.out)[:600]}")
        told, found = in_child(lambda _tell: _collected(place))
        if told == "done":
            shown, left = found
            wrong += [
                f"{k}: {str(shown[k])[:300]} instead of {str(v)[:300]}" for k, v in self.expected.items() if not same(shown[k], v)
            ]
            wrong += [f"orphaned: {thing}" for thing in left]
        else:
            wrong.append(f"{told}: {found}")
        return became["to"], "survived" if ended.code == 0 else "failed cleanly", "; ".join(filter(None, wrong))


def _live(place: Place) -> Content | None:
    with Resources(load(place.config)) as w:
        live = w.releases.live()
        return None if live is None else content(w, live)


def _collected(place: Place) -> tuple[dict[str, Any], list[str]]:
    with Resources(load(place.config)) as w, holding(w, "connections") as by:
        collect_garbage(w, by)
        return picture(w), orphans(w)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    drawn, began = random.Random(asked.seed), time.monotonic()
    struck: Counter[tuple[str, str, str]] = Counter()
    wrong: dict[str, str] = {}
    with served() as servers:
        kinds = {name: Cuts(name, servers) for name in WORK}
        for kind in kinds.values():
            kind.undisturbed()
        number = 0
        while struck.total() < asked.cuts and number < 2 * asked.cuts:
            name, how = list(WORK)[number % len(WORK)], HOWS[number // len(WORK) % len(HOWS)]
            moment = drawn.randint(1, kinds[name].pieces)
            number += 1
            to, ended, problem = kinds[name].at(moment, how)
            if to:
                struck[how, to, ended] += 1
            if problem:
                wrong[f"{name}, piece {moment} of {kinds[name].pieces}, {how} {to}"] = problem
                print(f"{name}, piece {moment}, {how} {to}: {problem}", file=sys.stderr, flush=True)
        report = {
            "cuts": struck.total(),
            "wrong": wrong,
            "ended": dict(Counter(ended for how, to, ended in struck.elements())),
            "struck": {f"{how} {to}: {ended}": count for (how, to, ended), count in sorted(struck.items())},
            "pieces": {name: kind.pieces for name, kind in kinds.items()},
            "seconds": round(time.monotonic() - began),
        }
    if asked.json:
        print(json.dumps(report))
    else:
        print(json.dumps(report, indent=1))
    return int(bool(wrong) or struck.total() < asked.cuts)


if __name__ == "__main__":
    sys.exit(main())
