"""Calendars: every appointment with its words, as a file and as a part of a mail, whoever wrote it."""

from __future__ import annotations

import quopri
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ingest.reads import shape, text

FIELDS: dict[str, Callable[[str], str]] = {
    "SUMMARY": lambda word: f"SUMMARY;LANGUAGE=de:{word}",
    "SUMMARY with marks": lambda word: f"SUMMARY:a\\, b\\; {word}",
    "DTSTART": lambda word: f"DTSTART;TZID=/{word}:20260601T100000",
    "LOCATION": lambda word: f'LOCATION;ALTREP="http://x.example/a;b:c":{word}',
    "ORGANIZER": lambda word: f'ORGANIZER;CN="{word}, Ann":mailto:ann@example.org',
    "ATTENDEE": lambda word: f"ATTENDEE;ROLE=CHAIR;CN={word}:MAILTO:bo@example.org",
    "address": lambda word: f"ATTENDEE:mailto:{word}@example.org",
    "CONTACT": lambda word: f"item1.CONTACT:{word}",
    "RESOURCES": lambda word: f"RESOURCES:beamer,{word}",
    "CATEGORIES": lambda word: f"CATEGORIES:{word}",
    "COMMENT": lambda word: f"COMMENT:{word}",
    "URL": lambda word: f"URL:https://example.org/{word}",
    "DESCRIPTION": lambda word: f"DESCRIPTION:first line\\n{word}\\nlast",
    "printed": lambda word: (
        "DESCRIPTION;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:" + quopri.encodestring(f"{'x ' * 40}{word}".encode()).decode()
    ),
    "broken": lambda word: f"DESCRIPTION:a line\nand {word} that nobody folded",
    "rich": lambda word: f"X-ALT-DESC;FMTTYPE=text/html:<html><body><p>{word}</p></body></html>",
}
ORDER = ["SUMMARY", "DTSTART", "LOCATION", "ORGANIZER", "ATTENDEE", "CONTACT", "RESOURCES", "CATEGORIES", "COMMENT", "URL"]
ORDER += ["DESCRIPTION", "X-ALT-DESC"]
COMPONENTS = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")


def field_of(name: str) -> str:
    return re.split("[;:]", FIELDS[name](""))[0].rpartition(".")[2]


def folded(line: str, width: int) -> str:
    """A line as programs fold it: by bytes, also within a letter."""
    content = line.encode()
    parts = [content[at : at + width] for at in range(0, len(content), width)]
    return "\r\n ".join(part.decode("latin-1") for part in parts)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(COMPONENTS), st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=6, unique=True)),
        min_size=1,
        max_size=4,
    ),
    st.integers(20, 200),
    st.booleans(),
)
def test_every_word_of_an_appointment_comes_back_once(shapes: list[tuple[str, list[str]]], width: int, in_a_mail: bool) -> None:
    """Whatever fields it has, wherever its lines are folded; what is shown of an alarm is said by the appointment already."""
    lines, expected = ["BEGIN:VCALENDAR"], []
    for number, (kind, names) in enumerate(shapes):
        described = [name for name in names if name in ("DESCRIPTION", "printed", "broken")]
        wanted = [name for name in names if name != "rich" or not described]
        said = {name: f"wört{number}年{place}x" for place, name in enumerate(wanted)}
        expected += [said[name] for name in sorted(wanted, key=lambda name: ORDER.index(field_of(name)))]
        fields = [FIELDS[name](said[name]) for name in wanted]
        lines += [
            f"BEGIN:{kind}",
            *(field if "PRINTABLE" in field or "\n" in field else folded_text(field, width) for field in fields),
            "BEGIN:VALARM",
            "DESCRIPTION:unseen",
            "END:VALARM",
            f"END:{kind}",
        ]
    calendar = ("\r\n".join(lines) + "\r\nEND:VCALENDAR\r\n").encode("utf-8", "surrogateescape")
    if in_a_mail:
        head = b"Subject: s\nMIME-Version: 1.0\nContent-Type: text/calendar; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        calendar = head + calendar
    found = text(calendar, "a.eml" if in_a_mail else "a.ics")
    places = [found.find(word) for word in expected]
    assert [found.count(word) for word in expected] == [1] * len(expected), found
    assert places == sorted(places)
    assert "unseen" not in found


def folded_text(line: str, width: int) -> str:
    """`folded`, as text that encodes to its bytes."""
    return folded(line, width).encode("latin-1").decode("utf-8", "surrogateescape")


def test_a_calendar_has_a_name() -> None:
    """As programs show it above its appointments; a name that is given twice stands once."""
    content = (
        "BEGIN:VCALENDAR\nNAME:Ferien\nX-WR-CALNAME:Ferien\nX-WR-CALDESC:Alle Teams\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\n"
        "BEGIN:VEVENT\nSUMMARY:Sommer\nEND:VEVENT\nEND:VCALENDAR"
    )
    assert shape(content, "a.ics") == [("title", "Ferien"), ("text", "Alle Teams"), ("title", "Sommer")]


@pytest.mark.parametrize("charset", ["ISO-8859-1", "UTF-8", "SHIFT_JIS"])
def test_an_old_calendar_is_read_in_its_charset(charset: str) -> None:
    """vCalendar 1.0: quoted-printable over several lines, each field in an encoding of its own."""
    words = "会議室の予約" if charset == "SHIFT_JIS" else "Größe und Maß"
    coded = quopri.encodestring(words.encode(charset)).decode()
    content = f"BEGIN:VCALENDAR\nVERSION:1.0\nBEGIN:VEVENT\nSUMMARY;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:{coded}=\n=21\nEND:VEVENT\n"
    assert text(content, "a.vcs") == words + "!"


def test_a_contact_is_its_name_and_how_to_reach_it() -> None:
    """Each of a file; never the bytes of its picture."""
    card = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Lovelace;Ada;;;\r\nFN:Ada Lovelace\r\nORG:Engines\\, Ltd.;Sums\r\nTEL;TYPE=CELL:+44 1\r\n"
        "item1.EMAIL:ada@x.example\r\nADR:;;12 Street;London;;;UK\r\nNOTE:First\\nSecond\r\nPHOTO;ENCODING=b;TYPE=JPEG:AAAA\r\n BBBB\r\nEND:VCARD\r\n"
    )
    told = "Organization: Engines, Ltd., Sums\nPhone: +44 1\nE-mail: ada@x.example\nAddress: 12 Street, London, UK"
    expected = f"Ada Lovelace\n\n{told}\n\nFirst\nSecond"
    assert text(card, "a.vcf") == expected
    assert text(card * 2, "a") == f"{expected}\n\n{expected}"
