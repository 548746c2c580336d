"""For tests of a source of one's own: the suite that every source passes, and an ingestion on stores in memory.

Nothing of Sluice imports it; it needs pytest.
"""

from ingest.testing.house import House, ScriptedParser, ScriptedSource
from ingest.testing.suite import Renamed, SourceSuite, Stage

__all__ = ["House", "Renamed", "ScriptedParser", "ScriptedSource", "SourceSuite", "Stage"]
