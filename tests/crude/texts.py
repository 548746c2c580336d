"""The words of text formats and mail, taken crudely: patterns and the standard library, nothing of Sluice's.

What a browser does not show is cut first (scripts, styles, comments, `del`), and what is around a page's text
(`nav`, `button`, what is outside `main`): those, and the alternative of a mail that was not chosen, are the only reasons
for a word to be in the file and not in the text.
"""

from __future__ import annotations

import csv
import email
import email.policy
import html
import io
import json
import re
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser

from tests.crude.words import words

_GONE = frozenset(
    (
        *("script", "style", "template", "noscript", "datalist", "del", "head", "title", "iframe", "nav", "button", "rp"),
        *("video", "audio", "canvas", "progress", "meter"),
    )
)
_VOID = frozenset(("br", "img", "input", "hr", "meta", "link", "wbr", "area", "base", "col", "embed", "source", "track"))
_INLINE = frozenset(
    [
        "a",
        "b",
        "i",
        "em",
        "strong",
        "span",
        "font",
        "code",
        "u",
        "s",
        "small",
        "big",
        "sub",
        "sup",
        "abbr",
        "tt",
        "kbd",
        "wbr",
        "mark",
        "q",
        "cite",
        "var",
        "samp",
        "ins",
        "label",
        "bdi",
        "bdo",
        "strike",
        "o:p",
        "time",
        "mi",
        "mn",
        "mo",
        "math",
    ]
)


class _Page(HTMLParser):
    """Text nodes, with a space wherever a tag stands that is no formatting."""

    def __init__(self, chrome: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._gone = _GONE if chrome else _GONE - {"nav", "button"}
        self._closed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append("" if tag in _INLINE else " ")
        if tag in self._gone and tag not in _VOID:
            self._closed.append(tag)
        if tag == "img" and not self._closed:
            self.parts.append(f" {dict(attrs).get('alt') or ''} ")

    def handle_endtag(self, tag: str) -> None:
        self.parts.append("" if tag in _INLINE else " ")
        if tag in self._closed:
            del self._closed[self._closed.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._closed:
            self.parts.append(data)


def numbered(text: str) -> str:
    """JSON's letters that are written as numbers, as letters."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda at: chr(int(at[1], 16)) if int(at[1], 16) > 127 else at[0], text)


def decoded(content: bytes) -> str:
    """A mark, UTF-8, what is declared, Windows' Western."""
    for mark, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace")
    if content[1::2].count(0) > len(content) // 3:
        return content.decode("utf-16-le")
    try:
        # Signs that were encoded twice (`Â£`, `â` and two characters that nobody sees) are what they were.
        return re.sub(
            "\xc2[\x80-\xbf]|\xe2[\x80-\xbf]{2}", lambda twice: twice[0].encode("latin-1").decode(), content.decode("utf-8")
        )
    except UnicodeDecodeError:
        pass
    text = content.decode("utf-8", "replace")
    return text if text.count("\ufffd") < 3 and not text.isascii() and len(text) > 500 else content.decode("cp1252", "replace")


def page(text: str, *, chrome: bool = True) -> str:
    """An HTML page; with `chrome` only its `main`, where there is one."""
    mains = re.findall(r"<main\b.*?</main>", text, re.DOTALL | re.IGNORECASE) if chrome else []
    reader = _Page(chrome)
    reader.feed(" ".join(mains) if any(re.sub(r"<[^>]*>", "", main).strip() for main in mains) else text)
    reader.close()
    return "".join(reader.parts)


def markdown(text: str) -> str:
    """Markdown without front matter, comments, link targets and tags."""
    for pattern, flags in [
        (r"\A(?:\s|<!--.*?-->)*---\n.*?\n---\n", re.DOTALL),
        (r"^[\s>]*\d+[.)]\s", re.MULTILINE),  # shown as the list counts, not as written
        (r"<!--.*?-->|<(style|script|iframe)\b.*?</\1>", re.DOTALL | re.IGNORECASE),
        (r"^ {0,3}\[[^\]^][^\]]*\]:\s*\S+.*$|^[\s>]*(```|~~~).*$", re.MULTILINE),
        (r"</?[a-zA-Z][a-zA-Z0-9]*(\s[^<>]*)?/?>", 0),
    ]:
        text = re.sub(pattern, " ", text, flags=flags)
    link = r"!?\[([^\[\]]*)\](?:\((?:[^()\s]|\([^()]*\))*(?:\s+\"[^\"]*\"|\s+'[^']*')?\s*\)|\[[^\]]*\])"
    for _ in range(2):  # a picture may be what a link shows
        text = re.sub(link, r"\1", text)
    return re.sub(r"[*~`\\]", "", html.unescape(text))


def cells(text: str) -> str:
    """All cells, whatever separates them."""
    return re.sub(r"[\"';|,\t]", " ", re.sub(r"\Asep=.\r?\n", "", text))


def notebook(text: str) -> str:
    """Sources and outputs that are text."""
    return "\n".join(_notebook(json.loads(text)))


def _notebook(book: dict[str, object]) -> Iterator[str]:
    for cell in book["cells"]:  # type: ignore[attr-defined]
        source = "".join(cell["source"])
        yield markdown(source) if cell["cell_type"] == "markdown" else source
        for output in cell.get("outputs", ()):
            yield "".join(output.get("text", ()))
            data = output.get("data", {})
            if not any(name.startswith("image/") for name in data):
                yield (
                    page("".join(data["text/html"]), chrome=False) if "text/html" in data else "".join(data.get("text/plain", ()))
                )


def xml(text: str) -> str:
    return html.unescape(re.sub(r"<!--.*?-->|<[^>]*>", " ", text, flags=re.DOTALL))


def mail(content: bytes) -> str:
    """Every text part that is no file; of alternatives the longest."""
    if b"\0" in content[:200]:
        content = decoded(content).encode()
    return _mail(email.message_from_bytes(content, policy=email.policy.compat32))


def _mail(part: Message) -> str:
    if part.is_multipart():
        texts = [_mail(child) for child in part.get_payload()]  # type: ignore[arg-type]
        if part.get_content_type() == "multipart/alternative":
            return max(texts, key=lambda text: words(re.sub(r"\S+://\S+", "", text)).total(), default="")
        return "\n".join(texts)
    is_file = str(part.get("Content-Disposition") or "").lower().startswith("attachment")
    if part.get_content_maintype() != "text" or is_file or part.get_content_subtype() not in ("plain", "html"):
        return ""
    raw = part.get_payload(decode=True)
    text = decoded(raw if isinstance(raw, bytes) else b"")
    return page(text, chrome=False) if part.get_content_subtype() == "html" else text


def rows(text: str, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


CRUDE = {
    "html": lambda content: page(decoded(content)),
    "markdown": lambda content: markdown(decoded(content)),
    "text": decoded,
    "code": lambda content: numbered(decoded(content)),
    "csv": lambda content: cells(decoded(content)),
    "tsv": lambda content: cells(decoded(content)),
    "xml": lambda content: xml(decoded(content)),
    "notebook": lambda content: notebook(decoded(content)),
    "email": mail,
}
"""Format → its words from bytes, as one text."""
