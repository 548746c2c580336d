"""`sluice golden draft`: questions from the documents themselves, looked up in a release, added to a golden set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.drafting import Draft, chosen, drafts, looked_up
from evaluation.golden import load_golden
from evaluation.growing import add, same_query
from pipeline.golden.checking import to_search_in
from pipeline.reading.parsed_texts import READ_DOCUMENTS
from pipeline.resources import Resources
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.ids import version_id
from sluice.records import Document, DocumentState
from sluice.releases import Release

Rewrite = Callable[[str, str], str | None]
"""A question in other words, from it and the words that answer it; None: as it is."""

DEPTH = 20
"""How far down a document may be to count as found."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was drafted: how many the documents gave, how many were kept, by what they were made from, and how hard."""

    golden: Path
    candidates: int
    added: int
    made_from: dict[str, int]
    found_first: int
    found_later: int
    not_found: int
    live: bool
    """Whether a release was live."""
    questions: tuple[dict[str, object], ...]
    release: str | None = None
    """In which the questions were looked up: what is live, or before anything is, the newest that can be searched."""
    rewritten: int = 0
    """Questions in a model's words; the others of a rewritten draft stayed as they were drafted."""


def draft(r: Resources, target: Path, count: int, rewrite: Rewrite | None = None) -> Drafted:
    """Draft at most `count` questions that the golden set does not ask yet, and add them, marked synthetic.

    With a release plain retrieval says which are hard; without one they are spread only. `rewrite` puts them in other
    words: how each was drafted stays in its line, as `drafted_as`.
    """
    states = [state for state in r.stores.documents.read() if state.in_release]
    if not states:
        raise ConfigurationError(
            "no document was ingested yet: there is nothing to draft questions from", hint="sluice ingest, or sluice run, first"
        )
    sources = [source.name for source in r.settings.sources]
    release = to_search_in(r)
    rank = _rank(r, release) if release is not None else None
    asked = {same_query(q.query) for q in load_golden(target).queries} if target.exists() else set()
    with r.progress.stage("read", len(states)):
        found = [each for each in drafts(_documents(r, states)) if same_query(each.query) not in asked]
    with r.progress.stage("look up", looked_up(found, count) if rank is not None else 0, "question"):
        picked = chosen(found, count, rank)
    picked, drafted_as = _reworded(picked, rewrite, asked) if rewrite is not None else (picked, [""] * len(picked))
    lines = []
    first = len(load_golden(target).queries) if target.exists() else 0
    for number, (each, before) in enumerate(zip(picked, drafted_as, strict=True), first + 1):
        line = each.as_line(f"draft-{number:03}", with_source=len(sources) > 1)
        lines.append(line | ({"drafted_as": before} if before else {}))
    added = add(target, lines, r.corpus()) if lines else 0
    ranks = Counter("first" if d.rank == 1 else "later" if d.rank else "not" for d in picked)
    return Drafted(
        golden=target,
        candidates=len(found),
        added=added,
        made_from=dict(sorted(Counter(d.made_from for d in picked).items())),
        found_first=ranks["first"],
        found_later=ranks["later"],
        not_found=ranks["not"],
        live=r.releases.live() is not None,
        release=release.id if release is not None else None,
        questions=tuple({"id": line["id"], "query": d.query, "uri": d.uri} for line, d in zip(lines, picked, strict=True)),
        rewritten=sum(map(bool, drafted_as)),
    )


def _reworded(picked: Sequence[Draft], rewrite: Rewrite, asked: Collection[str]) -> tuple[list[Draft], list[str]]:
    """The drafts in other words, and how each was drafted; empty where it stays. No two become the same question."""
    taken = {*asked, *(same_query(each.query) for each in picked)}
    found, before = list[Draft](), list[str]()
    for each in picked:
        said = rewrite(each.query, each.quote)
        kept = said is None or same_query(said) in taken
        found.append(each if said is None or kept else replace(each, query=said))
        before.append("" if kept else each.query)
        taken.add(same_query(found[-1].query))
    return found, before


def _documents(r: Resources, states: Sequence[DocumentState]) -> Iterator[Document]:
    """These documents as parsed."""
    for i in range(0, len(states), READ_DOCUMENTS):
        ids = [version_id(s.key, s.version, s.parse_fingerprint) for s in states[i : i + READ_DOCUMENTS]]
        held = r.stores.versions.get(ids)
        yield from (held[id] for id in ids if id in held)
        r.progress.advance(len(ids))


def _rank(r: Resources, release: Release) -> Callable[[Draft], int | None]:
    """Where this release puts a question's document, by plain retrieval."""
    searcher = r.searcher(release)
    everyone = Principal.of(sorted(r.known_tags(r.stores.documents.read())))

    def rank(each: Draft) -> int | None:
        hits = searcher.search_documents(each.query, everyone, DEPTH)
        r.progress.advance(1)
        return next((place for place, hit in enumerate(hits, 1) if (hit.uri, hit.source) == (each.uri, each.source)), None)

    return rank
