from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.sparse import Bm25Encoder, words
from sluice.points import SparseVector

CASES = Path(__file__).resolve().parents[3] / "../shared/corpora/cases/29-sparse"
BM25 = Bm25Encoder(k1=1.2, b=0.75, average_words=4)


def weight_of(word: str, vector: SparseVector) -> float:
    """The weight of a word in a vector; 0 where it is not."""
    (index,) = Bm25Encoder().query(word).indices
    return dict(zip(vector.indices, vector.values, strict=True)).get(index, 0.0)


def test_document_weights_are_those_of_the_formula() -> None:
    """By hand: four words, tf 2 and 1, |d| = avgdl, so tf * 2.2 / (tf + 1.2)."""
    (vector,) = BM25.documents(["red red blue green"])
    assert weight_of("red", vector) == pytest.approx(2 * 2.2 / (2 + 1.2))
    assert weight_of("blue", vector) == pytest.approx(2.2 / (1 + 1.2))
    assert weight_of("yellow", vector) == 0.0


def test_longer_texts_are_discounted() -> None:
    """The same word weighs less in eight words than in four: discount 1.2 * (0.25 + 0.75 * 2)."""
    (vector,) = BM25.documents(["red b c d e f g h"])
    assert weight_of("red", vector) == pytest.approx(2.2 / (1 + 1.2 * (0.25 + 0.75 * 2)))


def test_query_weights_are_one_for_each_distinct_word() -> None:
    """Document frequencies are the store's: the query only says which words."""
    assert set(BM25.query("Red red, RED and blue").values) == {1.0}
    assert len(BM25.query("Red red, RED and blue").indices) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Policies, policy", ["policy", "policy"]),
        ("Invoices and buses", ["invoice", "and", "buse"]),
        ("status process analysis gas", ["status", "process", "analysi", "gas"]),
        ("ＦＵＬＬ ﬁle naïve", ["full", "file", "naïve"]),
        ("東京 user_id 3.5", ["東京", "user_id", "3", "5"]),
        ("", []),
        ("Straße STRASSE Σίσυφος", ["strasse", "strasse", "σίσυφοσ"]),
        ("İstanbul co\u00adop", ["istanbul", "coop"]),
    ],
)
def test_words_are_unicode_lower_case_and_singular(text: str, expected: list[str]) -> None:
    """NFKC, lower case, and Harman's three rules for English plurals."""
    assert words(text) == expected


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_vectors_are_well_formed_for_any_text(text: str) -> None:
    """Indices ascend, are unique and fit 32 bits; weights are positive and below k1 + 1 for each word."""
    for vector in (*BM25.documents([text]), BM25.query(text)):
        assert list(vector.indices) == sorted(set(vector.indices))
        assert all(0 <= index < 2**32 for index in vector.indices)
        assert all(value > 0 for value in vector.values)
        assert len(vector.indices) == len(vector.values)


def test_indices_are_the_same_on_any_machine() -> None:
    """Pinned: an index built on one machine is searched from another."""
    assert BM25.query("invoice").indices == (2846348124,)


def test_the_fingerprint_covers_every_parameter() -> None:
    """A release built with other constants is another release."""
    others = [Bm25Encoder(k1=1.5), Bm25Encoder(b=0.5), Bm25Encoder(average_words=99)]
    assert len({Bm25Encoder().fingerprint, *(o.fingerprint for o in others)}) == 4


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("每位员工每年享有二十天带薪年假。", "年假"),
        ("従業員は毎年二十日間の有給休暇を取れます。", "有給休暇"),
        ("コンピューターを使う", "ｺﾝﾋﾟｭｰﾀｰ"),
        ("직원은 휴가를 신청합니다", "휴가"),
        ("พนักงานทุกคนมีสิทธิลาพักร้อน", "ลาพักร้อน"),
        ("हर कर्मचारी को बीस दिन की छुट्टी मिलती है", "छुट्टी"),
        ("ขอวันลา iPhone手机", "手机"),
        ("مُحَمَّد في الإجازة", "محمد"),
        ("שָׁלוֹם לכולם", "שלום"),
        ("Cafe\u0301 geschlossen", "CAFÉ"),
    ],
)
def test_a_word_is_found_in_any_script(text: str, query: str) -> None:
    """With or without spaces, whatever its Unicode form, case and vowel signs: every term of the query is in the text."""
    assert words(query)
    assert set(words(query)) <= set(words(text))


def test_scripts_without_spaces_are_pairs_of_characters() -> None:
    """Two texts of one script share no term by accident of one character; a lone character is a term."""
    assert words("年假") == ["年假"]
    assert words("带薪年假") == ["带薪", "薪年", "年假"]
    assert words("假") == ["假"]
    assert not set(words("年假")) & set(words("差旅费用在三十天内报销"))
    assert words("हिन्दी") == ["हिन्दी"]


@pytest.mark.corpora
@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/corpora")
@pytest.mark.parametrize(
    ("query", "name"), [("年假", "leave.md"), ("差旅费", "travel.md"), ("带薪年假", "leave.md"), ("发票", "travel.md")]
)
def test_a_chinese_word_finds_its_page_and_no_other(query: str, name: str) -> None:
    """Case 29: all of a query's terms are in one page, none in the other."""
    terms = {file.name: set(words(file.read_text(encoding="utf-8"))) for file in CASES.iterdir()}
    assert {file for file, found in terms.items() if set(words(query)) & found} == {name}
    assert set(words(query)) <= terms[name]
