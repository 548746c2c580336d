"""Files of a git repository at a ref, through the `git` command.

The repository is fetched into a bare one of Sluice's own, from which nothing is ever checked out and no hook is run. A
validator is the id of a file's blob: what did not change between two commits is not read again. Author, date and commit
of the last change are metadata, from one walk through the history that ends when every changed file has been met.
"""

from __future__ import annotations

import os
import posixpath
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from ingest.sources.media import media_type
from ingest.sources.repository import SCHEMES, Repository, without_password
from sluice import passing
from sluice.errors import ConfigurationError, DocumentError
from sluice.globs import matches, selected
from sluice.ids import digest
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath, Glob, Section

_SCP = re.compile(r"[\w.-]+@[\w.-]+:[^:].*")
_REF = re.compile(r"(?!.*(?:\.\.|@\{|//|/\.|\.lock(?:/|$)))(?![./])[^\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]+(?<![./])")
"""A name as git allows it (git-check-ref-format): unicode, `@`, dashes and what looks like a revision are names like others."""
_LFS = b"version https://git-lfs.github.com/spec/v1"
_MAX_LINKS = 8
_LONGEST_AUTHOR = 500


def _location(value: str, info: ValidationInfo) -> str:
    """A URL as it is, a path made absolute against the configuration's folder."""
    scheme, found, _ = value.partition("://")
    if value.startswith("-") or "::" in value.partition("/")[0] or not value.isprintable():
        raise ValueError("is no repository's address")
    if found:
        if scheme not in SCHEMES or urlsplit(value).netloc.startswith("-"):
            raise ValueError(f"git is asked over {', '.join(SCHEMES)} only")
        return value
    if _SCP.fullmatch(value):
        return value
    return os.path.abspath(os.path.join((info.context or {}).get("base", ""), os.path.expanduser(value)))


class GitOptions(Section):
    url: Annotated[str, AfterValidator(_location)] = Field(repr=False)
    """A path, or https, ssh (also user@host:path), git or file; a token from the environment: https://x:${TOKEN}@host/…"""
    ref: str = "HEAD"
    """A branch, a tag, or a commit's full id."""
    include: tuple[Glob, ...] = Field(default=("**/*",), min_length=1)
    exclude: tuple[Glob, ...] = ()
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

    Submodules are other repositories: each is one item that says so (`submodule`). A symbolic link to a file
    of the repository stands for it.
    """

    Options = GitOptions

    def __init__(self, name: str, options: GitOptions) -> None:
        self.name = name
        self.options = options
        self._lock = threading.RLock()
        self._entries: dict[str, _Entry] = {}
        self._commit = ""
        self._changes: dict[str, dict[str, Any]] = {}

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each file once, ordered by path; reads no contents. `known` saves walking the history for unchanged files.

        Raises ConfigurationError for a ref that the repository does not have, SourceUnavailable when it does not answer.
        """
        with self._lock:
            self._list()
            entries = self._entries
            self._changes = self._last_changes(
                {e.path for uri, e in entries.items() if known.get(uri) != self._validator(uri, e)}
            )
        return (ItemRef(uri, self._validator(uri, entry), None, entry.size) for uri, entry in entries.items())

    def asks_for(self, uri: str) -> bool:
        """Whether include and exclude select a uri: what they do not is not asked for, whether it is still there or not."""
        return selected(uri, self.options.include, self.options.exclude)

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
            raise self._refused(entry.problem[0], ref.uri, entry.problem[1], "mend it in the repository, or exclude it")
        content = self._repository.blob(entry.blob, self.options.max_bytes)
        if content is None:
            what = f"{entry.size} bytes, max_bytes is {self.options.max_bytes}"
            raise self._refused("too_large", ref.uri, what, "raise max_bytes of this source, or exclude the file")
        if content.startswith(_LFS):
            what = "is kept in Git LFS, and only a pointer to it is in the repository"
            raise self._refused("lfs_pointer", ref.uri, what, "exclude it, or read a checkout with `type: files`")
        return RawItem(
            uri=ref.uri,
            content=content,
            validator=self._validator(ref.uri, entry),
            stands_for="" if entry.path == ref.uri else entry.path,
            media_type=media_type(ref.uri),
            modified=change.get("date"),
            metadata={name: value for name, value in change.items() if name != "date"},
        )

    def _excluded(self, path: str) -> bool:
        """Whether what a link leads to is excluded: then it is so by whatever link."""
        return any(matches(path, pattern) for pattern in self.options.exclude)

    @staticmethod
    def _validator(uri: str, entry: _Entry) -> str:
        """A link's names what it leads to: another target is another document, also where it holds the same bytes."""
        return _validator(entry) if entry.path == uri else f"{_validator(entry)}:{digest(entry.path)[:16]}"

    def _refused(self, reason: str, uri: str, what: str, hint: str) -> DocumentError:
        return DocumentError(reason, f"source '{self.name}': {uri}: {what}", hint=hint)

    # ── the repository ───────────────────────────────────────────────────────────────────────────────────────────

    def _list(self) -> None:
        """Fetch the ref, and read the tree that it names."""
        url = self.options.url
        if "://" not in url and not _SCP.fullmatch(url) and not os.path.exists(url):
            raise ConfigurationError(
                f"sources.{self.name}.url: {url} does not exist", hint="correct it, or mount it; nothing was changed"
            )
        commit = self._repository.fetch(url, self.options.ref, f"refs/sluice/{digest(self.options.ref)[:16]}")
        if commit != self._commit:
            listed = self._tree(commit)
            self._entries = {uri: entry for uri, entry in listed if entry.path == uri or not self._excluded(entry.path)}
            self._commit = commit

    def _tree(self, commit: str) -> Iterator[tuple[str, _Entry]]:
        files, links = dict[str, _Entry](), dict[str, str]()
        for line in self._repository.run("ls-tree", "-r", "-z", "--long", "--full-tree", commit).split(b"\0")[:-1]:
            about, _, raw = line.partition(b"\t")
            mode, kind, blob, size = about.decode().split()
            path = raw.decode("utf-8", "backslashreplace")
            if kind == "commit":
                what = "is a submodule, another repository: give it a source of its own, or exclude it"
                files[path] = _Entry(blob, None, path, ("submodule", what))
            if kind == "blob":
                files[path] = _Entry(blob, int(size), path)
            if mode == "120000":
                links[path] = blob
        folders = set[str]()
        for path in files if links else ():
            while (path := path.rpartition("/")[0]) and path not in folders:
                folders.add(path)
        for path, entry in sorted(files.items()):
            if selected(path, self.options.include, self.options.exclude):
                if path not in links:
                    yield path, entry
                elif (target := self._target(path, files, links, folders)) is not None:
                    yield path, target

    def _target(
        self, path: str, files: Mapping[str, _Entry], links: Mapping[str, str], folders: Collection[str]
    ) -> _Entry | None:
        """What a link stands for; None for a folder, whose files are listed where they are."""
        at = path
        for _ in range(_MAX_LINKS):
            link = files[at]
            said = (self._repository.blob(links[at], 4096) or b"").decode("utf-8", "backslashreplace")
            at = posixpath.normpath(posixpath.join(posixpath.dirname(at), said))
            if said.startswith("/") or at.startswith("../") or at == "..":
                return _Entry(link.blob, link.size, path, ("outside_root", "leads out of the repository"))
            if at in files and at not in links:
                return files[at]
            if at in folders or at == ".":
                return None
            if at not in files:
                break
        return _Entry(files[path].blob, files[path].size, path, ("dangling_link", "links to nothing"))

    def _last_changes(self, wanted: set[str]) -> dict[str, dict[str, Any]]:
        """Path → author, date and commit of its last change."""
        found: dict[str, dict[str, Any]] = {}
        if not wanted:
            return found
        log = ("log", "-z", "--no-renames", "-c", "--raw", "--no-abbrev", "--format=%x01%H %ct %an", self._commit)
        change: dict[str, Any] = {}
        is_path = False
        with self._repository.fields(*log) as fields:
            for field in fields:
                # After a line of modes and blobs comes a path, whatever characters it is made of; an author's name, too,
                # may hold anything but a line end and is last for that.
                if is_path:
                    path = field.decode("utf-8", "backslashreplace")
                    is_path = False
                    if path in wanted:
                        found[path] = change
                        wanted.discard(path)
                        if not wanted:
                            break
                    continue
                about = field.lstrip(b"\n")
                if about.startswith(b":"):
                    is_path = True
                elif about.startswith(b"\x01"):
                    commit, date, author = about[1:].decode("utf-8", "backslashreplace").split(" ", 2)
                    change = {"commit": commit, "author": author[:_LONGEST_AUTHOR], "date": _moment(date)}
        return found

    @cached_property
    def _repository(self) -> Repository:
        cache = self.options.cache
        if cache is None:
            cache = passing.folder("git", self)
        # One folder for one repository: another address starts afresh.
        folder = cache / (digest(without_password(self.options.url)[0])[:16] + ".git")
        return Repository(self.name, str(folder), self.options.timeout_s)


def _moment(seconds: str) -> datetime | None:
    """A commit's time; None for one that no calendar has."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _validator(entry: _Entry) -> str:
    return entry.blob if not entry.problem[0] else f"{entry.problem[0]}:{entry.blob}"
