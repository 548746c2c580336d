"""E-mail: MIME messages, and Outlook's."""

from __future__ import annotations

import email
import email.policy
import io
from email.message import EmailMessage
from typing import Any

from ingest import markup, properties
from ingest.decode import decode
from ingest.elements import pieces
from ingest.readers.base import Reading, html_pieces, partition, partitioned, protected
from sluice.errors import DocumentError


def mime(content: bytes, uri: str) -> Reading:
    message, body, subtype = message_of(content, uri)
    if message.get_content_type() == "multipart/encrypted" or message.get_param("smime-type") == "enveloped-data":
        raise protected(uri)
    found = html_pieces(markup.tidied(body, page=False)) if subtype == "html" else partitioned("text", text=body)
    return Reading(found, properties.of_email(message), own_title=True)


def message_of(content: bytes, uri: str) -> tuple[EmailMessage, str, str]:
    """An e-mail, the text of its body, and whether that is `html` or `plain` (HTML where there are both)."""
    if b"\0" in content[:200]:  # saved as UTF-16 as a whole, headers included
        content = decode(content, uri=uri).encode("utf-8")
    message = email.message_from_bytes(content, policy=email.policy.default)
    if not message.keys():
        raise DocumentError("malformed", f"{uri}: has no e-mail headers", hint="exclude it, or name it .txt")
    part = message.get_body(preferencelist=("html", "plain"))
    if part is None:
        return message, "", "plain"
    raw = part.get_payload(decode=True)
    raw = raw if isinstance(raw, bytes) else b""
    charset = part.get_content_charset()
    try:
        body = raw.decode(charset or "utf-8")
    except (LookupError, UnicodeError):  # a charset that does not exist, or is not the one used
        body = decode(raw, uri=uri)
    return message, body, part.get_content_subtype()


def msg(content: bytes, uri: str) -> Reading:
    found = partition("msg", file=io.BytesIO(content), process_attachments=False)
    if not found and "multipart/encrypted".encode("utf-16-le") in content:
        raise protected(uri)
    about: dict[str, Any] = found[0].metadata.to_dict() if found else {}
    said = {
        "title": about.get("subject"),
        "subject": about.get("subject"),
        "from": ", ".join(about.get("sent_from") or []),
        "to": ", ".join(about.get("sent_to") or []),
        "date": about.get("last_modified"),
    }
    return Reading(pieces(found), {name: str(value) for name, value in said.items() if value}, own_title=True)
