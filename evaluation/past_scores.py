"""What releases of the last months scored, kept from night to night: a record that did not change is not scored again.

A candidate is held against every release of its window, on the labels that both have. Those are nearly always the same
labels as the night before, and what a release answered is history: to read and score a hundred records each night would
be most of a night's work. What is kept is named by the very bytes of a record and by the questions and labels asked of it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from evaluation.golden import Label
from evaluation.judged import Asked, Judged
from evaluation.labels import ResolvedSet
from evaluation.scoring import Evaluation
from sluice.ids import digest

VERSION = 1
"""Raised whenever the same record would be scored otherwise on the same labels."""

_KIND = "scores"


@dataclass(frozen=True, slots=True)
class Scored:
    """The mean of each measure, and over how many questions."""

    queries: int
    measures: Mapping[str, float]

    @classmethod
    def of(cls, evaluation: Evaluation) -> Scored:
        return cls(len(evaluation.results), evaluation.measures)


@dataclass(frozen=True, slots=True)
class About:
    """What is to be known of a record without reading it; `labels` stands for all its questions and labels."""

    golden: str
    k: int
    scored: int
    labels: str

    @classmethod
    def of(cls, record: Judged) -> About:
        labels = ((answer.asked, [label.label for label in answer.labels]) for answer in record.answers)
        return cls(record.golden, record.k, record.scored, labels_digest(labels))


@dataclass(slots=True)
class PastScores:
    """By the digest of a record: what it is about, and what it scored, by `asked_digest`."""

    about: dict[str, About] = field(default_factory=dict)
    scores: dict[str, dict[str, Scored]] = field(default_factory=dict)

    def add(self, content: bytes) -> bool:
        """Take in what was kept; False where these bytes are something else, or another version's."""
        try:
            value = json.loads(zlib.decompress(content))
            if value["version"] != [_KIND, VERSION]:
                return False
            self.about |= {mark: About(**each["about"]) for mark, each in value["records"].items()}
            for mark, each in value["records"].items():
                self.scores.setdefault(mark, {}).update({asked: Scored(**scored) for asked, scored in each["scores"].items()})
        except (zlib.error, ValueError, KeyError, TypeError):
            return False
        return True

    def encode(self, marks: Collection[str], asked: str) -> bytes:
        """What is known of these records, and what they score on what is asked now: older questions are not kept."""
        records: dict[str, Any] = {}
        for mark in marks:
            now = {name: asdict(scored) for name, scored in self.scores.get(mark, {}).items() if name == asked}
            records[mark] = {"about": asdict(self.about[mark]), "scores": now}
        return zlib.compress(json.dumps({"version": [_KIND, VERSION], "records": records}).encode())


def labels_digest(questions: Iterable[tuple[Asked, Iterable[Label]]]) -> str:
    """Stands for these questions with all their labels, in whatever order; empty where two are the same question, whose labels
    belong to either."""
    found = [(*_asked(asked), tuple(sorted(_label(label) for label in labels))) for asked, labels in questions]
    if len({question[:2] for question in found}) < len(found):
        return ""
    return digest("labels", json.dumps(sorted(found)))


def asked_digest(resolved: ResolvedSet, k: int) -> str:
    """Stands for questions, and those of their labels that count, at this k."""
    found = [
        (*_asked((q.query.query, q.query.principal)), q.query.synthetic, [_label(label.label) for label in q.labels])
        for q in resolved.scored
    ]
    return digest("asked", k, json.dumps(found))


def _asked(asked: Asked) -> tuple[str, str]:
    return asked[0], json.dumps(None if asked[1] is None else sorted(asked[1]))


def _label(label: Label) -> str:
    return json.dumps(asdict(label), sort_keys=True)
