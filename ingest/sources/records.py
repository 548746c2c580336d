"""Records of JSON Lines and CSV exports, one document each.

A line that cannot be read fails alone, as an item of its own. A file whose last line is cut off is an export that is still
being written: it is refused as a whole, or the records that are missing would be taken for deleted.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TextIO

from pydantic import Field

from ingest.sources import once_selected
from ingest.sources.rows import RowOptions, Rows
from ingest.sources.snapshot import Listed, Snapshot
from sluice.display import counted
from sluice.errors import ConfigurationError, DocumentError, SluiceError, SourceUnavailable
from sluice.globs import selected
from sluice.jsons import doubled, loads
from sluice.records import ItemRef, RawItem
from sluice.settings import ConfigPath, Glob
from sluice.tables import rows_of

_CSV = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark starts with theirs
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDECODABLE = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of bytes that do not fit
_LONGEST_HEADING = 1_000_000
_LONGEST_RECORD = 131_072
"""A record of a CSV may be so long as it is written, in characters, however small `max_bytes` is."""
_HINT = "correct the line, or export it again"


class RecordsOptions(RowOptions):
    path: ConfigPath
    """A file, or a folder of files."""
    include: tuple[Glob, ...] = Field(default=("**/*.jsonl", "**/*.ndjson", "**/*.csv", "**/*.tsv"), min_length=1)
    exclude: tuple[Glob, ...] = ()
    format: Literal["auto", "jsonl", "csv"] = "auto"
    """`auto` goes by the file's extension: .csv and .tsv (by tabs) have a heading line, everything else is JSON Lines."""
    delimiter: str | None = None
    encoding: str = "utf-8-sig"
    cache: ConfigPath | None = None


class RecordsSource:
    """Every record of one export, or of all exports below a folder. A uri is `<name>/<key>`."""

    Options = RecordsOptions

    def __init__(self, name: str, options: RecordsOptions) -> None:
        self.name = name
        self.options = options
        self._rows = Rows(name, options, name)
        self._needed = frozenset(options.columns())
        self._snapshot = Snapshot(name, self._read)
        self._passed_over: list[Path] = []
        """Files that were selected once, and are not by the include and exclude of now."""
        self._unasked: frozenset[str] | None = None

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        """Each record once. Raises ConfigurationError for a path that is not there, SourceUnavailable for a file that
        cannot be read to its end."""
        return self._snapshot.scan(known)

    def fetch(self, ref: ItemRef) -> RawItem:
        """The record as it was listed; raises DocumentError (`malformed_record`, `no_key`, `duplicate_key`, `bad_tags`,
        `too_large`, `gone`)."""
        return self._snapshot.fetch(ref)

    def asks_for(self, uri: str) -> bool:
        """Whether include and exclude still select the file of a record that is not listed: one that was selected in an
        earlier scan, is there, and holds it. Such files are read when the first of their records is asked about."""
        if self._unasked is None:
            self._unasked = frozenset(uri for file in self._passed_over for uri in self._uris(file))
        return uri not in self._unasked

    def _uris(self, file: Path) -> set[str]:
        found = set[str]()
        with suppress(OSError, UnicodeError, LookupError, SluiceError):  # what cannot be read proves nothing
            found.update(item.ref.uri for item in self._records(file))
        return found

    def _read(self, known: Mapping[str, str]) -> Iterator[Listed]:
        seen: dict[str, str] = {}
        for file in self._files():
            try:
                for item in self._records(file):
                    yield self._once(item, seen)
            except (OSError, UnicodeError, LookupError) as error:
                raise SourceUnavailable(
                    f"source '{self.name}': {file}: cannot be read to its end: {error}",
                    hint=f"is it readable, and is its encoding '{self.options.encoding}'?",
                ) from error

    def _once(self, item: Listed, seen: dict[str, str]) -> Listed:
        """Two records with one key: neither can be trusted to be the right one."""
        uri, validator = item.ref.uri, item.ref.validator
        if seen.setdefault(uri, validator) == validator:
            return item
        seen[uri] = f"{seen[uri]}+{validator}"[-200:]
        what = f"source '{self.name}': {uri}: several records have this key, with different content"
        hint = "name the fields that tell records apart: key: [id, language], or export each once"
        withdraws = self.options.tags is not None  # by which permissions would the version before stay?
        failed = DocumentError("duplicate_key", what, hint=hint, withdraws=withdraws)
        return Listed(ItemRef(uri, f"duplicate:{seen[uri]}"), failed)

    def _files(self) -> list[Path]:
        path, o = self.options.path, self.options
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise ConfigurationError(
                f"sources.{self.name}.path: {path} does not exist", hint="correct it, or mount it; nothing was changed"
            )
        walked = (Path(folder, name) for folder, _, names in os.walk(path, onerror=self._unlisted) for name in names)
        found = {file.relative_to(path).as_posix(): file for file in walked}
        chosen = {name: file for name, file in found.items() if selected(name, o.include, o.exclude)}
        once = once_selected.remember(o.cache, chosen, found)
        self._passed_over = [file for name, file in sorted(found.items()) if name in once and name not in chosen]
        self._unasked = None
        return sorted(chosen.values())

    def _unlisted(self, error: OSError) -> None:
        raise SourceUnavailable(f"source '{self.name}': {error}", hint="make the folder readable") from error

    def _records(self, file: Path) -> Iterator[Listed]:
        delimiter = self.options.delimiter or _CSV.get(file.suffix.lower())
        kind = self.options.format if self.options.format != "auto" else ("csv" if delimiter else "jsonl")
        # Text in a CSV has line ends of its own: they are left as they are.
        newline = "" if kind == "csv" else None
        with open(file, encoding=self._encoding(file), errors="surrogateescape", newline=newline) as lines:
            if kind == "csv":
                yield from self._csv(file.name, lines, delimiter or ",")
            else:
                yield from self._jsonl(file.name, lines)

    def _encoding(self, file: Path) -> str:
        """What the file's mark says, else UTF-16 where every other byte is zero, else as configured."""
        with open(file, "rb") as start:
            head = start.read(4)
        for mark, encoding in _MARKS:
            if head.startswith(mark):
                return encoding
        return {(False, True): "utf-16-le", (True, False): "utf-16-be"}.get(
            (head[:1] == b"\0", head[1:2] == b"\0") if len(head) > 1 else (False, False), self.options.encoding
        )

    def _jsonl(self, name: str, lines: Iterator[str]) -> Iterator[Listed]:
        for number, line in enumerate(self._bounded(lines), start=1):
            if not line.strip():
                continue
            where = f"{name}, line {number}"
            if _UNDECODABLE.search(line):
                self._ends_whole(line, where)
                yield self._undecodable(line, where)
                continue
            try:
                row = loads(line)
            except ValueError as error:
                self._ends_whole(line, where)
                yield self._rows.broken(line, where, "malformed_record", f"is no JSON that can be read: {error}", _HINT)
                continue
            if isinstance(row, dict) and (twice := doubled(row)):
                yield self._rows.doubled(row, line, where, twice)
            elif isinstance(row, dict):
                yield self._rows.listed(row, where)
            else:
                yield self._rows.broken(line, where, "malformed_record", f"is a {type(row).__name__}, no object", _HINT)

    def _ends_whole(self, line: str, where: str) -> None:
        """Raise for a last line that cannot be read and that no line end follows: what is still to be written is not deleted."""
        if not line.endswith(("\n", "\r")):
            raise SourceUnavailable(
                f"source '{self.name}': {where}: the file ends within a record",
                hint="run again when the export is complete; if it is, correct its last line, and end it",
            )

    def _undecodable(self, raw: str, where: str) -> Listed:
        what = f"is not in the encoding '{self.options.encoding}'"
        return self._rows.broken(raw, where, "malformed_record", what, "name the right one as 'encoding', or export it again")

    def _bounded(self, lines: Any) -> Iterator[str]:
        """Lines; of one that is longer than `max_bytes`, only its beginning (which then does not parse)."""
        limit = self.options.max_bytes
        while line := lines.readline(limit):
            yield line if len(line) < limit or line.endswith("\n") else line + "\n"
            while len(line) >= limit and not line.endswith("\n"):
                line = lines.readline(limit)

    def _csv(self, name: str, lines: TextIO, delimiter: str) -> Iterator[Listed]:
        first = lines.readline(_LONGEST_HEADING)
        lines.seek(0)
        if self.options.delimiter is None:
            delimiter = _other_delimiter(first, delimiter, self._needed) or delimiter
        physical = _Lines(lines, max(_LONGEST_RECORD, self.options.max_bytes))
        reader = rows_of(physical, delimiter=delimiter, strict=True)
        try:
            heading = next(reader, [])
        except csv.Error as error:
            raise SourceUnavailable(
                f"source '{self.name}': {name}: its heading cannot be read: {error}",
                hint="name the right 'delimiter', or mend it",
            ) from error
        if heading:
            self._ends_whole(physical.last, f"{name}, line 1")
        if heading and (missing := [path for path in self.options.key if not {path, _column(path)} & {*heading}]):
            raise ConfigurationError(
                f"source '{self.name}': {name}: its heading has no column {', '.join(missing[:5])}; it has "
                f"{', '.join(heading[:20])}",
                hint="correct 'key' or 'delimiter', or exclude the file",
            )
        if twice := [column for column, times in Counter(heading).items() if times > 1 and column in self._needed]:
            raise ConfigurationError(
                f"source '{self.name}': {name}: several columns have the name {', '.join(twice[:5])}", hint="name each once"
            )
        while True:
            number = physical.begun()
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "end of data" in str(error):
                    raise SourceUnavailable(
                        f"source '{self.name}': {name}, line {number}: the file ends within quotes",
                        hint="run again when the export is complete; if it is, close the quotes",
                    ) from error
                self._ends_whole(physical.last, f"{name}, line {number}")
                yield self._rows.broken(str(number), f"{name}, line {number}", "malformed_record", str(error), _HINT)
                continue
            if len(values) != len(heading) or any(map(_UNDECODABLE.search, values)):
                self._ends_whole(physical.last, f"{name}, line {number}")
            if any(map(_UNDECODABLE.search, values)):
                yield self._undecodable(delimiter.join(values), f"{name}, line {number}")
            elif len(values) == len(heading):
                yield self._rows.listed(dict(zip(heading, values, strict=True)), f"{name}, line {number}")
            elif values:
                what = f"has {counted(len(values), 'field')}, the heading has {len(heading)}"
                raw = delimiter.join(itertools.islice(values, 1000))
                yield self._rows.broken(raw, f"{name}, line {number}", "malformed_record", what, _HINT)


def _column(path: str) -> str:
    """The column that a path begins with."""
    return re.split(r"[.\[]", path.removeprefix("$."), maxsplit=1)[0]


class _Lines:
    """Lines, and the last of them that was given; raises csv.Error where one record takes more than `most` characters."""

    def __init__(self, lines: TextIO, most: int) -> None:
        self._lines, self._most = lines, most
        self._number = self._taken = 0
        self.last = ""

    def begun(self) -> int:
        """The number of the line on which the next record begins."""
        self._taken = 0
        return self._number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._lines.readline(self._most)
        if not line:
            raise StopIteration
        self._number += 1
        self.last = line
        self._taken += len(line)
        if self._taken < self._most:
            return line
        while not self.last.endswith(("\r", "\n")) and (more := self._lines.readline(self._most)):
            self.last = more
        raise csv.Error(f"the record is larger than {self._most} characters")


def _other_delimiter(heading: str, usual: str, needed: frozenset[str]) -> str:
    """The delimiter of a heading whose columns the usual one does not set apart; "" where there is none."""
    found = {d: len(needed & {part.strip().strip('"') for part in heading.split(d)}) for d in (usual, *",;\t|")}
    best = max(found, key=lambda d: found[d])
    return best if found[best] > found[usual] else ""
