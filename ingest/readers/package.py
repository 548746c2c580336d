"""Zipped XML (Office Open XML, ODF, EPUB): its parts by name, parsed without entities, and what is related to what."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from lxml import etree

from sluice.errors import DocumentError

T = TypeVar("T")
Node = Any  # lxml.etree._Element; lxml ships no types

R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
"""ISO's strict namespaces name the same elements: Office writes them under "Strict Open XML Document"."""

_FORBIDDEN = re.compile(
    rb"[\0-\x08\x0b\x0c\x0e-\x1f]|&#(?:[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F])|0*(?:[0-8]|1[1-24-9]|2[0-9]|3[01]));"
)


@dataclass(frozen=True, slots=True)
class Related:
    """The end of a relationship: its kind ("header", "slide"), and the part's name, '' where it lies outside the file."""

    kind: str
    path: str


class Package:
    """The parts of a zipped document; names are compared without case, as Office does.

    Raises `zipfile.BadZipFile` for what is no zip. Parts are read when asked for, each one whole.
    """

    def __init__(self, content: bytes, uri: str) -> None:
        self.uri = uri
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        self._relations: dict[str, dict[str, Related]] = {}
        self._names = {_plain(entry.filename): entry for entry in self._archive.infolist() if not entry.is_dir()}

    def names(self) -> list[str]:
        """The parts as the archive lists them, in its order."""
        return [entry.filename for entry in self._names.values()]

    def read(self, path: str) -> bytes | None:
        """A part's bytes; None where there is no such part."""
        entry = self._names.get(_plain(path))
        return None if entry is None else self._archive.read(entry)

    def xml(self, path: str) -> Node | None:
        """A part's root element; None where there is no such part or nothing in it. Raises for XML that is broken."""
        raw = self.read(path)
        return xml_of(raw, self.uri) if raw and raw.strip() else None

    def related(self, path: str) -> dict[str, Related]:
        """What a part ('' for the package itself) is related to, by the relationship's id, in its order."""
        if path not in self._relations:
            folder, name = posixpath.split(path)
            root = self.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
            nodes = [] if root is None else elements(root)
            self._relations[path] = {str(node.get("Id")): _related(node, folder) for node in nodes}
        return self._relations[path]

    def first(self, path: str, kind: str) -> str:
        """The name of the first part of this kind that a part is related to; '' for none."""
        return next((found.path for found in self.related(path).values() if found.kind == kind and found.path), "")


def xml_of(raw: bytes, uri: str) -> Node:
    """The root of an XML document, without comments; one that declares entities is refused: their text would be lost."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    plain = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", raw)
    root: Node = as_legal(plain, lambda xml: etree.fromstring(xml, parser))
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise DocumentError("entities", f"{uri}: declares XML entities of its own", hint="save it again, or exclude it")
    return root


def as_legal(raw: bytes, read: Callable[[bytes], T]) -> T:
    """What is read of XML; where it is broken, without the control characters that it forbids and programs write all the same."""
    try:
        return read(raw)
    except etree.XMLSyntaxError:
        legal = raw if b"\0" in raw[:200] else _FORBIDDEN.sub(b"", raw)
        if legal == raw:
            raise
    return read(legal)


def local(node: Node) -> str:
    """An element's name without its namespace; '' for what is no element."""
    tag = node.tag
    return tag[tag.rfind("}") + 1 :] if isinstance(tag, str) else ""


def elements(node: Node) -> Iterator[Node]:
    """The children that are elements."""
    return (child for child in node if isinstance(child.tag, str))


def child(node: Node | None, *path: str) -> Node | None:
    """The first descendant along a path of local names; None where a step is missing."""
    for name in path:
        node = None if node is None else next((below for below in node if local(below) == name), None)
    return node


def whole(value: str | None, default: int, most: int = 1 << 20) -> int:
    """An attribute as a number of at most `most`; the default where it is none."""
    try:
        return max(-1, min(int(float(value)), most)) if value else default
    except (ValueError, OverflowError):
        return default


def is_on(switch: Node | None, name: str) -> bool:
    """Whether a property that is on by being there (`<w:vanish/>`) is on."""
    return switch is not None and str(switch.get(name, "true")).lower() not in ("0", "false", "off", "none")


def _related(node: Node, folder: str) -> Related:
    kind = str(node.get("Type") or "").rsplit("/", 1)[-1]
    target = str(node.get("Target") or "")
    if str(node.get("TargetMode") or "").lower() == "external" or not target:
        return Related(kind, "")
    return Related(kind, posixpath.normpath(posixpath.join("/", folder, target.replace("\\", "/"))).lstrip("/"))


def _plain(name: str) -> str:
    return unquote(name.replace("\\", "/").lstrip("/")).lower()
