"""Labels that cannot mean what they say, of a uri that two sources share or that none has: found before anything is built."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from evaluation.gates.base import Gate
from evaluation.golden import GoldenSet, LeakCases
from sluice.errors import ConfigurationError
from sluice.spelling import composed


def check_uris(gates: Iterable[Gate], shared: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigurationError for the first label or case that names a uri of `shared` (uri in NFC → sources) and no source."""
    for gate in gates:
        for file, id, uri, source in _named(gate):
            if source is None and composed(uri) in shared:
                sources = " and ".join(shared[composed(uri)])
                raise ConfigurationError(
                    f"{file}: '{id}': the uri '{uri}' is ambiguous: it occurs in the sources {sources}",
                    hint='name the one that is meant: add "source": "…"',
                )


def check_known(gates: Iterable[Gate], known: Callable[[str, str | None], bool], uris: Collection[str]) -> None:
    """Raise ConfigurationError for labels whose uri no source ever had: they would be misses for ever.

    `known(uri, source)` says whether one was there, deleted and erased documents too; `uris` are what may have been meant.
    """
    for gate in gates:
        golden = getattr(gate, "golden", None)
        if not isinstance(golden, GoldenSet):
            continue
        named = [(query.id, label.uri, label.source) for query in golden.queries for label in query.relevant]
        lost = [(id, uri) for id, uri, source in named if not known(uri, source)]
        if lost:
            id, uri = lost[0]
            close = get_close_matches(uri, uris, 1, 0.8)
            raise ConfigurationError(
                f"{golden.path}: {len(lost)} of {len(named)} labels name a document that no source has, e.g. '{id}': '{uri}'"
                + (f"; did you mean '{close[0]}'?" if close else ""),
                hint="uris are relative to their source's root; sluice golden check lists them, sluice documents what there is",
            )


def _named(gate: Gate) -> Iterator[tuple[Path, str, str, str | None]]:
    golden, cases = getattr(gate, "golden", None), getattr(gate, "cases", None)
    if isinstance(golden, GoldenSet):
        for query in golden.queries:
            for label in query.relevant:
                yield golden.path, query.id, label.uri, label.source
    if isinstance(cases, LeakCases):
        for case in cases.cases:
            yield cases.path, case.id, case.forbidden_uri, case.source
