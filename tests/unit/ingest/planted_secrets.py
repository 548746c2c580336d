"""Forty secrets and pieces of personal data, none of them real, put together here so that no scanner takes them for a leak."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Planted:
    """`value` stands in `sentence` where the braces are; `kind` is what it must be found as."""

    kind: str
    what: str
    value: str
    sentence: str = "Please note {} for later."


def _join(*parts: str) -> str:
    return "".join(parts)


_KEY = "\n".join(
    ["-----BEGIN RSA PRIVATE" + " KEY-----", "MIIEow" + "IBAAKCAQEA7bq" * 3, "Zm9vYmFy" * 6, "-----END RSA PRIVATE KEY-----"]
)

SECRETS = (
    Planted("secret", "private key", _KEY, "The key:\n{}\nkeep it."),
    Planted("secret", "AWS access key", _join("AKIA", "IOSFODNN7QWERTYU")),
    Planted("secret", "AWS secret key", _join("wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYzQ8vTkLmNo"), 'aws_secret_access_key = "{}"'),
    Planted("secret", "GitHub token", _join("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a")),
    Planted("secret", "GitLab token", _join("glpat-", "x7Yq2Lr9TzWm4KvB8sNd")),
    Planted("secret", "Slack token", _join("xoxb-", "263594206564-", "2343594206574-FGqddMF8t08v8N7Oq4i57vs1")),
    Planted(
        "secret", "Slack webhook", _join("https://hooks.slack.com/services/", "T0B1C2D3E/B4F5G6H7I/aBcDeFgHiJkLmNoPqRsTuVwX")
    ),
    Planted("secret", "Stripe key", _join("sk_live_", "4eC39HqLyjWDarjtT1zdp7dc")),
    Planted("secret", "SendGrid key", _join("SG.", "ngeVfQFYQlKU0ufo8x5d1A.", "TwL2iGABf9DHoTf09kqeF8tAmbihYzrnopKc1s5cr9i")),
    Planted(
        "secret",
        "JSON web token",
        _join(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.",
            "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4ifQ.",
            "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
        ),
    ),
    Planted("secret", "npm token", _join("npm_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"), "//registry.npmjs.org/:_authToken={}"),
    Planted(
        "secret",
        "PyPI token",
        _join("pypi-AgEIcHlwaS5vcmc", "CJGNlYjA4ZTJlLTgxNjAtNDY1My05ZTQxLTk3ZjFkZTRlZjYwMwACKlszLCJhYmNkZWYiXQAABiBx"),
    ),
    Planted("secret", "OpenAI key", _join("sk-", "Qm9vVt3kXa7Lp2RzWc5Y", "T3BlbkFJ", "hN8dJf4Gs6KbTe1MuQxA")),
    Planted("secret", "password in a URL", _join("s3cr3t-", "Pa55w0rd"), "postgres://app:{}@db.internal:5432/sales"),
    Planted("secret", "password, quoted", _join("Tr0ub4dor", "&3horse"), 'password = "{}"'),
    Planted("secret", "password, in prose", _join("corr3ct-", "horse!"), "The admin password is {} until Friday."),
    Planted("secret", "bearer token", _join("mF_9.B5f-4.1JqM", "zzTqYkLp0123"), "Authorization: Bearer {}"),
    Planted("secret", "API key, named", _join("7f3c9a1e", "b25d48f0a6c47d21"), "api_key: {}"),
)

PERSONAL = (
    Planted("email", "address", "mara.lindqvist@fjordline.example.no"),
    Planted("email", "address with a plus", "j.o'neil+billing@mail.acme.io".replace("'", "")),
    Planted("email", "address in brackets", "ops_team@sub-domain.company.co.uk", "Write to <{}>, please."),
    Planted("phone", "US number", "+1 415-555-2671".replace("555-2671", "867-5309")),
    Planted("phone", "German number", "+49 30 901820"),
    Planted("phone", "British number", "+44 20 7946 0958".replace("7946 0958", "7219 4272")),
    Planted("phone", "French number, dotted", "+33.1.42.68.53.00"),
    Planted("phone", "US number without country code", "(212) 736-5000", "Call {} now."),
    Planted("card", "Visa", "4111 1111 1111 1111"),
    Planted("card", "Mastercard", "5500-0055-5555-5559"),
    Planted("card", "American Express", "378282246310005"),
    Planted("card", "Discover", "6011000990139424"),
    Planted("iban", "German", "DE89 3704 0044 0532 0130 00"),
    Planted("iban", "British", "GB82WEST12345698765432"),
    Planted("iban", "French", "FR14 2004 1010 0505 0001 3M02 606"),
    Planted("iban", "Norwegian, and a word after it", "NO93 8601 1117 947", "Pay to {} TODAY please."),
    Planted("national_id", "US social security number", "536-90-4399"),
    Planted("national_id", "French NIR", "2 95 10 99 126 111 93"),
    Planted("national_id", "Spanish DNI", "54362315-K"),
    Planted("national_id", "Italian codice fiscale", "RCCMNL83S18D969H"),
    Planted("national_id", "Dutch BSN", "111222333", "Her BSN is {}."),
    Planted("national_id", "Polish PESEL", "44051401359", "PESEL: {}"),
)

INNOCENT = (
    "commit 3f1c9a7be2d04c5f8a6b7c8d9e0f1a2b3c4d5e6f fixed the build of 2026-11-21 10:45:12",
    "sha256:9b74c9897bac770ffc029102a200c5de4f1c9a7be2d04c5f8a6b7c8d9e0f1a2b",
    "order 4111 1111 1111 1112, part 978-3-16-148410-0, version 10.24.3-5561",
    "the password must have at least twelve characters; set password: <your password>",
    "id 123e4567-e89b-12d3-a456-426614174000, port 5432, 192.168.10.24, 1,234,567,890",
    "DE00 1234 5678 9012 3456 78 is no account, and 123-45-6789-000 no number of anyone",
    "follow @company on social media, see section 3.14159 and revenue of 2024-2025",
    "api_key = ${API_KEY}; token: process.env.TOKEN; password is required",
)

HELD_OUT = (  # written after the rules: 6 were found at first sight, 9 since keys by prefix were added
    Planted("secret", "Google API key", _join("AIza", "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY")),
    Planted(
        "secret",
        "GitHub fine-grained token",
        _join("github_pat_", "11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"),
    ),
    Planted(
        "secret",
        "OpenSSH private key",
        "-----BEGIN OPENSSH PRIVATE" + " KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
        "{}",
    ),
    Planted("secret", "Anthropic key", _join("sk-ant-", "api03-Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2Ji1Hg0Fe")),
    Planted("secret", "password after a user name", _join("Wint", "er2026!"), "Log in as deploy / {} and restart."),
    Planted("secret", "German password", _join("Sommer", "2026!"), "Das Passwort lautet {}."),
    Planted(
        "secret",
        "Azure connection string",
        _join("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq", "/K1SZFPTOtr/KBHBeksoGMGw=="),
        "DefaultEndpointsProtocol=https;AccountName=dev;AccountKey={}",
    ),
    Planted("email", "spelled out", "mara dot lindqvist at fjordline dot no"),
    Planted("email", "not ASCII", "jürgen@müller.example.de"),
    Planted("phone", "German, national", "030 / 90 18 20"),
    Planted("phone", "with an extension", "+1 (415) 867-5309 ext. 12"),
    Planted("card", "Visa, without blanks", "4012888888881881"),
    Planted("iban", "lower case", "de89370400440532013000"),
    Planted("national_id", "US social security number, without dashes", "536904399", "SSN: {}"),
    Planted("national_id", "Indian Aadhaar", "2341 2341 2346"),
    Planted("national_id", "Swiss AHV", "756.9217.0769.85"),
)
