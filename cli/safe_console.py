"""The console on which everything for people is printed: whatever is printed, nothing in it acts.

Names of files, titles, errors and passages are a stranger's words. What a terminal would obey (ESC and the like) shows as an
escape, in whatever renderable it stands; words that look like markup and are none (`[/b]` in a file name) are words.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.errors import MarkupError
from rich.segment import Segment
from rich.text import Text

from sluice.display import terminal

_COMMAND = re.compile(r"\bsluice [a-z][\w-]*(?: [^\s;,()]+)*")
_JOINED = "\ue000"
"""In the place of a blank at which no line is to be broken."""


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

    def on_broken_pipe(self) -> None:
        """As rich does it, which ends the program; but who only listened along (standard error) and left ends nothing."""
        if self.stderr:
            self.quiet = True
        else:
            super().on_broken_pipe()

    @property
    def wraps(self) -> bool:
        """Whether there is a width to keep to: a terminal's, or that which COLUMNS says."""
        return self.is_terminal or self._environ.get("COLUMNS", "").isdigit()

    def prose(self, text: str, label: str = "", style: str = "", indent: str = "") -> None:
        """Words after a label. Where there is a width lines break between words, and go on below where the words began.

        An id, a uri and a command of ours stay whole, to be copied. Elsewhere it is one line, as long as it is.
        """
        head = Text(f"{indent}{label}", style)
        if not self.wraps:
            self.print(head + Text(terminal(text)), soft_wrap=True)
            return
        under = " " * head.cell_len
        whole = _COMMAND.sub(lambda found: _fitting(found.group(), self.width - len(under)), terminal(text))
        room = max(self.width - len(under), 20)
        lines = [
            line
            for part in whole.split("\n")
            for line in textwrap.wrap(part, room, break_long_words=False, break_on_hyphens=False)
        ]
        for number, line in enumerate(lines or [""]):
            self.print((head if number == 0 else Text(under)) + Text(line.replace(_JOINED, " ")), soft_wrap=True)

    def parts(self, parts: Iterable[str], style: str = "") -> None:
        """Short parts in a row; where there is a width no line is broken within one."""
        told = list(parts)
        if not told:
            return
        if not self.wraps:
            self.print(Text(terminal(" · ".join(told)), style), soft_wrap=True)
            return
        whole = " · ".join(terminal(part).replace(" ", _JOINED) for part in told)
        for line in textwrap.wrap(whole, max(self.width, 20), break_long_words=False, break_on_hyphens=False):
            self.print(Text(line.replace(_JOINED, " "), style), soft_wrap=True)


def _fitting(command: str, width: int) -> str:
    """A command as one word, where it is no longer than a line."""
    return command.replace(" ", _JOINED) if len(command) <= width else command
