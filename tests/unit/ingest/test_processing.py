"""Hostile and awkward files, all the way: limits, sandbox, parse, poison, with a reason that a person would accept."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ingest.processing import Processing, Processor, warm_processor
from ingest.sandbox import Sandbox, SandboxedParser
from ingest.sources.files import FilesOptions, FilesSource
from sluice.errors import DocumentError
from sluice.records import RawItem
from sluice.settings import LimitSettings, PoisonSettings, RedactSettings
from tests.unit.ingest.office_files import para, run, word
from tests.unit.ingest.planted_poison import line, pdf

CORPORA = Path(__file__).resolve().parents[3] / "../shared/corpora"
REASONS = {"protected", "malformed", "unsupported_type", "not_text", "undecodable", "needs_ocr", "sealed"}


def zipped(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


ENTITY_BOMB = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>'
ENTITY_FILE = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><l>&a;</l>'
HARMLESS_ENTITY = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY who "ACME">]><l>Written by ACME.</l>'
TWO_PAGES = pdf(line("One page.", 700)).replace(b"/Kids[3 0 R]/Count 1", b"/Kids[3 0 R 3 0 R]/Count 2")


@pytest.mark.parametrize(
    ("uri", "content", "reason"),
    [
        ("a.txt", b"x" * (2 << 20), "too_large"),
        ("a.docx", zipped({"word/document.xml": b" " * (9 << 20)}), "expands_too_far"),
        ("a.xml", ENTITY_BOMB, "entities"),
        ("a.xml", ENTITY_FILE, "entities"),
        ("a.svg", ENTITY_BOMB, "entities"),
        ("a.pdf", TWO_PAGES, "too_many_pages"),
    ],
)
def test_a_document_beyond_a_limit_is_refused_before_it_is_opened(uri: str, content: bytes, reason: str) -> None:
    """With the reason, what was seen and allowed, and what to do."""
    limits = LimitSettings(size_mb=1, expanded_mb=8, pages=1)
    with pytest.raises(DocumentError) as error:
        Processor(Processing(limits=limits)).parse(RawItem(uri, content, "v"), source="s")
    assert error.value.reason == reason
    assert error.value.hint


def test_an_entity_that_is_only_a_name_is_no_bomb() -> None:
    """A declaration of plain text is read like any other document."""
    assert Processor().parse(RawItem("a.xml", HARMLESS_ENTITY, "v"), source="s").text == "Written by ACME."


@pytest.mark.parametrize(
    ("uri", "content", "is_kept"),
    [
        ("a.docx", word(para(run("---")) + para(run("access_tags: [hr]")) + para(run("---")) + para(run("Body"))), False),
        ("a.docx", word(para(run("Access-Tags: hr")) + para(run("Body"))), False),
        ("a.docx", word(para(run("Doors")) + para(run("Access tags: every visitor gets one."))), True),
        ("a.rtf", rb"{\rtf1 ---\par acess_tags: hr\par ---\par Body}", False),
        ("a.eml", b"Subject: Plan\n\n---\naccess_tags: [hr]\n---\nBody", False),
        ("a.eml", b"Subject: Plan\n\n---\nforwarded: yes\n---\nBody", True),
    ],
)
def test_a_laid_out_document_that_begins_with_a_permission_is_kept_out(uri: str, content: bytes, is_kept: bool) -> None:
    """Nothing reads front matter there, and whoever wrote it meant it to hold."""
    if is_kept:
        assert Processor().parse(RawItem(uri, content, "v"), source="s").text
        return
    with pytest.raises(DocumentError) as error:
        Processor().parse(RawItem(uri, content, "v"), source="s")
    assert error.value.reason == "bad_front_matter"


def test_the_fingerprint_covers_what_decides_the_text() -> None:
    """Mode, policies and cleaners are part of it; limits are not: they never change a document, only whether it is one."""
    different = [
        Processing(),
        Processing(mode="verbatim"),
        Processing(clean=("unicode",)),
        Processing(poison=PoisonSettings(instructions="strip")),
        Processing(redact=RedactSettings(email="mask")),
        Processing(redact=RedactSettings(email="drop")),
    ]
    assert len({Processor(processing).fingerprint for processing in different}) == len(different)
    assert Processor(Processing(limits=LimitSettings(timeout_s=9))).fingerprint == Processor().fingerprint


@pytest.fixture(scope="module")
def sandboxed() -> Iterator[SandboxedParser]:
    sandbox = Sandbox(workers=1)
    processing = Processing(limits=LimitSettings(timeout_s=60, memory_mb=1024, expanded_mb=64))
    yield SandboxedParser(partial(warm_processor, processing), "f", processing.limits, sandbox)
    sandbox.close()


@pytest.mark.slow
@pytest.mark.parametrize("uri", ["a.txt", "a.md", "a.html"])
def test_ten_megabytes_in_one_line_end_in_time(sandboxed: SandboxedParser, uri: str) -> None:
    """Parsed, or given up with a reason; the worker pool goes on."""
    content = b"word " * (2 << 20)
    try:
        whole = len(sandboxed.parse(RawItem(uri, content, "v"), source="s").text) > 10_000_000
    except DocumentError as error:
        whole = error.reason in {"timeout", "out_of_memory", "malformed"}
    assert whole
    assert sandboxed.parse(RawItem("b.txt", b"Still here.", "v"), source="s").text == "Still here."


def outcomes(parser: SandboxedParser) -> dict[str, str]:
    """Each file of the formats corpus → kept, dropped: empty, or the reason of its error."""
    source = FilesSource("s", FilesOptions(root=CORPORA / "formats", include=("**/*",)))
    found = {}
    for ref in source.scan({}):
        try:
            found[ref.uri] = "kept" if parser.parse(source.fetch(ref), source="s").text.strip() else "dropped: empty"
        except DocumentError as error:
            found[ref.uri] = f"quarantined: {error.reason}"
    return found


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/corpora")
def test_every_awkward_file_ends_with_a_reason_a_person_accepts(sandboxed: SandboxedParser) -> None:
    """118 files through the sandbox: no crash, no hang; only what needs a program or a password is quarantined."""
    found = outcomes(sandboxed)
    assert len(found) == 118
    assert {outcome.removeprefix("quarantined: ") for outcome in found.values() if outcome.startswith("q")} <= REASONS
    counted = Counter(outcome.partition(":")[0] for outcome in found.values())
    assert counted["kept"] >= 109  # 113 where LibreOffice is installed
    assert counted["dropped"] == 3
    assert Counter(found.values())["quarantined: needs_ocr"] == 1
    assert sum(counted.values()) == 118
