"""Fetch, keep, parse: one partition of documents at a time, each document on its own.

A document that cannot be processed becomes a quarantine entry and never stops the others. Every write is idempotent.
States are written after what they refer to and before the quarantine, which holds documents back: whatever interrupts a
partition, the rest of it is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ingest.freshness import NO_RULES, Lifetimes
from ingest.protocols import Blobs, DocumentStates, Parser, Quarantine, Source, Versions
from sluice.access import NOBODY, AccessRules
from sluice.counts import StageCounts
from sluice.errors import DocumentDropped, DocumentError, IntegrityError, Retryable, SluiceError, SourceUnavailable
from sluice.ids import document_key, version_id
from sluice.records import Document, DocumentState, ItemRef, QuarantineEntry, RawItem

DOCUMENT_FAILURES = (DocumentError, IntegrityError, SourceUnavailable)
"""What one document may fail of. Any other error is the partition's: a store that does not answer, a wrong setting."""

REDACTED = "redacted"
"""Metadata of a document in which redaction found something (type → how often), and why one is dropped for it."""

WITHDRAWN = "withdrawn"
"""Why a document that policy quarantined has no place in a release until new bytes of it parse."""


@dataclass(slots=True)
class _Written:
    """What a partition leaves behind."""

    states: list[DocumentState] = field(default_factory=list)
    failed: list[QuarantineEntry] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    discarded: set[str] = field(default_factory=set)
    """Content hashes of bytes that policy does not let us keep."""


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

    def fetch(self, source: Source, refs: Sequence[ItemRef]) -> StageCounts:
        """Fetch items, keep their bytes, update their states; what changed is left for `planning.to_parse` to see."""
        known = {s.key: s for s in self.states.read([document_key(source.name, ref.uri) for ref in refs])}
        counts, written = StageCounts(), _Written()
        for ref in refs:
            key = document_key(source.name, ref.uri)
            before = known.get(key)
            try:
                item = source.fetch(ref)
            except DOCUMENT_FAILURES as error:
                state = before or DocumentState(key=key, source=source.name, uri=ref.uri, first_seen=self.now())
                written.failed.append(self._entry("fetch", error, state, "", ref.validator))
                written.states.append(_unfetched(state, error))
                counts += StageCounts(seen=1, failed={_reason(error): 1})
                continue
            content = self.blobs.put(item.content)
            state = self._fetched(before, key, source.name, item, content)
            same = before is not None and before.content_hash == content and before.status == state.status and not state.renamed
            counts += StageCounts(seen=1, kept=int(not same), unchanged=int(same))
            written.states.append(state)
            written.cleared.append(key)
        self._keep(written, "fetch")
        return counts

    def _fetched(self, before: DocumentState | None, key: str, source: str, item: RawItem, content: str) -> DocumentState:
        now = self.now()
        base = before or DocumentState(key=key, source=source, uri=item.uri, first_seen=now)
        unparsable = base.status == "quarantined" and not base.version and base.content_hash == content
        state = replace(
            base,
            status="quarantined" if unparsable else "active",
            validator=item.validator,
            content_hash=content,
            media_type=item.media_type,
            size=len(item.content),
            modified=item.modified,
            source_tags=item.tags,
            stale=bool(base.version) and base.version != content,
            fetched=now,
            source_metadata=item.metadata,
            raw=True,
            renamed=base.renamed or (bool(base.version) and dict(base.source_metadata) != dict(item.metadata)),
        )
        return with_tags(with_expiry(state, now, self.lifetimes), self.rules)

    def parse(self, parser: Parser, keys: Sequence[str]) -> StageCounts:
        """Parse the bytes fetched last of these documents and keep the result as their current version."""
        counts, written = StageCounts(), _Written()
        for state in self.states.read(keys):
            try:
                document = parser.parse(self._item(state), source=state.source)
            except DocumentDropped as error:
                written.states.append(_left_out(state, error, parser.fingerprint))
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
            self.versions.put(version_id(state.key, state.content_hash, parser.fingerprint), document)
            parsed = self._parsed(state, document, parser.fingerprint)
            reason = "expired" if parsed.status == "expired" else parsed.dropped
            counts += StageCounts(seen=1, dropped={reason: 1}) if reason else StageCounts(seen=1, kept=1)
            written.states.append(parsed)
            written.cleared.append(state.key)
            written.discarded |= set() if parsed.raw else {state.content_hash}
        self._keep(written, "parse")
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
        self._keep(written, stage)
        return stage

    def leave_out(self, states: Sequence[DocumentState], fingerprint: str, error: DocumentError) -> None:
        """Quarantine parsed documents that a later stage cannot process: they have no place in a release until parsed anew."""
        self.states.write(replace(state, dropped=error.reason) for state in states)
        for state in states:
            self.quarantine.add(self._entry("chunk", error, state, state.content_hash, fingerprint))

    def _item(self, state: DocumentState) -> RawItem:
        if not state.raw:
            raise SourceUnavailable(f"{state.uri}: its bytes were not kept, and must be fetched again", hint="run again")
        return RawItem(
            uri=state.uri,
            content=self.blobs.get(state.content_hash),
            validator=state.validator,
            media_type=state.media_type,
            modified=state.modified,
            metadata=state.source_metadata,
            tags=state.source_tags,
        )

    def _parsed(self, state: DocumentState, document: Document, fingerprint: str) -> DocumentState:
        parsed = replace(
            state,
            status="active",
            version=state.content_hash,
            parse_fingerprint=fingerprint,
            stale=False,
            dropped="" if document.text.strip() else "empty",
            title=document.title,
            language=document.language,
            metadata=dict(document.metadata),
            own_tags=document.tags,
            expires=document.expires,
            raw=not document.metadata.get(REDACTED),
            renamed=False,
        )
        return with_tags(with_expiry(parsed, self.now(), self.lifetimes), self.rules)

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
            error=error.message,
            retryable=isinstance(error, Retryable),
            content_hash=content_hash,
            fingerprint=fingerprint,
            attempts=1,
            first_seen=now,
            last_seen=now,
            run=self.run,
        )

    def _keep(self, written: _Written, stage: str) -> None:
        self.states.write(written.states)
        for entry in written.failed:
            self.quarantine.add(entry)
        for key in written.cleared:
            self.quarantine.clear(key, stage)

    def _discard(self, written: _Written) -> None:
        """Erase bytes that policy does not let us keep, unless another document of this index may keep the same."""
        if written.discarded:
            kept = {state.content_hash for state in self.states.read() if state.raw}
            for content in sorted(written.discarded - kept):
                self.blobs.delete(content)

    def tombstone(self, states: Iterable[DocumentState]) -> int:
        """Mark documents deleted: nobody may read them from now on; returns how many.

        Their last version is forgotten: it may be collected as garbage, and must not come back in the place of a new
        one that does not parse.
        """
        gone = [replace(state, status="deleted", tags=NOBODY, version="", parse_fingerprint="", stale=False) for state in states]
        self.states.write(gone)
        for state in gone:
            self.quarantine.clear(state.key, "fetch")
            self.quarantine.clear(state.key, "parse")
        return len(gone)

    def expire(self, states: Iterable[DocumentState]) -> int:
        """Mark documents expired: nobody may read them from now on; returns how many."""
        done = [replace(state, status="expired", tags=NOBODY) for state in states]
        self.states.write(done)
        return len(done)


def with_tags(state: DocumentState, rules: AccessRules) -> DocumentState:
    """The state with the access tags that rules, source and document give together; nobody unless it is active.

    Also nobody where policy left the document out: that is a revocation, and reaches older releases too.
    """
    if state.status != "active" or state.dropped in (REDACTED, WITHDRAWN):
        return replace(state, tags=NOBODY)
    return replace(state, tags=rules.effective(state.source, state.uri, state.source_tags, state.own_tags))


def _unfetched(state: DocumentState, error: SluiceError) -> DocumentState:
    """After a failed fetch: what is known stays, stale if it will not be had again; one that is not known is quarantined.

    A deleted one is not known any more: its bytes may still lie here, and must not be parsed in place of the new ones.
    """
    if not state.content_hash or state.status == "deleted":
        return replace(state, status="quarantined", tags=NOBODY, content_hash="", validator="")
    return state if isinstance(error, Retryable) else replace(state, stale=bool(state.version))


def _unparsed(state: DocumentState, error: SluiceError) -> DocumentState:
    """After a failed parse: the last good version stays, marked stale; a document without one is quarantined.

    One that policy refused is quarantined in any case: neither its last good version nor what was read of it stays.
    """
    if isinstance(error, DocumentError) and error.withdraws:
        gone = replace(_withdrawn(state), version="", parse_fingerprint="", dropped=WITHDRAWN)
        return replace(gone, status="quarantined", raw=error.keep_raw)
    if state.version:
        return replace(state, stale=True, renamed=False)  # as bytes that fail: not again before something changes
    return replace(state, status="quarantined", tags=NOBODY)


def _left_out(state: DocumentState, error: DocumentDropped, fingerprint: str) -> DocumentState:
    """After a policy dropped these bytes: they are done with, and in no release, until they or the policy change."""
    done = replace(_withdrawn(state), status="active", raw=error.keep_raw, dropped=error.reason)
    return replace(done, version=state.content_hash, parse_fingerprint=fingerprint)


def _withdrawn(state: DocumentState) -> DocumentState:
    return replace(
        state, tags=NOBODY, own_tags=None, stale=False, renamed=False, title="", language="", metadata={}, expires=None
    )


def with_expiry(state: DocumentState, now: datetime, lifetimes: Lifetimes = NO_RULES) -> DocumentState:
    """The state as expired when its time is up."""
    return replace(state, status="expired") if lifetimes.over(state, now) else state


def _keeps_raw(error: SluiceError) -> bool:
    return not isinstance(error, DocumentError) or error.keep_raw


def _reason(error: SluiceError) -> str:
    """The countable name of a failure."""
    return str(getattr(error, "reason", type(error).__name__))
