"""Which documents matter most: those that people's searches found, by the log of searches (`search: {log: …}`)."""

from __future__ import annotations

from collections import Counter

from indexing.query_log import searches
from pipeline.resources import Resources
from sluice.errors import ConfigurationError
from sluice.points import DOCUMENT_KEY


def searches_by_document(r: Resources) -> dict[str, int]:
    """Document key → in how many logged searches a chunk of it was found. ConfigurationError without a log.

    A log names chunks: whose they are is read from the live release, and for those it does not hold from the others that are
    kept, newest first; one that no release holds any more counts for nobody.
    """
    log = r.settings.search.log
    if log is None:
        raise ConfigurationError(
            f"{r.settings.path}: no searches are written down, so nobody knows which documents matter",
            hint="set search: {log: searches.jsonl}; or leave --order out",
        )
    try:
        wanted = {hit for hits in searches(log) for hit in hits}
        owners = _owners(r, wanted)
        counted = Counter(key for hits in searches(log) for key in {owners[hit] for hit in hits if hit in owners})
    except OSError as error:
        raise ConfigurationError(f"{log}: cannot be read: {error.strerror}", hint="correct search.log") from None
    return dict(counted)


def _owners(r: Resources, wanted: set[str]) -> dict[str, str]:
    """The document of each of these chunks that a release still holds."""
    live, owners = r.releases.live(), dict[str, str]()
    newest_first = r.releases.all()[::-1]
    for release in sorted(newest_first, key=lambda release: live is None or release.id != live.id):
        if len(owners) == len(wanted):
            break
        if release.searchable:
            for point in r.stores.qdrant.scan(release.collection, [DOCUMENT_KEY]):
                if point.id in wanted:
                    owners.setdefault(point.id, point.payload[DOCUMENT_KEY])
    return owners
