"""Files below a folder.

A uri is the file's POSIX path relative to the root, as it is on disk; bytes of a name that are not UTF-8 are written
as `\\xNN`. A validator is `mtime_ns:size`: an equal one means that the file is not even opened.

Symbolic links are followed inside the root only, and what they lead to is judged by its own path too: exclude and access
rules of both paths hold (`stands_for`), and a validator of a linked file names the path. A link to a file outside, a dangling
one, and a link to a folder outside (as one item) are listed, so that they are seen, and refused when fetched. Below a linked
folder, links to folders that lead back up, or that follow two links before them, are left alone: what they hold is listed
where it is.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn

from pydantic import Field

from ingest.sources.media import media_type
from sluice.errors import ConfigurationError, DocumentError, SourceUnavailable
from sluice.globs import matches, selected
from sluice.ids import digest
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath, Glob, Section

_ATTEMPTS = 5
_MAX_LINKS = 2
_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


class FilesOptions(Section):
    root: ConfigPath
    include: tuple[Glob, ...] = Field(default=("**/*",), min_length=1)
    exclude: tuple[Glob, ...] = ()
    max_bytes: int = Field(default=50_000_000, gt=0)
    own: tuple[ConfigPath, ...] = ()
    """Folders and files of Sluice's own, which are never documents; Sluice adds its state folder and the configuration."""


class FilesSource:
    """Every file below `root` that a pattern of `include` matches and none of `exclude` does; none of Sluice's own."""

    Options = FilesOptions

    def __init__(self, name: str, options: FilesOptions) -> None:
        self.name = name
        self.options = options
        self._root = os.path.realpath(options.root)
        self._own = {path for own in options.own if below(path := os.path.realpath(own), self._root) and path != self._root}

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each file once, ordered by path; reads no contents, and does not need `known`.

        Raises ConfigurationError for a root that is not there or no folder (before the first item), SourceUnavailable
        for a folder that cannot be listed: a part is never passed off as the whole.
        """
        if not os.path.isdir(self._root):
            problem = "is not a folder" if os.path.exists(self._root) else "does not exist"
            raise ConfigurationError(
                f"sources.{self.name}.root: {self.options.root} {problem}",
                hint="correct it, or mount it; nothing was changed",
            )
        return self._judged(self._folder(self._root, "", ()))

    def _judged(self, listed: Iterator[ItemRef]) -> Iterator[ItemRef]:
        """What is listed, less what a link leads to and `exclude` holds for; a linked file's validator names its target."""
        folders: dict[str, str] = {}  # one look per folder, and one per file: most have no link
        for ref in listed:
            path = _path(self._root, ref.uri)
            above = os.path.dirname(path)
            if above not in folders:
                folders[above] = os.path.realpath(above)
            target = self._target(ref.uri, path, folders[above])
            if not target:
                yield ref
            elif not any(matches(target, pattern) for pattern in self.options.exclude):
                yield replace(ref, validator=f"{ref.validator}:{digest(target)[:16]}")

    def _target(self, uri: str, path: str, folder: str) -> str:
        """The uri at which the bytes lie where this one is another way to them; `folder` is its folder's real path."""
        real = os.path.realpath(path) if os.path.islink(path) else os.path.join(folder, os.path.basename(path))
        if not below(real, self._root) or real == self._root:
            return ""
        target = "/".join(map(_decoded, os.path.relpath(real, self._root).split(os.sep)))
        return "" if target == uri else target

    def asks_for(self, uri: str) -> bool:
        """Whether include and exclude select a uri: what they do not is not asked for, whether it is still there or not."""
        return selected(uri, self.options.include, self.options.exclude)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The file's bytes, read without a change in between, and their validator.

        Raises DocumentError (`outside_root`, `dangling_link`, `gone`, `unreadable`, `not_a_file`, `too_large`), and
        SourceUnavailable where the next run may succeed.
        """
        path = _path(self._root, ref.uri)
        real = os.path.realpath(path)
        if not below(real, self._root):
            raise DocumentError(
                "outside_root",
                f"source '{self.name}': {ref.uri}: leads out of the root {self.options.root}",
                hint="copy the file into the root, or exclude the link",
            )
        if os.path.islink(path) and not os.path.exists(real):
            raise DocumentError(
                "dangling_link", f"source '{self.name}': {ref.uri}: links to nothing", hint="repair the link, or exclude it"
            )
        target = self._target(ref.uri, path, os.path.realpath(os.path.dirname(path)))
        for _ in range(_ATTEMPTS):
            content, before, after = self._read(real, ref.uri)
            if _validator(before) == _validator(after) and len(content) == after.st_size:
                return RawItem(
                    uri=ref.uri,
                    content=content,
                    validator=_validator(after) + (f":{digest(target)[:16]}" if target else ""),
                    stands_for=target,
                    media_type=media_type(ref.uri),
                    modified=_modified(after),
                )
        raise SourceUnavailable(
            f"source '{self.name}': {ref.uri}: changed while it was read, {_ATTEMPTS} times", hint="run again when it is written"
        )

    def _read(self, real: str, uri: str) -> tuple[bytes, os.stat_result, os.stat_result]:
        try:
            # Not blocking: opening a pipe would wait for its other end for ever.
            descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                before = os.fstat(descriptor)
                if not stat.S_ISREG(before.st_mode):
                    raise DocumentError("not_a_file", f"source '{self.name}': {uri}: is no regular file", hint="exclude it")
                if before.st_size > self.options.max_bytes:
                    raise DocumentError(
                        "too_large",
                        f"source '{self.name}': {uri}: {before.st_size} bytes, max_bytes is {self.options.max_bytes}",
                        hint="raise max_bytes of this source, or exclude the file",
                    )
                return file.read(self.options.max_bytes + 1), before, os.fstat(descriptor)
        except OSError as error:
            self._refuse(uri, error)

    def _refuse(self, uri: str, error: OSError) -> NoReturn:
        what = f"source '{self.name}': {uri}: {error.strerror or error}"
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP) and os.path.isdir(self._root):
            raise DocumentError("gone", what, hint="run again: a new scan will not list it") from None
        if error.errno == errno.ENAMETOOLONG:
            raise DocumentError(
                "too_deep",
                f"source '{self.name}': {uri}: its path is longer than the system allows",
                hint="move it up, or exclude it",
            ) from None
        if error.errno in (errno.ENXIO, errno.ENODEV, errno.EISDIR):
            raise DocumentError("not_a_file", f"source '{self.name}': {uri}: is no regular file", hint="exclude it") from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise DocumentError("unreadable", what, hint="let the user that runs Sluice read it, or exclude it") from None
        raise SourceUnavailable(what, hint="is the file system mounted and healthy?") from error

    def _folder(self, path: str, prefix: str, links: tuple[str, ...]) -> Iterator[ItemRef]:
        """Everything below a folder, ordered by path; without recursion, since folders nest as deep as anyone likes."""
        open_ = [self._entries(path, prefix, links)]
        while open_:
            found = next(open_[-1], None)
            if found is None:
                open_.pop()
            elif isinstance(found, ItemRef):
                yield found
            else:
                open_.append(self._entries(*found))

    def _entries(self, path: str, prefix: str, links: tuple[str, ...]) -> Iterator[ItemRef | tuple[str, str, tuple[str, ...]]]:
        """The items of one folder, and the folders in it that are to be listed (path, prefix, links followed)."""
        try:
            with os.scandir(path) as listing:
                entries = sorted(listing, key=_name)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR) and prefix and os.path.isdir(self._root):
                return  # taken away since its parent was listed
            if error.errno == errno.ENAMETOOLONG and prefix:
                yield ItemRef(prefix.rstrip("/"), "too_deep")
                return
            raise SourceUnavailable(
                f"source '{self.name}': {path}: cannot be listed: {error.strerror or error}",
                hint="make it readable, or exclude it as 'folder/**'",
            ) from error
        for entry in entries:
            uri = prefix + _decoded(entry.name)
            if self._own and self._is_own(entry.path):
                continue
            try:
                if entry.is_symlink():
                    yield from self._link(entry, uri, links)
                elif entry.is_dir(follow_symlinks=False):
                    if not self._pruned(uri):
                        yield entry.path, uri + "/", links
                elif self._selected(uri):  # pipes and devices too: that they are no files is said when they are fetched
                    yield _ref(uri, entry.stat(follow_symlinks=False))
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG and self._selected(uri):
                    yield ItemRef(uri, "too_deep")
                elif error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
                    raise SourceUnavailable(
                        f"source '{self.name}': {entry.path}: {error.strerror or error}", hint="is the file system healthy?"
                    ) from error

    def _link(
        self, entry: os.DirEntry[str], uri: str, links: tuple[str, ...]
    ) -> Iterator[ItemRef | tuple[str, str, tuple[str, ...]]]:
        real = os.path.realpath(entry.path)
        if below(real, self._root) and os.path.isdir(real):
            leads_up = below(os.path.realpath(os.path.dirname(entry.path)), real)
            if len(links) < _MAX_LINKS and not leads_up and real not in links and not self._pruned(uri):
                yield real, uri + "/", (*links, real)
        elif self._selected(uri):
            # A target outside the root is not even looked at: the link's own times stand for it.
            yield _ref(uri, entry.stat(follow_symlinks=below(real, self._root) and os.path.isfile(real)))

    def _is_own(self, path: str) -> bool:
        """Whether this is of Sluice's own, or a link to something of it: logs, reports and stores hold everybody's texts."""
        real = os.path.realpath(path)
        return any(below(real, own) for own in self._own)

    def _selected(self, uri: str) -> bool:
        return selected(uri, self.options.include, self.options.exclude)

    def _pruned(self, folder: str) -> bool:
        """Whether everything below a folder is excluded, so that it need not be listed (nor be readable)."""
        return any(matches(folder, pattern[:-3]) for pattern in self.options.exclude if pattern.endswith("/**"))


def _ref(uri: str, at: os.stat_result) -> ItemRef:
    return ItemRef(uri, _validator(at), _modified(at), at.st_size)


def _validator(at: os.stat_result) -> str:
    return f"{at.st_mtime_ns}:{at.st_size}"


def _modified(at: os.stat_result) -> datetime | None:
    try:
        return datetime.fromtimestamp(at.st_mtime_ns // 1_000_000_000, UTC)
    except (OverflowError, ValueError, OSError):  # a clock far off; the validator still holds it exactly
        return None


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _decoded(name: str) -> str:
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def _path(root: str, uri: str) -> str:
    """Where a uri lies: literally, else with the bytes that its escapes stand for."""
    name = uri if uri.isascii() else os.fsdecode(uri.encode("utf-8", "surrogateescape"))  # whatever the locale's encoding is
    literal = os.path.join(root, *name.split("/"))
    if "\\x" not in uri or os.path.lexists(literal):
        return literal
    raw = _ESCAPED.sub(lambda found: bytes([int(found.group(1), 16)]), uri.encode("utf-8"))
    return os.path.join(root, *os.fsdecode(raw).split("/"))


def below(path: str, folder: str) -> bool:
    """Whether a real path is a folder, or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
