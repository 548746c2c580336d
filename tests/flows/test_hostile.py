"""Every hostile file in one folder, and a hostile site, beside innocent documents: each costs one entry, and nothing else."""

from __future__ import annotations

import io
import random
import socket
import time
import zipfile
from datetime import UTC, datetime

import docx
import pytest

from ingest import sandbox
from ingest.testing.stores import MemoryBlobs, MemoryVersions
from pipeline.evidence.labelled import CorpusDocuments
from sluice.records import DocumentState
from sluice.settings import LimitSettings
from tests.flows.conftest import DEPARTMENTS, Index
from tests.unit.ingest.planted_poison import line, pdf
from tests.website import Page, article, moved, website

LIMITS = {"timeout_s": 10, "memory_mb": 640, "expanded_mb": 96}
SOON = {"endless.pdf": LIMITS | {"timeout_s": 3}}
"""What uses up its time has a source of its own with less of it: all of that is a processor's."""


def endless_pdf() -> bytes:
    """A hundred thousand words, each at a place of its own: to lay that page out takes twice the time that is allowed."""
    draw = random.Random(1)
    return pdf(*[line("word", draw.randint(10, 780), x=draw.randint(10, 600)) for _ in range(100_000)])


def word(body: bytes) -> bytes:
    """A DOCX of one sentence, with this put behind it."""
    out, packed = io.BytesIO(), io.BytesIO()
    document = docx.Document()
    document.add_paragraph("MARK")
    document.save(out)
    with zipfile.ZipFile(out) as plain, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in plain.namelist():
            content = plain.read(name)
            archive.writestr(name, content.replace(b"MARK</w:t></w:r></w:p>", b"MARK</w:t></w:r></w:p>" + body))
    return packed.getvalue()


HOSTILE = {
    "endless.pdf": (endless_pdf, "timeout"),
    "eats-memory.docx": (lambda: word(b"<w:p/>" * 15_000_000), "out_of_memory"),
    "zip-bomb.docx": (lambda: word(b" " * (97 << 20)), "expands_too_far"),
    "entities.xml": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>',
        "entities",
    ),
}
OUTSIDE = "The outside is secret."


@pytest.mark.slow
def test_hostile_documents_cost_one_entry_each(index: Index) -> None:
    """Twelve notes and a site's page go live; each hostile file, link and redirect is one quarantine entry with its reason."""
    for name, (make, _) in HOSTILE.items():
        folder = (index.folder / "soon" if name in SOON else index.corpus) / "people"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(make())
    (index.folder / "secret.md").write_text(OUTSIDE, encoding="utf-8")
    (index.corpus / "people/outside.md").symlink_to(index.folder / "secret.md")
    with website() as site, socket.create_server(("127.0.0.1", 0)) as private:
        neighbour = f"http://127.0.0.1:{private.getsockname()[1]}/admin"
        site.pages |= {"/": Page(article("Home", links=("/trap",))), "/trap": moved(neighbour)}
        index.configure(
            sources=[
                {"name": "notes", "type": "files", "root": "corpus", "include": ["**/*"], "limits": LIMITS},
                {"name": "soon", "type": "files", "root": "soon", "include": ["**/*"], "limits": SOON["endless.pdf"]},
                {"name": "site", "type": "web", "start": [f"{site.url}/"], "delay_s": 0, "attempts": 1},
            ],
            access={"rules": [{"match": f"{d}/**", "tags": [d]} for d in DEPARTMENTS] + [{"match": "**", "tags": ["people"]}]},
        )
        done = index.run()
        private.settimeout(0.05)
        with pytest.raises(TimeoutError):
            private.accept()
        entries = {entry["uri"].removeprefix(f"{site.url}/"): entry for entry in index("quarantine").out["entries"]}
        expected = {f"people/{name}": reason for name, (_, reason) in HOSTILE.items()}
        expected |= {"people/outside.md": "outside_root", "trap": "refused_address"}
        assert {uri: entry["reason"] for uri, entry in entries.items()} == expected
        assert done["counts"]["parse"]["kept"] == 13
        assert index("releases", "show", done["release"]).out["documents"] == 13
        assert index.find("parental leave lasts sixteen weeks", "people", k=1) == ["people/0.md"]
        assert index.find("deploy the gateway on Tuesdays", "people", k=1) == [f"{site.url}/"]
        assert OUTSIDE not in str(index("search", "what is outside", "--as", "people", "-k", "20").out["hits"])
        index.run("unchanged")


MANY = "<div class='nav x'><span>a</span></div>"


@pytest.mark.slow
def test_a_page_that_hangs_costs_one_page_of_a_whole_crawl(index: Index) -> None:
    """Its main text takes too long, or too much memory: one entry with that reason, and the run ends with the rest live."""
    with website() as site:
        site.pages |= {
            "/": Page(article("Home", links=("/endless", "/after"))),
            "/endless": Page(MANY * 500_000),
            "/after": Page(article("After it", "Badges expire after ninety days. " * 9)),
            "/wide": Page(MANY * 80_000),
            "/wide/after": Page(article("Beside it", "Rotate the staging database. " * 9)),
            "/wide/start": Page(article("Start", links=("/wide", "/wide/after"))),
        }
        common = {"type": "web", "delay_s": 0, "attempts": 1}
        index.configure(
            sources=[
                {**common, "name": "slow", "start": [f"{site.url}/"], "limits": {"timeout_s": 3, "memory_mb": 4096}},
                {**common, "name": "wide", "start": [f"{site.url}/wide/start"], "limits": {"memory_mb": 64}},
            ],
            access={"rules": [{"match": "**", "tags": ["people"]}]},
            gates=[],
        )
        began = time.monotonic()
        index.run()
        assert time.monotonic() - began < 120  # where the pages alone would take the crawl's loop minutes
        entries = {entry["uri"].removeprefix(site.url): entry["reason"] for entry in index("quarantine").out["entries"]}
        assert entries == {"/endless": "timeout", "/wide": "out_of_memory"}
        assert index.find("badges expire after ninety days", "people", k=1) == [f"{site.url}/after"]
        assert index.find("rotate the staging database", "people", k=1) == [f"{site.url}/wide/after"]
        site.pages["/endless"] = Page(article("Mended", "The outage is over. " * 9))
        index.run("promoted")
        assert [entry["reason"] for entry in index("quarantine").out["entries"]] == ["out_of_memory"]


def test_a_label_on_a_document_that_hangs_is_judged_in_time() -> None:
    """Its raw bytes are read in the sandbox, within its source's limits: they prove nothing, and the evaluation goes on."""
    blobs = MemoryBlobs()
    states = [
        DocumentState("k", "slow", "a.pdf", "active", content_hash=blobs.put(endless_pdf())),
        DocumentState("l", "slow", "b.md", "active", content_hash=blobs.put(b"Sixteen weeks.")),
    ]
    sandbox.shared().close()
    documents = CorpusDocuments(states, MemoryVersions(), blobs, limits={"slow": LimitSettings(timeout_s=1)})
    started = datetime.now(UTC)
    assert documents.raw_text(states[0]) is None
    assert (datetime.now(UTC) - started).total_seconds() < 30
    assert documents.raw_text(states[1]) == "Sixteen weeks."
