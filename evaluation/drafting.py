"""Questions for a golden set from the documents themselves, without a model: a beginning for the first day.

What asks or answers by its form: headings that are questions, question-and-answer pairs, sentences that define, texts of
links (how somebody else names the document), titles against bodies, descriptions in the front matter, rows of tables. Each
with a quote from the document that answers it. They are `synthetic` for good: reported apart, in no mean of real questions.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from evaluation.growing import same_query
from evaluation.quotes import plain
from sluice.records import Document, Element

KINDS = ("heading", "faq", "definition", "link", "title", "description", "row")
LONGEST_QUOTE = 300
_FEWEST_LETTERS = 12  # of a question; shorter ones could be about anything
_DEEPEST = 20

_LINK = re.compile(r"(?<!!)\[([^\]\[]{4,120})\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_ASKED = re.compile(
    r"^(?:how|what|why|when|where|who|which|whose|can|could|do|does|did|is|are|should|shall|will|may|must|has|have|"
    r"wie|was|warum|wann|wo|wer|welche[rsmn]?|kann|darf|muss|comment|pourquoi|quand|qui|que|quoi|où|"
    r"c[oó]mo|qu[eé]|por qu[eé]|cu[aá]ndo|d[oó]nde)\b",
    re.IGNORECASE,
)
_Q, _A = (rf"\s*(?:\*\*)?(?:{words})\s*[:.]\s*(?:\*\*)?\s*" for words in ("Q|Question|Frage", "A|Answer|Antwort"))
_FAQ = re.compile(rf"^{_Q}(?P<q>[^\n]{{6,200}}?)(?:\*\*)?\s+{_A}(?P<a>.+?)(?=\n\s*\n|\n{_Q}|\Z)", re.MULTILINE | re.DOTALL)
_TERM = r"(?: [\w'/&+-]+){0,3}?"
_DEFINED = re.compile(
    rf"^(?:(?P<lead>The|An?) (?P<led>[\w'/&+-]+{_TERM})|(?P<name>[A-Z][\w'/&+-]*{_TERM}))(?: \([^()]{{2,40}}\))? "
    r"(?P<verb>is|are|means|stands for|refers to) (?:an?|the|our|any|where|what|when) [^.!?]{20,220}[.!?](?=\s|$)"
)
_NO_TERM = frozenset(
    re.findall(
        r"\w+",
        "this that these those it there here he she they we you i what who which if when where how as in on at for of "
        "to by with my our your his her their its another other each every one some any both all most check see note "
        "like first second next last example below above following only also so but and or then once while because "
        "currently usually typically please goal purpose idea reason",
    )
)
"""Words that no term holds: sentences that begin with them define nothing."""
_MARKED = re.compile(r"^(?:Q|A|Question|Answer|Frage|Antwort)\s*[:.]\s*", re.IGNORECASE)
_ROWS = 3
"""Rows of one table: more are the same question again."""
_GENERIC = frozenset({"click on this link", "for more information", "see this page", "as described here", "read more about it"})
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ\"'(])")


@dataclass(frozen=True, slots=True)
class Draft:
    """A question, the document and the words that answer it, and what it was made from; `rank` is where plain retrieval puts
    the document (1 is first; None: not among the first 20, or nobody looked)."""

    query: str
    uri: str
    source: str
    quote: str
    made_from: str
    rank: int | None = None

    def as_line(self, id: str, *, with_source: bool = False) -> dict[str, Any]:
        """The line of a golden set."""
        label = {"uri": self.uri, "quote": self.quote} | ({"source": self.source} if with_source else {})
        return {"id": id, "query": self.query, "relevant": [label], "kind": f"drafted from a {self.made_from}", "synthetic": True}


def drafts(documents: Iterable[Document]) -> list[Draft]:
    """Every question that the documents give, each once, in the order of documents; ambiguous ones are left out.

    A question that two documents would answer (a heading that every team's page has) tests nothing: it is left out.
    """
    found: dict[str, Draft] = {}
    ambiguous: set[str] = set()
    quotes: set[tuple[str, str]] = set()
    held = list(documents)
    uris = {document.uri: document for document in held}
    for document in held:
        for draft in _of(document, uris):
            same, words = same_query(draft.query), plain(draft.quote).text
            if same in found and (found[same].uri, found[same].source) != (draft.uri, draft.source):
                ambiguous.add(same)
            elif same not in found and (draft.uri, words) not in quotes and _is_asked(draft):
                found[same] = draft
                quotes.add((draft.uri, words))
    return [draft for same, draft in found.items() if same not in ambiguous]


def looked_up(found: Sequence[Draft], count: int) -> int:
    """Of how many `chosen` asks the rank: each costs a search."""
    return min(len(found), 2 * count)


def chosen(found: Sequence[Draft], count: int, rank: Callable[[Draft], int | None] | None = None) -> list[Draft]:
    """At most `count`, spread over folders, kinds and lengths, hard ones first; the same ones each time.

    `rank` says where plain retrieval puts the document: questions whose document it finds, and not first, are the best;
    then those it finds first; then those it does not find, of which many are not good questions.
    """
    if rank is not None:
        pool = spread(found, looked_up(found, count))
        ranked = [Draft(d.query, d.uri, d.source, d.quote, d.made_from, rank(d)) for d in pool]
        hard = [d for d in ranked if d.rank is not None and d.rank > 1]
        easy = [d for d in ranked if d.rank == 1]
        lost = [d for d in ranked if d.rank is None]
        # A set of nothing but hard questions says nothing of what works: a third is as it comes.
        first = spread(hard, count - count // 3)
        rest = (spread(easy, count), spread(hard, count), spread(lost, count))
        return list(dict.fromkeys([*first, *(draft for each in rest for draft in each)]))[:count]
    return spread(found, count)


def spread(found: Iterable[Draft], count: int) -> list[Draft]:
    """At most `count`, one of each folder and kind in turn, shuffled by a hash within."""
    groups: defaultdict[tuple[str, str, bool], list[Draft]] = defaultdict(list)
    for draft in found:
        folder = "/".join(draft.uri.split("/")[:-1][:3])
        groups[folder, draft.made_from, len(draft.quote) > 120].append(draft)
    piles = [sorted(pile, key=_shuffled) for _, pile in sorted(groups.items(), key=lambda entry: _hash(repr(entry[0])))]
    turns = max(map(len, piles), default=0)
    return [pile[turn] for turn in range(turns) for pile in piles if turn < len(pile)][:count]


def _of(document: Document, uris: Mapping[str, Document]) -> Iterator[Draft]:
    """What one document gives, its best kinds first."""
    body = _body(document)
    for element, after in _headings(document):
        title = _MARKED.sub("", _flat(document.text[element.start : element.end]))
        if title.endswith("?") or (_ASKED.match(title) and title.count(" ") >= 2):
            yield _draft(document, title, _answer(after), "heading")
    for match in _FAQ.finditer(document.text):
        yield _draft(document, _flat(match["q"]), _answer(match["a"]), "faq")
    yield from _definitions(document)
    yield from _links(document, uris)
    description = document.metadata.get("description")
    if isinstance(description, str) and body:
        yield _draft(document, _flat(description), _answer(body), "description")
    if document.title and body and plain(document.title).text.casefold() not in plain(body[:LONGEST_QUOTE]).text.casefold():
        yield _draft(document, _flat(document.title), _answer(body), "title")
    yield from _rows(document)


def _definitions(document: Document) -> Iterator[Draft]:
    for element in document.elements:
        if element.kind not in ("text", "list"):
            continue
        for line in document.text[element.start : element.end].split("\n"):
            for sentence in _SENTENCE.split(line.strip(" -*#>")):
                flat = _flat(sentence)
                match = _DEFINED.match(flat)
                if match and len(flat) <= LONGEST_QUOTE and (asked := _asked_of(match)):
                    yield _draft(document, asked, sentence.strip(), "definition")


def _asked_of(match: re.Match[str]) -> str:
    """The question that a definition answers; empty where what it defines is no term."""
    term = match["led"] or match["name"]
    if not _NO_TERM.isdisjoint(term.casefold().split()):
        return ""
    term = f"{match['lead'].lower()} {term}" if match["lead"] else term
    match match["verb"]:
        case "means":
            return f"What does {term} mean?"
        case "stands for":
            return f"What does {term} stand for?"
    return f"What {'are' if match['verb'] == 'are' else 'is'} {term}?"


def _links(document: Document, uris: Mapping[str, Document]) -> Iterator[Draft]:
    """How this document names others: the link's text asks, the other document answers."""
    for match in _LINK.finditer(document.text):
        target = _target(document.uri, match[2], uris)
        named = _flat(match[1]).strip("`*_ ")
        if target is None or target.key == document.key or named.casefold() in _GENERIC or named.count(" ") < 2:
            continue
        if plain(named).text.casefold() == plain(target.title).text.casefold():
            continue
        if body := _body(target):
            yield _draft(target, named, _answer(body), "link")


def _target(uri: str, link: str, uris: Mapping[str, Document]) -> Document | None:
    """The document that a link leads to: relative to this one, or from the root, with or without its extension."""
    path = link.split("#")[0].split("?")[0]
    if not path or "://" in path or path.startswith("mailto:"):
        return None
    folder = "" if path.startswith("/") else posixpath.dirname(uri)
    joined = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
    forms = [f"{root}{joined}{end}" for root in ("", "content/") for end in ("", ".md", "/index.md", "/_index.md", "/README.md")]
    return next((uris[form] for form in forms if form in uris), None)


def _rows(document: Document) -> Iterator[Draft]:
    """A row's name under its column's head: what a reader looks up in a table."""
    for element in document.elements:
        if element.kind != "table":
            continue
        rows = [_cells(line) for line in document.text[element.start : element.end].split("\n") if "|" in line]
        rows = [row for row in rows if not all(set(cell) <= set("-: ") for cell in row)]
        if len(rows) < 3 or len(rows[0]) < 2:
            continue
        head = rows[0]
        for row in sorted(rows[1:], key=lambda row: _hash(row[0]))[:_ROWS]:
            if len(row) == len(head) and _words(row[0]) >= 1 and row[1] and _words(head[1]) >= 1 and not row[0].isdigit():
                about = element.heading_path[-1] if element.heading_path else document.title
                query = f"{_flat(head[1])} of {_flat(row[0])} ({_flat(about)})"
                yield _draft(document, query, _row_quote(row), "row")


def _row_quote(row: Sequence[str]) -> str:
    kept: list[str] = []
    for cell in row:
        if sum(map(len, kept)) + len(cell) > LONGEST_QUOTE:
            break
        kept.append(cell)
    return " | ".join(kept)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _headings(document: Document) -> Iterator[tuple[Element, str]]:
    """Each heading and the text up to the next."""
    elements = document.elements
    for position, element in enumerate(elements):
        if element.kind == "title":
            below = []
            for later in elements[position + 1 :]:
                if later.kind == "title":
                    break
                below.append(document.text[later.start : later.end])
            if below:
                yield element, "\n".join(below)


def _body(document: Document) -> str:
    """The first text that is a sentence or more."""
    for element in document.elements:
        held = document.text[element.start : element.end]
        if element.kind == "text" and _words(held) >= 6:
            return held
    return ""


def _answer(text: str) -> str:
    """The first sentences, as they stand, up to the longest quote: one line or part of one, so that it can be found again."""
    for line in text.split("\n"):
        line = _MARKED.sub("", line.strip())
        if _words(line) >= 4 and not line.startswith(("```", "{{", "<", "|", "![")):
            kept = ""
            for sentence in _SENTENCE.split(line):
                if kept and len(kept) + len(sentence) > LONGEST_QUOTE:
                    break
                kept = f"{kept} {sentence}".strip()
            return kept if len(kept) <= LONGEST_QUOTE else kept[:LONGEST_QUOTE].rsplit(" ", 1)[0]
    return ""


def _draft(document: Document, query: str, quote: str, made_from: str) -> Draft:
    return Draft(query, document.uri, document.source, quote, made_from)


def _is_asked(draft: Draft) -> bool:
    """Whether it can be asked: words enough, an answer that is there, and not the question's own words only."""
    letters = sum(character.isalpha() for character in draft.query)
    if letters < _FEWEST_LETTERS or len(draft.query) > 200 or not draft.quote:
        return False
    return plain(draft.quote).text.casefold() != plain(draft.query).text.casefold()


def _flat(text: str) -> str:
    """On one line, without markup."""
    return " ".join(plain(_LINK.sub(r"\1", text)).text.split()).strip("# ").strip()


def _words(text: str) -> int:
    return len(re.findall(r"\w{2,}", text))


def _shuffled(draft: Draft) -> bytes:
    return _hash(f"{draft.uri}\0{draft.query}")


def _hash(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()
