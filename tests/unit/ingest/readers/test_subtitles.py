"""Subtitles: what is said, not when."""

from __future__ import annotations

import pytest

from tests.unit.ingest.reads import shape, text

SUBRIP = (
    "1\n00:00:01,000 --> 00:00:04,000\n<i>Welcome to the\nannual meeting.</i>\n\n2\n00:00:05,000 --> 00:00:06,500 X1:10\n"
    "{\\an8}42\n\n3\n00:00:07,000 --> 00:00:08,000\n- No.\n- No.\n\n"
)
CAPTIONS = """WEBVTT - Title
Kind: captions

NOTE made by hand
second line

STYLE
::cue { color: red }

intro
00:01.000 --> 00:04.000 align:start
<v Mary Smith>Hello &amp; welcome</v>

NOTE nobody sees this

00:05.000 --> 00:06.000
<v Bob>So what?

00:07.000 --> 00:08.000
NOTE this well.
"""
ROLLING = """WEBVTT

00:00:00.000 --> 00:00:02.000 align:start position:0%
\x20
so<00:00:00.500><c> today</c><00:00:01.000><c> we</c>

00:00:02.000 --> 00:00:02.010
so today we
\x20

00:00:02.010 --> 00:00:04.000
so today we
talk<00:00:02.500><c> about</c>

00:00:04.000 --> 00:00:04.010
talk about
\x20
"""


@pytest.mark.parametrize(
    ("content", "uri", "expected"),
    [
        (SUBRIP, "a.srt", ["Welcome to the annual meeting.", "42", "- No.", "- No."]),
        (SUBRIP.replace("\n", "\r\n"), "a.txt", ["Welcome to the annual meeting.", "42", "- No.", "- No."]),
        (CAPTIONS, "a.vtt", ["Mary Smith: Hello & welcome", "Bob: So what?", "NOTE this well."]),
        (ROLLING, "a.vtt", ["so today we talk about"]),
        ("0:00:00.599,0:00:04.160\nHello there\n\n0:00:04.160,0:00:06.770\nfriend.\n", "a.sbv", ["Hello there friend."]),
        (
            "[Script Info]\nTitle: x\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
            "Dialogue: 0,0:00:01.00,0:00:03.00,Default,,0,0,0,,{\\i1}Hello,\\Nthere.\n",
            "a.ass",
            ["Hello, there."],
        ),
        ("1\n00:00:01,000 --> 00:00:02,000\none\n2\n00:00:03,000 --> 00:00:04,000\ntwo\n", "a.srt", ["one two"]),
    ],
)
def test_what_is_said_is_read_without_its_times(content: str, uri: str, expected: list[str]) -> None:
    """Sentences are whole, who speaks is said, notes for programs are not, a line that goes on being shown stands once."""
    assert shape(content, uri) == [("text", part) for part in expected]


def test_a_text_with_a_time_is_a_text() -> None:
    """An arrow between two times somewhere within a text makes no subtitles of it."""
    log = "Meeting\n\n1\n00:00:01,000 --> 00:00:02,000\nWords"
    assert "00:00:01,000" in text(log, "a.txt")
