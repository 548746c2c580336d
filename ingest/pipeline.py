"""Fetch, keep, parse: one partition of documents at a time, each document on its own.

A document that cannot be processed becomes a quarantine entry and never stops the others. Every write is idempotent.
States are written after what they refer to and before the quarantine, which holds documents back: whatever interrupts a
partition, the rest of it is simply done again.

Over 300 lines: one class, whose steps share one account of what became of each document.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest import redact
from ingest.freshness import NO_RULES, Lifetimes
from ingest.lifecycle import NOTHING_SAID, Event, after, settled, stood_in
from ingest.planning import processing
from ingest.protocols import Blobs, DocumentStates, Parser, Quarantine, Source, Versions
from sluice import bounds, display
from sluice.access import NOBODY, AccessRules, AccessTags
from sluice.counts import StageCounts
from sluice.errors import DocumentDropped, DocumentError, IntegrityError, Retryable, SluiceError, SourceUnavailable
from sluice.groups import by_size
from sluice.ids import document_key, version_id
from sluice.records import Document, DocumentState, ItemRef, QuarantineEntry, RawItem

DOCUMENT_FAILURES = (DocumentError, IntegrityError, SourceUnavailable)
"""What one document may fail of. Any other error is the partition's: a store that does not answer, a wrong setting."""

STAGES = ("fetch", "parse", "chunk")
"""Where a document may be in quarantine."""

HELD_ITEMS, HELD_BYTES = 200, 8_000_000
"""Bytes of so many documents are held at once, to be kept or read in one request."""

_LONGEST_ERROR = 1000


@dataclass(slots=True)
class _Written:
    """What a partition leaves behind."""

    states: list[DocumentState] = field(default_factory=list)
    failed: list[QuarantineEntry] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    discarded: set[str] = field(default_factory=set)
    """Content hashes of bytes that policy does not let us keep."""
    fresh: list[str] = field(default_factory=list)
    """Documents with other bytes than those that may be in quarantine because they could not be cut."""
    counts: StageCounts = field(default_factory=StageCounts)


@dataclass(frozen=True, slots=True)
class Served:
    """Which text of a document is served now: its content hash, what parsed it, and who may read it."""

    version: str
    parse_fingerprint: str
    readers: AccessTags


@dataclass(frozen=True, slots=True)
class Ingestion:
    """Everything that ingesting one partition needs; the stores are handed in, the clock too."""

    states: DocumentStates
    blobs: Blobs
    versions: Versions
    quarantine: Quarantine
    rules: AccessRules
    run: str
    now: Callable[[], datetime]
    lifetimes: Lifetimes = NO_RULES
    losing: set[str] = field(default_factory=set)
    """Documents that somebody could read before what was done here, and may not any more: by key."""

    def fetch(self, source: Source, refs: Sequence[ItemRef]) -> StageCounts:
        """Fetch items, keep their bytes, update their states; what changed is left for `planning.to_parse` to see."""
        known = {s.key: s for s in self.states.read([document_key(source.name, ref.uri) for ref in refs])}
        written = _Written()
        fetched = self._items(source, refs, known, written)
        for group in by_size(fetched, lambda item: len(item.content), most=HELD_ITEMS, most_bytes=HELD_BYTES):
            self._keep_bytes(group, known, source.name, written)
        self._keep(written, "fetch", known)
        if written.fresh:
            self.quarantine.clear_all(written.fresh, "chunk")
        return written.counts

    def _items(
        self, source: Source, refs: Sequence[ItemRef], known: Mapping[str, DocumentState], written: _Written
    ) -> Iterator[RawItem]:
        """What the source gives of these, and in the account what it does not give."""
        for ref in refs:
            try:
                if len(ref.uri) > bounds.MAX_URI:
                    what = f"{ref.uri[:100]}…: a uri of {len(ref.uri)} characters; allowed: {bounds.MAX_URI}"
                    raise DocumentError("uri_too_long", what, hint="exclude it, or give it a shorter name at its source")
                with _one_item(ref.uri):
                    item = source.fetch(ref)
            except DOCUMENT_FAILURES as error:
                key = document_key(source.name, ref.uri)
                state = known.get(key) or DocumentState(key=key, source=source.name, uri=ref.uri, first_seen=self.now())
                written.failed.append(self._entry("fetch", error, state, "", ref.validator))
                written.states.append(_unfetched(state, error))
                written.counts += StageCounts(seen=1, failed={_reason(error): 1})
            else:
                yield item

    def _keep_bytes(self, items: Sequence[RawItem], known: Mapping[str, DocumentState], source: str, written: _Written) -> None:
        """Keep what was fetched; the states that name it are written after it."""
        contents = self.blobs.put_all([item.content for item in items])
        for item, content in zip(items, contents, strict=True):
            key = document_key(source, item.uri)
            before = known.get(key)
            state = self._fetched(before, key, source, item, content)
            same = before is not None and before.content_hash == content and before.status == state.status and not state.renamed
            written.counts += StageCounts(seen=1, kept=int(not same), unchanged=int(same))
            written.states.append(state)
            written.cleared.append(key)
            if before is not None and (before.stale or before.dropped) and content != before.content_hash:
                written.fresh.append(key)

    def _fetched(self, before: DocumentState | None, key: str, source: str, item: RawItem, content: str) -> DocumentState:
        now = self.now()
        base = before or DocumentState(key=key, source=source, uri=item.uri, first_seen=now)
        said = bounds.bounded_metadata(item.metadata)[0]
        state = after(
            base,
            "fetched_back" if content == base.version else "fetched_again" if content == base.content_hash else "fetched",
            validator=item.validator,
            content_hash=content,
            media_type=item.media_type,
            size=len(item.content),
            modified=item.modified,
            source_tags=item.tags,
            fetched=now,
            source_metadata=said,
            stands_for=item.stands_for,
            unasked=False,
            raw=True,
            named=item.named,
            renamed=base.renamed or (bool(base.version) and dict(base.source_metadata) != said),
        )
        return settled(state, self.rules, now, self.lifetimes)

    def parse(self, parser: Parser, states: Sequence[DocumentState], done: Callable[[], None] = lambda: None) -> StageCounts:
        """Parse the bytes fetched last of these documents and keep the result as their current version.

        `states` are as they were just read; `done` is told after each.
        """
        counts, written = StageCounts(), _Written()
        versions: dict[str, Document] = {}
        for state, content in _telling(self._with_bytes(states), done):
            try:
                item = self.item(state, content)
                with _one_item(state.uri, "crashed"):
                    document = parser.parse(item, source=state.source)
            except DocumentDropped as error:
                left_out = {"dropped": error.reason, "raw": error.keep_raw, "renamed": False, **NOTHING_SAID}
                written.states.append(self._after_parse(state, "left_out", parser.fingerprint, **left_out))
                written.cleared.append(state.key)
                written.discarded |= set() if error.keep_raw else {state.content_hash}
                counts += StageCounts(seen=1, dropped={error.reason: 1})
                continue
            except DOCUMENT_FAILURES as error:
                written.failed.append(self._entry("parse", error, state, state.content_hash, parser.fingerprint))
                written.states.append(_unparsed(state, error))
                written.discarded |= set() if _keeps_raw(error) else {state.content_hash}
                counts += StageCounts(seen=1, failed={_reason(error): 1})
                continue
            versions[version_id(state.key, state.content_hash, parser.fingerprint)] = document
            parsed = self._parsed(state, document, parser.fingerprint)
            reason = "expired" if parsed.status == "expired" else parsed.dropped
            counts += StageCounts(seen=1, dropped={reason: 1}) if reason else StageCounts(seen=1, kept=1)
            written.states.append(parsed)
            written.cleared.append(state.key)
            written.discarded |= set() if parsed.raw else {state.content_hash}
        self.versions.put_all(versions)  # before the states that name them
        self._keep(written, "parse", {state.key: state for state in states})
        self._discard(written)
        return counts

    def give_up(self, source: str, uri: str, validator: str | None, fingerprint: str, error: DocumentError) -> str:
        """Quarantine a document that ended whatever worked on it; at which stage: `parse` once its bytes are here.

        `validator` is that of the item that was to be fetched, None where it was only to be parsed.
        """
        key = document_key(source, uri)
        state = next(iter(self.states.read([key])), None) or DocumentState(key, source, uri, first_seen=self.now())
        written = _Written()
        if validator is not None and (not state.content_hash or state.validator != validator):
            stage = "fetch"
            written.failed.append(self._entry(stage, error, state, "", validator))
            written.states.append(_unfetched(state, error))
        else:
            stage = "parse"
            written.failed.append(self._entry(stage, error, state, state.content_hash, fingerprint))
            written.states.append(_unparsed(state, error))
        self._keep(written, stage, {key: state})
        return stage

    def give_up_parsed(
        self, failed: Sequence[tuple[DocumentState, DocumentError]], chunker: str, served: Mapping[str, Served]
    ) -> None:
        """Quarantine parsed documents that a later stage cannot process, until their bytes, the parser or the chunker change.

        The version that is served stays in the place of a newer one, marked stale; a document of which no other is served has no
        place in a release. `served` is by document key.
        """
        names = {s.key: version_id(s.key, text.version, text.parse_fingerprint) for s, _ in failed if (text := _other(s, served))}
        earlier = self.versions.get(list(names.values())) if names else {}
        states = []
        for state, error in failed:
            document = earlier.get(names.get(state.key, ""))
            if document is None:
                states.append(replace(state, dropped=error.reason))
                continue
            text = served[state.key]
            now = stood_in(state, document, text.parse_fingerprint, text.readers)
            states.append(settled(now, self.rules, self.now(), self.lifetimes))
        self.states.write(states)
        self.quarantine.add_all(
            self._entry("chunk", error, state, state.content_hash, processing(state.parse_fingerprint, chunker))
            for state, error in failed
        )

    def _with_bytes(self, states: Sequence[DocumentState]) -> Iterator[tuple[DocumentState, bytes | None]]:
        """Each document with its bytes, read for many at once; None where they must be asked for one by one."""
        for group in by_size(states, lambda state: state.size or 0, most=HELD_ITEMS, most_bytes=HELD_BYTES):
            found = self.blobs.get_all({state.content_hash for state in group if state.raw})
            yield from ((state, found.get(state.content_hash)) for state in group)

    def item(self, state: DocumentState, content: bytes | None = None) -> RawItem:
        """The bytes fetched last of a document (or these, just read), as its source gave them; SourceUnavailable where they were
        not kept."""
        if not state.raw:
            raise SourceUnavailable(f"{state.uri}: its bytes were not kept, and must be fetched again", hint="run again")
        return RawItem(
            uri=state.uri,
            content=content if content is not None else self.blobs.get(state.content_hash),
            validator=state.validator,
            media_type=state.media_type,
            modified=state.modified,
            metadata=state.source_metadata,
            tags=state.source_tags,
            named=state.named,
        )

    def _parsed(self, state: DocumentState, document: Document, fingerprint: str) -> DocumentState:
        empty = not document.text.strip()
        return self._after_parse(
            state,
            "left_out" if empty else "parsed",
            fingerprint,
            dropped="empty" if empty else "",
            title=document.title,
            language=document.language,
            metadata=dict(document.metadata),
            own_tags=document.tags,
            expires=document.expires,
            raw=not document.metadata.get(redact.REDACTED),
            renamed=False,
        )

    def _after_parse(self, state: DocumentState, event: Event, fingerprint: str, **fields: Any) -> DocumentState:
        done = after(state, event, version=state.content_hash, parse_fingerprint=fingerprint, **fields)
        return settled(done, self.rules, self.now(), self.lifetimes)

    def _entry(
        self, stage: str, error: SluiceError, state: DocumentState, content_hash: str, fingerprint: str
    ) -> QuarantineEntry:
        now = self.now()
        return QuarantineEntry(
            document_key=state.key,
            source=state.source,
            uri=state.uri,
            stage=stage,
            reason=_reason(error),
            error=redact.hushed(display.line(error.message, _LONGEST_ERROR)),
            retryable=isinstance(error, Retryable),
            content_hash=content_hash,
            fingerprint=fingerprint,
            attempts=1,
            first_seen=now,
            last_seen=now,
            run=self.run,
            hint=redact.hushed(display.line(error.hint, _LONGEST_ERROR)),
        )

    def _keep(self, written: _Written, stage: str, before: Mapping[str, DocumentState]) -> None:
        self.states.write(written.states)
        self.losing.update(s.key for s in written.states if s.key in before and before[s.key].tags - s.tags)
        self.quarantine.add_all(written.failed)
        self.quarantine.clear_all(written.cleared, stage)

    def _discard(self, written: _Written) -> None:
        """Erase bytes that policy does not let us keep, unless another document of this index may keep the same."""
        if written.discarded:
            kept = {state.content_hash for state in self.states.holding(written.discarded) if state.raw}
            self.blobs.delete_all(written.discarded - kept)

    def tombstone(self, states: Iterable[DocumentState]) -> int:
        """Mark documents deleted: nobody may read them from now on; returns how many.

        Their last version is forgotten: it may be collected as garbage, and must not come back in the place of a new
        one that does not parse.
        """
        gone = [after(state, "gone") for state in states]
        self.states.write(gone)
        for stage in STAGES:
            self.quarantine.clear_all([state.key for state in gone], stage)
        return len(gone)

    def leave_out(self, states: Iterable[DocumentState]) -> int:
        """Mark documents that the configuration does not ask for: they leave with the next release; returns how many.

        What could not be processed of them is nobody's trouble any more; asked for again, they are fetched again.
        """
        unasked = {state.key: state for state in states}
        done = [replace(state, unasked=True) for state in unasked.values() if not state.unasked]
        self.states.write(done)
        if unasked and (failed := {entry.document_key for entry in self.quarantine.entries()} & unasked.keys()):
            for stage in STAGES:
                self.quarantine.clear_all(failed, stage)
        return len(done)

    def expire(self, states: Iterable[DocumentState]) -> int:
        """Mark documents expired: nobody may read them from now on; returns how many."""
        done = [replace(state, status="expired", tags=NOBODY) for state in states]
        self.states.write(done)
        return len(done)


@contextmanager
def _one_item(uri: str, reason: str = "") -> Iterator[None]:
    """What goes wrong in a source or parser on one item costs that item: whatever it raises becomes the item's failure.

    Of a source it may be had later; with a reason it is for good, until the bytes change. The error says where, never what.
    """
    try:
        yield
    except (SluiceError, MemoryError):
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        said = f"{uri}: {type(error).__name__} at {where}"
        if reason:
            raise DocumentError(reason, said, hint="please report this with the file, or exclude it") from error
        raise SourceUnavailable(said, hint="mend the source, or exclude the item; it is tried again in the next run") from error


def _other(state: DocumentState, served: Mapping[str, Served]) -> Served | None:
    """What is served of a document, where that is another text than its present one, and nothing took it away since."""
    text = served.get(state.key)
    if text is None or (text.version, text.parse_fingerprint) == (state.version, state.parse_fingerprint):
        return None
    return text if text.version in (state.version, *state.earlier) else None


def _unfetched(state: DocumentState, error: SluiceError) -> DocumentState:
    """After a failed fetch: what is known stays, stale if it will not be had again, for whom its source says now; one that is
    not known is quarantined.

    A deleted one is not known any more: its bytes may still lie here, and must not be parsed in place of the new ones. Where
    the source's permissions cannot be read, what is known of it goes: by which permissions would it stay?
    """
    if isinstance(error, DocumentError) and error.withdraws:
        return after(state, "permissions_lost")
    own = error.tags if isinstance(error, DocumentError) else None
    told = {"source_tags": AccessTags(own)} if own is not None else {}
    return after(state, "fetch_failed" if isinstance(error, Retryable) else "fetch_refused", **told)


def _unparsed(state: DocumentState, error: SluiceError) -> DocumentState:
    """After a failed parse: the last good version stays, marked stale; a document without one is quarantined.

    One that policy refused is quarantined in any case: neither its last good version nor what was read of it stays.
    """
    if isinstance(error, DocumentError) and error.withdraws:
        return after(state, "policy_refused", raw=error.keep_raw, renamed=False)
    return after(state, "parse_failed", renamed=False)  # as bytes that fail: not again before something changes


def _keeps_raw(error: SluiceError) -> bool:
    return not isinstance(error, DocumentError) or error.keep_raw


def _reason(error: SluiceError) -> str:
    """The countable name of a failure."""
    return str(getattr(error, "reason", type(error).__name__))


def _telling(
    things: Iterable[tuple[DocumentState, bytes | None]], done: Callable[[], None]
) -> Iterator[tuple[DocumentState, bytes | None]]:
    """The same, and `done` is told when the next is asked for."""
    for thing in things:
        yield thing
        done()
