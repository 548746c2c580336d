"""What OpenDocument's styles say: what is hidden, and how the items of a list and headings are numbered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.readers.package import Node, elements, local, whole
from ingest.readers.wordnumbers import number

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_DEEPEST = 30
_LEVELS = 10


@dataclass(frozen=True, slots=True)
class Level:
    """How one level of a list is printed; `form` '' for bullets and for nothing."""

    form: str = ""
    before: str = ""
    after: str = ""
    start: int = 1
    shown: int = 1


@dataclass(slots=True)
class Counter:
    """The numbers of one list as it goes on."""

    levels: dict[int, Level]
    counts: dict[int, int] = field(default_factory=dict)

    def label(self, level: int, start: int | None = None) -> str:
        """The printed number of the next item of this level (from 1); '' for none."""
        own = self.levels.get(level, Level())
        self.counts = {at: n for at, n in self.counts.items() if at <= level}
        self.counts[level] = start if start is not None else self.counts.get(level, own.start - 1) + 1
        if not own.form:
            return ""
        shown = range(max(level - own.shown, 0) + 1, level + 1)
        numbers = [number(self.counts.get(at, self.levels[at].start), self.levels[at].form) for at in shown if self._form(at)]
        return f"{own.before}{'.'.join(numbers)}{own.after}".strip()

    def _form(self, level: int) -> str:
        return self.levels[level].form if level in self.levels else ""


class OdfStyles:
    """The styles of a document's parts (styles.xml and content.xml), the later ones in place of the earlier."""

    def __init__(self, roots: Iterable[Node]) -> None:
        self._styles: dict[tuple[str, str], Node] = {}
        self._lists: dict[str, dict[int, Level]] = {}
        self.outline = Counter({})
        for root in roots:
            for node in root.iter(f"{STYLE}style", f"{TEXT}list-style", f"{TEXT}outline-style"):
                name = str(node.get(f"{STYLE}name") or "")
                match local(node):
                    case "style":
                        self._styles[str(node.get(f"{STYLE}family") or ""), name] = node
                    case "list-style":
                        self._lists[name] = _levels(node)
                    case _:
                        self.outline = Counter(_levels(node))

    def levels(self, name: str | None) -> dict[int, Level]:
        """The levels of a list style; bullets where there is none."""
        return self._lists.get(name or "", {})

    def says(self, family: str, name: str | None, attribute: str) -> str:
        """What a style, or one that it is made from, gives for an attribute of its properties; ''."""
        for _ in range(_DEEPEST):
            node = self._styles.get((family, name or ""))
            if node is None:
                return ""
            for properties in elements(node):
                if (found := properties.get(attribute)) is not None:
                    return str(found)
            name = node.get(f"{STYLE}parent-style-name")
        return ""

    def parent(self, family: str, name: str) -> str:
        """The named style behind an automatic one (`P1` is made from `Title`)."""
        node = self._styles.get((family, name))
        return name if node is None or not name.startswith("P") else str(node.get(f"{STYLE}parent-style-name") or name)

    def fades(self, name: str | None) -> bool:
        """Whether a cell of this style shows its text in the colour of its ground, and no condition gives it another look."""
        ink, ground = (self.says("table-cell", name, f"{FO}{what}").lower() for what in ("color", "background-color"))
        node = self._styles.get(("table-cell", name or ""))
        has_conditions = node is not None and node.find(f"{STYLE}map") is not None
        return bool(ink) and ink == (ground if ground not in ("", "transparent") else "#ffffff") and not has_conditions

    def hides(self, family: str, name: str | None) -> bool:
        """Whether text in this style is hidden."""
        return bool(name) and self.says(family, name, f"{TEXT}display") == "none"


def _levels(node: Node) -> dict[int, Level]:
    found: dict[int, Level] = {}
    for each in elements(node):
        form = _FORMS.get(str(each.get(f"{STYLE}num-format") or ""), "") if local(each) != "list-level-style-bullet" else ""
        before, after = (str(each.get(f"{STYLE}num-{what}") or "") for what in ("prefix", "suffix"))
        start, shown = (whole(each.get(f"{TEXT}{what}"), 1) for what in ("start-value", "display-levels"))
        found[whole(each.get(f"{TEXT}level"), 1)] = Level(form, before, after, start, min(shown, _LEVELS))
    return found
