"""What is taken out with a document's name, and what is not."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from pipeline.erasure.unnaming import ERASED, unnamed, unnamed_text
from pipeline.observability import prefect_records
from pipeline.resources import Resources
from sluice.errors import StoreUnavailable
from sluice.settings import load
from tests.flows.conftest import Index


@pytest.mark.parametrize(
    ("uri", "text", "without"),
    [
        ("people/a.md", "`people/a.md` (0.9), corpus/people/a.md.", f"`{ERASED}` (0.9), corpus/{ERASED}."),
        ("a.md", "schema.md and a.mdx and a.md", f"schema.md and a.mdx and {ERASED}"),
        ("7", "7 of 17 queries; looked for `7`, '7'", f"7 of 17 queries; looked for `{ERASED}`, '{ERASED}'"),
        ("a|b<c.md", "| a\\|b&lt;c.md | a|b<c.md |", f"| {ERASED} | {ERASED} |"),
        ("7", "7", ERASED),
        ("Geha\u0308lter/a.md", "match 'Gehälter/a.md', Geha\u0308lter/a.md", f"match '{ERASED}', {ERASED}"),
    ],
)
def test_a_name_goes_and_other_words_stay(uri: str, text: str, without: str) -> None:
    """Whole names only, as they are and as reports write them; a name that could be any word only in quotes."""
    assert unnamed(text, uri) == without
    held = json.dumps({"n": 7, uri: [text]})
    assert json.loads(unnamed_text(held, uri)) == {"n": 7, uri: [without]}


def test_prefect_forgets_a_name_down_to_the_bytes_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from pages that it had freed itself; ids and numbers are left alone; doing it again changes nothing."""
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    (tmp_path / "prefect").mkdir()
    file = tmp_path / "prefect" / "prefect.db"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE artifact (id TEXT, data JSON)")
        database.execute("CREATE TABLE log (message TEXT)")
        database.executemany("INSERT INTO artifact VALUES (?, ?)", [(f"{n}", json.dumps("`hr/ü.md`")) for n in range(200)])
        database.execute("INSERT INTO log VALUES ('reading hr/ü.md failed')")
        database.commit()
        database.execute("DELETE FROM artifact WHERE id > '2'")
        database.commit()
        assert prefect_records.left(tmp_path, "hr/ü.md") > 1
        assert prefect_records.erase(tmp_path, "hr/ü.md") > 1
        assert prefect_records.left(tmp_path, "hr/ü.md") == prefect_records.erase(tmp_path, "hr/ü.md") == 0
        assert database.execute("SELECT message FROM log").fetchone() == (f"reading {ERASED} failed",)
    written = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert "hr/ü.md".encode() not in written
    assert b"hr/\\u00fc.md" not in written
    database.close()


def test_what_cannot_be_rewritten_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no database is not taken for one that holds nothing."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    (tmp_path / "prefect.db").write_bytes(b"no database at all, but long enough to be taken for one" * 20)
    with pytest.raises(StoreUnavailable, match=r"prefect\.db cannot be rewritten"):
        prefect_records.erase(tmp_path / "state", "people/a.md")


def test_who_else_was_told_is_named_without_their_secrets(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Webhooks and a configured Prefect server had events with its uri; without either there is nobody."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with Resources(load(index.config)) as w:
        assert prefect_records.elsewhere(w) == []
    index.configure(events={"webhooks": ["https://hooks.example/x?token=s3cret"]})
    monkeypatch.setenv("PREFECT_API_URL", "https://prefect.example/api")
    with Resources(load(index.config)) as w:
        assert prefect_records.elsewhere(w) == [
            "the webhook at hooks.example",
            "the Prefect server at prefect.example: artifacts and events",
        ]
