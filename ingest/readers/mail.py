"""Mail: MIME messages, and Outlook's.

Every part that has text is read, in order; of alternatives the one that says more. Attachments are documents of their own
(`ingest.sources.mail`) or none: their names are said as losses. So is whatever a part has that cannot be read here.

Over 300 lines: one walk through the parts of a message, MIME's and Outlook's.
"""

from __future__ import annotations

import email
import email.policy
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from email.message import EmailMessage, Message
from typing import Any

from ingest import labels, properties
from ingest.blocks import html_blocks
from ingest.decode import decode
from ingest.elements import Loss, Piece
from ingest.headers import decoded_header, header
from ingest.nesting import DEEPEST, too_deep
from ingest.readers import sealed
from ingest.readers.base import Guess, Reading, protected, text_of, without_hidden
from ingest.readers.calendars import calendar_pieces, unfolded
from ingest.readers.markdown import markdown_blocks
from ingest.readers.plain import plain_pieces
from ingest.readers.rtf import rtf
from ingest.transfer import content_of, enclosed, encoding, mended, uncounted
from sluice.errors import DocumentError

_SIGNATURES = frozenset(("pgp-signature", "pkcs7-signature", "x-pkcs7-signature"))
_SEALED = frozenset(("pkcs7-mime", "x-pkcs7-mime"))
_SHOWN_HEADERS = ("from", "to", "cc", "date")
_WORD = re.compile(r"\w+")
_ADDRESS = re.compile(r"\S*://\S+|\S+@\S+|\[cid:[^\]]*\]|\[image[^\]]*\]")
_DEEPEST = 50
_MOST_NAMES = 20
_HTML_ENOUGH = 0.8
_HTML, _CODEPAGE, _RICH = 0x1013, 0x3FDE, 0x1009
"""PidTagHtml, PidTagInternetCodepage and PidTagRtfCompressed ([MS-OXPROPS])."""
_HEADERS = 0x007D
"""PidTagTransportMessageHeaders."""
_OWN_NAMES = ["__nameid_version1.0", "__substg1.0_00040102"]
_ARMOUR = re.compile(r"-----BEGIN PGP MESSAGE.*?(?:-----END PGP MESSAGE-----|\Z)", re.DOTALL)
_SIGNED = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\r?\n(?:[\w-]+:[^\n]*\n)*")
_SIGNATURE = re.compile(r"-----BEGIN PGP SIGNATURE-----.*?(?:-----END PGP SIGNATURE-----|\Z)", re.DOTALL)
_UUENCODED = re.compile(r"^begin [0-7]{3,4} (\S[^\r\n]*)\r?\n(?:[ -`]{1,70}\r?\n)+?end[ \t\r]*$", re.MULTILINE)
_YENCODED = re.compile(r"^=ybegin [^\n]*?\bname=([^\r\n]*)\r?\n(?:(?!=y(?:begin|end) )[^\n]*\n)*?=yend [^\n]*$", re.MULTILINE)
_PART_BEGINS = re.compile(r"^--([^\s\"-][^\s\"]{0,68})[ \t]*\r?\n(?:content-[a-z-]+:|\r?\n)", re.IGNORECASE | re.MULTILINE)
_ENRICHED = re.compile(r"<<|<param>[^<]*</param>|<[^<>]*>", re.IGNORECASE)
_LATE_HEAD = re.compile(
    rb"(?i)((?:(?![\w-]+:|From |>From )[^\r\n]{0,200}\r?\n){1,5})(?:received|return-path|delivered-to|from|message-id|subject): "
)
"""What a server or a program wrote before the header fields of a message (`220 ready`)."""
_HTML_PAGE = re.compile(r"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_QUOTES = re.compile(r"(>[> ]*)?(.*)", re.DOTALL)


def mime(content: bytes, uri: str, *, enclosed: bool = False) -> Reading:
    """A message (`enclosed`: within another document).

    Raises DocumentError `protected`, and `sealed` where its text is in an envelope that does not open.
    """
    message = message_of(content, uri)
    # The poison rules read a message as it is written, and find no HTML in one whose parts they cannot tell apart.
    found = _Parts(uri, enclosed or mended(content) != content)
    found.read(message)
    if not found.pieces and found.closed:
        raise protected(uri)
    if not found.pieces and found.sealed:
        raise DocumentError(
            "sealed", f"{uri}: its text is in {found.sealed}, which cannot be read", hint="export it unsigned, or exclude it"
        )
    return Reading(found.pieces, properties.of_email(message), own_title=True, losses=found.losses(), guess=found.guess)


def message_of(content: bytes, uri: str) -> EmailMessage:
    """The message in these bytes; an envelope without one around it (`.p7m`, `winmail.dat`) is a message of one part.

    Raises DocumentError `malformed` for what has no header fields.
    """
    if sealed.is_cms(content) or sealed.is_winmail(content):
        wrapped = EmailMessage()
        wrapped.set_content(
            content, *(("application", "ms-tnef") if sealed.is_winmail(content) else ("application", "pkcs7-mime"))
        )
        return wrapped
    content = uncounted(content)
    if b"\0" in content[:200]:  # saved as UTF-16 as a whole, headers included
        content = decode(content, uri=uri).encode("utf-8")
    if too_deep(content):
        raise DocumentError("malformed", f"{uri}: parts within parts, {DEEPEST} levels deep", hint="exclude it")
    content = content.lstrip(b"\xef\xbb\xbf\r\n")
    if (begins := _LATE_HEAD.match(content)) is not None:
        content = content[begins.end(1) :]
    message = email.message_from_bytes(mended(content), policy=email.policy.default)
    if not message.keys():
        raise DocumentError("malformed", f"{uri}: has no e-mail headers", hint="exclude it, or name it .txt")
    return message


def _has_parts(part: Message) -> bool:
    """Whether a text names a boundary that stands in it: some programs call a message of several parts what its last part is."""
    boundary, written = part.get_param("boundary"), part.get_payload()
    return isinstance(boundary, str) and isinstance(written, str) and bool(boundary.strip('" ')) and f"--{boundary}" in written


class _Parts:
    """What the parts of a message say, one after the other."""

    def __init__(self, uri: str, enclosed: bool = False) -> None:
        self._enclosed = enclosed  # in something that the poison rules do not open
        self.pieces: list[Piece] = []
        self.closed = False
        self.sealed = ""
        self.guess: Guess | None = None
        self._uri = uri
        self._lost: dict[str, tuple[int, list[str], float]] = {}

    def losses(self) -> tuple[Loss, ...]:
        return tuple(Loss(what, count, ", ".join(where), share) for what, (count, where, share) in self._lost.items())

    def lose(self, what: str, where: str = "", count: int = 1, share: float = 0.0) -> None:
        before, places, shares = self._lost.get(what, (0, [], 0.0))
        if where and len(places) < _MOST_NAMES:
            places.append(where[:100])
        self._lost[what] = (before + count, places, max(shares, share))

    def read(self, part: Message, depth: int = 0) -> None:
        """Everything that the part says, in order."""
        kind, _, subtype = part.get_content_type().partition("/")
        if depth > _DEEPEST:
            self.lose("nested_too_deep")
        elif kind == "message":
            self._message(part, subtype, depth)
        elif part.is_multipart():
            self._multipart(part, subtype, depth)
        elif kind == "multipart" and subtype == "encrypted":
            self.closed = True
        elif kind == "multipart":  # its parts cannot be told apart
            self._unbounded(part, depth)
        elif subtype in _SIGNATURES:
            pass
        elif subtype in _SEALED:
            self._sealed(part, depth)
        elif subtype in ("ms-tnef", "vnd.ms-tnef") or _name(part).lower() == "winmail.dat":
            self._winmail(part)
        elif kind == "text" and _has_parts(part):
            self._unbounded(part, depth)
        elif kind == "text" and subtype == "rtf" and not _is_attachment(part):
            self._rich(_bytes(part))
        elif kind == "text" and not _is_attached(part, subtype):
            self._text(part, subtype)
        elif kind == "image" and not _is_attachment(part):
            self.lose("picture", _name(part))
        else:
            self.lose("attachment", _name(part) or f"{kind}/{subtype}")

    def _unbounded(self, part: Message, depth: int) -> None:
        """Parts whose message names no boundary, or another one than stands between them."""
        written = part.get_payload()
        found = _PART_BEGINS.search(written) if isinstance(written, str) else None
        boundary = str(part.get_param("boundary")) if _has_parts(part) else found[1] if found is not None else ""
        if not boundary or depth >= _DEEPEST:
            self._text(part, "plain")
            return
        kind = part.get_content_type() if part.get_content_maintype() == "multipart" else "multipart/mixed"
        about = f'Content-Type: {kind}; boundary="{boundary}"\n\n{written}'
        inner = _Parts(self._uri, enclosed=True)  # the poison rules cannot tell them apart
        inner.read(message_of(about.encode("utf-8", "surrogateescape"), self._uri), depth + 1)
        self._take(inner)

    def _multipart(self, part: Message, subtype: str, depth: int) -> None:
        children = [child for child in part.get_payload() if isinstance(child, Message)]
        if subtype == "encrypted":
            self.closed = True
            self.lose("encrypted")
        elif subtype == "alternative":
            self._alternatives(children, depth)
        else:
            for child in children:
                self.read(child, depth + 1)

    def _alternatives(self, children: Iterable[Message], depth: int) -> None:
        """The alternative that says most; rich text before plain unless it says clearly less. Calendars besides."""
        read: list[tuple[bool, _Parts, list[str]]] = []
        calendars = []
        for child in children:
            kind = child.get_content_type()
            if kind == "text/calendar" and not _is_attachment(child):
                calendars.append(child)
            elif kind != "text/x-amp-html":
                found = _Parts(self._uri, self._enclosed)
                found.read(child, depth + 1)
                read.append((kind == "text/plain", found, _words(found.pieces)))
        if read:
            size = {id(found): len(words) * (_HTML_ENOUGH if is_plain else 1) for is_plain, found, words in read}
            simple, chosen, words = max(reversed(read), key=lambda one: size[id(one[1])])
            both = [said for is_plain, _, said in read if simple and not is_plain and _is_another(said, words)]
            for _, other, said in read:
                if other is chosen or said in both:
                    self._take(other)
            for is_plain, other, said in read:
                missing = set(said) - set(words)
                if other is not chosen and missing and said not in both:
                    self.lose("alternative", "text/plain" if is_plain else "text/html", len(missing))
                self.closed |= other.closed
        for child in calendars:
            self._text(child, "calendar")

    def _take(self, other: _Parts) -> None:
        self.pieces += other.pieces
        self.closed |= other.closed
        self.sealed = self.sealed or other.sealed
        self._sure(other.guess)
        for loss in other.losses():
            self.lose(loss.what, loss.where, loss.count, loss.share)

    def _sure(self, guess: Guess | None) -> None:
        if guess is not None and (self.guess is None or guess.confidence < self.guess.confidence):
            self.guess = guess

    def _text(self, part: Message, subtype: str) -> None:
        self._decoded(_bytes(part), str(part.get_content_charset() or ""), subtype, part)

    def _decoded(self, content: bytes, label: str, subtype: str, part: Message | None = None) -> None:
        if not content.strip():
            return
        try:
            whole = unfolded(content) if subtype in ("calendar", "x-vcalendar") else content
            found = text_of(whole, self._uri, declared=subtype == "html", label=label)
        except DocumentError:
            self.lose("unreadable_part", f"text/{subtype}")
            return
        self._sure(found.guess)
        for loss in found.losses:
            self.lose(loss.what, loss.where, loss.count, loss.share)
        text, armoured = _ARMOUR.subn("", found.text) if "-----BEGIN PGP MESSAGE" in found.text else (found.text, 0)
        if armoured:
            self.closed = True
            self.lose("encrypted", count=armoured)
        text, kept_out = self._uncoded(text), self._enclosed
        if subtype == "plain" and _HTML_PAGE.match(text):
            subtype, kept_out = "html", True  # a page that calls itself text, which the poison rules take for text
        found = replace(found, text=text)
        match subtype:
            case "html" | "x-amp-html":
                kept, unseen = without_hidden(found.text) if kept_out else (found.text, ())
                pieces, losses = html_blocks(kept)
                for loss in (*unseen, *losses):
                    self.lose(loss.what, loss.where, loss.count)
            case "calendar" | "x-vcalendar":
                pieces = calendar_pieces(found.text, " ".join(piece.text for piece in self.pieces))
            case "markdown":
                pieces = markdown_blocks(found.text)[0]
            case "enriched" | "richtext":
                pieces = plain_pieces(_ENRICHED.sub(lambda mark: "<" if mark[0] == "<<" else "", found.text), headings=False)
            case _:
                flowed = part is not None and str(part.get_param("format") or "").lower() == "flowed"
                joined = (
                    unflowed(found.text, str(part.get_param("delsp") or "").lower() == "yes") if flowed and part else found.text
                )
                pieces = plain_pieces(joined, headings=False)
        self.pieces += pieces

    def _uncoded(self, text: str) -> str:
        """Text without the files and signatures that older programs write into it."""
        if "\nend" in text and "begin " in text:
            for name in _UUENCODED.findall(text):
                self.lose("attachment", name.strip())
            text = _UUENCODED.sub("", text)
        if "=ybegin " in text:
            for name in _YENCODED.findall(text):
                self.lose("attachment", name.strip())
            text = _YENCODED.sub("", text)
        if "-----BEGIN PGP SIGNED MESSAGE" in text:
            text = re.sub(r"(?m)^- (?=-)", "", _SIGNATURE.sub("", _SIGNED.sub("", text)))
        return text

    def _rich(self, content: bytes) -> None:
        """The body of a message that has neither text nor HTML; HTML packed in RTF is text between tags that RTF passes over."""
        if content:
            found = rtf(content, self._uri)
            self.pieces += found.pieces
            for loss in found.losses:
                self.lose(loss.what, loss.where, loss.count)

    def _message(self, part: Message, subtype: str, depth: int) -> None:
        inner = part.get_payload()
        messages = [m for m in inner if isinstance(m, Message)] if isinstance(inner, list) else []
        if messages and encoding(part) in ("base64", "quoted-printable"):
            messages = [message_of(enclosed(part), self._uri)]
        if subtype in (
            "delivery-status",
            "disposition-notification",
            "feedback-report",
            "rfc822-headers",
            "global-delivery-status",
        ):
            for block in messages:
                lines = [f"{name}: {decoded_header(str(value))}" for name, value in block.raw_items()]
                rest = block.get_payload()
                self._lines([*lines, rest.strip() if isinstance(rest, str) else ""])
            if not messages:
                self._text(part, "plain")
        elif messages and subtype in ("rfc822", "global", "news"):
            for message in messages:
                if subject := header(message, "subject"):
                    self.pieces.append(Piece("title", subject, min(depth + 1, 5)))
                named = [(name, header(message, name)) for name in _SHOWN_HEADERS]
                self._lines([f"{name.title()}: {value}" for name, value in named if value])
                self.read(message, depth + 1)
        elif messages:
            for message in messages:
                self.read(message, depth + 1)
        else:
            self.lose("unreadable_part", f"message/{subtype}")

    def _lines(self, lines: list[str]) -> None:
        if text := "\n".join(filter(None, lines)):
            self.pieces.append(Piece("text", text))

    def _sealed(self, part: Message, depth: int) -> None:
        inner = _Parts(self._uri, enclosed=True)
        try:
            inner.read(message_of(sealed.opened(_bytes(part)), self._uri), depth + 1)
            self._take(inner)
        except sealed.Encrypted:
            self.closed = True
            self.lose("encrypted")
        except MemoryError:  # of the document's limit: nothing may be lost to that in silence
            raise
        except Exception:  # whatever the parser of ASN.1 raises on bytes that are none
            self.sealed = "an S/MIME envelope"
            self.lose("sealed", _name(part))

    def _winmail(self, part: Message) -> None:
        try:
            found = sealed.winmail(_bytes(part))
        except ValueError:
            found = sealed.Winmail()
        for name in found.attachments:
            self.lose("attachment", name)
        inner = _Parts(self._uri, enclosed=True)
        for content, subtype in ((found.html, "html"), (found.plain, "plain")):
            if not inner.pieces:
                inner._decoded(content, found.label, subtype)
        if not inner.pieces:
            inner._rich(found.rich)
        if not inner.pieces:
            self.sealed = "a winmail.dat"
            self.lose("sealed", "winmail.dat")
        elif set(_words(inner.pieces)) - set(_words(self.pieces)):  # not what stands before it already
            self._take(inner)


def unflowed(text: str, delete_space: bool = False) -> str:
    """Paragraphs of `format=flowed` (RFC 3676) in one line each; the depth of quotation is kept."""
    lines: list[tuple[str, str]] = []
    flows = False
    for line in text.replace("\r\n", "\n").split("\n"):
        matched = _QUOTES.fullmatch(line)
        quotes = ((matched and matched.group(1)) or "").replace(" ", "")
        rest = (
            line[len(line) - len(line.lstrip(">")) if quotes else 0 :]
            if quotes and " " not in line[: len(quotes)]
            else (matched.group(2) if matched else line)
        )
        rest = rest[1:] if rest.startswith(" ") else rest
        joins = flows and bool(lines) and lines[-1][0] == quotes and rest != "-- "
        if joins:
            before = lines[-1][1]
            lines[-1] = (quotes, (before[:-1] if delete_space else before) + rest)
        else:
            lines.append((quotes, rest))
        flows = rest.endswith(" ") and rest != "-- "
    return "\n".join(f"{quotes} {text}".strip() if quotes else text for quotes, text in lines)


def msg(content: bytes, uri: str) -> Reading:
    """A message that Outlook saved."""
    from oxmsg import Message as Saved

    found = Saved.load(io.BytesIO(content))
    parts = _Parts(uri)
    plain = _tried(lambda: found.body)
    html = _tried(lambda: found.properties.binary_prop_value(_HTML))  # its library decodes it as Windows' Latin, whatever it says
    label = _charset(_tried(lambda: found.properties.int_prop_value(_CODEPAGE)))
    html = (html, label) if html else (_tried(lambda: found.html_body).encode("utf-8", "replace"), "utf-8")
    read = []
    for (body, label), subtype in ((html, "html"), ((plain.encode("utf-8", "replace"), "utf-8"), "plain")):
        one = _Parts(uri, enclosed=True)
        one._decoded(body, label, subtype)
        read.append(one)
    rich, simple = read
    if not rich.pieces and not simple.pieces:
        packed = _tried(lambda: found.properties.binary_prop_value(_RICH))
        parts._rich(_tried(lambda: sealed.unpacked(packed)) if packed else b"")
        if not parts.pieces and "multipart/encrypted".encode("utf-16-le") in content:
            raise protected(uri)
        if packed and not parts.pieces:
            raise DocumentError("sealed", f"{uri}: its text is in RTF that cannot be read", hint="save it as .eml, or exclude it")
    parts._take(rich if len(_words(rich.pieces)) >= _HTML_ENOUGH * len(_words(simple.pieces)) else simple)
    for attached in _tried(lambda: list(found.attachments)) or []:
        parts.lose("attachment", str(_tried(lambda attached=attached: attached.file_name) or ""))  # type: ignore[misc]
    sent = _tried(lambda: found.sent_date)
    to = _tried(lambda: [r.email_address or r.name for r in found.recipients]) or []
    said = {
        "title": found.subject,
        "subject": found.subject,
        "from": found.sender,
        "to": ", ".join(map(str, to)),
        "date": sent.isoformat() if sent is not None and hasattr(sent, "isoformat") else "",
    }
    about = {name: " ".join(str(value).split()) for name, value in said.items() if value}
    about |= _stated_in(found, content)
    return Reading(parts.pieces, about, own_title=True, losses=parts.losses(), guess=parts.guess)


def _stated_in(found: Any, content: bytes) -> properties.Properties:
    """What the fields that somebody gave a saved message, and the headers that it came with, say of who may read it."""
    import olefile

    came = str(_tried(lambda: found.properties.str_prop_value(_HEADERS)))
    headers = properties.of_email(email.message_from_string(came.lstrip(), policy=email.policy.default))
    with olefile.OleFileIO(content) as ole:
        names = _tried(lambda: ole.openstream(_OWN_NAMES).read()) or b""
    kept = (properties.STATED, labels.SENSITIVITY)
    return properties.stated(_field_names(names)) | {name: said for name, said in headers.items() if name in kept}


def _field_names(stream: bytes) -> list[str]:
    """The names in the string stream of named properties ([MS-OXMSG] 2.2.3.1.3): each with its length, to a whole of four."""
    found, at = list[str](), 0
    while at + 4 <= len(stream):
        size = int.from_bytes(stream[at : at + 4], "little")
        found.append(stream[at + 4 : at + 4 + size].decode("utf-16-le", "replace"))
        at += 4 + size + -size % 4
    return found


def _tried(read: Callable[[], Any]) -> Any:
    """A property of a saved message; "" where the file lacks it or it is broken."""
    try:
        return read() or ""
    except MemoryError:
        raise
    except Exception:  # the reader raises what it likes on streams that are missing
        return ""


def _charset(codepage: Any) -> str:
    """What the Web calls a code page of Windows; "" for what it does not know, so that the bytes decide."""
    named = {65001: "utf-8", 20866: "koi8-r", 21866: "koi8-u", 932: "shift_jis", 936: "gbk", 949: "euc-kr", 950: "big5"}
    number = codepage if isinstance(codepage, int) else 0
    iso = f"iso-8859-{number - 28590}" if 28590 < number < 28606 else ""
    return named.get(number) or iso or (f"windows-{number}" if 1249 < number < 1259 or number == 874 else "")


def _bytes(part: Message) -> bytes:
    try:
        return content_of(part)
    except MemoryError:
        raise
    except Exception:  # the standard library raises several types on hostile encodings
        return b""


def _is_another(said: list[str], words: list[str]) -> bool:
    """Whether an alternative says something else than these words: who knows which of the two only asks to look at the other."""
    return len(set(said)) > 2 and 2 * len(set(said) - set(words)) > len(set(said))


def _words(pieces: Iterable[Piece]) -> list[str]:
    return [word for piece in pieces for word in _WORD.findall(_ADDRESS.sub(" ", piece.text).lower())]


def _name(part: Message) -> str:
    try:
        return decoded_header(part.get_filename() or "")
    except MemoryError:
        raise
    except Exception:  # as above
        return ""


def _disposition(part: Message) -> str:
    return str(part.get("Content-Disposition") or "").partition(";")[0].strip().lower()


def _is_attachment(part: Message) -> bool:
    return _disposition(part) == "attachment"


def _is_attached(part: Message, subtype: str) -> bool:
    """Whether a part of text is a file: said to be one, or of a kind that mail programs show as one."""
    if subtype in ("plain", "html", "calendar", "enriched", "richtext", "markdown", "rfc822-headers"):
        return _is_attachment(part)
    return _is_attachment(part) or bool(_name(part)) or subtype in ("css", "javascript", "rtf")
