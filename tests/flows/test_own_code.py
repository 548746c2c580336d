"""Somebody's own strategy, source and gate: the guides' examples run as they stand; what goes wrong in one is told as theirs."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[2] / "docs"

STRATEGY = """
class Broken:
    def __init__(self, given):
        self.fingerprint = given.fingerprint("broken", version=1)

    def split(self, document):
        return [(0, len(document.nothing))]
"""

SOURCE = """
class Broken:
    class Options(__import__("sluice.settings").settings.Section):
        pass

    def __init__(self, name, options):
        self.name = name

    def scan(self, known):
        yield from {}["nothing"]

    def fetch(self, ref):
        raise AssertionError
"""

GATE = """
class Broken:
    class Options(__import__("sluice.settings").settings.Section):
        pass

    name, fingerprint = "broken", "broken"

    def __init__(self, options):
        pass

    def load(self):
        pass

    def judge(self, context):
        return 1 / 0
"""


@pytest.fixture
def modules(index: Index, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules can be named in the configuration."""
    folder = index.folder / "own"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    for name in ("dialogue", "wiki", "own_gate", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def example(page: str, module: str) -> str:
    """The block of a page that begins with this module's name."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.findall(rf"```python\n(# {module}\.py.*?)```", text, re.DOTALL)
    assert len(found) == 1, (page, module)
    return str(found[0])


def test_the_guides_examples_of_own_code_run_as_they_stand(index: Index, modules: Path) -> None:
    """One configuration with all three: a release that the strategy cut, of the source's pages too, and that the gate judged."""
    for page, module in (("chunking.md", "dialogue"), ("sources.md", "wiki"), ("gates.md", "own_gate")):
        (modules / f"{module}.py").write_text(example(page, module), encoding="utf-8")
    import_module("wiki").PAGES["wiki/page.md"] = b"# A page\n\nANN: Where is the zeppelin?\nBOB: In the shed.\n"
    index.configure(
        sources=[*index.settings["sources"], {"name": "wiki", "type": "wiki:Wiki", "space": "team"}],
        access={"rules": [*index.settings["access"]["rules"], {"match": "wiki/**", "tags": ["people"]}]},
        chunking={"strategy": "dialogue:Dialogue", "max_tokens": 120, "speaker": "^[A-Z]+:"},
        gates=[*index.settings["gates"], {"type": "own_gate:OwnGate", "least": 5}],
    )
    result = index.run()
    assert "own" in [verdict["gate"] for verdict in result["verdicts"]]
    assert index.find("Where is the zeppelin?", "people", k=1) == ["wiki/page.md"]


@pytest.mark.parametrize(
    ("code", "changes", "said"),
    [
        (STRATEGY, {"chunking": {"strategy": "broken:Broken", "max_tokens": 50}}, "in split: AttributeError"),
        (GATE, {"gates": [{"type": "broken:Broken"}]}, "in judge: ZeroDivisionError: division by zero"),
        (SOURCE, {"sources": [{"name": "mine", "type": "broken:Broken"}]}, "in scan: KeyError"),
    ],
    ids=["strategy", "gate", "source"],
)
def test_an_exception_in_own_code_is_told_by_its_file_and_line(
    index: Index, modules: Path, code: str, changes: dict[str, Any], said: str
) -> None:
    """In a sentence or two; the whole traceback is in the log of the run, and with -v."""
    (modules / "broken.py").write_text(code, encoding="utf-8")
    index.configure(**changes)
    answer = index("run")
    told = answer.out["error"]["message"] if "error" in answer.out else str(answer.out["verdicts"])
    assert answer.code != 0
    assert re.search(rf"{re.escape(str(modules / 'broken.py'))}:\d+, {re.escape(said)}", told), told
    assert answer.err.count("\n") < 20, answer.err
    assert "Traceback" not in answer.err
    if code == STRATEGY:  # a gate's failure is a verdict, a source's is that source being unavailable
        assert "Traceback" in index("run", "-v").err


@pytest.mark.parametrize("strategy", ["nosuch", "nosuch:Strategy", "own_strategy:Missing", "recursiv"])
def test_doctor_finds_a_strategy_that_does_not_exist(index: Index, modules: Path, strategy: str) -> None:
    """Before a run does."""
    (modules / "own_strategy.py").write_text("", encoding="utf-8")
    index.configure(chunking={"strategy": strategy, "max_tokens": 50})
    checks = {check["check"]: check for check in index("doctor").out["checks"]}
    assert not checks["chunking"]["ok"]
    assert strategy.split(":")[0] in checks["chunking"]["detail"]
