"""`python -m tools`: write the generated pages of docs/ anew."""

from __future__ import annotations

from pathlib import Path

from tools import commands, settings

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {"commands.md": commands.page, "settings.md": settings.page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
