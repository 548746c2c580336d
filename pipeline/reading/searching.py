"""Searching as a principal, by command: apart from what else is read, so that an answer waits for nothing that measures."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

from indexing.releases.view import nothing_live
from indexing.search import ANYWHERE
from pipeline.naming import named
from pipeline.resources import Resources
from sluice.access import Principal
from sluice.errors import ConfigurationError
from sluice.points import Filters
from sluice.records import DocumentState, Hit
from sluice.releases import Release
from sluice.spelling import did_you_mean


def released(r: Resources, release: str | None) -> Release:
    """The release that was named, or the live one; ReleaseError when there is none."""
    if release is not None:
        return named(r, release).there()
    live = r.releases.live()
    if live is None:
        raise nothing_live(r.settings.index, r.releases.all())
    return live


def narrowed(
    r: Resources,
    principal: Principal,
    sources: Collection[str] = (),
    languages: Collection[str] = (),
    since: str | None = None,
    until: str | None = None,
) -> Filters:
    """What a search is narrowed to, in the words of its command; ConfigurationError for what is no date, for a source that
    nobody knows, and for a language in which this principal may read no document: which others there are is not theirs to know.
    """
    first, last = day("--since", since), day("--until", until, whole=True)
    if first and last and last < first:
        raise ConfigurationError(
            f"--until '{until}' lies before --since '{since}'", hint="no document was modified then; turn them"
        )
    known_sources(r, sources, principal)
    if languages:
        there = sorted({state.language for state in _read_by(r, principal) if state.language})
        for language in languages:
            if language not in there:
                hint = f"the languages of what they may read: {', '.join(there)}" if there else "they may read no document"
                who = ", ".join(sorted(principal.tags)) or "nobody"
                raise ConfigurationError(
                    f"{r.settings.path}: no document that {who} may read is in language '{language}'"
                    f"{did_you_mean(language, there)}",
                    hint=hint,
                )
    return Filters(tuple(sources), tuple(languages), first, last)


def _read_by(r: Resources, principal: Principal | None) -> Iterator[DocumentState]:
    """The documents that they may read; all of them where nobody is named."""
    return (state for state in r.stores.documents.read() if principal is None or principal.may_read(state.tags))


def known_sources(r: Resources, names: Collection[str], principal: Principal | None = None) -> None:
    """Raise ConfigurationError for a name that neither the configuration nor any document has (that this principal may read,
    where there is one): one that was taken out may still be live."""
    configured = {source.name for source in r.settings.sources}
    unknown = [name for name in names if name not in configured]
    served = {state.source for state in _read_by(r, principal)} if unknown else set()
    for name in unknown:
        if name not in served:
            r.settings.source(name)


def search(r: Resources, query: str, principal: Principal, k: int, release: str | None, filters: Filters = ANYWHERE) -> list[Hit]:
    """Search one release as a principal: by default the one that answers them, live or canary."""
    if release is None:
        return r.live_searcher(log=r.query_log).search(query, principal, k, filters)
    return r.searcher(released(r, release), log=r.query_log).search(query, principal, k, filters)


def day(option: str, value: str | None, *, whole: bool = False) -> datetime | None:
    """The moment that an option of a command names, UTC unless it says otherwise; ConfigurationError for what is no date.

    A date without a time is its beginning, or with `whole` its end.
    """
    if value is None:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ConfigurationError(
            f"{option} '{value}' is not a date", hint="use ISO 8601: 2026-11-21 or 2026-11-21T02:00:00Z"
        ) from None
    if whole and ":" not in value and "T" not in value.upper():
        parsed += timedelta(days=1) - timedelta.resolution
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
