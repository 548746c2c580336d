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


def _of(letters: str) -> Callable[[int], str]:
    """Numbers that are one letter each; beyond the last, digits."""
    return lambda value: letters[value - 1] if value <= len(letters) else str(value)


def _ordinal(value: int) -> str:
    return f"{value}{'th' if value % 100 in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th')}"


_CARDINALS = (
    "One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen Seventeen Eighteen Nineteen"
)
_ORDINALS = (
    "First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Eleventh Twelfth Thirteenth Fourteenth Fifteenth Sixteenth "
    "Seventeenth Eighteenth Nineteenth"
)
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_DAGGERS = "*†‡§"


def _words(names: str) -> Callable[[int], str]:
    """Numbers in English words as far as twenty; beyond, digits."""
    listed = names.split()
    return lambda value: listed[value - 1] if value <= len(listed) else str(value)


_FORMS: dict[str, Callable[[int], str]] = {
    "lowerLetter": _letters,
    "upperLetter": lambda value: _letters(value).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda value: _roman(value).upper(),
    "decimalZero": lambda value: f"{value:02d}",
    "none": lambda _: "",
    "ordinal": _ordinal,
    "cardinalText": _words(_CARDINALS),
    "ordinalText": _words(_ORDINALS),
    "russianLower": _of(_RUSSIAN),
    "russianUpper": _of(_RUSSIAN.upper()),
    "hebrew1": _of("אבגדהוזחט"),
    "aiueo": _of("ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝ"),
    "aiueoFullWidth": _of("アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"),
    "irohaFullWidth": _of("イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセスン"),
    "ganada": _of("가나다라마바사아자차카타파하"),
    "ideographTraditional": _of("甲乙丙丁戊己庚辛壬癸"),
    "ideographZodiac": _of("子丑寅卯辰巳午未申酉戌亥"),
    "decimalEnclosedParen": _of("⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽⑾⑿⒀⒁⒂⒃⒄⒅⒆⒇"),
    "decimalEnclosedFullstop": _of("⒈⒉⒊⒋⒌⒍⒎⒏⒐⒑⒒⒓⒔⒕⒖⒗⒘⒙⒚⒛"),
    "numberInDash": lambda value: f"- {value} -",
    "chicago": lambda value: _DAGGERS[(value - 1) % 4] * min((value - 1) // 4 + 1, 30),
    **dict.fromkeys(("decimalEnclosedCircle", "decimalEnclosedCircleChinese"), _circled),
    **dict.fromkeys(("chineseCounting", "chineseCountingThousand", "taiwaneseCountingThousand", "japaneseCounting"), _han),
}


def number(value: int, form: str) -> str:
    """A number as a list prints it: `lowerRoman` 4 is iv, `000` is 004; a form that is not known prints digits."""
    if form and not form.strip("0"):
        return f"{value:0{min(len(form), 20)}d}"
    return _FORMS.get(form, str)(value) if value > 0 else str(value)
