"""Real documents: a whole handbook."""

from __future__ import annotations

import html
import json
import re
import shutil
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.parse import UnstructuredParser
from ingest.protocols import Source
from ingest.sources.files import FilesOptions, FilesSource
from ingest.sources.git import GitOptions, GitSource
from sluice.ids import text_hash
from sluice.records import Document
from tests.repository import Repository
from tests.unit.ingest.house import House

CORPORA = Path(__file__).resolve().parents[3] / "../shared/corpora"
PAGES = ("content/**/*.md",)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.corpora,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/corpora"),
]


def ingested(source: Source) -> House:
    """All pages of a source, fetched and parsed as a run does it."""
    house = House(parser=UnstructuredParser())
    house.run(source)
    return house


def documents(house: House) -> dict[str, Document]:
    return {document.uri: document for document in house.versions.rows.values()}


@pytest.fixture(scope="module")
def handbook() -> dict[str, Document]:
    return documents(ingested(FilesSource("s", FilesOptions(root=CORPORA / "handbook", include=PAGES))))


def plain(markdown: str) -> str:
    """Markdown as its author's words: without front matter, comments, link targets, tags and list numbers."""
    for pattern, flags in [
        (r"\A---\n.*?\n---\n", re.S),
        (r"<!--.*?-->|<(style|script|iframe)\b.*?</\1>", re.S),
        (r"^ {0,3}\[[^\]]+\]:\s*\S+.*$|^\s*(```|~~~).*$|^\s*\d+[.)]\s", re.M),
        (r"</?[a-z][a-z0-9]*(\s[^>]*)?>", 0),
    ]:
        markdown = re.sub(pattern, " ", markdown, flags=flags)
    markdown = re.sub(r"\]\((?:[^()\s]|\([^()]*\))*(\s+\"[^\"]*\")?\)|\]\[[^\]]*\]", "]", markdown)
    return html.unescape(markdown)


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).lower()))


def spoken(text: str) -> str:
    """A quote or text after NFKC and white-space normalisation, and without Markdown markup."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\s*(#+|[-*+]|\d+\.|>)\s+|<[^>]+>", " ", text, flags=re.M)
    return " ".join(re.sub(r"[*_`|~\\]|-{3,}", " ", text).split())


def squeezed(text: str) -> str:
    return spoken(text).replace(" ", "")


def test_every_page_of_the_handbook_parses_with_exact_offsets(handbook: dict[str, Document]) -> None:
    """883 files: none fails, and every element lies where it says."""
    assert len(handbook) == 883
    for document in handbook.values():
        position = 0
        for element in document.elements:
            assert position <= element.start < element.end <= len(document.text)
            position = element.end
    assert sum(document.language == "en" for document in handbook.values()) > 860


def test_no_words_of_the_handbook_are_lost(handbook: dict[str, Document]) -> None:
    """On average more than 99.5% of a page's words are in its parsed text, and of no page fewer than 90%."""
    kept = {}
    for uri, document in handbook.items():
        written = words(plain((CORPORA / "handbook" / uri).read_text(encoding="utf-8")))
        if written:
            kept[uri] = 1 - (written - words(document.text)).total() / written.total()
    assert sum(kept.values()) / len(kept) > 0.995
    assert min(kept.values()) > 0.9, min(kept, key=lambda uri: kept[uri])


def test_every_golden_quote_is_in_the_parsed_text(handbook: dict[str, Document]) -> None:
    """119 labels, after the normalisation of quotes."""
    golden = (CORPORA / "handbook.golden.jsonl").read_text(encoding="utf-8").splitlines()
    labels = [label for line in golden for label in json.loads(line)["relevant"] if "quote" in label]
    assert len(labels) == 119
    assert [x for x in labels if squeezed(x["quote"]) not in squeezed(handbook[x["uri"]].text)] == []


def test_the_handbook_through_git_is_the_handbook_through_files(handbook: dict[str, Document], tmp_path: Path) -> None:
    """All 883: the same keys, text hashes and all else but what git knows besides; a second run fetches and parses none."""
    shutil.copytree(CORPORA / "handbook" / "content", tmp_path / "repository" / "content")
    repository = Repository.at(tmp_path / "repository")

    def source() -> GitSource:
        return GitSource("s", GitOptions(url=str(repository.folder), include=PAGES, cache=tmp_path / "cache"))

    house = ingested(source())
    through_git = documents(house)
    assert len(through_git) == 883
    hashes = [{d.key: (d.uri, text_hash(d.text)) for d in found.values()} for found in (handbook, through_git)]
    assert hashes[0] == hashes[1]
    alone = {"author", "commit"}
    for uri, document in through_git.items():
        plain = replace(document, metadata={k: v for k, v in document.metadata.items() if k not in alone})
        assert plain == replace(handbook[uri], metadata={k: v for k, v in handbook[uri].metadata.items() if k not in alone})
    crawl, parse = house.run(source())
    assert (crawl.seen, parse.seen) == (0, 0)
