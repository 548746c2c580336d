"""The console on which everything for people is printed: whatever is printed, nothing in it acts.

Names of files, titles, errors and passages are a stranger's words. What a terminal would obey (ESC and the like) shows as an
escape, in whatever renderable it stands; words that look like markup and are none (`[/b]` in a file name) are words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.errors import MarkupError
from rich.segment import Segment
from rich.text import Text

from sluice.display import terminal


class SafeConsole(Console):
    """A rich console whose text cannot act on the terminal, and that no text can end with an error."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does it; segments that are text and not rich's own control codes go through `sluice.display`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(terminal(segment.text), segment.style)

    def render_str(self, text: str, **how: Any) -> Text:
        """As rich does it; what only looks like markup is text."""
        shown = terminal(text)
        try:
            return super().render_str(shown, **how)
        except MarkupError:
            return super().render_str(shown, **{**how, "markup": False})
