"""Where a text holds secrets: keys by their form, and whatever stands where a secret stands.

By form: private keys, hashes of passwords, and the keys of services that detect-secrets or a prefix gives away.
By place: values that a name, an option of a command, a parameter of an address or a heading of credentials announces,
in the languages of `announced.NAMES`; such a value must look like a secret and not like a word of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from ingest import announced
from ingest.announced import NAMES

Span = tuple[int, int]

_BLOCKS = (
    re.compile(
        r"-{2,5} ?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?-{2,5}.*?(?:-{2,5} ?END [A-Z0-9 ]{1,60}-{2,5}|\Z)",
        re.DOTALL | re.IGNORECASE,
    ),
    re.compile(r"PuTTY-User-Key-File-\d.*?(?:Private-MAC: *\w+|\Z)", re.DOTALL),
    re.compile(r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    re.compile(r"(?<![A-Za-z0-9])eyJ[\w-]{10,4096}\.eyJ[\w-]{10,4096}(?:\.[\w-]{0,4096})?"),  # a JSON web token
    # crypt(3) and its relatives: what is left of a password, and enough to guess it
    re.compile(r"\$(?:2[abxy]?|5|6|7|y|gy|1|apr1|argon2i?d?|scrypt|pbkdf2[\w-]*)\$[\w=,./+$-]{20,}"),
)
_PREFIXED = re.compile(
    # of services that detect-secrets 1.5 does not know, or knows in one place only
    r"(?<![A-Za-z0-9])(?:GOCSPX-[\w-]{20,}|whsec_[\w+/=]{20,}|npm_[A-Za-z0-9]{36}|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w-]{20,}"
    r"|lin_api_[A-Za-z0-9]{30,}|dckr_pat_[\w-]{20,}|rubygems_[a-f0-9]{48}|1//0[\w-]{30,}|ATBB[A-Za-z0-9]{24,}|gsk_[A-Za-z0-9]{40,}"
    r"|lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|r8_[A-Za-z0-9]{37}|xai-[A-Za-z0-9]{60,}|xoxe[.-][\w.-]{30,}|figd_[\w-]{30,}"
    r"|AIza[\w-]{35}|github_pat_\w{60,}|sk-(?:ant|proj|or|svcacct|admin)-[\w-]{20,}|hf_[A-Za-z0-9]{30,})(?![A-Za-z0-9])"
    r"|(?<![\w/.-])(?:xapp-\d-[\w-]{20,}|(?:dop|doo|dor)_v1_[a-f0-9]{60,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|ya29\.[\w-]{20,}"
    r"|hv[bsr]\.[\w-]{20,}|ATATT3[\w=-]{30,}|NRAK-[A-Z0-9]{20,}|dapi[a-f0-9]{32}|EAA[A-Za-z0-9]{60,}|PMAK-[\w-]{40,}"
    r"|key-[a-f0-9]{32}|[5KL][1-9A-HJ-NP-Za-km-z]{50,51}|S[A-Z0-9]{55}|SK[a-f0-9]{32})(?![\w-])"
)
# A prefix in small letters, then a long run of mixed letters and digits: the form that issuers of keys agree on.
_ISSUED = re.compile(
    r"(?<![\w/.=#-])[a-z]{2,8}\d?[_-](?:[a-z0-9]{2,8}[_-]){0,2}"
    r"(?=[A-Za-z0-9]{0,60}[0-9][A-Za-z0-9]{0,60}[0-9])(?=[A-Za-z0-9]{0,60}[a-z])(?=[A-Za-z0-9]{0,60}[A-Z])[A-Za-z0-9]{20,200}(?![\w/])"
)

_IS = (
    r"(?:[ \t]*(?:[:=：＝∶꞉︓﹕]|=>|:=)[ \t]*|[ \t]+(?:is|was|are|lautet|ist|est|es|è|é|är|er|jest|to|on)[ \t]*:?[ \t]+"
    r"(?:now |currently |set to |still )?"
    r"|は\s*|是\s*|为\s*)"
)
_NAMED = re.compile(
    rf"(?<![^\W_])(?:{NAMES})(?:[\w-]{{0,20}})[\"'`*\\]{{0,4}}(?:[ \t]+(?!is\b"
    rf"|are\b)[\w-]+){{0,5}}?{_IS}[\"'`*“‘„«\\]{{0,4}}[ \t]?(?P<value>[^\s\"'`,;<>|]{{6,}})",
    re.IGNORECASE,
)
# Somebody's key of something: what is said about keys in general has no digits.
_KEYED = re.compile(r"(?i)(?:\b|_)key[ \t]*[:=][ \t]*(?P<value>(?:base64:)?[^\s\"'`,;<>|&()]{8,})")
# The same as a variable is named: DB_PASSWORD=…, stripe.secretKey: …
_VARIABLE = re.compile(
    r"(?:\b|_|[a-z]|\b[A-Z]{1,12})(?:PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?|[Pp]assword"
    r"|[Ss]ecret|[Tt]oken"
    r"|[Aa]pi[_-]?[Kk]ey|[Aa]ccess[_-]?[Kk]ey)\w{0,20}[\"']?[ \t]*(?:=>|[:=])[ \t]*[\"']?(?P<value>[^\s\"'`,;<>|&]{8,})"
)
_BEARER = re.compile(r"\b(?:Bearer|Basic|token|Digest|ApiKey)\s+[\"'“‘«]?(?P<value>[A-Za-z0-9._~+/-]{20,}=*)")
_WORDS = r"password|passwd|pwd|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|credentials?"
_OPTION = re.compile(
    r"(?<!\w)(?:--?(?:password|pass|passwd|pwd|token|secret|api-?key|auth)[= ]|(?:sshpass|mysql|mysqldump"
    r"|mariadb)\s[^\n]{0,60}?-p ?"
    r"|(?:-u|--user)[= ]['\"]?[\w.@-]+:)['\"]?(?P<value>[^\s'\"`<>|]{6,})"
)
_STORE = re.compile(r"(?<!\w)-(?:src|dest)?(?:store|key)pass[ \t]+['\"]?(?P<value>[^\s'\"`<>|]{6,})")
_HTPASSWD = re.compile(r"(?<!\w)htpasswd[ \t]+-\w*b\w*[ \t]+\S{1,200}[ \t]+\S{1,100}[ \t]+['\"]?(?P<value>[^\s'\"`<>|]{6,})")
# A function that is given the name of a secret and then the secret: define('DB_PASSWORD', '…'), setProperty("db.password", "…").
_HANDED = re.compile(
    rf"\([ \t]{{0,8}}(?P<q>[\"'])(?:[\w.-]{{1,40}}[._-])?(?:{_WORDS})\w{{0,10}}(?P=q)[ \t]{{0,8}},[ \t]{{0,8}}(?P<p>[\"'])"
    r"(?P<value>(?=\S)(?:(?!(?P=p))[^\n\v]){6,200})(?P=p)",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"[?&;](?:access_?token|auth_?token|token|api_?key|key|sig|signature|password|passwd|secret|client_?secret|code"
    r"|X-Amz-Signature"
    r"|X-Amz-Security-Token)=(?P<value>[^\s&;\"'<>()\]]{12,})",
    re.IGNORECASE,
)
_WEBHOOK = re.compile(r"https?://[^\s/]{1,200}/[^\s]{0,300}?hook[^\s]{0,300}?/(?P<value>[\w-]{20,})")
_BOT = re.compile(r"(?<!\d)\d{8,10}:AA[\w-]{30,36}(?![\w-])")
_WRAPPED = re.compile(
    r"\"auth\"\s*:\s*\"(?P<value>[A-Za-z0-9+/]{12,}={0,2})",
    re.MULTILINE,
)
_CELL = re.compile(rf"(?i)\W*(?:{NAMES})\W*")
_COOKIE = re.compile(r"(?i)\b(?:set-)?cookie:\s*[\w.-]+=(?P<value>[^\s;]{16,})")
_NETRC = re.compile(r"\b(?:login|user)\s+\S+\s+pass(?:word)?\s+(?P<value>\S{4,})")
_PIN = re.compile(
    r"\b(?:PIN|pin code|passcode|door code|access code|alarm code|entry code)\b\s*(?:is"
    r"|[:=])\s*(?P<value>\d{4,8}\*?#?)(?!\S*\d)"
)
_SEED = re.compile(
    r"(?i)\b(?:seed|recovery|mnemonic|backup|secret)(?: recovery)? (?:phrase|words"
    r"|mnemonic)\b[^\n.:]{0,30}[:\n]\s*(?P<value>(?:[a-z]{3,8}[ \n]+){11,23}[a-z]{3,8}\b)"
)
# What a second factor is made from, in the groups in which it is shown.
_FACTOR = re.compile(
    r"\b(?i:totp|otp|2fa|mfa|authenticator|two-factor)\b[\w -]{0,20}[:=][ \t]*"
    r"(?P<value>[A-Z2-7]{4}(?:[ -]?[A-Z2-7]{4}){3,15})(?!\w)"
)
# A name and a password side by side, where somebody is told to log in.
_LOGIN = re.compile(
    r"(?i)(?<![\w/-])(?:log(?:ged)?[ -]?(?:in|on|into)|sign(?:ed)?[ -]?in|credentials?|logins?|user ?names?|users?"
    r"|accounts?|anmelden|zugangsdaten"
    r"|benutzer(?:name)?|connexion|identifiants?|usuario|utilisateur)(?![\w/-])(?P<rest>[^\n]{0,100})"
)
_STRONG = re.compile(r"(?<![^\s\"'`(:|])(?!-)(?P<value>[^\s\"'`<>|,;()\[\]{}/]{8,64})(?![^\s\"'`)|,;.])")
_URL_LIKE = re.compile(r"(?i)https?|www\.|@[\w-]+\.|\.(?:com|org|io|net|md|html|yml|py|rb)\b|^[#&]|%|[=_].*[=_]")

# What programs assign or compare, in quotes: as detect-secrets' keyword detector has it, whose own patterns take a time that
# grows with the square of a line (`password` two hundred times: minutes).
_VARIABLES = (
    r"(?:api_?key|auth_?key|service_?key|account_?key|db_?key|database_?key|priv_?key|private_?key|client_?key|db_?pass"
    r"|database_?pass|key_?pass|password|passwd|pwd|secret|contraseña|contrasena)\w{0,40}"
)
_QUOTED = (
    re.compile(
        rf"{_VARIABLES}(?:[\]'\"]{{0,2}}[ \t]{{0,8}}(?::=?|={{1,3}}|!==?|=>)|\(|\.assign\()[ \t]{{0,8}}@?(?P<q>[\"'`])"
        r"(?P<value>(?=\S)(?:(?!(?P=q))[^\n\v]){6,200})(?P=q)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"{_VARIABLES}[^\s]{{0,50}}?[ \t]{{0,8}}(?P<q>[\"'`])(?P<value>(?=\S)(?:(?!(?P=q))[^\n\v]){{6,200}})(?P=q);",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?P<q>[\"'`])(?P<value>(?=\S)[^'\"`\n\v]{{6,200}})(?P=q)[ \t]{{0,8}}[!=]{{2,3}}[ \t]{{0,8}}\w{{0,40}}?{_VARIABLES}"
    ),
)
_PLACEHOLDER = re.compile(
    r"(?i)[<\[{(/].*|\$.*|.*(?:example|your|xxx|\*\*\*|\.\.\.|placeholder|changeme|redacted|dummy|insert|1password|lastpass|bitwarden|keepass).*|[A-Z_]+"
    r"|[a-z]+|https?:.*"
)
_CODE = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)*(?:\(.*|\[.*)?")

_SERVICES = (
    "artifactory.ArtifactoryDetector", "aws.AWSKeyDetector", "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector", "cloudant.CloudantDetector", "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector", "gitlab_token.GitLabTokenDetector", "ibm_cloud_iam.IbmCloudIamDetector",
    "ibm_cos_hmac.IbmCosHmacDetector", "mailchimp.MailchimpDetector",
    "npm.NpmDetector", "openai.OpenAIDetector", "pypi_token.PypiTokenDetector", "sendgrid.SendGridDetector",
    "slack.SlackDetector", "softlayer.SoftlayerDetector", "square_oauth.SquareOAuthDetector", "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector", "twilio.TwilioKeyDetector",
)  # fmt: skip
"""All of detect-secrets that knows a key by its form; not its entropy rules, which take every commit's hash for a key."""


_WINDOW, _OVERLAP = 2000, 500
"""Others' patterns are tried on windows of a text: some of them take a time that grows with the square of what they see."""

_VENDORS = (
    ("_authToken", ("_authtoken",)),  # npm's: quadratic in the number of slashes
    ("cloudant", ("cloudant", "cl_", "cl-", "clou_", "clou-")),
    ("iam", ("iam",)),
    ("softlayer", ("softlayer", "sl_", "sl-")),
)
"""What marks a slow pattern of detect-secrets → words without one of which it is not tried."""


def find(text: str) -> Iterator[Span]:
    """Where secrets stand; spans may overlap."""
    for pattern in (*_BLOCKS, _PREFIXED, _ISSUED):
        yield from (match.span() for match in pattern.finditer(text))
    for pattern in (_NAMED, _VARIABLE, _BEARER, _OPTION, _STORE, _HTPASSWD, _PARAMETER, _COOKIE, _NETRC, _HANDED, *_QUOTED):
        yield from (match.span("value") for match in pattern.finditer(text) if is_plausible(match["value"]))
    for pattern in (_WEBHOOK, _WRAPPED):
        yield from (match.span("value") for match in pattern.finditer(text))
    yield from (match.span() for match in _BOT.finditer(text))
    for match in _KEYED.finditer(text):
        if re.search(r"\d", match["value"]) and re.search(r"[A-Za-z]", match["value"]) and is_plausible(match["value"]):
            yield match.span("value")
    yield from _in_columns(text)
    yield from announced.find(text, is_plausible)
    yield from announced.halved(text, (_BLOCKS[3], _PREFIXED, _ISSUED, *_services()))
    for pattern in (_PIN, _SEED, _FACTOR):
        yield from (match.span("value") for match in pattern.finditer(text))
    for match in _LOGIN.finditer(text):
        for strong in _STRONG.finditer(match["rest"]):
            if is_strong(strong["value"].rstrip(".:!") if strong["value"][-1] in ".:" else strong["value"]):
                start = match.start("rest")
                yield start + strong.start("value"), start + strong.end("value")
    small = text.lower()
    for pattern in _services():
        if any(mark in pattern.pattern and not any(word in small for word in words) for mark, words in _VENDORS):
            continue
        for start in range(0, max(len(text), 1), _WINDOW - _OVERLAP):
            yield from (_secret_part(match) for match in pattern.finditer(text, start, start + _WINDOW))


def _in_columns(text: str) -> Iterator[Span]:
    """Values of tables below a head that names a secret; cells are parted by `|`."""
    columns: dict[int, bool] = {}
    position = 0
    for line in text.splitlines(keepends=True):
        cells = line.rstrip("\n").split("|")
        if len(cells) == 1:
            columns = {}
        elif not columns:
            columns = {place: True for place, cell in enumerate(cells) if _CELL.fullmatch(cell)}
        else:
            start = position
            for place, cell in enumerate(cells):
                value = cell.strip(" `\t")
                if place in columns and is_plausible(value) and " " not in value:
                    begin = start + cell.index(value)
                    yield begin, begin + len(value)
                start += len(cell) + 1
        for place in announced.beside(cells, is_plausible) if len(cells) > 1 else ():
            begin = position + sum(len(cell) + 1 for cell in cells[:place])
            value = cells[place].strip(" `\t")
            yield begin + cells[place].index(value), begin + cells[place].index(value) + len(value)
        position += len(line)


def is_plausible(value: str) -> bool:
    """Whether a value that is named as a secret may be one: no placeholder, no word of the sentence, no name in a program."""
    value = value.rstrip(".:)*")
    if len(value) < 6 or _PLACEHOLDER.fullmatch(value) or re.fullmatch(r"[^\W\d]+(?:[.'’/-][^\W\d]+)*", value):
        return False
    return not (_CODE.fullmatch(value) and not re.search(r"\d", value))


def is_strong(value: str) -> bool:
    """Whether a word looks like a password that nothing names: letters, digits and a sign that no word or address has."""
    signs = re.search(r"[!#$%^&*?+~]", value)
    return bool(
        signs and not re.match(r"v?\d+\.\d", value) and re.search(r"\d", value) and re.search(r"[a-zA-Z]", value)
        and not _URL_LIKE.search(value) and not _PLACEHOLDER.fullmatch(value)
    )  # fmt: skip


def _secret_part(match: re.Match[str]) -> Span:
    """What a pattern's group holds, when that is long enough to be the secret and not its prefix; else all of it."""
    group = next((place for place, text in enumerate(match.groups(), 1) if text and len(text) >= 12), 0)
    return match.span(group)


@cache
def _services() -> tuple[re.Pattern[str], ...]:
    """The patterns of known services' keys."""
    found = [name.split(".") for name in _SERVICES]
    made = [getattr(import_module(f"detect_secrets.plugins.{module}"), kind)() for module, kind in found]
    return tuple(pattern for detector in made for pattern in detector.denylist)
