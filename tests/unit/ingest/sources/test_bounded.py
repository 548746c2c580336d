"""Work on strangers' bytes ends within its limits, and costs its own item."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingest.sandbox import Sandbox
from ingest.sources.bounded import Read, within_limits
from sluice.errors import DocumentError
from sluice.settings import LimitSettings
from tests import readings


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(workers=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (readings.hangs, "timeout"),
        (readings.eats, "out_of_memory"),
        (readings.crashes, "crashed"),
        (readings.raises, "crashed"),
        (readings.refuses, "no_sitemap"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_whatever_a_reading_does_it_costs_its_item(sandbox: Sandbox, read: Read, reason: str) -> None:
    """A reason that counts, never the document's words; and the next one is read."""
    limits = LimitSettings(timeout_s=2, memory_mb=256)
    with pytest.raises(DocumentError) as error:
        within_limits(read, b"x", "http://a/x", limits=limits, sandbox=sandbox)
    assert error.value.reason == reason
    assert "secret" not in error.value.message
    assert error.value.hint
    found = within_limits(readings.upper, b"still here", "http://a/y", {"n": 1}, limits=limits, sandbox=sandbox)
    assert found == {"text": "STILL HERE", "n": 1}
