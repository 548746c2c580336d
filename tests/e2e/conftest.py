"""The installed command, in processes of its own: what a user and a scheduler see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.under_test import Servers, servers

SLUICE = Path(sys.executable).with_name("sluice")
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Shell:
    """A configuration in a temporary folder, and the `sluice` command for it."""

    folder: Path
    environment: dict[str, str]
    servers: Servers
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "sluice.yaml"

    def configure(self, settings: Mapping[str, Any] | str, folder: Path | None = None) -> Path:
        """Write a configuration: of an index of its own on the servers under test where there are any, else a text as it is."""
        file = (folder or self.folder) / "sluice.yaml"
        if not isinstance(settings, str) or self.servers.any:
            given = yaml.safe_load(settings) if isinstance(settings, str) else settings
            settings = yaml.safe_dump(self.servers.on(given, file.parent.name if folder else "shell"), sort_keys=False)
        file.write_text(settings, encoding="utf-8")
        return file

    def start(self, *arguments: str, config: Path | None = None) -> subprocess.Popen[str]:
        """A command in the background, in a process group of its own, with --json."""
        command = [str(SLUICE), "--config", str(config or self.config), *arguments, "--json"]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.folder,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """End whatever a test left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def __call__(self, *arguments: str, config: Path | None = None) -> tuple[int, dict[str, Any], str]:
        """Run a command to its end: exit code, its JSON, its standard error."""
        process = self.start(*arguments, config=config)
        out, err = process.communicate(timeout=240)
        return process.returncode, json.loads(out) if out.strip() else {}, err


SETTINGS: dict[str, Any] = {
    "index": "crash",
    "state_dir": "state",
    "sources": [{"name": "notes", "type": "files", "root": "corpus", "include": ["**/*.md"]}],
    "access": {"rules": [{"match": "**", "tags": ["staff"]}]},
    "chunking": {"strategy": "recursive", "max_tokens": 40},
    "embedding": {"model": "hashing:128", "precision": "fp32"},
    "gates": [{"type": "data_quality"}],
}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """More documents than a partition has, so that Prefect does the work; a hashing encoder; nothing has run yet.

    On the servers that SLUICE_TEST_MONGODB_URI and SLUICE_TEST_QDRANT_URL name, in names of its own; else embedded.
    """
    corpus = tmp_path / "corpus"
    for i in range(72):
        file = corpus / f"team-{i % 4}" / f"{i}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# Note {i}\n\n" + "\n\n".join(f"Paragraph {j} of note {i} is about topic {i * j}." for j in range(8)))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    with servers() as named:
        made = Shell(tmp_path, environment, named)
        made.configure(SETTINGS)
        yield made
        made.close()
