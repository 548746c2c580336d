"""A gate cannot be worn down: the best release of the last months is an anchor, and a golden set cannot change unseen."""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.gates import run_gates
from evaluation.gates.retrieval import RetrievalGate
from evaluation.gates.retrieval_options import RetrievalOptions
from evaluation.golden import load_golden
from evaluation.judged import decode, encode, judged, without
from evaluation.labels import resolve
from evaluation.past_scores import PastScores, Scored
from evaluation.protocols import PastRelease
from evaluation.scoring import evaluate
from evaluation.statistics import paired_bootstrap
from sluice.access import AccessTags
from sluice.evidence import Table
from sluice.ids import document_key
from sluice.records import Verdict
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Nights:
    """An index over many nights: each candidate is judged, and goes live when it passes; what was answered is kept."""

    golden: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    live: tuple[str, Release] | None = None
    promoted: list[PastRelease] = field(default_factory=list)
    kept: dict[tuple[str, str], bytes] = field(default_factory=dict)
    access: str = "root"
    night: int = 0

    # JudgedReleases
    def anchors(self, days: int, pinned: str | None = None) -> Sequence[PastRelease]:
        if pinned is not None:
            return [past for past in self.promoted if past.id == pinned]
        since = START + timedelta(days=self.night - days)
        return [past for past in self.promoted if past.live >= since]

    def answers(self, releases: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        return {wanted: [content for (release, _), content in self.kept.items() if release == wanted] for wanted in releases}

    def keep(self, release: str, name: str, content: bytes) -> None:
        self.kept[release, name] = content

    def run(self, docs: Sequence[Doc]) -> Verdict:
        """One night."""
        self.night += 1
        name, release = f"r{self.night:02}", Release(docs)
        live = replace(self.live[1].view(self.live[0]), access=self.access) if self.live else None
        gate = RetrievalGate(RetrievalOptions(**({"golden": self.golden, "k": 2, "min_recall": 0.2} | dict(self.options))))
        given = replace(context(release, live=live, judged=self), candidate=replace(release.view(name), access=self.access))
        [verdict] = run_gates([gate], given)
        if verdict.passed:
            self.live = name, release
            self.promoted.append(PastRelease(name, START + timedelta(days=self.night)))
        return verdict


def corpus(count: int) -> list[Doc]:
    return [Doc(f"d{i}.md", f"word{i} is explained here") for i in range(count)]


def lost(docs: Sequence[Doc], count: int) -> list[Doc]:
    """A cleaner that ate the first so many documents' words, while the source still holds them."""
    return [replace(doc, text="nothing", raw=doc.text) if i < count else doc for i, doc in enumerate(docs)]


def lines(count: int) -> list[dict[str, Any]]:
    return [{"id": f"q{i}", "query": f"word{i}", "relevant": [{"uri": f"d{i}.md", "quote": f"word{i} is"}]} for i in range(count)]


def nights(tmp_path: Path, count: int, **options: Any) -> Nights:
    return Nights(write_lines(tmp_path / "golden.jsonl", *lines(count)), options)


def test_ten_nights_of_small_drops_are_stopped_at_the_second(tmp_path: Path) -> None:
    """2 of 69 questions each night are 2.9 points, within max_drop 0.03 of the night before: the anchor sees two nights."""
    index, docs = nights(tmp_path, 69), corpus(69)
    assert index.run(docs).passed
    verdicts = [index.run(lost(docs, 2 * night)) for night in range(1, 11)]
    assert [verdict.passed for verdict in verdicts] == [True, *[False] * 9]
    assert index.live is not None
    assert index.live[0] == "r02"
    assert "Recall@2 0.942 against 1.000 of r01, the best of the last 90 days: a drop beyond max_drop 0.030" in verdicts[1].reason
    assert verdicts[1].evidence["anchor"]["release"] == "r01"
    assert verdicts[1].evidence["anchor"]["margin"] == pytest.approx(0.03 - 4 / 69, abs=1e-6)


def test_one_question_lost_each_night_stops_at_the_anchor(tmp_path: Path) -> None:
    """Recall 1.000 to 0.850 over six nights, each by a step that no night's limit sees."""
    index, docs = nights(tmp_path, 40), corpus(40)
    passed = [index.run(lost(docs, night)).passed for night in range(7)]
    assert passed == [True, True, False, False, False, False, False]


def test_harmless_nights_are_never_stopped(tmp_path: Path) -> None:
    """Edits that no question is about, documents that come and go, and a quote that moved with its document."""
    index, docs = nights(tmp_path, 40), corpus(40)
    for night in range(10):
        more = [Doc(f"new{night}-{i}.md", f"something else {night}") for i in range(3)]
        moved = [
            replace(doc, text=f"Edited in night {night}. {doc.text}", raw=None) if i % 10 == night else doc
            for i, doc in enumerate(docs)
        ]
        assert index.run([*moved, *more]).passed


def test_the_window_ends_and_an_anchor_can_be_pinned_or_switched_off(tmp_path: Path) -> None:
    """After `anchor_days` a release is no anchor; a pinned one always is; 0 days is none but the night before."""
    docs = corpus(40)
    index = nights(tmp_path, 40, anchor_days=0)
    assert [index.run(lost(docs, night)).passed for night in range(4)] == [True] * 4
    index.options = {"anchor": "r01"}
    assert "of r01, the pinned anchor" in index.run(lost(docs, 3)).reason
    index.options = {"anchor": "unheard-of"}
    assert "the anchor 'unheard-of' has no record" in index.run(docs).reason


def test_the_live_release_is_not_searched_again(tmp_path: Path) -> None:
    """Release, golden set and access the same: its kept answers are used; with other access it is asked anew."""
    index, docs = nights(tmp_path, 40), corpus(40)
    index.run(docs)
    assert index.live is not None
    live = index.live[1]
    live.searches.clear()
    verdict = index.run(lost(docs, 1))
    assert verdict.evidence["live"]["measures"]["Recall@2"] == 1.0
    assert verdict.evidence["live"]["measures"]["TokenRecall@2"] == 1.0
    assert verdict.evidence["comparison"]["Recall@2"]["mean"] == pytest.approx(-1 / 40)
    assert live.searches == []
    index.access = "other"
    assert index.live is not None
    live = index.live[1]
    live.searches.clear()
    index.run(lost(docs, 1))
    assert live.searches


def test_a_golden_set_cut_to_one_easy_question_does_not_carry_a_worse_index(tmp_path: Path) -> None:
    """Refused, with what was removed in the first line; with `min_queries` said on purpose it passes, and still says so."""
    index, docs = nights(tmp_path, 40), corpus(40)
    index.run(docs)
    write_lines(index.golden, lines(40)[39])
    refused = index.run(lost(docs, 30))
    assert not refused.passed
    assert "the golden set no longer asks what this release fails: of 39 removed" in refused.reason
    assert "answers 30 worse (q0, q1, q2, q3, q4 …)" in refused.reason
    assert "1 query can be scored, 40 could be when r01 was judged" in refused.reason
    assert refused.evidence["golden_change"]["removed_count"] == 39
    index.options = {"min_queries": 1}
    allowed = index.run(lost(docs, 30))
    assert allowed.passed
    assert allowed.reason.startswith("refused: the golden set") is False
    assert allowed.reason.startswith("the golden set no longer asks what this release fails")
    assert allowed.warnings[0].startswith("the golden set no longer asks what this release fails")


def test_a_renamed_golden_set_is_the_same_set(tmp_path: Path) -> None:
    """Another file name is no way round: what no gate reads any more is looked up."""
    index, docs = nights(tmp_path, 40), corpus(40)
    index.run(docs)
    index.golden = write_lines(tmp_path / "other.jsonl", lines(40)[39])
    assert "40 could be when r01 was judged" in index.run(lost(docs, 30)).reason


def test_what_was_added_hides_no_loss(tmp_path: Path) -> None:
    """Ten questions about new documents, which live cannot answer, beside two that were lost: compared on what both have."""
    index, docs = nights(tmp_path, 40), corpus(40)
    index.run(docs)
    new = [Doc(f"n{i}.md", f"novelty{i} is here") for i in range(10)]
    asked = [{"id": f"n{i}", "query": f"novelty{i}", "relevant": [{"uri": f"n{i}.md"}]} for i in range(10)]
    write_lines(index.golden, *lines(40), *asked)
    verdict = index.run([*lost(docs, 2), *new])
    assert not verdict.passed
    assert verdict.evidence["comparison"]["Recall@2"]["queries"] == 40
    assert verdict.evidence["golden_change"]["added_count"] == 10
    assert "Recall@2 0.950 against 1.000 live" in verdict.reason


def test_candidate_and_live_stand_side_by_side_on_the_same_questions(tmp_path: Path) -> None:
    """A label was repaired: in the reason, the tables of measures and slices both are means of the 3 that both were asked;
    the mean over all 4 is told apart."""
    index, docs = nights(tmp_path, 4), corpus(4)
    asked = [line | {"slice": ["words"]} for line in lines(4)]
    asked[3]["query"] = "whatever"  # found by neither
    write_lines(index.golden, *asked)
    index.run(docs)
    asked[0]["relevant"] = [{"uri": "d0.md", "quote": "word0 is explained"}]
    write_lines(index.golden, *asked)
    verdict = index.run(docs)
    measured, slices = (b for b in verdict.shown if isinstance(b, Table) and b.title[:4] in ("On 3", "By s"))
    assert verdict.reason.startswith(
        "Recall@2 0.750 on 4 queries; on the 3 that both were asked, by the labels that both have, 0.667, live 0.667"
    )
    assert measured.title.startswith("On 3 queries that both were asked")
    assert measured.head[-1] == "all 4"
    recall = next(row for row in measured.rows if row[0] == "Recall@2")
    assert recall[1:3] == pytest.approx((2 / 3, 2 / 3))
    assert recall[3:] == ("+0.000", "-0.708 to +0.708", 0.75)
    assert slices.rows[0][:4] == ("words", 4, 0.75, 3)
    assert slices.rows[0][4:6] == pytest.approx((2 / 3, 2 / 3))
    assert slices.rows[0][6] == "+0.000"


def test_a_live_release_judged_by_itself_is_not_said_to_be_alone(tmp_path: Path) -> None:
    """Its gates changed: there is a live release, and this is it; without one that is said."""
    docs = Release(corpus(4))
    gate = RetrievalGate(RetrievalOptions(golden=write_lines(tmp_path / "g.jsonl", *lines(4)), k=2, min_recall=0.2))
    for serving, said in ((True, "this is the live release itself"), (False, "there is no live release to compare with")):
        [verdict] = run_gates([gate], replace(context(docs), serving=serving))
        assert verdict.reason == f"Recall@2 1.000 on 4 queries, {said}"


def test_reworded_and_relabelled_questions_are_named(tmp_path: Path) -> None:
    """A question made easier, and a label moved to what is found: both are in the evidence, and said where they hide a loss."""
    index, docs = nights(tmp_path, 40), corpus(40)
    index.run(docs)
    changed = lines(40)
    changed[0] |= {"query": "word39"}
    changed[0]["relevant"] = changed[39]["relevant"]
    changed[1]["relevant"] = [{"uri": "d1.md"}]
    write_lines(index.golden, *changed)
    verdict = index.run(lost(docs, 1))
    change = verdict.evidence["golden_change"]
    assert (change["reworded"], change["relabelled"], change["failed"]) == (["q0"], ["q1"], ["q0"])
    assert "answers 1 worse (q0)" in verdict.reason
    shown = [block for block in verdict.shown if "golden set changed" in block.title]
    assert len(shown) == 1


def test_access_that_was_taken_away_is_no_loss_against_the_anchor(tmp_path: Path) -> None:
    """A question asked as people whose document is not theirs any more: neither release is blamed."""

    def of(*tags: str) -> list[Doc]:
        return [replace(doc, tags=AccessTags(tags)) if i < 4 else doc for i, doc in enumerate(corpus(40))]

    asked = [line | ({"principal": ["hr"]} if i < 4 else {}) for i, line in enumerate(lines(40))]
    index = Nights(write_lines(tmp_path / "golden.jsonl", *asked))
    index.run(of("hr"))
    index.access, index.live = "after", (index.promoted[-1].id, Release(of("board")))
    assert index.run(of("board")).passed


@pytest.mark.parametrize("floor", [math.nan, -0.1, 1.1, math.inf])
def test_a_floor_that_is_no_share_is_refused(tmp_path: Path, floor: float) -> None:
    """NaN compares with nothing: it would let everything through."""
    with pytest.raises(ValueError, match="min_recall"):
        RetrievalOptions(golden=tmp_path / "g.jsonl", min_recall=floor)


def test_a_measure_that_is_no_number_reaches_no_floor(tmp_path: Path) -> None:
    """Whatever produced it."""

    class Broken(RetrievalGate):
        pass

    gate = Broken(RetrievalOptions(golden=write_lines(tmp_path / "g.jsonl", *lines(1)), k=2, min_recall=0.5))
    release = Release(corpus(1))
    evaluation = evaluate(release, resolve(gate.golden, release), k=2, everyone=release.tags)
    [result] = evaluation.results
    spoiled = replace(evaluation, results=(replace(result, measures={"Recall@2": math.nan}),))
    assert gate.shortfalls(spoiled) == ["Recall@2 nan is below the floor 0.500"]


def test_every_refusal_has_its_reason(tmp_path: Path) -> None:
    """Zero questions, and questions whose every label is stale."""
    docs = corpus(3)
    nothing = Nights(write_lines(tmp_path / "empty.jsonl"))
    assert "holds no query that has an answer" in nothing.run(docs).reason
    gone = nights(tmp_path, 3, max_stale=1.0)
    assert "none of 3 queries can be scored" in gone.run([replace(doc, status="deleted") for doc in docs]).reason


@given(st.integers(1, 200))
def test_zero_variance_is_not_certainty(count: int) -> None:
    """Queries that all agree leave room for those that were not asked: the fewer, the more."""
    same = paired_bootstrap([1.0] * count, [1.0] * count)
    assert same.mean == 0
    assert same.low == pytest.approx(-(1 - 0.025 ** (1 / count)))
    worse = paired_bootstrap([0.9] * count, [1.0] * count)
    assert worse.low < worse.mean < worse.high


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=30), st.integers(0, 3))
def test_a_record_comes_back_as_it_was_kept(tmp_path_factory: pytest.TempPathFactory, text: str, count: int) -> None:
    """Any question, any number of hits; and a document that is forgotten takes its questions with it, and no other."""
    docs = corpus(count + 1)
    words = [{"id": "x", "query": f"word0 {text}", "relevant": [{"uri": "d0.md"}], "principal": ["public"]}]
    golden = load_golden(write_lines(tmp_path_factory.mktemp("g") / "golden.jsonl", *words, *lines(count)[1:]))
    release = Release(docs)
    evaluation = evaluate(release, resolve(golden, release), k=2, everyone=release.tags)
    record = judged("r1", evaluation, golden="g", fingerprint=golden.fingerprint, access="a")
    assert decode(encode(record)) == record
    left = decode(without(encode(record), "d0.md", document_key("s", "d0.md")))
    assert left is not None
    assert [answer.query.id for answer in left.answers] == [f"q{i}" for i in range(1, count)]
    assert decode(b"something else") is None


@dataclass
class Forgetful(Nights):
    """Keeps what releases answered, and not what they scored."""

    def keep(self, release: str, name: str, content: bytes) -> None:
        if not name.endswith(" scores"):
            super().keep(release, name, content)


def test_what_past_releases_scored_is_kept_and_changes_no_verdict(tmp_path: Path) -> None:
    """Night after night, through lost documents, a stale label, a changed golden set and a reader who loses access, the verdicts
    are those of an index that scores every record again; and what was kept is believed."""
    docs, questions = corpus(30), tmp_path / "golden.jsonl"
    index, plain = Nights(questions, {"max_drop": 0.2}), Forgetful(questions, {"max_drop": 0.2})
    write_lines(questions, *lines(30))
    edited = [replace(docs[0], text="rewritten", raw="rewritten"), *docs[1:]]
    unread = [*docs[:29], replace(docs[29], tags=AccessTags())]
    for night, (corpus_now, asked) in enumerate(
        [(docs, 30), (lost(docs, 1), 30), (edited, 30), (edited, 30), (docs, 29), (lost(docs, 2), 29), (unread, 29), (docs, 30)]
    ):
        write_lines(questions, *lines(asked))
        verdict = index.run(corpus_now)
        assert verdict == plain.run(corpus_now), night
        assert "anchor" in verdict.evidence or not night
    [(name, content)] = [
        (name, content) for (release, name), content in index.kept.items() if "scores" in name and release == "r08"
    ]
    known = PastScores()
    assert known.add(content)
    assert len(known.about) == len(known.scores) == 4, "those judged on these thirty questions"
    known.scores = {
        m: {asked: Scored(7, {**s.measures, "Recall@2": 0.5}) for asked, s in of.items()} for m, of in known.scores.items()
    }
    index.kept["r08", name] = known.encode(list(known.scores), next(iter(known.scores[next(iter(known.scores))])))
    assert [each["queries"] for each in index.run(docs).evidence["anchor"]["last"]].count(7) == 4
    assert not PastScores().add(b"something else")


def commit(folder: Path, who: str, says: str) -> None:
    """What is in the folder, as one commit of somebody."""
    as_who = ("-c", f"user.name={who}", "-c", f"user.email={who}@example.org".lower())
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "--allow-empty", "-m", says)):
        subprocess.run(["git", "-C", str(folder), *as_who, *arguments], check=True, capture_output=True)


def test_who_changed_the_golden_set_is_named_where_git_knows(tmp_path: Path) -> None:
    """The commits since the version that the release was judged by, and what is not committed; without git, nothing."""
    index, docs = nights(tmp_path, 40), corpus(40)
    commit(tmp_path, "Ada", "Questions")
    index.run(docs)
    write_lines(index.golden, *lines(40)[1:])
    commit(tmp_path, "Bob", "One less")
    verdict = index.run(lost(docs, 1))
    assert [(each["author"], each["subject"]) for each in verdict.evidence["golden_change"]["by"]] == [("Bob", "One less")]
    assert "changed by Bob 2" in verdict.reason
    write_lines(index.golden, *lines(40)[2:])
    verdict = index.run(lost(docs, 2))
    shown = [line for block in verdict.shown if "golden set changed" in block.title for line in getattr(block, "lines", ())]
    assert any(line == "changed by somebody (not committed)" for line in shown)
    assert not any("Ada" in line for line in shown)
    shutil.rmtree(tmp_path / ".git")
    write_lines(index.golden, *lines(40)[3:])
    assert index.run(lost(docs, 2)).evidence["golden_change"]["by"] == []
