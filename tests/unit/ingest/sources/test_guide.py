"""docs/sources.md: its configurations are valid, and its own source passes the suite."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ingest.sources import SOURCES, build
from sluice.settings import load

GUIDE = (Path(__file__).resolve().parents[4] / "docs/sources.md").read_text(encoding="utf-8")
EXAMPLES = [
    section for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL) for section in yaml.safe_load(block)["sources"]
]

sys.modules["wiki"] = wiki = ModuleType("wiki")
exec(re.findall(r"```python\n(# wiki.py.*?)```", GUIDE, re.DOTALL)[0], wiki.__dict__)
_suite = ModuleType("test_wiki")
exec(re.findall(r"```python\n(# test_wiki.py.*?)```", GUIDE, re.DOTALL)[0], _suite.__dict__)


class TestWiki(_suite.__dict__["TestWiki"]):  # type: ignore[misc]
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
