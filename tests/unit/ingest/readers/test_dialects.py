"""Markdown of other programs: what each of them shows, where GitHub's rules would show code or one long line."""

from __future__ import annotations

import pytest

from ingest.readers.dialects import as_github
from tests.unit.ingest.reads import shape, steps, text


@pytest.mark.parametrize(
    "source",
    [
        "{% highlight ruby linenos %}\ndef x\n  puts 1\nend\n{% endhighlight %}",
        '{{< highlight ruby "linenos=table" >}}\ndef x\n  puts 1\nend\n{{< /highlight >}}',
        "Before\n{%- highlight ruby -%}\ndef x\n  puts 1\nend\n{%- endhighlight -%}\nafter",
    ],
)
def test_highlighted_code_is_code(source: str) -> None:
    """Jekyll's and Hugo's, which GitHub runs together."""
    assert ("code", "def x\n  puts 1\nend") in shape(source)
    assert "highlight" not in text(source)


def test_a_piece_that_never_ends_takes_nothing_with_it() -> None:
    assert text("{% highlight ruby %}\nputs 1") == "puts 1"
    assert shape("```{note}\nputs 1") == [("code", "puts 1")]


def test_a_directive_holds_text_and_its_options_are_none() -> None:
    """MyST's boxes are written as fences; code with a language in braces stays code."""
    source = "````{admonition} Mind this\n:class: tip\n\nBody *one*.\n\n```{note}\nInner\n```\n````\n\n```{r setup}\nx <- 1\n```"
    assert shape(source) == [
        ("text", "Mind this"),
        ("text", "Body one."),
        ("text", "Note"),
        ("text", "Inner"),
        ("code", "x <- 1"),
    ]


def test_a_drawn_table_is_a_table() -> None:
    """Pandoc's; a cell of several lines is one cell, with or without a heading, also where it is cut off."""
    drawn = "+-----+------+\n| A   | B    |\n+=====+======+\n| 1   | two  |\n|     | more |\n+-----+------+\n| 3   | x|y  |\n+-----+------+"
    assert shape(f"Text\n{drawn}\nafter") == [("text", "Text"), ("table", "A | B\n1 | two more\n3 | x|y"), ("text", "after")]
    assert shape("+---+---+\n| a | b |\n| c | d |") == [("table", "a c | b d")]
    assert shape(f"```\n{drawn}\n```") == [("code", drawn)]
    crooked = shape("+---+---+\n| a | b |\n+---+---+\n| c | d\n| e | f\n")
    assert crooked[0] == ("table", "a | b"), "it ends where it is drawn no more"
    assert {"c", "d", "e", "f"} <= set(" ".join(said for _, said in crooked[1:]).split()), "and nothing of what follows is lost"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("> [!NOTE]\n> Useful.", ["Note", "Useful."]),
        ("> [!warning]- Fold title\n> body", ["Fold title", "body"]),
        ("> [!NOTE] On one line.", ["[!NOTE] On one line."]),
        ("> [!NOTE] Without a stop", ["[!NOTE] Without a stop"]),
        ("> > [!tip]\n> > deep", ["Tip", "deep"]),
    ],
)
def test_an_alert_is_its_title_and_what_it_holds(source: str, expected: list[str]) -> None:
    """GitHub's and Obsidian's."""
    assert [said for _, said in shape(source)] == expected
    assert "[!" in text(f"```\n{source}\n```")


@pytest.mark.parametrize(
    "piece",
    [
        "```{note}\n",
        "{% highlight a %}\n",
        "+--+--+\n| a|b |\n",
        "> [!a",
        "> " * 40 + "\n",
        "````{note}\n```{note}\nx\n```\n````\n",
    ],
)
def test_work_is_linear(piece: str) -> None:
    assert steps(lambda: as_github(piece * 800)) < 5 * steps(lambda: as_github(piece * 200)) + 2000


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{% hint style="info" %}\nHint text\n{% endhint %}', ["Hint text"]),
        ('{% tab title="JS" %}\nUse it\n{% endtab %}', ["JS", "Use it"]),
        ('{{< notice warning >}}\nCareful\n{{< /notice >}}\n{{< youtube "abc" >}}', ["Careful"]),
        ('{{% expand "More" %}}Hidden text{{% /expand %}}', ["More Hidden text"]),
        ("Before {% include x.html %} after, 5 {% of it, {{ page.title }}", ["Before after, 5 {% of it, {{ page.title }}"]),
        ("{% comment %}\ngone\n{% endcomment %}\n{::comment}\ngone\n{:/comment}\nkept", ["kept"]),
        ("`{% raw %}` and {{</* ref */>}}", ["{% raw %} and {{</* ref */>}}"]),
        ("```\n{% hint %}\n```", ["{% hint %}"]),
    ],
)
def test_tags_of_generators_are_no_words(source: str, expected: list[str]) -> None:
    """What they show of themselves (a title) is, and what stands between them; comments stay comments, code stays code."""
    assert [said for _, said in shape(source)] == expected


def test_components_in_a_file_that_is_called_markdown_are_no_words() -> None:
    """Docusaurus reads all of its pages as MDX; a placeholder in brackets is a word as ever."""
    page = 'import Tabs from "@theme/Tabs"\n\n<Tabs>\n<TabItem value="a" label="First">\n\nIn *tab*\n\n</TabItem>\n</Tabs>\n'
    assert [said for _, said in shape(page)] == ["First", "In tab"]
    assert text("Dear <Name>, use List<String>.") == "Dear <Name>, use List<String>."


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('![Chart](a.png){width="6.5in" height="3in"} after', "Chart after"),
        ("[]{#_Toc12 .anchor}Intro [out **of** it]{.underline} [x]{.a}", "Intro out of it x"),
        ('See [here](x){:target="_blank"} and `ls`{.bash} and *so*{.b}.', "See here and ls and so."),
        ("{ref}`Label <target>` or {doc}`guide`, {math}`x^2`", "Label or guide, x^2"),
        ("{name} [x]{y} {a: 1} `{ref}` [1]{2} {}", "{name} [x]{y} {a: 1} {ref} [1]{2} {}"),
        ("# Head {.unnumbered #x}", "Head"),
        ("# Head {-}", "Head"),
        ("# Set {a, b}", "Set {a, b}"),
    ],
)
def test_attributes_and_roles_are_no_words(source: str, expected: str) -> None:
    """What Pandoc, kramdown and MyST write in braces beside a word; other braces are words."""
    assert text(source) == expected
