"""What a file says about itself outside its text: title, author, last change, language. Small, plain, and never an error.

A permission that stands there (`STATED`), as a property of its own or in free words (keywords, a comment), is read by nothing,
and is for its reader's caller to refuse. What a sensitivity label says besides is in `ingest.labels`.
A title that a program gives to what nobody named (`Document1`, `untitled`, `PowerPoint Presentation`) is none. Where a file
does not say when it was changed last, `date` is when it was made. `language` is for the document's own, not for its metadata.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree

from ingest import canonical, front_block, labels, olenames
from ingest.front_keys import permission
from ingest.headers import header
from ingest.labels import Labels
from ingest.markup import parsed

Properties = dict[str, str]
STATED = "stated_permission"
"""The name of a property that says who may read the file, or nearly does."""

_CORE = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/terms/}modified": "last_modified",
    "{http://purl.org/dc/terms/}created": "date",
    "{http://purl.org/dc/elements/1.1/}language": "language",
}
_FREE = frozenset(("keywords", "description", "subject", "category", "keyword", "comments", "contentStatus"))
"""Properties into which people write what they like, also `access_tags: hr`."""
_LARGEST_PART, _MOST_PARTS = 1_000_000, 50
_XMP = re.compile(rb"<x:xmpmeta\b.{0,1000000}?</x:xmpmeta>", re.DOTALL)
_JSON_KEY = re.compile(r"\"([^\"\\\n]{2,60})\"\s*:")
_BODY, _HTML_COMMENT = re.compile(r"<body\b", re.IGNORECASE), re.compile(r"<!--(.*?)-->", re.DOTALL)
_UNNAMED = re.compile(
    r"(?:untitled|unbenannt|ohne titel|sans titre|sin título|senza titolo|document|dokument|documento|presentation|präsentation|"
    r"présentation|presentación|book|mappe|classeur|libro|workbook|slide|folie|(?:microsoft )?powerpoint[ -](?:presentation|"
    r"präsentation)|présentation powerpoint|presentación de powerpoint|microsoft (?:word|excel|powerpoint)|\(?anonymous\)?|"
    r"\(?unspecified\)?|none|null|no title|title)[\s_-]*\d*",
    re.IGNORECASE,
)
"""What programs call a file that nobody named."""
_NOBODY = frozenset((
    "python-docx", "python-pptx", "openpyxl", "xlsxwriter", "apache poi", "docx4j", "phpword", "phpspreadsheet",
    "unknown creator", "anonymous", "(anonymous)", "unknown", "(unspecified)", "unknown author", "un-named", "none",
))  # fmt: skip
"""Whom programs name as the author of what nobody put a name to."""
_PRINTED_BY = re.compile(r"Microsoft (?:Office )?(?:Word|PowerPoint|Excel|Publisher|Visio) - ")
_SUFFIX = re.compile(r"\.(?:docx?|pptx?|xlsx?|rtf|od[tps]|indd|qxp|tmp|dvi|tex|ps)$", re.IGNORECASE)
_DATED = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?")
_MADE = ("article:published_time", "datepublished", "dcterms.created", "dc.date", "dcterms.date", "date")
_CHANGED = ("article:modified_time", "og:updated_time", "datemodified", "dcterms.modified", "last-modified", "revised")


def of_html(text: str) -> Properties:
    """Title, author, description, days, language and canonical address of a page's head; its first `h1` where it has no title."""
    root = parsed(text)
    if root is None:
        return {}
    named = (
        (m.get(name), m.get("content")) for name in ("itemprop", "property", "http-equiv", "name") for m in root.iter("meta")
    )
    metas = {str(name).lower(): str(content or "") for name, content in named if name}
    days = [next((metas[n] for n in names if _DATED.fullmatch(metas.get(n, "").strip())), None) for names in (_MADE, _CHANGED)]
    titles = [node for node in root.iter("title") if not any(True for _ in node.iterancestors("svg"))]
    heading = next((node.text_content() for node in root.iter("h1")), None)
    return _kept(
        title=next((node.text_content() for node in titles), "") or metas.get("og:title") or heading,
        author=metas.get("author"),
        description=metas.get("description"),
        date=days[0],
        last_modified=days[1],
        language=root.get("lang") or root.get("xml:lang"),
        canonical_uri=_canonical(root),
        **{STATED: permission_of_page(root, text)},
    )


def permission_of_page(root: Any, text: str) -> str:
    """The key by which a page says who may read it: in a `meta` or `link`, an attribute of the whole page, a comment of its head,
    its keywords, or what it says of itself in JSON-LD; empty without one."""
    metas = [*root.iter("meta")]
    names = [str(m.get(name) or "").rpartition(":")[2] for m in metas for name in ("name", "property", "itemprop", "http-equiv")]
    names += [str(link.get(name) or "") for link in root.iter("link") for name in ("rel", "itemprop")]
    tops = (node for node in (root, root.find("./body")) if node is not None)
    names += [str(key).removeprefix("data-") for node in tops for key in node.attrib]
    scripts = (node.text or "" for node in root.iter("script") if "json" in str(node.get("type") or ""))
    names += [key for script in scripts for key in _JSON_KEY.findall(script)]
    words = [str(m.get("content") or "") for m in metas if str(m.get("name") or "").lower() == "keywords"]
    begun = _BODY.search(text)
    words += _HTML_COMMENT.findall(text, 0, begun.start() if begun else front_block.HEAD)
    return stated(names, words).get(STATED, "")


def _canonical(root: Any) -> str | None:
    links = (str(link.get("href") or "") for link in root.iterfind("./head/link") if "canonical" in _words(link.get("rel")))
    shared = (str(m.get("content") or "") for m in root.iterfind("./head/meta") if "og:url" in _words(m.get("property")))
    base = root.find("./head/base")
    return canonical.of_page(links, shared, str(base.get("href") or "") if base is not None else "")


def _words(value: str | None) -> list[str]:
    return (value or "").lower().split()


def stated(names: Iterable[str], words: Iterable[str | None] = (), label: Labels = labels.NONE) -> Properties:
    """What names of properties and free words say of who may read, and what labels do; nothing of most files."""
    found = permission(names) or next(filter(None, (front_block.grants(said or "") for said in words)), "") or label.permission
    return _kept(**{STATED: found, labels.SENSITIVITY: ", ".join(label.names)})


def of_office(content: bytes) -> Properties:
    """The core properties of an Office Open XML file (DOCX, PPTX, XLSX), and whether it says elsewhere who may read it: among
    its own properties, in the columns of a SharePoint library (`customXml/`), in variables and labels.
    """
    with _parts(content) as (names, part):
        core, custom = part("docProps/core.xml"), part("docProps/custom.xml")
        columns = [name for name in names if re.fullmatch(r"customXml/item\d+\.xml", name)][:_MOST_PARTS]
        own = [str(node.get("name") or "") for node in custom]
        pairs = [(name, "".join(node.itertext())) for name, node in zip(own, custom, strict=True)]
        marked = [_local(node) for column in columns for top in part(column) for node in top.iter("{*}*")]
        held = (node for kept in part("word/settings.xml") if _local(kept) == "docVars" for node in kept)
        variables = [value for node in held for name, value in node.items() if name.endswith("}name")]
        label = labels.of_info(part("docMetadata/LabelInfo.xml")).beside(labels.of_pairs(pairs))
    found = {_CORE[node.tag]: node.text for node in core if node.tag in _CORE}
    return named(**found, **stated([*own, *marked, *variables], (node.text for node in core if _local(node) in _FREE), label))


@contextmanager
def _parts(content: bytes) -> Iterator[tuple[list[str], Callable[[str], Sequence[Any]]]]:
    """What the parts of an Office file are called, and the elements of each; none of one that is not there, or broken."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (ValueError, OSError, zipfile.BadZipFile, NotImplementedError):
        yield [], lambda _: ()
        return

    def part(name: str) -> Sequence[Any]:
        try:
            if archive.getinfo(name).file_size > _LARGEST_PART:
                return ()
            raw = archive.read(name)
            return [*etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True)).iterchildren("{*}*")]
        except (KeyError, ValueError, OSError, zipfile.BadZipFile, NotImplementedError, etree.XMLSyntaxError):
            return ()

    with archive:
        yield archive.namelist(), part


def _local(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]


def of_ole(content: bytes) -> Properties:
    """Title, author and last change of a file of an old Office program, from its summary stream; and what its own properties
    and free words say of who may read it."""
    import olefile

    try:
        with olefile.OleFileIO(content) as ole:
            own = olenames.user_defined(ole)
            about = ole.get_metadata()
            codec = f"cp{about.codepage}" if about.codepage and about.codepage > 0 and about.codepage != 65001 else "utf-8"
            free = ("keywords", "comments", "subject", "category")
            texts = {name: getattr(about, name) for name in ("title", "author", *free)}
            said = {name: text.decode(codec, "replace").rstrip("\0") for name, text in texts.items() if isinstance(text, bytes)}
            words = [said.pop(name, "") for name in free]
            times = {"last_modified": about.last_saved_time, "date": about.create_time}
            known = {name: at.isoformat() for name, at in times.items() if isinstance(at, datetime) and at.year > 1970}
            return named(**said, **known, **stated(own, words, labels.of_pairs(own.items())))
    except Exception:  # a broken summary raises anything; the text is what counts
        return {}


_META = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"
_ODF = {
    "{http://purl.org/dc/elements/1.1/}title": "title",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}initial-creator": "author",
    "{http://purl.org/dc/elements/1.1/}creator": "author",
    "{http://purl.org/dc/elements/1.1/}date": "last_modified",
    "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}creation-date": "date",
    "{http://purl.org/dc/elements/1.1/}language": "language",
}


def of_odf(meta: Any | None) -> Properties:
    """The metadata of an OpenDocument file, from the root of its `meta.xml` or of the flat file; the last author counts."""
    found = {} if meta is None else {name: node.text for tag, name in _ODF.items() for node in meta.iter(tag)}
    own = [] if meta is None else [*meta.iter(f"{_META}user-defined")]
    pairs = [(str(node.get(f"{_META}name") or ""), "".join(node.itertext())) for node in own]
    words = [node.text for node in meta.iter("{*}*") if _local(node) in _FREE] if meta is not None else []
    return named(**found, **stated((name for name, _ in pairs), words, labels.of_pairs(pairs)))


def of_opf(package: Any | None) -> Properties:
    """Title, author, day and language of an e-book, from its package document."""
    names = {"title": "title", "creator": "author", "date": "date", "language": "language"}
    found: dict[str, str | None] = {}
    for node in package.iter("{http://purl.org/dc/elements/1.1/}*") if package is not None else ():
        found.setdefault(names.get(str(node.tag).rpartition("}")[2], ""), node.text)
    found.pop("", None)
    own = package.iter("{*}meta") if package is not None else ()
    words = [node.text for node in package.iter("{*}subject", "{*}description")] if package is not None else []
    return _kept(**found) | stated((node.get("name") or node.get("property") or "" for node in own), words)


def of_email(message: EmailMessage) -> Properties:
    """Subject, sender, recipients, date (ISO 8601, UTC where the message says its zone) and `mid:` address."""
    return _kept(
        title=header(message, "subject"),
        subject=header(message, "subject"),
        **{"from": header(message, "from")},
        to=header(message, "to"),
        cc=header(message, "cc"),
        date=_date(message),
        canonical_uri=canonical.of_message(header(message, "message-id")),
    ) | stated(
        (name for part in message.walk() for name in part),
        (header(message, "keywords"), header(message, "comments")),
        labels.of_header(header(message, "msip_labels")),
    )


def of_pdf(reader: Any) -> Properties:
    """Title, author, date and language of a pypdf reader."""

    def tried(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except Exception:  # a broken or missing entry raises anything; the text is what counts
            return None

    info = tried(lambda: {str(key).lstrip("/"): str(value) for key, value in reader.metadata.items()}) or {}
    packet = tried(lambda: reader.trailer["/Root"]["/Metadata"].get_data()) or b""
    return named(
        title=tried(lambda: reader.metadata.title),
        author=tried(lambda: reader.metadata.author),
        last_modified=tried(lambda: reader.metadata.modification_date.isoformat()),
        date=tried(lambda: reader.metadata.creation_date.isoformat()),
        language=tried(lambda: reader.trailer["/Root"]["/Lang"]),
        **(stated(info, (info.get("Keywords"), info.get("Subject")), labels.of_pairs(info.items())) | of_packet(packet)),
    )


def of_packet(packet: bytes) -> Properties:
    """What a packet of XMP (ISO 16684-1) says of who may read: the name of an element or attribute, or words in one."""
    text = packet[:_LARGEST_PART].decode("utf-8", "replace").replace("\0", "")
    found = front_block.marked(text, len(text)) or front_block.grants(text)
    return {STATED: found} if found else {}


def of_picture(content: bytes) -> Properties:
    """What the packets of XMP within a picture say of who may read it."""
    return next(filter(None, map(of_packet, _XMP.findall(content))), {})


def named(**values: Any) -> Properties:
    """What a program's file says of itself: no title that nobody gave it, and when it was made only where nothing says more."""
    about = _kept(**values)
    title = _SUFFIX.sub("", _PRINTED_BY.sub("", about.pop("title", "")))
    if "last_modified" in about:
        about.pop("date", None)
    if about.get("author", "").lower() in _NOBODY:
        del about["author"]
    return ({"title": title} if title and not _UNNAMED.fullmatch(title) else {}) | about


def _date(message: EmailMessage) -> str | None:
    """When a message was sent, in the form of mail or in ISO 8601; where it does not say, when it arrived."""
    said = header(message, "date")
    received = header(message, "received").rpartition(";")[2]
    return _moment(said) or (None if _DATED.match(said) else said) or _moment(received)


def _moment(said: str) -> str | None:
    try:
        at = datetime.fromisoformat(said.strip()) if _DATED.match(said.strip()) else parsedate_to_datetime(said)
        return (at.astimezone(UTC) if at.tzinfo else at).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _kept(**values: str | None) -> Properties:
    cleaned = {name: " ".join(str(value or "").encode("utf-8", "replace").decode().split()) for name, value in values.items()}
    return {name: value for name, value in cleaned.items() if value}
