"""kill -9 in the middle of an experiment: what was measured is kept, and the verdict is the undisturbed one."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Shell

pytestmark = pytest.mark.slow

STRATEGIES = '''
"""Chunks shuffled between documents: each is embedded under the words of another document. Waits while a file is there."""
import pathlib, time

HERE = pathlib.Path(__file__).parent

class Misplaced:
    def __init__(self, given):
        self.fingerprint = given.fingerprint("misplaced", 1)

    def split(self, document):
        (HERE / "reached").touch()
        while (HERE / "wait").exists():
            time.sleep(0.05)
        return [(start, start + 12) for start in range(0, len(document.text) - 12, 12)]

    def headers(self, document, spans):
        number = (int(pathlib.PurePath(document.uri).stem) + 7) % 40
        other = (HERE / "corpus" / f"team-{number % 4}" / f"{number}.md").read_text()
        return [other[start : start + 400] for start, _ in spans]
'''


def test_a_killed_experiment_loses_the_variant_in_flight_and_no_other(shell: Shell) -> None:
    """Killed in the second of three: the first is not measured again. Worse by construction is ruled out, twins are not
    settled."""
    shell.environment["PYTHONPATH"] = str(shell.folder)
    (shell.folder / "strategies.py").write_text(STRATEGIES)
    lines = [
        {
            "id": f"q-{i}",
            "query": f"Note {i}: what is topic {i * 7} about?",
            "relevant": [{"uri": f"team-{i % 4}/{i}.md", "quote": f"Paragraph 7 of note {i} is about topic {i * 7}."}],
        }
        for i in range(1, 40)
    ]
    (shell.folder / "golden.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    sections = {
        "whole": {"strategy": "recursive", "max_tokens": 60},
        "misplaced": {"strategy": "strategies:Misplaced", "max_tokens": 60},
        "small": {"strategy": "fixed", "max_tokens": 8},
        "whole again": {"strategy": "recursive", "max_tokens": 60},
    }
    variants = [{"name": name, "chunking": section} for name, section in sections.items()]
    file = shell.folder / "experiment.yaml"
    file.write_text(yaml.safe_dump({"name": "trial", "base": "sluice.yaml", "golden": "golden.jsonl", "variants": variants}))
    results = shell.folder / "state" / "experiments" / "results"
    (shell.folder / "wait").touch()

    process = shell.start("compare", str(file))
    _until(shell.folder / "reached", process.poll)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = {path.name: path.stat().st_mtime_ns for path in results.iterdir()}
    assert len(kept) == 1
    assert [path.name for path in (shell.folder / "state" / "experiments").iterdir()] == ["results"]

    (shell.folder / "wait").unlink()
    code, answer, err = shell("compare", str(file))
    assert code == 0, err
    assert "variant whole:" not in err
    assert all(f"variant {name}:" in err for name in ("misplaced", "small"))
    after = {path.name: path.stat().st_mtime_ns for path in results.iterdir()}
    assert len(after) == 3  # two names of one variant are one result
    assert kept.items() <= after.items()

    named = {variant["name"]: variant for variant in answer["variants"]}
    assert named["whole"]["measures"] == named["whole again"]["measures"]
    assert answer["leader"] == "whole"
    assert named["misplaced"]["ruled_out"] is True
    assert (named["whole"]["ruled_out"], named["whole again"]["ruled_out"]) == (False, False)
    assert (answer["settled"], answer["winner"], answer["queries_needed"]) == (False, None, None)


def _until(path: Path, ended) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline
        assert ended() is None, "the experiment ended before its second variant"
        time.sleep(0.05)
