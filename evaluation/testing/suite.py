"""What every gate promises, as a class of tests: a plug-in's own test inherits it, and pytest runs it.

class TestMyGate(GateSuite):
    def gate(self) -> Gate:
        return MyGate(MyOptions(least=1))
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from evaluation.gates import Gate, run_gates
from evaluation.reports import report, report_html, verdict_json
from evaluation.testing.release import Doc, Release, context
from sluice.access import AccessTags
from sluice.evidence import blocks_of
from sluice.records import Verdict
from sluice.releases import Release as Manifest

DOCS = (
    Doc("laptops.md", "Laptops are replaced after three years.\n\nAsk the service desk."),
    Doc("phones.md", "Phones are replaced after two years."),
    Doc("pay.md", "The salary of a level five engineer is in the band.", tags=AccessTags({"hr"})),
)
"""A small release in which nothing is wrong."""
_NEVER = datetime(2026, 1, 1, tzinfo=UTC)


class GateSuite:
    """Inherit, and say how the gate is made; override `good` where these three documents would not pass it."""

    def gate(self) -> Gate:
        """The gate, made anew each time, with options under which a good release passes."""
        raise NotImplementedError

    def good(self) -> Release:
        """A release that must pass."""
        return Release(DOCS)

    def _judged(self) -> Verdict:
        gate = self.gate()
        gate.load()
        [verdict] = run_gates([gate], context(self.good()))
        return verdict

    def test_a_good_release_passes_with_plain_evidence(self) -> None:
        """The verdict names its gate, says why, and its figures can be stored and printed as they are."""
        verdict = self._judged()
        assert verdict.passed, verdict
        assert verdict.gate == self.gate().name
        assert verdict.reason
        assert plain(dict(verdict.evidence)), verdict.evidence
        json.dumps(verdict_json(verdict), allow_nan=False)

    def test_the_verdict_is_the_same_twice(self) -> None:
        """Nothing random, nothing remembered."""
        assert self._judged() == self._judged()

    def test_the_fingerprint_is_the_same_for_the_same_options(self) -> None:
        """A gate is run again only when it changed."""
        assert self.gate().fingerprint == self.gate().fingerprint

    def test_a_manifest_keeps_what_it_shows(self) -> None:
        """Every block comes back from plain values, and stands in both reports."""
        verdict = self._judged()
        kept = verdict_json(verdict)
        assert len(blocks_of(json.loads(json.dumps(kept["shown"])))) == len(verdict.shown)
        manifest = Manifest(
            "r1", "index", "index__r1", "staged", "f" * 64, "a" * 64, _NEVER, verdicts=(json.loads(json.dumps(kept)),)
        )
        for title in (block.title for block in verdict.shown if block.title):
            assert title.split()[0] in report_html(manifest)
        assert verdict.gate in report(manifest)


def plain(value: Any) -> bool:
    """Whether a value is made of what JSON has, and of nothing that only looks like it."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(plain(inner) for inner in value)
    return value is None or type(value) in (str, int, float, bool)
