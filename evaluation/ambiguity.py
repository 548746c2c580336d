"""A label or a leak case whose uri two sources share must say which one it means: found before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


def _named(gate: Gate) -> Iterator[tuple[Path, str, str, str | None]]:
    golden, cases = getattr(gate, "golden", None), getattr(gate, "cases", None)
    if isinstance(golden, GoldenSet):
        for query in golden.queries:
            for label in query.relevant:
                yield golden.path, query.id, label.uri, label.source
    if isinstance(cases, LeakCases):
        for case in cases.cases:
            yield cases.path, case.id, case.forbidden_uri, case.source
