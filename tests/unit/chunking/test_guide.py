"""The strategy in docs/chunking.md, as printed there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

from chunking.testing import StrategySuite, build, document

GUIDE = Path(__file__).resolve().parents[3] / "docs/chunking.md"

sys.modules["dialogue"] = dialogue = ModuleType("dialogue")
exec(re.findall(r"```python\n(# dialogue.py.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0], dialogue.__dict__)


class TestDialogue(StrategySuite):
    strategy = "dialogue:Dialogue"


def test_turns() -> None:
    """It does what the guide says: turns stay whole, short ones together."""
    text = "Ann: Is the pump on?\nBob: No.\nAnn: Then start it, and tell me when the pressure is right.\nBob: It is."
    assert [chunk.text for chunk in build(strategy="dialogue:Dialogue", max_tokens=20).chunk(document(text))] == [
        "Ann: Is the pump on?\nBob: No.",
        "Ann: Then start it, and tell me when the pressure is right.\nBob: It is.",
    ]
