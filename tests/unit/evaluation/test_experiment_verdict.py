"""What an experiment may conclude from its queries, and what it may not."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.experiments import decide
from evaluation.statistics import paired_bootstrap


def rows(*columns: list[float]) -> np.ndarray:
    return np.array(columns, dtype=np.float64).T


def graded(random: np.random.Generator, queries: int, variants: int) -> np.ndarray:
    """Scores of equal variants: queries differ, variants only by chance."""
    return np.clip(0.6 * random.beta(2, 2, (queries, 1)) + 0.4 * random.random((queries, variants)), 0, 1)


def all_or_nothing(random: np.random.Generator, queries: int, variants: int) -> np.ndarray:
    """As success at one: nearly all queries agree, a few fall either way."""
    same = random.random((queries, 1)) < 0.7
    flips = random.random((queries, variants)) < 0.1
    return np.where(flips, ~same, same).astype(np.float64)


@pytest.mark.parametrize("scores", [graded, all_or_nothing])
@pytest.mark.parametrize("variants", [2, 3, 4])
def test_without_a_true_difference_at_most_one_in_ten_is_settled(scores, variants: int) -> None:  # type: ignore[no-untyped-def]
    """200 experiments of equal variants: settled in at most 10%, and few rule anything out."""
    random = np.random.default_rng(20_241_121)
    names = [f"v{i}" for i in range(variants)]
    decisions = [decide(names, scores(random, 100, variants), measure="m", resamples=300, seed=i) for i in range(200)]
    assert sum(decision.settled for decision in decisions) <= 20
    assert sum(bool(decision.ruled_out) for decision in decisions) <= 32  # 10%, and what 200 draws add to that


def test_of_two_equal_variants_one_is_settled_on_in_one_of_twenty() -> None:
    """Two are the hardest case, for nothing else must be beaten: 5% in the long run (600 draws: sd 0.9%), also with a twin."""
    random = np.random.default_rng(20_241_121)
    drawn = [graded(random, 50, 2) for _ in range(600)]
    settled = sum(decide(["a", "b"], scores, measure="m", resamples=400, seed=i).settled for i, scores in enumerate(drawn))
    assert 0.025 < settled / 600 < 0.075
    twins = [scores[:, [0, 1, 1]] for scores in drawn]
    with_twin = sum(decide(["a", "b", "c"], s, measure="m", resamples=400, seed=i).settled for i, s in enumerate(twins))
    assert with_twin <= settled


def test_two_names_for_one_strategy_are_never_settled() -> None:
    """Equal on every query: half each to be the best, nothing ruled out, no number of queries would tell."""
    scores = np.random.default_rng(1).random(300)
    decision = decide(["a", "b"], rows(list(scores), list(scores)), measure="m")
    assert not decision.settled
    assert decision.winner is None
    assert decision.ruled_out == ()
    assert decision.queries_needed is None
    assert decision.probability_best == {"a": 0.5, "b": 0.5}


def test_a_few_queries_that_agree_are_no_certainty() -> None:
    """As wide as the gate's interval on the same four; three variants share the error over their pairs; many narrow it."""
    same = [1.0, 1.0, 1.0, 0.0]
    [found] = decide(["a", "b"], rows(same, same), measure="m").differences
    gate = paired_bootstrap(same, same)
    assert (found.low, found.high) == pytest.approx((gate.low, gate.high))
    assert found.high == pytest.approx(1 - 0.025**0.25)
    three = decide(["a", "b", "c"], rows(same, same, same), measure="m").differences
    assert [d.high for d in three] == pytest.approx([1 - (0.1 / 6) ** 0.25] * 2)
    assert decide(["a", "b"], rows(same * 100, same * 100), measure="m").differences[0].high < 0.01
    assert not decide(["a", "b"], rows([0.6] * 5, [0.5] * 5), measure="m").settled


@pytest.mark.parametrize("queries", [3, 5, 12, 40, 200])
def test_two_variants_have_the_interval_that_a_gate_would_give(queries: int) -> None:
    """Of the same questions: one function, one seed, one level; what an experiment settled no gate sees otherwise."""
    random = np.random.default_rng(queries)
    for scores in (graded(random, queries, 2), all_or_nothing(random, queries, 2)):
        decision = decide(["a", "b"], scores, measure="m")
        [found] = decision.differences
        leader, other = (scores[:, i] for i in ((0, 1) if decision.leader == "a" else (1, 0)))
        gate = paired_bootstrap(list(leader), list(other))
        assert (found.mean, found.low, found.high, decision.level) == (gate.mean, gate.low, gate.high, gate.level)


def test_twins_ahead_of_the_rest_are_not_settled_and_the_rest_is_ruled_out() -> None:
    """A third that is worse by far is ruled out although the first two cannot be told apart."""
    random = np.random.default_rng(2)
    best = random.uniform(0.6, 1.0, 100)
    decision = decide(["a", "twin", "bad"], rows(list(best), list(best), list(best * random.random(100) * 0.5)), measure="m")
    assert not decision.settled
    assert decision.ruled_out == ("bad",)
    assert decision.probability_best["bad"] == 0.0


def test_a_clear_difference_is_settled() -> None:
    """The interval of the difference excludes zero and holds the true one."""
    random = np.random.default_rng(3)
    good = np.clip(0.7 + 0.2 * random.standard_normal(100), 0, 1)
    decision = decide(
        ["bad", "good"], rows(list(np.clip(good - 0.15 + 0.1 * random.standard_normal(100), 0, 1)), list(good)), measure="m"
    )
    assert (decision.winner, decision.leader, decision.ruled_out, decision.queries_needed) == ("good", "good", ("bad",), 0)
    assert 0 < decision.differences[0].low < 0.15 < decision.differences[0].high


def test_a_handful_of_queries_settles_nothing() -> None:
    """Four that agree are one in eight by chance; the interval says that nothing is known."""
    few = decide(["a", "b"], rows([1.0] * 4, [0.0] * 4), measure="m")
    assert not few.settled
    assert (few.differences[0].low, few.differences[0].high) == (-1.0, 1.0)
    assert decide(["a", "b"], rows([1.0] * 5, [0.0] * 5), measure="m").settled


def test_three_queries_out_of_a_hundred_are_not_a_difference() -> None:
    """Equal on 97, better on 3: a percentile interval would exclude zero, one in four would be so by chance."""
    assert not decide(["a", "b"], rows([1.0] * 3 + [0.5] * 97, [0.0] * 3 + [0.5] * 97), measure="m").settled


def test_the_number_of_queries_it_asks_for_would_settle_it() -> None:
    """As many more of the same queries as it names settle the same difference; a tiny one asks for none."""
    random = np.random.default_rng(4)
    a = random.random(100)
    b = np.clip(a - 0.04 + 0.3 * random.standard_normal(100), 0, 1)
    first = decide(["a", "b"], rows(list(a), list(b)), measure="m")
    assert not first.settled
    assert first.queries_needed is not None
    drawn = np.arange(100 + first.queries_needed) % 100
    assert decide(["a", "b"], rows(list(a[drawn]), list(b[drawn])), measure="m").settled
    wobble = 0.3 * random.standard_normal(100)
    nearly = a + wobble - wobble.mean() + 0.001  # beyond [0, 1]: only the difference matters here
    assert decide(["a", "b"], rows(list(a), list(nearly)), measure="m").queries_needed is None


def test_a_verdict_is_the_same_twice_and_whatever_the_order() -> None:
    """Seeded: equal figures, to the last digit; the order of the variants changes nothing but a tie."""
    values = graded(np.random.default_rng(5), 60, 3)
    first = decide(["a", "b", "c"], values, measure="m")
    assert first == decide(["a", "b", "c"], values, measure="m")
    turned = decide(["c", "b", "a"], values[:, ::-1].copy(), measure="m")
    assert (turned.leader, set(turned.ruled_out)) == (first.leader, set(first.ruled_out))
    assert turned.probability_best == first.probability_best


def test_the_level_is_that_of_the_intervals() -> None:
    """Three variants: 90% over all pairs. One pair: its own 95%, which is the wider interval of the two."""
    values = graded(np.random.default_rng(6), 60, 3)
    assert decide(["a", "b", "c"], values, measure="m").level == 0.90
    pair = decide(["a", "b"], values[:, :2], measure="m")
    assert pair.level == 0.95
    assert pair == decide(["a", "b"], values[:, :2], measure="m", level=0.95)
    [found] = pair.differences
    spread = values[:, 0] - values[:, 1]
    assert (found.high - found.low) / 2 == pytest.approx(2.0 * spread.std(ddof=1) / 60**0.5, rel=0.08)  # t(59) at 95%: 2.00


def test_one_variant_is_no_comparison() -> None:
    """Nothing to settle, nothing to need."""
    alone = decide(["a"], rows([0.5, 0.7]), measure="m")
    assert (alone.settled, alone.winner, alone.queries_needed, alone.probability_best) == (False, None, None, {"a": 1.0})
    with pytest.raises(ValueError, match="for 2 variants"):
        decide(["a", "b"], rows([0.5]), measure="m")
