"""Mail: every part that has text is read, in order, once; what is not read is said."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from email import policy
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.nesting import too_deep
from ingest.processing import Processor
from ingest.readers.mail import unflowed
from ingest.sources.mail import MailOptions, MailSource
from sluice.records import RawItem
from tests.unit.ingest.old_files import msg
from tests.unit.ingest.reads import losses, read, reason, shape, text

HEAD = "From: ann@example.org\nSubject: About\nMIME-Version: 1.0\n"


def mail(*parts: tuple[str, str], kind: str = "mixed") -> str:
    """A message of parts, each a content type (with further fields) and a body."""
    bodies = "".join(f"--X\nContent-Type: {fields}\n\n{body}\n" for fields, body in parts)
    return f"{HEAD}Content-Type: multipart/{kind}; boundary=X\n\n{bodies}--X--\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (mail(("text/plain", "one"), ("text/plain", "two"), ("text/html", "<p>three")), "one\n\ntwo\n\nthree"),
        (mail(("text/plain", "Vorher."), ("image/png; name=a", "x"), ("text/plain", "Nachher.")), "Vorher.\n\nNachher."),
        (mail(("text/plain", "ja"), ("text/html", "<img src=x>"), kind="alternative"), "ja"),
        (mail(("text/plain", "kurz"), ("text/html", "<p>kurz und <b>länger</b>"), kind="alternative"), "kurz und länger"),
        (mail(("text/plain", "Please see all of the long text here"), ("text/html", "<p>View online"), kind="alternative"),
         "Please see all of the long text here"),
        (mail(("text/plain", "This mail needs a reader of HTML, please open it there."), ("text/html", "<p>The price is five."),
              kind="alternative"), "This mail needs a reader of HTML, please open it there.\n\nThe price is five."),
        (mail(("text/html", "<p>only"), kind="related"), "only"),
        (mail(("text/plain", "<html><p>A page <b>as text</b><p style='display:none'>gone</html>")), "A page as text"),
        (HEAD + "Content-Transfer-Encoding: Quoted-Printable;\n\nGr=C3=BC=C3=9Fe", "Grüße"),
        (HEAD + "\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSigned\n- -- Ann\n-----BEGIN PGP SIGNATURE-----\n\niQEz\n"
         "-----END PGP SIGNATURE-----\n", "Signed\n-- Ann"),
        (HEAD + "\nBefore\n\nbegin 644 a b.txt\n#0V%T\n`\nend\n\nAfter: begin 100 things\nto the end",
         "Before\n\nAfter: begin 100 things\nto the end"),
        (mail(("text/plain", "body"), ("application/pgp-signature", "xx"), kind="signed"), "body"),
        (mail(("text/enriched", "<bold>fett</bold> und mager")), "fett und mager"),
        (mail(("text/markdown", "# Titel\n\n- eins")), "Titel\n\neins"),
        (HEAD + "Content-Type: text/plain; charset=x-unknown\n\nGrüße", "Grüße"),
        (HEAD + "Content-Transfer-Encoding: quoted-printable\n\na long li=\nne with =C3=A4", "a long line with ä"),
        (HEAD + "Content-Type: multipart/mixed; boundary=none\n\njust text", "just text"),
        (HEAD + "Content-Transfer-Encoding: base64\n\nR3LDvMOfZSBhdXMgS8O2bG4", "Grüße aus Köln"),
        (HEAD + "Content-Transfer-Encoding: base64\n\nR3LDvMOf\nZQ==\nIGF1cyBL!\nw7ZsbmE", "Grüße aus Kölna"),
        (mail(("text/rtf", r"{\rtf1 nur \b fett\b0\par zwei}")), "nur fett\n\nzwei"),
        (mail(("message/rfc822\nContent-Transfer-Encoding: base64",
               base64.b64encode(b"Subject: Innen\n\nDer innere Text.").decode())), "Innen\n\nDer innere Text."),
        (mail(("message/rfc822\nContent-Transfer-Encoding: quoted-printable", "Subject: Innen\n\nGr=FC=\n=DFe")),
         "Innen\n\nGrüße"),
        (mail(("text/plain", "Vor.\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----\nNach.")),
         "Vor.\n\nNach."),
    ],
)  # fmt: skip
def test_parts_are_read_in_order(content: str, expected: str) -> None:
    """Text after a file, the fuller alternative, whatever the kind of multipart; a signature is no text."""
    assert text(content, "a.eml") == expected


@pytest.mark.parametrize(
    ("label", "codec", "words"),
    [
        ("iso-8859-1", "cp1252", "“naïve” – 5 €"),
        ("gb2312", "gbk", "朱鎔基说话"),
        ("shift_jis", "cp932", "①番の文章です"),
        ("ks_c_5601-1987", "cp949", "휴가를 신청합니다"),
        ("us-ascii", "utf-8", "Größe und Maß"),
        ("iso-8859-8-i", "iso-8859-8", "שלום לכולם"),
        ("koi8-r", "koi8-r", "Привет, коллеги"),
        ("utf-7", "utf-7", "Grüße aus Köln"),
        ("iso-2022-jp", "iso-2022-jp", "日本語の文章です"),
        ("", "utf-8", "żółw"),
    ],
)
def test_a_charset_is_what_the_web_takes_its_label_for_and_what_decodes(label: str, codec: str, words: str) -> None:
    """In bodies and in encoded words of the subject; a label that does not fit is not believed."""
    body = base64.b64encode(words.encode(codec)).decode()
    kind = f"text/plain; charset={label}" if label else "text/plain"
    head = HEAD.replace("About", f"=?{label or 'utf-8'}?B?{body}?=")
    found = read(f"{head}Content-Type: {kind}\nContent-Transfer-Encoding: base64\n\n{body}\n", "a.eml")
    assert (found.text, found.title) == (words, words)


def test_a_flowed_paragraph_is_one_line() -> None:
    """RFC 3676: soft breaks end in a space; the signature's mark and the depth of quotation stay."""
    assert unflowed("a long \nline\n> quoted \n> more\n-- \nAnn") == "a long line\n> quoted more\n-- \nAnn"
    assert unflowed("年度 \n休假", delete_space=True) == "年度休假"
    content = HEAD + "Content-Type: text/plain; format=flowed\n\nThe gate \ncloses at \nfour.\n"
    assert text(content, "a.eml") == "The gate closes at four."


CALENDAR = """BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY;LANGUAGE=de:Budget\\, Teil 2
DTSTART;TZID=Europe/Berlin:20260601T100000
DTEND:20260601T090000Z
LOCATION:Raum 7
ORGANIZER;CN="Ann Lee":mailto:ann@example.org
ATTENDEE;CN=Bo:mailto:bo@example.org
ATTENDEE:MAILTO:cy@example.org
DESCRIPTION:First line\\nsecond li
 ne
BEGIN:VALARM
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize("as_file", [True, False])
def test_an_appointment_says_what_when_where_and_who(as_file: bool) -> None:
    """As a file of its own and as a part; folded lines and escapes are undone, alarms left out."""
    content = (
        CALENDAR
        if as_file
        else mail(("text/plain", "Invitation"), ("text/calendar; method=REQUEST", CALENDAR), kind="alternative")
    )
    found = text(content, "a.ics" if as_file else "a.eml").removeprefix("Invitation\n\n")
    assert found == (
        "Budget, Teil 2\n\nStart: 2026-06-01 10:00 Europe/Berlin\nEnd: 2026-06-01 09:00 UTC\nLocation: Raum 7\n"
        "Organizer: Ann Lee <ann@example.org>\nAttendee: Bo <bo@example.org>\nAttendee: cy@example.org\n\nFirst line\nsecond line"
    )


def test_a_description_that_the_mail_says_is_said_once() -> None:
    """Invitations repeat their text in the calendar."""
    calendar = CALENDAR.replace("First line\\nsecond li\n ne", "See you there")
    assert text(mail(("text/plain", "See you there"), ("text/calendar", calendar)), "a.eml").count("See you there") == 1


def nested(depth: int, text: str = "The innermost text.") -> EmailMessage:
    inner = EmailMessage()
    inner["Subject"], inner["From"] = f"Level {depth}", "bo@example.org"
    inner.set_content(text)
    for level in reversed(range(depth)):
        outer = MIMEMultipart()
        outer["Subject"], outer["From"] = f"Level {level}", "ann@example.org"
        outer.attach(MIMEText(f"Text {level}."))
        outer.attach(MIMEMessage(inner))
        inner = outer  # type: ignore[assignment]
    return inner


def test_forwarded_messages_are_read() -> None:
    """Each under its subject, with who wrote it."""
    found = shape(nested(2).as_bytes(), "a.eml")
    assert ("title", "Level 2") in found
    assert ("text", "From: bo@example.org") in found
    assert [t for k, t in found if "ext" in t] == ["Text 0.", "Text 1.", "The innermost text."]


def test_a_delivery_report_says_why() -> None:
    """The notice, the report's fields, and the message that came back."""
    report = (
        "Reporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; bo@example.org\nDiagnostic-Code: smtp; 550 no such user\n"
    )
    parts = [
        ("text/plain", "Ihre Nachricht kam nicht an."),
        ("message/delivery-status", report),
        ("message/rfc822", "Subject: Urlaub\nFrom: ann@example.org\n\nIch bin weg."),
    ]
    found = text(mail(*parts, kind="report; report-type=delivery-status"), "a.eml")
    for words in ("kam nicht an", "Final-Recipient: rfc822; bo@example.org", "550 no such user", "Urlaub", "Ich bin weg."):
        assert words in found


def signed(inner: bytes) -> bytes:
    """An opaque S/MIME envelope around a MIME entity."""
    import datetime

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ann")])
    begins = datetime.datetime(2026, 1, 1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(begins).not_valid_after(begins + datetime.timedelta(days=999)).sign(key, hashes.SHA256())
    )  # fmt: skip
    builder = pkcs7.PKCS7SignatureBuilder().set_data(inner).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


@pytest.mark.parametrize("kind", ["pkcs7-mime; smime-type=signed-data; name=smime.p7m", "x-pkcs7-mime"])
def test_what_is_signed_in_one_piece_is_read(kind: str) -> None:
    """The text in the envelope; as a file (`.p7m`) too."""
    envelope = signed(b"Content-Type: text/plain; charset=utf-8\r\n\r\nDer Code ist 77 \xe2\x80\x93 geheim.\r\n")
    body = base64.encodebytes(envelope).decode()
    content = f"{HEAD}Content-Type: application/{kind}\nContent-Transfer-Encoding: base64\n\n{body}"
    assert text(content, "a.eml") == text(envelope, "smime.p7m") == "Der Code ist 77 – geheim."


def test_what_styles_hide_in_an_envelope_is_no_text() -> None:
    """Where the poison rules do not look."""
    envelope = signed(b"Content-Type: text/html\r\n\r\n<p>shown</p><p style='display:none'>secret</p>")
    assert text(envelope, "smime.p7m") == "shown"
    assert losses(envelope, "smime.p7m") == {"hidden": 1}


def test_what_is_sealed_is_refused_or_said() -> None:
    """Alone it is quarantined with its reason; beside text it is a loss."""
    body = base64.b64encode(b"0\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02 broken").decode()
    part = ("application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64", body)
    assert reason(mail(part), "a.eml") == "sealed"
    assert losses(mail(("text/plain", "see attached"), part), "a.eml") == {"sealed": 1}
    assert reason(mail(("application/ms-tnef; name=winmail.dat", "xx")), "a.eml") == "sealed"
    assert reason(mail(("application/pgp-encrypted", "Version: 1"), kind="encrypted"), "a.eml") == "protected"
    armoured = "-----BEGIN PGP MESSAGE-----\nVersion: 1\n\nhQEMA+/x\n=abcd\n-----END PGP MESSAGE-----\n"
    assert reason(HEAD + "\n" + armoured, "a.eml") == "protected"
    assert losses(HEAD + "\nHello.\n\n" + armoured, "a.eml") == {"encrypted": 1}


def winmail(body: bytes, rich: bytes = b"") -> bytes:
    """A winmail.dat with a text body, or a rich one (MS-OXTNEF)."""

    def attribute(level: int, ident: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, ident, len(data)) + data + struct.pack("<H", sum(data) % 65536)

    return (
        struct.pack("<IH", 0x223E9F78, 1)
        + attribute(1, 0x00089006, struct.pack("<I", 0x10000))
        + attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
        + (attribute(1, 0x0002800C, body + b"\0") if body else b"")
        + (attribute(1, 0x00069003, struct.pack("<IHHII", 1, 0x0102, 0x1009, 1, len(rich)) + rich) if rich else b"")
    )


@pytest.mark.parametrize("words", ["Please sign the lease.", "Bitte bis Freitag: Größe prüfen.", "Le café est fermé."])
def test_the_text_in_a_winmail_dat_is_read(words: str) -> None:
    """Within a mail and as a file of its own; what the mail says already is not said again."""
    envelope = winmail(words.encode("cp1252"))
    message = MIMEMultipart()
    message["Subject"] = "About"
    message.attach(MIMEApplication(envelope, "ms-tnef", name="winmail.dat"))
    assert text(message.as_bytes(), "a.eml") == text(envelope, "winmail.dat") == words
    message.get_payload().insert(0, MIMEText(words))  # type: ignore[union-attr]
    assert text(message.as_bytes(), "a.eml") == words


def test_a_message_of_apple_mail_is_read() -> None:
    """Its length before it, a list of properties behind it; what styles hide in it is cut as in any other."""
    message = f"{HEAD}Content-Type: text/html\n\n<p>Body<p style='display:none'>gone</p>"
    content = f"{len(message)}       \n{message}<?xml version='1.0'?><plist>gone</plist>"
    document = Processor().parse(RawItem("a.emlx", content.encode(), "v"), source="s")
    assert (document.title, document.text) == ("About", "Body")


def test_attachments_are_said_by_name() -> None:
    """How many, and which; a mail of files alone is empty."""
    made = EmailMessage()
    made["Subject"] = "Files"
    made.set_content("See the files.")
    for name in ("q.csv", "Gehälter.xlsx", "日程.pdf"):
        made.add_attachment(b"x", maintype="application", subtype="octet-stream", filename=name)
    assert read(made.as_bytes(policy=policy.SMTP), "a.eml").metadata["losses"] == [
        {"what": "attachment", "count": 3, "where": "q.csv, Gehälter.xlsx, 日程.pdf"}
    ]
    assert text(mail(("application/pdf; name=a.pdf", "x")), "a.eml") == ""


WORD = st.from_regex(r"w[a-z]{5,9}\d{3}", fullmatch=True)
LEAF = st.sampled_from(
    ["text/plain", "text/html; charset=utf-8", "text/plain; format=flowed", "text/markdown", "message/rfc822", "text/calendar"]
)


def part(kind: str, word: str) -> tuple[str, str]:
    body = {
        "text/html; charset=utf-8": f"<table><tr><td>x</td><td>{word}</td></tr></table>",
        "message/rfc822": f"From: {word}@example.org\n\nx{word}",
        "text/calendar": f"BEGIN:VEVENT\nSUMMARY:{word}\nEND:VEVENT",
    }
    return kind, body.get(kind, word)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(LEAF, WORD), min_size=1, max_size=8, unique_by=lambda one: one[1]),
    st.sampled_from(["mixed", "related", "report"]),
)
def test_every_word_of_every_part_comes_back_once(parts: list[tuple[str, str]], kind: str) -> None:
    """Whatever kinds of text a message is made of, and in their order."""
    found = text(mail(*(part(*one) for one in parts), kind=kind), "a.eml")
    places = [found.find(word) for _, word in parts]
    assert -1 not in places
    assert places == sorted(places)


PACKED = bytes.fromhex("2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0")
"""The example of [MS-OXRTFCP], 4.1."""


def unpacked_as(rtf: bytes) -> bytes:
    """RTF in the envelope, as it is."""
    return struct.pack("<II4sI", len(rtf) + 12, len(rtf), b"MELA", 0) + rtf


def test_a_message_that_has_rich_text_only_is_read() -> None:
    """Outlook's packed RTF, in a .msg and in a winmail.dat; HTML that lies in RTF too. What cannot be unpacked is sealed."""
    assert text(msg("S", rich=PACKED), "a.msg") == text(winmail(b"", PACKED), "winmail.dat") == "hello world"
    boxed = rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}"
    boxed += rb"{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Gr\'fc\'dfe "
    boxed += rb"{\*\htmltag84 <b>}\htmlrtf {\b \htmlrtf0 aus\htmlrtf }\htmlrtf0 {\*\htmltag92 </b>} K\u246 ?ln"
    boxed += rb"{\*\htmltag72 </p>}\htmlrtf\par}\htmlrtf0}"
    assert text(msg("S", rich=unpacked_as(boxed)), "a.msg").split() == ["Grüße", "aus", "Köln"]
    assert reason(msg("S", rich=b"xx" * 40), "a.msg") == "sealed"
    assert text(msg("S", plain="Plain.", rich=PACKED), "a.msg") == "Plain."


OUTLOOK: dict[str, Callable[[str], str]] = {
    "paragraph": lambda word: f"<p class=MsoNormal>{word}<o:p></o:p></p>",
    "cell": lambda word: f"<table class=MsoTable><tr><td><p class=MsoNormal>{word}</p></td></tr></table>",
    "item": lambda word: f"<ul><li class=MsoListParagraph>{word}</li></ul>",
    "quotation": lambda word: f"<div style='border:none;border-top:solid 1.0pt'><b>From:</b> {word}</div>",
    "condition": lambda word: f"<![if !supportLists]><span>-</span><![endif]><span lang=DE>{word}</span><br>",
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(OUTLOOK)), min_size=1, max_size=8),
    st.sampled_from([("utf-8", 65001), ("cp1252", 1252), ("cp1252", 0), ("utf-8", 0), ("cp1250", 1250), ("iso-8859-1", 28591)]),
    st.sampled_from(["html", "plain", "both"]),
)
def test_every_word_of_an_outlook_message_comes_back_once(forms: list[str], encoding: tuple[str, int], bodies: str) -> None:
    """From its HTML in the code page that it says or that its bytes show, else from its text; attachments are said."""
    words = [f"wört{number}x" for number in range(len(forms))]
    page = "<html>" + "".join(OUTLOOK[form](word) for form, word in zip(forms, words, strict=True))
    html = page.encode(encoding[0]) if bodies != "plain" else b""
    plain = "\r\n\r\n".join(words) if bodies != "html" else ""
    found = read(msg("Über", plain=plain, html=html, codepage=encoding[1], attached=["a.pdf"]), "a.msg")
    assert found.title == "Über"
    assert [found.text.count(word) for word in words] == [1] * len(words)
    places = [found.text.index(word) for word in words]
    assert places == sorted(places)
    assert {loss["what"] for loss in found.metadata["losses"]} == {"attachment"}


# ── sources: what begins a message ───────────────────────────────────────────────────────────────────────────────────


def mbox(tmp_path: Path, content: str | bytes) -> MailSource:
    (tmp_path / "box").write_bytes(content.encode() if isinstance(content, str) else content)
    return MailSource("m", MailOptions(path=str(tmp_path / "box")))


@pytest.mark.parametrize(
    "line",
    [
        "From ann@example.com Mon Jun  1 10:00:00 2026",
        "From - Mon Jun  1 10:00:00 2026",
        "From 1790303535351515@xxx Thu Nov 12 10:00:00 +0000 2026",
        "From ann at example.com  Thu Jan  5 10:00:00 2012",
        "From ann@example.com Mon, 1 Jun 2026 10:00:00 +0200",
        "From MAILER-DAEMON Fri Jul  8 12:08 2011",
    ],
)
def test_a_from_line_begins_a_message(tmp_path: Path, line: str) -> None:
    """As mailing lists, Thunderbird, Gmail and sendmail write it."""
    one = "{}\nMessage-ID: <{}@x>\nSubject: S\n\nText {}.\n\n"
    source = mbox(tmp_path, one.format(line, "a", "a") + one.format(line, "b", "b"))
    assert [ref.uri for ref in source.scan({})] == ["box/a@x", "box/b@x"]


@pytest.mark.parametrize(
    "line",
    [
        "From now on the gate closes at four.\nNote: this holds.",
        "From ann@example.com we know: nothing.\nTo: be continued",
        "From Monday Jun 1 10:00 on it is 2026\nRoom: 7",
        "From here to eternity\n",
        "From ann@example.com Mon Jun  1 10:00:00 2026\nand no header field below",
    ],
)
def test_a_sentence_that_begins_with_from_is_text(tmp_path: Path, line: str) -> None:
    """After a blank line too: the form decides, and a header field has to follow."""
    source = mbox(tmp_path, f"From a@x Mon Jun  1 10:00:00 2026\nMessage-ID: <a@x>\nSubject: S\n\nFirst.\n\n{line}\n\nLast.\n")
    (ref,) = source.scan({})
    item = source.fetch(ref)
    assert all(
        words in text(item.content, item.uri, media_type=item.media_type) for words in ("First.", line.split("\n")[0], "Last.")
    )


def test_parts_within_parts_are_bounded() -> None:
    """A hundred levels, before anything parses them; a digest of many messages beside each other is none."""
    deep = b"Content-Type: text/plain\n\ndeep\n"
    for level in range(150):
        deep = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n%s\n--b%d--\n" % (level, level, deep, level)
    assert too_deep(deep)
    assert reason(deep, "a.eml") == "malformed"
    assert not too_deep(mail(*((f"multipart/mixed; boundary=b{n}", f"--b{n}\n\nx\n--b{n}--") for n in range(500))).encode())


MAILBOX = b"""From ada@x.example Mon Jan  1 10:00:00 2024
From: Ada <ada@x.example>
To: Bob <bob@x.example>
Subject: First
Date: Mon, 01 Jan 2024 10:00:00 +0000

Body one.
>From now on quoted.
From the sentence goes on.

From bob@x.example Tue Jan  2 10:00:00 2024
From: Bob <bob@x.example>
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Content-Type: text/html; charset=utf-8

<p>Body <b>two</b></p><p style="display:none">gone</p>
"""


@pytest.mark.parametrize("uri", ["in.mbox", "Inbox"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_mailbox_is_all_of_its_messages(uri: str, ends: bytes) -> None:
    """Each with its subject as a heading and its people; nothing of what one hides; what is no message is no mailbox."""
    content = MAILBOX.replace(b"\n", ends)
    document = read(content, uri)
    assert document.text.split("\n\n") == [
        "First",
        "From: Ada <ada@x.example>\nTo: Bob <bob@x.example>\nDate: 2024-01-01T10:00:00+00:00",
        "Body one.\nFrom now on quoted.\nFrom the sentence goes on.",
        "Grüße",
        "From: Bob <bob@x.example>",
        "Body two",
    ]
    assert {element.heading_path for element in document.elements} == {("First",), ("Grüße",)}
    assert document.title == uri.partition(".")[0]
    assert losses(content, uri) == {"hidden": 1}
    assert reason("Just words.\n", "in.mbox") == "malformed"


PAGE = '<p>Seen<span style="display:none">gone</span></p>'


@pytest.mark.parametrize(
    "message",
    [
        "Subject: s\nMIME-Version: 1.0\n\n\n\nContent-Type: multipart/related;\n\tboundary=X\n\n"
        f"--X\nContent-Type: text/html\n\n{PAGE}\n--X--\n",
        "Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=----=_Next; charset=utf-8\n\n"
        f"------=_Next\nContent-Type: text/html\n\n{PAGE}\n\n------=_Next--\n",
    ],
    ids=["fields behind blank lines", "boundary without quotes"],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_parts_are_told_apart_as_mail_programs_do(message: str, ends: str) -> None:
    """And what one hides is no text there, either."""
    content = message.replace("\n", ends)
    assert Processor().parse(RawItem("a.eml", content.encode(), "v"), source="s").text == "Seen"


@pytest.mark.parametrize("tail", ["-- \nList footer of words\n", "____________\nList\n", "Sent to the list of words\n"])
def test_what_a_list_writes_behind_base64_is_text(tail: str) -> None:
    """Decoded with it, it would be letters without a meaning."""
    body = base64.encodebytes("Grüße und mehr davon".encode()).decode()
    message = f"Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{body}{tail}"
    assert text(message, "a.eml").split("\n", 1) == ["Grüße und mehr davon", tail.strip()]


def test_files_written_into_text_are_none_of_its_words() -> None:
    """Uuencoded and yEnc, also where lines end as mail's do."""
    lines = (
        "Subject: s\n\nSee below.\n\nbegin 644 t.bin\nM"
        + "A" * 60
        + "\n`\nend\n\n=ybegin line=128 size=5 name=y.bin\nabc\n=yend size=5\n\nBye.\n"
    )
    for ends in ("\n", "\r\n"):
        assert text(lines.replace("\n", ends), "a.eml") == "See below.\n\nBye."
        assert losses(lines.replace("\n", ends), "a.eml") == {"attachment": 2}


@pytest.mark.parametrize("about", ["multipart/mixed", 'multipart/mixed; boundary="other"'])
def test_parts_are_told_apart_by_what_stands_between_them(about: str) -> None:
    """Where the message names no boundary, or another one."""
    parts = "--X\nContent-Type: text/plain\n\nOne.\n--X\nContent-Type: text/html\n\n<p>Two<span hidden>gone</span></p>\n--X--\n"
    assert text(f"Subject: s\nContent-Type: {about}\n\n{parts}", "a.eml") == "One.\n\nTwo"
    assert text(f"Subject: s\nContent-Type: {about}\n\n--\nAda\n", "a.eml") == "--\nAda"


def test_words_that_call_themselves_base64_are_words() -> None:
    head = "Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    assert text(f"{head}These are plain words!\n", "a.eml") == "These are plain words!"
    assert text(f"{head}R3LDvMOf\nZQ==\n", "a.eml") == "Grüße"


def test_marks_of_enriched_text_are_no_words() -> None:
    body = "<bold>Hi</bold> <<b> <color><param>red</param>there</color>"
    assert text(f"Subject: s\nContent-Type: text/enriched\n\n{body}", "a.eml") == "Hi <b> there"


def test_a_message_that_is_called_text_is_a_message() -> None:
    """By the header fields that only messages have; text that only begins like them is text."""
    saved = "From: Ada <a@x.example>\nSubject: Hello\nMIME-Version: 1.0\nContent-Type: text/html\n\n<p>Words</p>\n"
    assert (read(saved, "mail.txt").title, text(saved, "mail.txt")) == ("Hello", "Words")
    assert text("From: Ada\nTo: Bob\n\nThe MIME-Version: 1.0 header", "a.txt").startswith("From: Ada\nTo: Bob")


def test_a_line_goes_on_behind_white_space_that_a_gateway_added() -> None:
    """RFC 2045, 6.7: white space at the end of a line of quoted-printable is none of it."""
    head = "Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    assert text(f"{head}caf=c3=a9 conti= \t\nnues =\nhere\n", "a.eml") == "café continues here"


def test_parts_of_what_calls_itself_a_page_are_read() -> None:
    """A program that names its message after its last part, and the boundary between all of them."""
    head = 'Subject: s\nContent-Type: text/HTML;\n\tboundary="--N_4AF"\n\nThis is a multipart message.\n'
    part = "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<p>Gr=C3=BC=C3=9Fe</p>"
    assert text(f"{head}----N_4AF\n{part}\n----N_4AF--\n", "a.eml") == "Grüße"
    assert text('Subject: s\nContent-Type: text/plain; boundary="x"\n\nno --parts here', "a.eml") == "no --parts here"


def test_what_a_server_wrote_before_a_message_is_none_of_it() -> None:
    assert text("220 ready\n\n\nFrom: a@x.example\nSubject: s\n\nbody", "a.eml") == "body"
    assert reason("220 ready\nonly text", "a.eml") == "malformed"
