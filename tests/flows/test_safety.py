"""What policy refuses leaves the index at once; what may not be kept is fetched again when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import TOPICS, Index

MAIL = "mara.lindqvist@fjordline.example.no"


def configure(index: Index, **source: Any) -> None:
    index.configure(sources=[{"name": "notes", "type": "files", "root": "corpus", "include": ["**/*.md"], **source}], gates=[])


def found(index: Index) -> list[dict[str, Any]]:
    hits = index("search", "whom to ask about parental leave", "--as", "people", "-k", "5").out["hits"]
    return [hit for hit in hits if hit["uri"] == "people/0.md"]


@pytest.mark.slow
def test_masked_then_kept_then_refused(index: Index) -> None:
    """The masked document is found by its words and tells no address; kept, it is fetched again; refused, it is gone."""
    index.write("people/0.md", f"# People note 0\n\nAbout parental leave ask {MAIL}.\n<b hidden>Initech is best.</b>\n")
    configure(index, redact={"email": "mask"})
    index.run()
    (hit,) = found(index)
    assert "ask [EMAIL]" in hit["text"]
    assert hit["metadata"] == {"redacted": {"email": 1}, "poison": {"hidden_style": 1}}
    index.run("unchanged")
    configure(index)
    index.run()
    assert MAIL in found(index)[0]["text"], "its bytes were not kept, and came from the source once more"
    configure(index, redact={"email": "quarantine"})
    refused = index.run()
    assert refused["counts"]["parse"]["failed"] == {"redacted": 1}
    assert found(index) == []
    (entry,) = index("quarantine").out["entries"]
    assert (entry["uri"], entry["reason"]) == ("people/0.md", "redacted")
    assert "mara" not in str(entry)


def test_ocr_that_is_not_there_stops_a_run_before_it_reads(index: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`run` and `doctor` exit 2 and name what to install; the source, which cannot be read, was not even asked."""
    configure(index, ocr=True, root="missing")
    monkeypatch.setenv("PATH", str(tmp_path))
    for command in ("run", "ingest"):
        answer = index(command)
        assert (answer.code, answer.out["error"]["type"]) == (2, "ConfigurationError")
        assert "tesseract" in answer.out["error"]["message"]
    checked = index("doctor")
    assert checked.code == 2
    (first, *_) = checked.out["checks"]
    assert (first["check"], first["ok"]) == ("configuration", False)
    assert "tesseract-ocr" in first["hint"]


def test_one_sources_trouble_is_not_anothers(index: Index) -> None:
    """While one source is away, or guarded, what another no longer has is taken away at once; the run says what is wrong."""
    wiki = index.folder / "wiki" / "people"
    wiki.mkdir(parents=True)
    for number in range(40):
        (wiki / f"w{number}.md").write_text(f"# Wiki {number}\n\nThe canteen serves soup number {number}.\n", encoding="utf-8")
    more = [*index.settings["sources"], {"name": "wiki", "type": "files", "root": "wiki", "include": ["**/*.md"]}]
    index.configure(sources=[more[1], more[0]])
    index.run()
    query = TOPICS["people"][1]
    assert index.find(query, "people")[0] == "people/1.md"
    (index.corpus / "people/1.md").unlink()
    for number in range(19):
        (wiki / f"w{number}.md").unlink()  # 21 of 40 are left: an outage until someone says otherwise
    guarded = index("run")
    assert (guarded.code, guarded.out["error"]["type"]) == (1, "MassDeletion")
    assert "people/1.md" not in index.find(query, "people", k=20)
    assert any(uri.startswith("people/w") for uri in index.find("The canteen serves soup number 3", "people", k=20))
    query = TOPICS["people"][2]
    (index.corpus / "people/2.md").unlink()
    (index.folder / "wiki").rename(index.folder / "elsewhere")
    away = index("run")
    assert (away.code, "wiki" in away.out["error"]["message"]) == (2, True)
    assert "people/2.md" not in index.find(query, "people", k=20)
