"""A real git repository."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ingest.sources.checked import Checked
from ingest.sources.git import GitOptions, GitSource
from sluice.errors import ConfigurationError, DocumentError, SourceUnavailable
from tests.repository import Repository
from tests.web import Asked, Reply, web


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.at(tmp_path / "repository")
    made.write("docs/a.md", b"# A\n")
    made.write("docs/b.md", b"# B\n", author="Grace")
    made.write("code/main.py", b"print()\n")
    return made


def source(repository: Repository | str, tmp_path: Path, **options: Any) -> GitSource:
    url = str(repository.folder) if isinstance(repository, Repository) else repository
    return GitSource("code", GitOptions(url=url, cache=tmp_path / "cache", **options))


def validators(made: GitSource, known: dict[str, str] | None = None) -> dict[str, str]:
    return {ref.uri: ref.validator for ref in made.scan(known or {})}


def test_a_file_is_known_by_its_blob_and_its_last_change(repository: Repository, tmp_path: Path) -> None:
    """The validator is git's own id; author, commit and date are those of the last commit that touched the file."""
    repository.write("docs/a.md", b"# A\n\nmore\n", author="Alan")
    last = repository.write("other.txt", b"x")
    made = source(repository, tmp_path)
    refs = {ref.uri: ref for ref in made.scan({})}
    assert refs["docs/b.md"].validator == repository.git("rev-parse", "HEAD:docs/b.md")
    items = {uri: made.fetch(ref) for uri, ref in refs.items()}
    authors = {uri: item.metadata["author"] for uri, item in items.items()}
    assert authors == {"docs/a.md": "Alan", "docs/b.md": "Grace", "code/main.py": "Ada", "other.txt": "Ada"}
    assert items["other.txt"].metadata["commit"] == last
    assert items["docs/b.md"].modified
    assert items["docs/b.md"].modified.isoformat() == "2026-01-01T10:03:00+00:00"
    assert (items["docs/a.md"].content, items["docs/a.md"].media_type) == (b"# A\n\nmore\n", "text/markdown")


def test_only_what_a_commit_touched_is_new(repository: Repository, tmp_path: Path) -> None:
    """Another process, after another commit, sees one changed validator; nothing else is read or walked for."""
    known = validators(source(repository, tmp_path))
    repository.write("docs/a.md", b"# A changed\n")
    repository.delete("code/main.py")
    after = validators(source(repository, tmp_path), known)
    assert {uri for uri in after if after[uri] != known[uri]} == {"docs/a.md"}
    assert set(known) - set(after) == {"code/main.py"}


def test_any_ref_can_be_read(repository: Repository, tmp_path: Path) -> None:
    """A branch, a tag, a commit's id; include and exclude choose; a ref that is not there is a wrong configuration."""
    old = repository.git("rev-parse", "HEAD")
    repository.git("tag", "v1")
    repository.git("checkout", "--quiet", "-b", "feature/x")
    repository.write("docs/c.md", b"# C\n")
    assert "docs/c.md" in validators(source(repository, tmp_path, ref="feature/x"))
    for ref in ("v1", old, "main"):
        found = validators(source(repository, tmp_path, ref=ref, include=["**/*.md"], exclude=["docs/b*"]))
        assert list(found) == ["docs/a.md"]
    with pytest.raises(ConfigurationError, match="has no 'nosuch'"):
        validators(source(repository, tmp_path, ref="nosuch"))
    with pytest.raises(ConfigurationError, match="does not exist"):
        validators(source(str(tmp_path / "nowhere"), tmp_path))


HOSTILE = ["--upload-pack=touch /tmp/owned", "ext::sh -c touch% /tmp/owned", "a\nb", "ssh://-oProxy/x"]


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field in ("url", "ref") for value in HOSTILE] + [("url", "-oProxyCommand=x")]
)
def test_hostile_arguments_are_no_options(field: str, value: str) -> None:
    """What git could take for an option or a command is refused before git is asked; a legal name is never an option."""
    with pytest.raises(ValidationError):
        GitOptions(**({"url": "/srv/x"} | {field: value}))


def test_a_link_is_no_other_door(repository: Repository, tmp_path: Path) -> None:
    """What a link leads to is judged by its path too: exclude holds, rules are told it, another target is another document."""
    (repository.folder / "hr").mkdir()
    (repository.folder / "hr/pay.md").write_text("same")
    (repository.folder / "open.md").write_text("same")
    (repository.folder / "link.md").symlink_to("hr/pay.md")
    repository.commit()
    made = source(repository, tmp_path)
    refs = {ref.uri: ref for ref in made.scan({})}
    assert made.fetch(refs["link.md"]).stands_for == "hr/pay.md"
    assert made.fetch(refs["open.md"]).stands_for == ""
    assert "link.md" not in {ref.uri for ref in source(repository, tmp_path, exclude=("hr/**",)).scan({})}
    (repository.folder / "link.md").unlink()
    (repository.folder / "link.md").symlink_to("open.md")
    repository.commit()
    (again,) = [ref for ref in made.scan({}) if ref.uri == "link.md"]
    assert again.validator != refs["link.md"].validator
    assert made.fetch(again).stands_for == "open.md"


def test_what_is_not_a_file_here_is_refused_or_left_alone(repository: Repository, tmp_path: Path) -> None:
    """Links are followed inside the repository only; LFS pointers say so; submodules are other repositories."""
    (repository.folder / "docs/link.md").symlink_to("a.md")
    (repository.folder / "docs/folder").symlink_to("../code")
    (repository.folder / "out.md").symlink_to("/etc/passwd")
    (repository.folder / "nothing.md").symlink_to("nowhere.md")
    (repository.folder / "big.bin").write_bytes(b"x" * 2000)
    (repository.folder / "lfs.pdf").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    other = Repository.at(tmp_path / "other")
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.folder), "module")
    repository.commit()
    made = source(repository, tmp_path, max_bytes=1000)
    found: dict[str, object] = {}
    for ref in made.scan({}):
        try:
            found[ref.uri] = made.fetch(ref).content
        except DocumentError as error:
            found[ref.uri] = error.reason
    assert found["docs/link.md"] == b"# A\n"
    reasons = {uri: found[uri] for uri in ("out.md", "nothing.md", "big.bin", "lfs.pdf")}
    assert reasons == {"out.md": "outside_root", "nothing.md": "dangling_link", "big.bin": "too_large", "lfs.pdf": "lfs_pointer"}
    assert found["module"] == "submodule"
    assert not any(uri.startswith(("module/", "docs/folder")) for uri in found)


NAMES = [
    "-x",
    "@",
    "feature/a.b",
    "ünï/日本",
    "{x}",
    "#1",
    "a'b",
    "(x)$HOME;ls",
    "abcdef1",
    "0123456789" * 4,
    "HEAD1",
    "-oProxyCommand=x",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["heads", "tags"])
def test_every_legal_name_names_its_branch_or_tag(repository: Repository, tmp_path: Path, name: str, kind: str) -> None:
    """Whatever git could take the name for: an option, a revision, a commit's id, HEAD."""
    repository.git("checkout", "--quiet", "--detach")
    repository.write("only-there.md", b"there")
    repository.git("update-ref", f"refs/{kind}/{name}", "HEAD")
    repository.git("checkout", "--quiet", "main")
    assert "only-there.md" in validators(source(repository, tmp_path, ref=name))
    assert "only-there.md" not in validators(source(repository, tmp_path, ref="main"))


@pytest.mark.parametrize(
    "name", ["a..b", "a.lock", "a b", "/a", "a/", ".a", "a/.b", "a~1", "a^", "a:b", "a@{1}", "a\\b", "a*", ""]
)
def test_what_git_forbids_as_a_name_is_refused(name: str) -> None:
    """As git-check-ref-format has it."""
    with pytest.raises(ValidationError):
        GitOptions(url="/srv/x", ref=name)


def test_names_and_authors_of_any_characters_end_no_run(repository: Repository, tmp_path: Path) -> None:
    """Paths that look like git's own output, and an author with control characters and bytes that are no text."""
    names = [b"a\nb.md", b"\x01c.md", b":100644 x.md", b'"quoted".md', b"\xff\xfe.md", b" lead.md", b"tab\t.md", b"\nx.md"]
    for name in names:
        (repository.folder / os.fsdecode(name)).write_bytes(name)
    repository.commit(author="Ev\x01il\x02 \x1b[31mred")
    (repository.folder / "after.md").write_bytes(b"x")
    repository.commit(author=os.fsdecode(b"Ren\xe9"))
    made = Checked(source(repository, tmp_path))
    items = [made.fetch(ref) for ref in made.scan({})]
    assert {item.content for item in items} >= set(names)
    assert all(item.uri.isprintable() and item.metadata["author"].isprintable() for item in items)
    authors = {item.content: item.metadata["author"] for item in items}
    assert authors[b":100644 x.md"] == authors[b"\x01c.md"] == "Ev il   [31mred"
    assert authors[b"x"] == "René", "git itself reads such a name as Latin-1"


def test_a_commit_at_no_time_that_a_calendar_has(repository: Repository, tmp_path: Path) -> None:
    """Its file has no time, and the others theirs."""
    (repository.folder / "late.md").write_bytes(b"late")
    repository.git("add", "--all")
    tree = repository.git("write-tree")
    who = "A <a> 99999999999999 +0000"
    raw = f"tree {tree}\nparent {repository.git('rev-parse', 'HEAD')}\nauthor {who}\ncommitter {who}\n\nm\n"
    (tmp_path / "raw").write_bytes(raw.encode())
    repository.git(
        "update-ref", "HEAD", repository.git("hash-object", "-t", "commit", "-w", "--literally", str(tmp_path / "raw"))
    )
    made = source(repository, tmp_path)
    items = {ref.uri: made.fetch(ref) for ref in made.scan({})}
    assert items["late.md"].modified is None
    assert items["docs/a.md"].modified is not None


def test_a_token_travels_in_a_header_and_shows_nowhere(repository: Repository, tmp_path: Path) -> None:
    """Over real HTTP: not on the command line, not in the cache, not in a message."""
    bare = tmp_path / "bare.git"
    repository.git("clone", "--quiet", "--bare", ".", str(bare))
    subprocess.run(["git", "--git-dir", str(bare), "update-server-info"], check=True)
    wanted = "Basic " + base64.b64encode(b"me:s3cret").decode()

    def serve(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") != wanted:
            return Reply(status=401)
        file = bare / asked.path.removeprefix("/r.git/")
        return Reply(file.read_bytes()) if file.is_file() else Reply(status=404)

    with web() as site:
        site.default = serve
        good = source(f"http://me:s3cret@{site.address}/r.git", tmp_path)
        assert set(validators(good)) == {"docs/a.md", "docs/b.md", "code/main.py"}
        with pytest.raises(SourceUnavailable) as error:
            validators(source(f"http://me:wr0ng@{site.address}/r.git", tmp_path))
    assert "wr0ng" not in error.value.message + error.value.hint
    assert not [f for f in (tmp_path / "cache").rglob("*") if f.is_file() and b"s3cret" in f.read_bytes()]
    assert "s3cret" not in repr(good.options)


def test_another_process_can_fetch_without_a_scan(repository: Repository, tmp_path: Path) -> None:
    """A ref is enough: workers get partitions of refs."""
    (ref,) = (ref for ref in source(repository, tmp_path).scan({}) if ref.uri == "docs/b.md")
    item = source(repository, tmp_path).fetch(ref)
    assert (item.content, item.metadata["author"]) == (b"# B\n", "Grace")
