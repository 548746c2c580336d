"""Appointments (iCalendar, RFC 5545): what, when, where, who, and the description; and contacts (vCard, RFC 6350)."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ingest.blocks import html_blocks
from ingest.elements import Piece, clean
from ingest.front_keys import permission
from ingest.properties import STATED
from ingest.readers.base import Reading, text_of
from ingest.readers.plain import plain_pieces

_COMPONENTS = frozenset(("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VCARD"))
_LINE = re.compile(r"(?:[\w-]+\.)?([\w-]+)((?:;[^\":;]*(?:\"[^\"]*\"[^\":;]*)*)*):(.*)", re.DOTALL)
_FOLD = re.compile(rb"(?:\r\n|\r|\n)[ \t]")
_FOLDED = re.compile(_FOLD.pattern.decode())
_LINE_END = re.compile(r"\r\n|\r|\n")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OF_THE_CALENDAR = frozenset(("NAME", "X-WR-CALNAME", "DESCRIPTION", "X-WR-CALDESC"))
_RICH = frozenset(("X-ALT-DESC", "STYLED-DESCRIPTION"))
_LABELS = {
    "DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration", "RRULE": "Repeats", "LOCATION": "Location",
    "ORGANIZER": "Organizer", "ATTENDEE": "Attendee", "STATUS": "Status", "CONTACT": "Contact", "RESOURCES": "Resources",
    "CATEGORIES": "Categories", "COMMENT": "Comment", "URL": "URL", "CONFERENCE": "Conference",
}  # fmt: skip
_OF_CONTACTS = {
    "NICKNAME": "Nickname", "ORG": "Organization", "TITLE": "Title", "ROLE": "Role", "TEL": "Phone", "EMAIL": "E-mail",
    "ADR": "Address", "URL": "URL", "BDAY": "Birthday",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    parameters: dict[str, str]
    value: str


def calendar(content: bytes, uri: str, label: str = "") -> Reading:
    found = text_of(unfolded(content), uri, label=label)
    stated = permission(field.name for field in _fields(found.text))
    about = {STATED: stated} if stated else {}
    return Reading(calendar_pieces(found.text), about, losses=found.losses, guess=found.guess)


def unfolded(content: bytes) -> bytes:
    """Bytes whose long lines are whole again: some programs fold within a letter of several bytes (RFC 5545, 3.1)."""
    return content if b"\0" in content[:200] else _FOLD.sub(b"", content)


def calendar_pieces(text: str, already: str = "") -> list[Piece]:
    """The calendar's name; a heading, lines and the description of each appointment, but a description that `already` has."""
    found: list[Piece] = []
    fields: list[_Field] | None = None
    is_card = False
    inner = 0  # within an alarm, whose text is the appointment's again
    for field in _fields(text):
        kind = field.value.partition("\n")[0].strip().upper()
        if field.name == "BEGIN":
            if kind in _COMPONENTS and fields is None:
                fields, is_card = [], kind == "VCARD"
            elif fields is not None:
                inner += 1
        elif field.name == "END" and inner:
            inner -= 1
        elif field.name == "END" and fields is not None:
            found += _contact(fields) if is_card else _appointment(fields, already)
            fields = None
        elif fields is not None and not inner:
            fields.append(field)
        elif fields is None and field.name in _OF_THE_CALENDAR and (said := " ".join(clean(_plain(field)).split())):
            kind_of_piece = "title" if "NAME" in field.name else "text"
            found += [piece for piece in [Piece(kind_of_piece, said)] if piece not in found]
    return found + ((_contact(fields) if is_card else _appointment(fields, already)) if fields else [])


def _contact(fields: list[_Field]) -> list[Piece]:
    """A person or a company: its name, how to reach it, notes."""
    names = [said for wanted in ("FN", "N", "ORG") for field in fields if field.name == wanted and (said := _parts(field))]
    lines = [
        f"{label}: {said}"
        for name, label in _OF_CONTACTS.items()
        for field in fields
        if field.name == name and (said := _parts(field))
    ]
    notes = [_plain(field) for field in fields if field.name == "NOTE"]
    found = [Piece("title", names[0])] if names else []
    return (
        found
        + ([Piece("text", clean("\n".join(lines)))] if lines else [])
        + [p for n in notes for p in plain_pieces(n, headings=False)]
    )


def _parts(field: _Field) -> str:
    """A field of several parts (`ADR:;;Street;City`) as one line."""
    parts = (replace(field, value=part) for part in re.split(r"(?<!\\);", field.value))
    return ", ".join(filter(None, (" ".join(clean(_plain(part)).split()) for part in parts)))


def _appointment(fields: list[_Field], already: str) -> list[Piece]:
    titles = [" ".join(clean(_plain(field)).split()) for field in fields if field.name == "SUMMARY"]
    found = [Piece("title", title) for title in titles if title]
    lines = [f"{label}: {shown}" for label, field in _labelled(fields) if (shown := _shown(field))]
    if lines:
        found.append(Piece("text", clean("\n".join(lines))))
    described = [_plain(field) for field in fields if field.name == "DESCRIPTION"]
    if not any(text.strip() for text in described):
        return found + [p for f in fields if f.name in _RICH for p in html_blocks(_plain(f))[0]]
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
    at: re.Match[str] | None = None
    value: list[str] = []
    for line in _LINE_END.split(_FOLDED.sub("", text)):
        soft = at is not None and value[-1].endswith("=") and "QUOTED-PRINTABLE" in at.group(2).upper()  # vCalendar 1.0
        match = None if soft else _LINE.fullmatch(line)
        if match is None and at is not None:  # a line that was broken and not folded is what the field says, too
            value.append(line)
            continue
        if at is not None:
            yield _field(at, value)
        at, value = match, [match.group(3)] if match is not None else []
    if at is not None:
        yield _field(at, value)


def _field(at: re.Match[str], value: list[str]) -> _Field:
    parameters = (p.partition("=") for p in re.findall(r";((?:[^\";]|\"[^\"]*\")*)", at.group(2)))
    return _Field(at.group(1).upper(), {n.upper(): v.replace('"', "") for n, _, v in parameters}, "\n".join(value).rstrip())


def _plain(field: _Field) -> str:
    value = field.value
    if field.parameters.get("ENCODING", "").upper() == "QUOTED-PRINTABLE":
        coded = quopri.decodestring(value.encode("utf-8", "replace"))
        value = text_of(coded, field.name, label=field.parameters.get("CHARSET", "")).text
    return _ESCAPE.sub(lambda found: "\n" if found.group(1) in "nN" else found.group(1), value)
