"""Labels that lost their place, and where they may belong now: proposals for a person, nothing is moved in silence.

moved     the quote stands, word for word, in another document: renamed, split or merged
reworded  the document has a passage that is something like the quote: a guess, for it is less than what counts as the quote
gone      neither
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rapidfuzz import fuzz

from evaluation.golden import GoldenSet, Label
from evaluation.growing import rewrite
from evaluation.labels import ResolvedLabel, resolve
from evaluation.protocols import LabelledDocuments
from evaluation.quotes import Plain, plain
from sluice.errors import ConfigurationError
from sluice.records import DocumentState

LEAST = 60.0
"""Per cent of the best alignment below which a passage is no rewording of a quote (an unrelated one has 40 to 55)."""
_SHORTEST = 20
"""Characters of a quote that may be looked for in other documents: shorter ones stand everywhere."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A label of a question, why it does not hold, and the label that may take its place (None: nothing is like it)."""

    id: str
    label: Label
    reason: str
    kind: Literal["moved", "reworded", "gone"]
    new: Label | None = None
    alike: float = 0.0

    @property
    def guess(self) -> bool:
        """Whether the new words are not those of the quote: somebody must have read both."""
        return self.new is not None and self.kind == "reworded"

    def as_json(self) -> dict[str, Any]:
        new = None if self.new is None else {"uri": self.new.uri, "source": self.new.source, "quote": self.new.quote}
        return {
            "id": self.id,
            "uri": self.label.uri,
            "quote": self.label.quote,
            "reason": self.reason,
            "kind": self.kind,
            "new": new,
            "alike": round(self.alike, 3),
            "guess": self.guess,
        }


def proposals(golden: GoldenSet, documents: LabelledDocuments, states: Sequence[DocumentState]) -> list[Proposal]:
    """A proposal for every label that is stale or missing, in the golden set's order; `states` are the documents to look in."""
    resolved = resolve(golden, documents)
    lost = [(id, label) for state in ("stale", "missing") for id, label in resolved.with_state(state)]
    if not lost:
        return []
    texts = documents.texts(list(states))
    held = [(state, plain(texts[state.key])) for state in states if state.key in texts]
    raw = {state.key: texts[state.key] for state, _ in held}
    found = {(id, label.label): _proposal(id, label, held, raw) for id, label in lost}
    return [found[query.id, label] for query in golden.queries for label in query.relevant if (query.id, label) in found]


def accept(path: Path, chosen: Iterable[Proposal]) -> int:
    """Put the proposed labels into the golden set's file, other lines byte for byte as they are; how many labels.

    Raises ConfigurationError, and changes nothing, for a proposal without a new label or a line that is not there any more.
    """
    wanted: dict[str, list[Proposal]] = {}
    for each in chosen:
        if each.new is None:
            raise ConfigurationError(f"{path}: '{each.id}': nothing is proposed for the label on '{each.label.uri}'")
        wanted.setdefault(each.id, []).append(each)
    count = 0

    def mended(line: Mapping[str, Any]) -> dict[str, Any] | None:
        nonlocal count
        mine = wanted.pop(str(line["id"]), None)
        if mine is None:
            return None
        labels = [dict(label) for label in line["relevant"]]
        for each in mine:
            count += sum(_mend(label, each) for label in labels)
        return {**line, "relevant": labels}

    rewrite(path, mended)
    if wanted:
        raise ConfigurationError(f"{path}: no question '{next(iter(wanted))}' is there any more", hint="run it again")
    return count


def _mend(label: dict[str, Any], proposal: Proposal) -> bool:
    """Change a label of a line where it is the one that is meant."""
    old, new = proposal.label, proposal.new
    if new is None or label.get("uri") != old.uri or label.get("quote") != old.quote:
        return False
    label.pop("start", None)
    label.pop("end", None)
    label |= {"uri": new.uri, "quote": new.quote} | ({"source": new.source} if "source" in label else {})
    return True


def _proposal(id: str, lost: ResolvedLabel, held: Sequence[tuple[DocumentState, Plain]], raw: Mapping[str, str]) -> Proposal:
    quote = lost.label.quote
    gone = Proposal(id, lost.label, lost.reason, "gone")
    if quote is None:
        return gone
    own = [(state, text) for state, text in held if state.key == lost.key]
    if len(plain(quote).text) >= _SHORTEST:
        places = [state for state, text in held if state.key != lost.key and plain(quote).text in text.text]
        if len(places) == 1:  # in several it says nothing of where it belongs
            new = replace(lost.label, uri=places[0].uri, source=places[0].source, start=None, end=None)
            return replace(gone, kind="moved", new=new, alike=1.0)
    for state, text in own:
        best = fuzz.partial_ratio_alignment(plain(quote).text, text.text, score_cutoff=LEAST)
        if best is not None and (words := _whole(text, best.dest_start, best.dest_end, raw[state.key])):
            new = replace(lost.label, quote=words, start=None, end=None)
            return replace(gone, kind="reworded", new=new, alike=best.score / 100)
    return gone


def _whole(text: Plain, start: int, end: int, raw: str) -> str:
    """The sentences around an alignment, as they stand in the document."""
    held = text.text
    near = min(start + 12, end)  # an alignment may begin some letters early, in the sentence before
    begins = [at + 2 for mark in (". ", "? ", "! ") if (at := held.rfind(mark, 0, near)) >= 0]
    first = max(begins, default=0)
    stops = [at + 1 for mark in ".?!" if (at := held.find(mark, max(end - 1, start))) >= 0]
    last = min(stops, default=len(held))
    if last - first > 2 * max(end - start, 80):
        first, last = start, end
    words = held[first:last].strip()
    span = plain(raw).find(words) if words else None
    return raw[slice(*span)] if span is not None else ""
