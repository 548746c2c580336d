"""The style sheets within a page, as far as one look at a page needs them: the rules of a single tag, class or id."""

from __future__ import annotations

import re

_BEGINS, _ENDS = re.compile("<style", re.IGNORECASE), re.compile("</style", re.IGNORECASE)
_SIGNS = re.compile("[{};]")
_SELECTOR = re.compile(r"[a-z0-9]*[.#]?[\w-]+")
_TAG = re.compile(r"^[a-z0-9]+(?=[.#])")
_LONGEST_SELECTOR = 200


def style_rules(source: str) -> tuple[dict[str, dict[str, str]], bool]:
    """Selector → declarations, of the selectors that are one tag, class or id; and whether those were all there are.

    What stands in a rule of a rule (`@media`) holds only sometimes, and is passed over. Work grows with the source.
    """
    rules: dict[str, dict[str, str]] = {}
    complete = True
    for sheet in _sheets(source):
        for selectors, body in _rules(_without_comments(sheet)):
            if selectors.startswith("@"):
                complete = complete and not selectors.startswith("@import")
                continue
            found = declarations(body)
            for selector in selectors.split(","):
                name = selector.strip()
                if len(name) <= _LONGEST_SELECTOR and _SELECTOR.fullmatch(name):
                    rules.setdefault(_TAG.sub("", name), {}).update(found)
                else:
                    complete = False
    return rules, complete


def declarations(style: str) -> dict[str, str]:
    """Property → value, in small letters."""
    pairs = (part.partition(":") for part in style.lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs if value.strip()}


def _sheets(source: str) -> list[str]:
    found: list[str] = []
    at = 0
    while begins := _BEGINS.search(source, at):
        inside = source.find(">", begins.end()) + 1
        ends = _ENDS.search(source, inside) if inside else None
        if ends is None:
            break
        found.append(source[inside : ends.start()])
        at = ends.end()
    return found


def _without_comments(sheet: str) -> str:
    """A sheet without comments; one that nothing ends goes to the sheet's end."""
    parts: list[str] = []
    at = 0
    while (begins := sheet.find("/*", at)) >= 0:
        parts.append(sheet[at:begins])
        at = sheet.find("*/", begins + 2) + 2
        if at < 2:
            return "".join(parts)
    return "".join([*parts, sheet[at:]])


def _rules(sheet: str) -> list[tuple[str, str]]:
    """What stands before each outermost pair of braces, in small letters, and what between them before another pair."""
    found: list[tuple[str, str]] = []
    depth = start = 0
    selectors, body = "", list[str]()
    for sign in _SIGNS.finditer(sheet):
        at = sign.start()
        if sign[0] == "{":
            if depth == 0:
                selectors, body = sheet[start:at].strip().lower(), []
            elif depth == 1 and not selectors.startswith("@"):
                found.append(("&", ""))  # a rule within it
            depth += 1
        elif sign[0] == "}":
            if depth == 1:
                found.append((selectors, ";".join([*body, sheet[start:at]])))
            depth = max(depth - 1, 0)
        elif depth == 0 and sheet[start:at].lstrip().startswith("@"):
            found.append((sheet[start:at].strip().lower(), ""))
        elif depth == 1:
            body.append(sheet[start:at])
        start = at + 1
    return found
