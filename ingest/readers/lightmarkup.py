"""AsciiDoc, Org, reStructuredText and LaTeX as text: their headings, code and comments told apart; all else as it is written.

No reader of what is made of them sees a comment, a drawer or a preamble; how words are marked within a line stays.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.elements import Piece, clean, row_text
from ingest.readers.plain import plain_pieces
from ingest.readers.rsttables import table_at
from ingest.readers.texletters import printed

_ADOC_HEADING = re.compile(r"(={1,6})\s+(\S.*?)(?:\s+\1)?\s*")
_ADOC_CODE = re.compile(r"(-{4,}|\.{4,}|```)[\w-]*\s*")
_ADOC_MARK = re.compile(r"(?:={4,}|\*{4,}|_{4,}|\+{4,}|--|<{3}|'{3}|\[\[.*\]\]|\[#[\w-]+\])\s*")
_ADOC_TABLE = re.compile(r"[|,:!]={3,}\s*")
_ORG_HEADING = re.compile(r"(\*+)\s+(.*?)(?:\s+:[\w@#%:]+:)?\s*")
_ORG_BLOCK = re.compile(r"\s*#\+(begin|end)_(\w+)\b.*", re.IGNORECASE)
_ORG_TITLE = re.compile(r"#\+title:\s*(.*?)\s*", re.IGNORECASE)
_ORG_DRAWER = re.compile(r"\s*:[\w-]+:\s*")
_ORG_COMMENT = re.compile(r"\s*#(?:\s.*)?")
_TEX_HEADING = re.compile(r".*?\\(part|chapter|(?:sub){0,2}section|paragraph)\*?(?:\[[^\]]*\])?\{(.*)")
_TEX_LABEL = re.compile(r"\s*\\label\{[^{}]*\}")
_TEX_LEVELS = {"part": 0, "chapter": 0, "section": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4}
_TEX_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_TEX_CODE = re.compile(r"\s*\\begin\{(verbatim|lstlisting|minted|Verbatim|comment)\}.*")
_RST_COMMENT = re.compile(r"(\s*)\.\.(?:[ \t]+(?![\[_|])(?![\w:.+-]+::)(?P<said>\S.*))?\s*")

_RST_CODE = re.compile(r"\s*\.\. (?:code|code-block|sourcecode|parsed-literal|literal|prompt)::.*")
_RST_OPTION = re.compile(r"\s+:[\w-]+:.*")
_RST_MARKED = re.compile(r"\s*\.\.(?:\s|$)")
_ORG_RULE = re.compile(r"\s*\|[-+|]+\s*")


@dataclass(slots=True)
class _Found:
    """The pieces so far; lines of prose wait until something else begins."""

    pieces: list[Piece] = field(default_factory=list)
    comments: int = 0
    _prose: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self._prose.append(line)

    def add(self, kind: str, text: str, depth: int = 0) -> None:
        self.flush()
        if text.strip():
            self.pieces.append(Piece(kind, text if kind == "code" else text.strip(), depth))

    def flush(self) -> None:
        self.pieces += plain_pieces("\n".join(self._prose), headings=False)
        self._prose.clear()


def light_pieces(text: str, extension: str) -> tuple[list[Piece], int]:
    """The pieces, and how many comments were left out."""
    found = _Found()
    if extension == "rst":
        return list(_rst(list(_without_rst_comments(clean(text, keep_indent=True).split("\n"), found)))), found.comments
    _READERS[extension](_Lines(clean(text, keep_indent=True).split("\n")), found)
    found.flush()
    return found.pieces, found.comments


class _Lines:
    """The lines of a text, one after the other; `until` takes those before one that ends a block."""

    def __init__(self, lines: list[str]) -> None:
        self._lines, self._at = lines, 0
        self._missing: set[str] = set()  # what does not end a block from one line on does not end one from a later line

    def __iter__(self) -> Iterator[str]:
        while self._at < len(self._lines):
            self._at += 1
            yield self._lines[self._at - 1]

    def ahead(self) -> str:
        """The next line; "" behind the last one."""
        return self._lines[self._at] if self._at < len(self._lines) else ""

    def until(self, mark: str) -> list[str] | None:
        """The lines before one that is this (in any case and indent), which are then past; None where there is none."""
        wanted = mark.strip().lower()
        ends = (n for n in range(self._at, len(self._lines)) if self._lines[n].strip().lower() == wanted)
        end = None if wanted in self._missing else next(ends, None)
        if end is None:
            self._missing.add(wanted)
            return None
        inside, self._at = self._lines[self._at : end], end + 1
        return inside


def _adoc(lines: _Lines, found: _Found) -> None:
    for line in lines:
        if line.startswith("//"):
            if line.startswith("////") and lines.until(line) is None:
                continue
            found.comments += 1
        elif heading := _ADOC_HEADING.fullmatch(line):
            found.add("title", heading[2], max(len(heading[1]) - 1, 0))
        elif (code := _ADOC_CODE.fullmatch(line)) and (inside := lines.until(code[1])) is not None:
            found.add("code", "\n".join(inside))
        elif _ADOC_TABLE.fullmatch(line) and (inside := lines.until(line)) is not None:
            found.add("table", _adoc_table(inside))
        elif not (_ADOC_MARK.fullmatch(line) or code):
            found.say(re.sub(r"^\.(?=[^\s.])", "", line))


def _adoc_table(lines: list[str]) -> str:
    """Rows as they are written on lines, or cells one below the other, as many as the first line with text has."""
    cells: list[list[str]] = []
    for line in filter(str.strip, lines):
        begun = [cell.strip() for cell in re.split(r"(?:\d*\.?\d*[*+])?[<^>]?[aehlmsdv]?(?<!\\)\|", line)]
        if begun[0] and cells:  # the cell above goes on
            cells[-1][-1] = f"{cells[-1][-1]} {begun[0]}"
        if begun[1:]:
            cells.append(begun[1:])
    width = len(cells[0]) if cells else 0
    if len({len(row) for row in cells}) > 1 and all(len(row) == 1 for row in cells[1:]):
        flat = [cell for row in cells for cell in row]
        cells = [flat[at : at + width] for at in range(0, len(flat), width)]
    return "\n".join(filter(None, map(row_text, cells)))


def _org(lines: _Lines, found: _Found) -> None:
    rows: list[str] = []
    commented = 0  # the stars of a heading that is a comment with all below it
    for line in lines:
        heading = _ORG_HEADING.fullmatch(line)
        if heading and (not commented or len(heading[1]) <= commented):
            commented = len(heading[1]) if heading[2].startswith("COMMENT") else 0
            found.comments += bool(commented)
            if not commented:
                found.add("title", heading[2], len(heading[1]) - 1)
        elif commented:
            continue
        elif title := _ORG_TITLE.fullmatch(line):
            found.add("title", title[1])
        elif block := _ORG_BLOCK.fullmatch(line):
            kind = block[2].lower()
            is_code = block[1].lower() == "begin" and kind in ("src", "example", "comment", "export")
            if is_code and (inside := lines.until(f"#+end_{kind}")) is not None:
                found.comments += kind == "comment"
                found.add("code", "" if kind == "comment" else "\n".join(inside))
        elif _ORG_DRAWER.fullmatch(line) and lines.until(":END:") is not None:
            continue
        elif _ORG_COMMENT.fullmatch(line):
            found.comments += 1
        elif line.lstrip().startswith("|") and len(line.strip()) > 1:
            rows.append("" if _ORG_RULE.fullmatch(line) else row_text(line.strip().strip("|").split("|")))
            if not lines.ahead().lstrip().startswith("|"):
                found.add("table", "\n".join(filter(None, rows)))
                rows.clear()
        else:
            found.say(line)


def _tex(lines: _Lines, found: _Found) -> None:
    whole = list(lines)
    begins = next((n for n, line in enumerate(whole) if "\\begin{document}" in line), -1)
    ends = next((n for n, line in enumerate(whole) if "\\end{document}" in line), len(whole))
    for line in whole[: begins + 1]:
        if title := re.match(r"\s*\\title(?:\[[^\]]*\])?\{(.*)", line):
            named, line = _braced(title[1])
            found.add("title", printed(named))
        if re.match(r"\s*\\(?:author|date|abstract)\{", line):
            found.say(printed(line))
    body = _Lines(whole[begins + 1 : ends])
    for line in body:
        block = _TEX_CODE.fullmatch(line)
        if block and (inside := body.until(f"\\end{{{block[1]}}}")) is not None:
            found.comments += block[1] == "comment"
            found.add("code", "" if block[1] == "comment" else "\n".join(inside))
            continue
        uncommented = _TEX_COMMENT.sub(r"\1", line)
        found.comments += len(line.rstrip()) > len(uncommented.rstrip()) + 1
        shown = printed(uncommented)
        if heading := _TEX_HEADING.fullmatch(shown):
            head, rest = _braced(heading[2])
            found.add("title", _TEX_LABEL.sub("", head), _TEX_LEVELS[heading[1]])
            if rest := _TEX_LABEL.sub("", rest).strip():
                found.say(rest)
        elif shown.strip() or not line.strip():
            found.say(shown)


def _braced(text: str) -> tuple[str, str]:
    """What stands up to the brace that closes one before the text, and what follows it."""
    depth = 1
    for at, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if not depth:
            return text[:at], text[at + 1 :]
    return text, ""


def _rst(lines: list[str]) -> Iterator[Piece]:
    """Prose with its headings, and what stands indented below `::` as the code that it is."""
    prose: list[str] = []
    underlines: list[str] = []
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        if table := table_at(lines, at - 1):
            title, rows, at = table
            prose += ["", title, ""] if title else []
            yield from plain_pieces("\n".join(prose), formed=False, underlines=underlines)
            yield Piece("table", rows)
            prose = []
            continue
        directive = _RST_CODE.fullmatch(line)
        if directive is None and (not line.rstrip().endswith("::") or _RST_MARKED.match(line)):
            prose.append(line)
            continue
        begins = at - 1
        while directive and at < len(lines) and _RST_OPTION.fullmatch(lines[at]):
            at += 1
        end = _rst_end(lines, at, len(line) - len(line.lstrip()))
        code = textwrap.dedent("\n".join(lines[at:end])).strip("\n").rstrip()
        prose += lines[begins:at] if directive or not code else [line.rstrip().removesuffix("::") + ":" * (line.strip() != "::")]
        if not code:
            continue
        yield from plain_pieces("\n".join(prose), formed=False, underlines=underlines)
        yield Piece("code", code)
        prose, at = [], end
    yield from plain_pieces("\n".join(prose), formed=False, underlines=underlines)


def _rst_end(lines: list[str], at: int, depth: int) -> int:
    """Where the lines end that are indented more than this."""
    if at < len(lines) and lines[at].strip():  # no blank line: it goes on as text
        return at
    end = at
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > depth):
        end += 1
    return end


def _without_rst_comments(lines: list[str], found: _Found) -> Iterator[str]:
    """Without comments and what is indented below them; an empty one (`..` before a blank line) is only a mark."""
    depth = -1
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if depth >= 0 and (not line.strip() or indent > depth):
            continue
        depth = -1
        comment = _RST_COMMENT.fullmatch(line)
        below = lines[number + 1] if number + 1 < len(lines) else ""
        if comment and (comment["said"] or below.strip()):
            depth = len(comment[1])
            found.comments += 1
            yield ""
        elif not comment:
            yield line


_READERS: dict[str, Callable[[_Lines, _Found], None]] = {
    **dict.fromkeys(("adoc", "asciidoc", "asc"), _adoc),
    "org": _org,
    "tex": _tex,
}
EXTENSIONS = frozenset({*_READERS, "rst"})
