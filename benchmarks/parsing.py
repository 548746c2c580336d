"""What the sandbox and the processing cost: a folder of Markdown parsed in this process, in a worker, and with everything on.

    python -m benchmarks.parsing [FOLDER]          # the handbook, unless another is named

Prints wall seconds and the CPU seconds of this process and of the worker; on a busy machine believe the CPU seconds.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import psutil

from ingest.parse import UnstructuredParser
from ingest.processing import Processing, warm_processor
from ingest.protocols import Parser
from ingest.sandbox import Sandbox, SandboxedParser
from sluice.records import RawItem
from sluice.settings import LimitSettings, PoisonSettings, RedactSettings

HANDBOOK = Path(__file__).resolve().parents[2] / "shared" / "corpora" / "handbook" / "content"
KEEP_ALL = PoisonSettings(**dict.fromkeys(PoisonSettings.model_fields, "keep"))
MASK_ALL = RedactSettings(secret="mask", email="mask", phone="mask", card="mask", iban="mask", national_id="mask")


def cpu_s() -> tuple[float, float]:
    """CPU seconds of this process, and of the workers it has."""
    here = psutil.Process()
    times = [child.cpu_times() for child in here.children()]
    own = here.cpu_times()
    return own.user + own.system, sum(t.user + t.system for t in times)


def measure(name: str, parser: Parser, items: list[RawItem]) -> None:
    parser.parse(items[0], source="s")
    started, before = time.perf_counter(), cpu_s()
    for item in items:
        parser.parse(item, source="s")
    wall, after = time.perf_counter() - started, cpu_s()
    print(f"{name:32} wall {wall:6.1f} s   CPU here {after[0] - before[0]:5.1f} s   in the worker {after[1] - before[1]:5.1f} s")


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else HANDBOOK
    if not root.is_dir():
        sys.exit(f"{root}: no such folder")
    items = [RawItem(str(f.relative_to(root)), f.read_bytes(), "v") for f in sorted(root.rglob("*.md"))]
    sandbox, limits = Sandbox(workers=1, documents=1_000_000), LimitSettings()
    measure("in this process", UnstructuredParser(), items)
    measure("in a worker", SandboxedParser(UnstructuredParser, "f", limits, sandbox), items)
    for name, processing in [
        ("in a worker, no poison rules", Processing(poison=KEEP_ALL)),
        ("in a worker, defaults", Processing()),
        ("in a worker, all redaction", Processing(redact=MASK_ALL)),
    ]:
        measure(name, SandboxedParser(partial(warm_processor, processing), "f", limits, sandbox), items)
    sandbox.close()


if __name__ == "__main__":
    main()
