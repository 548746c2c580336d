"""Fetch, keep, parse: one partition of documents at a time, each document on its own.

A document that cannot be processed becomes a quarantine entry and never stops the others. Every write is idempotent,
and states are written last, so that an interrupted partition is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ingest.protocols import Blobs, DocumentStates, Parser, Quarantine, Source, Versions
from sluice.access import NOBODY, AccessRules
from sluice.counts import StageCounts
from sluice.errors import Permanent, SluiceError, SourceUnavailable
from sluice.ids import document_key, version_id
from sluice.records import Document, DocumentState, ItemRef, QuarantineEntry, RawItem


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

    def fetch(self, source: Source, refs: Sequence[ItemRef]) -> StageCounts:
        """Fetch items, keep their bytes, update their states; what changed is left for `planning.to_parse` to see."""
        known = {s.key: s for s in self.states.read([document_key(source.name, ref.uri) for ref in refs])}
        counts, written = StageCounts(), []
        for ref in refs:
            key = document_key(source.name, ref.uri)
            before = known.get(key)
            try:
                item = source.fetch(ref)
                content = self.blobs.put(item.content)
            except SluiceError as error:
                counts += self._failed("fetch", error, key, source.name, ref.uri, "", ref.validator)
                if before is not None and isinstance(error, Permanent):
                    written.append(replace(before, stale=True))
                continue
            self.quarantine.clear(key, "fetch")
            state = self._fetched(before, key, source.name, item, content)
            same = before is not None and before.content_hash == content and before.status == state.status
            counts += StageCounts(seen=1, kept=int(not same), unchanged=int(same))
            written.append(state)
        self.states.write(written)
        return counts

    def _fetched(self, before: DocumentState | None, key: str, source: str, item: RawItem, content: str) -> DocumentState:
        now = self.now()
        base = before or DocumentState(key=key, source=source, uri=item.uri, first_seen=now)
        state = replace(
            base,
            status="active",
            validator=item.validator,
            content_hash=content,
            media_type=item.media_type,
            size=len(item.content),
            modified=item.modified,
            source_tags=item.tags,
            stale=bool(base.version) and base.version != content,
            fetched=now,
            metadata=base.metadata if base.content_hash == content else item.metadata,
        )
        return with_tags(with_expiry(state, now), self.rules)

    def parse(self, parser: Parser, keys: Sequence[str]) -> StageCounts:
        """Parse the bytes fetched last of these documents and keep the result as their current version."""
        counts, written = StageCounts(), []
        for state in self.states.read(keys):
            try:
                item = RawItem(
                    uri=state.uri,
                    content=self.blobs.get(state.content_hash),
                    validator=state.validator,
                    media_type=state.media_type,
                    modified=state.modified,
                    metadata=state.metadata,
                    tags=state.source_tags,
                )
                document = parser.parse(item, source=state.source)
                self.versions.put(version_id(state.key, state.content_hash, parser.fingerprint), document)
            except SluiceError as error:
                counts += self._failed("parse", error, state.key, state.source, state.uri, state.content_hash, parser.fingerprint)
                written.append(_unparsed(state))
                continue
            self.quarantine.clear(state.key, "parse")
            parsed = self._parsed(state, document, parser.fingerprint)
            counts += StageCounts(seen=1, dropped={parsed.dropped: 1}) if parsed.dropped else StageCounts(seen=1, kept=1)
            written.append(parsed)
        self.states.write(written)
        return counts

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
        )
        return with_tags(with_expiry(parsed, self.now()), self.rules)

    def _failed(
        self, stage: str, error: SluiceError, key: str, source: str, uri: str, content_hash: str, fingerprint: str
    ) -> StageCounts:
        reason = getattr(error, "reason", type(error).__name__)
        now = self.now()
        entry = QuarantineEntry(
            document_key=key,
            source=source,
            uri=uri,
            stage=stage,
            reason=reason,
            error=error.message,
            retryable=not isinstance(error, Permanent),
            content_hash=content_hash,
            fingerprint=fingerprint,
            attempts=1,
            first_seen=now,
            last_seen=now,
            run=self.run,
        )
        if isinstance(error, SourceUnavailable) or isinstance(error, Permanent):
            self.quarantine.add(entry)
            return StageCounts(seen=1, failed={reason: 1})
        raise error  # a store that does not answer is the partition's failure, not the document's

    def tombstone(self, states: Iterable[DocumentState]) -> int:
        """Mark documents deleted: nobody may read them from now on; returns how many."""
        gone = [replace(state, status="deleted", tags=NOBODY) for state in states]
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
    """The state with the access tags that rules, source and document give together; nobody unless it is active."""
    if state.status != "active":
        return replace(state, tags=NOBODY)
    return replace(state, tags=rules.effective(state.source, state.uri, state.source_tags, state.own_tags))


def _unparsed(state: DocumentState) -> DocumentState:
    """After a failed parse: the last good version stays, marked stale; a document without one is quarantined."""
    if state.version:
        return replace(state, stale=True)
    return replace(state, status="quarantined", tags=NOBODY)


def with_expiry(state: DocumentState, now: datetime) -> DocumentState:
    """The state as expired when its time is up."""
    return replace(state, status="expired") if state.expires is not None and state.expires <= now else state
