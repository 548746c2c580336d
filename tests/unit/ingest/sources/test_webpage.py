"""What a page says, against a crude look at it: every word that a person sees in its main part, once, and nothing that hides."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.processing import Processor
from ingest.sources.webpage import as_utf8, decoded, main_text, read_page
from sluice.errors import DocumentError
from sluice.records import RawItem

PROSE = "Whoever needs a key to the storage room asks the team lead two weeks before, in writing, and gets an answer. " * 3
LIST = (
    "<h2>Requirements</h2><ul><li>LISTONE cores</li><li>LISTTWO card</li></ul><h3>Hours</h3>"
    "<p>SHORTONE Noon.</p><dl><dt>SLA</dt><dd>DEFONE</dd></dl>"
)
INNER = f"<h1>HEADONE</h1><p>{PROSE}</p><p>{PROSE}</p>{LIST}<table><tr><td>CELLONE</td><td>7</td></tr></table><pre>CODEONE</pre>"
CHROME = "<div class='nav'><ul><li><a href='/a'>MENUONE</a></li></ul></div>"
BOTTOM = "<div id='bottom'>IMPRINTONE cookies</div>"


def crude(markup: str) -> list[str]:
    """Words of all text nodes."""
    return re.findall(r"\w+", re.sub(r"<[^>]*>", " ", markup))


def shown(page: str) -> list[str]:
    return crude(main_text(page).partition("<body>")[2])


@pytest.mark.parametrize(
    "page",
    [
        f"<body>{INNER}</body>",
        f"<body><main>{INNER}</main></body>",
        f"<body><nav>MENUONE</nav><header>BANNERONE</header><div>{INNER}</div><footer>IMPRINTONE</footer></body>",
        f"<body>{CHROME}<div class='wrap'><div class='content'>{INNER}</div></div>{BOTTOM}</body>",
        f"<body><div role='navigation'>MENUONE</div><div role='main'>{INNER}</div><aside>SIDEONE</aside></body>",
        f"<table><tr><td>{INNER}</td></tr></table>",
        f"<body><article><header><h1>HEADONE</h1></header>{INNER.replace('<h1>HEADONE</h1>', '')}</article></body>",
    ],
    ids=["bare", "main", "semantic", "soup", "roles", "layout table", "article"],
)
def test_no_word_of_the_main_part_is_lost(page: str) -> None:
    """With `main` or without: headings, lists, definitions, short sentences, cells; compared with the text nodes."""
    assert shown(page) == crude(INNER)


@settings(deadline=None, max_examples=50)  # the first loads trafilatura
@given(
    st.lists(
        st.tuples(st.sampled_from(["p", "li", "h2", "dd", "td", "blockquote", "pre"]), st.text("abcdefghij ", max_size=80)),
        max_size=12,
    )
)
def test_a_page_without_chrome_keeps_every_word(parts: list[tuple[str, str]]) -> None:
    """Whatever it is made of: what trafilatura would have left out stays."""
    page = "".join(f"<{tag}>{text}</{tag}>" for tag, text in parts)
    assert shown(f"<body>{page}</body>") == crude(page)


HIDDEN = [
    "<p style='display:none'>SECRET</p>",
    "<p style='display: none !important; color: red'>SECRET</p>",
    "<p hidden>SECRET</p>",
    "<p class='sr'>SECRET</p><style>.sr{display:none}</style>",
    "<p class='x sr'>SECRET</p><style>/* c */ p.x.sr , .other { color:red; display : none }</style>",
    "<div class='a'><p class='b'>SECRET</p></div><style>.a > .b {display:none}</style>",
    "<div class='a'><div><p>SECRET</p></div></div><style>@media screen { .a p {visibility:hidden} }</style>",
    "<p data-x='1'>SECRET</p><style>[data-x] {display:none}</style>",
    "<p style='position:absolute;left:-9999px'>SECRET</p>",
    "<template>SECRET</template>",
    "<p style='font-size:0'>SECRET</p>",
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_what_hides_is_cut(hidden: str) -> None:
    """Inline styles, attributes, and rules of the page's own style blocks, before main text is taken."""
    for page in (f"<body>{INNER}{hidden}</body>", f"<body><main>{INNER}{hidden}</main></body>"):
        assert shown(page) == crude(INNER)


SEEN = [
    "<p aria-hidden='true'>VISIBLE</p>",
    "<p class='x'>VISIBLE</p><style>@media print {.x {display:none}}</style>",
    "<p class='x'>VISIBLE</p><style media='print'>.x {display:none}</style>",
    "<p class='x y'>VISIBLE</p><style>.x {display:none} .x.y {display:block}</style>",
    "<p class='x'>VISIBLE</p><style>.x:hover {display:none} .nosuch {display:none}</style>",
    "<p class='x'>VISIBLE</p><style>/* .x{display:none} */</style>",
    "<details><summary>VISIBLE</summary></details>",
]


@pytest.mark.parametrize("seen", SEEN)
def test_what_a_person_sees_stays(seen: str) -> None:
    """`aria-hidden` hides from machines only; rules for paper, states and comments hide nothing."""
    assert "VISIBLE" in shown(f"<body><main>{INNER}{seen}</main></body>")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("Grüße €".encode(), "text/html"),
        ("Grüße €".encode("cp1252"), "text/html; charset=iso-8859-1"),
        ("Grüße €".encode("utf-16"), "text/html; charset=utf-8"),
        (b"\xef\xbb\xbf" + "Grüße €".encode(), "text/html; charset=iso-8859-1"),
        ("<meta charset='windows-1252'>Grüße €".encode("cp1252"), "text/html"),
        ("<meta http-equiv=content-type content='text/html; charset=iso-8859-15'>Grüße €".encode("iso-8859-15"), "text/html"),
        ("Grüße €".encode(), "text/html; charset=nosuch"),
        ("<meta charset='windows-1252'>Grüße €".encode("cp1252"), "text/html; charset=utf-8"),
    ],
    ids=["utf-8", "label of the Web", "mark before header", "utf-8 mark", "meta", "http-equiv", "unknown", "header is wrong"],
)
def test_a_page_is_read_in_its_charset_and_kept_in_utf8(content: bytes, content_type: str) -> None:
    """Mark, header, document; what is kept says what it is, and reads the same without the header."""
    assert decoded(content, content_type).endswith("Grüße €")
    assert decoded(as_utf8(content, content_type), "").endswith("Grüße €")
    page = read_page(content, {"url": "http://a/", "content_type": content_type, "main_text": True})
    assert "Grüße €" in decoded(page["html"].encode(), "")


def test_one_broken_letter_is_no_other_charset() -> None:
    """A page that is UTF-8 but for a byte is read as that: the byte is what is lost."""
    assert decoded("Grüße €".encode() + b"\xe4", "text/html; charset=utf-8") == "Grüße €\ufffd"


def test_a_page_says_its_links_its_address_and_its_directives() -> None:
    """Base addresses, bad ports and brackets, other protocols; names and relations in any case."""
    page = """<HTML><HEAD><BASE HREF='/other/'><LINK REL='x CANONICAL' HREF='home'><META NAME='ROBOTS' CONTENT='NOINDEX'>
    <body><a href='sub#part'>1</a><A HREF='http://localhost:PORT/x'>2</A><a href='http://[::1'>3</a><a href=' //b/c&#10;d '>4</a>
    <a href='mailto:x@y'>5</a><a rel='external NOFOLLOW' href='/no'>6</a><area href='/area'><a>7</a><INPUT TYPE=Password>"""
    found = read_page(page.encode(), {"url": "http://a/x/y"})
    links = [
        ("http://a/other/sub#part", False),
        ("http://localhost:PORT/x", False),
        ("http://b/cd", False),
        ("http://a/no", True),
    ]
    assert found == {
        "links": [*links, ("http://a/area", False)],
        "canonical": ["http://a/other/home"],
        "robots": [("ROBOTS", "NOINDEX")],
        "login": True,
    }


@pytest.mark.parametrize(
    "head", ["<meta name=access_tags content=hr>", "<!-- access_tags: hr -->", "<meta http-equiv='Access-Tags' content='hr'>"]
)
def test_a_permission_in_a_pages_head_is_still_there_once_its_main_part_is_cut_out(head: str) -> None:
    """For its reader to refuse: the head goes with the navigation. Its value stays behind, and other heads say nothing."""
    page = main_text(
        f"<html><head>{head}<title>Pay</title></head><body><nav>Home</nav><main><p>Pay rises.</p></main></body></html>"
    )
    with pytest.raises(DocumentError, match="front matter: '"):
        Processor().parse(RawItem("https://x.example/pay", page.encode(), "v", media_type="text/html"), source="s")
    assert "hr" not in page
    assert "<meta name" not in main_text("<head><meta name=author content=x></head><main><p>Pay rises.</p></main>")


def test_elements_nested_beyond_reading_are_refused() -> None:
    """What lies deeper would be left out in silence."""
    with pytest.raises(DocumentError) as error:
        main_text("<div>" * 5000 + "deep")
    assert error.value.reason == "nested_too_deeply"


@pytest.mark.parametrize(
    "page",
    ["", " ", "\0", "<", "<!doctype html>", "<frameset><frame src=x></frameset>", "<?xml version='1.0' encoding='utf-8'?><p>x"],
)
def test_a_page_of_nothing_is_a_page(page: str) -> None:
    """Nothing raises."""
    assert main_text(page).startswith("<html>")


CORPORA = Path(__file__).resolve().parents[4] / "../shared/corpora/formats"


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="needs ../shared/corpora")
def test_pages_of_the_corpora_keep_every_word_of_their_main_part() -> None:
    """Real pages: each word of trafilatura's own finding is there."""
    trafilatura = pytest.importorskip("trafilatura")
    files = sorted(CORPORA.rglob("*.html"))[:40]
    assert files
    for file in files:
        text = decoded(file.read_bytes(), "")
        kept = set(shown(text))
        lost = [word for word in crude(trafilatura.extract(text) or "") if word not in kept]
        chrome = {word for found in re.findall(r"(?is)<(?:header|footer|nav)\b.*?</", text) for word in crude(found)}
        assert not set(lost) - chrome, (file.name, lost[:20])


@pytest.mark.parametrize(
    "worst",
    [
        "<div class=nav>x",
        "<p style='display:none'>x</p>",
        "<a href=x>",
        "<b>",
        "<li>",
        "<style>.a .b{display:none}</style>",
        "<!--",
    ],
)
def test_time_grows_with_the_page(worst: str) -> None:
    """Sixteen times as much takes at most about forty times as long, where a square would be 256."""
    took = []
    for size in (2_000, 32_000):
        page = f"<body><main>{worst * (size // len(worst))}</main></body>"
        began = time.process_time()
        try:
            main_text(page)
        except DocumentError:
            pytest.skip("nested beyond reading: refused at once")
        took.append(time.process_time() - began)
    assert took[1] < 40 * max(took[0], 0.02)
