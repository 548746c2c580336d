"""Secrets and numbers that are written in base64, percent codes, hexadecimal or spaced out are found as what they are."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.disguised import words
from ingest.redact import findings
from sluice.settings import RedactSettings
from tests.unit.ingest.planted_secrets import SECRETS

EVERYTHING = RedactSettings(
    **dict.fromkeys(("secret", "email", "phone", "card", "iban", "national_id"), "mask"), phone_regions=("US",)
)
TOKEN = "gh" + "p_16C7e42F292c6912E7710c838347Ae178B4a"
DISGUISES: dict[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "percent codes": lambda text: "".join(f"%{ord(c):02X}" for c in text),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal apart": lambda text: text.encode().hex(":"),
    "escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "spaced out": lambda text: " ".join(text.replace(" ", "")),
}


APART, TOUCHING = ("{}", "Use {} here.", "- {}\n- more"), ("data={}", '{{"value": "{}"}}')


@pytest.mark.parametrize(
    ("disguise", "around"),
    [(name, around) for name in DISGUISES for around in APART + (TOUCHING if name != "spaced out" else ())],
)
@pytest.mark.parametrize("secret", [TOKEN, "AKIAQ7RTZ3" + "LMWX5PVBN2", "password: Tr0ub4dor3xYq", "DB_PASSWORD=Tr0ub4dor3xYq"])
def test_a_disguised_secret_is_found_whole(disguise: str, secret: str, around: str) -> None:
    """Whatever stands around it, and nothing else is."""
    worn = DISGUISES[disguise](secret)
    text = around.format(worn)
    ((kind, (start, end)),) = findings(text, EVERYTHING)
    assert kind == "secret"
    assert text[start:end].strip() == worn


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("iban", "IBAN D E 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0"),
        ("card", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        ("national_id", "SSN: 5 3 6 - 9 0 - 4 3 9 9"),
        ("secret", "password: T r 0 u b 4 d o r 3 x Y q"),
        ("email", "https://a.example/?to=mara%40fjordline%2Eexample%2Eno"),
        ("secret", "https://a.example/?q=ghp%5F" + TOKEN[4:]),
        ("email", '{"to": "mara\\u0040fjordline.example.no"}'),
        ("secret", "ghp&#95;" + TOKEN[4:]),
    ],
)
def test_what_is_spaced_out_or_coded_in_part_is_what_it_says(kind: str, text: str) -> None:
    """With what stands before it on its line."""
    assert [found for found, _ in findings(text, EVERYTHING)] == [kind]


@given(st.binary(min_size=16, max_size=200))
@settings(max_examples=60)
def test_what_is_no_text_is_passed_over(content: bytes) -> None:
    """Hashes and pictures, in base64 and in hexadecimal."""
    hashed = hashlib.sha256(content)
    coded = (base64.b64encode(hashed.digest()), base64.b32encode(hashed.digest()), base64.b64encode(b"\xff" + content))
    for run in (*(each.decode() for each in coded), hashed.hexdigest(), hashed.digest().hex(":")):
        assert list(words(run)) == []


@pytest.mark.parametrize(
    "text",
    [
        "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z",
        "| 0 1 1 0 1 0 0 1 0 1 1 0 |",
        "- - - - - - - - - - - - - - - -",
        "https://a.example/Gro%C3%9Fe%20Stra%C3%9Fe?page=2&sort=name%20asc",
        base64.b64encode(b"Remember that the canteen opens at nine.").decode(),
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "9f:86:d0:81:88:4c:7d:65:9a:2f:ea:a0:c5:5a:d0:15:a3:bf:4f:1b",
        "Caf\\u00e9 \\u2013 caf&#233; &#8211; \\x1b[31m",
    ],
)
def test_what_only_looks_like_a_disguise_is_left_alone(text: str) -> None:
    """An alphabet, a row of a matrix, a rule, an address, a sentence in base64, a hash."""
    assert findings(text, EVERYTHING) == []


def test_it_takes_no_time_that_grows_faster_than_the_text() -> None:
    """Long runs of what begins as a disguise does and is none."""
    for run in (
        "A" * 40_000,
        "\\u0041-" * 9_000,
        "&#6" * 20_000,
        "A2" * 20_000,
        "41 " * 20_000,
        "%4" * 20_000,
        "a " * 20_000,
        "%41" * 15_000,
        "0" * 60_000,
    ):
        assert len(list(words(run))) < 200


def test_every_planted_key_is_found_in_base64() -> None:
    """Of all kinds that are known by their form or their name."""
    missed = [
        planted.what
        for planted in SECRETS
        if len(planted.value) >= 16 and not findings(DISGUISES["base64"](planted.sentence.format(planted.value)), EVERYTHING)
    ]
    assert missed == []
