"""A real git repository for tests, made with the git command."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_COMMITTER_NAME": "Robot",
    "GIT_COMMITTER_EMAIL": "robot@example.com",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
}


@dataclass
class Repository:
    """A working tree whose every change is committed, a minute after the one before."""

    folder: Path
    commits: int = 0

    def git(self, *arguments: str, **environment: str) -> str:
        date = f"2026-01-01T10:{self.commits:02}:00Z"
        times = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            check=True,
            capture_output=True,
            env=inherited | _ENVIRONMENT | times | environment,
        )
        return done.stdout.decode().strip()

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """A new repository with one empty commit."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main")
        made.commit()
        return made

    def commit(self, author: str = "Ada") -> str:
        """Commit everything, and give the commit's id."""
        self.commits += 1
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"change {self.commits}", GIT_AUTHOR_NAME=author)
        return self.git("rev-parse", "HEAD")

    def write(self, path: str, content: bytes, author: str = "Ada") -> str:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return self.commit(author)

    def delete(self, path: str) -> str:
        (self.folder / path).unlink()
        return self.commit()
