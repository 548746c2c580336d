"""Secrets that what stands beside them announces, where that is no `name: value` in one line: a value set apart by a dash, an
arrow or brackets, below its label, in the next cell, in an element of XML, in an entry with its name, in a command; and keys
of known services that a line's end cut in two.

What only stands near a label must be strong: letters and digits, no slug, no address, no date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

Span = tuple[int, int]

NAMES = (
    r"pass[ _-]?(?:word|phrase|code|wd)|passwd|pwd|pass|pw|secret|(?:wi-?fi|network|wlan|wpa2?)[ _-]?(?:key|pass)"
    r"|api[ _-]?(?:key|token|secret)|(?:secret|private|signing|encryption|account|access"
    r"|master|shared|license|licence|recovery|backup)[ _-]?(?:access[ _-]?)?(?:key|code)|(?:access|auth|authentication"
    r"|refresh|bot|session|"
    r"personal access|api|deploy|bearer)[ _-]?token|client[ _-]?secret|session[ _-]?(?:id|key)|credentials?"
    r"|passwort|kennwort|zugangscode|mot de passe|contraseña|clave(?: de acceso)?|senha|parola d'ordine|wachtwoord|hasło"
    r"|lösenord"
    r"|adgangskode|passord|salasana|jelszó|heslo|parol[ăa]|şifre|пароль|密码|密碼|パスワード|비밀번호"
    r"|كلمة المرور|كلمة السر|סיסמ[הא]|पासवर्ड|κωδικός(?: πρόσβασης)?|mật khẩu|รหัสผ่าน|kata sandi|lozinka|slaptažodis|parool|parole"
    r"|pre[ _-]?shared[ _-]?key|psk"
)
"""What people call a secret."""

_VALUE = r"(?P<value>[^\s\"'`,;<>|()\[\]{}«»“”‘’]{8,128})"
_PARTED = re.compile(
    rf"(?<![^\W_])(?:{NAMES})[\"'`*]{{0,3}}[ \t]*(?:[ \t]--?[ \t]|-{{1,2}}>|[→⇒➔➜⟶»›|⮕➝➞⟹⇨▶►])[ \t]*[\"'`*]{{0,3}}{_VALUE}",
    re.IGNORECASE,
)
_ENCLOSED = re.compile(
    rf"(?<![^\W_])(?:{NAMES})[\"'`*]{{0,3}}[ \t]*(?:[:=]|is\b)?[ \t]*[(\[{{<«„“‚‘]{_VALUE}[)\]}}>»”“’‘]", re.IGNORECASE
)
_BELOW = re.compile(
    rf"^[^\w\n]{{0,8}}(?:[\w-]{{1,20}}[ \t]){{0,3}}?(?:{NAMES})[*_]{{0,2}}[:：]?[*_]{{0,2}}[ \t]*\n(?:[ \t]*\n){{0,2}}"
    rf"[ \t>*•#-]{{0,8}}[\"'`]{{0,3}}{_VALUE}[\"'`]{{0,3}}[ \t]*(?=\n|\Z)",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT = re.compile(
    rf"(?<![^\W_])(?:{NAMES})(?:[ \t]+(?:was|has|been|from|to|reset|changed|set|of)){{0,3}}[ \t]+[\"'`“]?{_VALUE}", re.IGNORECASE
)
_BEFORE = re.compile(
    rf"(?<![^\s\"'`“(]){_VALUE}[\"'`”]?[ \t]+(?:as|is)[ \t]+(?:the|your|my|our|a)[ \t]+(?:[a-z]+[ \t]+)?(?:{NAMES})\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    rf"(?i)(?<![^\W_])(?:log ?in|credentials?|zugangsdaten|accounts?|user(?:name)?)\b[^\n]{{0,20}}?"
    rf"[ \t][\w.@-]{{2,40}}[ \t]*/[ \t]*{_VALUE}"
)
_STATEMENT = re.compile(
    r"(?i)\b(?:identified[ \t]+by|(?:user|role|login)\b[^\n;]{0,80}?\bpassword|convertto-securestring)[ \t]+"
    r"(?P<q>[\"'])(?P<value>[^\"'\n]{6,128})(?P=q)"
)
_PGPASS = re.compile(
    rf"^(?!(?:[0-9A-Fa-f]{{2}}:){{4}})[\w.*-]{{1,80}}:(?:\d{{2,5}}|\*):[\w*-]{{1,60}}:[\w.@*-]{{1,60}}:{_VALUE}[ \t]*$",
    re.MULTILINE,
)
_PATH = re.compile(
    r"(?i)/(?:reset|verify|confirm|invite|magic|activate|private|secret|unlock|signin)[\w-]{0,20}[/-](?P<value>[A-Za-z0-9_-]{20,200})"
)
_CELL = re.compile(rf"(?i)\W*(?:{NAMES})\W*")

_WORDS = r"(?:password|passphrase|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)"
_ELEMENT = re.compile(
    rf"(?i)<(?:\w{{1,20}}:)?[\w-]{{0,30}}?{_WORDS}\b[^<>\n]{{0,100}}>\s{{0,20}}(?:<[\w:-]{{1,30}}>\s{{0,20}})?(?:<!\[CDATA\[)?"
    r"(?P<value>[^<>\s]{6,200}?)(?:\]\]>)?\s{0,20}</"
)
_BLOCK = re.compile(
    rf"(?i)^[ \t-]{{0,40}}[\w.-]{{0,30}}?(?:{_WORDS}|passwort|psk)[\w.-]{{0,20}}"
    r"[ ]?:[ ]?[|>][+-]?\d?[ \t]*\n[ \t]+(?P<value>\S{6,200})[ \t]*$",
    re.MULTILINE,
)
"""A block scalar of YAML."""
_ENTRY = re.compile(
    rf"(?i)\b(?:key|name|field|label)\\?[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}\\?[\"']?"
    rf"[\w.:-]{{0,60}}?{_WORDS}[\w.-]{{0,30}}\\?[\"']?"
    rf"[\s,]{{1,20}}\\?[\"']?value\\?[\"']?[ \t]{{0,4}}[:=][ \t]{{0,4}}\\?[\"']?(?P<value>[^\s\"'`,;<>|\\]{{6,200}})"
)
_AUTHORITY = re.compile(
    r"(?i)(?<![a-z0-9])[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>`]{0,100}:(?P<value>(?!\d{1,5}/)[^\s\"'<>`]{3,200})@(?=[\w.\[-])"
)
"""The password in an address: up to the last `@` of a word, for passwords may hold any sign."""
_COMMAND = re.compile(
    r"(?i)(?<![\w.-])(?:net use\b[^\n]{0,120}?/user:\S{1,80}[ \t]+"
    r"|(?:docker|podman|helm|oc|az)[ ]login\b[^\n]{0,100}?[ \t]-p[ =]?"
    r"|redis-cli\b[^\n]{0,80}?[ \t]-a[ ]?|ldap\w{2,10}\b[^\n]{0,120}?[ \t]-w[ ]?|smbclient\b[^\n]{0,120}?-U[ ]?[\w.\\@-]{1,60}%"
    r"|-pass(?:in|out)[ ]pass:|curl\b[^\n]{0,120}?[ \t](?:-b|--cookie)[ =][\"']?[\w.-]{1,40}=|https?[ ]-a[ ][\w.@-]{1,40}:"
    r"|snmp-server community[ ]|(?:password|secret)[ ]\d[ ](?=[0-9A-F]{8})"
    r"|echo[ ]+(?=[^\n|]{6,80}\|[ ]*(?:sudo[ ]-S|chpasswd))(?:[\"']?[\w.-]{1,40}:)?"
    r"|variable[ ]+\"[^\"\n]{0,60}(?:password|secret|token|key)[^\"\n]{0,30}\"\s{0,4}\{[^{}]{0,200}?\bdefault\s{0,8}=\s{0,8}"
    r"|(?<!\w)_(?:auth|password)[ ]?=[ ]?|\bWIFI:(?:[ST]:[^;\n]{0,64};|H:\w{0,5};){0,3}P:"
    r")[\"']?(?P<value>[^\s\"'`<>|]{6,128})"
)

_RULE = re.compile(r"^---", re.MULTILINE)
_SECRETS = re.compile(r"^[ \t>]*kind:[ \t]*[\"']?Secret\b", re.MULTILINE)
_DATA = re.compile(
    r"^(?P<indent>[ \t]*)(?:data|stringData):[ \t]*\n(?P<entries>(?:(?P=indent)[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n)+)", re.MULTILINE
)
_DATUM = re.compile(r"^[ \t]+[\w.-]+:[ \t]*[\"']?(?P<value>[^\s\"'{|>#][^\s\"']{3,})", re.MULTILINE)

_SLUG = re.compile(
    r"[a-z]{2,}(?:[-_.][a-z]{2,})+(?:[-_.]?v?\d{0,4})|v?\d+(?:[.:-]\d+)*[a-z%]{0,12}\+?|[a-z]{1,6}-?\d{1,4}", re.IGNORECASE
)
_ADDRESS = re.compile(
    r"(?i)https?|www\.|@[\w-]+\.|\.(?:com|org|io|net|md|html?|ya?ml|json|py|rb|go|js|ts|sh|txt|pdf)\b|[/\\].*[/\\]|^[#&]"
)

_ISSUERS = (
    r"A[KS]IA|gh[pousr]_|github_pat_|gl(?:pat|dt|rt)-|xox[abposr]-|xapp-|sk-|[sr]k_(?:live|test)_|whsec_|AIza|GOCSPX-|ya29\.|npm_"
    r"|pypi-AgE|hf_|SG\.|eyJ|do[opr]_v1_|hv[bsr]\.|ATATT3|shp(?:at|ca|pa|ss)_"
)
_HALVED = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_ISSUERS})[\w./+=~-]{{0,400}}"
    rf"(?:(?:[ \t]{{0,8}}\n[ \t>]{{0,8}}| )(?=[\w./+=~-]{{0,80}}?(?:\d|[a-z][A-Z]))[\w./+=~-]{{2,400}}){{1,20}}"
)
"""A key that goes on in the next line, which Markdown and HTML make a blank: what goes on is no word of a sentence."""
_BREAK = re.compile(r"[ \t]*\n[ \t>]*| ")


def find(text: str, is_plausible: Callable[[str], bool]) -> Iterator[Span]:
    """Where announced secrets stand; spans may overlap."""
    for pattern in (_PARTED, _ENCLOSED, _BELOW, _PGPASS, _PATH):
        yield from (match.span("value") for match in pattern.finditer(text) if is_strong(match["value"], is_plausible))
    for pattern in (_NEXT, _BEFORE, _PAIR):
        yield from (match.span("value") for match in pattern.finditer(text) if is_mixed(match["value"], is_plausible))
    for pattern in (_ELEMENT, _BLOCK, _ENTRY, _COMMAND, _STATEMENT):
        yield from (match.span("value") for match in pattern.finditer(text) if is_plausible(match["value"]))
    if "kind:" in text:
        yield from _manifests(text)
    if "://" in text:
        yield from (
            match.span("value") for match in _AUTHORITY.finditer(text) if not match["value"].startswith(("$", "<", "{", "[", "*"))
        )


def _manifests(text: str) -> Iterator[Span]:
    """Every value of the `data` of Kubernetes secrets, wherever in the manifest their `kind` stands."""
    start = 0
    for end in (*(rule.start() for rule in _RULE.finditer(text)), len(text)):
        if _SECRETS.search(text, start, end):
            for data in _DATA.finditer(text, start, end):
                yield from (entry.span("value") for entry in _DATUM.finditer(text, data.start("entries"), data.end("entries")))
        start = end


def beside(cells: Sequence[str], is_plausible: Callable[[str], bool]) -> Iterator[int]:
    """The places of a row's cells that hold what the cell before them names."""
    for place, (label, cell) in enumerate(pairwise(cells), 1):
        value = cell.strip(" `\t\n")
        if " " not in value and _CELL.fullmatch(label) and is_strong(value, is_plausible):
            yield place


def halved(text: str, patterns: Sequence[re.Pattern[str]]) -> Iterator[Span]:
    """Keys that one of the patterns knows once the line's end within them is taken out, with a hyphen before it or without."""
    for cut in _HALVED.finditer(text):
        for hyphen in ("", "-"):
            breaks = [
                (b.start() - (hyphen == "-" and cut.group()[b.start() - 1] == "-"), b.end()) for b in _BREAK.finditer(cut.group())
            ]
            places = [place for place in range(len(cut.group())) if not any(a <= place < b for a, b in breaks)]
            joined = "".join(cut.group()[place] for place in places)
            ends = [found.end() for pattern in patterns if (found := pattern.match(joined)) is not None]
            if ends and places[max(ends) - 1] >= breaks[0][1]:
                yield cut.start(), cut.start() + places[max(ends) - 1] + 1
                break


def is_mixed(value: str, is_plausible: Callable[[str], bool]) -> bool:
    """Whether a word looks like a secret with no mark between it and its label: small and capital letters, digits or signs."""
    bare = value.rstrip(".:!?*")
    many = len(re.findall(r"\d", bare)) >= 2 or re.search(r"\d.*[!#$%^&+]|[!#$%^&+].*\d", bare)
    return bool(
        many and re.search(r"[a-z]", bare) and re.search(r"[A-Z]", bare[1:] + bare[:1]) and is_strong(value, is_plausible)
    )


def is_strong(value: str, is_plausible: Callable[[str], bool]) -> bool:
    """Whether a word may be a secret though it only stands near a label."""
    as_word, value = value.rstrip(".:?*"), value.rstrip(".:!?*")  # no slug ends with a mark: `Sommer2024!`
    return bool(
        len(value) >= 8 and re.search(r"\d", value) and re.search(r"[^\W\d_]", value)
        and is_plausible(value) and not _SLUG.fullmatch(as_word) and not _ADDRESS.search(value)
    )  # fmt: skip
