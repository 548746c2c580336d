"""A small index of its own for each test, driven through the command line's own entry point, in this process."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main
from flows import fresh_database
from stores.locks import FileLock
from stores.mongo.embedded import EmbeddedMongo

DEPARTMENTS = ("engineering", "people", "security")
TOPICS = {
    "engineering": (
        "deploy the gateway on Tuesdays",
        "rotate the staging database",
        "page the on-call engineer",
        "tag the release branch",
    ),
    "people": (
        "parental leave lasts sixteen weeks",
        "the travel budget is nine hundred",
        "holidays roll over until March",
        "reviews happen in June",
    ),
    "security": (
        "passwords hash with argon",
        "badges expire after ninety days",
        "report phishing to the hotline",
        "laptops lock in two minutes",
    ),
}


@dataclass
class Answer:
    """What a command gave back."""

    code: int
    out: dict[str, Any]
    err: str


@dataclass
class Index:
    """A configuration and its corpus in a temporary folder, with the command line at hand."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    settings: dict[str, Any] = field(default_factory=dict)
    _held: ExitStack = field(default_factory=ExitStack)
    _holds: bool = False

    @property
    def config(self) -> Path:
        return self.folder / "sluice.yaml"

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    def configure(self, **changes: Any) -> None:
        """Change keys of the configuration and write it."""
        self.settings |= changes
        self.config.write_text(yaml.safe_dump(self.settings, sort_keys=False), encoding="utf-8")

    def write(self, uri: str, text: str) -> None:
        file = self.corpus / uri
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def hold(self) -> None:
        """From its second command on, this index's embedded MongoDB server stays: each command would start one."""
        if not self._holds and (self.folder / "state" / "mongodb" / "data").exists():
            self._held.enter_context(EmbeddedMongo(self.folder / "state"))
            self._holds = True

    def leave(self) -> None:
        """The server goes with its last user: with this, or with a worker of a cluster that still has it."""
        self._held.close()
        self._holds = False

    def let_go(self) -> None:
        """The server leaves with its last user, and has left: for who looks at its files, or copies them."""
        if self._holds:
            self.leave()
            with FileLock(self.folder / "state" / "mongodb" / "server.lock") as server:
                assert server.acquire(wait_s=20)

    def __call__(self, *arguments: str) -> Answer:
        """Run a command with --json."""
        self.hold()
        self.capture.readouterr()
        with pytest.raises(SystemExit) as exit:
            main(["--config", str(self.config), *arguments, "--json"])
        captured = self.capture.readouterr()
        assert isinstance(exit.value.code, int)
        return Answer(exit.value.code, json.loads(captured.out) if captured.out.strip() else {}, captured.err)

    def shown(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command as a person does: its exit code, standard output and standard error."""
        self.hold()
        self.capture.readouterr()
        with pytest.raises(SystemExit) as exit:
            main(["--config", str(self.config), *arguments])
        captured = self.capture.readouterr()
        assert isinstance(exit.value.code, int)
        return exit.value.code, captured.out, captured.err

    def run(self, outcome: str = "promoted", *arguments: str) -> dict[str, Any]:
        """`sluice run`, expecting this outcome."""
        answer = self("run", *arguments)
        assert answer.out.get("outcome") == outcome, (answer.out, answer.err)
        return answer.out

    def lose_state(self) -> None:
        """Everything that was kept is gone, as on another machine; what is made next is named by another second.

        A release is named by its second and its content: made again within that second it would be the very one that is gone.
        """
        self.let_go()
        shutil.rmtree(self.folder / "state")
        time.sleep(1)

    def find(self, query: str, *tags: str, release: str | None = None, k: int = 3) -> list[str]:
        """The uris that a search finds, best first."""
        extra = ("--release", release) if release else ()
        answer = self("search", query, "--as", ",".join(tags), "-k", str(k), *extra)
        assert answer.code == 0, answer
        return [hit["uri"] for hit in answer.out["hits"]]


def golden_lines() -> list[dict[str, Any]]:
    return [
        {"id": f"{d}-{i}", "query": text, "relevant": [{"uri": f"{d}/{i}.md", "quote": text}], "slice": [d], "kind": "fact"}
        for d in DEPARTMENTS
        for i, text in enumerate(TOPICS[d])
    ]


@pytest.fixture(scope="session", autouse=True)
def prefect_home() -> None:
    """Prefect's temporary server has its database in this test process's folder, and need not make it (3.6 s)."""
    from prefect.settings import get_current_settings  # within: this file is read before tests/conftest.py is asked

    settings = get_current_settings()
    home = Path(os.environ["PREFECT_HOME"])
    assert (settings.home, settings.server.ephemeral.startup_timeout_seconds) == (home, 180), "Prefect was imported too early"
    fresh_database.of(home)


@pytest.fixture
def index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Index]:
    """Twelve documents of three departments, a hashing encoder, a golden set, leak cases; nothing has run yet."""
    made = Index(tmp_path, capsys)
    for department in DEPARTMENTS:
        for i, text in enumerate(TOPICS[department]):
            made.write(f"{department}/{i}.md", f"# {department.title()} note {i}\n\nRemember that we {text}.\n")
    (tmp_path / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in golden_lines()), encoding="utf-8")
    leak = {"id": "leak-1", "query": TOPICS["security"][0], "principal": ["people"], "forbidden_uri": "security/0.md"}
    (tmp_path / "leaks.jsonl").write_text(json.dumps(leak) + "\n", encoding="utf-8")
    made.configure(
        index="small",
        state_dir="state",
        sources=[{"name": "notes", "type": "files", "root": "corpus", "include": ["**/*.md"]}],
        access={"rules": [{"match": f"{d}/**", "tags": [d]} for d in DEPARTMENTS]},
        chunking={"strategy": "recursive", "max_tokens": 100, "overlap_tokens": 0, "context": "none"},
        embedding={"model": "hashing:256", "precision": "fp32"},
        gates=[
            {"type": "retrieval", "golden": "golden.jsonl", "k": 3, "min_recall": 0.8, "max_drop": 0.1, "max_stale": 0.2},
            {"type": "leaks", "cases": "leaks.jsonl"},
        ],
    )
    yield made
    made.leave()
