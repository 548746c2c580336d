"""Names of months and days that a number format asks for by its language (`[$-407]`), and the years of Japan's emperors.

A format that names no language is shown in that of the machine, which is English here. Languages whose months are inflected
by what stands beside them are left in English, too.
"""

from __future__ import annotations

import calendar
from datetime import datetime

_ENGLISH = 9
_MONTHS = {
    _ENGLISH: " ".join(calendar.month_name[1:]),  # nothing here sets a locale
    6: "januar februar marts april maj juni juli august september oktober november december",
    7: "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    10: "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    12: "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    16: "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    19: "januari februari maart april mei juni juli augustus september oktober november december",
    20: "januar februar mars april mai juni juli august september oktober november desember",
    22: "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    29: "januari februari mars april maj juni juli augusti september oktober november december",
    4: "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月",
    17: "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
    18: "1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월",
}
_DAYS = {
    _ENGLISH: " ".join(calendar.day_name),
    6: "mandag tirsdag onsdag torsdag fredag lørdag søndag",
    7: "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    10: "lunes martes miércoles jueves viernes sábado domingo",
    12: "lundi mardi mercredi jeudi vendredi samedi dimanche",
    16: "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    19: "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    20: "mandag tirsdag onsdag torsdag fredag lørdag søndag",
    22: "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    29: "måndag tisdag onsdag torsdag fredag lördag söndag",
    4: "星期一 星期二 星期三 星期四 星期五 星期六 星期日",
    17: "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日",
    18: "월요일 화요일 수요일 목요일 금요일 토요일 일요일",
}
_SHORT_MONTHS = {
    7: "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    12: "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    19: "jan feb mrt apr mei jun jul aug sep okt nov dec",
    **{language: _MONTHS[language] for language in (4, 17, 18)},
}
_SHORT_DAYS = {
    6: "ma ti on to fr lø sø",
    7: "Mo Di Mi Do Fr Sa So",
    12: "lun. mar. mer. jeu. ven. sam. dim.",
    19: "ma di wo do vr za zo",
    4: "周一 周二 周三 周四 周五 周六 周日",
    17: "月 火 水 木 金 土 日",
    18: "월 화 수 목 금 토 일",
}
_ERAS = (
    (datetime(2019, 5, 1), "令和", "R"),
    (datetime(1989, 1, 8), "平成", "H"),
    (datetime(1926, 12, 25), "昭和", "S"),
    (datetime(1912, 7, 30), "大正", "T"),
    (datetime(1868, 1, 25), "明治", "M"),
)
JAPANESE = 17


def language_of(locale: str) -> int:
    """The language in what a format says after its currency (`407`, `F800`, `101040C`); English where it is not known."""
    try:
        number = int(locale, 16) & 0x3FF
    except ValueError:
        return _ENGLISH
    return number if number in _MONTHS else _ENGLISH


def month(at: datetime, size: int, language: int) -> str:
    """The month's name: whole, short for a size of 3, its first letter for 5."""
    return _name(at.month - 1, size, _MONTHS[language], _SHORT_MONTHS.get(language, ""))


def day(at: datetime, size: int, language: int) -> str:
    return _name(at.weekday(), size, _DAYS[language], _SHORT_DAYS.get(language, ""))


def _name(place: int, size: int, names: str, short: str) -> str:
    name = names.split()[place]
    if size == 3:
        return short.split()[place] if short else name[:3]
    return name[0] if size == 5 else name


def era(at: datetime) -> tuple[str, str, int] | None:
    """The era of a day in Japan: its name, its letter, and the year in it; None for days before 1868."""
    return next(((name, letter, at.year - begins.year + 1) for begins, name, letter in _ERAS if at >= begins), None)
