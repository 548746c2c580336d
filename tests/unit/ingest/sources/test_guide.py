"""docs/sources.md: its configurations are valid, and its own source passes the suite."""

from __future__ import annotations

import re
import sys
from collections.abc import Set
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ingest.sources import SOURCES, build
from sluice.access import AccessRule, AccessRules, AccessTags
from sluice.settings import load

GUIDE = (Path(__file__).resolve().parents[4] / "docs/sources.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)]
EXAMPLES = [section for block in BLOCKS for section in block.get("sources", ())]
(RULES,) = (block["access"]["rules"] for block in BLOCKS if "access" in block)

sys.modules["wiki"] = wiki = ModuleType("wiki")
exec(re.findall(r"```python\n(# wiki.py.*?)```", GUIDE, re.DOTALL)[0], wiki.__dict__)
_suite = ModuleType("test_wiki")
exec(re.findall(r"```python\n(# test_wiki.py.*?)```", GUIDE, re.DOTALL)[0], _suite.__dict__)


class TestWiki(_suite.__dict__["TestWiki"]):  # type: ignore[misc, name-defined]
    """The suite as printed in the guide."""


def built(tmp_path: Path, section: dict[str, Any]) -> Any:
    (tmp_path / "sluice.yaml").write_text(yaml.safe_dump({"index": "i", "gates": [], "sources": [section]}), encoding="utf-8")
    names = ("GIT_TOKEN", "CRM_PASSWORD", "TICKETS_TOKEN", *re.findall(r"\$\{(\w+)\}", str(section)))
    whole = load(tmp_path / "sluice.yaml", dict.fromkeys(names, "s3cret"))
    return build(whole.sources[0], whole)


@pytest.mark.parametrize("section", EXAMPLES, ids=lambda section: str(section["name"]))
def test_every_example_is_a_configuration(tmp_path: Path, section: dict[str, Any]) -> None:
    """Nothing is connected to by building a source, and its options do not show the secret."""
    source = built(tmp_path, section)
    assert source.name == section["name"]
    assert "s3cret" not in repr(source.options)


def test_every_source_has_its_section() -> None:
    """What the table in the code names, the guide describes."""
    assert not {name for name in SOURCES if f"\n## {name}\n" not in GUIDE}


def test_a_cache_lies_in_the_state_folder_unless_named(tmp_path: Path) -> None:
    """So that two sources do not share one, and a configuration may move it."""
    section = {"name": "code", "type": "git", "url": "repository"}
    source = built(tmp_path, section)
    assert source.options.cache == tmp_path / ".sluice/i/sources/code"
    assert source.options.url == str(tmp_path / "repository")
    assert built(tmp_path, section | {"cache": "elsewhere"}).options.cache == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("source", "uri", "own", "readers"),
    [
        ("handbook", "hr/salaries/2026.xlsx", None, {"hr"}),
        ("handbook", "travel/rail.md", None, {"staff"}),
        ("code", "docs/setup.md", None, {"staff"}),
        ("code", "src/main.py", None, set()),
        ("crm", "account/4711", {"sales", "boss"}, {"sales"}),
        ("crm", "account/4711", {"boss"}, set()),
        ("tickets", "tickets/4711", {"support"}, {"support"}),
        ("export", "export/page/4711", None, {"staff"}),
        ("news", "https://example.com/2026/release-2", None, {"public"}),
        ("docs", "https://docs.example.org/guide/setup?lang=en", None, {"public"}),
        ("support", "Support/Contracts/20260102.1@mail.example.org", None, {"legal"}),
        ("support", "Support/Contracts/20260102.1@mail.example.org/2-offer.pdf", None, {"legal"}),
        ("support", "Support/New/1@mail.example.org", {"support"}, {"support"}),
        ("reports", "2026/q3/report.pdf", None, {"board"}),
    ],
)
def test_the_rules_of_the_guide_do_what_it_says(source: str, uri: str, own: set[str] | None, readers: Set[str]) -> None:
    """For the uris that each kind of source gives; a row's own permissions narrow."""
    rules = AccessRules([AccessRule(rule["match"], AccessTags(rule["tags"]), rule.get("source")) for rule in RULES])
    assert rules.effective(source, uri, AccessTags(own) if own is not None else None) == readers
