"""Worker processes: what a document does to its worker harms nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingest.protocols import Parser
from ingest.sandbox import Sandbox, SandboxedParser
from sluice.errors import ConfigurationError, DocumentError
from sluice.records import RawItem
from sluice.settings import LimitSettings
from tests.unit.ingest.hostile import Obedient

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(workers=2)
    yield made
    made.close()


@pytest.fixture
def parser(sandbox: Sandbox) -> SandboxedParser:
    return SandboxedParser(Obedient, "f", LimitSettings(timeout_s=1, memory_mb=64), sandbox)


def unbuildable() -> Parser:
    raise ConfigurationError("no such cleaner")


def parse(parser: SandboxedParser, what: str) -> str:
    return parser.parse(RawItem("a.txt", what.encode(), "v", metadata={"n": 1}), source="s").text


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("hang", "timeout"),
        ("hang-in-c", "timeout"),
        ("eat", "out_of_memory"),
        ("eat-and-complain", "out_of_memory"),
        ("segfault", "crashed"),
        ("exit", "crashed"),
        ("quote hunter2", "crashed"),
        ("refuse", "protected"),
    ],
)
def test_a_hostile_document_costs_one_error(parser: SandboxedParser, what: str, reason: str) -> None:
    """Within the limit it ends with its reason, naming the document and nothing of its content; the next one parses."""
    started = time.monotonic()
    with pytest.raises(DocumentError) as error:
        parse(parser, what)
    assert error.value.reason == reason
    assert "a.txt" in error.value.message
    assert "hunter2" not in error.value.message + error.value.hint
    assert error.value.hint
    assert time.monotonic() - started < 15
    assert parse(parser, "a good one") == "a good one"


def test_the_document_comes_back_as_it_was_made(parser: SandboxedParser) -> None:
    """Every field survives the way, whatever the libraries print meanwhile."""
    item = RawItem("ü.txt", b"print", "v", metadata={"n": [1, {"a": None}]})
    assert parser.parse(item, source="s") == Obedient().parse(item, source="s")


def test_workers_stay_warm_and_are_replaced_in_time() -> None:
    """Documents share a worker until it has parsed its share or kept more memory than one document may have."""
    sandbox = Sandbox(workers=1, documents=4)
    parser = SandboxedParser(Obedient, "f", LimitSettings(memory_mb=64), sandbox)
    first = [parse(parser, "pid") for _ in range(4)]
    assert len(set(first)) == 1
    second = parse(parser, "pid")
    assert second != first[0], "after four documents"
    parse(parser, "leak")
    parse(parser, "leak")
    assert parse(parser, "pid") != second, "after 80 MB more than it began with"
    sandbox.close()


def test_a_worker_begun_ahead_takes_the_first_document() -> None:
    """It has built its parser by then, and one that cannot be built is told of when a document asks for it."""
    sandbox = Sandbox(workers=1)
    parser = SandboxedParser(Obedient, "f", LimitSettings(), sandbox)
    parser.ahead()
    [begun] = sandbox._idle
    parser.ahead()
    assert [begun] == sandbox._idle, "one is enough"
    assert parse(parser, "pid") == str(begun.process.pid)
    wrong = SandboxedParser(unbuildable, "f", LimitSettings(), sandbox)
    wrong.ahead()
    with pytest.raises(ConfigurationError, match="no such cleaner"):
        parse(wrong, "a good one")
    assert parse(parser, "pid") == str(begun.process.pid)
    sandbox.close()


def test_an_idle_worker_leaves_and_is_not_missed() -> None:
    """After `idle_s` the process is gone; the next document starts another."""
    sandbox = Sandbox(workers=1, idle_s=0.2)
    parser = SandboxedParser(Obedient, "f", LimitSettings(), sandbox)
    first = psutil.Process(int(parse(parser, "pid")))
    deadline = time.monotonic() + 10
    while first.is_running() and first.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert parse(parser, "pid") != str(first.pid)
    sandbox.close()


def test_documents_parse_side_by_side(parser: SandboxedParser) -> None:
    """One that hangs does not keep another thread's waiting."""
    outcomes: list[str] = []

    def hang() -> None:
        with pytest.raises(DocumentError):
            parse(parser, "hang")
        outcomes.append("hang")

    thread = threading.Thread(target=hang)
    thread.start()
    time.sleep(0.2)
    outcomes.append(parse(parser, "quick"))
    thread.join()
    assert outcomes == ["quick", "hang"]


def test_a_worker_knows_no_secret_of_its_parent(parser: SandboxedParser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment it is given what it needs to run, by name."""
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    sandbox = Sandbox(workers=1)
    assert "DATABASE_PASSWORD" not in parse(SandboxedParser(Obedient, "f", LimitSettings(), sandbox), "environment")
    sandbox.close()


@pytest.mark.parametrize("what", ["hang", "hang-in-c"])
def test_no_worker_outlives_a_killed_parent(what: str, tmp_path: Path) -> None:
    """After `kill -9` of the parent a worker at work is gone within seconds, also when it never lets go of the lock."""
    program = f"""
        from ingest.sandbox import Sandbox, SandboxedParser
        from sluice.records import RawItem
        from sluice.settings import LimitSettings
        from tests.unit.ingest.hostile import Obedient
        parser = SandboxedParser(Obedient, "f", LimitSettings(timeout_s=1), Sandbox(workers=1))
        print(parser.parse(RawItem("a", b"pid", "v"), source="s").text, flush=True)
        parser.parse(RawItem("a", {what.encode()!r}, "v"), source="s")
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert parent.stdout is not None
    worker = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.5)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    gone, alive = psutil.wait_procs([worker], timeout=15)
    assert gone
    assert not alive
    assert what == "hang-in-c" or list(tmp_path.iterdir()) == [], "its temporary files went with it"
