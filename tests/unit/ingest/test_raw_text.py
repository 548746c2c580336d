"""Raw text for judging labels: decoded here where that is all there is to do, read in the sandbox where it is not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import psutil
import pytest

from ingest import raw_text
from ingest.sandbox import Sandbox
from sluice.records import RawItem
from sluice.settings import LimitSettings
from tests.unit.ingest.planted_poison import line, pdf
from tests.unit.ingest.test_processing import ENTITY_BOMB, zipped

HERE = psutil.Process()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(workers=1)
    yield made
    made.close()


def text(sandbox: Sandbox, uri: str, content: bytes, **limits: float) -> str | None:
    return raw_text.of(RawItem(uri, content, "v"), LimitSettings.model_validate(limits), sandbox)


def test_plain_text_costs_no_worker() -> None:
    """A hundred Markdown files are decoded in a moment, and no process is started."""
    unused = Sandbox(workers=1)
    before, started = {p.pid for p in HERE.children()}, time.monotonic()
    for n in range(100):
        assert text(unused, f"{n}.md", f"# Größe {n}\n".encode() * 400) == f"# Größe {n}\n" * 400
    assert time.monotonic() - started < 1
    assert {p.pid for p in HERE.children()} == before


@pytest.mark.parametrize(
    ("uri", "content", "held"),
    [
        ("a.html", b"<p>x&amp;y <b>z</b></p>", "x&y z"),
        ("a.txt", "Größe".encode("latin-1") * 20, "Größe" * 20),
        ("a.txt", b"\xef\xbb\xbfmarked", "marked"),
        ("a.pdf", pdf(line("Printed.", 700)), "Printed."),
        ("a.docx", b"broken", None),
    ],
    ids=["html", "latin-1", "marked", "pdf", "broken"],
)
def test_what_must_be_read_is_read_in_a_worker(sandbox: Sandbox, uri: str, content: bytes, held: str | None) -> None:
    """The same text as ever; None where there is none to be had."""
    found = text(sandbox, uri, content)
    assert (found if found is None else re.sub(r"\s+", " ", found).strip()) == held


@pytest.mark.parametrize(
    ("uri", "content", "limits"),
    [
        ("a.txt", b"x" * (2 << 20), {"size_mb": 1}),
        ("a.docx", zipped({"word/document.xml": b" " * (9 << 20)}), {"expanded_mb": 8}),
        ("a.xml", ENTITY_BOMB, {}),
        ("a.pdf", pdf(*[line("word", 10 + n * 7 % 770, x=10 + n * 13 % 590) for n in range(20_000)]), {"timeout_s": 0.1}),
    ],
    ids=["large", "zip bomb", "entities", "slow"],
)
def test_a_document_beyond_its_limits_proves_nothing(
    sandbox: Sandbox, uri: str, content: bytes, limits: dict[str, float]
) -> None:
    """None, soon, and the next one is read; the slow one would give 80,000 characters, after a second."""
    started = time.monotonic()
    assert text(sandbox, uri, content, **limits) is None
    assert time.monotonic() - started < 20
    assert "Still here." in (text(sandbox, "b.html", b"<p>Still here.</p>") or "")
