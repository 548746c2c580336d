"""Who may read a document is said of its present text: an older one that a collection still holds gains nobody by it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.operations import nightly
from pipeline.resources import Resources
from pipeline.runs import holding
from sluice.errors import StoreUnavailable
from sluice.settings import load
from tests.flows.conftest import DEPARTMENTS, Index

pytestmark = pytest.mark.slow

SECRET = "The severance plan pays ninety weeks."
URI = "people/plan.md"
REJECTS: list[dict[str, Any]] = [{"type": "retrieval", "golden": "never.jsonl", "k": 1, "min_recall": 0.9}]
NEVER = '{"id": "never", "query": "badges expire after ninety days", "relevant": [{"uri": "people/1.md"}]}\n'
"""A question that no release answers."""
OPEN = "# Plan\n\nThe canteen opens at nine.\n"


@pytest.fixture(autouse=True)
def never(index: Index) -> None:
    (index.folder / "never.jsonl").write_text(NEVER, encoding="utf-8")


def opened(*readers: str) -> dict[str, Any]:
    """Access rules by which these read what the people's folder holds."""
    return {"rules": [{"match": "people/**", "tags": list(readers)}, *({"match": f"{d}/**", "tags": [d]} for d in DEPARTMENTS)]}


def reads(index: Index, tag: str, words: str = "severance", release: str | None = None) -> bool:
    """Whether a search as this tag gives a text with these words."""
    extra = ("--release", release) if release else ()
    hits = index("search", SECRET, "--as", tag, "-k", "50", *extra).out["hits"]
    return any(words in hit["text"] for hit in hits)


def test_what_a_new_version_opens_stays_closed_in_its_older_text(index: Index) -> None:
    """Front matter that is gone with the words it kept: whatever the gates say of the new version, in the live release, in older
    ones and after a rollback; and a rule reaches the older text within what that says of itself."""
    index.configure(access=opened("people", "security"), gates=[])
    index.write(URI, f"---\naccess_tags: [security]\n---\n\n# Plan\n\n{SECRET}\n")
    first = index.run()["release"]
    assert not reads(index, "people")
    index.write(URI, OPEN)
    index.configure(gates=REJECTS)
    index.run("rejected")
    assert not reads(index, "people")
    assert "an older text" in index("why", SECRET, URI, "--as", "people").out["says"]
    assert reads(index, "security")
    index.configure(gates=[])
    index.run()
    assert not reads(index, "people", release=first)
    index("rollback", "--to", first)
    assert reads(index, "security")
    assert not reads(index, "people")
    index.configure(access=opened("people", "security", "engineering"))
    index("access", "sync")
    assert not reads(index, "engineering"), "a rule gives the older text no more than it says of itself"
    assert index.find("travel budget", "engineering")[0] == "people/1.md"
    index.configure(access=opened("people"))
    index("access", "sync")
    assert not reads(index, "security"), "a revocation reaches older texts"
    index.configure(access=opened("people", "security"))
    index("access", "sync")
    assert (reads(index, "security"), reads(index, "people")) == (True, False), "a rule that is mended opens what it had closed"


class AfterOne:
    """Takes in the first partition; then the machine goes away."""

    def map(self, function: Callable[[Resources, Any], Any], partitions: Sequence[Any], r: Resources) -> Sequence[Any]:
        function(r, partitions[0])
        raise StoreUnavailable("the machine went away")


@pytest.mark.parametrize("head", ["access_tags: [security]", "expires: 2020-01-01", "acess_tags: [security]"])
def test_what_a_new_version_takes_away_is_gone_before_the_next_documents_are_read(index: Index, head: str) -> None:
    """A narrowing, an expiry and what keeps a document out hold for its older text at once: all of a source may take hours."""
    index.configure(access=opened("people", "security"), gates=[])
    index.write("people/0.md", f"# Plan\n\n{SECRET}\n")
    first = index.run()["release"]
    assert reads(index, "people")
    index.write("people/0.md", f"---\n{head}\n---\n\n# Plan\n\n{SECRET}\n")
    index.write("people/1.md", "# Budget\n\nThe travel budget is ten hundred.\n")
    with (
        Resources(load(index.config)) as r,
        holding(r, "run", executor=AfterOne(), partition_documents=1) as run,
        pytest.raises(StoreUnavailable),
    ):
        nightly.reindex(r, run)
    assert not reads(index, "people")
    assert index.find("travel budget", "people")[0] == "people/1.md"
    shown = index("releases", "show", first).out["access"]
    assert (shown["revoked"], shown["granted"]) == (1, 0)
    index.run()
    assert not reads(index, "people", release=first)
    assert reads(index, "security") == head.startswith("access_tags")


@pytest.mark.parametrize("gone", ["deleted", "expired", "withdrawn"])
def test_what_was_revoked_of_a_text_stays_revoked_when_its_name_is_used_again(index: Index, gone: str) -> None:
    """A document that went away and comes back with other words: what older collections hold of it stays nobody's."""
    index.configure(gates=[])
    index.write(URI, f"# Plan\n\n{SECRET}\n")
    first = index.run()["release"]
    assert reads(index, "people")
    index.configure(gates=REJECTS)
    if gone == "deleted":
        (index.corpus / URI).unlink()
    else:
        head = "expires: 2020-01-01" if gone == "expired" else "acess_tags: [people]"
        index.write(URI, f"---\n{head}\n---\n\n# Plan\n\n{SECRET}\n")
    index("run")
    assert not reads(index, "people")
    index.write(URI, OPEN)
    index("run")
    assert not reads(index, "people")
    assert not reads(index, "people", release=first)
    index.write(URI, f"# Plan\n\n{SECRET}\n")
    index("run")
    assert reads(index, "people"), "the very text is current again"
    assert reads(index, "people", release=first)


def test_a_policy_that_masks_more_takes_the_unmasked_text_away_at_once(index: Index) -> None:
    """From the live release and older ones, whatever the gates say; others than what was masked stay."""
    index.configure(gates=[])
    index.write(URI, f"# Plan\n\n{SECRET} Ask mara@fjordline.example.no for it.\n")
    index.write("people/5.md", "# Severance\n\nThe severance desk is on floor two.\n")
    first = index.run()["release"]
    assert reads(index, "people", "mara@")
    index.configure(gates=REJECTS, sources=[{**index.settings["sources"][0], "redact": {"email": "mask"}}])
    masked = index.run("rejected")["release"]
    assert not reads(index, "people", "mara@")
    assert reads(index, "people", "floor two")
    index.configure(gates=[])
    index("promote", masked)
    assert reads(index, "people", "[EMAIL]")
    assert not reads(index, "people", "mara@", release=first)
    index.write(URI, f"# Plan\n\n{SECRET} Ask mara@fjordline.example.no, or jo@fjordline.example.no.\n")
    index.run()
    assert reads(index, "people", "or [EMAIL]")
    assert reads(index, "people", "Ask [EMAIL] for it", release=masked), "it was masked by the same policy"


def test_a_policy_reaches_an_older_text_of_what_has_nothing_to_mask_now(index: Index) -> None:
    """The words were taken out before anybody thought of masking them: older releases hold them all the same."""
    index.configure(gates=[])
    index.write(URI, f"# Plan\n\n{SECRET} Ask mara@fjordline.example.no for it.\n")
    index.write("people/5.md", "# Severance\n\nThe severance desk is on floor two.\n")
    first = index.run()["release"]
    index.write(URI, f"# Plan\n\n{SECRET}\n")
    index.write("people/5.md", "# Severance\n\nThe severance desk is on floor three.\n")
    index.run()
    index.configure(sources=[{**index.settings["sources"][0], "redact": {"email": "mask"}}])
    index.run()
    assert not reads(index, "people", "mara@", release=first)
    assert reads(index, "people", "floor two", release=first), "nothing is to be masked in it"
    assert reads(index, "people", "severance plan")


def test_permissions_of_a_source_that_widen_with_its_text_open_the_new_text_only(index: Index) -> None:
    """`access sync` knows the permissions before the text: the older text gains nobody, also where the new one is refused."""
    database = sqlite3.connect(index.folder / "notes.db")
    database.execute("create table notes (id text primary key, body text, tags text)")
    database.execute("insert into notes values ('a', ?, 'security')", (SECRET,))
    database.commit()
    rows: dict[str, Any] = {"name": "rows", "type": "sql", "url": f"sqlite:///{index.folder}/notes.db"}
    rows |= {"query": "select * from notes", "key": ["id"], "text": "body", "tags": "tags"}
    rules = [{"match": "**", "source": "rows", "tags": ["people", "security"]}, *index.settings["access"]["rules"]]
    index.configure(sources=[*index.settings["sources"], rows], access={"rules": rules}, gates=[])
    first = index.run()["release"]
    assert (reads(index, "people"), reads(index, "security")) == (False, True)
    database.execute("update notes set tags = 'people,security', body = 'The canteen opens at nine.' where id = 'a'")
    database.commit()
    index("access", "sync")
    assert (reads(index, "people"), reads(index, "security")) == (False, True)
    index.run()
    assert reads(index, "people", "canteen")
    assert not reads(index, "people", release=first)
    database.execute("update notes set tags = 'people' where id = 'a'")
    database.commit()
    index("access", "sync")
    assert not reads(index, "security", release=first)
    database.close()
