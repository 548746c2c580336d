"""Who changed a golden set since a release was judged by it, where git knows.

The commits that touched the file are walked back to the one that holds what the release was judged by: those after it are the
change. Nothing is said where the file is in no repository, where git is not installed or refuses, and of who wrote what is not
committed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from evaluation.golden import load_golden
from sluice.errors import ConfigurationError

MOST = 30
"""Commits that are looked at: each is read whole."""
TIMEOUT_S = 10.0
NOT_COMMITTED = "somebody (not committed)"
_COMMIT = "%H%x1f%an%x1f%aI%x1f%s"


@dataclass(frozen=True, slots=True)
class Change:
    """One commit of the file, or what is not committed (then only `author` says something)."""

    author: str
    when: str = ""
    subject: str = ""
    commit: str = ""

    def said(self) -> str:
        """In a few words."""
        return " ".join(
            filter(None, [self.author, self.when[:10], f"({self.commit[:10]}: {self.subject})" if self.commit else ""])
        )


def changes_since(golden: Path, fingerprint: str, *, synthetic: bool) -> tuple[Change, ...]:
    """The changes since the version of this fingerprint, newest first.

    Where no version of the last `MOST` has it, only the newest: what came before that is not known.
    """
    file = golden.resolve()
    told = _git(file, "log", f"--max-count={MOST}", "--no-show-signature", f"--format={_COMMIT}", "--", file.name)
    if not told:
        return ()
    found = []
    if _git(file, "status", "--porcelain", "--", file.name):
        found.append(Change(NOT_COMMITTED))
    commits = [Change(author, when, subject, hash) for hash, author, when, subject in _rows(told)]
    for number, commit in enumerate(commits):
        if _fingerprint_at(file, commit.commit, synthetic) == fingerprint:
            return (*found, *commits[:number])
    return (*found, *commits[:1])


def _rows(told: str) -> list[list[str]]:
    return [parts for line in told.split("\n") if len(parts := line.split("\x1f")) == 4]


def _fingerprint_at(file: Path, commit: str, synthetic: bool) -> str:
    content = _git(file, "show", "--no-textconv", f"{commit}:./{file.name}")
    with tempfile.TemporaryDirectory(prefix="sluice-golden-") as folder:
        then = Path(folder, "golden.jsonl")
        then.write_text(content, encoding="utf-8")
        try:
            return load_golden(then).of(synthetic=synthetic).fingerprint
        except ConfigurationError:
            return ""


def _git(file: Path, *arguments: str) -> str:
    """What git says; empty where it says nothing, for whatever reason. A repository's own settings start no program."""
    quiet = (
        "-c",
        "core.fsmonitor=false",
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.pager=cat",
        "-c",
        "log.showSignature=false",
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            ["git", *quiet, "-C", str(file.parent), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip("\n") if done.returncode == 0 else ""
