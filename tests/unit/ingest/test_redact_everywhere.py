"""Redaction looks where it rewrites, and sees a number however it is typeset; in a time that grows with the text."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.plain_text import plain
from ingest.processing import Processing, Processor
from ingest.redact import findings, hushed, redacted
from sluice.errors import DocumentDropped, DocumentError
from sluice.records import Document, Element, RawItem
from sluice.settings import RedactSettings
from tests.unit.ingest.house import House, ScriptedSource

TYPES = ("secret", "email", "phone", "card", "iban", "national_id")
EVERYTHING = RedactSettings(**dict.fromkeys(TYPES, "mask"), phone_regions=("US",))

NUMBERS = (  # kind, what stands before it, the number with `_` where its groups are set apart
    ("card", "", "4111_1111_1111_1111"),
    ("card", "", "5500_0000_0000_0004"),
    ("card", "", "3782_822463_10005"),
    ("iban", "", "DE89_3704_0044_0532_0130_00"),
    ("iban", "", "GB29_NWBK_6016_1331_9268_19"),
    ("national_id", "her SSN is ", "536_90_4399"),
    ("national_id", "social security number ", "536_90_4399"),
    ("national_id", "NHS number ", "943_476_5919"),
    ("national_id", "", "756_9217_0769_85"),
    ("national_id", "BSN ", "111_222_333"),
    ("national_id", "CPF ", "390_533_447_05"),
    ("national_id", "social insurance (SIN) ", "123_456_782"),
    ("national_id", "Steuer-IdNr ", "36_574_261_809"),
    ("national_id", "TFN ", "123_456_782"),
    ("national_id", "PESEL ", "440514_01359"),
    ("phone", "", "+49_30_901820"),
    ("phone", "", "+1_415_867_5309"),
    ("phone", "call ", "212_736_5000"),
)
SEPARATORS = ("", " ", "-", ".", "\u00a0", "\u2009", "\u202f", "\u2010", "\u2011", "\u2013", "\u2212", "\u00b7", "\u2007")
ALONE = {("phone", "212_736_5000"): "", ("phone", "+49_30_901820"): "", ("phone", "+1_415_867_5309"): ""}


def document(text: str = "Nothing here.", **changes: Any) -> Document:
    made = Document("k", "s", "a.md", "v", "", "en", text, (Element("text", 0, len(text)),) if text else ())
    return replace(made, **changes)


@pytest.mark.parametrize(("kind", "before", "number"), NUMBERS, ids=lambda value: str(value))
def test_a_number_is_found_however_it_is_typeset(kind: str, before: str, number: str) -> None:
    """Every separator that people and programs put between its groups; the pattern and the check digit agree."""
    for separator in SEPARATORS:
        written = number.replace("_", separator)
        text = f"Note: {before}{written} is of Ada."
        masked = redacted(document(text), EVERYTHING)
        assert masked.text == f"Note: {before}[{kind.upper()}] is of Ada.", repr(separator)


def arabic(text: str) -> str:
    return "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in text)


def fullwidth(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@pytest.mark.parametrize(("kind", "before", "number"), NUMBERS, ids=lambda value: str(value))
@pytest.mark.parametrize(
    "disguise", [fullwidth, arabic, lambda t: "\u200b".join(t), lambda t: "\u00ad".join(t)], ids=["full", "arabic", "zw", "shy"]
)
def test_a_number_is_found_in_other_characters(kind: str, before: str, number: str, disguise: Any) -> None:
    """Fullwidth and other digits, invisible characters between them: the whole number goes, with what hid in it."""
    text = f"Note: {before}{disguise(number.replace('_', ' '))} is of Ada."
    assert redacted(document(text), EVERYTHING).text == f"Note: {before}[{kind.upper()}] is of Ada."


def test_everything_that_is_served_is_looked_at() -> None:
    """Numbers, keys, nested values, title, headings, author: what is in no payload is in no payload."""
    mail, card, phone = "mara@fjordline.example.no", 4111111111111111, 12127365000
    metadata = {
        "author": f"Mara <{mail}>",
        "cards": [card, {"old": 5500000000000004, "as_float": 4111111111111111.0}],
        "contact": {"phone": phone, "phoneNumber": "2127365000", mail: "here", f"{mail} ": 1},
        "ssn": "536 90 4399",
        "wifi_password": "c0rrect-h0rse",
        "count": 3,
        "ratio": 0.5,
        "draft": True,
        "none": None,
        "when": "2026-11-26",
    }
    text = f"# {mail}\n\nText."
    elements = (Element("title", 0, len(text) - 7, (f"Pay of {card}",)), Element("text", len(text) - 5, len(text), (mail,)))
    masked = redacted(document(text, title=f"By {mail}", elements=elements, metadata=metadata), EVERYTHING)
    shown = repr(masked)
    assert all(part not in shown for part in ("mara", "4111", "5500000", "2127365000", "4399", "h0rse"))
    kept = {name: masked.metadata[name] for name in ("count", "ratio", "draft", "none", "when")}
    assert kept == {"count": 3, "ratio": 0.5, "draft": True, "none": None, "when": "2026-11-26"}
    assert masked.metadata["cards"] == ["[CARD]", {"old": "[CARD]", "as_float": "[CARD]"}]
    assert masked.metadata["contact"] == {"phone": "[PHONE]", "phoneNumber": "[PHONE]", "[EMAIL]": "here", "[EMAIL] ": 1}
    assert masked.metadata["redacted"]["card"] == 3


def test_masked_keys_do_not_take_each_others_place() -> None:
    """Two addresses as keys are two keys still."""
    masked = redacted(document(metadata={"a@example.no": 1, "b@example.no": 2}), EVERYTHING)
    assert masked.metadata == {"[EMAIL]": 1, "[EMAIL] 2": 2, "redacted": {"email": 2}}


@pytest.mark.parametrize("policy", ["drop", "quarantine"])
@pytest.mark.parametrize(
    "changes", [{"metadata": {"card": 4111111111111111}}, {"metadata": {"a": {"x@example.no": 1}}}, {"title": "x@example.no"}]
)
def test_a_refusal_looks_as_far_as_a_mask(policy: Any, changes: dict[str, Any]) -> None:
    """A number in front matter keeps a document out where its text would."""
    with pytest.raises(DocumentDropped if policy == "drop" else DocumentError):
        redacted(document(**changes), RedactSettings(card=policy, email=policy))


VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
    | st.sampled_from(["4111 1111 1111 1111", "x@example.no", 4111111111111111]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.just("x@example.no"), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(min_size=1, max_size=6) | st.just("y@example.no"), VALUE, max_size=4))
def test_what_is_masked_once_has_nothing_left(metadata: dict[str, Any]) -> None:
    """Whatever metadata: looking again finds nothing, and what held nothing is unchanged."""
    settings = RedactSettings(email="mask", card="mask")
    once = redacted(document(metadata=metadata), settings)
    assert "x@example.no" not in repr(once)
    assert "4111111111111111" not in repr(once)
    if "redacted" not in once.metadata:
        assert once.metadata == metadata
    again = {name: value for name, value in once.metadata.items() if name != "redacted"}
    assert redacted(document(metadata=again), settings).metadata == again


@given(st.text(max_size=60))
@example("\r")
@example("a\r\n\u200b1\r")
def test_the_plain_form_knows_its_way_back(text: str) -> None:
    """Every character of it stands for one of the text, in order; the whole of it for the whole. Lines end in one way."""
    shown, lined = plain(text), text.replace("\r\n", " \n").replace("\r", "\n")
    places = [shown.original((i, i + 1)) for i in range(len(shown.text))]
    assert all(b - a >= 1 for a, b in places)
    assert [a for a, _ in places] == sorted({a for a, _ in places})
    for (a, _), character in zip(places, shown.text, strict=True):
        assert character == lined[a] or (character.isascii() and not lined[a].isascii())


def test_front_matter_and_source_metadata_are_served_masked_and_kept_nowhere() -> None:
    """Through the whole pipeline: numbers in front matter and in a record's metadata are masked, and no state keeps them."""
    house = House()
    house.parser = Processor(Processing(redact=RedactSettings(card="mask", email="mask", phone="mask")))
    text = b"---\ncard: 4111111111111111\nphone: 12127365000\nx@example.no: yes\n---\nThe text.\n"
    house.run(ScriptedSource({"a.md": text}, metadata={"customer": {"card": 5500000000000004}, "author": "y@example.no"}))
    state = house.state("a.md")
    assert state.metadata["card"] == "[CARD]"
    assert state.metadata["phone"] == "[PHONE]"
    assert not state.raw
    everything = repr((house.states.read(), vars(house.versions), vars(house.blobs)))
    assert all(part not in everything for part in ("4111111111111111", "2127365000", "5500000000000004", "@example.no"))


def test_a_stored_error_quotes_no_secret() -> None:
    """Whatever a parser says: what is stored in the quarantine holds no key."""
    key = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    assert key not in hushed(f"a.md: cannot be parsed: ValueError: near 'api_key = {key}'")
    house = House()

    class Loud:
        fingerprint = "loud"

        def parse(self, item: RawItem, *, source: str) -> Document:
            raise DocumentError("malformed", f"{item.uri}: near 'api_key = {key}' \x1b[31m")

    house.parser = Loud()
    house.run(ScriptedSource({"a": b"x"}))
    (entry,) = house.quarantine.entries()
    assert key not in entry.error
    assert "\x1b" not in entry.error


WORST = (
    *("password", "api_key", "passwd=", "secret'", 'key"', "sk-", "eyJaaaaaaaaaa-", "a-", "a.", "a@", "1-", "1 ", "12 34 "),
    *("+49 ", "x y ", "pass ", "login a", "a|", "http://a/hook/", "dot ", "a dot ", "DE89 ", "4111 ", "kind: Secret ", "?a="),
    *("mysql ", "//registry/", "cl_", "iam ", "softlayer ", "seed phrase ", "\u00a0", "1\u200b", "tel 1", "ssn 1"),
    *("password - a", "password\n", "name: password, ", "<password>", "<password ", "a://", "a://b:", "AKIA1\n", "sk-1 ", "eyJ"),
    *("docker login ", "net use ", "password | ", "password: a1b2c3d4 ", "ldapx ", "password (", "1a2b\n", "DE89\n"),
    *("kind: Secret\n", "kind: Secret\ndata:\n  a: b\n", "data:\n", "  a: b\n", "---\n", "password to ", "login a / ", "echo ab"),
    *("--BEGIN PRIVATE KEY", "variable \"password\" {", "curl ", "a.b @ ", "\"a", "Aa1Aa1Aa as ", "identified by ", "user a "),
    *("a:1:b:", "/reset-"),
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("unit", WORST)
def test_a_crafted_line_takes_linear_time(unit: str) -> None:
    """16 times as long a line takes less than 40 times as long, whatever is repeated in it."""

    def seconds(characters: int) -> float:
        text = unit * (characters // len(unit))
        started = time.process_time()
        findings(text, EVERYTHING)
        return time.process_time() - started

    seconds(1500)
    small = max(min(seconds(1500) for _ in range(2)), 0.02)
    assert seconds(24_000) < 40 * small


@pytest.mark.slow
def test_a_table_of_numbers_takes_linear_time() -> None:
    """Each number that is found is looked for elsewhere: ten times as many take less than 25 times as long."""

    def seconds(rows: int) -> float:
        made = document("\n".join(f"phone: 212 736 {5000 + n % 5000:04} | token: a{n}Bc{n}De{n}" for n in range(rows)))
        started = time.process_time()
        redacted(made, RedactSettings(secret="mask", phone="mask", phone_regions=("US",)))
        return time.process_time() - started

    seconds(50)
    assert seconds(3000) < 25 * max(seconds(300), 0.05)
