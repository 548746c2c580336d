"""How a DOCX, XLSX or PPTX is opened: one zip (or one XML file), one main part; or an envelope that needs a password."""

from __future__ import annotations

from ingest.formats import OLE
from ingest.readers.base import malformed, protected
from ingest.readers.flat import packed
from ingest.readers.package import Node, Package, local

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


def opened(content: bytes, uri: str, usual: str, root: str, what: str) -> tuple[Package, str, Node]:
    """The package of what is `packed`, its main part's path (`usual` where none is named) and that part, whose root is `root`.

    Raises DocumentError: `protected`, `malformed` for a zip that `is no {what}`.
    """
    refuse_encrypted(content, uri)
    package = Package(packed(content, uri), uri)
    path = package.first("", "officeDocument") or usual
    found = package.xml(path)
    if found is None or local(found) != root:
        raise malformed(uri, f"is no {what}")
    return package, path, found


def refuse_encrypted(content: bytes, uri: str) -> None:
    """Raises DocumentError `protected` for the OLE file that an encrypted document is put into."""
    if content.startswith(OLE) and _ENCRYPTED in content:
        raise protected(uri)
