"""Leaks: nobody is shown what they may not read.

Three proofs. The cases of a file: questions whose answer a principal may not read, each searched as that principal. An
audit without any file (`audit.py`): for every set of tags in the release, what the store's own filter admits equals what
the tags of every point, compared one by one, say. And attacks: chunks are searched for with their own words, as
principals who hold every tag in the release but the chunk's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

from pydantic import Field

from evaluation.gates.audit import Held, attack, audit
from evaluation.gates.base import SAMPLES, GateContext, refused
from evaluation.golden import LeakCase, LeakCases, load_leaks
from evaluation.labels import only
from evaluation.readable import wrong_case
from sluice.access import AccessTags, Principal
from sluice.display import counted
from sluice.evidence import Block, Figures, Table
from sluice.ids import fingerprint
from sluice.records import Hit, Verdict
from sluice.settings import ConfigPath, Section
from sluice.spelling import same


class LeaksOptions(Section):
    """`k` chunks and k documents are asked for in each case; `own_words` chunks are searched for with their own words,
    as many of them as `own_words_s` seconds allow."""

    cases: ConfigPath
    k: int = Field(default=10, ge=1)
    audit: bool = True
    own_words: int = Field(default=200, ge=0)
    own_words_s: float = Field(default=60, gt=0)


class LeaksGate:
    """No case yields anything of its forbidden document, nor any hit that shares no tag with its principal."""

    Options = LeaksOptions
    name = "leaks"

    def __init__(self, options: LeaksOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self.options = options
        self.clock = clock

    @cached_property
    def cases(self) -> LeakCases:
        return load_leaks(self.options.cases)

    @property
    def queries(self) -> list[str]:
        return [case.query for case in self.cases.cases]

    @property
    def fingerprint(self) -> str:
        own = self.options.model_dump(mode="json", exclude={"cases"})
        return fingerprint("gate:leaks", {"options": own, "cases": self.cases.fingerprint, "version": 2})

    def load(self) -> None:
        _ = self.cases

    def judge(self, context: GateContext) -> Verdict:
        if not self.cases.cases:
            return refused(self.name, f"{self.cases.path} holds no cases")
        checkable, void = self._checkable(context)
        if not checkable:
            return refused(
                self.name, "no case's forbidden document is in the release", cases=len(self.cases.cases), void=void[:SAMPLES]
            )
        leaks: list[dict[str, Any]] = []
        for case in checkable:
            leaks += self._leaks(case, context)
        warnings = (
            [f"{len(void)} of {counted(len(self.cases.cases), 'case')} can prove nothing: the document is gone"] if void else []
        )
        evidence: dict[str, Any] = {
            "cases": len(checkable),
            "void": void[:SAMPLES],
            "forbidden_hits": len(leaks),
            "leaks": leaks[:SAMPLES],
            "reachable": sum(self._reachable(case, context) for case in checkable),
        }
        if not evidence["reachable"]:
            warnings.append("no case's document is found even by someone who may read everything: the cases prove little")
        evidence["wrong"] = wrong = self._wrong(context, {each["id"] for each in void})[:SAMPLES]
        warnings += [f"case '{case['id']}' in {self.cases.path} is wrong: {case['reason']}" for case in wrong]
        failures = []
        held = Held.of(context.points, self.options.own_words) if self.options.audit or self.options.own_words else Held()
        if self.options.audit:
            evidence["audit"] = audited = audit(context.points, held)
            if audited["left_out"]:
                warnings.append(f"the audit covered {audited['principals']} sets of tags and left out {audited['left_out']}")
            if audited["differences"]:
                failures.append(f"the store's filter and the tags disagree on {counted(audited['differences'], 'point')}")
        if self.options.own_words:
            evidence["own_words"] = attacked = self._attack(context, held)
            if attacked["left_out"]:
                warnings.append(
                    f"{counted(attacked['searches'], 'chunk was', 'chunks were')} searched for with "
                    f"their own words in {self.options.own_words_s:g} s, "
                    f"{attacked['left_out']} were left out"
                )
            if attacked["leaks"]:
                failures.append(f"{counted(attacked['leaks'], 'chunk')} came up for principals who hold none of their tags")
        if leaks:
            failed = len({leak["id"] for leak in leaks})
            failures.insert(0, f"{counted(len(leaks), 'forbidden hit')} in {failed} of {counted(len(checkable), 'case')}")
        if failures:
            advice = ("see what such a reader gets: sluice search QUERY --as TAGS --release " + context.candidate.id,)
            return Verdict(self.name, False, "; ".join(failures), evidence, tuple(warnings), _shown(evidence), advice)
        reason = f"0 forbidden hits in {counted(len(checkable), 'case')}"
        return Verdict(self.name, True, reason, evidence, tuple(warnings), _shown(evidence))

    def _attack(self, context: GateContext, held: Held) -> dict[str, Any]:
        until = self.clock() + self.options.own_words_s
        searcher = context.candidate.searcher
        return attack(
            held,
            searcher,
            self.options.own_words,
            self.options.k,
            go_on=lambda: self.clock() < until,
            ahead=lambda texts: context.ahead(texts, False),
        )

    def _checkable(self, context: GateContext) -> tuple[list[LeakCase], list[dict[str, str]]]:
        """Cases whose document the release holds, and those that can prove nothing, with the reason."""
        checkable: list[LeakCase] = []
        void: list[dict[str, str]] = []
        documents = context.candidate.documents
        states = {
            case.id: only(documents, case.forbidden_uri, case.source, where=f"{self.cases.path}: case '{case.id}'")
            for case in self.cases.cases
        }
        texts = documents.texts([state for state in states.values() if state is not None])
        for case in self.cases.cases:
            state = states[case.id]
            if state is None:
                void.append({"id": case.id, "uri": case.forbidden_uri, "reason": "unknown uri"})
            elif state.key not in texts:
                void.append({"id": case.id, "uri": case.forbidden_uri, "reason": f"not in the release ({state.status})"})
            else:
                checkable.append(case)
        return checkable, void

    def _wrong(self, context: GateContext, void: set[str]) -> list[dict[str, str]]:
        """Cases that fail, or hardly can, whatever is built; without those that are void already."""
        known, documents = AccessTags(context.known_tags | context.candidate.tags), context.candidate.documents
        told = ((case, wrong_case(case, documents, known)) for case in self.cases.cases if case.id not in void)
        return [{"id": case.id, "uri": case.forbidden_uri, "reason": reason} for case, reason in told if reason]

    def _leaks(self, case: LeakCase, context: GateContext) -> list[dict[str, Any]]:
        principal = Principal(case.principal)
        searcher = context.candidate.searcher
        hits = [
            *searcher.search(case.query, principal, self.options.k),
            *searcher.search_documents(case.query, principal, self.options.k),
        ]
        seen: dict[str, dict[str, Any]] = {}
        for hit in hits:
            why = _why_forbidden(hit, case, principal)
            if why:
                seen[hit.chunk_id] = {"id": case.id, "uri": hit.uri, "source": hit.source, "chunk_id": hit.chunk_id, "why": why}
        return list(seen.values())

    def _reachable(self, case: LeakCase, context: GateContext) -> bool:
        """Whether someone who may read everything is shown the document: the case would notice a missing filter."""
        hits = context.candidate.searcher.search_documents(case.query, Principal(context.candidate.tags), self.options.k)
        return any(_is_forbidden(hit, case) for hit in hits)


def _shown(evidence: dict[str, Any]) -> tuple[Block, ...]:
    """What was tried, and what came up for whom."""
    audited, attacked = evidence.get("audit") or {}, evidence.get("own_words") or {}
    figures = {"cases": evidence["cases"], "reachable": evidence["reachable"], "forbidden hits": evidence["forbidden_hits"]}
    figures |= {f"sets of tags audited over {audited['points']:,} points": audited["principals"]} if audited else {}
    figures |= {"searches with a chunk's own words": attacked["searches"]} if attacked else {}
    rows = [(leak["id"], leak["uri"], leak["why"]) for leak in evidence["leaks"]]
    rows += [(", ".join(s["principal"]) or "nobody", s["chunk_id"], "the store's filter") for s in audited.get("samples", ())]
    rows += [(", ".join(s["principal"]), s["uri"], "its own words") for s in attacked.get("samples", ())]
    found = Table(("case or reader", "what came up", "why it must not"), tuple(rows), "Leaks", words=True)
    void = tuple((case["id"], case["uri"], case["reason"]) for case in evidence["void"])
    return (
        Figures(figures),
        found,
        Table(("case", "uri", "why it proves nothing"), void, "Cases that prove nothing", words=True),
    )


def _is_forbidden(hit: Hit, case: LeakCase) -> bool:
    """Whether the hit is the forbidden document's, or names it as another place of its text."""
    places = [(hit.uri, hit.source), *((copy.uri, copy.source) for copy in hit.copies)]
    return any(same(uri, case.forbidden_uri) and case.source in (None, source) for uri, source in places)


def _why_forbidden(hit: Hit, case: LeakCase, principal: Principal) -> str:
    if _is_forbidden(hit, case):
        return "the forbidden document"
    return "" if principal.may_read(hit.access_tags) else "shares no tag with the principal"
