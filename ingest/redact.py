"""Secrets and personal data: found by well-kept libraries, counted by type, never told by value.

secret       private keys, tokens and keys of known services, passwords and keys named as such (detect-secrets)
email        addresses
phone        valid numbers with their country code, and without it in the configured regions (phonenumbers)
card         13 to 19 digits of a known issuer whose check digit is right
iban         with a right checksum (python-stdnum)
national_id  of the countries in `_IDS`, with a right check digit and, where bare digits would do, with their name nearby
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any

from ingest import edits
from ingest.edits import Edit
from sluice.errors import DocumentDropped, DocumentError
from sluice.records import Document
from sluice.settings import RedactSettings

VERSION = 1
"""Raised whenever the same text might be redacted differently."""

LIBRARIES = ("detect-secrets", "phonenumbers", "python-stdnum")
REDACTED = "redacted"
"""The metadata in which a document carries what was masked: type → how often."""

Span = tuple[int, int]

_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)", re.DOTALL)
# What detect-secrets' keyword rule wants in quotes is written without them in prose: "the password is hunter2!".
_NAMED = re.compile(
    r"\b(?:password|passwd|passphrase|pwd|api[ _-]?key|secret[ _-]?key|access[ _-]?token|auth[ _-]?token|client[ _-]?secret)"
    r"\b[\"'`]?\s*(?:is\s*:?|[:=]|=>)\s*[\"'`]?(?P<value>[^\s\"'`,;<>|]{6,})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(?:Bearer|Basic|token)\s+(?P<value>[A-Za-z0-9._~+/-]{20,}=*)")
_JWT = re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}(?:\.[\w-]*)?")
# Keys with a prefix of their own that detect-secrets 1.5 does not know.
_PREFIXED = re.compile(
    r"\b(?:AIza[\w-]{35}|github_pat_\w{60,}|sk-(?:ant|proj|or)-[\w-]{20,}|hf_[A-Za-z0-9]{30,}|xapp-\d-[\w-]{20,}"
    r"|(?:dop|doo|dor)_v1_[a-f0-9]{60,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|ya29\.[\w-]{20,})"
)
_KEYWORD_LINE = re.compile(r"^[^\n]*(?:key|pass|pwd|secret|contrase)[^\n]*$", re.IGNORECASE | re.MULTILINE)
_PLACEHOLDER = re.compile(
    r"(?i)[<\[{(].*|\$.*|.*(?:example|your|xxx|\*\*\*|\.\.\.|placeholder|changeme).*|[A-Z_]+|[a-z]+|https?:.*"
)
_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}(?![\w-])")
_TELEPHONE = re.compile(r"(?i)\b(?:phone|tel|telephone|mobile|cell|fax|call|whatsapp|sms)\b")
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])")
_ISSUER = re.compile(r"4|5[1-5]|2[2-7]|3[47]|3[068]|6(?:011|4|5)|35|62")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}(?!\w)")


@dataclass(frozen=True, slots=True)
class _Id:
    """One national id: how it is written, which module of python-stdnum knows its check digit, what its name is."""

    written: str
    module: str
    named: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-]){self.written}(?![\w-])")


_IDS = (
    _Id(r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    _Id(r"9\d{2}-[5-9]\d-\d{4}", "us.itin"),
    _Id(r"[12]\s?\d{2}\s?(?:0[1-9]|1[0-2])\s?(?:\d{2}|2[AB])\s?\d{3}\s?\d{3}\s?\d{2}", "fr.nir"),
    _Id(r"\d{2}\s?\d{3}\s?\d{3}\s?\d{3}", "de.idnr", r"steuer|tax|idnr|identifikationsnummer|tin\b"),
    _Id(r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs", r"\bnhs\b"),
    _Id(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    _Id(r"(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z]", "es.dni|es.nie"),
    _Id(r"\d{9}", "nl.bsn", r"\bbsn\b|burgerservice|sofinummer"),
    _Id(r"\d{11}", "pl.pesel", r"pesel"),
    _Id(r"\d{6,8}[-+]\d{4}", "se.personnummer"),
    _Id(r"756\.?\d{4}\.?\d{4}\.?\d{2}", "ch.ssn"),
    _Id(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "br.cpf", r"cpf|cadastro"),
    _Id(r"\d{4}\s\d{4}\s\d{4}", "in_.aadhaar"),
    _Id(r"[A-Z]{5}\d{4}[A-Z]", "in_.pan", r"\bpan\b|permanent account"),
    _Id(r"\d{3}[ -]\d{3}[ -]\d{3}", "ca.sin", r"\bsin\b|social insurance"),
    _Id(r"\d{2}\.?\d{2}\.?\d{2}[ -]?\d{3}[. ]?\d{2}", "be.nn", r"rijksregister|national number|registre national"),
)
_NEARBY = 60

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


def redacted(document: Document, settings: RedactSettings) -> Document:
    """The document with what is to be masked masked, everywhere but in its uri, and its findings counted in its metadata.

    Raises DocumentDropped or DocumentError (`redacted`, both withdrawing it) where the policy of what was found says so.
    """
    policies = settings.policies
    if not policies:
        return document
    counts: Counter[str] = Counter()
    whole = [
        document.text,
        document.title,
        *edits.texts(document.metadata),
        *(h for e in document.elements for h in e.heading_path),
    ]
    found = {words: findings(words, settings) for words in dict.fromkeys(whole) if words}
    for spans in found.values():
        counts.update(kind for kind, _ in spans)
    if not counts:
        return document
    said = ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items()))
    if any(policies[kind] == "quarantine" for kind in counts):
        raise DocumentError(
            REDACTED,
            f"{document.uri}: holds what policy keeps out ({said})",
            hint="remove it at the source, or change the source's `redact` policy",
            withdraws=True,
            keep_raw=False,
        )
    if any(policies[kind] == "drop" for kind in counts):
        raise DocumentDropped(REDACTED, f"{document.uri}: holds what policy keeps out ({said})", keep_raw=False)

    def changes(words: str) -> list[Edit]:
        spans = found.get(words) if words in found else findings(words, settings)
        return [Edit(start, end, f"[{kind.upper()}]") for kind, (start, end) in spans or []]

    masked = edits.apply(document, changes(document.text), lambda words: edits.edited(words, changes(words)))
    return replace(masked, metadata={**masked.metadata, REDACTED: dict(sorted(counts.items()))})


def findings(text: str, settings: RedactSettings) -> list[tuple[str, Span]]:
    """(type, span) of everything that is looked for, in order and without overlaps; the first type of `_FINDERS` wins."""
    taken: list[tuple[str, Span]] = []
    for kind, find in _FINDERS.items():
        if kind in settings.policies:
            for span in find(text, settings):
                if all(span[1] <= start or span[0] >= end for _, (start, end) in taken):
                    taken.append((kind, span))
    return sorted(taken, key=lambda found: found[1])


def _secrets(text: str, _: RedactSettings) -> Iterator[Span]:
    spans = [match.span() for pattern in (_PRIVATE_KEY, _JWT, _PREFIXED) for match in pattern.finditer(text)]
    for pattern in (_NAMED, _BEARER):
        spans += [match.span("value") for match in pattern.finditer(text) if _is_plausible(match["value"])]
    services, keyword = _detectors()
    for pattern in services:
        spans += [_secret_part(match) for match in pattern.finditer(text)]
    for line in _KEYWORD_LINE.finditer(text):
        for value in filter(_is_plausible, set(keyword.analyze_string(line.group()))):
            spans += [(line.start() + m.start(), line.start() + m.end()) for m in re.finditer(re.escape(value), line.group())]
    return _union(spans)


def _secret_part(match: re.Match[str]) -> Span:
    """What a pattern's group holds, when that is long enough to be the secret and not its prefix; else all of it."""
    group = next((place for place, text in enumerate(match.groups(), 1) if text and len(text) >= 12), 0)
    return match.span(group)


def _is_plausible(value: str) -> bool:
    """Whether a value that is named as a secret may be one: no placeholder, no word of the sentence, no name in a program."""
    value = value.rstrip(".:)")
    return len(value) >= 6 and not _PLACEHOLDER.fullmatch(value) and not re.fullmatch(r"[A-Za-z_]+(?:[.-][A-Za-z_]+)*", value)


@cache
def _detectors() -> tuple[tuple[re.Pattern[str], ...], Any]:
    """The patterns of known services' keys, and the detector of values that are named as secrets."""
    found = [name.split(".") for name in _SERVICES]
    made = [getattr(import_module(f"detect_secrets.plugins.{module}"), kind)() for module, kind in found]
    keyword = import_module("detect_secrets.plugins.keyword").KeywordDetector()
    return tuple(pattern for detector in made for pattern in detector.denylist), keyword


def _emails(text: str, _: RedactSettings) -> Iterator[Span]:
    return (match.span() for match in _EMAIL.finditer(text))


def _phones(text: str, settings: RedactSettings) -> Iterator[Span]:
    import phonenumbers

    spans = []
    for region in (None, *settings.phone_regions):
        if region is None and "+" not in text:
            continue
        for match in phonenumbers.PhoneNumberMatcher(text, region):
            near = text[max(0, match.start - _NEARBY) : match.start]
            if not match.raw_string.isdigit() or _TELEPHONE.search(near):  # bare digits may be anything
                spans.append((match.start, match.end))
    return _union(spans)


def _cards(text: str, _: RedactSettings) -> Iterator[Span]:
    valid = _validator("luhn")
    for match in _CARD.finditer(text):
        digits = re.sub(r"[ -]", "", match.group())
        if _ISSUER.match(digits) and len(set(digits)) > 1 and valid(digits):
            yield match.span()


def _ibans(text: str, _: RedactSettings) -> Iterator[Span]:
    valid = _validator("iban")
    for match in _IBAN.finditer(text):
        # What follows an IBAN may look like more of it: shorten word by word until the checksum is right.
        candidate = match.group()
        while len(candidate) >= 15 and not valid(candidate):
            candidate = candidate.rpartition(" ")[0]
        if len(candidate) >= 15:
            yield match.start(), match.start() + len(candidate)


def _national_ids(text: str, _: RedactSettings) -> Iterator[Span]:
    spans = []
    for kind in _IDS:
        for match in kind.pattern.finditer(text):
            near = text[max(0, match.start() - _NEARBY) : match.end() + _NEARBY // 2].lower()
            if kind.named and not re.search(kind.named, near):
                continue
            if any(_validator(module)(match.group()) for module in kind.module.split("|")):
                spans.append(match.span())
    return _union(spans)


@cache
def _validator(module: str) -> Callable[[str], bool]:
    valid: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return valid


_FINDERS: Mapping[str, Callable[[str, RedactSettings], Iterator[Span]]] = {
    "secret": _secrets,
    "iban": _ibans,
    "card": _cards,
    "email": _emails,
    "national_id": _national_ids,
    "phone": _phones,
}


def _union(spans: list[Span]) -> Iterator[Span]:
    return ((edit.start, edit.end) for edit in edits.merged(Edit(*span) for span in spans))
