"""Numbers as a spreadsheet shows them: its number formats (ECMA-376, 18.8.31), which are also those of charts.

What depends on the machine that shows it is written as it is safest to search: the system's short date as
2026-01-31, decimals with a point, thousands with a comma, names of days and months in English unless the format itself says
in which language.

Over 300 lines: one small language, its sections, dates, digits and fractions read side by side.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

from ingest.readers import daynames

GENERAL = "General"
BUILT_IN = {
    0: GENERAL, 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
    14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
    21: "h:mm:ss", 22: "yyyy-mm-dd h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)", 41: "#,##0;(#,##0);-", 42: "$#,##0;$(#,##0);$-", 43: "#,##0.00;(#,##0.00);-",
    44: "$#,##0.00;$(#,##0.00);$-", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
    **dict.fromkeys((27, 30, 36, 50, 57), "yyyy-mm-dd"),
}  # fmt: skip
_LONGEST_CODE = 500
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General)|(?P<noon>AM/PM|A/P)|(?P<date>[yY]+|[mM]+|[dD]+|[hH]+|[sS]+(?:\.0+)?|[eE](?![+-])|[gG]+)"
    r"|(?P<exponent>[eE][+-]0+)|(?P<digits>[0#?](?:[0#?,. ]*[0#?])?(?:[.](?![\"\w]))?,*|\.[0#?]+)|(?P<text>@)|(?P<other>.)",
    re.DOTALL | re.IGNORECASE,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+(?:E[+-]?\d+)?)", re.IGNORECASE)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=": lambda a, b: a == b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<>": lambda a, b: a != b,
}
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)


@dataclass(frozen=True, slots=True)
class _Part:
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Section:
    parts: tuple[_Part, ...]
    condition: tuple[str, float] | None
    language: int = daynames.language_of("409")

    def has(self, *kinds: str) -> bool:
        return any(part.kind in kinds for part in self.parts)


def shown(value: float, code: str = GENERAL, *, from_1904: bool = False) -> str:
    """A number in this format; one that the format cannot show (a date before the calendar) as its digits."""
    if not math.isfinite(value):
        return str(value)
    sections = _sections(code[:_LONGEST_CODE])
    section, magnitude = _chosen(value, sections)
    if section is None or not section.parts:
        return "" if section is not None and len(sections) > 1 else general(value)
    if section.has("date", "elapsed"):
        return _dated(value, section, from_1904) or general(value)
    if section.has("general", "text") and not section.has("digits"):
        return "".join(
            general(magnitude) if part.kind in ("general", "text") else _literal(part) for part in section.parts
        ).strip()
    return _numeric(magnitude, section).strip()


def text_shown(value: str, code: str) -> str:
    """A text in this format: its fourth section may add words, or hide it."""
    sections = _sections(code[:_LONGEST_CODE])
    found = sections[3] if len(sections) > 3 else next((s for s in sections if s.has("text")), None)
    if found is None:
        return value
    return "".join(value if part.kind == "text" else _literal(part) for part in found.parts)


def general(value: float) -> str:
    """A number without a format: whole ones with all their digits, others with as many as a wide cell has."""
    try:
        exact = Decimal(repr(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return str(value)
    if exact == exact.to_integral_value() and abs(exact) < Decimal("1e21"):
        return str(int(exact))
    if abs(exact) < Decimal("1e-9") or abs(exact) >= Decimal("1e21"):
        return f"{value:.6g}".upper()
    places = max(10 - len(str(int(abs(exact)))), 2)
    return _plain(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)).rstrip("0").rstrip(".")


def is_date(code: str) -> bool:
    """Whether a format shows a date or a time."""
    return any(section.has("date", "elapsed") for section in _sections(code[:_LONGEST_CODE]))


def _chosen(value: float, sections: tuple[_Section, ...]) -> tuple[_Section | None, float]:
    """The section for a value, and the value without the sign that choosing it says."""
    conditions = [section for section in sections if section.condition is not None]
    if conditions:
        for section in sections[:3]:
            if section.condition is None or _COMPARE[section.condition[0]](value, section.condition[1]):
                return section, value
        return sections[-1], value
    if value < 0 and len(sections) > 1:
        return sections[1], abs(value)
    if value == 0 and len(sections) > 2:
        return sections[2], value
    return (sections[0] if sections else None), value


@lru_cache(maxsize=1000)
def _sections(code: str) -> tuple[_Section, ...]:
    found: list[_Section] = []
    parts: list[_Part] = []
    condition: tuple[str, float] | None = None
    locale = ""
    for token in _TOKEN.finditer(code):
        kind, text = token.lastgroup or "", token.group()
        if kind == "other" and text == ";":
            found.append(_Section(_settled(parts), condition, daynames.language_of(locale)))
            parts, condition, locale = [], None, ""
        elif kind == "bracket":
            inside = token["bracket"]
            if limit := _CONDITION.fullmatch(inside):
                condition = (limit.group(1), float(limit.group(2)))
            elif re.fullmatch(r"[hH]+|[mM]+|[sS]+", inside):
                parts.append(_Part("elapsed", inside.lower()))
            elif inside.startswith("$"):
                money, _, locale = inside[1:].partition("-")
                parts += [_Part("literal", money)] if money else []
        elif kind in ("quoted", "escaped"):
            parts.append(_Part("literal", token[kind]))
        elif kind:
            parts.append(_Part(kind, text.lower() if kind == "date" else text))
    found.append(_Section(_settled(parts), condition, daynames.language_of(locale)))
    return tuple(found)


def _settled(parts: list[_Part]) -> tuple[_Part, ...]:
    """With months told from minutes: m is minutes after hours and before seconds."""
    timed = [n for n, part in enumerate(parts) if part.kind in ("date", "elapsed")]
    settled = list(parts)
    for at, n in enumerate(timed):
        if parts[n].text[0] != "m" or parts[n].kind == "elapsed" or len(parts[n].text) > 2:
            continue
        before = parts[timed[at - 1]].text[0] if at else ""
        after = parts[timed[at + 1]].text[0] if at + 1 < len(timed) else ""
        if before == "h" or after == "s":
            settled[n] = _Part("date", "n" * len(parts[n].text))
    return tuple(settled)


def _literal(part: _Part) -> str:
    return part.text if part.kind in ("literal", "other") else ""


def _dated(value: float, section: _Section, from_1904: bool) -> str:
    seconds = round(value * 86_400, 3)
    places = max((len(part.text.partition(".")[2]) for part in section.parts if part.kind == "date"), default=0)
    seconds = round(seconds, places)
    try:
        at = (_EPOCH_1904 if from_1904 else _EPOCH) + timedelta(seconds=seconds)
        if not from_1904 and 0 < value < 60:
            at += timedelta(days=1)  # the calendar has a 29 February 1900
    except OverflowError:
        return ""
    has_noon = section.has("noon")
    if section.language == daynames.JAPANESE and any(part.kind == "date" and part.text[0] in "ge" for part in section.parts):
        return _of_an_era(section, at, seconds, has_noon)
    return "".join(_moment(part, at, seconds, has_noon, section.language) for part in section.parts).strip()


def _of_an_era(section: _Section, at: datetime, seconds: float, has_noon: bool) -> str:
    """A Japanese day by the emperor's years (令和8年1月31日): `g` is the era's letter, `gg` its first sign, `ggg` its name."""
    name, letter, year = daynames.era(at) or ("", "", at.year)
    text = ""
    for part in section.parts:
        size = len(part.text)
        if part.kind == "date" and part.text[0] == "g":
            text += letter if size == 1 else name[:1] if size == 2 else name
        elif part.kind == "date" and part.text[0] == "e":
            text += f"{year:0{min(size, 2)}d}"
        else:
            text += _moment(part, at, seconds, has_noon, section.language)
    return text.strip()


def _moment(part: _Part, at: datetime, seconds: float, has_noon: bool, language: int) -> str:
    text = part.text
    if part.kind == "elapsed":
        unit = {"h": 3600, "m": 60, "s": 1}[text[0]]
        return f"{int(seconds // unit):0{len(text)}d}"
    if part.kind == "noon":
        return ("AM" if at.hour < 12 else "PM")[: len(text) // 2 if len(text) > 3 else 1]
    if part.kind != "date":
        return text if part.kind in ("digits", "exponent") else _literal(part)
    size = len(text)
    match text[0]:
        case "y" | "e":
            return f"{at.year % 100:02d}" if text[0] == "y" and size < 3 else f"{at.year:04d}"
        case "m":
            return f"{at.month:0{size}d}" if size < 3 else daynames.month(at, size, language)
        case "d":
            return f"{at.day:0{size}d}" if size < 3 else daynames.day(at, size, language)
        case "h":
            hour = (at.hour % 12 or 12) if has_noon else at.hour
            return f"{hour:02d}" if size > 1 else str(hour)
        case "n":
            return f"{at.minute:02d}" if size > 1 else str(at.minute)
        case "s":
            whole, _, places = text.partition(".")
            fraction = f".{at.microsecond:06d}"[: len(places) + 1] if places else ""
            return (f"{at.second:02d}" if len(whole) > 1 else str(at.second)) + fraction
    return ""


def _numeric(value: float, section: _Section) -> str:
    code = "".join(part.text for part in section.parts if part.kind == "digits")
    percent = sum(part.text.count("%") for part in section.parts if part.kind == "other")
    fraction = "/" in [part.text for part in section.parts if part.kind == "other"]
    try:
        exact = Decimal(repr(value)) * (Decimal(100) ** percent)
        exact = exact.scaleb(-3 * (len(code) - len(code.rstrip(",")))) if code.endswith(",") else exact
        if not exact.is_finite() or abs(exact) >= Decimal("1e300"):
            return general(value)
        if fraction:
            return _as_fraction(value, section)
        exponent = next((part.text for part in section.parts if part.kind == "exponent"), "")
        if exponent:
            return _scientific(exact, code, exponent, section)
        return _filled(_digits(abs(exact), code), section, minus=exact < 0)
    except (InvalidOperation, OverflowError):  # more digits than a number of a spreadsheet has
        return general(value)


def _filled(digits: str, section: _Section, *, minus: bool) -> str:
    """The section with its placeholders replaced by digits; those of a pattern (000-00) get theirs in turn from the right."""
    places = [n for n, part in enumerate(section.parts) if part.kind == "digits"]
    if not places:
        return ("-" if minus else "") + "".join(map(_literal, section.parts))
    given: dict[int, str] = {}
    if len(places) > 1 and "." not in digits:
        rest = digits.rjust(sum(section.parts[n].text.count("0") for n in places), "0")
        for n in reversed(places):
            size = len(re.sub(r"[^0#?]", "", section.parts[n].text)) if n != places[0] else len(rest)
            given[n], rest = rest[max(len(rest) - size, 0) :], rest[: max(len(rest) - size, 0)]
    else:
        given = {n: digits if n == places[0] else "" for n in places}
    text = "".join(given.get(n, _literal(part)) for n, part in enumerate(section.parts))
    is_zero = not re.search(r"[1-9]", digits)
    return ("-" if minus and not is_zero else "") + text


def _digits(exact: Decimal, code: str) -> str:
    whole_code, point, decimals = code.rstrip(",").partition(".")
    decimals = re.sub(r"[^0#?]", "", decimals)
    rounded = exact.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    whole, _, rest = _plain(rounded).partition(".")
    fewest, kept = whole_code.count("0"), len(decimals.rstrip("#?"))
    rest = rest[:kept] + rest[kept:].rstrip("0")
    whole = "" if whole == "0" and not fewest else whole.rjust(fewest, "0")
    if "," in whole_code:
        whole = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", whole)
    return whole + ("." + rest if rest or (point and not decimals) else "") or ("0" if not code.strip("#,.") else "")


def _scientific(exact: Decimal, code: str, exponent: str, section: _Section) -> str:
    power = exact.adjusted() if exact else 0
    step = max(len(re.sub(r"[^0#?]", "", code.partition(".")[0])), 1)
    power -= power % step
    mantissa = _digits(abs(exact.scaleb(-power)), code)
    sign = "-" if power < 0 else "+" if exponent[1] == "+" else ""
    text = f"{mantissa}E{sign}{abs(power):0{len(exponent) - 2}d}"
    literals = "".join(_literal(part) for part in section.parts)
    return ("-" if exact < 0 else "") + text + literals


def _as_fraction(value: float, section: _Section) -> str:
    texts = "".join(part.text for part in section.parts if part.kind in ("digits", "other"))
    top, _, bottom = texts.partition("/")
    size = len(re.sub(r"[^0#?\d]", "", bottom)) or 1
    below = bottom.strip()
    found = Fraction(abs(value)).limit_denominator(10 ** min(size, 5) - 1)
    if below.isdigit() and int(below):
        found = Fraction(round(abs(value) * int(below)), int(below))
    whole = found.numerator // found.denominator if " " in top.strip() else 0
    rest = found - whole
    part = f"{rest.numerator}/{rest.denominator}" if rest else ""
    return ("-" if value < 0 else "") + (" ".join(filter(None, (str(whole) if whole else "", part))) or "0")


def _plain(exact: Decimal) -> str:
    return f"{exact:f}"
