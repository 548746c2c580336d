"""Questions from the documents themselves: each kind by its form, each with words that answer it, none twice."""

from __future__ import annotations

from pathlib import Path

from evaluation.drafting import KINDS, Draft, chosen, drafts
from evaluation.gates.retrieval import RetrievalGate
from evaluation.gates.retrieval_options import RetrievalOptions
from evaluation.golden import load_golden
from evaluation.labels import resolve
from evaluation.quotes import plain
from evaluation.scoring import evaluate
from ingest.parse import UnstructuredParser
from sluice.records import Document, Element, RawItem
from tests.unit.evaluation.fakes import Doc, Release, context, write_lines

PAGES = {
    "it/laptops.md": """---
description: When a laptop is replaced, and who pays for it
---
# Hardware

## When are laptops replaced?

Laptops are replaced after three years, or earlier when they break. Ask the service desk.

## Terms

The service desk is the team that answers questions about hardware on working days.

| Device | Years of use |
|---|---|
| Laptop for engineers | 3 years and two months |
| Telephone | 2 years and no longer |

Read about [how money for travel is paid back](../money/travel.md).
""",
    "money/travel.md": """# Travel

Whoever travels for the company gets the money back within two weeks of asking for it.

**Q: Who books the flights?**
**A:** The travel desk books all flights, four weeks ahead.
""",
    "money/other.md": "# Overview\n\n## How do I get help?\n\nAsk finance about everything that is not written here.\n",
    "it/other.md": "# Overview\n\n## How do I get help?\n\nAsk the service desk, they know what to do about it.\n",
}


def parsed() -> list[Document]:
    parser = UnstructuredParser()
    made = [parser.parse(RawItem(uri, text.encode(), "v"), source="s") for uri, text in PAGES.items()]
    # Front matter is the pipeline's to read, and links are kept by sources that keep the text as it is.
    words = "A badge opens the doors of the floor that somebody works on."
    about = {"description": "Which doors does a badge open?"}
    badges = Document("b", "s", "it/badges.md", "v", "Badges", "en", words, (Element("text", 0, len(words)),), about)
    linked = Document("k", "s", "it/links.md", "v", "Links", "en", "See [how money for travel is paid back](../money/travel.md).")
    return [*made, badges, linked]


def test_each_kind_is_found_with_words_that_answer_it() -> None:
    """A heading that asks, a pair, a definition, a row, a link, a title and a description."""
    found = {draft.made_from: draft for draft in drafts(parsed())}
    assert set(found) <= set(KINDS)
    asked = {draft.query: draft for draft in drafts(parsed())}
    assert asked["When are laptops replaced?"].quote.startswith("Laptops are replaced after three years")
    assert asked["Who books the flights?"].quote.startswith("The travel desk books all flights")
    assert asked["What is the service desk?"].quote.startswith("The service desk is the team")
    assert asked["how money for travel is paid back"].uri == "money/travel.md"
    assert asked["Years of use of Telephone (Terms)"].quote.startswith("Telephone | 2 years")
    assert asked["Which doors does a badge open?"].made_from == "description"


def test_a_heading_that_two_documents_have_is_no_question() -> None:
    """Either would answer it: nothing is measured by which comes first."""
    assert "How do I get help?" not in {draft.query for draft in drafts(parsed())}


def test_every_quote_is_found_in_its_document() -> None:
    """A drafted label is true of the documents from the first day on."""
    documents = {document.uri: document for document in parsed()}
    for draft in drafts(parsed()):
        assert plain(documents[draft.uri].text).find(draft.quote) is not None, draft


def made(count: int) -> list[Draft]:
    return [
        Draft(f"what about topic number {i}?", f"f{i % 5}/d{i}.md", "s", "words " * (i % 40 + 1), KINDS[i % 3])
        for i in range(count)
    ]


def test_the_choice_is_spread_hard_ones_first_and_always_the_same() -> None:
    """Five folders have their share; what retrieval puts second is taken before what it puts first."""
    pool = made(200)
    picked = chosen(pool, 50)
    assert picked == chosen(list(reversed(pool)), 50)
    assert len({draft.query for draft in picked}) == 50
    assert all(8 <= sum(draft.uri.startswith(f"f{folder}/") for draft in picked) <= 12 for folder in range(5))
    ranks = {draft.query: (None, 1, 2, 5)[i % 4] for i, draft in enumerate(pool)}
    ranked = chosen(pool, 60, lambda draft: ranks[draft.query])
    assert len(ranked) == 60
    hard = sum(draft.rank is not None and draft.rank > 1 for draft in ranked)
    assert hard == 40
    assert sum(draft.rank is None for draft in ranked) == 0


def test_drafted_questions_are_in_no_mean_of_real_ones(tmp_path: Path) -> None:
    """Reported apart; alone in a set they are all there is, and a gate must say that it means them."""
    release = Release([Doc("a.md", "real words"), Doc("b.md", "nothing to see", raw="drafted words")])
    real = {"id": "r", "query": "real words", "relevant": [{"uri": "a.md"}]}
    drafted = Draft("drafted words", "b.md", "s", "drafted words", "title").as_line("d1")
    mixed = write_lines(tmp_path / "g.jsonl", real, drafted)
    golden = load_golden(mixed)
    assert [query.synthetic for query in golden.queries] == [False, True]
    evaluation = evaluate(release, resolve(golden, release), k=1, everyone=release.tags)
    assert evaluation.measures["Recall@1"] == 1.0
    assert evaluation.as_json()["queries"] == 1
    assert evaluation.as_json()["synthetic"]["Recall@1"] == 0.0
    assert RetrievalGate(RetrievalOptions(golden=mixed, k=1, min_recall=0.5)).judge(context(release)).passed
    own = RetrievalGate(RetrievalOptions(golden=mixed, k=1, min_recall=0.5, synthetic=True)).judge(context(release))
    assert "Recall@1 0.000 is below the floor" in own.reason
    alone = write_lines(tmp_path / "d.jsonl", drafted)
    refused = RetrievalGate(RetrievalOptions(golden=alone, k=1, min_recall=0.5)).judge(context(release))
    assert "synthetic: true" in refused.reason


def test_a_set_without_drafted_questions_means_what_it_meant(tmp_path: Path) -> None:
    """Saying `synthetic: false` changes no fingerprint."""
    line = {"id": "r", "query": "x", "relevant": [{"uri": "a.md"}]}
    plainly = load_golden(write_lines(tmp_path / "a.jsonl", line))
    assert plainly.fingerprint == load_golden(write_lines(tmp_path / "b.jsonl", line | {"synthetic": False})).fingerprint
    assert plainly.fingerprint != load_golden(write_lines(tmp_path / "c.jsonl", line | {"synthetic": True})).fingerprint
