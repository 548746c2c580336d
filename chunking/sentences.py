"""Where sentences end, by rule: no model, no download, the same everywhere.

A rule that is right on most prose in most scripts is enough here: a wrong boundary moves a chunk's edge by a sentence.
"""

from __future__ import annotations

import re

_SHORT = """
    mr mrs ms dr prof sr jr vs e.g i.e cf al approx nos fig figs vol pp ed eds inc ltd corp dept est
    jan feb apr jun jul aug sep sept oct nov dec z.b d.h u.a bzw ca evtl ggf inkl nr usw vgl abs
"""
_ABBREVIATIONS = frozenset(_SHORT.split())
_END = re.compile(
    r"""
      (?<![.!?…]) (?P<stop> [.!?…]+ ) [\"'”’»)\]*_]* \s+ (?= (?P<next> \S ) )   # a stop, closing marks, then white space
    | [。！？｡]+ [」』”’）]*                                            # scripts that set no space
    | \n [^\S\n]* \n \s*                                              # a blank line
    | \n (?= [^\S\n]* (?: [-*+•] | \d+[.)] | \#{1,6} | \| | > ) \s? )  # a list item, heading, table row or quotation
    """,
    re.VERBOSE,
)
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘«]+$")


def sentence_edges(text: str, start: int, end: int) -> list[int]:
    """The edges of the sentences of a span: `start`, each place where a sentence begins, `end`."""
    edges = [start]
    for match in _END.finditer(text, start, end):
        if match.end() < end and (not match["stop"] or _ends_sentence(text, match, edges[-1])):
            edges.append(match.end())
    return [*edges, end]


def _ends_sentence(text: str, match: re.Match[str], floor: int) -> bool:
    """Whether a stop ends a sentence: not after an abbreviation, an initial or a list number, nor before a small letter."""
    if "\n\n" in match[0].replace("\r", ""):
        return True
    if match["next"].islower():
        return False
    if match["stop"] != ".":
        return True
    found = _WORD_BEFORE.search(text, max(floor, match.start() - 40), match.start())
    word = found[0] if found else ""
    is_initial = len(word) == 1 and word.isupper()
    is_list_number = word.isdigit() and not _rest_of_line(text, match.start() - len(word))
    return not (is_initial or is_list_number or word.lower() in _ABBREVIATIONS)


def _rest_of_line(text: str, position: int) -> str:
    """What stands before a position on its line, as far as it matters."""
    return text[max(0, position - 20) : position].rpartition("\n")[2].strip()
