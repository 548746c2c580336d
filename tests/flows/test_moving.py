"""A release exported, everything dropped, and taken in again: the same index."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pipeline.reading.otherwise import _both
from pipeline.resources import Resources
from sluice.ids import document_key
from sluice.settings import load
from tests.flows.conftest import DEPARTMENTS, TOPICS, Index


@pytest.mark.parametrize("mode", ["dense", "hybrid"])
def test_exported_dropped_and_imported_it_answers_as_before(index: Index, tmp_path: Path, mode: str) -> None:
    """Same fingerprint, access root, ids, scores; nothing is embedded; the next run finds nothing to do."""
    index.configure(search={"mode": mode})
    release = index.run()["release"]
    before = index("releases", "show", release).out
    hits = index("search", TOPICS["people"][0], "--as", "people,security", "-k", "8").out["hits"]
    told = index("export", release, str(tmp_path / "kept")).out
    assert (told["documents"], told["chunks"]) == (12, before["chunks"])
    index.lose_state()
    answer = index("import", str(tmp_path / "kept"))
    assert (answer.code, answer.out["outcome"], answer.out["embedded"]) == (0, "staged", 0), answer
    here, old = answer.out["release"], index("promote", release)
    assert (old.code, old.out["error"]["message"]) == (2, f"release {release} was imported, and is {here} here")
    assert f"sluice promote {here}" in index("search", "leave", "--as", "people").out["error"]["hint"]
    assert index("promote", answer.out["release"]).out["outcome"] == "promoted"
    after = index("releases", "show", answer.out["release"]).out
    for name in ("fingerprint", "access_root", "documents", "chunks", "tokens"):
        assert after[name] == before[name], name
    again = index("search", TOPICS["people"][0], "--as", "people,security", "-k", "8").out["hits"]
    assert [{**hit, "release": ""} for hit in again] == [{**hit, "release": ""} for hit in hits]
    assert index.run("unchanged")["embedded"] == 0


def test_what_was_erased_stays_away_where_the_release_is_imported(index: Index, tmp_path: Path) -> None:
    """Though its source lists it there as well."""
    index.run()
    assert index("forget", "people/0.md").code == 0
    release = index("run").out["release"]
    assert index("export", release, str(tmp_path / "kept")).code == 0
    index.lose_state()
    staged = index("import", str(tmp_path / "kept")).out["release"]
    assert index("promote", staged).code == 0
    assert index.run("unchanged")["release"] == staged
    assert "people/0.md" not in index.find(TOPICS["people"][0], "people", k=12)


def test_an_older_export_brings_nothing_back_that_was_erased(index: Index, tmp_path: Path) -> None:
    """Neither where it was erased, nor from a folder that was written meanwhile; it is counted, not named, and can be allowed."""
    for department in DEPARTMENTS:
        for number in range(4):
            if (department, number) != ("people", 0):
                (index.corpus / department / f"{number}.md").unlink()
    index.configure(gates=[])
    kept, release = tmp_path / "kept", index.run()["release"]
    assert index("export", release, str(kept)).code == 0
    assert index("forget", "people/0.md").code == 0
    refused = index("import", str(kept))
    assert (refused.code, refused.out["error"]["type"]) == (1, "ReleaseError"), "its only document is gone: the index is empty"
    assert "1 document of the export was erased since" in refused.out["error"]["message"]
    assert "people/0.md" not in str(refused.out)
    assert index("documents").out["documents"] == []
    manifest = json.loads((kept / "manifest.json").read_text())
    key = manifest["forgotten"] + [document_key("notes", "people/0.md")]
    assert index("forget", "people/0.md", "--undo").code == 0
    (kept / "manifest.json").write_text(json.dumps({**manifest, "forgotten": key}))
    assert "erased since" in index("import", str(kept)).out["error"]["message"]
    (kept / "manifest.json").write_text(json.dumps(manifest))
    assert index("import", str(kept)).out["outcome"] == "staged"


def test_an_export_that_fails_leaves_nothing_of_it(index: Index, tmp_path: Path) -> None:
    """Neither half of the documents nor a folder that the same command would then refuse."""
    release, kept = index.run()["release"], tmp_path / "kept"
    with Resources(load(index.config)) as r:
        ids = r.stores.versions.ids()
        r.stores.versions.delete([next(iter(ids))])
    broken = index("export", release, str(kept))
    assert (broken.code, broken.out["error"]["type"], kept.exists()) == (1, "IntegrityError", False)
    kept.mkdir()
    assert index("export", release, str(kept)).code == 1
    assert list(kept.iterdir()) == []


def test_an_import_names_the_keys_that_differ_and_no_secret(index: Index, tmp_path: Path) -> None:
    """Of parsing, cutting and embedding, with both values; of what may be secret only that it differs."""
    release = index.run()["release"]
    assert index("export", release, str(tmp_path / "kept")).code == 0
    index.lose_state()
    source = index.settings["sources"][0]
    index.configure(
        sources=[{**source, "parse": "verbatim", "root": "corpus/../corpus"}],
        embedding={"model": "hashing:128", "precision": "fp32"},
    )
    message = index("import", str(tmp_path / "kept")).out["error"]["message"]
    assert "embedding.model is hashing:128 here and hashing:256 there" in message
    assert "sources.notes.parse is verbatim here and not set there" in message
    assert "notes.root" not in message
    assert _both("chunking.api_key", "sk-1", "sk-2") == "chunking.api_key differs"
    assert _both("embedding.endpoint.url", "https://me:pw@a/v1?key=1", None) == (
        "embedding.endpoint.url is https://…@a/v1?… here and not set there"
    )


def test_what_cannot_be_exported_or_imported_is_refused_and_changes_nothing(index: Index, tmp_path: Path) -> None:
    """A release whose documents moved on, a full folder, an index with documents, another configuration, damaged files."""
    release, kept = index.run()["release"], tmp_path / "kept"
    assert index("export", release, str(kept)).code == 0
    assert index("export", release, str(kept)).code == 2
    assert index("import", str(kept)).out["error"]["type"] == "ReleaseError"
    index.write("people/9.md", "# New\n\nsomething new\n")
    index("ingest")
    assert index("export", release, str(tmp_path / "other")).out["error"]["type"] == "ReleaseError"
    index("forget", "people/0.md")
    erased = index("export", release, str(tmp_path / "other")).out["error"]
    assert "1 document was erased since" in erased["message"]
    assert erased["hint"].startswith("sluice run comes first")
    index.lose_state()
    assert index("import", str(tmp_path)).code == 2
    index.configure(chunking={"strategy": "recursive", "max_tokens": 50})
    refused = index("import", str(kept))
    assert refused.code == 2
    message = refused.out["error"]["message"]
    assert "chunking.max_tokens is 50 here and 100 there" in message
    assert "search" not in message  # no key of it differs
    index.configure(chunking={"strategy": "recursive", "max_tokens": 100, "overlap_tokens": 0, "context": "none"})
    code, said, _ = index.shown("import", str(kept))
    told = re.search(rf"was {release}, is (\S+); next: sluice promote (\S+)", said)
    assert (code, told is not None and told[1] == told[2]) == (0, True), said
    index.lose_state()
    manifest = json.loads((kept / "manifest.json").read_text())
    manifest["release"]["fingerprint"] = "0" * 64
    (kept / "manifest.json").write_text(json.dumps(manifest))
    assert index("import", str(kept)).out["error"]["type"] == "IntegrityError"
    assert index("releases").out["releases"] == []
    assert index("documents").out["documents"] == []
