"""Equal and similar texts: which are found, which are not, and what is said of who may read them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.duplicates import duplicates, report, signature
from sluice.access import NOBODY, AccessTags
from sluice.records import DocumentState

WORDS = [f"word{n}" for n in range(5000)]


def page(seed: int, words: int = 400) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def edited(words: list[str], every: int) -> str:
    """The words with one in so many replaced."""
    return " ".join("other" if n % every == every - 1 else word for n, word in enumerate(words))


def similar(*texts: str, alike: float = 0.8) -> list[list[str]]:
    found = duplicates(((str(n), text) for n, text in enumerate(texts)), alike=alike)
    return [[key for key, _ in group] for group in found.similar]


def shared(one: str, other: str) -> float:
    """The exact share of common three-word shingles."""
    sets = [{tuple(words[i : i + 3]) for i in range(len(words) - 2)} for words in (one.split(), other.split())]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def test_equal_similar_and_other_texts_are_told_apart() -> None:
    """Equal texts in one group, texts that differ in a few words in another with all their copies, others nowhere."""
    base = page(1)
    found = duplicates({"a": " ".join(base), "b": " ".join(base), "c": edited(base, 100), "d": " ".join(page(2))}.items())
    assert found.equal == (("a", "b"),)
    ((first, copy, near),) = found.similar
    assert (first, copy, near[0]) == (("a", 1.0), ("b", 1.0), "c")
    assert 0.8 <= near[1] < 1


@pytest.mark.parametrize("every", [300, 100, 50, 20, 10, 5])
def test_the_estimate_is_near_the_exact_share(every: int) -> None:
    """Right on average (to 0.03) and within four and a half standard deviations each, for forty pages."""
    errors = []
    for seed in range(40):
        base = page(seed)
        one, other = " ".join(base), edited(base, every)
        signatures = signature(one), signature(other)
        assert signatures[0] is not None
        assert signatures[1] is not None
        errors.append(float((signatures[0] == signatures[1]).mean()) - shared(one, other))
    assert abs(sum(errors) / len(errors)) < 0.03
    assert max(map(abs, errors)) < 0.2


def test_nothing_alike_is_missed_and_nothing_unlike_is_accused() -> None:
    """Two hundred pairs that share nine tenths are all found at 0.8; two hundred that share half are not, nor strangers."""
    near = [text for seed in range(200) for text in (" ".join(page(seed)), edited(page(seed), 75))]
    half = [text for seed in range(200, 400) for text in (" ".join(page(seed)), edited(page(seed), 9))]
    assert 0.9 < shared(*near[:2]) < 0.95
    assert 0.4 < shared(*half[:2]) < 0.6
    assert similar(*near, *half) == [[str(n), str(n + 1)] for n in range(0, 400, 2)]


def test_a_chain_of_editions_is_one_group() -> None:
    """Each edition is like the one before; the last is less like the first, and its likeness says so."""
    words, editions = page(3), []
    for n in range(6):
        words[n * 60 : n * 60 + 12] = [f"new{n}"] * 12
        editions.append(" ".join(words))
    ((*group,),) = duplicates(zip("abcdef", editions, strict=True)).similar
    assert [key for key, _ in group] == list("abcdef")
    assert group[-1][1] < 0.8 < group[1][1]


def test_case_punctuation_and_markup_do_not_matter_and_texts_without_words_are_left_alone() -> None:
    """`HELLO, world!` and `hello world` are similar; two rules of dashes and stars are not."""
    assert similar("HELLO, **world**!", "hello world", "---", "***", "") == [["0", "1"]]


@given(st.lists(st.text(st.sampled_from("ab c.\ud800é"), max_size=12), max_size=12))
def test_every_key_is_in_at_most_one_group_of_a_kind(texts: list[str]) -> None:
    """Groups are of two and more, in the order the documents came; equal texts are exactly those that are equal."""
    found = duplicates((str(n), text) for n, text in enumerate(texts))
    for groups in (found.equal, tuple(tuple(key for key, _ in group) for group in found.similar)):
        keys = [key for group in groups for key in group]
        assert len(keys) == len(set(keys))
        assert all(len(group) > 1 for group in groups)
    assert {frozenset(group) for group in found.equal} == {
        frozenset(str(n) for n, other in enumerate(texts) if other == text) for text in texts if texts.count(text) > 1
    }


def state(uri: str, *tags: str, **more: object) -> DocumentState:
    known = {"version": "v", "title": uri.upper(), "tags": AccessTags(tags) if tags else NOBODY} | more
    return DocumentState(f"key of {uri}", "s", uri, **known)  # type: ignore[arg-type]


def test_a_report_says_who_may_read_the_copies() -> None:
    """Groups whose readers differ come first; what is served counts, and nothing else."""
    base = page(4)
    texts = {
        "a": "one text",
        "b": "one text",
        "c": "another text",
        "d": "another text",
        "e": "another text",
        "near": " ".join(base),
        "nearer": edited(base, 100),
        "gone": "one text",
        "alone": "nothing like it",
    }
    states = [
        *(state("a", "hr"), state("b", "hr", "staff"), state("c", "staff"), state("d", "staff"), state("e", "staff")),
        *(state("near", "staff"), state("nearer"), state("gone", "hr", status="deleted"), state("alone", "hr")),
    ]
    found = report(reversed(states), lambda served: [(s.key, texts[s.uri]) for s in served])
    assert (found.documents, found.duplicates, found.near_duplicates, found.tags_differ) == (8, 3, 1, 2)
    assert [[line["uri"] for line in group["documents"]] for group in found.equal] == [["a", "b"], ["c", "d", "e"]]
    assert [group["tags_differ"] for group in (*found.equal, *found.similar)] == [True, False, True]
    assert found.equal[0]["documents"][1] == {"source": "s", "uri": "b", "title": "B", "access_tags": ["hr", "staff"]}
    (group,) = found.similar
    assert [(line["uri"], line["access_tags"]) for line in group["documents"]] == [("near", ["staff"]), ("nearer", [])]
    assert 0.8 <= group["documents"][1]["similarity"] < 1
