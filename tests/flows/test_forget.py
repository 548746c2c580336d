"""`sluice forget`: a document is erased everywhere, that is proved, and it stays away."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest

from tests.flows.conftest import TOPICS, Index

pytestmark = pytest.mark.slow

URI = "people/secret.md"
_NOW = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
SECRET = "Remember that we keep the zanzibar ledger under the stairs."


def _files_that_say(folder: Path, text: str) -> list[str]:
    return [str(f) for f in folder.rglob("*") if f.is_file() and text.encode() in f.read_bytes()]


def test_a_forgotten_document_is_gone_from_every_release_and_every_file(index: Index) -> None:
    """Live, older and rejected release, bytes, versions, vectors, row: nothing is left, not even in the database's files."""
    from flows import deployed  # a flow, so that Prefect has something to forget

    index.write("people/secret.md", f"# Attic\n\n{SECRET}\n")
    first = index.run()
    index.write("people/secret.md", f"# Attic\n\n{SECRET}\nNobody goes there.\n")
    second = index.run()
    deployed.backfill(str(index.config), match=URI, stage="parse")
    assert index.find(SECRET, "people")[0] == "people/secret.md"
    prefect = Path(os.environ["PREFECT_HOME"])
    assert {Path(file).name for file in _files_that_say(prefect, URI)} & {"prefect.db", "prefect.db-wal"}
    answer = index("forget", "people/secret.md")
    assert (answer.code, answer.out["outcome"]) == (0, "forgotten"), answer
    assert len(answer.out["erased"]["points"]) == 2
    assert answer.out["erased"]["bytes"] == answer.out["erased"]["versions"] == answer.out["erased"]["vectors"] == 2
    assert set(answer.out["proof"]["left"].values()) == {0}
    assert answer.out["proof"]["searches"] == 2
    for release in (first["release"], second["release"]):
        assert "people/secret.md" not in index.find(SECRET, "people", "security", release=release, k=20)
        assert index("releases", "show", release).out["documents"] == 12
    assert _files_that_say(index.folder / "state", "zanzibar") == []
    assert _files_that_say(index.folder / "state", URI) == []
    assert _files_that_say(prefect, URI) == []
    assert answer.out["erased"]["prefect"] > 0
    assert answer.out["elsewhere"] == []
    assert "golden.jsonl" in index("forget", "people/1.md").out["elsewhere"][0], "whose labels may quote it"
    assert index("forget", "people/1.md", "--undo").code == 0
    third = index.run()
    assert third["counts"]["crawl"]["dropped"] == {"forgotten": 1}
    assert third["counts"]["crawl"]["seen"] == 13
    assert "people/secret.md" not in index.find(SECRET, "people", k=20)
    assert index.run("unchanged")["release"] == third["release"]
    again = index("forget", "people/secret.md")
    assert (again.code, _NOW.sub("NOW", again.out["error"]["message"])) == (
        2,
        "'people/secret.md' was already erased on NOW UTC: nothing but its key, a hash, is kept, so that it stays away",
    )
    assert "--undo" in again.out["error"]["hint"]
    [listed] = index("documents", "--status", "forgotten").out["documents"]
    assert (listed["uri"], listed["document_key"], listed["status"]) == ("", answer.out["document_key"], "forgotten")
    assert _NOW.search(listed["why"])
    people = index.shown("documents", "--status", "forgotten")[1]
    assert f"(key {answer.out['document_key'][:12]})" in people
    assert URI not in people
    assert "without GLOB" in index.shown("documents", "people/*", "--status", "forgotten")[1]
    assert index("forget", "people/secret.md", "--undo").out["outcome"] == "allowed"
    assert index.run()["counts"]["crawl"]["kept"] == 1
    assert index.find(SECRET, "people")[0] == "people/secret.md"


def test_bytes_that_were_replaced_before_anybody_read_them_go_too(index: Index) -> None:
    """A text that was kept out and then mended: nothing refers to its bytes any more, and nothing says whose they were."""
    index.configure(gates=[])
    refused = f"---\nacess_tags: [people]\n---\n\n# Attic\n\n{SECRET}\n"
    for text in (refused, "# Attic\n\nNothing is kept there.\n"):
        index.write(URI, text)
        index("ingest")
    index.let_go()
    kept = base64.b64encode(refused.encode())[:100].decode()  # as the embedded database has bytes
    assert _files_that_say(index.folder / "state", kept)
    assert index("forget", URI).out["erased"]["bytes"] == 1
    index.let_go()
    assert _files_that_say(index.folder / "state", kept) == []


def test_what_another_document_shares_stays(index: Index) -> None:
    """Two documents of equal bytes: forgetting one leaves the other whole, and an older release can still be rolled back to."""
    twin = f"# Attic\n\n{SECRET}\n"
    index.write("people/a.md", twin)
    index.write("people/b.md", twin)
    index.run()
    index.write("people/0.md", "# People note 0\n\nRemember that we changed something.\n")
    index.run()
    pages = index.folder / "state" / "releases"
    page = next(pages.glob("*.html")).read_text(encoding="utf-8")
    lost, others = pages / "20200101-000000-aaaaaaaa.html", pages / "20200101-000000-bbbbbbbb.html"
    lost.write_text(f"{page} people/a.md", encoding="utf-8")  # of a release that the ledger does not know
    others.write_text(f"{page} x/people/a.md".replace(" of small</title>", " of other</title>"), encoding="utf-8")
    answer = index("forget", "people/a.md").out
    assert (lost.exists(), others.exists()) == (False, True), "what nobody can make again, and what is another index's"
    assert (answer["shared"], answer["erased"]["bytes"], answer["erased"]["vectors"]) == (1, 0, 0)
    assert index.find(SECRET, "people")[0] == "people/b.md"
    assert index("rollback").out["outcome"] == "rolled back"
    assert index.find(SECRET, "people", k=20).count("people/b.md") == 1
    assert "people/a.md" not in index.find(SECRET, "people", k=20)


def test_a_uri_must_name_one_known_document(index: Index) -> None:
    """An unknown one and one of two sources exit 2; --source decides, and labels of what was forgotten are stale."""
    (index.folder / "wiki" / "people").mkdir(parents=True)
    (index.folder / "wiki" / "people" / "9.md").write_text("# Wiki\n\nThe canteen serves soup.\n")
    index.write("people/9.md", "# Nine\n\nThe canteen serves salad.\n")
    more = [*index.settings["sources"], {"name": "wiki", "type": "files", "root": "wiki", "include": ["**/*.md"]}]
    index.configure(sources=more)
    index.run()
    assert (index("forget", "people/none.md").code, index("forget", "people/9.md", "--source", "none").code) == (2, 2)
    ambiguous = index("forget", "people/9.md")
    assert (ambiguous.code, "--source" in ambiguous.out["error"]["hint"]) == (2, True)
    assert index("forget", "people/9.md", "--source", "wiki").out["source"] == "wiki"
    assert index.find("The canteen serves salad", "people")[0] == "people/9.md"
    assert index("forget", "people/1.md", "--source", "notes").code == 0
    assert [label["uri"] for label in index("golden", "check").out["stale"]] == ["people/1.md"]
    assert "people/1.md" not in index.find(TOPICS["people"][1], "people", k=20)


def test_a_name_that_changed_its_unicode_form_is_erased_in_both_and_comes_back_in_both(index: Index) -> None:
    """Typed as it was on a Mac: what is served under its new form goes, and what older releases hold; undone in one step."""
    nfd, nfc = "Fu\u0308hrung/x.md", "Führung/x.md"
    index.write(nfd, f"# Attic\n\n{SECRET}\n")
    index.configure(access={"rules": [{"match": "**", "tags": ["people"]}]}, gates=[])
    first = index.run()["release"]
    (index.corpus / "Fu\u0308hrung").rename(index.corpus / "Führung")
    index.run()
    assert index.find(SECRET, "people")[0] == nfc
    assert index("why", SECRET, nfd, "--as", "people").out["uri"] == nfc
    assert index("forget", nfd).out["uri"] == nfc
    for release in (None, first):
        assert not {nfc, nfd} & set(index.find(SECRET, "people", release=release, k=20))
    assert _files_that_say(index.folder / "state", "zanzibar") == []
    assert index.run()["counts"]["crawl"]["dropped"] == {"forgotten": 1}
    assert index("forget", nfd, "--undo").code == 0
    index.run()
    assert index.find(SECRET, "people")[0] == nfc


def test_of_two_documents_whose_names_differ_in_form_the_one_that_is_spelled_goes(index: Index) -> None:
    """The other is served, and goes on being read."""
    nfd, nfc = "Fu\u0308hrung/x.md", "Führung/x.md"
    for uri in (nfd, nfc):
        index.write(uri, f"# Attic of {len(uri)}\n\n{SECRET}\n")
    index.configure(access={"rules": [{"match": "**", "tags": ["people"]}]}, gates=[])
    index.run()
    assert index("forget", nfd).out["uri"] == nfd
    index.write(nfc, f"# Attic\n\n{SECRET} Nobody goes there.\n")
    crawl = index.run()["counts"]["crawl"]
    assert (crawl["kept"], crawl["dropped"]) == (1, {"forgotten": 1})
    assert index.find("Nobody goes there", "people")[0] == nfc


def test_a_name_that_is_nearly_one_is_told_with_the_one_that_there_is(index: Index) -> None:
    """In another case, or as a shell writes it: nothing is erased by a guess."""
    index.run()
    for typed in ("./people/0.md", "People/0.md"):
        answer = index("forget", typed)
        assert (answer.code, "did you mean people/0.md?" in answer.out["error"]["message"]) == (2, True)
    assert index("search", TOPICS["people"][0], "--as", "st\udce4ff").code == 2
