"""From a configuration to a chunker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import chunking
from chunking import Given
from chunking.testing import BundledTokenizer, StrategySuite, build, document
from sluice.errors import ConfigurationError
from sluice.records import Document
from sluice.settings import Section

ROOT = Path(__file__).resolve().parents[3]
HERE = f"{__name__}:Paragraphs"


class Paragraphs:
    """A user's own strategy."""

    class Options(Section):
        separator: str = "\n\n"

    def __init__(self, given: Given) -> None:
        self.separator = given.options.model_dump()["separator"]
        self.fingerprint = given.fingerprint("paragraphs", 1)

    def split(self, document: Document) -> list[tuple[int, int]]:
        spans, start = [], 0
        for part in document.text.split(self.separator):
            spans.append((start, start + len(part)))
            start += len(part) + len(self.separator)
        return spans


class TestParagraphs(StrategySuite):
    strategy = HERE
    options = {"separator": "\n"}  # noqa: RUF012


def test_a_strategy_of_ones_own() -> None:
    """`module:Class` is built with its own options, and is held to the same limits."""
    chunks = build(strategy=HERE, max_tokens=8, separator="|").chunk(document("one two|" + "three " * 10))
    assert [chunk.text for chunk in chunks] == ["one two", "three three three three three three three three", "three three"]


def test_options_are_part_of_the_identity() -> None:
    """Another option is another fingerprint."""
    assert build(strategy=HERE).fingerprint != build(strategy=HERE, separator="|").fingerprint


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"strategy": "recusive"}, r"suite.yaml: chunking.strategy: there is no strategy 'recusive'"),
        ({"strategy": "no.such.module:Thing"}, r"chunking.strategy: 'no.such.module:Thing' cannot be imported"),
        ({"strategy": "chunking:Nothing"}, r"chunking.strategy: 'chunking:Nothing' cannot be imported"),
        ({"strategy": "fixed", "colour": "red"}, r"suite.yaml: unknown key 'chunking.colour'"),
        ({"strategy": "heading", "merge": "perhaps"}, r"suite.yaml: chunking.merge: "),
        ({"strategy": "recursive", "language": "klingon"}, r"chunking.language: "),
        ({"strategy": "recursive", "language": "python", "separators": ["x"]}, r"give separators or language, not both"),
        ({"strategy": "recursive", "max_tokens": 255}, r"chunking.max_tokens: 255 tokens and the model's 2 special ones.*256"),
        (
            {"strategy": "hierarchical", "parent_tokens": 100},
            r"suite.yaml: chunking.parent_tokens: 100 is not more than max_tokens",
        ),
    ],
)
def test_wrong_configurations(section: dict[str, Any], message: str) -> None:
    """Each wrong key is refused by its path, with what was seen."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        build(**section)
    assert caught.value.hint


def test_every_name_can_be_built() -> None:
    """Every strategy in the table exists."""
    for name in chunking.STRATEGIES:
        assert build(strategy=name).fingerprint


def test_light_to_import() -> None:
    """Building a chunker imports neither torch, nor transformers, nor unstructured."""
    program = (
        "import sys; import chunking, chunking.auto, chunking.semantic, chunking.cluster; "
        "print([m for m in ('torch', 'transformers', 'unstructured', 'sentence_transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_window_counts_special_tokens() -> None:
    """The largest size that is allowed leaves room for the special tokens."""
    assert build(BundledTokenizer(256), strategy="fixed", max_tokens=254)
