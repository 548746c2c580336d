"""Spellings: two ways to write one name get one answer, two names that look alike get a warning."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.sources.files import FilesOptions, FilesSource
from sluice.access import NOBODY, AccessRule, AccessRules, AccessTags, Principal, near_miss_warnings
from sluice.globs import matches, nearly_matches, selected
from sluice.spelling import comparable, composed, find, forms, lookalike, same

CASES = Path(__file__).parents[4] / "shared" / "corpora" / "cases" / "13-names-nfd"
NFD_FOLDER = "Geha\u0308lter"
ATOMS = ("hr", "Gehälter", "é", "ệ", "Å", "한글", "が", "ﬁ", "q\u0308", "a\u0323\u0308", "Ω", "क्ष", "İ", "x", ".", " ", "-", "1")
GLOBS = ("*", "**", "?", "[äö]", "{é,hr}", "*.md")


def test_ten_thousand_pairs_in_random_forms_have_one_answer() -> None:
    """The answer of a rule for a path does not depend on the Unicode form of either."""
    chance = random.Random(20261126)

    def path(atoms: tuple[str, ...]) -> str:
        return "/".join("".join(chance.choices(atoms, k=chance.randint(1, 3))) for _ in range(chance.randint(1, 4)))

    held = 0
    for _ in range(10_000):
        uri = path(ATOMS)
        parts = [part if chance.random() < 0.5 else chance.choice((*GLOBS, *ATOMS)) for part in uri.split("/")]
        rule = "/".join(parts)
        answers = {
            matches(unicodedata.normalize(of_uri, uri), unicodedata.normalize(of_rule, rule))
            for of_uri in ("NFC", "NFD")
            for of_rule in ("NFC", "NFD")
        } | {matches(uri, rule)}
        assert len(answers) == 1, (ascii(uri), ascii(rule))
        held += answers.pop()
    assert 1000 < held < 9000, "both answers occur"


@pytest.mark.parametrize(
    ("uri", "pattern"),
    [
        (f"x/{NFD_FOLDER}/liste.md", "**/Gehälter/**"),
        ("x/Gehälter/liste.md", f"**/{NFD_FOLDER}/**"),
        ("hr/pay.md", "./hr/**"),
        ("hr/pay.md", "/hr/**"),
        ("hr/pay.md", "hr//**"),
        ("hr/pay.md", "hr/./**"),
        ("a//hr///pay.md", "a/hr/*"),
        ("h\u200br/pay.md", "hr/**"),
        ("hr\ufeff/pay.md", "hr/**"),
        ("hr/pay.md", "h\u00adr/**"),
        ("HTTPS://Example.ORG/hr/pay", "https://example.org/hr/**"),
        ("https://example.org//hr/pay", "https://example.org/hr/**"),
        ("https://example.org/%68r/pay", "https://example.org/hr/**"),
        ("https://example.org/Geh%C3%A4lter/1", "https://example.org/Gehälter/**"),
        ("https://example.org/Geha%cc%88lter/1", "https://example.org/Gehälter/**"),
        ("https://example.org/Gehälter/1", "https://example.org/Geh%c3%a4lter/**"),
        ("https://xn--bcher-kva.example/hr/1", "https://Bücher.example/hr/**"),
        ("https://a.bücher.example/hr/1", "https://*.xn--bcher-kva.example/hr/**"),
        ("https://example.org/hr/pay", "https://example.org:443/hr/**"),
        ("https://example.org.:8443/hr/pay", "https://example.org:8443/hr/**"),
        ("https://example.org/hr/pay", "https://example.org./hr/**"),
        ("http://example.org:80/hr/pay", "http://example.org/hr/**"),
    ],
)
def test_these_spellings_are_one_name(uri: str, pattern: str) -> None:
    """Rule, include and exclude alike: what nobody sees, or what means nothing, does not open a door."""
    assert matches(uri, pattern)
    assert selected(uri, [pattern])
    assert not selected(uri, ["**"], [pattern])
    assert AccessRules((AccessRule(pattern, NOBODY), AccessRule("**", AccessTags({"all"})))).ceiling("s", uri) == NOBODY


@pytest.mark.parametrize(
    ("uri", "pattern"),
    [
        ("HR/pay.md", "hr/**"),
        ("hr /pay.md", "hr/**"),
        (" hr/pay.md", "hr/**"),
        ("hr./pay.md", "hr/**"),
        ("ｈｒ/pay.md", "hr/**"),
        ("hr\u00a0/pay.md", "hr/**"),
        ("hr/SCAN.PDF", "**/*.pdf"),
        ("hr/pay.md ", "hr/*.md"),
        ("STRASSE/1", "straße/**"),
        ("hr/pay.md", "hr"),
        ("hr/pay.md", "hr/"),
        ("hr/pay.md", "hr\\**"),
        ("hr/pay.md", "a/../hr/**"),
        ("\u041dR/pay.md", "HR/**"),
        ("H\u0420/pay.md", "hp/**"),
        ("hr/p\u0430y.md", "hr/pay.md"),
        ("\u0397R/pay.md", "HR/**"),
        ("legal/pay.md", "l\u0435gal/**"),
        ("hr/pay.md", "hr**"),
        ("hr/old/pay.md", "hr/**.md"),
        ("a/b/hr/pay.md", "**hr/**"),
        ("hr[1]/pay.md", "hr[1]/**"),
        ("legal/pay.md", "{hr, legal}/**"),
        ("https://example.org/hr", "https://example.org/hr/**"),
        ("https://example.org/hr?year=2026", "https://example.org/hr/**"),
        ("https://example.org/hr/pay", "http://example.org/hr/**"),
        ("https://example.org/hr/pay", "https://www.example.org/hr/**"),
        ("https://example.org/hr/pay", "example.org/hr/**"),
    ],
)
def test_these_are_other_names_and_said_so(uri: str, pattern: str) -> None:
    """A rule does not hold for them (a path is case-sensitive on every platform); the warning names rule and document."""
    assert not matches(uri, pattern)
    assert nearly_matches(uri, pattern)
    rules = AccessRules((AccessRule(pattern, AccessTags({"hr"})), AccessRule("**", AccessTags({"public"}))))
    (miss,) = rules.near_misses([("s", uri), ("s", "elsewhere/x")])
    assert (miss.uri, miss.match, miss.meant, miss.granted) == (uri, pattern, AccessTags({"hr"}), AccessTags({"public"}))
    (said,) = near_miss_warnings([miss])
    assert repr(pattern).strip("'") in said or pattern in said
    assert uri in said
    assert "public" in said


@pytest.mark.parametrize(
    ("uri", "pattern"), [("a/../hr/pay.md", "hr/**"), ("/../hr/pay.md", "hr/**"), ("hr/x/../pay.md", "hr/*.md")]
)
def test_a_name_that_climbs_is_nobodys(uri: str, pattern: str) -> None:
    """`..` is never resolved, and no `*` or `**` stands for it: no rule with one opens it, and no link climbs out by it."""
    assert not matches(uri, pattern)
    assert not matches(uri, "**")
    assert not selected(uri, ["**"])
    rules = AccessRules((AccessRule(pattern, AccessTags({"hr"})), AccessRule("**", AccessTags({"public"}))))
    assert rules.ceiling("s", uri) == NOBODY
    (said,) = near_miss_warnings(rules.near_misses([("s", uri)]))
    assert "nobody" in said
    assert matches(uri, uri)


@pytest.mark.parametrize(
    ("uri", "pattern"),
    [
        ("hr/a", "hr/**"), ("legal/a", "hr/**"), ("a/b", "**"), ("shr/a", "hr/**"),
        ("hr/../a", "hr/**"), ("кадры/a", "hr/**"), ("кадры/a", "кадры/**"),
        ("hr/old/a", "hr/*"), ("a/hr/b", "hr**"), ("https://example.org/hrx", "https://example.org/hr/**"),
    ],
)  # fmt: skip
def test_no_warning_without_a_reason(uri: str, pattern: str) -> None:
    """What matches, and what is another word, is not said."""
    assert not nearly_matches(uri, pattern)


def test_a_miss_that_changes_nothing_is_not_named() -> None:
    """The same tags by another rule, a rule of another source, or an earlier rule that holds: nothing to say."""
    hr, public = AccessTags({"hr"}), AccessTags({"public"})
    assert not AccessRules((AccessRule("hr/**", hr), AccessRule("**", hr))).near_misses([("s", "HR/a")])
    assert not AccessRules((AccessRule("hr/**", hr, "other"), AccessRule("**", public))).near_misses([("s", "HR/a")])
    assert not AccessRules((AccessRule("HR/**", public), AccessRule("hr/**", hr))).near_misses([("s", "HR/a")])


@given(st.text(max_size=30))
@example("%0\u00c0")  # decomposed, it is a percent code and an accent
def test_comparing_forms_are_settled(text: str) -> None:
    """Idempotent, and the same for NFC and NFD: there is one spelling to compare, whatever the text."""
    for form in (composed, comparable):
        once = form(text)
        assert form(once) == once
        assert {form(unicodedata.normalize(kind, text)) for kind in ("NFC", "NFD")} == {once}
    assert lookalike(unicodedata.normalize("NFD", text)) == lookalike(text)
    assert all(same(text, form) for form in forms(text))


def test_a_typed_uri_finds_its_exact_spelling_first() -> None:
    """Two files that differ in form only are told apart by who spells them exactly; one alone is found by either form."""
    nfc, nfd = f"{composed(NFD_FOLDER)}/a", f"{NFD_FOLDER}/a"
    assert find(nfc, [nfd, nfc], str) == [nfc]
    assert find(nfc, [nfd, "b"], str) == [nfd]
    assert find(nfd, [nfc], str) == [nfc]
    assert find("b", [nfc, nfd], str) == []


def test_tags_are_one_in_either_form() -> None:
    """Who holds a tag reads what carries it, on whichever keyboard the two were typed."""
    assert AccessTags({"Gescha\u0308ftsleitung"}) == frozenset({"Geschäftsleitung"})
    assert Principal.of(["Gescha\u0308ftsleitung"]).may_read(AccessTags({"Geschäftsleitung"}))


def test_a_folder_of_macos_is_under_its_rule(tmp_path: Path) -> None:
    """The uri stays as on disk; include, exclude, rules and pruned folders hold for it however they are typed."""
    for folder in (NFD_FOLDER, "offen"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "liste.md").write_text("x", encoding="utf-8")
    rules = AccessRules((AccessRule("**/Gehälter/**", AccessTags({"hr"})), AccessRule("**", AccessTags({"public"}))))

    def listed(**patterns: tuple[str, ...]) -> list[str]:
        return [ref.uri for ref in FilesSource("s", FilesOptions(root=tmp_path, **patterns)).scan({})]

    assert listed() == [f"{NFD_FOLDER}/liste.md", "offen/liste.md"]
    assert [rules.ceiling("s", uri) for uri in listed()] == [frozenset({"hr"}), frozenset({"public"})]
    assert listed(include=("Gehälter/*",)) == [f"{NFD_FOLDER}/liste.md"]
    assert listed(exclude=("Gehälter/**",)) == ["offen/liste.md"]


@pytest.mark.corpora
@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/corpora/cases")
def test_the_reported_folder_is_under_its_rule() -> None:
    """Case 13: the same rule for the folder in NFC and in NFD."""
    rules = AccessRules((AccessRule("**/Gehälter/**", AccessTags({"hr"})), AccessRule("**", AccessTags({"public"}))))
    for form in ("NFC", "NFD"):
        (ref,) = FilesSource("s", FilesOptions(root=CASES / form)).scan({})
        assert rules.ceiling("s", ref.uri) == AccessTags({"hr"}), form
