"""Golden sets and leak cases: JSON Lines, checked line by line before anything else happens.

A line that cannot be meant stops everything with its file, line and field; fields that nobody here reads (`note`) are
left alone. Labels are resolved against documents elsewhere (`labels.py`).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from sluice.access import AccessTags
from sluice.errors import ConfigurationError
from sluice.ids import fingerprint
from sluice.jsons import bounded
from sluice.settings import Tag, validated


@dataclass(frozen=True, slots=True)
class Label:
    """A passage (quote, or character offsets [start, end) into the document's text) or a whole document that answers."""

    uri: str
    source: str | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None

    @property
    def is_passage(self) -> bool:
        """Whether the label says where in the document the answer is."""
        return self.quote is not None or self.start is not None


@dataclass(frozen=True, slots=True)
class GoldenQuery:
    """A question and what answers it; without `principal` it is asked as someone who holds every tag in the release."""

    id: str
    query: str
    relevant: tuple[Label, ...]
    slices: tuple[str, ...] = ()
    kind: str = ""
    principal: AccessTags | None = None
    synthetic: bool = False
    """Drafted from the documents, and not something that somebody asked: reported apart, in no mean of real questions."""

    @property
    def answerable(self) -> bool:
        """False for a question that says of itself that nothing here answers it (`relevant: []`)."""
        return bool(self.relevant)


@dataclass(frozen=True, slots=True)
class LeakCase:
    """A question whose answer lies in a document that this principal may not read."""

    id: str
    query: str
    principal: AccessTags
    forbidden_uri: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """The queries of a file, in its order; `fingerprint` covers what they mean, not their order or their notes."""

    path: Path
    queries: tuple[GoldenQuery, ...]
    fingerprint: str

    def of(self, *, synthetic: bool) -> GoldenSet:
        """Only the drafted questions, or only the others."""
        kept = tuple(query for query in self.queries if query.synthetic == synthetic)
        return self if len(kept) == len(self.queries) else golden_set(self.path, kept)


@dataclass(frozen=True, slots=True)
class LeakCases:
    """The cases of a file, in its order; `fingerprint` covers what they mean, not their order or their notes."""

    path: Path
    cases: tuple[LeakCase, ...]
    fingerprint: str


def load_golden(path: Path) -> GoldenSet:
    """Read a golden set; raises ConfigurationError naming the file, line and field."""
    queries = tuple(_query(line) for line in _lines(path, _QueryLine))
    return golden_set(path, queries)


def golden_set(path: Path, queries: tuple[GoldenQuery, ...]) -> GoldenSet:
    """These queries as a set, with the fingerprint of what they mean."""
    return GoldenSet(path, queries, _fingerprint("golden", [_plain(query) for query in queries]))


def load_leaks(path: Path) -> LeakCases:
    """Read leak cases; raises ConfigurationError naming the file, line and field."""
    cases = tuple(
        LeakCase(line.id, line.query, AccessTags(line.principal), line.forbidden_uri, line.source)
        for line in _lines(path, _LeakLine)
    )
    return LeakCases(path, cases, _fingerprint("leaks", [_plain(case) for case in cases]))


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    return value


Text = Annotated[str, AfterValidator(_not_blank)]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    id: Text
    query: Text

    @model_validator(mode="before")
    @classmethod
    def _keys_are_meant(cls, value: Any) -> Any:
        return _meant(cls, value)


class _LabelField(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    uri: Text
    source: Text | None = None
    quote: Text | None = None
    start: int | None = Field(default=None, ge=0)
    end: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _keys_are_meant(cls, value: Any) -> Any:
        return _meant(cls, value)

    @model_validator(mode="after")
    def _offsets_are_a_range(self) -> _LabelField:
        if (self.start is None) != (self.end is None):
            raise ValueError("'start' and 'end' come together")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError(f"'end' ({self.end}) must be larger than 'start' ({self.start})")
        return self


class _QueryLine(_Line):
    relevant: list[_LabelField]
    slice: list[Text] = []
    kind: str = ""
    principal: list[Tag] | None = None
    synthetic: bool = False


class _LeakLine(_Line):
    principal: list[Tag]
    forbidden_uri: Text
    source: Text | None = None


def _query(line: _QueryLine) -> GoldenQuery:
    return GoldenQuery(
        id=line.id,
        query=line.query,
        relevant=tuple(Label(f.uri, f.source, f.quote, f.start, f.end) for f in line.relevant),
        slices=tuple(dict.fromkeys(line.slice)),
        kind=line.kind,
        principal=None if line.principal is None else AccessTags(line.principal),
        synthetic=line.synthetic,
    )


L = TypeVar("L", bound=_Line)


def _lines(path: Path, model: type[L]) -> Iterator[L]:
    """Each non-blank line as a `model`; an id that occurs twice is an error that names both lines."""
    seen: dict[str, int] = {}
    for number, text in enumerate(_read(path).split("\n"), start=1):
        if not text.strip():
            continue
        where = f"{path}:{number}"
        line = validated(model, object_of(text, where), where=where, base=path.parent)
        if line.id in seen:
            raise ConfigurationError(
                f"{where}: id: '{line.id}' is already used on line {seen[line.id]}", hint="give each line an id of its own"
            )
        seen[line.id] = number
        yield line


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file", hint="correct the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}", hint="JSON Lines in UTF-8 is expected") from None


def object_of(text: str, where: str) -> dict[str, Any]:
    """A line's JSON object; raises ConfigurationError for what is none, or gives a key twice."""
    hint = "write one JSON object on each line"
    try:
        value = bounded(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"{where}: not valid JSON: {error.msg} at column {error.colno}", hint=hint) from None
    except ValueError as error:
        raise ConfigurationError(f"{where}: not valid JSON: {error}", hint=hint) from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where}: a JSON object is expected, this is a {type(value).__name__}", hint=hint)
    if "\\u" in text and re.search("[\ud800-\udfff]", json.dumps(value, ensure_ascii=False)):
        raise ConfigurationError(
            f"{where}: half of a character (a lone surrogate, \\ud800 to \\udfff)", hint="write the whole of it"
        )
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; ValueError for one that gives a key twice: readers differ on which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key '{twice}' is given twice")
    return found


def _meant(cls: type[BaseModel], value: Any) -> Any:
    """Raise for a key that nobody reads and that is nearly one which is read and missing: a mistyped one says nothing."""
    missing = [key for key in cls.model_fields if key not in value] if isinstance(value, Mapping) else []
    for key in value if missing else ():
        if key not in cls.model_fields and (meant := get_close_matches(str(key), missing, 1, 0.8)):
            raise ValueError(f"unknown key '{key}'; did you mean '{meant[0]}'?")
    return value


def _plain(record: GoldenQuery | LeakCase) -> dict[str, Any]:
    held = asdict(record) | {"principal": None if record.principal is None else sorted(record.principal)}
    return {name: value for name, value in held.items() if name != "synthetic" or value}  # a set without any is what it was


def _fingerprint(kind: str, rows: list[Mapping[str, Any]]) -> str:
    return fingerprint(kind, {"rows": sorted(rows, key=lambda row: str(row["id"]))})
