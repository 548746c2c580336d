"""Secrets that a dash, a line, a cell, an element or a command announces, and keys that a line's end cuts in two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.processing import Processing, Processor
from ingest.redact import redacted
from sluice.errors import DocumentDropped, DocumentError
from sluice.records import Document, Element, RawItem
from sluice.settings import RedactSettings

TYPES = ("secret", "email", "phone", "card", "iban", "national_id")
EVERYTHING = RedactSettings(**dict.fromkeys(TYPES, "mask"), phone_regions=("US",))
WORD = "Tr0ub4dor" + "3xYq"
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
KEYS = (
    GITHUB,
    "AKIA" + "Q7RTZ3LMWX5PVBN2",
    "sk-ant-" + "api03-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe",
    "AIza" + "SyD4x8Kq2mN7vB1cZ5lP9wR3tY6uI0oE-Sx",
    "xoxb-" + "263594206564-2343594206574-fgqddmf8t08v8n7oq4i57vs1",
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
)


def masked(text: str) -> str:
    made = Document("k", "s", "a.md", "v", "", "en", text, (Element("text", 0, len(text)),))
    return redacted(made, EVERYTHING).text


@pytest.mark.parametrize(
    "said",
    [
        "wifi password - {}", "Password – {}", "Password → {}", "password ({})", "password: [{}]", "Password: «{}»",
        "Password:\n{}", "## Password\n\n{}\n", "Root password\n- {}\n", "Password | {}", "User | ada\nPassword | {}\nHost | db",
        "<password>{}</password>", "<db:adminPassword type='x'>{}</db:adminPassword>", '<add key="Db.Password" value="{}"/>',
        '{{"name": "DB_PASSWORD", "value": "{}"}}', "- name: DB_PASSWORD\n  value: {}", '{{\\"password\\": \\"{}\\"}}',
        "redis://:{}@cache:6379/0", "postgres://app:{}&!x@db/prod", "**Password:** {}", "Password: “{}”",
        "net use Z: \\\\srv\\share /user:ada {}", "docker login -u ada -p {} registry", "redis-cli -h cache -a {} ping",
        "openssl rsa -passin pass:{} -in k.pem", "The password {} works", "use {} as the new password",
        "reset the password to {}",
        "ENV DB_PASS {}", "setx DB_PASSWORD {}", "PGPASSWORD={} psql", "psk=\"{}\"", "CREATE USER 'a'@'%' IDENTIFIED BY '{}';",
        "ALTER ROLE ada PASSWORD '{}'", "db.internal:5432:prod:app:{}", "Login: ada / {}", "echo 'ada:{}' | chpasswd",
        'variable "db_password" {{\n  default = "{}"\n}}', "كلمة المرور: {}", "סיסמה: {}", "पासवर्ड: {}", "Mật khẩu: {}",
        "Hasło to {}",
        "db:\n  password: |\n    {}\n", "api_token: >-\n  {}\n", "<password><![CDATA[{}]]></password>",
        "<password>\n  <value>{}</value>\n</password>", "Password ➝ {}", "Password\u2236 {}", "WIFI:T:WPA;S:guest;P:{};;",
        "Password:\r\n{}\r\n", "Password:\u2028{}",
        "apiVersion: v1\ndata:\n  a: YWFhYWFh\n  b: {}\nkind: Secret\n", "kind: Secret\nstringData:\n  a: one1two2\n  b: {}\n",
    ],
)  # fmt: skip
def test_what_stands_beside_a_secret_gives_it_away(said: str) -> None:
    """Not only `name: value` in one line."""
    assert WORD not in masked(f"Notes.\n\n{said.format(WORD)}\n\nMore.")


@pytest.mark.parametrize("said", ["password → {}", "Password\n{}", "password | {}", "the password {} works"])
def test_a_mark_at_the_end_of_a_word_makes_it_no_name(said: str) -> None:
    """`summer2024` may be an event; people's passwords end so when a sign is asked for."""
    assert "Sommer2024" not in masked(said.format("Sommer2024!"))
    assert masked(said.format("Sommer2024")) == said.format("Sommer2024")


@pytest.mark.parametrize(
    "innocent",
    [
        "Password - required for all users", "password (8 to 64 characters)", "Password | required\nLength | 12",
        "Token - RFC6750",
        "## Secret\n\ndocs/security/2024-guide.md\n", "API key\n\nSee https://example.com/v1/keys2\n", "Password – see 1Password",
        "docker run -p 4080:4080 --name db", "http://localhost:8080/path/@ada", "<password>${PASSWORD}</password>",
        "redis://:${REDIS_PASSWORD}@cache:6379", '{"name": "PASSWORD_MIN_LENGTH", "value": "12"}', "password (2FA)",
        "SHA1\n9f:86:d0:81:88:4c:7d:65:9a:2f:ea:a0:c5:5a:d0:15:a3:bf:4f:1b",
        "kind: ConfigMap\ndata:\n  a: Tr0ub4dor\n",
        "The password OAuth2 flow", "a secret Kubernetes1 label", "Users: ada / bob and 12 more", "The token bucket2 refills",
    ],
)  # fmt: skip
def test_what_only_stands_near_such_a_word_is_left_alone(innocent: str) -> None:
    """Sentences, file names, ports, placeholders, short numbers."""
    assert masked(innocent) == innocent


@given(st.sampled_from(KEYS), st.integers(6, 30), st.sampled_from(["\n", "\n   ", " ", "-\n", "\n> "]))
def test_a_key_that_a_line_cuts_is_masked_whole(key: str, at: int, cut: str) -> None:
    """Wherever the line ends within it, with a hyphen or without, or as Markdown joins lines."""
    if (at := min(at, len(key) - 4)) and "-" in key[at - 1 : at + 1] and "-" in cut:
        return
    left, right = key[:at], key[at:]
    if not any(c.isdigit() for c in right):
        return
    shown = masked(f"It is {left}{cut}{right}\n\nkept.")
    assert right not in shown
    assert left[8:] == "" or left not in shown
    assert shown.endswith("kept.")


@pytest.mark.parametrize("invisible", ["\u061c", "\u2800", "\u17b4", "\ufff9", "\u3164", "\u115f", "\U0001d173"])
def test_no_invisible_character_hides_a_key(invisible: str) -> None:
    """All that no font shows, and the blank of Braille."""
    assert masked(f"It is {invisible.join(GITHUB)} now.") == "It is [SECRET] now."


def test_what_is_found_in_one_place_is_masked_in_all() -> None:
    """A heading's path, the title and metadata hold the word without the label that gives it away in the text."""
    raw = f"---\nnote: {WORD}\nnumber: 2127365000\n---\n# {WORD}\n\nThe password is {WORD}.\n"
    raw += f"\nCall us:\n\n## 212 736 5000\n\nOr {WORD}!\n"
    document = Processor(Processing(redact=EVERYTHING)).parse(RawItem("a.md", raw.encode(), "v"), source="s")
    assert WORD not in repr(document)
    assert "736 5000" not in repr(document)
    assert all(e.heading_path[0] == "[SECRET]" for e in document.elements)


def test_a_word_within_another_is_not_masked() -> None:
    """`abc123x` is a secret here; `xabc123xy` is another word."""
    assert masked("password: abc123x\n\nThe file xabc123xy stays.") == "password: [SECRET]\n\nThe file xabc123xy stays."


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("https://x.example/?to=ada.lovelace%40corp-mail.com&x=1", "EMAIL"), ("scan_4111111111111111_front", "CARD"),
        ("invoice_DE89370400440532013000_2024", "IBAN"), ("DE89 3704 0044\n0532 0130 00", "IBAN"),
        ("DE89 3704 0044\r\n0532 0130 00", "IBAN"), ("口座DE89370400440532013000です", "IBAN"),
        ("番号4111111111111111です", "CARD"),
        ("番号536-90-4399です", "NATIONAL_ID"), ("ssn_536-90-4399.pdf", "NATIONAL_ID"), ("SSN 536\n90\n4399", "NATIONAL_ID"),
    ],
)  # fmt: skip
def test_numbers_and_addresses_within_names_and_lines(written: str, kind: str) -> None:
    """Percent codes, underscores and a line's end do not hide them."""
    assert f"[{kind}]" in masked(f"See {written} there.")


@pytest.mark.parametrize("uri", [f"keys/{GITHUB}.txt", f"https://x.example/?access_token={GITHUB}", "a?password%3D" + WORD])
def test_a_secret_in_a_name_keeps_the_document_out_where_policy_says_so(uri: str) -> None:
    """A name cannot be masked: it is the identity."""
    made = Document("k", "s", uri, "v", "", "en", "Text.", (Element("text", 0, 5),))
    with pytest.raises(DocumentError):
        redacted(made, RedactSettings(secret="quarantine"))
    with pytest.raises(DocumentDropped):
        redacted(made, RedactSettings(secret="drop"))
    assert redacted(made, EVERYTHING) == made


def test_an_element_of_xml_is_the_label_of_its_words() -> None:
    """The text of `<password>…</password>` is the word alone; what it was read from says what that is."""
    raw = f"<server><id>x</id><password>{WORD}</password><note>It is {WORD}.</note></server>"
    document = Processor(Processing(redact=EVERYTHING)).parse(RawItem("a.xml", raw.encode(), "v"), source="s")
    assert WORD not in repr(document)
    kept = Processor(Processing()).parse(RawItem("a.xml", raw.encode(), "v"), source="s")
    assert WORD in kept.text


@pytest.mark.parametrize(
    "block",
    ["-----BEGIN RSA PRIVATE{}-----\n{}\n-----END", "----- begin private{} -----\n{}\n-----", "—–BEGIN EC PRIVATE{}—–\n{}"],
)
def test_a_private_key_is_one_however_its_dashes_are_typeset(block: str) -> None:
    """Small letters, dashes that a word processor made, blanks beside them; to the end where none is said."""
    assert "MIIEvQIBADAN" not in masked(f"Key:\n{block.format(' KEY', 'MIIEvQIBADANBgkqhkiG9w0')}")


@pytest.mark.parametrize("written", ["ada.lovelace@\ncorp-mail.com", "ada.lovelace @ corp-mail.com", '"ada l"@corp-mail.com'])
def test_an_address_with_a_blank_in_it_is_one(written: str) -> None:
    """A line's end behind the sign, blanks around it, a name in quotes; a sentence with a sign is none."""
    assert masked(f"Mail {written} now") == "Mail [EMAIL] now"
    assert masked("meet @ corp.com at 5, or @ home") == "meet @ corp.com at 5, or @ home"
