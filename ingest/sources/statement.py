"""A SQL query as text: what of it is comment, string or name, whatever the database; enough to tell one query from two.

Known: `-- …`, `# …` at a line's start, `/* … */` (nested too), 'strings' (doubled or escaped quotes), "names", `names`, [names],
and PostgreSQL's $tag$ strings $tag$. What is between them is the statement.
"""

from __future__ import annotations

import re

_TOKENS = tuple(
    re.compile(
        r"--[^\n]*|^[ \t]*#[^\n]*|/\*|'(?:[^'"
        + inside
        + r")*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`|(\$(?:[A-Za-z_]\w*)?\$).*?\1|;",
        re.DOTALL | re.MULTILINE,
    )
    for inside in (r"]|''", r"\\]|''|\\.")
)
"""Where a backslash in a string is itself (standard SQL), and where it escapes what follows (MySQL)."""

_BEGINS = re.compile(r"[\s(]*(select|with|values|table|from)\b", re.IGNORECASE)
_NAME = r"(?:\"[^\"]+\"|`[^`]+`|\[[^\]]+\]|[\w$]+)"
_FROM = re.compile(rf"\bfrom\s+(?:only\s+)?({_NAME}(?:\s*\.\s*{_NAME})*)", re.IGNORECASE)


def one_query(text: str) -> str:
    """The query without the semicolons and comments that end it; comments before and within stay (some are hints).

    Raises ValueError for what is not one query that reads.
    """
    for tokens in _TOKENS:
        bare, places = _bare(text, tokens)
        last = len(re.sub(r"[\s;]+\Z", "", bare))
        if _BEGINS.match(bare) and ";" not in bare[:last]:
            return text[: places[last]].strip()
    raise ValueError("is not one SELECT: a source only reads")


def first_table(text: str) -> str:
    """The first table that the query itself names, without its schema; "" where it names none."""
    bare, _ = _bare(text, _TOKENS[0], names=True)
    found = _FROM.search(bare)
    return re.findall(_NAME, found.group(1))[-1].strip('"`[]') if found else ""


def _bare(text: str, tokens: re.Pattern[str], *, names: bool = False) -> tuple[str, list[int]]:
    """The statement with every comment as a space and every string as x; and for each place in it, that in the text."""
    parts: list[str] = []
    places: list[int] = []

    def keep(start: int, end: int) -> None:
        parts.append(text[start:end])
        places.extend(range(start, end))

    at = 0
    while (found := tokens.search(text, at)) is not None:
        keep(at, found.start())
        token, end = found.group(), found.end()
        if token == "/*":
            end = _comment_end(text, end)
            parts.append(" ")
            places.append(found.start())
        elif token.lstrip().startswith(("--", "#")):
            parts.append(" ")
            places.append(found.start())
        elif token == ";" or (names and token[0] in '"`'):
            keep(found.start(), end)
        else:
            parts.append("x")
            places.append(end - 1)
        at = end
    keep(at, len(text))
    return "".join(parts), [*places, len(text)]


def _comment_end(text: str, at: int) -> int:
    """Where a comment that began before `at` ends; comments nest in PostgreSQL, and what does not end is all comment."""
    depth = 1
    for found in re.finditer(r"/\*|\*/", text[at:]):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return at + found.end()
    first = text.find("*/", at)  # elsewhere they do not nest
    return len(text) if first < 0 else first + 2
