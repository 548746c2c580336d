"""Secrets and personal data that the rules were not written for, and innocent sentences. None of the values is real.

`SECOND` (32) was written after version 2's first rules, of which it showed the gaps, in one go and before any of it was
tried; `THIRD` (30) after those were closed, and no rule was changed for it. Whoever changes the rules writes a fourth.
"""

from __future__ import annotations

from tests.unit.ingest.planted_secrets import Planted, _join

SECOND = (
    Planted("secret", "Twilio token in YAML", _join("9f8e7d6c5b4a", "39281706f5e4d3c2b1a0"), "TWILIO_AUTH_TOKEN: {}"),
    Planted("secret", "MongoDB address", _join("Xk29v", "Lq8TmW"), "mongodb+srv://reporter:{}@cluster0.abcde.mongodb.net/sales"),
    Planted("secret", "Terraform variable", _join("p9#Lm", "Qz2vX"), 'db_admin_pass = "{}"'),
    Planted("secret", "Wi-Fi key", _join("brown-", "horse-42"), "The guest network is FjordGuest, key: {}"),
    Planted("secret", "Kubernetes secret", _join("c3VwZXItc2Vj", "cmV0LXZhbHVl"), "kind: Secret\ndata:\n  db: {}"),
    Planted(
        "secret",
        "Discord webhook",
        _join(
            "https://discord.com/api/web",
            "hooks/948271635402817364/",
            "aZ8x-Q2wE4rT6yU8iO0pLkJhGfDsAzXcVbNm_1234567890qwertyuiopASDFGHJKL",
        ),
    ),
    Planted("secret", "Telegram bot", _join("110201543:", "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")),
    Planted(
        "secret",
        "Docker login",
        _join("ZGVwbG95Omht", "bS1zZWNyZXQx"),
        '{{"auths": {{"registry.fjordline.no": {{"auth": "{}"}}}}}}',
    ),
    Planted("secret", "password in a table", _join("Zeppelin", "-1971"), "| user | password |\n|---|---|\n| admin | {} |"),
    Planted("secret", "French password", _join("Citron-", "Vert7"), "Le mot de passe du serveur est {}."),
    Planted("secret", "Linear key", _join("lin_api_", "Qw3eRt5yUi7oPa9sDf1gHj2kLz4xCv6bNm8")),
    Planted("secret", "key cut off", "-----BEGIN EC PRIVATE" + " KEY-----\nMHcCAQEEIIGx", "{}"),
    Planted("secret", "password in chat", _join("gr4nite", "_Lake"), "pw for the staging box: {}"),
    Planted("secret", "Laravel key", _join("base64:", "u8Wc1mJ0cQm3l9XyR2vTz7aKf4sHd6gPqEoNiBtUwYs="), "APP_KEY={}"),
    Planted("secret", "second factor", _join("JBSWY3DP", "EHPK3PXP"), "otpauth://totp/ACME:ops?secret={}&issuer=ACME"),
    Planted("secret", "password dictated", _join("Maple", "7River"), "Use the shared account (user: helpdesk, password: {})."),
    Planted("email", "in capitals, spelled out", "ops AT fjordline DOT no"),
    Planted("email", "host with an umlaut", "info@bücher.example"),
    Planted("email", "in brackets", "mara[at]fjordline[dot]no"),
    Planted("phone", "German, with a word", "089 / 636-48018", "Tel.: {}"),
    Planted("phone", "from abroad, with zeros", "0047 22 86 44 00"),
    Planted("phone", "British mobile", "07911 123456", "Ring me on {} after five."),
    Planted("phone", "Indian, in a signature", "98765 43210", "Asha, Sales | M: {} | Pune"),
    Planted("card", "with dots", "4539.1488.0343.6467"),
    Planted("card", "over two lines", "4539 1488\n0343 6467"),
    Planted("iban", "with dashes", "NL91-ABNA-0417-1643-00"),
    Planted("iban", "in small letters", "fr14 2004 1010 0505 0001 3m02 606"),
    Planted("national_id", "British National Insurance", "AB 12 34 56 C", "NI number {}"),
    Planted("national_id", "Danish CPR", "211062-5629"),
    Planted("national_id", "passport", "C01X00T47", "Passport no. {}, valid until 2031."),
    Planted("national_id", "Norwegian, bare", "15108695088", "Fødselsnr. {}"),
    Planted("national_id", "Chinese", "360426199101010071"),
)

INNOCENT = (
    "A token bucket of 20 requests refills each second; the key is patience, the secret is practice.",
    "Passport photos are 35x45 mm; applications from 2024-2025 need form DS-11.",
    "The session ID changes at login, so sign in again after release 5.3.1-rc2!",
    "Call 3 of 12: agenda of 2026-03-14, 10:30-11:15, room 4.01.224.",
    "Our IBAN check rejects XX12 3456 7890 1234 5678 90 and de00370400440532013000.",
    "Set the password policy to at least 12 characters, 1 digit and 1 symbol (e.g. #).",
    "Users: 1,204 in Q1 (+12%!), accounts: 88, logins: 99.9% ok.",
    "commit 9fceb02 touches config/secret_key_base.rb and token_store.go:142",
    "Tracking number 1Z999AA10123456784, ISBN 978-0-306-40615-7, EAN 4006381333931",
    "Meet at noon dot the i's: see you at the office at 5.",
    "The access code review found 3 issues; the recovery key ceremony is on 2026-05-01.",
    "password: string; // required, see AuthService.login(user, password)",
    "Grid reference 52.5200, 13.4050 and coordinates 40.7128, -74.0060",
    "SSN fields are masked by default; the tax id column holds 9 digits.",
    "PIN codes have 4 to 8 digits. UUID 550e8400-e29b-41d4-a716-446655440000",
    "curl -H 'Authorization: Bearer $TOKEN' https://api.example.com/v1/users?page=2",
)

THIRD = (
    Planted("secret", "Heroku key", _join("8b1f3c5e-2d4a-4f6b-", "9c8d-7e6f5a4b3c2d"), "HEROKU_API_KEY={}"),
    Planted("secret", "option of curl", _join("gr33n-", "Forest"), "curl -u deploy:{} https://ci.fjordline.no/job/7"),
    Planted("secret", "JDBC address", _join("Rx7kk", "PzQ93m"), "jdbc:mysql://db:3306/app?user=app&password={}"),
    Planted(
        "secret",
        "hash of a password",
        _join("$6$rounds=5000$", "saltsalt$Q2xhc3NpY2FsIGhhc2ggb2YgYSBwYXNzd29yZA"),
        "root:{}:19000",
    ),
    Planted("secret", "temporary login", _join("Welcome", "#2026"), "Temporary login: j.doe / {} (change it)"),
    Planted("secret", "Spanish password", _join("Girasol", "_19"), "La contraseña es {}."),
    Planted(
        "secret",
        "Azure shared access signature",
        _join("kZ8mQ3vT7xW1cR5yN9bL2pJ6", "sH4gF0dA%3D"),
        "https://acct.blob.core.windows.net/backup?sv=2022-11-02&sp=r&sig={}",
    ),
    Planted("secret", "1Password key", _join("A3-ASWWYB-798JRY-", "LJVD4-23DC2-86TVM-H43EB"), "Secret Key: {}"),
    Planted("secret", "WireGuard key", _join("yAnz5TF+lXXJte14tji3z", "lMNq+hd2rYUIgJBgB3fBmk="), "[Interface]\nPrivateKey = {}"),
    Planted(
        "secret", "Sentry address", _join("5f3c9a1eb25d48f0", "a6c47d2190ab12cd"), "https://{}@o12345.ingest.sentry.io/67890"
    ),
    Planted("secret", "alarm code", "7719#", "The alarm code is {} at night."),
    Planted("secret", "Windows share", _join("N1ghtly", "&Run"), "net use Z: \\\\srv\\share /user:corp\\backup {}"),
    Planted("secret", "Redis address", _join("p4ssw0", "rdX9"), "redis://:{}@cache:6379/0"),
    Planted("secret", "Wi-Fi password after a dash", _join("Sunflower", "2026"), "Wifi password - {}"),
    Planted("secret", "variable in quotes", _join("mail-Runner", "-88"), "SMTP_PASS='{}'"),
    Planted("email", "with one word spelled out", "mara.lindqvist (at) fjordline.no"),
    Planted("email", "with an accent", "marália.souza@empresa.com.br"),
    Planted("phone", "British, with an extension", "(020) 7946 0018", "Phone: {} ext 4"),
    Planted("phone", "Japanese", "+81-3-3210-7000", "tel:{}"),
    Planted("phone", "Dutch, with a trunk zero", "+31 (0)20 794 5678", "T {}"),
    Planted("phone", "German mobile", "0176 12345678", "Mobil {}"),
    Planted("card", "American Express, grouped", "3714 496353 98431"),
    Planted("card", "Mastercard", "5105 1051 0510 5100", "card no {} exp 04/28"),
    Planted("iban", "Swiss", "CH93 0076 2011 6238 5295 7", "IBAN: {}"),
    Planted("iban", "Spanish", "ES9121000418450200051332"),
    Planted("national_id", "Brazilian CPF", "390.533.447-05", "CPF {}"),
    Planted("national_id", "Finnish", "131052-308T"),
    Planted("national_id", "German tax id", "36 574 261 809", "Steuer-ID: {}"),
    Planted("national_id", "South African", "7503305044089", "ID number {}"),
    Planted("national_id", "Australian tax file number", "123 456 782", "TFN {}"),
)
