"""MDX: the Markdown that a reader of the site sees."""

from __future__ import annotations

import time

import pytest

from ingest.processing import Processor
from sluice.records import RawItem
from tests.unit.ingest.reads import read, shape, text

PAGE = """---
title: T
---

import Tabs from '@theme/Tabs';
import {
  A,
  B,
} from "x";
export const meta = {
  title: 'Hidden meta',

  b: [1],
};

# Heading {#its-id}

import duties rose last year.

Text with <Highlight color="#25c2a0">shown words</Highlight> and {' '} more.{/* gone */}

<Tabs groupId="os" onChange={(x) => x > 1}>
  <TabItem value="npm" label="With npm">

Inside **bold** tab.

  </TabItem>
</Tabs>

<div className="row" style={{color: 'red'}}>In a div</div>

<Callout type="info">
**Bold** in a box.
</Callout>

```js
import x from 'kept';
<Tag kept="yes" />
```

Use `<Tabs>` here. a < B and c > d.

export default ({children}) => <div>{children}</div>
"""


def test_modules_and_tags_of_components_are_no_text() -> None:
    """What they hold, and labels and titles, are; code is left alone, and a sentence may begin with import."""
    assert [said for _, said in shape(PAGE, "a.mdx")] == [
        "Heading",
        "import duties rose last year.",
        "Text with shown words and more.",
        "With npm",
        "Inside bold tab.",
        "In a div",
        "Bold in a box.",
        "import x from 'kept';\n<Tag kept=\"yes\" />",
        "Use <Tabs> here. a < B and c > d.",
    ]


def test_a_page_of_one_component_is_empty() -> None:
    """Nothing of it can be read, and no word of it is lost."""
    page = b"import Index from './index.jsx';\n\n<Index />\n"
    assert Processor().parse(RawItem("a.mdx", page, "v"), source="s").text == ""


def test_other_markdown_is_as_it_is_written() -> None:
    """Only MDX has modules; the name that links know a heading by is no word of it in any."""
    assert (
        text("import x from 'y'\n\n## Head {#head .wide}\n\n`## Not {#this}`", "a.md")
        == "import x from 'y'\n\nHead\n\n## Not {#this}"
    )


@pytest.mark.parametrize("mark", ["<A ", "<A x={", "export const a = {\n\n", "import {\n\n"])
def test_what_never_ends_takes_no_time(mark: str) -> None:
    """Tags and statements, thousands of them."""
    began = time.process_time()
    read(mark * 8000 + "\n\nLast.", "a.mdx")
    assert time.process_time() - began < 10


def test_a_statement_that_never_ends_takes_one_line() -> None:
    """And tags that are none are words."""
    assert text("export const x = {\n\nSeen.\n\nAlso <Broken seen.", "a.mdx") == "Seen.\n\nAlso <Broken seen."
