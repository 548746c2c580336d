"""Somebody's own strategy, source and gate: the guides' examples run as they stand; what goes wrong in one is told as theirs."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import evaluation
from ingest.sandbox import shared
from pipeline.resources import Resources
from sluice.settings import load
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
    for name in ("dialogue", "wiki", "own_gate", "our_cleaners", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    shared().close()  # workers that know an earlier test's folder
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
    page = Path(result["report"]).read_text(encoding="utf-8")
    own = page[page.index("<h2>Own</h2>") :]
    assert all(said in own for said in ("<h3>Points by tag</h3>", "people", "<h3>Points by tag, drawn</h3>", "<svg"))
    with Resources(load(index.config)) as r:
        markdown = evaluation.report(r.releases.get(result["release"]))
    assert "### Points by tag\n" in markdown
    assert "### Points by tag, drawn\n" in markdown
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
        assert 'broken.py", line' in index("run", "-v").err


CHOOSY = """
class Choosy:
    def __init__(self, given):
        self.fingerprint = given.fingerprint("choosy", version=VERSION)

    def split(self, document):
        if DISLIKED in document.text:
            WHAT
        return [(0, len(document.text))]
"""


@pytest.mark.parametrize("failure", ["raise ValueError('too odd')", "return [(0, len(document.text) + 1)]"])
def test_a_document_that_a_strategy_cannot_cut_stops_no_other(index: Index, modules: Path, failure: str) -> None:
    """It is in quarantine with what the strategy said, once, until another strategy or a retry cuts it."""
    code = CHOOSY.replace("WHAT", failure)
    (modules / "broken.py").write_text(code.replace("VERSION", "1").replace("DISLIKED", "'zeppelin'"), encoding="utf-8")
    index.write("people/odd.md", "# Odd\n\nThe zeppelin is in the shed.\n")
    index.configure(chunking={"strategy": "broken:Choosy", "max_tokens": 50})
    first = index.run()
    assert first["counts"]["chunk"]["failed"] == {"not_cut": 1}
    [entry] = index("quarantine").out["entries"]
    assert (entry["uri"], entry["stage"], entry["reason"]) == ("people/odd.md", "chunk", "not_cut")
    assert ("too odd" if "raise" in failure else "cut people/odd.md at (0,") in entry["error"]
    assert index.run("unchanged")["counts"]["parse"]["dropped"] == {"not_cut": 1}
    (modules / "broken.py").write_text(code.replace("VERSION", "2").replace("DISLIKED", "'submarine'"), encoding="utf-8")
    sys.modules.pop("broken")
    assert index.run()["counts"]["chunk"]["kept"] == first["counts"]["chunk"]["kept"] + 1
    assert index("quarantine").out["entries"] == []
    assert "people/odd.md" in index.find("The zeppelin is in the shed.", "people", k=10)


def test_what_is_served_stays_where_its_new_version_cannot_be_cut(index: Index, modules: Path) -> None:
    """As where one does not parse: stale, held back until its bytes or the strategy change, and read by nobody more than both
    versions let."""
    code = CHOOSY.replace("WHAT", "raise ValueError('too odd')")
    (modules / "broken.py").write_text(code.replace("VERSION", "1").replace("DISLIKED", "'zeppelin'"), encoding="utf-8")
    index.write("people/odd.md", "# Odd\n\nThe balloon is in the shed.\n")
    index.write("people/pay.md", "# Pay\n\nThe balloon costs nine hundred.\n")
    index.configure(chunking={"strategy": "broken:Choosy", "max_tokens": 50}, gates=[])
    live = index.run()
    index.write("people/odd.md", "# Odd\n\nThe zeppelin is in the shed.\n")
    index.write("people/pay.md", "---\naccess_tags: [hr]\n---\n# Pay\n\nThe zeppelin costs nine hundred.\n")

    stays = index.run("unchanged")
    assert (stays["counts"]["chunk"]["failed"], stays["release"]) == ({"not_cut": 2}, live["release"])
    assert index.find("The balloon is in the shed.", "people")[0] == "people/odd.md"
    assert "people/pay.md" not in index.find("The balloon costs nine hundred.", "people", k=10), "the new version says so"
    listed = {d["uri"]: d for d in index("documents").out["documents"]}
    assert (listed["people/odd.md"]["status"], listed["people/odd.md"]["chunks"]) == ("stale", 1)
    assert "too odd" in listed["people/odd.md"]["why"]

    again = index.run("unchanged")
    assert (again["counts"]["parse"]["failed"], again["embedded"]) == ({"not_cut": 2}, 0)
    assert "chunk" not in again["counts"], "nothing is cut again before something changes"
    index.write("security/new.md", "# New\n\nAnother page of the night.\n")
    assert index.run()["counts"]["parse"]["failed"] == {"not_cut": 2}
    assert index.find("The balloon is in the shed.", "people")[0] == "people/odd.md", "other documents' releases keep it"
    assert [entry["uri"] for entry in index("quarantine").out["entries"]] == ["people/odd.md", "people/pay.md"]

    (index.corpus / "people/pay.md").unlink()
    index.run()
    assert [entry["uri"] for entry in index("quarantine").out["entries"]] == ["people/odd.md"], "what is deleted is no trouble"
    (modules / "broken.py").write_text(code.replace("VERSION", "2").replace("DISLIKED", "'submarine'"), encoding="utf-8")
    sys.modules.pop("broken")
    index.run()
    assert index("quarantine").out["entries"] == []
    [hit] = index("search", "The zeppelin is in the shed.", "--as", "people", "-k", "1").out["hits"]
    assert "zeppelin" in hit["text"]


def test_bytes_that_come_back_are_no_trouble_any_more(index: Index, modules: Path) -> None:
    """Who takes back an edit that could not be cut has the document as it was, and nothing in quarantine."""
    code = CHOOSY.replace("WHAT", "raise ValueError('too odd')")
    (modules / "broken.py").write_text(code.replace("VERSION", "1").replace("DISLIKED", "'zeppelin'"), encoding="utf-8")
    index.configure(chunking={"strategy": "broken:Choosy", "max_tokens": 50}, gates=[])
    index.write("people/odd.md", "# Odd\n\nThe balloon is in the shed.\n")
    index.run()
    index.write("people/odd.md", "# Odd\n\nThe zeppelin is in the shed.\n")
    index.run("unchanged")
    index.write("people/odd.md", "# Odd\n\nThe balloon is in the shed.\n")
    index.run("unchanged")
    assert index("quarantine").out["entries"] == []
    assert {d["status"] for d in index("documents", "people/odd.md").out["documents"]} == {"served"}


def test_a_strategy_that_fails_at_many_documents_takes_none_of_them_away(index: Index, modules: Path) -> None:
    """It is the strategy that is at fault: the run fails, and what is live stays whole."""
    live = index.run()
    broken = CHOOSY.replace("WHAT", "raise ValueError('odd')").replace("VERSION", "1").replace("DISLIKED", "'a'")
    (modules / "broken.py").write_text(broken, encoding="utf-8")
    index.configure(chunking={"strategy": "broken:Choosy", "max_tokens": 50})
    answer = index("run")
    assert answer.code == 1
    assert " more)" in answer.out["error"]["message"]
    assert index("quarantine").out["entries"] == []
    assert index("status").out["live"] == live["release"]


@pytest.mark.parametrize("strategy", ["nosuch", "nosuch:Strategy", "own_strategy:Missing", "recursiv"])
def test_doctor_finds_a_strategy_that_does_not_exist(index: Index, modules: Path, strategy: str) -> None:
    """Before a run does."""
    (modules / "own_strategy.py").write_text("", encoding="utf-8")
    index.configure(chunking={"strategy": strategy, "max_tokens": 50})
    checks = {check["check"]: check for check in index("doctor").out["checks"]}
    assert not checks["chunking"]["ok"]
    assert strategy.split(":")[0] in checks["chunking"]["detail"]


def test_the_guides_cleaner_runs_as_it_stands(index: Index, modules: Path) -> None:
    """Template tags stay in a text until the guide's cleaner takes them out; a new version of a cleaner parses again."""
    index.write("people/0.md", "# Leave {{ site.year }}\n\nParental {{ our.word }}leave lasts sixteen weeks.\n\n    {% kept %}\n")
    index.run()
    query = ("search", "parental leave lasts sixteen weeks", "--as", "people", "-k", "1")
    (hit,) = index(*query).out["hits"]
    assert "{{ our.word }}" in hit["text"]
    assert "{{ site.year }}" in hit["title"]
    (example,) = re.findall(r"```python\n(# our_cleaners.py.*?)```", (DOCS / "ingest-safety.md").read_text("utf-8"), re.DOTALL)
    (modules / "our_cleaners.py").write_text(example, encoding="utf-8")
    source = index.settings["sources"][0]
    index.configure(sources=[{**source, "clean": ["white_space", "our_cleaners:template_tags"]}], gates=[])
    assert index("doctor").code == 0
    index.run()
    (hit,) = index(*query).out["hits"]
    assert (hit["title"], "Parental leave lasts" in hit["text"], "{% kept %}" in hit["text"]) == ("Leave", True, True)
    assert index.run("unchanged")["counts"]["parse"]["kept"] == 0


@pytest.mark.parametrize(
    ("cleaner", "code", "said"),
    [
        ("def mine(document): return document", 2, "'broken:mine' is no cleaner: it is a function"),
        ("mine = 3 / 0", 1, "broken.py:3"),
        ("", 2, "'broken:mine' cannot be imported"),
    ],
)
def test_a_cleaner_that_is_none_is_said_before_anything_is_read(
    index: Index, modules: Path, cleaner: str, code: int, said: str
) -> None:
    """By `run` and by `doctor`."""
    (modules / "broken.py").write_text(f"from ingest.clean import Cleaner\n\n{cleaner}\n", encoding="utf-8")
    index.configure(sources=[{**index.settings["sources"][0], "clean": ["broken:mine"]}])
    answer = index("run")
    assert answer.code == code, answer
    assert said in answer.out["error"]["message"]
    assert index("doctor").code != 0


def test_a_cleaner_that_fails_costs_the_documents_that_it_fails_on(index: Index, modules: Path) -> None:
    """What it raises names its file and line; elements outside of the text are `bad_cleaner`; who may read is not its to say."""
    (modules / "broken.py").write_text(
        "from dataclasses import replace\nfrom ingest.clean import Cleaner\n\n\ndef work(document):\n"
        "    if document.uri == 'people/1.md':\n        return {}['nothing']\n"
        "    if document.uri == 'people/2.md':\n        return replace(document, text='')\n"
        "    return replace(document, tags=frozenset({'everybody'}))\n\n\nmine = Cleaner(1, work)\n",
        encoding="utf-8",
    )
    index.configure(sources=[{**index.settings["sources"][0], "clean": ["broken:mine"]}], gates=[])
    index.run()
    entries = {entry["uri"]: entry for entry in index("quarantine").out["entries"]}
    assert {uri: entry["reason"] for uri, entry in entries.items()} == {"people/1.md": "crashed", "people/2.md": "bad_cleaner"}
    assert "broken.py:7" in entries["people/1.md"]["error"]
    assert index.find("security", "everybody", k=20) == []
