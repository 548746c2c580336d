"""What every source must hold, for yours too:

    from ingest.testing import SourceSuite, Stage

    class TestMine(SourceSuite):
        @pytest.fixture
        def stage(self, tmp_path): return Stage(source=…, put=…, delete=…)

`put(uri, content)` and `delete(uri)` change what the source will find, as its users do; a source whose uris cannot be
chosen maps them (`renamed`). The suite starts from an empty source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from ingest.protocols import Source
from ingest.testing.house import House, ScriptedParser
from sluice.errors import DocumentError, SluiceError
from sluice.records import ItemRef, RawItem


@dataclass(frozen=True)
class Stage:
    """A source, and how to change what it finds."""

    source: Source
    put: Callable[[str, bytes], None]
    delete: Callable[[str], None]
    snapshot: bool = False
    """The source gives items as they were when listed (a query's rows, a commit's files), not as they are by now."""
    binary: bool = True
    """The source carries any bytes; one that does not carries text, with line ends as they are."""

    def scanned(self, known: dict[str, str] | None = None) -> dict[str, ItemRef]:
        refs = list(self.source.scan(known or {}))
        found = {ref.uri: ref for ref in refs}
        assert len(found) == len(refs), "a uri was yielded twice"
        return found


@dataclass(frozen=True)
class Renamed:
    """A source whose uris all begin with a prefix, without it; for sources whose uris cannot be chosen."""

    source: Source
    prefix: str

    @property
    def name(self) -> str:
        return self.source.name

    def scan(self, known: Mapping[str, str]) -> Iterator[ItemRef]:
        for ref in self.source.scan({self.prefix + uri: validator for uri, validator in known.items()}):
            yield replace(ref, uri=ref.uri.removeprefix(self.prefix))

    def fetch(self, ref: ItemRef) -> RawItem:
        item = self.source.fetch(replace(ref, uri=self.prefix + ref.uri))
        return replace(item, uri=item.uri.removeprefix(self.prefix))


class SourceSuite:
    """Subclass it, and give it the fixture `stage`."""

    @pytest.fixture
    def stage(self) -> Stage:
        raise NotImplementedError

    def test_an_empty_source_yields_nothing(self, stage: Stage) -> None:
        """Nothing there is an answer, not an error."""
        assert stage.scanned() == {}

    def test_every_item_is_yielded_once(self, stage: Stage) -> None:
        """A scan is the whole listing, whatever was known before."""
        for uri in ("a.md", "sub/b.md", "sub/deeper/c.md"):
            stage.put(uri, uri.encode())
        first = stage.scanned()
        assert set(first) == {"a.md", "sub/b.md", "sub/deeper/c.md"}
        assert set(stage.scanned({uri: ref.validator for uri, ref in first.items()})) == set(first)

    def test_validators_stay_while_nothing_changes(self, stage: Stage) -> None:
        """An unchanged item has an equal, non-empty validator in every scan."""
        stage.put("a.md", b"one")
        first, second = stage.scanned()["a.md"], stage.scanned()["a.md"]
        assert first.validator
        assert first.validator == second.validator

    def test_a_changed_item_has_another_validator(self, stage: Stage) -> None:
        """An edit is seen by the next scan, and only on the edited item."""
        stage.put("a.md", b"one")
        stage.put("b.md", b"two")
        before = stage.scanned()
        stage.put("a.md", b"one, and more")
        after = stage.scanned({uri: ref.validator for uri, ref in before.items()})
        assert after["a.md"].validator != before["a.md"].validator
        assert after["b.md"].validator == before["b.md"].validator

    def test_bytes_come_as_they_are(self, stage: Stage) -> None:
        """Fetching changes no byte, and is as good a second time: none, ends of lines, letters of two bytes, all there are."""
        every = bytes(range(256)) * 300 if stage.binary else "".join(map(chr, range(32, 1024))).encode()
        contents = {"none.bin": b"", "lines.bin": b"text\r\n", "letters.bin": "Grüße".encode(), "every.bin": every}
        for uri, content in contents.items():
            stage.put(uri, content)
        for uri, ref in stage.scanned().items():
            assert stage.source.fetch(ref).content == contents.pop(uri), uri
            assert stage.source.fetch(ref) == stage.source.fetch(ref)
        assert contents == {}

    def test_the_validator_belongs_to_the_bytes(self, stage: Stage) -> None:
        """What is fetched after a change carries the new validator, even with the ref of an older scan.

        Of a snapshot: it carries one that the next scan does not confirm, so that the new bytes are fetched then.
        """
        stage.put("a.md", b"one")
        old = stage.scanned()["a.md"]
        assert stage.source.fetch(old).validator == old.validator
        stage.put("a.md", b"one, and more")
        item = stage.source.fetch(old)
        if stage.snapshot:
            current = stage.scanned()["a.md"]
            assert item.validator == old.validator != current.validator
            item = stage.source.fetch(current)
        assert (item.uri, item.content) == ("a.md", b"one, and more")
        assert item.validator == stage.scanned()["a.md"].validator

    def test_a_deleted_item_is_gone(self, stage: Stage) -> None:
        """It is in no later scan, and fetching it is an error of this document only."""
        stage.put("a.md", b"one")
        stage.put("b.md", b"two")
        ref = stage.scanned()["a.md"]
        stage.delete("a.md")
        assert set(stage.scanned()) == {"b.md"}
        with pytest.raises(SluiceError) as error:
            stage.source.fetch(ref)
        assert "a.md" in error.value.message
        assert error.value.hint
        assert not isinstance(error.value, DocumentError) or error.value.reason

    def test_a_second_run_fetches_and_parses_nothing(self, stage: Stage) -> None:
        """Through the real ingest: what is unchanged is not fetched again; a run that knows of one edit fetches that one."""
        for uri in ("a.md", "sub/b.md", "c.txt"):
            stage.put(uri, f"Text of {uri}".encode())
        parser = ScriptedParser()
        house = House(parser=parser)
        crawl, parse = house.run(stage.source)
        assert (crawl.kept, parse.kept) == (3, 3)
        crawl, parse = house.run(stage.source)
        assert (crawl.seen, parse.seen) == (0, 0)
        stage.put("c.txt", b"Text of c.txt, and more")
        crawl, parse = house.run(stage.source)
        assert (crawl.kept, parse.kept, parser.parsed[3:]) == (1, 1, ["c.txt"])

    def test_two_threads_fetch_at_once(self, stage: Stage) -> None:
        """Fetching is safe from several threads."""
        contents = {f"{n}.txt": b"%d" % n * 1000 for n in range(40)}
        for uri, content in contents.items():
            stage.put(uri, content)
        with ThreadPoolExecutor(2) as pool:
            fetched = list(pool.map(stage.source.fetch, stage.scanned().values()))
        assert {item.uri: item.content for item in fetched} == contents
