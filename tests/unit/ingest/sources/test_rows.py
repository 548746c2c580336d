"""Rows as documents: bodies, keys, tags, metadata, paths; JSON Lines and CSV exports."""

from __future__ import annotations

import contextlib
import csv
import gc
import os
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from ingest.sources.paths import steps, value_at
from ingest.sources.records import RecordsOptions, RecordsSource
from ingest.sources.rows import RowOptions, Rows
from sluice.access import AccessTags
from sluice.errors import ConfigurationError, DocumentError, SourceUnavailable
from sluice.records import RawItem

ROW = {"id": 7, "a.b": 1, "title": "The  gate", "body": "It opens.", "who": {"name": "Ada", "teams": [{"id": "x"}, {"id": "y"}]}}


def item(row: dict[str, Any], **options: Any) -> RawItem:
    found = Rows("s", RowOptions(**({"key": "id", "text": "body"} | options)), "table").listed(row, "row 1").item
    if not isinstance(found, RawItem):
        raise found or AssertionError
    return found


def source(path: Path, **options: Any) -> RecordsSource:
    return RecordsSource("export", RecordsOptions(**({"path": path, "key": "id", "text": "body"} | options)))


def outcome(made: RecordsSource) -> dict[str, str]:
    """Uri → text, or the reason why there is none."""
    found = {}
    for ref in made.scan({}):
        try:
            found[ref.uri] = made.fetch(ref).content.decode()
        except DocumentError as error:
            found[ref.uri if "#" not in ref.uri else "#"] = f"{error.reason}: {error.message}"
    return found


def test_paths_name_values() -> None:
    """Names, positions, every element; what is not there is None, what is no path is refused."""
    assert value_at(ROW, "who.name") == "Ada"
    assert value_at(ROW, "$.who.teams[-1].id") == "y"
    assert value_at(ROW, "who.teams[*].id") == ["x", "y"]
    assert value_at(ROW, "a.b") == 1
    assert value_at(ROW, "who.teams[9].id") is None
    assert value_at(ROW, "title.name") is None
    assert value_at([1], "$") == [1]
    assert steps("a['b c'][0]") == ("a", "b c", 0)
    for wrong in ("a..b", ".a", "a[x]", "a[", "a.*"):
        with pytest.raises(ValueError):
            steps(wrong)


def test_bodies_are_a_title_above_a_text_or_a_template() -> None:
    """In Markdown, HTML or plain text; templates reach nested values, and nothing but values."""
    assert item(ROW, title="title").content == b"# The gate\n\nIt opens."
    assert item(ROW | {"title": "<i>"}, title="title", media_type="text/html").content == b"<h1>&lt;i&gt;</h1>\nIt opens."
    assert item(ROW, text=(), template="{who.name}: {body} {{{id}}} {nothing}").content == b"Ada: It opens. {7} "
    for wrong in ({"template": "{body!r}", "text": ()}, {"template": "{}", "text": ()}, {"text": ()}, {"template": "{body}"}):
        with pytest.raises(ValidationError):
            item(ROW, **wrong)


def test_uris_keep_keys_apart() -> None:
    """Several columns cannot run together, and what is invisible is escaped."""
    uris = {Rows("s", RowOptions(key=("a", "b"), text="t"), "p").uri({"a": a, "b": b}) for a, b in [("x/y", "z"), ("x", "y/z")]}
    assert uris == {"p/x%2Fy/z", "p/x/y%2Fz"}
    rows = Rows("s", RowOptions(key="a", text="t"), "p")
    assert [rows.uri({"a": key}) for key in ("ü/1", "a b\n#%", 0, None, "")] == ["p/ü/1", "p/a%20b%0A%23%25", "p/0", None, None]


@pytest.mark.parametrize(
    ("stated", "tags"),
    # Lists, not sets: a set's repr, and with it the test's name, differs from one xdist worker to the next.
    [(["a", "b"], ["a", "b"]), (" a , b,", ["a", "b"]), ([], []), (None, []), (7, ["7"]), (True, ["true"])],
    ids=repr,
)
def test_a_rows_own_tags(stated: Any, tags: list[str]) -> None:
    """A list, words between commas, one value; a row without any is for nobody."""
    assert item(ROW | {"acl": stated}, tags="acl").tags == AccessTags(tags)
    assert item(ROW).tags is None


def test_tags_that_cannot_be_read_keep_the_row_out() -> None:
    """What is no list of words is an error of this row; a permission that has no tag grants nothing."""
    with pytest.raises(DocumentError) as error:
        item(ROW, tags="who")
    assert error.value.reason == "bad_tags"
    assert item(ROW | {"acl": ["true", "odd"]}, tags="acl", tag_map={"true": ["staff"]}).tags == frozenset({"staff"})


def test_a_validator_covers_all_that_a_document_is_made_of() -> None:
    """Body, tags, metadata, and the options that shape them; with updated_at: that, the tags and the options."""
    base = {"metadata": ("who.name",), "tags": "acl"}
    row = ROW | {"acl": "a"}
    one = item(row, **base).validator
    others = [
        item(row | {"body": "!"}, **base).validator,
        item(row | {"acl": "b"}, **base).validator,
        item(row | {"who": {"name": "Bo"}}, **base).validator,
        item(row, **base, title="title").validator,
    ]
    assert len({one, *others}) == 5
    assert item(row | {"other": 1}, **base).validator == one
    timed = base | {"updated_at": "at"}
    first = item(row | {"at": 1}, **timed).validator
    assert item(row | {"at": 1, "body": "!"}, **timed).validator == first
    assert len({first, item(row | {"at": 2}, **timed).validator, item(row | {"at": 1, "acl": "b"}, **timed).validator}) == 3


def test_a_bad_line_costs_one_document(tmp_path: Path) -> None:
    """Malformed, without a key, twice, in another encoding: each is a reason with its line; the rest is read."""
    file = tmp_path / "export.jsonl"
    lines = [
        b'{"id": 1, "body": "one"}',
        b"{broken",
        b'{"id": 2, "body": "a"}',
        b'{"id": 2, "body": "b"}',
        b'{"id": 3, "body": "3"}',
    ]
    file.write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n\n")
    found = outcome(source(file))
    assert {uri: text.partition(":")[0] for uri, text in found.items()} == {
        "export/1": "one",
        "#": "malformed_record",
        "export/2": "duplicate_key",
        "export/3": "3",
    }
    assert "export.jsonl, line 2" in found["#"]
    for line, reason in [(b'{"body": "x"}', "no_key"), (b"[1]", "malformed_record"), (b'{"id": "\xff"}', "malformed_record")]:
        file.write_bytes(line + b"\n" + lines[0])
        found = outcome(source(file))
        assert (found["#"].partition(":")[0], found["export/1"]) == (reason, "one")
    file.write_bytes(b"[" * 100_000 + b"\n" + b'{"id": 5, "body": "' + b"x" * 5000 + b'"}\n' + lines[0])
    found = outcome(source(file, max_bytes=1000))
    assert found["export/1"] == "one"
    assert len(found) == 2  # both broken lines


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b'{"id": 1, "body": "x"}\n{"id": 2, "bo'),
        ("a.jsonl", b'{"id": 1, "body": "x"}\n{"id": 2, "x": tru'),
        ("a.jsonl", b'{"id": 1, "body": "x"}\n{"id": 2, "x": -'),
        ("a.jsonl", b'{"id": 1, "body": "x"}\n{"id": 2, "x": 1.'),
        ("a.jsonl", b'{"id": 1, "body": "x"}\n{"id": 2, "body": "\\u00e'),
        ("a.jsonl", b'{"id": 1, "body": "x"}\n{"id": 2, "body": "\xc3'),
        ("a.jsonl", b'{"id": 1, "body": "x"}\n\0\0\0\0'),
        ("a.csv", b'id,body\n1,x\n2,"y'),
        ("a.csv", b"id,body\n1,x\n2"),
        ("a.csv", b"id,body\n1,x\n2,\xc3"),
        ("a.csv", b'id,body\n1,x\n2,"y"z'),
        ("a.csv", b"id,body\n1,x\n2," + b"y" * 140_000),
        ("a.csv", b"id,bo"),
    ],
)
def test_an_export_that_is_still_written_is_no_listing(tmp_path: Path, name: str, content: bytes) -> None:
    """A file that ends within a record stops the scan, wherever it ends: its missing records would be taken for deleted."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnavailable, match="ends within"):
        list(source(tmp_path, max_bytes=1000).scan({}))


def test_a_last_line_that_can_be_read_needs_no_end(tmp_path: Path) -> None:
    """In neither format; and one that cannot be read and has one is an entry."""
    (tmp_path / "a.jsonl").write_text('{"id": 1, "body": "x"}')
    (tmp_path / "b.csv").write_text("id,body\n2,y")
    assert outcome(source(tmp_path)) == {"export/1": "x", "export/2": "y"}
    (tmp_path / "b.csv").write_text("id,body\n2,y\n3\n")
    assert outcome(source(tmp_path))["#"].startswith("malformed_record")


def test_a_heading_without_the_key_is_a_wrong_configuration(tmp_path: Path) -> None:
    """Of a file with another delimiter, or another file: every document of it would be taken for deleted."""
    (tmp_path / "a.csv").write_text("sep=;\nid;body\n1;x\n")
    with pytest.raises(ConfigurationError, match=r"a\.csv: its heading has no column id; it has sep=;"):
        list(source(tmp_path).scan({}))


def test_who_may_read_a_row_is_known_although_the_rest_cannot_be_had(tmp_path: Path) -> None:
    """What stays of it is for whom the row says now; of two rows with one key nobody can say, and nothing stays."""
    file = tmp_path / "x.jsonl"
    file.write_text('{"id": 1, "body": "' + "x" * 90 + '", "acl": ["hr"]}\n')
    made = source(file, tags="acl", text=["body", "body"], max_bytes=150)
    (ref,) = made.scan({})
    with pytest.raises(DocumentError) as error:
        made.fetch(ref)
    assert (error.value.reason, error.value.tags, error.value.withdraws) == ("too_large", frozenset({"hr"}), False)
    file.write_text('{"id": 1, "body": "x", "acl": ["all"]}\n{"id": 1, "body": "y", "acl": ["hr"]}\n')
    for tags, withdraws in (("acl", True), (None, False)):
        made = source(file, tags=tags)
        *_, ref = made.scan({})
        with pytest.raises(DocumentError) as error:
            made.fetch(ref)
        assert (error.value.reason, error.value.withdraws) == ("duplicate_key", withdraws)


def test_csv_values_may_hold_commas_and_lines(tmp_path: Path) -> None:
    """Quoted as spreadsheets do; a row with too few fields fails alone."""
    (tmp_path / "a.csv").write_text('id,body\n1,"one, and\ntwo"\n2\n', newline="")
    (tmp_path / "b.tsv").write_text("id\tbody\n3\tx,y\n")
    found = outcome(source(tmp_path))
    assert found.pop("#").startswith("malformed_record: source 'export': a.csv, line 4: has 1 field,")
    assert found == {"export/1": "one, and\ntwo", "export/3": "x,y"}


@pytest.mark.parametrize("allowed", [10, 131_072, sys.maxsize])
def test_how_long_a_record_may_be_is_its_sources_own(tmp_path: Path, allowed: int) -> None:
    """Whatever cells another reader of the process allowed; a record of more costs itself, and is not built."""
    rows = ["id,body", f"1,{'x' * 140_000}", "2,y", f'3,"{"x" * 100_000}', f'{"x" * 100_000}"', "4,z"]
    (tmp_path / "a.csv").write_text("\r\n".join(rows) + "\r\n", newline="")
    before = csv.field_size_limit(allowed)
    try:
        found, small = outcome(source(tmp_path)), outcome(source(tmp_path, max_bytes=1000))
    finally:
        csv.field_size_limit(before)
    assert {uri: len(text) for uri, text in found.items()} == {
        "export/1": 140_000,
        "export/2": 1,
        "export/3": 200_002,
        "export/4": 1,
    }
    said = small.pop("#")
    assert said == "malformed_record: source 'export': a.csv, line 4: the record is larger than 131072 characters"
    assert small == {"export/2": "y", "export/4": "z"}


def test_a_missing_export_is_a_wrong_configuration(tmp_path: Path) -> None:
    """Never an empty listing."""
    with pytest.raises(ConfigurationError, match="does not exist"):
        list(source(tmp_path / "none.jsonl").scan({}))


def test_nothing_is_kept_of_what_is_known_and_it_can_still_be_had(tmp_path: Path) -> None:
    """An unchanged record is not spooled; asked for on purpose, or by another process, it is read again."""
    (tmp_path / "a.jsonl").write_text('{"id": 1, "body": "one"}\n{"id": 2, "body": "two"}\n')
    made = source(tmp_path)
    known = {ref.uri: ref.validator for ref in made.scan({})}
    refs = list(made.scan(known))
    assert {ref.uri: ref.validator for ref in refs} == known
    assert made.fetch(refs[0]).content == b"one"
    assert source(tmp_path).fetch(refs[1]).content == b"two"


def _temporary_files() -> int:
    """SQLite's own temporary files that this process has open; other open files come and go with other threads."""
    found = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found += "etilqs" in os.readlink(f"/proc/self/fd/{descriptor}")
    return found


def test_a_snapshot_leaves_no_file_open(tmp_path: Path) -> None:
    """Its temporary file goes with the source."""
    (tmp_path / "a.jsonl").write_text("".join(f'{{"id": {n}, "body": "{"x" * 1000}"}}\n' for n in range(4000)))
    before = _temporary_files()
    made = source(tmp_path)
    refs = list(made.scan({}))
    assert len(made.fetch(refs[-1]).content) == 1000
    assert _temporary_files() == before + 1
    del made
    gc.collect()
    assert _temporary_files() == before


def test_exports_of_every_encoding_and_delimiter(tmp_path: Path) -> None:
    """UTF-16 with a mark or without, as spreadsheets export it; a heading that a semicolon or a tab sets apart."""
    for number, encoding in enumerate(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")):
        (tmp_path / f"{number}.jsonl").write_bytes('{"id": "ü", "body": "é"}\n{"id": 2, "body": "zwei"}\n'.encode(encoding))
        assert outcome(source(tmp_path / f"{number}.jsonl")) == {"export/ü": "é", "export/2": "zwei"}, encoding
    for delimiter in ";\t|":
        (tmp_path / "x.csv").write_text(f'"id"{delimiter}body\n1{delimiter}"a{delimiter}b"\n')
        assert outcome(source(tmp_path / "x.csv")) == {"export/1": f"a{delimiter}b"}


def test_a_record_that_gives_a_name_twice_withdraws_what_was_there(tmp_path: Path) -> None:
    """Its permissions may be what it gives twice: which of them hold, nobody can say. It keeps its uri."""
    (tmp_path / "x.jsonl").write_text(
        '{"id": 1, "body": "x", "tags": ["all"], "tags": ["few"]}\n{"id": 2, "id": 3, "body": "x"}\n'
    )
    made = source(tmp_path / "x.jsonl", tags="tags")
    known, unknown = made.scan({})
    assert known.uri == "export/1"
    for ref in (known, unknown):
        with pytest.raises(DocumentError, match="twice") as error:
            made.fetch(ref)
        assert error.value.reason == "malformed_record"
        assert error.value.withdraws == (ref is known)


def test_columns_with_one_name_are_a_wrong_configuration(tmp_path: Path) -> None:
    """Said with the names; of columns that nobody asks for it does not matter."""
    (tmp_path / "x.csv").write_text("id,body,body,other,other\n1,a,b,c,d\n")
    with pytest.raises(ConfigurationError, match="the name body"):
        list(source(tmp_path / "x.csv").scan({}))
    assert [ref.uri for ref in source(tmp_path / "x.csv", text="id").scan({})] == ["export/1"]


@pytest.mark.parametrize(
    ("key", "uri"),
    [
        (7, "t/7"),
        (Decimal("1.50"), "t/1.50"),
        (UUID(int=1), "t/00000000-0000-0000-0000-000000000001"),
        (UUID(int=255).bytes, "t/000000000000000000000000000000ff"),
        (b"text", "t/text"),
        (date(2026, 1, 2), "t/2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "t/2026-01-02T03:00:00+00:00"),
        (True, "t/true"),
        ("a b\n", "t/a%20b%0A"),
    ],
    ids=repr,
)
def test_keys_of_every_type_are_names(key: Any, uri: str) -> None:
    """Readable ones, and the same on every run."""
    assert item({"id": key, "body": "x"}, prefix="t").uri == uri


@pytest.mark.parametrize("key", [None, "", "\udcff", "a\ufffd"], ids=ascii)
def test_a_key_that_is_none_costs_its_row(key: Any) -> None:
    """Missing, or no text."""
    with pytest.raises(DocumentError) as error:
        item({"id": key, "body": "x"})
    assert error.value.reason in ("no_key", "undecodable")


@pytest.mark.parametrize(
    "row", [{"body": "\udcff"}, {"body": b"\xff", "title": "t"}, {"body": "x", "about": "\ud800"}], ids=ascii
)
def test_bytes_that_are_no_text_cost_their_row(row: dict[str, Any]) -> None:
    """Where text is asked for: body, title and metadata. A body of bytes alone is taken as it is."""
    with pytest.raises(DocumentError) as error:
        item({"id": 1, **row}, title="title", metadata=["about"])
    assert error.value.reason == "undecodable"
    assert item({"id": 1, "body": b"\xff"}).content == b"\xff"
