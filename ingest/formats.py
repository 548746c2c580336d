"""Which format a document is: by what its first bytes prove, then by what the source said, then by its name.

Bytes that begin like a PDF, an archive, a picture or an Office file are that, whatever they are called; a name or a media
type that promises such a file, and bytes that are a page, rows of cells or text, are read as what they are. Among formats of
text (Markdown, CSV, code, a calendar) no byte tells, so the media type decides, unless it is one that servers use for what
they do not know. A uri that is no file's name (`RawItem.named`) has no extension: `invoice.pdf` may be a row's key.

Nothing here depends on what the machine has installed (libmagic, /etc/mime.types): the same document is the same
format everywhere.

Over 300 lines: a third of them are tables of names.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import Literal

Format = Literal[
    "markdown", "html", "xml", "text", "code", "csv", "tsv", "email", "msg", "pdf", "docx", "pptx", "xlsx", "xls",
    "xlsb", "doc", "ppt", "rtf", "odt", "ods", "odp", "epub", "image", "binary", "notebook", "calendar", "mbox",
]  # fmt: skip

TEXT: frozenset[Format] = frozenset({"markdown", "html", "xml", "text", "code", "csv", "tsv"})
"""Formats whose raw text is their bytes, decoded."""

_CODE = (
    "py pyi js mjs ts tsx jsx java kt scala go rs c h cc cpp hpp cs php rb pl lua r jl swift m sql sh bash zsh ps1 bat css scss "
    "less vue dart ex exs erl hs clj tf hcl proto graphql json jsonl ndjson yaml yml toml ini cfg conf env properties "
    "dockerfile makefile gradle"
)
_EXTENSIONS: dict[str, Format] = {
    **dict.fromkeys(("md", "markdown", "mdx", "mkd", "mkdn", "mdown", "mdwn", "qmd", "rmd"), "markdown"),
    "html": "html", "htm": "html", "xhtml": "html",
    **dict.fromkeys(("xlf", "xliff", "opml", "plist", "resx", "ttml", "dita", "ditamap", "kml", "gpx", "tmx", "wsdl"), "xml"),
    "xml": "xml", "xsl": "xml", "xslt": "xml", "xsd": "xml", "rss": "xml", "atom": "xml", "svg": "xml",
    "txt": "text", "text": "text", **dict.fromkeys(("log", "srt", "vtt", "sbv", "ass", "ssa"), "text"),
    **dict.fromkeys(("rst", "org", "adoc", "asciidoc", "asc", "tex"), "text"),
    "csv": "csv", "psv": "csv", "tsv": "tsv", "tab": "tsv",
    "eml": "email", "emlx": "email", "mht": "email", "mhtml": "email", "p7s": "email", "p7m": "email", "msg": "msg",
    **dict.fromkeys(("ics", "ical", "ifb", "vcs", "vcf"), "calendar"), "mbox": "mbox", "ipynb": "notebook",
    "pdf": "pdf", "rtf": "rtf", "epub": "epub",
    "docx": "docx", "docm": "docx", "dotx": "docx", "dotm": "docx", "doc": "doc", "dot": "doc",
    "pptx": "pptx", "pptm": "pptx", "ppsx": "pptx", "ppsm": "pptx", "potx": "pptx", "potm": "pptx",
    "ppt": "ppt", "pps": "ppt", "pot": "ppt",
    "xlsx": "xlsx", "xlsm": "xlsx", "xltx": "xlsx", "xltm": "xlsx", "xlsb": "xlsb", "xls": "xls", "xlt": "xls",
    "odt": "odt", "ott": "odt", "fodt": "odt", "ods": "ods", "ots": "ods", "fods": "ods", "odp": "odp", "otp": "odp",
    "fodp": "odp",
    "png": "image", "jpg": "image", "jpeg": "image", "gif": "image", "bmp": "image", "tif": "image", "tiff": "image",
    "webp": "image", "heic": "binary", "ico": "binary", "mp3": "binary", "mp4": "binary", "wav": "binary", "ogg": "binary",
    "mov": "binary", "avi": "binary", "webm": "binary", "zip": "binary", "gz": "binary", "tar": "binary", "7z": "binary",
    "rar": "binary", "exe": "binary", "dll": "binary", "so": "binary", "bin": "binary", "woff": "binary", "woff2": "binary",
    "ttf": "binary", "otf": "binary", "sqlite": "binary", "db": "binary", "parquet": "binary", "pyc": "binary",
}  # fmt: skip
_EXTENSIONS.update((extension, "code") for extension in _CODE.split())

_MEDIA_TYPES: dict[str, Format] = {
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/rss+xml": "xml",
    "application/atom+xml": "xml",
    "text/plain": "text",
    "text/vtt": "text",
    "application/x-subrip": "text",
    "text/calendar": "calendar",
    "text/x-vcalendar": "calendar",
    "text/vcard": "calendar",
    "application/x-ipynb+json": "notebook",
    "application/pkcs7-mime": "email",
    "application/x-pkcs7-mime": "email",
    "application/ms-tnef": "email",
    "application/vnd.ms-tnef": "email",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "code",
    "message/rfc822": "email",
    "application/mbox": "mbox",
    "application/vnd.ms-outlook": "msg",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-excel": "xls",
    "application/msword": "doc",
    "application/vnd.ms-powerpoint": "ppt",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "xlsb",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/epub+zip": "epub",
    **dict.fromkeys(("image/png", "image/jpeg", "image/gif", "image/bmp", "image/tiff", "image/webp"), "image"),
}

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"%PDF-", "pdf"),
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"\x78\x9f\x3e\x22", "email"),  # winmail.dat
    (b"\x1f\x8b", "binary"),
    (b"\x7fELF", "binary"),
    (b"SQLite format 3\0", "binary"),
    (b"7z\xbc\xaf\x27\x1c", "binary"),
    (b"Rar!\x1a\x07", "binary"),
    (b"ID3\x03", "binary"),
    (b"OggS\0", "binary"),
    (b"wOFF", "binary"),
    (b"wOF2", "binary"),
)
_INSIDE: tuple[tuple[str, Format], ...] = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
_PACKAGES: dict[bytes, Format] = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
    b"application/epub+zip": "epub",
}
"""What an archive says in its member `mimetype` (templates end in `-template`)."""
_STREAMS: tuple[tuple[str, Format], ...] = (
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("__properties_version1.0", "msg"),
    ("EncryptedPackage", "docx"),  # its reader says that it needs a password
)
_LAID_OUT: frozenset[Format] = frozenset(
    ("pdf", "docx", "pptx", "xlsx", "xls", "xlsb", "doc", "ppt", "rtf", "odt", "ods", "odp", "epub", "image", "binary", "msg")
)
"""Formats that their first bytes prove or refute."""
_ARCHIVED: frozenset[Format] = frozenset(("docx", "pptx", "xlsx", "xlsb", "odt", "ods", "odp", "epub"))
_LEGACY: frozenset[Format] = frozenset(("doc", "xls", "ppt", "rtf"))
_VAGUE = frozenset(
    ("", "text/plain", "application/octet-stream", "binary/octet-stream", "application/x-download", "application/force-download")
)
"""Media types that servers give to what they do not know."""
_LOCKS = re.compile(r"~\$.+|\.~lock\..+#", re.DOTALL)
_LOCK_BYTES = 1024
_PAGE = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|div|p)\b", re.IGNORECASE | re.DOTALL)
_WHOLE_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_MESSAGE = re.compile(r"(?:[!-9;-~]{1,60}:[^\n]*\n(?:[ \t][^\n]*\n)*){0,80}?MIME-Version:[ \t]*1", re.IGNORECASE)
"""Header fields, and among them the one that says that they are."""
_MAILBOX = re.compile(r"From \S[^\n]* \d{1,2}:\d\d[^\n]*\n(?:[!-9;-~]{1,60}:[^\n]*\n)")
"""The line that begins a message of an mbox, with a sender and a time, and a header field below it."""
_ELEMENT = re.compile(r"\s*(?:<!--.*?-->\s*)*<([A-Za-z_][\w:.-]*)(?:\s[^<>]*)?>", re.DOTALL)
_XML = re.compile(r"\s*<\?xml\b", re.IGNORECASE)
_FLAT = re.compile(
    rb"(?:<\?xml\b[^>]*>\s*)?(?>(?><!--.*?-->)\s*)*+<(?:[\w-]+:)?document\b[^>]*\s[\w-]+:mimetype=[\"']([\w./+-]+)[\"']",
    re.DOTALL,
)
"""An OpenDocument file in one piece (`.fodt`, `.fods`, `.fodp`), whatever it is called."""
_ROOT = rb"(?>(?><\?[^>]*\?>|<!--.*?-->)\s*)*+<(?:\w+:)?"
"""Atomic: two hundred comments in a row were as many ways to fail, and took hours."""
_WORKBOOK = re.compile(_ROOT + rb"Workbook\b[^>]*[\"']urn:schemas-microsoft-com:office:spreadsheet[\"']", re.DOTALL)
_FLAT_OFFICE = re.compile(_ROOT + rb"package\b[^>]*[\"']http://schemas\.microsoft\.com/office/2006/xmlPackage[\"']", re.DOTALL)
_WORD_2003 = re.compile(
    _ROOT + rb"wordDocument\b[^>]*[\"']http://schemas\.microsoft\.com/office/word/2003/wordml[\"']", re.DOTALL
)
"""A spreadsheet or a document of Office 2003 in XML, and an Office document since then in one piece, whatever they are called."""


def format_of(uri: str, media_type: str | None, content: bytes, *, named: bool = True) -> Format:
    """The format of a document; `text` where nothing says otherwise. `named`: whether the uri ends in a file's name."""
    stated = (media_type or "").partition(";")[0].strip().lower()
    said = None if stated in _VAGUE else _MEDIA_TYPES.get(stated)
    extension = _extension(uri) if named else ""
    promised = said or _EXTENSIONS.get(extension) or _MEDIA_TYPES.get(stated)
    proved = _proved(content, promised)
    if proved is not None:
        return proved
    if promised in _LAID_OUT and promised is not None:
        other = None if said is None or extension == "" else _EXTENSIONS.get(extension)
        return _instead(content, promised, other if other not in _LAID_OUT else None)
    if promised in ("html", "text") and b"mime-version:" in content[:8192].lower() and _MESSAGE.match(_head(content) or ""):
        return "email"  # a page saved with its pictures, by a program that calls it .html; a message saved as .txt
    if promised == "text" and _WHOLE_PAGE.match(content[:200]) and b"</html>" in content[-200:].lower():
        return "html"
    return promised or _sniffed(content)


def is_lock(uri: str, content: bytes) -> bool:
    """Whether a file is the note that an Office program leaves beside a document that is open: `~$x.docx`, `.~lock.x#`."""
    return len(content) <= _LOCK_BYTES and _LOCKS.fullmatch(uri.rsplit("/", 1)[-1]) is not None


def charset_of(media_type: str | None) -> str:
    """The charset that a media type names; "" for none."""
    found = re.search(r";\s*charset\s*=\s*\"?([\w.:-]+)", media_type or "", re.IGNORECASE)
    return found.group(1) if found else ""


def _extension(uri: str) -> str:
    """What follows the last dot of a uri's last part; of a web address only where it has a path."""
    if uri.startswith(("http://", "https://")):
        uri = re.split(r"[?#]", uri.partition("://")[2], maxsplit=1)[0]
        if "/" not in uri:
            return ""
    name = uri.rsplit("/", 1)[-1].lower()
    return name.rsplit(".", 1)[-1]


def _proved(content: bytes, promised: Format | None) -> Format | None:
    """What the first bytes leave no doubt about."""
    if content.startswith(b"PK\x03\x04"):
        return promised if promised in _ARCHIVED and not _elsewhere(content, promised) else _inside_zip(content)
    if content.startswith(OLE):
        return _inside_ole(content, promised)
    head = content[:8192].lstrip(b"\xef\xbb\xbf \t\r\n")
    plain = head.lstrip(b"\xff\xfe").replace(b"\0", b"") if head.startswith((b"\xff\xfe", b"\xfe\xff")) else head
    if _WORKBOOK.match(plain):
        return "xls"
    if _WORD_2003.match(plain):
        return "docx"
    if _FLAT_OFFICE.match(plain):
        return next((found for prefix, found in _INSIDE if f'"/{prefix}'.encode() in content), None)
    if flat := _FLAT.match(head):
        return _PACKAGES.get(flat.group(1).removesuffix(b"-template"))
    return next((found for magic, found in _MAGIC if head.startswith(magic)), None)


def _elsewhere(content: bytes, promised: Format) -> bool:
    """Whether an archive is an Office file of another kind than its name promises."""
    found = _inside_zip(content)
    return found != "binary" and found != promised and (promised, found) != ("xlsb", "xlsx")


def _instead(content: bytes, promised: Format, other: Format | None) -> Format:
    """What bytes are that cannot be what was promised: a page, rows, a message, text; else left to its reader to refuse."""
    text = _head(content)
    if text is None:
        return promised
    if _PAGE.match(text):
        return "html"
    if _XML.match(text):
        flat = promised in ("odt", "ods", "odp") and re.search(r"<(?:[\w-]+:)?document\b", text) is not None
        return promised if flat else "html" if re.search(r"<html\b", text, re.IGNORECASE) else "xml"
    if _MESSAGE.match(text):
        return "email"
    if other is not None:
        return other
    if promised in ("xls", "xlsx", "xlsb", "ods") and _has_rows(text):
        return "csv"
    return "text" if promised in _LEGACY or promised in ("binary", "image") else promised


def _head(content: bytes) -> str | None:
    """The beginning as text; None where it is none."""
    from ingest.decode import decode
    from sluice.errors import DocumentError

    try:
        return decode(content[:8192])
    except DocumentError:
        return None


def _has_rows(text: str) -> bool:
    lines = [line for line in text.splitlines()[:20] if line.strip()][:-1]
    return any(len(lines) > 0 and all(line.count(delimiter) >= 1 for line in lines) for delimiter in "\t;,|")


def _sniffed(content: bytes) -> Format:
    text = _head(content) or ""
    if text.startswith(("BEGIN:VCALENDAR", "BEGIN:VCARD")):
        return "calendar"
    if _MAILBOX.match(text):
        return "mbox"
    if _MESSAGE.match(text):
        return "email"
    if re.match(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", text, re.IGNORECASE | re.DOTALL):
        return "html"
    root = _ELEMENT.match(text)
    return "xml" if _XML.match(text) or (root and content.rstrip().endswith(f"</{root[1]}>".encode())) else "text"


def _inside_zip(content: bytes) -> Format:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        names = archive.namelist()
        if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
            kind = archive.read("mimetype").strip().removesuffix(b"-template")
            return _PACKAGES.get(kind, "binary")
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return "binary"
    if "xl/workbook.bin" in names:
        return "xlsb"
    return next((found for prefix, found in _INSIDE if any(name.startswith(prefix) for name in names)), "binary")


def _inside_ole(content: bytes, promised: Format | None) -> Format:
    """Which program wrote a compound file, by its streams; where none is known, what was promised, or a Word document."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(content)) as streams:
            names = {entry[0] for entry in streams.listdir()}
    except Exception:  # broken files raise several types, and a struct error
        names = set()
    found = next((kind for stream, kind in _STREAMS if stream in names), None)
    if found == "docx":
        return promised if promised in ("docx", "pptx", "xlsx") else "docx"
    if found is not None:
        return found
    return promised if promised in _LAID_OUT and promised not in ("pdf", "image", "binary", None) else "doc"
