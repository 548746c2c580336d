"""Files of a git repository at a ref, through the `git` command.

The repository is fetched into a bare one of Sluice's own, from which nothing is ever checked out and no hook is run. A
validator is the id of a file's blob: what did not change between two commits is not read again. Author, date and commit
of the last change are metadata, from one walk through the history that ends when every changed file has been met.
"""

from __future__ import annotations

import base64
import os
import posixpath
import re
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from ingest.sources.http import shown
from ingest.sources.media import media_type
from sluice.errors import ConfigurationError, DocumentError, SourceUnavailable
from sluice.globs import selected
from sluice.ids import digest
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath, Section

_SCHEMES = ("https", "http", "ssh", "git", "file")
_SCP = re.compile(r"[\w.-]+@[\w.-]+:[^:].*")
_REF = re.compile(r"(?!.*(\.\.|@\{|//))[A-Za-z0-9_][\w./+@-]*")
_BLOB = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_LFS = b"version https://git-lfs.github.com/spec/v1"
_MAX_LINKS = 8


def _location(value: str, info: ValidationInfo) -> str:
    """A URL as it is, a path made absolute against the configuration's folder."""
    scheme, found, _ = value.partition("://")
    if value.startswith("-") or "::" in value.partition("/")[0] or not value.isprintable():
        raise ValueError("is no repository's address")
    if found:
        if scheme not in _SCHEMES or urlsplit(value).netloc.startswith("-"):
            raise ValueError(f"git is asked over {', '.join(_SCHEMES)} only")
        return value
    if _SCP.fullmatch(value):
        return value
    return os.path.abspath(os.path.join((info.context or {}).get("base", ""), os.path.expanduser(value)))


class GitOptions(Section):
    url: Annotated[str, AfterValidator(_location)] = Field(repr=False)
    """A path, or https, ssh (also user@host:path), git or file; a token from the environment: https://x:${TOKEN}@host/…"""
    ref: str = "HEAD"
    """A branch, a tag, or a commit's full id."""
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()
    max_bytes: int = Field(default=50_000_000, gt=0)
    timeout_s: float = Field(default=600, gt=0)
    cache: ConfigPath | None = None

    @field_validator("ref")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not _REF.fullmatch(value):
            raise ValueError("is no name of a branch or tag, nor a commit's id")
        return value


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file as the tree has it; `problem` where it cannot be had (reason, what)."""

    blob: str
    size: int | None
    path: str
    problem: tuple[str, str] = ("", "")


class GitSource:
    """Every file at `ref` that a pattern of `include` matches and none of `exclude` does. A uri is its path.

    Submodules are other repositories, and left alone. A symbolic link to a file of the repository stands for it.
    """

    Options = GitOptions

    def __init__(self, name: str, options: GitOptions) -> None:
        self.name = name
        self.options = options
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._commit = ""
        self._changes: dict[str, dict[str, Any]] = {}
        self._reader: _Blobs | None = None

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each file once, ordered by path; reads no contents. `known` saves walking the history for unchanged files.

        Raises ConfigurationError for a ref that the repository does not have, SourceUnavailable when it does not answer.
        """
        with self._lock:
            self._list()
            entries = self._entries
            self._changes = self._last_changes({e.path for uri, e in entries.items() if known.get(uri) != _validator(e)})
        return (ItemRef(uri, _validator(entry), None, entry.size) for uri, entry in entries.items())

    def fetch(self, ref: ItemRef) -> RawItem:
        """The file's bytes as its blob holds them; raises DocumentError (`gone`, `too_large`, `lfs_pointer`,
        `outside_root`, `dangling_link`)."""
        with self._lock:
            if not self._commit:
                self._list()
                self._changes = self._last_changes({e.path for e in self._entries.values()})
            entry = self._entries.get(ref.uri)
            change = self._changes.get(entry.path, {}) if entry else {}
        if entry is None:
            raise self._refused("gone", ref.uri, "is not in the repository any more", "the next run takes it out of the index")
        if entry.problem[0]:
            raise self._refused(entry.problem[0], ref.uri, entry.problem[1], "repair the link, or exclude it")
        content = self._content(entry.blob)
        if content is None:
            what = f"{entry.size} bytes, max_bytes is {self.options.max_bytes}"
            raise self._refused("too_large", ref.uri, what, "raise max_bytes of this source, or exclude the file")
        if content.startswith(_LFS):
            what = "is kept in Git LFS, and only a pointer to it is in the repository"
            raise self._refused("lfs_pointer", ref.uri, what, "exclude it, or read a checkout with `type: files`")
        return RawItem(
            uri=ref.uri,
            content=content,
            validator=_validator(entry),
            media_type=media_type(ref.uri),
            modified=change.get("date"),
            metadata={name: value for name, value in change.items() if name != "date"},
        )

    def _refused(self, reason: str, uri: str, what: str, hint: str) -> DocumentError:
        return DocumentError(reason, f"source '{self.name}': {uri}: {what}", hint=hint)

    # ── the repository ───────────────────────────────────────────────────────────────────────────────────────────

    def _list(self) -> None:
        """Fetch the ref, and read the tree that it names."""
        url, secret = _without_password(self.options.url)
        if "://" not in url and not _SCP.fullmatch(url) and not os.path.exists(url):
            raise ConfigurationError(
                f"source '{self.name}': url: {url} does not exist", hint="correct it, or mount it; nothing was changed"
            )
        head = f"refs/sluice/{digest(self.options.ref)[:16]}"
        if not os.path.isdir(os.path.join(self._folder, "objects")):
            self._git("init", "--quiet", "--bare", ".")
        fetch = (
            "fetch",
            "--quiet",
            "--force",
            "--no-tags",
            "--update-shallow",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
        )
        self._git(*fetch, "--end-of-options", url, f"+{self.options.ref}:{head}", secret=secret)
        commit = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{head}^{{commit}}").decode().strip()
        if commit != self._commit:
            self._entries = dict(self._tree(commit))
            self._commit = commit

    def _tree(self, commit: str) -> Iterator[tuple[str, _Entry]]:
        files, links = dict[str, _Entry](), dict[str, str]()
        for line in self._git("ls-tree", "-r", "-z", "--long", "--full-tree", commit).split(b"\0")[:-1]:
            about, _, raw = line.partition(b"\t")
            mode, kind, blob, size = about.decode().split()
            path = raw.decode("utf-8", "backslashreplace")
            if kind == "blob":
                files[path] = _Entry(blob, int(size), path)
            if mode == "120000":
                links[path] = blob
        for path, entry in sorted(files.items()):
            if selected(path, self.options.include, self.options.exclude):
                if path not in links:
                    yield path, entry
                elif (target := self._target(path, files, links)) is not None:
                    yield path, target

    def _target(self, path: str, files: Mapping[str, _Entry], links: Mapping[str, str]) -> _Entry | None:
        """What a link stands for; None for a folder, whose files are listed where they are."""
        at = path
        for _ in range(_MAX_LINKS):
            link = files[at]
            said = (self._content(links[at]) or b"").decode("utf-8", "backslashreplace")
            at = posixpath.normpath(posixpath.join(posixpath.dirname(at), said))
            if said.startswith("/") or at.startswith("../") or at == "..":
                return _Entry(link.blob, link.size, path, ("outside_root", "leads out of the repository"))
            if at in files and at not in links:
                return files[at]
            if any(other.startswith(f"{at}/") for other in files) or at == ".":
                return None
            if at not in files:
                break
        return _Entry(files[path].blob, files[path].size, path, ("dangling_link", "links to nothing"))

    def _last_changes(self, wanted: set[str]) -> dict[str, dict[str, Any]]:
        """Path → author, date and commit of its last change."""
        found: dict[str, dict[str, Any]] = {}
        if not wanted:
            return found
        log = ("log", "-z", "--no-renames", "-c", "--name-only", "--format=%x01%H%x02%an%x02%cI", self._commit)
        change: dict[str, Any] = {}
        with self._started(*log) as process:
            for field in _fields(process):
                text = field.decode("utf-8", "backslashreplace").lstrip("\n")
                if text.startswith("\x01"):
                    commit, author, date = text[1:].partition("\n")[0].split("\x02")
                    moment = datetime.fromisoformat(date).astimezone(UTC)
                    change = {"commit": commit, "author": author, "date": moment}
                elif text in wanted:
                    found[text] = change
                    wanted.discard(text)
                    if not wanted:
                        break
            process.kill()
        return found

    def _content(self, blob: str) -> bytes | None:
        """A blob's bytes; None when it is larger than allowed."""
        with self._lock:
            if self._reader is None:
                self._reader = _Blobs(self._command("cat-file", "--batch"), _environment())
            try:
                return self._reader.read(blob, self.options.max_bytes)
            except (OSError, ValueError) as error:
                self._reader = None
                raise SourceUnavailable(f"source '{self.name}': git gave no blob {blob}: {error}", hint="run again") from error

    # ── the command ──────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _folder(self) -> str:
        if self.options.cache is None:
            if not hasattr(self, "_temporary"):
                self._temporary = tempfile.TemporaryDirectory(prefix="sluice-git-", ignore_cleanup_errors=True)
                weakref.finalize(self, self._temporary.cleanup)
            return self._temporary.name
        # One folder for one repository: another address starts afresh.
        folder = os.path.join(self.options.cache, digest(_without_password(self.options.url)[0])[:16] + ".git")
        os.makedirs(folder, exist_ok=True)
        return folder

    def _command(self, *arguments: str) -> list[str]:
        settings = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "gc.auto=0", "core.quotePath=false")
        return ["git", "--git-dir", self._folder, *(part for s in settings for part in ("-c", s)), *arguments]

    def _started(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command(*arguments),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _git(self, *arguments: str, secret: Mapping[str, str] | None = None) -> bytes:
        try:
            done = subprocess.run(
                self._command(*arguments),
                env=_environment() | dict(secret or {}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.options.timeout_s,
                cwd=self._folder,
            )
        except FileNotFoundError:
            raise ConfigurationError(f"source '{self.name}': there is no git here", hint="install it: apt install git") from None
        except subprocess.TimeoutExpired:
            raise SourceUnavailable(
                f"source '{self.name}': git {arguments[0]} took more than {self.options.timeout_s:.0f} s", hint="raise timeout_s"
            ) from None
        if done.returncode:
            said = " ".join(re.sub(rb"//[^/@\s]*@", b"//", done.stderr).decode("utf-8", "replace").split())[:300]
            if "couldn't find remote ref" in said or "not our ref" in said or (arguments[0] == "rev-parse"):
                raise ConfigurationError(
                    f"source '{self.name}': ref: the repository has no '{self.options.ref}'", hint="name a branch, tag or commit"
                )
            raise SourceUnavailable(
                f"source '{self.name}': git {arguments[0]} failed: {said}",
                hint="try `git ls-remote` with the same address as this user: is it right, and may it be read?",
            )
        return done.stdout


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


def _validator(entry: _Entry) -> str:
    return entry.blob if not entry.problem[0] else f"{entry.problem[0]}:{entry.blob}"


def _environment() -> dict[str, str]:
    """Never a question, never another repository than ours, only the protocols that a URL may name."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name == "GIT_SSH_COMMAND"}
    return {
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        **inherited,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "GIT_ALLOW_PROTOCOL": ":".join(_SCHEMES),
        "LC_ALL": "C",
    }


def _without_password(url: str) -> tuple[str, dict[str, str]]:
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
