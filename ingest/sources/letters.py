"""What a message says to its mailbox's source: who it belongs to, when it was sent, what is attached.

Pure; run it in a worker (`ingest.sources.bounded`): it reads what strangers wrote.
"""

from __future__ import annotations

import base64
import email
import email.policy
import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any
from urllib.parse import quote

from ingest.headers import decoded_header, header, headers
from ingest.nesting import too_deep
from ingest.transfer import content_of, enclosed

_SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
_MOST_REFERENCES = 50


def read_message(content: bytes, about: Mapping[str, Any]) -> dict[str, Any]:
    """`attachments` (`name`, `type`, and with `about["contents"]` their `content` in base64, or the `error` of decoding it),
    `metadata`, `subject`, `modified` (ISO 8601 or ""), and `tags`: what each header `about["tags_header"]` says."""
    message = _parsed(content)
    attached = _attachments(message)
    sent = _date(message)
    return {
        "attachments": [_attachment(name, part, bool(about.get("contents"))) for name, part in attached],
        "metadata": _threads(message),
        "subject": header(message, "subject"),
        "modified": sent.isoformat() if sent is not None else "",
        "tags": headers(message, str(about["tags_header"])) if about.get("tags_header") else [],
    }


def segment(text: str) -> str:
    """Text as one readable segment of a uri."""
    kept = (c if c.isalnum() or c in "-_.~@+=$!' ()," else quote(c, safe="", errors="replace") for c in text)
    return "".join(kept).replace(" ", "-") or "-"


def _parsed(content: bytes) -> Message:
    try:
        if not too_deep(content):
            return email.message_from_bytes(content, policy=email.policy.compat32)
        return BytesHeaderParser(policy=email.policy.compat32).parsebytes(content)
    except MemoryError:  # of the document's limit: nothing may be lost to that in silence
        raise
    except Exception:  # hostile headers: what can be read is the parser's to say
        return Message()


def _attachments(message: Message) -> list[tuple[str, Message]]:
    """Parts that a reader would open apart, with names fit for a uri: no bodies, no signatures, no pictures in the text."""
    found: list[tuple[str, Message]] = []
    waiting = [message]
    while waiting:
        part = waiting.pop()
        kind = part.get_content_type()
        nested = kind == "message/rfc822" and part is not message
        if part.is_multipart() and not nested:
            waiting += [p for p in reversed(part.get_payload()) if isinstance(p, Message)]  # type: ignore[arg-type]
            continue
        name = _decoded_name(part)
        disposition = str(part.get("Content-Disposition") or "").partition(";")[0].strip().lower()
        shown = kind.startswith("image/") and (disposition == "inline" or part.get("Content-ID") is not None)
        body = kind in ("text/plain", "text/html") and disposition != "attachment" and not name
        if part is message or body or shown or kind in _SIGNATURES:
            continue
        fallback = "message.eml" if nested else kind.replace("/", ".")
        found.append((segment(name or fallback), part))
    return found


def _attachment(name: str, part: Message, wanted: bool) -> dict[str, str]:
    about = {"name": name, "type": part.get_content_type()}
    if not wanted:
        return about
    try:
        content = enclosed(part) if about["type"] == "message/rfc822" and part.is_multipart() else content_of(part)
    except MemoryError:
        raise
    except Exception as error:  # hostile headers make the standard library raise several types
        return {**about, "error": type(error).__name__}
    return {**about, "content": base64.b64encode(content).decode("ascii")}


def _decoded_name(part: Message) -> str:
    try:
        name = decoded_header(part.get_filename() or "")
    except MemoryError:
        raise
    except Exception:  # as above
        name = ""
    return " ".join(re.split(r"[/\\]", name)[-1].split())[:100].strip(". ")


def _threads(message: Message) -> dict[str, Any]:
    """Message-ID, what it answers, and the thread: the first message of its References."""
    ids = {name: re.findall(r"<\s*([^<>\s]+)\s*>", header(message, name)) for name in ("message-id", "in-reply-to", "references")}
    own = ids["message-id"][0] if ids["message-id"] else ""
    answered = ids["in-reply-to"][0] if ids["in-reply-to"] else ids["references"][-1] if ids["references"] else ""
    thread = ids["references"][0] if ids["references"] else answered or own
    return {
        "message_id": own,
        "in_reply_to": answered,
        "thread": thread,
        "references": ids["references"][:_MOST_REFERENCES],
    }


def _date(message: Message) -> datetime | None:
    try:
        at = email.utils.parsedate_to_datetime(header(message, "date"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
