"""Which format a document is: by its name first, then by what the source said, then by its first bytes.

Nothing here depends on what the machine has installed (libmagic, /etc/mime.types): the same document is the same
format everywhere.
"""

from __future__ import annotations

import io
import zipfile
from typing import Literal

Format = Literal[
    "markdown", "html", "xml", "text", "code", "csv", "tsv", "email", "msg", "pdf", "docx", "pptx", "xlsx", "xls",
    "xlsb", "doc", "ppt", "rtf", "odt", "ods", "odp", "epub", "image", "binary",
]  # fmt: skip

TEXT: frozenset[Format] = frozenset({"markdown", "html", "xml", "text", "code", "csv", "tsv"})

_CODE = (
    "py pyi js mjs ts tsx jsx java kt scala go rs c h cc cpp hpp cs php rb pl lua r jl swift m sql sh bash zsh ps1 bat css scss "
    "less vue dart ex exs erl hs clj tf hcl proto graphql json jsonl ndjson yaml yml toml ini cfg conf env properties "
    "dockerfile makefile gradle ipynb"
)
_EXTENSIONS: dict[str, Format] = {
    "md": "markdown", "markdown": "markdown", "mdx": "markdown",
    "html": "html", "htm": "html", "xhtml": "html",
    "xml": "xml", "xsl": "xml", "xslt": "xml", "xsd": "xml", "rss": "xml", "atom": "xml", "svg": "xml",
    "txt": "text", "text": "text", "log": "text", "rst": "text", "org": "text", "adoc": "text", "tex": "text", "srt": "text",
    "csv": "csv", "tsv": "tsv", "tab": "tsv",
    "eml": "email", "mht": "email", "mhtml": "email", "p7s": "email", "msg": "msg",
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
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "code",
    "message/rfc822": "email",
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
    (OLE, "doc"),
    (b"{\\rtf", "rtf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"\x1f\x8b", "binary"),
    (b"\x7fELF", "binary"),
)
_INSIDE: tuple[tuple[str, Format], ...] = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"), ("content.xml", "odt"))


def format_of(uri: str, media_type: str | None, content: bytes) -> Format:
    """The format of a document; `text` where nothing says otherwise.

    A web address says nothing (`https://example.rs` is no Rust): there the server's media type comes first.
    """
    said = _MEDIA_TYPES.get((media_type or "").partition(";")[0].strip().lower())
    if uri.startswith(("http://", "https://")) and said not in (None, "text"):
        return said
    name = uri.rsplit("/", 1)[-1].lower()
    named = _EXTENSIONS.get(name.rsplit(".", 1)[-1])
    if named is not None:
        return named
    # Servers say text/plain for what they do not know; then the bytes know better.
    return said if said not in (None, "text") else _sniffed(content)


def _sniffed(content: bytes) -> Format:
    for magic, found in _MAGIC:
        if content.startswith(magic):
            return found
    if content.startswith(b"PK\x03\x04"):
        return _inside_zip(content)
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "html"
    return "xml" if head.startswith(b"<?xml") else "text"


def _inside_zip(content: bytes) -> Format:
    try:
        names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return "binary"
    return next((found for prefix, found in _INSIDE if any(name.startswith(prefix) for name in names)), "binary")
