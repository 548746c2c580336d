"""The `files` source beyond its protocol: links, odd names, limits, and what is wrong with a root."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ingest import sources
from ingest.sources.files import FilesOptions, FilesSource
from sluice.access import AccessRule, AccessTags
from sluice.errors import ConfigurationError, DocumentError
from sluice.ids import document_key
from sluice.records import ItemRef
from sluice.settings import Settings, validated
from tests.unit.ingest.house import House


def source(root: Path, **options: Any) -> FilesSource:
    return FilesSource("s", FilesOptions(root=root, **options))


def uris(root: Path, **options: Any) -> list[str]:
    return [ref.uri for ref in source(root, **options).scan({})]


def refused(root: Path, uri: str, **options: Any) -> str:
    with pytest.raises(DocumentError) as error:
        source(root, **options).fetch(ItemRef(uri, "0:0"))
    assert uri in error.value.message
    assert error.value.hint
    return error.value.reason


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def test_globs_choose_and_paths_are_relative_and_ordered(tmp_path: Path) -> None:
    """Include and exclude match the uri; `**/*` takes files at the top and dot files too."""
    put(tmp_path, "z.md", "a b.md", ".hidden", "sub/c.md", "sub/skip/d.md", "sub/e.txt")
    assert uris(tmp_path) == [".hidden", "a b.md", "sub/c.md", "sub/e.txt", "sub/skip/d.md", "z.md"]
    assert uris(tmp_path, include=("**/*.md",), exclude=("**/skip/**",)) == ["a b.md", "sub/c.md", "z.md"]


def test_a_ref_says_size_and_time_without_reading(tmp_path: Path) -> None:
    """The validator is mtime in nanoseconds and size; the media type follows the extension."""
    put(tmp_path, "a.md")
    os.utime(tmp_path / "a.md", ns=(1, 1_700_000_000_123_456_789))
    (ref,) = source(tmp_path).scan({})
    assert (ref.validator, ref.size) == ("1700000000123456789:4", 4)
    assert ref.modified is not None
    assert ref.modified.isoformat() == "2023-11-14T22:13:20+00:00"
    assert source(tmp_path).fetch(ref).media_type == "text/markdown"


@pytest.mark.parametrize("seconds", [-62_135_596_800 * 2, 253_402_300_800 * 2])
def test_an_impossible_clock_is_no_time(tmp_path: Path, seconds: int) -> None:
    """A file dated outside the years 1 to 9999 is read like any other."""
    put(tmp_path, "a.md")
    try:
        os.utime(tmp_path / "a.md", (seconds, seconds))
    except OSError:
        pytest.skip("this file system cannot hold such a time")
    (ref,) = source(tmp_path).scan({})
    assert source(tmp_path).fetch(ref).content == b"a.md"


def test_links_inside_the_root_are_followed(tmp_path: Path) -> None:
    """A link to a file or a folder of the root is one more uri for the same bytes."""
    put(tmp_path, "v2/a.md")
    (tmp_path / "current").symlink_to("v2")
    (tmp_path / "start.md").symlink_to("v2/a.md")
    assert uris(tmp_path) == ["current/a.md", "start.md", "v2/a.md"]
    for ref in source(tmp_path).scan({}):
        assert source(tmp_path).fetch(ref).content == b"v2/a.md"


def test_nothing_outside_the_root_is_read(tmp_path: Path) -> None:
    """Links and uris that lead out are listed but refused, also through a linked folder; a sibling's prefix is outside."""
    root = tmp_path / "root"
    put(tmp_path, "root/in.md", "secret.md", "rootlike/x.md", "outside/deep/y.md")
    (root / "out.md").symlink_to("../secret.md")
    (root / "like.md").symlink_to("../rootlike/x.md")
    (root / "folder").symlink_to("../outside")
    assert uris(root) == ["folder", "in.md", "like.md", "out.md"]
    for uri in ("out.md", "like.md", "folder", "folder/deep/y.md", "../secret.md", "a/../../secret.md"):
        assert refused(root, uri) == "outside_root"


def test_broken_links_and_pipes_are_refused_and_do_not_hang(tmp_path: Path) -> None:
    """Dangling links, a link to itself, a pipe and a folder end in an error of this one document."""
    (tmp_path / "dangling.md").symlink_to("nowhere.md")
    (tmp_path / "self.md").symlink_to("self.md")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert uris(tmp_path) == ["dangling.md", "pipe", "self.md"]
    assert refused(tmp_path, "dangling.md") == "dangling_link"
    assert refused(tmp_path, "self.md") == "dangling_link"
    assert refused(tmp_path, "pipe") == "not_a_file"
    assert refused(tmp_path, "gone.md") == "gone"


def test_circles_of_links_end(tmp_path: Path) -> None:
    """Links that lead back up, or to each other, are left alone in the end; every file is still listed where it is."""
    put(tmp_path, "a/1.md", "b/2.md")
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "self").symlink_to(".")
    for here in range(12):
        (tmp_path / f"d{here}").mkdir()
        for there in range(12):
            (tmp_path / f"d{here}" / f"to{there}").symlink_to(f"../d{there}")
    put(tmp_path, "d0/3.md")
    listed = uris(tmp_path)
    assert {"a/1.md", "b/2.md", "d0/3.md", "d1/to0/3.md"} <= set(listed)
    assert len(listed) == len(set(listed)) < 12**3
    assert not any(uri.startswith(("a/up", "a/self")) for uri in listed)


def test_a_name_that_is_not_utf8_survives(tmp_path: Path) -> None:
    """Its uri can be hashed, stored and fetched."""
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("latin")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    put(tmp_path, "café.md")
    refs = list(source(tmp_path).scan({}))
    assert sorted(ref.uri for ref in refs) == ["caf\\xe9.md", "café.md"]
    assert {ref.uri.encode("utf-8"): source(tmp_path).fetch(ref).content for ref in refs} == {
        "café.md".encode(): "café.md".encode(),
        b"caf\\xe9.md": b"latin",
    }
    assert document_key("s", refs[0].uri) != document_key("s", refs[1].uri)


def test_a_file_over_the_limit_is_refused_at_its_own_limit(tmp_path: Path) -> None:
    """`max_bytes` is the largest size that is still read."""
    (tmp_path / "a.md").write_bytes(b"x" * 100)
    assert refused(tmp_path, "a.md", max_bytes=99) == "too_large"
    (ref,) = source(tmp_path, max_bytes=100).scan({})
    assert len(source(tmp_path, max_bytes=100).fetch(ref).content) == 100


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """A file without permission is an error of this document; a folder without it stops the scan, unless excluded."""
    put(tmp_path, "a.md", "closed/b.md")
    (tmp_path / "a.md").chmod(0)
    assert refused(tmp_path, "a.md") == "unreadable"
    (tmp_path / "closed").chmod(0)
    try:
        assert uris(tmp_path, exclude=("closed/**",)) == ["a.md"]
    finally:
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize("root", ["missing", "file.md"])
def test_a_wrong_root_is_a_configuration_error(tmp_path: Path, root: str) -> None:
    """It names source, key and path, when the scan is asked for, not at its first item."""
    put(tmp_path, "file.md")
    with pytest.raises(ConfigurationError) as error:
        source(tmp_path / root).scan({})
    assert all(part in error.value.message for part in ("sources.s.root", str(tmp_path / root)))


def settings(tmp_path: Path, **section: Any) -> Settings:
    raw = {"index": "i", "state_dir": "s", "gates": [], "base": tmp_path, "path": tmp_path / "c.yaml"}
    return validated(Settings, raw | {"sources": [{"name": "s", **section}]}, where="c.yaml", base=tmp_path)


def test_build_resolves_names_and_classes(tmp_path: Path) -> None:
    """`files` and `module:Class` both build, with the root relative to the configuration."""
    put(tmp_path, "corpus/a.md")
    for kind in ("files", "ingest.sources.files:FilesSource"):
        whole = settings(tmp_path, type=kind, root="corpus")
        built = sources.build(whole.source("s"), whole)
        assert [ref.uri for ref in built.scan({})] == ["a.md"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"type": "nfs"}, "there is no source type 'nfs'"),
        ({"type": "no.such.module:Class"}, "cannot be imported"),
        ({"type": "pathlib:Path"}, "no 'Options'"),
        ({"type": "files"}, "the key 'sources.s.root' is missing"),
        ({"type": "files", "root": ".", "rot": 1}, "unknown key 'sources.s.rot'"),
        ({"type": "files", "root": ".", "max_bytes": 0}, "max_bytes"),
    ],
)
def test_a_wrong_source_is_a_configuration_error(tmp_path: Path, section: dict[str, Any], said: str) -> None:
    """The message names the key; the hint says what to do."""
    whole = settings(tmp_path, **section)
    with pytest.raises(ConfigurationError) as error:
        sources.build(whole.source("s"), whole)
    assert said in error.value.message
    assert error.value.hint


def test_a_link_is_no_other_door(tmp_path: Path) -> None:
    """What a link leads to is judged by both paths: rules, exclude; and another target is another document."""
    put(tmp_path, "hr/pay.md", "drafts/d.md", "public/open.md")
    (tmp_path / "public" / "x").symlink_to("../hr")
    (tmp_path / "public" / "pay.md").symlink_to("../hr/pay.md")
    (tmp_path / "public" / "y").symlink_to("../public/x")
    (tmp_path / "public" / "d").symlink_to("../drafts")
    (tmp_path / "public" / "d.md").symlink_to("../drafts/d.md")
    reader = FilesSource("s", FilesOptions(root=tmp_path, exclude=("drafts/**",)))
    listed = {ref.uri: ref for ref in reader.scan({})}
    assert set(listed) == {"hr/pay.md", "public/open.md", "public/pay.md", "public/x/pay.md", "public/y/pay.md"}
    house = House(rules=(AccessRule("hr/**", AccessTags({"hr", "boss"})), AccessRule("public/**", AccessTags({"all", "boss"}))))
    house.run(reader)
    tags = {state.uri: state.tags for state in house.states.read()}
    assert tags.pop("hr/pay.md") == frozenset({"hr", "boss"})
    assert tags.pop("public/open.md") == frozenset({"all", "boss"})
    assert set(tags.values()) == {AccessTags({"boss"})}, "no wider than either path"
    at = (tmp_path / "hr" / "pay.md").stat()
    (tmp_path / "public" / "pay.md").unlink()
    (tmp_path / "public" / "pay.md").symlink_to("open.md")
    os.utime(tmp_path / "public" / "open.md", ns=(at.st_atime_ns, at.st_mtime_ns))
    os.truncate(tmp_path / "public" / "open.md", at.st_size)
    os.utime(tmp_path / "public" / "open.md", ns=(at.st_atime_ns, at.st_mtime_ns))
    again = {ref.uri: ref.validator for ref in reader.scan({})}
    assert again["public/pay.md"] != listed["public/pay.md"].validator, "the same times and size, by another way"
    house.run(reader)
    assert house.states.read([document_key("s", "public/pay.md")])[0].tags == frozenset({"all", "boss"})


def nested(root: Path, depth: int, name: str) -> None:
    """Folders within folders, deeper than a path may be long: each made from within the one above."""
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("deep.md", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def test_a_nesting_of_1200_folders_is_read(tmp_path: Path) -> None:
    """However deep a file lies, it is a file, as long as the system takes its path."""
    put(tmp_path, "a.md", "z.md")
    nested(tmp_path, 1200, "d")
    deep = "d/" * 1200 + "deep.md"
    assert uris(tmp_path) == ["a.md", deep, "z.md"]
    assert FilesSource("s", FilesOptions(root=tmp_path)).fetch(ItemRef(deep, "v")).content == b""
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)  # Python's own removal is recursive


def test_a_folder_beyond_the_longest_path_costs_one_entry(tmp_path: Path) -> None:
    """It is listed as what it is, and everything else is there."""
    put(tmp_path, "a.md", "z.md")
    nested(tmp_path, 600, "folder-name")
    listed = uris(tmp_path)
    assert (listed[0], listed[-1], len(listed)) == ("a.md", "z.md", 3)
    assert refused(tmp_path, listed[1]) == "too_deep"
    subprocess.run(["rm", "-rf", str(tmp_path / "folder-name")], check=True)


def test_what_vanishes_while_it_is_listed_is_not_there(tmp_path: Path) -> None:
    """A file or a folder that is taken away between two looks at it: no error, and no other is missing."""
    put(tmp_path, "a.md", "b/1.md", "b/2.md", "c.md", "d/3.md")
    found = FilesSource("s", FilesOptions(root=tmp_path)).scan({})
    listed = [next(found).uri]
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "c.md").unlink()
    listed += [ref.uri for ref in found]
    assert listed == ["a.md", "d/3.md"]
