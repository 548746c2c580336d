"""MDX as the Markdown that it shows: without the modules that it imports and exports, and without the tags of components.

What a component holds is text, and so are the attributes that components show (a tab's label, a box's title). Code is left
alone. What JavaScript computes is not there.
"""

from __future__ import annotations

import re

_MODULE = re.compile(
    r"import\s+(?:[\w$*{][^;'\"]*?\sfrom\s*)?['\"]|import\s+\{\s*$|"
    r"export\s+(?:const|let|var|function|async\s+function|class|default|type|interface|enum)\b|export\s*[{*]"
)
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_MARK = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t>]*(?P=fence)[^\n]*$|\Z)"
    r"|(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)"
    r"|\{\s*(?P<blank>\"[^\"\n{}]*\"|'[^'\n{}]*')\s*\}"
    r"|(?P<tag></?(?:[A-Z][\w.]*|[a-z]\w*\.[\w.]+)(?=[\s/>])|</?(?=>)|<[a-z][\w-]*(?=[^<>{}]*=\{))",
    re.MULTILINE | re.DOTALL,
)
_SHOWN = re.compile(r"\b(?:title|label|summary|caption|heading|description)\s*=\s*(?:\{\s*)?(?:\"([^\"]*)\"|'([^']*)')")
_COMPUTED = re.compile(r"[\w:-]+=\{")
_CLOSES = {"{": "}", "(": ")", "[": "]"}
_LONGEST_TAG, _LONGEST_STATEMENT = 20_000, 1_000
_MOST_IN_VAIN = 1_000_000
"""Characters that are looked through for ends that are not there: whoever needs more has written no MDX."""


def without_modules(text: str) -> str:
    """The text as Markdown; linear in its length but for tags, which are bounded."""
    kept: list[str] = []
    done = at = vain = 0
    text = _without_statements(text)
    while mark := _MARK.search(text, at):
        at = mark.end()
        if mark["blank"]:
            kept += [text[done : mark.start()], mark["blank"][1:-1]]
            done = at
        if mark["tag"] is None or vain > _MOST_IN_VAIN:
            continue
        if (end := _tag_end(text, at)) < 0:
            vain += _LONGEST_TAG
            continue
        tag, at = text[mark.start() : end], end
        kept += [text[done : mark.start()], _shown(tag, is_own=not mark["tag"][1:2].islower() or "." in mark["tag"])]
        done = at
    return "".join([*kept, text[done:]])


def _without_statements(text: str) -> str:
    """Without `import` and `export` at the beginning of a block, up to where their brackets are closed."""
    kept: list[str] = []
    fence = ""
    lines = text.split("\n")
    at = vain = 0
    begins = True
    while at < len(lines):
        line = lines[at]
        if found := _FENCE.match(line):
            fence = "" if fence and found[1].startswith(fence) else fence or found[1]
        if not fence and begins and _MODULE.match(line):
            end = _statement_end(lines, at) if vain < _MOST_IN_VAIN else at + 1
            vain += len(line) + sum(map(len, lines[at + 1 : at + _LONGEST_STATEMENT])) if end == at + 1 and "{" in line else 0
            at = end
            continue
        begins = not line.strip()
        kept.append(line)
        at += 1
    return "\n".join(kept)


def _statement_end(lines: list[str], at: int) -> int:
    """The line behind a statement; where its brackets are never closed, the one behind its first."""
    depth = 0
    for end in range(at, min(len(lines), at + _LONGEST_STATEMENT)):
        bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|//.*", "", lines[end])
        depth += sum(bare.count(opens) - bare.count(closes) for opens, closes in _CLOSES.items())
        if depth <= 0 and not bare.rstrip().endswith(("=", "=>", ",", "from", "+", "?", ":")):
            return end + 1
    return at + 1


def _tag_end(text: str, at: int) -> int:
    """Where a tag ends whose attributes may hold strings and code; -1 where it does not."""
    depth, quote = 0, ""
    for place in range(at, min(len(text), at + _LONGEST_TAG)):
        character = text[place]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'`":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif character == ">" and depth <= 0:
            return place + 1
    return -1


def _shown(tag: str, *, is_own: bool) -> str:
    """What a reader sees of a tag: of a component the attributes that are words, of HTML the tag without what is computed."""
    if is_own:
        words = [first or second for first, second in _SHOWN.findall(tag)]
        return f"\n\n{' '.join(words)}\n\n" if words else ""
    kept: list[str] = []
    done = 0
    while found := _COMPUTED.search(tag, done):
        kept.append(tag[done : found.start()])
        depth, done = 1, found.end()
        while done < len(tag) and depth:
            depth += (tag[done] == "{") - (tag[done] == "}")
            done += 1
    return "".join([*kept, tag[done:]])
