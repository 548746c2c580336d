"""What a stranger's words look like where people read them: the one place where text becomes terminal, log or error text.

Control characters (ESC, BEL, backspace, C1), characters that reverse the order of reading, line separators and lone surrogates
show as escapes (`\\x1b`, `\\u202e`): nothing that a document, a file name or a commit's author says can move the cursor, colour a
terminal, forge a line of a log, or fail to be encoded. Pure; markup is the business of whoever writes it.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\uffff"
    "\U000e0000-\U000e007f]"
)
_BREAKS = re.compile(r"[ \t\r\n\x0b\x0c\x85\u2028\u2029]+")


def terminal(text: str) -> str:
    """The text with line ends and tabs as they are, and whatever else is not to be seen as an escape; idempotent."""
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escaped, text.replace("\r\n", "\n"))


def line(text: str, limit: int = 0) -> str:
    """As `terminal`, in one line; with a limit, cut there and so marked."""
    flat = terminal(_BREAKS.sub(" ", text).strip(" "))
    return flat if not limit or len(flat) <= limit else flat[: limit - 1] + "…"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 document`, `1,200 documents`, `2 queries`; `many` where a verb goes with it: `document is`, `documents are`."""
    return f"{number:,} {one if number == 1 else many or _many(one)}"


def _many(one: str) -> str:
    if one.endswith("y") and one[-2:-1] not in "aeiou":
        return f"{one[:-1]}ies"
    return f"{one}es" if one.endswith(("s", "x", "ch", "sh")) else f"{one}s"


def address(url: str) -> str:
    """A server's address without what may be a secret: user, password, and the values of its query."""
    head, marked, rest = url.partition("://")
    if not marked:
        return url
    place, asks, query = rest.rpartition("@")[2].partition("?")
    names = "&".join(f"{part.partition('=')[0]}=…" for part in query.split("&")) if asks else ""
    return f"{head}://{place}{asks}{names}"


def json_text(text: str) -> str:
    """JSON with whatever is not to be seen as JSON's own escapes: the same value, and nothing in it acts on a terminal."""
    return text if text.isascii() and "\x7f" not in text else _UNSAFE.sub(lambda found: _json_escape(found.group()), text)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _escaped(found: re.Match[str]) -> str:
    point = ord(found.group())
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
