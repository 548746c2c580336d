"""The steps of a run, in the order in which data flows, each on an opened Wiring.

    look ─▶ settle (tombstones, expiry, access) ─▶ ingest ─▶ settle ─▶ assess ─▶ build ─▶ judge ─▶ conclude
    └─────────────────── crawl ───────────────────────────────┘        └── release ──┘   └─── judgement ──┘

The flows wrap them; nothing here knows Prefect, so that a run with nothing to do never pays for it.
"""

from flows.steps.account import PARTITION_DOCUMENTS, Account, Look, Redo
from flows.steps.crawl import (
    acknowledge,
    check_uris,
    count_ingest,
    ingest_partition,
    look,
    partitions,
    refresh_permissions,
    settle,
    spelled_almost_like_a_rule,
)
from flows.steps.judgement import conclude, gate_context, judge, report_path, write_report
from flows.steps.release import Assessment, CollectionPoints, ExpectedFrom, assess, begin, is_whole, live_holds, stage
from flows.steps.upkeep import TYPICAL_SECONDS, collect_garbage, estimate

__all__ = [
    "PARTITION_DOCUMENTS",
    "TYPICAL_SECONDS",
    "Account",
    "Assessment",
    "CollectionPoints",
    "ExpectedFrom",
    "Look",
    "Redo",
    "acknowledge",
    "assess",
    "begin",
    "check_uris",
    "collect_garbage",
    "conclude",
    "count_ingest",
    "estimate",
    "gate_context",
    "ingest_partition",
    "is_whole",
    "judge",
    "live_holds",
    "look",
    "partitions",
    "refresh_permissions",
    "report_path",
    "settle",
    "spelled_almost_like_a_rule",
    "stage",
    "write_report",
]
