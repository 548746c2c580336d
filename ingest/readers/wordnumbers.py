"""Numbers as the lists of Word, PowerPoint and RTF print them: letters, Roman, Chinese."""

from __future__ import annotations

from collections.abc import Callable


def _letters(value: int) -> str:
    return chr(ord("a") + (value - 1) % 26) * min((value - 1) // 26 + 1, 30)


_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"),
    (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def _roman(value: int) -> str:
    if value > 4999:
        return str(value)
    text = ""
    for size, letters in _ROMAN:
        text += letters * (value // size)
        value %= size
    return text


def _han(value: int) -> str:
    """一, 十二, 二十, 一百零五: as Chinese and Japanese lists count."""
    if value > 9999:
        return str(value)
    text = ""
    for place, digit in zip(range(3, -1, -1), map(int, f"{value:04d}"), strict=True):
        text += f"{_HAN[digit]}{' 十百千'[place].strip()}" if digit else "零" if text and not text.endswith("零") else ""
    text = text.rstrip("零")
    return text[1:] if text.startswith("一十") else text


_HAN = "零一二三四五六七八九"


def _circled(value: int) -> str:
    return chr(0x2460 + value - 1) if value <= 20 else str(value)


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda value: _letters(value).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda value: _roman(value).upper(),
    "decimalZero": lambda value: f"{value:02d}",
    "none": lambda _: "",
    **dict.fromkeys(("decimalEnclosedCircle", "decimalEnclosedCircleChinese"), _circled),
    **dict.fromkeys(("chineseCounting", "chineseCountingThousand", "taiwaneseCountingThousand", "japaneseCounting"), _han),
}


def number(value: int, form: str) -> str:
    """A number as a list prints it: `lowerRoman` 4 is iv; a form that is not known prints digits."""
    return _FORMS.get(form, str)(value) if value > 0 else str(value)
