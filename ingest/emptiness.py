"""Whether bytes hold words, by a crude look that no reader shares: an empty parse of them is then a failure, not `empty`.

For text formats and the zipped ones of offices; of any other nothing is said. What is markup, a comment, a script or hidden from
people is no word. Pure, linear, and never an error.
"""

from __future__ import annotations

import io
import re
import zipfile

from ingest import front_block, markup
from ingest.decode import decode
from ingest.formats import TEXT, Format
from ingest.remarks import without_remarks
from sluice.errors import DocumentError

_WORD = re.compile(r"[^\W_]")
_NO_TEXT = re.compile(
    r"<!--.{0,20000}?-->|<(script|style|template|head|noscript)\b.{0,20000}?</\1\s*>|<[^<>]{0,2000}>|!?\[[^\]]{0,500}\]\([^)]{0,2000}\)"
    r"|^ {0,3}\[[^\]]{1,200}\]:[^\n]*$|&#?\w{1,30};",
    re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_MODULES = re.compile(r"^(?:import|export) [^\n]*$", re.MULTILINE)
"""MDX, which may show nothing but a component."""
_PARTS: dict[str, tuple[str, bytes]] = {
    "docx": ("word/document.xml", rb"<w:t(?:\s[^>]*)?>[^<]*[^\s<]"),
    "pptx": ("ppt/slides/slide", rb"<a:t(?:\s[^>]*)?>[^<]*[^\s<]"),
    "xlsx": ("xl/sharedStrings.xml", rb"<t(?:\s[^>]*)?>[^<]*[^\s<]"),
}
_MOST = 20_000_000


def holds_words(content: bytes, kind: Format) -> bool:
    """Whether a person would find words in these bytes; False where that cannot be told."""
    try:
        if kind in TEXT:
            return _in_text(decode(content, declared=kind in ("html", "xml")), kind)
        return kind in _PARTS and _in_archive(content, *_PARTS[kind])
    except (DocumentError, zipfile.BadZipFile, ValueError, OSError, NotImplementedError, KeyError, EOFError):
        return False


def _in_text(text: str, kind: Format) -> bool:
    if kind in ("html", "xml"):
        return bool(_WORD.search(_NO_TEXT.sub(" ", text)) and _WORD.search(markup.visible_text(text)))
    if kind == "markdown":
        text = without_remarks(text)
        block = front_block.find(text)
        return bool(_WORD.search(_NO_TEXT.sub(" ", _MODULES.sub("", text[block.end if block else 0 :]))))
    return bool(_WORD.search(text))


def _in_archive(content: bytes, part: str, words: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.startswith(part) and archive.getinfo(name).file_size <= _MOST]
        return any(re.search(words, archive.read(name)) for name in names[:50])
