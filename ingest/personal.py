"""Where a text holds personal data: addresses, telephone numbers, cards, accounts, and the ids that countries give people.

Numbers need a right check digit, or a word nearby that says what they are; what could be any number needs both. Patterns are
over the plain form of a text (`ingest.plain_text`); a check digit is asked of the number as it stands, and without what sets
its groups apart: a pattern that allows a separator must not fail at a validator that does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import chain

Span = tuple[int, int]

_NEARBY = 60
_AROUND = 80
_DIGITS = re.compile(r"\d(?:[\w ./+|-]{0,3}?\d){3,}")

_EMAIL = re.compile(r"(?<![\w.+-])[\w+-]+(?:\.[\w+-]+)*(?:[@＠]|%40)(?:[^\W_](?:[\w-]*\.))+[^\W\d_]{2,24}(?![^\W_]|-)")
_EMAIL_AT_NUMBER = re.compile(r"(?<![\w.+-])[\w.+-]+@\[\d{1,3}(?:\.\d{1,3}){3}\]")
_EMAIL_APART = re.compile(
    r"(?<![\w.+-])(?:[\w+-]+(?:\.[\w+-]+){0,4}@[ \n]|[\w+-]{1,40}(?:\.[\w+-]{1,40}){1,4} @ ?|\"[^\"\n@]{1,60}\"@)"
    r"(?:[^\W_][\w-]{0,60}\.){1,5}[^\W\d_]{2,24}(?![^\W_]|-)"
)
"""Cut by a line's end or a blank, or with a name in quotes."""
# Written so that no machine should see it: at and dot as words, at least one of them in brackets or both spelled out.
_AT = r"(?:\s*[\[({<]\s*(?:at|@|ät|arroba)\s*[\])}>]\s*|\s+at\s+)"
_DOT = r"(?:\s*[\[({<]\s*(?:dot|\.|punkt|punto|point)\s*[\])}>]\s*|\s+dot\s+)"
_SPELLED = re.compile(
    rf"(?<![\w.+-])[\w+-]+(?:(?:\.|{_DOT})[\w+-]+){{0,4}}{_AT}[\w-]+(?:(?:\.|{_DOT})[\w-]+){{0,4}}{_DOT}[a-z]{{2,12}}\b"
    rf"|(?<![\w.+-])[\w+-]+(?:\.[\w+-]+)*\s*[\[({{<]\s*(?:at|@|ät)\s*[\])}}>]\s*[\w-]+(?:\.[\w-]+)*\.[a-z]{{2,12}}\b",
    re.IGNORECASE,
)
_SPELLING = (
    " dot ",
    *(f"{word}{end}" for word in ("at", "ät", "@", "dot", ".", "punkt", "punto", "point", "arroba") for end in ")]}>"),
)

_TELEPHONE = re.compile(
    r"(?i)\b(?:(?:tele)?phone|tel|telephone|telefon|teléfono|telefono|téléphone|telefoon|telefone|mobile?|mobil|móvil|cell|cellulare|handy"
    r"|portable|rufnummer|fax|call|dial|(?:ring|reach|text) (?:me|us|him|her|them)|whatsapp|sms|hotline)(?![\w-])"
)
_ABROAD = re.compile(r"(?<![\w.+/-])00(?=[1-9](?:[ ()./-]{0,2}\d){6})")
_DIALLED = re.compile(r"(?<![\w.+/-])(?!\d{4}-\d\d-\d\d)(?:\(0?\d{1,5}\)|\d)[\d ()./_-]{5,18}\d(?![\w-])")
_ANYWHERE = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "AU", "BR", "CH", "AT", "SE", "PL", "JP", "ZA", "MX", "IE")
"""Regions whose national numbers are known beside a word for telephone."""

_CARD = re.compile(r"(?<![A-Za-z0-9])(?<![./#-])(?:\d[ .-]?){12,18}\d(?![A-Za-z0-9]|-)")
_CARD_IN_FOURS = re.compile(r"(?<![\w./#-])\d{4}(?:[ .-]?\s?\d{4}){3}(?![\w-])")
_CARD_IN_GROUPS = re.compile(
    r"(?<![\w#])\d{4}(?P<s>[ ./_|-]{1,3}|\s)(?:\d{4}(?P=s)\d{4}(?P=s)\d{1,4}(?:(?P=s)\d{1,3})?|\d{6}(?P=s)\d{4,5})(?!\w)"
)
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3[068]\d{12}|(?:6(?:011|4\d\d|5\d\d)|35\d\d|62\d\d)\d{12,15}"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2} ?\d{2}(?:(?:[ ./_-]{0,2}| ?\n)[A-Z0-9]){11,30}(?![A-Za-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Id:
    """One id: how it is written, which module of python-stdnum knows its check digit ('' for none), what it is called."""

    written: str
    module: str
    named: str = ""

    def find(self, text: str) -> Iterator[Span]:
        if self.named and not re.search(self.named, text, re.IGNORECASE):
            return
        for match in _pattern(self.written).finditer(text):
            near = text[max(0, match.start() - _NEARBY) : match.end() + _NEARBY // 2]
            if self.named and not re.search(self.named, near, re.IGNORECASE):
                continue
            if not self.module or any(_is_valid(module, match.group()) for module in self.module.split("|")):
                yield match.span()


_S = r"[ ./\n_-]{0,3}"
"""What may set the groups of a number apart; a number stands apart from Latin letters only: Chinese has no blanks."""

_IDS = (
    _Id(r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    _Id(rf"\d{{3}}{_S}\d{{2}}{_S}\d{{4}}", "us.ssn", r"\bssn\b|social security"),
    _Id(r"9\d{2}-[5-9]\d-\d{4}", "us.itin"),
    _Id(rf"9\d{{2}}{_S}[5-9]\d{_S}\d{{4}}", "us.itin", r"\bitin\b|taxpayer"),
    _Id(rf"[12]{_S}\d{{2}}{_S}(?:0[1-9]|1[0-2]){_S}(?:\d{{2}}|2[AB]){_S}\d{{3}}{_S}\d{{3}}{_S}\d{{2}}", "fr.nir"),
    _Id(rf"\d{{2}}{_S}\d{{3}}{_S}\d{{3}}{_S}\d{{3}}", "de.idnr", r"steuer|tax|idnr|identifikationsnummer|tin\b"),
    _Id(rf"\d{{3}}{_S}\d{{3}}{_S}\d{{4}}", "gb.nhs", r"\bnhs\b"),
    _Id(
        rf"[A-CEGHJ-PR-TW-Z]{{2}}{_S}\d{{2}}{_S}\d{{2}}{_S}\d{{2}}{_S}[A-D]",
        "",
        r"\bnino\b|\bni (?:number|no)|national insurance",
    ),
    _Id(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    _Id(r"(?:\d{2}\.?\d{3}\.?\d{3}|[XYZ][ -]?\d{7})[- ]?[A-HJ-NP-TV-Z]", "es.dni|es.nie"),
    _Id(rf"\d{{3}}{_S}\d{{3}}{_S}\d{{3}}|\d{{4}}{_S}\d{{2}}{_S}\d{{3}}", "nl.bsn", r"\bbsn\b|burgerservice|sofinummer"),
    _Id(rf"\d{{6}}{_S}\d{{5}}", "pl.pesel", r"pesel"),
    _Id(r"\d{6,8}[-+]\d{4}", "se.personnummer"),
    _Id(rf"756{_S}\d{{4}}{_S}\d{{4}}{_S}\d{{2}}", "ch.ssn"),
    _Id(rf"\d{{3}}{_S}\d{{3}}{_S}\d{{3}}{_S}\d{{2}}", "br.cpf", r"cpf|cadastro"),
    _Id(r"\d{4}[ .-]\d{4}[ .-]\d{4}", "in_.aadhaar"),
    _Id(r"\d{4}[ ./-]{0,3}\d{4}[ ./-]{0,3}\d{4}", "in_.aadhaar", r"aadhaa?r|uidai"),
    _Id(rf"[A-Z]{{5}}{_S}\d{{4}}{_S}[A-Z]", "in_.pan", r"\bpan\b|permanent account"),
    _Id(rf"\d{{3}}{_S}\d{{3}}{_S}\d{{3}}", "ca.sin", r"\bsin\b|social insurance"),
    _Id(rf"\d{{2}}{_S}\d{{2}}{_S}\d{{2}}{_S}\d{{3}}{_S}\d{{2}}", "be.nn", r"rijksregister|national number|registre national"),
    _Id(rf"\d{{4}}{_S}\d{{6}}", "at.vnr", r"versicherungsnummer|\bsvnr\b"),
    _Id(rf"\d{{3}}{_S}\d{{3}}{_S}\d{{2,3}}", "au.tfn", r"\btfn\b|tax file"),
    _Id(r"\d{10}", "bg.egn", r"\begn\b|егн"),
    _Id(r"\d{17}[\dX]", "cn.ric"),
    _Id(r"\d{6} ?/ ?\d{3,4}", "cz.rc"),
    _Id(rf"\d{{6}}{_S}\d{{4}}", "dk.cpr", r"\bcpr\b|personnummer"),
    _Id(r"[1-6]\d{10}", "ee.ik|lt.asmens", r"isikukood|asmens kodas|personal code"),
    _Id(r"\d{6}[-+A]\d{3}[0-9A-Y]", "fi.hetu"),
    _Id(r"\d{11}", "gr.amka|hr.oib|no.fodselsnummer|tr.tckimlik", r"amka|\boib\b|fødselsnummer|kimlik|\btc\b"),
    _Id(r"\d{6} \d{5}", "no.fodselsnummer"),
    _Id(r"\d{7}[A-W][A-IW]?", "ie.pps"),
    _Id(r"\d{9}", "il.idnr", r"teudat|תעודת|israeli id"),
    _Id(rf"\d{{6}}{_S}\d{{4}}", "is_.kennitala", r"kennitala"),
    _Id(r"\d{6} ?- ?[1-8]\d{6}", "kr.rrn"),
    _Id(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d", "mx.curp"),
    _Id(r"\d{6}[ -]\d{2}[ -]\d{4}", "my.nric"),
    _Id(rf"\d{{2,3}}{_S}\d{{3}}{_S}\d{{3}}", "nz.ird", r"\bird\b|inland revenue"),
    _Id(r"[1-8]\d{12}", "ro.cnp", r"\bcnp\b|cod numeric"),
    _Id(r"\d{13}", "si.emso|th.pin|za.idnr", r"emšo|\bpin\b|south african id|\bid (?:number|no)|identity"),
    _Id(r"\d \d{4} \d{5} \d{2} \d", "th.pin"),
    _Id(r"\d{12}", "ru.inn", r"\binn\b|инн"),
    _Id(r"\d{5}[ -]\d{7}[ -]\d", "pk.cnic"),
    _Id(rf"\d{{1,2}}{_S}\d{{3}}{_S}\d{{3}}{_S}[\dKk]", "cl.rut", r"\brut\b|\brun\b"),
    _Id(r"\d{8}[ -]?\d[ -]?[A-Z]{2}\d", "pt.cc"),
    # Papers without a check digit: only beside their names.
    _Id(r"(?=(?:[A-Z]*\d){4})[A-Z0-9]{7,9}", "", r"passport|reisepass|passeport|pasaporte|passaporto|paspoort"),
    _Id(r"(?=[A-Z0-9-]*\d{4})[A-Z0-9][A-Z0-9-]{5,17}", "", r"driv(?:er|ing)['’]?s? licen[cs]e|führerschein|permis de conduire"),
    _Id(
        r"(?=[A-Z0-9-]*\d{4})[A-Z0-9][A-Z0-9-]{6,14}",
        "",
        r"national id(?:entity)?\b|identity card|personalausweis|carte d['’]identité",
    ),
)


def emails(text: str) -> Iterator[Span]:
    """Addresses, also in other alphabets, and those spelled out for people only."""
    if "@" in text or "＠" in text or "%40" in text:
        for pattern in (_EMAIL, _EMAIL_AT_NUMBER, _EMAIL_APART):
            yield from (match.span() for match in pattern.finditer(text))
    small = text.lower()
    if any(word in small for word in _SPELLING):
        yield from (match.span() for match in _SPELLED.finditer(text) if _is_host(match.group()))


def phones(text: str, regions: tuple[str, ...]) -> Iterator[Span]:
    """Valid numbers: with a country code, of these regions, and beside a word for telephone of any of `_ANYWHERE`."""
    import phonenumbers

    for region in (None, *regions):
        if region is None and "+" not in text and "＋" not in text:
            continue
        for match in phonenumbers.PhoneNumberMatcher(text, region):
            near = text[max(0, match.start - _NEARBY) : match.start]
            if not match.raw_string.isdigit() or _TELEPHONE.search(near):  # bare digits may be anything
                yield match.start, match.end
    for abroad in _ABROAD.finditer(text):
        for match in phonenumbers.PhoneNumberMatcher("+" + text[abroad.end() : abroad.end() + 24], None, max_tries=1):
            if match.start == 0:
                yield abroad.start(), abroad.end() + match.end - 1
    for word in _TELEPHONE.finditer(text):
        ahead = text[word.end() : word.end() + 40].partition("\n\n")[0]
        for dialled in _DIALLED.finditer(ahead):
            if any(_is_number(dialled.group(), region) for region in _ANYWHERE):
                yield word.end() + dialled.start(), word.end() + dialled.end()


def cards(text: str) -> Iterator[Span]:
    """Numbers of 13 to 19 digits of a known issuer whose check digit is right."""
    valid = _validator("luhn")
    for match in chain(_CARD.finditer(text), _CARD_IN_FOURS.finditer(text), _CARD_IN_GROUPS.finditer(text)):
        digits = re.sub(r"\D", "", match.group())
        if _ISSUED.fullmatch(digits) and len(set(digits)) > 1 and valid(digits):
            yield match.span()


def ibans(text: str) -> Iterator[Span]:
    """Accounts with a right checksum, however they are set apart."""
    valid = _validator("iban")
    for match in _IBAN.finditer(text):
        # What follows an IBAN may look like more of it: shorten group by group until the checksum is right.
        for group in reversed(list(re.finditer(r"[A-Za-z0-9]+", match.group()))):
            candidate = re.sub(r"[^A-Za-z0-9]", "", match.group()[: group.end()])
            if len(candidate) < 15:
                break
            if valid(candidate):
                yield match.start(), match.start() + group.end()
                break


def national_ids(text: str) -> Iterator[Span]:
    """Ids of people, by check digit, name, or both."""
    for start, end in _numbered(text):
        window = text[start:end]
        for kind in _IDS:
            yield from ((start + a, start + b) for a, b in kind.find(window))


def _numbered(text: str) -> Iterator[Span]:
    """The parts of a text that hold four digits close together, with what is near them; forty patterns try only these."""
    begin, finish = 0, -1
    for match in _DIGITS.finditer(text):
        if match.start() - _AROUND > finish:
            if finish >= 0:
                yield begin, finish
            begin = max(0, match.start() - _AROUND)
        finish = min(len(text), match.end() + _AROUND)
    if finish >= 0:
        yield begin, finish


def _is_host(address: str) -> bool:
    """Whether what is spelled out ends as addresses do: "meet me at noon dot sharp" is a sentence."""
    ending = re.split(r"[^A-Za-z]+", address)[-1].lower()
    return _ENDINGS.fullmatch(ending) is not None


_ENDINGS = re.compile(r"com|org|net|edu|gov|int|mil|info|biz|dev|app|example|test|name|online|shop|site|tech|cloud|[a-z]{2}")


def _is_number(written: str, region: str) -> bool:
    import phonenumbers

    digits = sum(map(str.isdigit, written))
    if not 7 <= digits <= 13:
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, region))
    except phonenumbers.NumberParseException:
        return False


def _is_valid(module: str, written: str) -> bool:
    """Whether a number has the right check digit: as it stands, in one piece, or its groups joined by `-`."""
    valid = _validator(module)
    return valid(written) or valid(re.sub(r"[ ./\n_-]+", "", written)) or valid(re.sub(r"[ ./\n_-]+", "-", written))


@cache
def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9-])(?:{written})(?![A-Za-z0-9-])")


@cache
def _validator(module: str) -> Callable[[str], bool]:
    valid: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return valid
