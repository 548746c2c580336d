"""Text in a DOCX that Word does not show, or shows in white on white or too small to see: found in its XML, and cut."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Collection
from typing import Any

from lxml import etree

from sluice.errors import DocumentError

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BODY = re.compile(r"word/(?:document\d*|header\d*|footer\d*|footnotes|endnotes)\.xml")
_TINY_HALF_POINTS = 4
_PARSER = {"resolve_entities": False, "no_network": True}


def hidden(content: bytes, strip: Collection[str], look_for: Collection[str]) -> tuple[Counter[str], bytes | None]:
    """Rule → runs of text that are hidden by it, and the file without those to strip (None where it stays as it is).

    A run is white on white only when neither it nor what holds it has a background of its own, nor a style that may give
    it one. A file that is no DOCX has no findings: what reads it will say so.
    """
    from ingest.readers.flat import as_zip, is_flat

    found: Counter[str] = Counter()
    changed: dict[str, bytes] = {}
    try:
        content = as_zip(content, "") if is_flat(content) else content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in filter(_BODY.fullmatch, archive.namelist()):
                root = etree.fromstring(archive.read(name), etree.XMLParser(**_PARSER))
                rules = _strip_runs(root, strip, look_for)
                found += rules
                if any(rule in strip for rule in rules):
                    changed[name] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
            return found, _rewritten(archive, changed) if changed else None
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        OSError,
        NotImplementedError,
        RuntimeError,
        etree.XMLSyntaxError,
        DocumentError,
    ):
        return found, None


def _strip_runs(root: Any, strip: Collection[str], look_for: Collection[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    before: tuple[Any, str] = (None, "")
    for run in list(root.iter(f"{_W}r")):
        text = "".join(node.text or "" for node in run.iter(f"{_W}t"))
        rule = _rule(run) if text.strip() else ""
        if rule in look_for:
            # Word cuts a sentence into many runs: neighbours of one rule are one finding.
            found[rule] += (run.getparent(), rule) != before
            if rule in strip:
                for node in list(run.iter(f"{_W}t")):
                    node.text = ""
        before = (run.getparent(), rule)
    return found


def _rule(run: Any) -> str:
    look = run.find(f"{_W}rPr")
    if look is None:
        return ""
    if _is_on(look.find(f"{_W}vanish")) or _is_on(look.find(f"{_W}webHidden")):
        return "hidden_style"
    size = look.find(f"{_W}sz")
    if size is not None and size.get(f"{_W}val", "").isdigit() and int(size.get(f"{_W}val")) <= _TINY_HALF_POINTS:
        return "hidden_size"
    colour = look.find(f"{_W}color")
    white = colour is not None and re.fullmatch(r"(?i)f[a-f89]f[a-f89]f[a-f89]", colour.get(f"{_W}val", ""))
    return "hidden_colour" if white and not _has_ground(run, look) else ""


def _is_on(switch: Any) -> bool:
    return switch is not None and switch.get(f"{_W}val", "true") not in ("0", "false", "off")


def _has_ground(run: Any, look: Any) -> bool:
    """Whether something behind the run may not be white."""
    if look.find(f"{_W}highlight") is not None or look.find(f"{_W}rStyle") is not None:
        return True
    for holder in (run, *run.iterancestors()):
        kind = etree.QName(holder).localname
        if kind in ("txbxContent", "sdtContent") or (kind == "tbl" and holder.find(f".//{_W}tblStyle") is not None):
            return True
        own = holder.find(f"{_W}{kind}Pr")
        shade = own.find(f"{_W}shd") if own is not None else None
        if shade is not None and shade.get(f"{_W}fill", "auto").lower() not in ("auto", "ffffff"):
            return True
        if kind == "p" and own is not None and own.find(f"{_W}pStyle") is not None:
            return own.find(f"{_W}pStyle").get(f"{_W}val") not in ("Normal", "BodyText", "ListParagraph")
    background = run.getroottree().getroot().find(f"{_W}background")
    return background is not None and background.get(f"{_W}color", "FFFFFF").upper() != "FFFFFF"


def _rewritten(archive: zipfile.ZipFile, changed: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for entry in archive.infolist():
            copy.writestr(entry, changed.get(entry.filename) or archive.read(entry))
    return out.getvalue()
