"""Appointments (iCalendar, RFC 5545): what, when, where, who, and the description."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.blocks import html_blocks
from ingest.elements import Piece, clean
from ingest.readers.base import Reading, text_of
from ingest.readers.plain import plain_pieces

_COMPONENTS = frozenset(("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"))
_LINE = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;[^\":;]*(?:\"[^\"]*\"[^\":;]*)*)*):(.*)", re.DOTALL)
_FOLD = re.compile(r"\r?\n[ \t]")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LABELS = {
    "DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration", "RRULE": "Repeats", "LOCATION": "Location",
    "ORGANIZER": "Organizer", "ATTENDEE": "Attendee", "STATUS": "Status", "CONTACT": "Contact", "RESOURCES": "Resources",
    "CATEGORIES": "Categories", "COMMENT": "Comment", "URL": "URL", "CONFERENCE": "Conference",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    parameters: dict[str, str]
    value: str


def calendar(content: bytes, uri: str, label: str = "") -> Reading:
    found = text_of(content, uri, label=label)
    return Reading(calendar_pieces(found.text), losses=found.losses, guess=found.guess)


def calendar_pieces(text: str, already: str = "") -> list[Piece]:
    """A heading, lines and the description of each appointment; a description whose words `already` has is left out."""
    found: list[Piece] = []
    fields: list[_Field] | None = None
    inner = 0  # within an alarm, whose text is the appointment's again
    for field in _fields(text):
        kind = field.value.strip().upper()
        if field.name == "BEGIN":
            if kind in _COMPONENTS and fields is None:
                fields = []
            elif fields is not None:
                inner += 1
        elif field.name == "END" and inner:
            inner -= 1
        elif field.name == "END" and fields is not None:
            found += _appointment(fields, already)
            fields = None
        elif fields is not None and not inner:
            fields.append(field)
    return found + (_appointment(fields, already) if fields else [])


def _appointment(fields: list[_Field], already: str) -> list[Piece]:
    titles = [" ".join(clean(_plain(field)).split()) for field in fields if field.name == "SUMMARY"]
    found = [Piece("title", title) for title in titles if title]
    lines = [f"{label}: {shown}" for label, field in _labelled(fields) if (shown := _shown(field))]
    if lines:
        found.append(Piece("text", clean("\n".join(lines))))
    described = [_plain(field) for field in fields if field.name == "DESCRIPTION"]
    if not any(text.strip() for text in described):
        return found + [p for f in fields if f.name == "X-ALT-DESC" for p in html_blocks(_plain(f))[0]]
    known = set(already.split())
    return found + [p for text in described if not known or set(text.split()) - known for p in plain_pieces(text, headings=False)]


def _labelled(fields: list[_Field]) -> Iterator[tuple[str, _Field]]:
    for name, label in _LABELS.items():
        for field in fields:
            if field.name == name:
                yield label, field


def _shown(field: _Field) -> str:
    value = " ".join(_plain(field).split())
    if field.name in ("DTSTART", "DTEND", "DUE") and (at := _MOMENT.match(value)):
        year, month, day, hour, minute, utc = at.groups()
        zone = " UTC" if utc else f" {field.parameters['TZID']}" if "TZID" in field.parameters else ""
        return f"{year}-{month}-{day}" + (f" {hour}:{minute}{zone}" if hour else "")
    if field.name in ("ORGANIZER", "ATTENDEE"):
        address = re.sub(r"^mailto:", "", value, flags=re.IGNORECASE)
        name = field.parameters.get("CN", "")
        return f"{name} <{address}>" if name and name != address else address
    return value


def _fields(text: str) -> Iterator[_Field]:
    for line in _FOLD.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n"):
        if (match := _LINE.fullmatch(line)) is None:
            continue
        parameters = (p.partition("=") for p in re.findall(r";((?:[^\";]|\"[^\"]*\")*)", match.group(2)))
        yield _Field(match.group(1).upper(), {n.upper(): v.replace('"', "") for n, _, v in parameters}, match.group(3))


def _plain(field: _Field) -> str:
    value = field.value
    if field.parameters.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":  # vCalendar 1.0
        value = quopri.decodestring(value.encode("utf-8", "replace")).decode("utf-8", "replace")
    return _ESCAPE.sub(lambda found: "\n" if found.group(1) in "nN" else found.group(1), value)
