"""The formats of old Office programs that no Python library reads: LibreOffice writes them anew, and our readers read that.

Without LibreOffice, antiword gives the text of a .doc; else the document is refused with what would help. LibreOffice runs
with a profile of its own, made for this document and removed with it: no macros, no links to elsewhere, no network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from ingest import properties
from ingest.elements import Piece, row_text
from ingest.formats import OLE
from ingest.readers.base import Loss, Reading, malformed, protected
from ingest.readers.docx import docx
from ingest.readers.ooxml import refuse_encrypted
from ingest.readers.pptx import pptx
from ingest.readers.xlsx import xlsx
from sluice.errors import DocumentError

PROGRAM = "soffice"
_TEXT_PROGRAM = "antiword"
_LONGEST_S = 300.0
_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
{items}</oor:items>"""
_ITEM = '<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>\n'
_SAFE = (
    ("/org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("/org.openoffice.Office.Common/Misc", "CrashReport", "false"),
    ("/org.openoffice.Inet/Settings", "ooInetProxyType", "2"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPProxyPort", "9"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyName", "127.0.0.1"),
    ("/org.openoffice.Inet/Settings", "ooInetHTTPSProxyPort", "9"),
)


Which = Callable[[str], str | None]
"""Where a program is installed, as `shutil.which` says."""


def doc(content: bytes, uri: str, which: Which = shutil.which) -> Reading:
    """Raises DocumentError: `protected`, `malformed`, `unsupported_type` where neither program is installed."""
    _check(content, uri, ("WordDocument",))
    if which(PROGRAM) is None and which(_TEXT_PROGRAM) is not None:
        return _through_antiword(content, uri)
    return _about(docx(converted(content, uri, "doc", "docx", which), uri), content)


def ppt(content: bytes, uri: str, which: Which = shutil.which) -> Reading:
    """Raises DocumentError: `protected`, `malformed`, `unsupported_type` where LibreOffice is not installed."""
    _check(content, uri, ("PowerPoint Document",))
    return _about(pptx(converted(content, uri, "ppt", "pptx", which), uri), content)


def xlsb(content: bytes, uri: str, which: Which = shutil.which) -> Reading:
    """Raises DocumentError: `protected`, `malformed`, `unsupported_type` where LibreOffice is not installed."""
    refuse_encrypted(content, uri)
    return xlsx(converted(content, uri, "xlsb", "xlsx", which), uri)


def converted(content: bytes, uri: str, kind: str, wanted: str, which: Which = shutil.which) -> bytes:
    """The document as LibreOffice writes it in another format; nothing is left behind."""
    if which(PROGRAM) is None:
        also = ", or antiword (Debian: antiword)" if kind == "doc" else ""
        raise DocumentError(
            "unsupported_type",
            f"{uri}: reading .{kind} needs {PROGRAM}, which is not installed",
            hint=f"install LibreOffice (Debian: libreoffice-core and what reads .{kind}){also} and run `sluice quarantine retry`,"
            f" or save it as .{wanted}",
        )
    with tempfile.TemporaryDirectory(prefix="sluice-office-") as made:
        folder = Path(made)
        user = folder / "profile" / "user"
        user.mkdir(parents=True)
        items = "".join(_ITEM.format(path=path, name=name, value=value) for path, name, value in _SAFE)
        (user / "registrymodifications.xcu").write_text(_SETTINGS.format(items=items), encoding="utf-8")
        (folder / f"in.{kind}").write_bytes(content)
        command = [PROGRAM, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore", "--convert-to", wanted]
        ran = subprocess.run(
            [*command, "--outdir", str(folder / "out"), str(folder / f"in.{kind}")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LONGEST_S,
            check=False,
        )
        made_file = folder / "out" / f"in.{wanted}"
        if ran.returncode != 0 or not made_file.is_file():
            raise malformed(uri, f"cannot be read by {PROGRAM} as .{kind}")
        return made_file.read_bytes()


def _check(content: bytes, uri: str, streams: tuple[str, ...]) -> None:
    """Refuse what is not the format that it seems: a program that guesses would read it as something else."""
    import olefile

    if not content.startswith(OLE):
        raise malformed(uri, "is no file of an old Office program")
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise protected(uri)
    try:
        with olefile.OleFileIO(content) as ole:
            if not any(ole.exists(stream) for stream in streams):
                raise malformed(uri, f"holds no {streams[0]}")
            if streams[0] == "WordDocument":
                flags = ole.openstream("WordDocument").read(12)[10:12]
                if int.from_bytes(flags, "little") & 0x0100:  # fEncrypted, [MS-DOC] 2.5.2
                    raise protected(uri)
            elif ole.exists("EncryptedSummary"):
                raise protected(uri)
    except OSError as error:
        raise malformed(uri, "is no whole file of an old Office program") from error


def _about(reading: Reading, content: bytes) -> Reading:
    return Reading(reading.pieces, {**reading.properties, **properties.of_ole(content)}, losses=reading.losses)


def _through_antiword(content: bytes, uri: str) -> Reading:
    with tempfile.TemporaryDirectory(prefix="sluice-office-") as made:
        path = Path(made) / "in.doc"
        path.write_bytes(content)
        ran = subprocess.run(
            [_TEXT_PROGRAM, "-m", "UTF-8.txt", "-w", "0", str(path)], capture_output=True, timeout=_LONGEST_S, check=False
        )
    if ran.returncode != 0:
        raise malformed(uri, f"cannot be read by {_TEXT_PROGRAM}")
    parts = re.split(r"\n\s*\n", ran.stdout.decode("utf-8", "replace"))
    pieces = [_antiword_piece(part.splitlines()) for part in parts if part.strip()]
    return Reading(pieces, properties.of_ole(content), losses=(Loss("text_boxes_and_headers", 1, "read by antiword"),))


def _antiword_piece(lines: list[str]) -> Piece:
    """A paragraph, or a table, whose rows antiword draws between bars."""
    rows = [line.strip().strip("|").split("|") for line in lines if line.strip()]
    if all(line.strip().startswith("|") for line in lines if line.strip()):
        return Piece("table", "\n".join(filter(None, map(row_text, rows))))
    return Piece("text", "\n".join(line.strip() for line in lines if line.strip()))
