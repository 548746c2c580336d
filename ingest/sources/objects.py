"""Objects below a URL that fsspec understands: S3, GCS, Azure, SFTP, memory and others.

A uri is the object's path relative to the URL. The validator is what the store itself compares by (an etag, a checksum,
a generation); where it has none, the time of the last change and the size. Nothing but the listing is read of an object
whose validator is known.
"""

from __future__ import annotations

import importlib
import mimetypes
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from ingest.sources.files import below
from sluice.errors import ConfigurationError, DocumentError, SluiceError, SourceUnavailable
from sluice.globs import selected
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath, Glob, Section

_ATTEMPTS = 3
_FORBIDDEN = re.compile(
    r"credential|access.?denied|forbidden|unauthori[sz]ed|signature|InvalidAccessKey|\b40[13]\b", re.IGNORECASE
)
_FLAT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl"})
"""Stores without folders: listed in pages of keys, whatever their slashes; a prefix without keys is simply empty."""
_NO_VALIDATOR = "no_validator"
_LOCAL = frozenset({"file", "local"})
_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "content_md5", "md5", "sha", "checksum", "version")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "modify", "created", "date_time")
_TYPES = mimetypes.MimeTypes(filenames=())  # Python's own table: the same on every machine
_TYPES.add_type("text/markdown", ".md")


class ObjectsOptions(Section):
    url: str
    """Where the objects lie: `s3://bucket/prefix`, `gs://…`, `abfs://…`, `sftp://host/path`, `memory://…`."""
    storage: Mapping[str, Any] = Field(default_factory=dict, repr=False)
    """What the file system is made with: keys, endpoints (fsspec's `storage_options`); secrets as ${NAME}."""
    include: tuple[Glob, ...] = Field(default=("**/*",), min_length=1)
    exclude: tuple[Glob, ...] = ()
    max_bytes: int = Field(default=50_000_000, gt=0)
    own: tuple[ConfigPath, ...] = ()
    """Folders and files of Sluice's own, which are never documents; Sluice adds its state folder and the configuration."""


class ObjectsSource:
    """Every object below `url` that a pattern of `include` matches and none of `exclude` does."""

    Options = ObjectsOptions

    def __init__(self, name: str, options: ObjectsOptions) -> None:
        self.name = name
        self.options = options
        self._own = [os.path.realpath(own) for own in options.own]
        self._protocol = urlsplit(options.url.rpartition("::")[2]).scheme or "file"

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each object once; reads no contents, and does not need `known`.

        Raises ConfigurationError for a folder or bucket that is not there or a file system that is not installed,
        SourceUnavailable for anything that does not answer, before the first item: a part is never the whole.
        """
        listing = sorted(self._listing().items())
        refs = [self._ref(uri, info) for uri, info in listing]
        if refs and all(ref.validator == _NO_VALIDATOR for ref in refs):
            raise ConfigurationError(
                f"source '{self.name}': {self._protocol}:// gives neither an etag nor a time of change, as for {refs[0].uri}",
                hint="without one a change cannot be seen: copy the objects to a store that has them",
            )
        return iter(refs)

    def asks_for(self, uri: str) -> bool:
        """Whether include and exclude select a uri: what they do not is not asked for, whether it is still there or not."""
        return selected(uri, self.options.include, self.options.exclude)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The object's bytes, read without a change in between, and their validator.

        Raises DocumentError (`gone`, `unreadable`, `too_large`, `outside_root`), and SourceUnavailable.
        """
        path = self._root + "/" + ref.uri
        if ref.validator == _NO_VALIDATOR:
            what = "the store gives neither an etag nor a time of change for it"
            raise self._refused("no_validator", ref.uri, what, "write it anew, or exclude it: a change could not be seen")
        for _ in range(_ATTEMPTS):
            before = self._info(path, ref.uri)
            if (before.get("size") or 0) > self.options.max_bytes:
                raise self._refused(
                    "too_large",
                    ref.uri,
                    f"{before['size']} bytes, max_bytes is {self.options.max_bytes}",
                    "raise max_bytes of this source, or exclude the object",
                )
            try:
                content: bytes = self._files.cat_file(path)
            except FileNotFoundError:
                continue
            except Exception as error:
                raise self._failed(ref.uri, error) from error
            found = self._ref(ref.uri, self._info(path, ref.uri))
            if found.validator == self._ref(ref.uri, before).validator and found.size in (None, len(content)):
                stated = before.get("ContentType") or before.get("contentType") or before.get("content_type")
                return RawItem(
                    uri=ref.uri,
                    content=content,
                    validator=found.validator,
                    media_type=_TYPES.guess_type(ref.uri)[0] or (str(stated) if stated else None),
                    modified=found.modified,
                )
        raise SourceUnavailable(
            f"source '{self.name}': {ref.uri}: changed while it was read, {_ATTEMPTS} times", hint="run again when it is written"
        )

    # ── the file system ──────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _files(self) -> Any:
        fsspec = importlib.import_module("fsspec")
        if self._protocol in ("http", "https"):
            raise ConfigurationError(
                f"sources.{self.name}.url: a web server has no listing", hint="use type: web, feed or rest for it"
            )
        try:
            files, _ = fsspec.core.url_to_fs(
                self.options.url, use_listings_cache=False, skip_instance_cache=True, **self.options.storage
            )
        except (ImportError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"sources.{self.name}.url: {self._protocol}:// cannot be opened: {self._said(error)}",
                hint="install what the message names (s3: pip install s3fs; gs: gcsfs; abfs: adlfs; sftp: paramiko)",
            ) from None
        return files

    @cached_property
    def _root(self) -> str:
        root = str(self._files._strip_protocol(self.options.url.rpartition("::")[2])).rstrip("/")
        return os.path.realpath(root) if self._protocol in _LOCAL else root

    def _listing(self) -> dict[str, dict[str, Any]]:
        """uri → what the store says about it."""
        try:
            self._files.invalidate_cache()
            if self._protocol in _FLAT:
                found = self._files.find(self._root, detail=True)
                if not found and not self._files.exists(self._root.split("/")[0]):
                    raise FileNotFoundError(self._root)
            else:
                found = self._walked()
        except SluiceError:
            raise
        except FileNotFoundError:
            raise ConfigurationError(
                f"sources.{self.name}.url: {self.options.url.rpartition('@')[2]} does not exist",
                hint="correct it; nothing was changed",
            ) from None
        except Exception as error:  # each file system has its own tree of errors
            raise self._failed("the listing", error) from error
        prefix = self._root + "/"
        listed = {str(path).removeprefix(prefix): info for path, info in found.items() if str(path).startswith(prefix)}
        if self._protocol in ("file", "local"):
            real = {uri: os.path.realpath(prefix + uri) for uri in listed}
            listed = {uri: info for uri, info in listed.items() if not any(below(real[uri], own) for own in self._own)}
        return {
            uri: info
            for uri, info in listed.items()
            if uri and not uri.endswith("/") and selected(uri, self.options.include, self.options.exclude)
        }

    def _walked(self) -> dict[str, Any]:
        """Every file, folder by folder: fsspec's own `find` would leave out in silence a folder that it cannot list."""
        found: dict[str, Any] = {}
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            for info in self._files.ls(folder, detail=True):
                path = str(info["name"]).rstrip("/")
                if path == folder:
                    if info["type"] != "directory":
                        raise FileNotFoundError(folder)
                elif info["type"] == "directory" and not info.get("islink"):
                    waiting.append(path)
                else:
                    found[path] = info
        return found

    def _info(self, path: str, uri: str) -> dict[str, Any]:
        if self._protocol in _LOCAL and os.path.realpath(path) != path:
            raise self._refused("outside_root", uri, "is reached through a symbolic link", "use type: files, which follows them")
        try:
            info: dict[str, Any] = self._files.info(path)
        except (FileNotFoundError, NotADirectoryError):
            raise self._refused("gone", uri, "is not there", "run again: a new scan will not list it") from None
        except PermissionError as error:
            raise self._refused("unreadable", uri, self._said(error), "let this user read it, or exclude it") from None
        except Exception as error:
            raise self._failed(uri, error) from error
        if info.get("type") == "directory":
            raise self._refused("gone", uri, "is a folder now", "run again: a new scan will not list it")
        return info

    def _ref(self, uri: str, info: Mapping[str, Any]) -> ItemRef:
        version = next((info[name] for name in _VERSIONS if info.get(name)), None)
        changed = next((info[name] for name in _TIMES if info.get(name) is not None), None)
        size = info["size"] if isinstance(info.get("size"), int) else None
        if version is None and changed is None:
            return ItemRef(uri, _NO_VALIDATOR)
        if isinstance(changed, datetime):  # some file systems say it differently in a listing and of one object
            changed = changed.timestamp()
        return ItemRef(uri, str(version) if version is not None else f"{changed}:{size}", _moment(changed), size)

    def _failed(self, what: str, error: Exception) -> SourceUnavailable:
        return SourceUnavailable(
            f"source '{self.name}': {what}: {self._said(error)}",
            hint=f"do the credentials in sources.{self.name}.storage hold, and may they read this?"
            if _forbidden(error)
            else f"is the store reachable, and is sources.{self.name}.url right?",
        )

    def _refused(self, reason: str, uri: str, what: str, hint: str) -> DocumentError:
        return DocumentError(reason, f"source '{self.name}': {uri}: {what}", hint=hint)

    def _said(self, error: Exception) -> str:
        """What went wrong, on one line, without a value that was given to the file system."""
        said = " ".join(str(error).split())[:300] or type(error).__name__
        for value in map(str, self.options.storage.values()):
            said = said.replace(value, "***") if len(value) > 3 else said
        user, at, _ = urlsplit(self.options.url).netloc.rpartition("@")
        return said.replace(user, "***") if at else said


def _forbidden(error: BaseException | None) -> bool:
    """Whether a store says that a credential is missing, wrong, or of somebody who may not."""
    return isinstance(error, PermissionError) or bool(_FORBIDDEN.search(str(error)))


def _moment(value: Any) -> datetime | None:
    """A time of change as aware UTC, to the second; None for what is none."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, int | float):
            value = datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    if not isinstance(value, datetime):
        return None
    return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).replace(microsecond=0)
