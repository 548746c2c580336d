"""A bare git repository of Sluice's own, through the `git` command.

Nothing is ever checked out of it and no hook is run; no question is asked, and no option comes from a URL or a ref. A
password in a URL travels in an environment variable: command lines can be read by everyone, and files outlive a run.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit, urlunsplit

from ingest.sources.http import shown
from sluice.errors import ConfigurationError, SourceUnavailable

SCHEMES = ("https", "http", "ssh", "git", "file")
_REFUSED = re.compile(
    r"authentication failed|could not read (username|password)|permission denied|access denied|invalid (credentials|username)"
    r"|returned error: 40[13]",
    re.IGNORECASE,
)
_BLOB = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "core.quotePath=false")


class Repository:
    """The bare repository in `folder`, made when it is first used; safe to use from several threads."""

    def __init__(self, source: str, folder: str, timeout_s: float) -> None:
        self._source = source
        self._folder = folder
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._reader: _Blobs | None = None

    def fetch(self, url: str, ref: str, head: str) -> str:
        """Bring `ref` of the repository at `url` here, as `head`; gives its commit.

        Raises ConfigurationError for a ref that is not there, SourceUnavailable when the repository does not answer.
        """
        if not os.path.isdir(os.path.join(self._folder, "objects")):
            os.makedirs(self._folder, exist_ok=True)
            self.run("init", "--quiet", "--bare", ".")
        address, secret = without_password(url)
        how = ("--quiet", "--force", "--no-tags", "--update-shallow", "--no-recurse-submodules", "--no-write-fetch-head")
        try:
            ref = self._full_name(address, ref, secret)
            self.run("fetch", *how, "--end-of-options", address, f"+{ref}:{head}", secret=secret)
            return self.run("rev-parse", "--verify", "--end-of-options", f"{head}^{{commit}}").decode().strip()
        except SourceUnavailable as error:
            if any(words in error.message for words in ("couldn't find remote ref", "not our ref", "rev-parse")):
                raise ConfigurationError(
                    f"sources.{self._source}.ref: the repository has no '{ref}'",
                    hint="name a branch, a tag or a commit's full id",
                ) from None
            raise

    def _full_name(self, address: str, name: str, secret: Mapping[str, str]) -> str:
        """A name as git cannot take it for anything else: a branch may be called `@`, `-x`, or like a commit's id.

        Of a tag and a branch with one name, the tag, as git itself decides.
        """
        if name == "HEAD":
            return name
        names = [name] if name.startswith("refs/") else [f"refs/tags/{name}", f"refs/heads/{name}"]
        listed = self.run("ls-remote", "--quiet", "--end-of-options", address, *names, secret=secret)
        there = {line.partition(b"\t")[2] for line in listed.splitlines()}
        found = next((each for each in names if os.fsencode(each) in there), None)
        if found is None and not _BLOB.fullmatch(name):
            raise SourceUnavailable(f"couldn't find remote ref {name}")
        return found or name

    def run(self, *arguments: str, secret: Mapping[str, str] | None = None) -> bytes:
        """What a git command writes; raises SourceUnavailable with what it complained of, without credentials."""
        try:
            done = subprocess.run(
                self._command(*arguments),
                env=_environment() | dict(secret or {}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout_s,
                cwd=self._folder,
            )
        except FileNotFoundError:
            raise ConfigurationError(
                f"source '{self._source}': there is no git here", hint="install it: apt install git"
            ) from None
        except subprocess.TimeoutExpired:
            raise SourceUnavailable(
                f"source '{self._source}': git {arguments[0]} took more than {self._timeout_s:.0f} s", hint="raise timeout_s"
            ) from None
        if done.returncode:
            said = " ".join(re.sub(rb"//[^/@\s]*@", b"//", done.stderr).decode("utf-8", "replace").split())[:300]
            raise SourceUnavailable(
                f"source '{self._source}': git {arguments[0]} failed: {said}",
                hint=f"correct the credential in sources.{self._source}.url, or the environment variable that it names"
                if _REFUSED.search(said)
                else "try `git ls-remote` with the same address as this user: is it right, and may it be read?",
            )
        return done.stdout

    @contextmanager
    def fields(self, *arguments: str) -> Iterator[Iterator[bytes]]:
        """What a git command writes between zero bytes, as it comes; leaving the block stops it."""
        process = subprocess.Popen(
            self._command(*arguments),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _fields(process)
        finally:
            _stop(process)

    def blob(self, blob: str, limit: int) -> bytes | None:
        """A blob's bytes; None when they are more than `limit`."""
        with self._lock:
            self._reader = self._reader or _Blobs(self._command("cat-file", "--batch"), _environment())
            try:
                return self._reader.read(blob, limit)
            except (OSError, ValueError) as error:
                self._reader = None
                raise SourceUnavailable(f"source '{self._source}': git gave no blob {blob}: {error}", hint="run again") from error

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "--git-dir", self._folder, *(part for setting in _SETTINGS for part in ("-c", setting)), *arguments]


class _Blobs:
    """One `git cat-file --batch`, for as long as it is wanted."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        weakref.finalize(self, _stop, self._process)

    def read(self, blob: str, limit: int) -> bytes | None:
        source, answers = self._process.stdin, self._process.stdout
        if source is None or answers is None or not _BLOB.fullmatch(blob):
            raise ValueError("no blob")
        source.write(blob.encode() + b"\n")
        source.flush()
        heading = answers.readline().split()
        if len(heading) != 3 or heading[1] != b"blob":
            raise ValueError(b" ".join(heading).decode() or "it stopped")
        size, content = int(heading[2]), bytearray()
        left = size + 1  # and a line end
        while left:
            part = answers.read(min(left, 1 << 20))
            if not part:
                raise ValueError("it stopped")
            left -= len(part)
            if size <= limit:
                content += part
        return bytes(content[:-1]) if size <= limit else None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _fields(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What a process writes, between zero bytes."""
    rest = b""
    while process.stdout is not None and (part := os.read(process.stdout.fileno(), 1 << 16)):
        *whole, rest = (rest + part).split(b"\0")
        yield from whole
    yield rest


def _environment() -> dict[str, str]:
    """Never a question, never another repository than ours, only the protocols that a URL may name."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name == "GIT_SSH_COMMAND"}
    return {
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        **inherited,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": ":".join(SCHEMES),
        "LC_ALL": "C",
    }


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address without its credential, and the credential as environment: a command line can be read by everyone."""
    parts = urlsplit(url) if url.startswith(("http://", "https://")) else None
    if parts is None or parts.password is None:
        return url, {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return bare, {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{shown(bare)}.extraHeader",
        "GIT_CONFIG_VALUE_0": "Authorization: Basic " + base64.b64encode(pair.encode()).decode(),
    }
