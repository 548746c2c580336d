"""Word's documents of 2003 in one XML file (WordprocessingML 2003), as the DOCX that they would be.

Most elements are those of DOCX in another namespace. What stood in the text then and has a part of its own now is moved:
notes, headers, styles, lists, properties; what was one element for every kind of mark (`aml:annotation`) is told apart.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from lxml import etree

from ingest.readers.package import Node, child, elements, local, xml_of
from ingest.readers.wordstyles import W

_THEN, _NOW = b"http://schemas.microsoft.com/office/word/2003/wordml", W[1:-1].encode()
_VAL = f"{W}val"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
_MARKS = {"Word.Insertion": "ins", "Word.Deletion": "del", "Word.Comment": "commentReference"}
_FORMS = {
    "0": "decimal", "1": "upperRoman", "2": "lowerRoman", "3": "upperLetter", "4": "lowerLetter", "22": "decimalZero",
    "23": "bullet", "255": "none",
}  # fmt: skip
_RENAMED = {"listPr": "numPr", "ilfo": "numId", "listDef": "abstractNum", "nfc": "numFmt", "ilst": "abstractNumId", "list": "num"}
_IDS = {"listDef": ("listDefId", "abstractNumId"), "list": ("ilfo", "numId")}
_KINDS = {"odd": "default"}
_CORE = {"Title": "dc:title", "Author": "dc:creator", "LastSaved": "dcterms:modified", "Created": "dcterms:created"}
_CORE_NAMES = f'xmlns:c="{_PACKAGE}metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def docx_of(found: Node, uri: str) -> bytes:
    """The document with this root as a DOCX."""
    root = xml_of(etree.tostring(found).replace(_THEN, _NOW), uri)
    for node in [node for node in root.iter() if isinstance(node.tag, str)]:
        _rename(node)
    parts: dict[str, bytes] = {"word/document.xml": b""}
    related: list[tuple[str, str]] = []

    def add(kind: str, name: str, part: Node) -> str:
        parts[f"word/{name}"] = etree.tostring(part, xml_declaration=True, encoding="UTF-8")
        related.append((kind, name))
        return f"r{len(related)}"

    for kind in ("footnote", "endnote"):
        if (notes := _notes(root, kind)) is not None:
            add(f"{kind}s", f"{kind}s.xml", notes)
    for section in list(root.iter(f"{W}sectPr")):
        for node in [node for node in elements(section) if local(node) in ("hdr", "ftr")]:
            kind = {"hdr": "header", "ftr": "footer"}[local(node)]
            name = add(kind, f"{kind}{len(related)}.xml", node)
            shown = str(node.get(f"{W}type") or "odd")
            section.replace(node, _made(f"{kind}Reference", {f"{W}type": _KINDS.get(shown, shown), f"{{{_OFFICE}}}id": name}))
    for name, kind in (("styles", "styles"), ("lists", "numbering"), ("docPr", "settings")):
        if (found := child(root, name)) is not None:
            add(kind, f"{kind}.xml", found)
    body = child(root, "body")
    document = _made("document")
    if body is not None:
        document.append(body)
    parts["word/document.xml"] = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    parts["_rels/.rels"] = _relations([("officeDocument", "word/document.xml")])
    parts["word/_rels/document.xml.rels"] = _relations(related)
    parts["docProps/core.xml"] = _core(child(root, "DocumentProperties"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def _rename(node: Node) -> None:
    """One element as DOCX calls it."""
    name = local(node)
    if name == "annotation":
        mark = _MARKS.get(str(node.get(f"{W}type")))
        node.tag = f"{W}{mark}" if mark else f"{W}bookmarkStart"
        if mark in (None, "commentReference"):
            node[:] = []
    elif node.tag == f"{W}{name}" and name in _RENAMED:
        node.tag = f"{W}{_RENAMED[name]}"
        if name in _IDS:
            then, now = _IDS[name]
            node.set(f"{W}{now}", str(node.get(f"{W}{then}")))
        if name == "nfc":
            node.set(_VAL, _FORMS.get(str(node.get(_VAL)), "decimal"))


def _notes(root: Node, kind: str) -> Node | None:
    """The notes that stand in the text, in a part of their own; where they stood is a reference to them."""
    notes = _made(f"{kind}s")
    for number, node in enumerate(list(root.iter(f"{W}{kind}")), 1):
        if local(node.getparent()) == "r":
            node.getparent().replace(node, _made(f"{kind}Reference", {f"{W}id": str(number)}))
            node.set(f"{W}id", str(number))
            notes.append(node)
    return notes if len(notes) else None


def _made(name: str, attributes: dict[str, str] | None = None) -> Node:
    return etree.Element(f"{W}{name}", attributes or {})


def _relations(related: Iterable[tuple[str, str]]) -> bytes:
    root = etree.Element(f"{{{_PACKAGE}relationships}}Relationships")
    for number, (kind, target) in enumerate(related, 1):
        etree.SubElement(root, "Relationship", Id=f"r{number}", Type=f"{_OFFICE}/{kind}", Target=target)
    return bytes(etree.tostring(root))


def _core(about: Node | None) -> bytes:
    root = etree.fromstring(f'<c:coreProperties {_CORE_NAMES} xmlns:dcterms="http://purl.org/dc/terms/"/>')
    for node in elements(about) if about is not None else ():
        if local(node) in _CORE:
            prefix, name = _CORE[local(node)].split(":")
            etree.SubElement(root, f"{{{root.nsmap[prefix]}}}{name}").text = node.text
    return bytes(etree.tostring(root))
