"""Office documents in one XML file (Flat OPC, Word's "XML document"; Word 2003 in XML): the zip that they would be."""

from __future__ import annotations

import base64
import binascii
import io
import zipfile

from lxml import etree

from ingest.readers.base import malformed
from ingest.readers.package import child, elements, local, xml_of
from ingest.readers.wordxml import docx_of

_PKG = "{http://schemas.microsoft.com/office/2006/xmlPackage}"


def is_flat(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe<\0", b"\xfe\xff\0<"))


def as_zip(content: bytes, uri: str) -> bytes:
    """The same document as a zip; raises DocumentError `malformed` for another document."""
    root = xml_of(content, uri)
    if local(root) == "wordDocument":
        return docx_of(root, uri)
    if local(root) != "package":
        raise malformed(uri, "is no Office document")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for part in elements(root):
            name, data, packed = str(part.get(f"{_PKG}name") or "").lstrip("/"), child(part, "xmlData"), child(part, "binaryData")
            inside = next(elements(data), None) if data is not None else None
            if inside is not None:
                archive.writestr(name, etree.tostring(inside, xml_declaration=True, encoding="UTF-8"))
            elif packed is not None:
                try:
                    archive.writestr(name, base64.b64decode(str(packed.text or "")))
                except (binascii.Error, ValueError):
                    continue  # a picture that is broken: nobody reads it here
    return out.getvalue()


def packed(content: bytes, uri: str) -> bytes:
    """An Office document as a zip, whichever way it was saved."""
    return as_zip(content, uri) if is_flat(content) else content
