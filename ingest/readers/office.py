"""Office documents: what unstructured reads itself, and what it reads through LibreOffice or pandoc."""

from __future__ import annotations

import io
import shutil

from ingest import properties
from ingest.formats import OLE
from ingest.readers.base import Reading, partitioned, protected
from sluice.errors import DocumentError


def office(content: bytes, uri: str, *, kind: str) -> Reading:
    if content.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in content:
        raise protected(uri)
    return Reading(partitioned(kind, file=io.BytesIO(content)), properties.of_office(content))


def converted(content: bytes, uri: str, *, kind: str, program: str) -> Reading:
    if shutil.which(program) is None:
        raise DocumentError(
            "unsupported_type",
            f"{uri}: reading .{kind} needs {program}, which is not installed",
            hint=f"install {_PACKAGES[program]} and run `sluice quarantine retry`, or save it as {_INSTEAD[kind]}",
        )
    return Reading(partitioned(kind, file=io.BytesIO(content)), properties.of_office(content))


_PACKAGES = {"soffice": "LibreOffice (Debian: libreoffice)", "pandoc": "pandoc, and pypandoc beside Sluice"}
_INSTEAD = {"doc": ".docx", "ppt": ".pptx", "rtf": ".docx", "odt": ".docx", "epub": "HTML"}
