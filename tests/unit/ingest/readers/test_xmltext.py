"""XML: the vocabularies that people write in, files of attributes, files within files, and what is nearly XML."""

from __future__ import annotations

import pytest

from tests.unit.ingest.reads import losses, read, reason, shape, steps, text

DOCBOOK = """<article xmlns="http://docbook.org/ns/docbook"><info><title>The art</title></info><section><title>One</title>
<para>Text<footnote>Aside</footnote> <emphasis>x</emphasis>.</para><programlisting>a = 1
  b = 2</programlisting><table><title>Ages</title><tgroup cols="2"><thead><row><entry>Name</entry><entry>Age</entry></row></thead>
<tbody><row><entry>Ada</entry><entry>36</entry></row></tbody></tgroup></table><itemizedlist><listitem><para>first</para></listitem>
</itemizedlist><section><title>Deeper</title><para>y</para></section></section></article>"""


def test_docbook_has_headings_code_tables_and_lists() -> None:
    assert shape(DOCBOOK, "a.xml") == [
        ("title", "The art"),
        ("title", "One"),
        ("text", "Text Aside x."),
        ("code", "a = 1\n  b = 2"),
        ("text", "Ages"),
        ("table", "Name | Age\nAda | 36"),
        ("list", "first"),
        ("title", "Deeper"),
        ("text", "y"),
    ]
    found = read(DOCBOOK, "a.xml")
    assert (found.title, found.elements[-1].heading_path) == ("The art", ("The art", "One", "Deeper"))


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("<topic><title>Setup</title><body><p>Do it.</p></body></topic>", "Setup"),
        (
            "<article><front><article-meta><title-group><article-title>A study</article-title></title-group></article-meta></front>"
            "<body><sec><title>Intro</title><p>x</p></sec></body></article>",
            "A study",
        ),
        ("<TEI xmlns='t'><text><body><div><head>Chapter</head><p>x</p></div></body></text></TEI>", "Chapter"),
        ("<rss><channel><title>News</title><item><title>First</title></item></channel></rss>", "News"),
        ("<catalog><book><author>A</author><title>XML Guide</title></book></catalog>", "a"),
        ("<books><book><title>XML Guide</title><price>5</price></book></books>", "a"),
    ],
)
def test_a_title_is_a_heading_where_a_vocabulary_puts_one(source: str, title: str) -> None:
    """DITA, JATS, TEI, feeds; a field of a record that has the name is none."""
    assert read(source, "a.xml").title == title


def test_a_book_and_its_pictures() -> None:
    """FictionBook: what it says of itself is metadata, files in letters are said."""
    picture = "\n".join(["iVBORw0KGgo" * 6] * 5)
    book = (
        '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info><author><first-name>Ada</first-name>'
        "<last-name>L</last-name></author><book-title>The book</book-title><lang>en</lang></title-info></description><body><section>"
        f"<title><p>Part</p></title><p>Words.</p></section></body><binary id='i'>{picture}</binary></FictionBook>"
    )
    found = read(book, "a.fb2")
    assert (found.text, found.title, found.metadata["author"], found.language) == ("Part\n\nWords.", "The book", "Ada L", "en")
    assert losses(book, "a.fb2") == {"embedded_object": 1}
    assert text(f"<a><data>{picture.replace('i', 'word ')}</data></a>", "a.xml").startswith("word VBOR")


def test_a_file_of_attributes_has_their_words() -> None:
    """Where no element has text: an export of rows, HTML in them as HTML."""
    rows = '<posts><row Id="1" Title="How?" Body="&lt;p&gt;Ask &lt;b&gt;now&lt;/b&gt;.&lt;/p&gt;"/><row Id="2"/></posts>'
    assert shape(rows, "a.xml") == [("table", "1 | How? | Ask now.")]
    assert text('<a x="unseen"><b>words</b></a>', "a.xml") == "words"


@pytest.mark.parametrize(
    ("source", "expected", "lost"),
    [
        ("<a>Q & A &lt; &amp;</a>", "Q & A < &", {}),
        ("<a><x:b>text</x:b></a>", "text", {}),
        ('<?xml version="1.0"?><a>one</a>\n<?xml version="1.0"?><a>two</a>', "one\n\ntwo", {}),
        ("<a><b>text</a>", "text", {"broken_markup": 1}),
    ],
)
def test_what_is_nearly_xml_is_read(source: str, expected: str, lost: dict[str, int]) -> None:
    assert text(source, "a.xml") == expected
    assert losses(source, "a.xml") == lost


@pytest.mark.parametrize("source", ["<a><b>one</b><b>tw", "<r><i>a</i></i><i>lost words</i></r>", "<a>"])
def test_what_would_lose_text_is_refused(source: str) -> None:
    """A file that is cut off, and one whose mending would drop words."""
    assert reason(source, "a.xml") == "malformed"


@pytest.mark.parametrize(
    "piece", ["<section><title>a</title>", "<table><row><entry>", "<a b='c d'/>", "<a>&</a>", "<a:b>x</a:b>"]
)
def test_work_is_linear(piece: str) -> None:
    def taken(count: int) -> int:
        return steps(lambda: reason(f"<r>{piece * count}</r>", "a.xml"))

    taken(10)  # imports
    assert taken(200) < 5 * taken(50)


def test_a_map_of_freemind_has_its_nodes_beside_its_notes() -> None:
    """Most nodes have their text in an attribute, those with a look of their own in an element."""
    rich = '<richcontent TYPE="NODE"><html><body><p>rich</p></body></html></richcontent>'
    source = f'<map><node TEXT="Root"><node TEXT="Child"/><node>{rich}</node></node></map>'
    assert text(source, "a.mm") == "Root\nChild\n\nrich"
