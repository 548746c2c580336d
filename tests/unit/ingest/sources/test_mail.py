"""What `mail` promises beyond the suite: threads, attachments, permissions, and bodies that are sent once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.sources.imap import Imap, _from_utf7
from ingest.sources.letters import read_message
from ingest.sources.mail import MailOptions, MailSource
from ingest.sources.mailboxes import HEADER_BYTES, message_id
from sluice.access import AccessTags
from sluice.errors import ConfigurationError, DocumentError, SourceUnavailable
from sluice.records import ItemRef, RawItem
from sluice.settings import LimitSettings
from tests import mailroom
from tests.unit.ingest.reads import steps


def source(**options: object) -> MailSource:
    return MailSource("mail", MailOptions.model_validate(options))


def everything(found: MailSource, known: dict[str, str] | None = None) -> dict[str, RawItem]:
    return {ref.uri: found.fetch(ref) for ref in found.scan(known or {})}


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for folder in (tmp_path, tmp_path / ".HR.Private", tmp_path / ".Trash"):
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True)
    (tmp_path / "new" / "1.host").write_bytes(mailroom.message("one@x", X_Access="staff, all"))
    (tmp_path / "cur" / "2.host:2,S").write_bytes(
        mailroom.message(
            "two@x", "see attached", {"Plan für 2027.txt": b"the plan", "../../etc/passwd": b"x"}, answers=("zero@x", "one@x")
        )
    )
    (tmp_path / "cur" / "3.host:2,ST").write_bytes(mailroom.message("deleted@x"))
    (tmp_path / ".HR.Private" / "cur" / "4.host:2,").write_bytes(mailroom.message("pay@x", "salaries", {"pay.csv": b"1,2"}))
    (tmp_path / ".Trash" / "cur" / "5.host:2,").write_bytes(mailroom.message("old@x"))
    return tmp_path


def test_messages_and_attachments_are_documents(maildir: Path) -> None:
    """uri by folder and Message-ID; trash and messages marked as deleted are left out; names lead nowhere."""
    items = everything(source(path=maildir))
    assert set(items) == {
        "INBOX/one@x",
        "INBOX/two@x",
        "INBOX/two@x/1-Plan-für-2027.txt",
        "INBOX/two@x/2-passwd",
        "HR/Private/pay@x",
        "HR/Private/pay@x/1-pay.csv",
    }
    assert items["INBOX/two@x/1-Plan-für-2027.txt"].content == b"the plan"
    assert items["INBOX/two@x"].media_type == "message/rfc822"
    assert items["INBOX/two@x"].modified is not None
    assert items["INBOX/two@x"].modified.isoformat() == "2026-11-02T09:00:00+00:00"


def test_threads_are_metadata(maildir: Path) -> None:
    """A thread is named by its first message, for answers, for their attachments, and for the first message itself."""
    items = everything(source(path=maildir))
    assert items["INBOX/one@x"].metadata["thread"] == "one@x"
    answer = items["INBOX/two@x"].metadata
    assert (answer["thread"], answer["in_reply_to"], answer["references"]) == ("zero@x", "one@x", ["zero@x", "one@x"])
    attached = items["INBOX/two@x/2-passwd"].metadata
    assert (attached["thread"], attached["message"], attached["folder"]) == ("zero@x", "INBOX/two@x", "INBOX")


def test_an_attachment_has_the_permissions_of_its_message(maildir: Path) -> None:
    """Folder and header both narrow; what neither grants is for nobody, attachments included."""
    items = everything(source(path=maildir, folder_tags={"INBOX": ["staff", "all"], "HR/**": ["hr"]}))
    assert items["HR/Private/pay@x"].tags == items["HR/Private/pay@x/1-pay.csv"].tags == AccessTags(["hr"])
    both = everything(source(path=maildir, folder_tags={"INBOX": ["staff"]}, tags_header="X-Access"))
    assert both["INBOX/one@x"].tags == AccessTags(["staff"])
    assert both["INBOX/two@x/2-passwd"].tags == AccessTags()
    assert both["HR/Private/pay@x/1-pay.csv"].tags == AccessTags()
    assert everything(source(path=maildir))["INBOX/one@x"].tags is None


def test_of_several_headers_only_what_all_of_them_name_counts(tmp_path: Path) -> None:
    """Who sends a message may have put one of them there."""
    lines = b"X-Access: all, staff\r\nSubject: x\r\nx-access: staff\r\n"
    (tmp_path / "box").write_bytes(b"From a Mon Nov  2 10:00:00 2026\n" + lines + b"Message-ID: <a@x>\r\n\r\nHello\n")
    (item,) = everything(source(path=tmp_path / "box", tags_header="X-Access")).values()
    assert item.tags == AccessTags(["staff"])


def test_a_changed_rule_is_a_change_of_every_message(maildir: Path) -> None:
    """Permissions are part of the validator: they take effect with the next run."""
    before = {ref.uri: ref.validator for ref in source(path=maildir).scan({})}
    after = {ref.uri: ref.validator for ref in source(path=maildir, folder_tags={"**": ["hr"]}).scan(before)}
    assert set(before) == set(after)
    assert not set(before.values()) & set(after.values())


def test_an_mbox_is_read_by_its_rules(tmp_path: Path) -> None:
    """`>From ` is unescaped, copies are one document, an id given twice is two, a message without an id has one."""
    text = mailroom.message("a@x", "first\n\n>From here on\n")
    path = mailroom.mbox(
        tmp_path / "box", text, text, mailroom.message("a@x", "another"), mailroom.message("c@x").replace(b"<c@x>", b"")
    )
    items = everything(source(path=path))
    assert sorted(uri.partition("no-id")[0] for uri in items) == ["box/", "box/a@x", "box/a@x~2"]
    assert b"\nFrom here on" in items["box/a@x"].content
    known = {uri: item.validator for uri, item in items.items()}
    assert {ref.uri: ref.validator for ref in source(path=path).scan(known)} == known
    path.write_text("no mail at all")
    with pytest.raises(ConfigurationError, match="no mbox"):
        source(path=path).scan({})
    with pytest.raises(ConfigurationError, match="neither"):
        source(path=tmp_path / "nowhere").scan({})


def test_a_message_above_the_limit_is_one_quarantine_entry(tmp_path: Path) -> None:
    """It is listed, and refused when fetched; its neighbours are read."""
    path = mailroom.mbox(tmp_path / "box", mailroom.message("big@x", "x" * 70 * 1000), mailroom.message("small@x"))
    found = source(path=path, max_bytes=5000)
    refs = {ref.uri: ref for ref in found.scan({})}
    with pytest.raises(DocumentError, match="max_bytes"):
        found.fetch(refs["box/big@x"])
    assert found.fetch(refs["box/small@x"]).content


@pytest.mark.slow
def test_an_imap_server_sends_a_body_once() -> None:
    """A second scan asks for no header and no body; another process finds a message by its validator; flags stay."""
    pytest.importorskip("pymap", reason="pymap, an IMAP server for tests, is not installed")
    with mailroom.imap_server() as port:
        server = mailroom.client(port)
        server.create("T&APY-pfe")
        mailroom.deliver(server, "T&APY-pfe", mailroom.message("three@x"))
        server.create("Work")
        mailroom.deliver(server, "Work", mailroom.message("one@x", "hello", {"a.txt": b"attached"}))
        mailroom.deliver(server, "Work", mailroom.message("two@x", answers=("one@x",)))
        options = {
            "url": f"imap://demouser@127.0.0.1:{port}",
            "password": "demopass",
            "plaintext": True,
            "folders": ["Work", "Töpfe"],
        }

        def unseen() -> bytes:
            server.select("Work", readonly=True)
            return bytes(server.search(None, "UNSEEN")[1][0])

        flags = unseen()
        items = everything(source(**options))
        assert set(items) == {"Work/one@x", "Work/one@x/1-a.txt", "Work/two@x", "Töpfe/three@x"}
        assert items["Work/one@x/1-a.txt"].content == b"attached"
        known = {uri: item.validator for uri, item in items.items()}

        again = source(**options)
        mailbox = again._mailbox
        assert isinstance(mailbox, Imap)
        assert {ref.uri: ref.validator for ref in again.scan(known)} == known
        assert mailbox.bodies == 0
        elsewhere = source(**options)
        assert elsewhere.fetch(ItemRef("Work/one@x/1-a.txt", known["Work/one@x/1-a.txt"])) == items["Work/one@x/1-a.txt"]
        assert unseen() == flags

        with pytest.raises(SourceUnavailable) as error:
            source(**options | {"password": "guess"}).scan({})
        assert "guess" not in error.value.message
        with pytest.raises(ConfigurationError, match="no encryption"):
            source(**options | {"plaintext": False}).scan({})
        server.logout()
    with pytest.raises(SourceUnavailable):
        source(**options).scan({})


def test_a_folder_with_a_broken_name_is_a_folder() -> None:
    """Modified UTF-7 as it should be, and as some programs write it."""
    assert _from_utf7("Entw&APw-rfe") == "Entwürfe"
    assert _from_utf7("A&-B") == "A&B"
    assert _from_utf7("A&A-B") == "A&A-B"


def test_a_message_of_many_attachments_is_taken_apart_once(tmp_path: Path) -> None:
    """Each is fetched from what was read for the first; four times as many are at most five times the steps."""
    path = mailroom.mbox(tmp_path / "box", mailroom.message("a@b", attached={f"{n}.txt": b"x" for n in range(60)}))
    source = Counting("s", MailOptions(path=path))
    refs = list(source.scan({}))
    assert len(refs) == 61
    assert sum(source.fetch(ref).content == b"x" for ref in refs) == 60
    assert source.apart == 2  # to list them, and to fetch them

    def taken(count: int) -> int:
        content = mailroom.message("a@b", attached={f"{n}.txt": b"x" for n in range(count)})
        return steps(lambda: read_message(bytes(content), {"contents": True}))

    taken(10)
    assert taken(240) < 5 * taken(60)


class Counting(MailSource):
    """A source that counts how often a message is taken apart."""

    apart = 0

    def _taken_apart(self, content: bytes, uri: str, *, contents: bool = False) -> dict[str, Any]:
        self.apart += 1
        return super()._taken_apart(content, uri, contents=contents)


def test_a_message_that_cannot_be_taken_apart_costs_itself(tmp_path: Path) -> None:
    """One that takes too long or too much memory is one entry with that reason; the others are read."""
    part = b"--X\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\neA==\n"
    head = b"Message-ID: <heavy@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=X\n\n"
    heavy = head + part * 150_000 + b"--X--\n"
    path = mailroom.mbox(tmp_path / "box", mailroom.message("a@b"), heavy, mailroom.message("c@d", attached={"y.txt": b"y"}))
    for limits, reason in (({"timeout_s": 1}, "timeout"), ({"memory_mb": 64}, "out_of_memory")):
        source = MailSource("s", MailOptions(path=path, limits=LimitSettings.model_validate(limits)))
        found: dict[str, object] = {}
        for ref in source.scan({}):
            try:
                found[ref.uri] = source.fetch(ref).content[:1] != b""
            except DocumentError as error:
                found[ref.uri] = error.reason
        assert found == {"box/a@b": True, "box/heavy@x": reason, "box/c@d": True, "box/c@d/1-y.txt": True}


@pytest.mark.parametrize("unit", ["X-A: b\r\n", " folded\r\n", "X" * 60, "Message-ID: <\r\n", "<", "\0", "=?utf-8?q?"])
def test_the_name_of_a_message_is_found_in_time_that_grows_with_its_header(unit: str) -> None:
    """What is read outside a worker is a header's first megabyte, once; four times of it are at most five times the steps."""

    def taken(count: int) -> int:
        head = b"Subject: s\r\n" + (unit * count).encode() + b"\r\nMessage-ID: <a@b>\r\n\r\n"
        return steps(lambda: message_id(head))

    taken(10)
    assert taken(1000) < 5 * max(taken(250), 100)
    assert message_id(b"X: " + b"y" * HEADER_BYTES + b"\r\nMessage-ID: <a@b>\r\n\r\n") == ""
