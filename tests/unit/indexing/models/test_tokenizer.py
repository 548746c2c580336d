from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.models.hashing import HashingTokenizer
from indexing.models.tokenizer import ModelTokenizer, open_tokenizer
from sluice.errors import ConfigurationError
from tests.model_dirs import bundled, hashing

MODEL = ModelTokenizer(bundled())
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)


@pytest.mark.parametrize("tokenizer", [MODEL, HashingTokenizer()])
@settings(max_examples=200, deadline=None)
@given(text=ANY_TEXT)
def test_spans_are_ordered_disjoint_inside_the_text_and_as_many_as_counted(
    tokenizer: ModelTokenizer | HashingTokenizer, text: str
) -> None:
    """For any text, lone surrogates included, spans are (n, 2) int32, ordered, disjoint, and n is the count."""
    spans = tokenizer.spans(text)
    assert spans.dtype == np.int32
    assert spans.shape == (tokenizer.counts([text])[0], 2)
    flat = spans.reshape(-1)
    assert np.all(np.diff(flat) >= 0)
    assert len(flat) == 0 or (flat[0] >= 0 and flat[-1] <= len(text))


def test_spans_point_at_the_characters_of_the_original_text() -> None:
    """Offsets are characters of the text as given, not of its normal form, and not bytes."""
    text = "Ünïted  Städte 東京!"
    words = [text[start:end] for start, end in MODEL.spans(text)]
    assert "".join(words) == text.replace(" ", "")
    assert words[-3:] == ["東", "京", "!"]


def test_a_character_of_several_tokens_belongs_to_the_first_of_them() -> None:
    """A Hangul syllable is three letters to this model: one span has it, two are empty behind it."""
    assert MODEL.spans("한a").tolist()[:4] == [[0, 1], [1, 1], [1, 1], [1, 2]]


def test_long_texts_are_counted_whole() -> None:
    """tokenizer.json asks for truncation to 128 tokens; counts and spans do not follow it."""
    assert MODEL.counts(["word " * 5000, ""]) == [5000, 0]
    assert len(MODEL.spans("word " * 5000)) == 5000


def test_window_and_special_tokens_are_those_of_the_bundled_model() -> None:
    """256 tokens, of which [CLS] and [SEP] are two."""
    assert (MODEL.window, MODEL.special_tokens) == (256, 2)


def test_a_query_is_cut_to_the_window_and_keeps_its_special_tokens() -> None:
    """A cut query still begins with [CLS] and ends with [SEP]."""
    ids = MODEL.query_ids("word " * 1000)
    assert len(ids) == 256
    assert (ids[0], ids[-1]) == (101, 102)
    assert MODEL.query_ids("a short one") == MODEL.document_ids(["a short one"])[0]


def test_fingerprint_depends_on_the_tokenizer_file_and_the_window_only() -> None:
    """The same model gives the same fingerprint; a hashing tokenizer of another window gives another."""
    assert ModelTokenizer(bundled()).fingerprint == MODEL.fingerprint
    assert HashingTokenizer(256).fingerprint != HashingTokenizer(128).fingerprint
    assert isinstance(open_tokenizer(hashing()), HashingTokenizer)


def test_a_word_without_end_is_many_hashing_tokens() -> None:
    """A megabyte without a space is not one token."""
    assert HashingTokenizer().counts(["x" * 1_200_000]) == [100_000]


def test_a_file_that_is_no_tokenizer_is_a_configuration_error(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=r"tokenizer\.json is not a tokenizer"):
        ModelTokenizer(replace(bundled(), tokenizer=tmp_path / "tokenizer.json"))


def test_importing_the_tokenizer_loads_neither_torch_nor_transformers() -> None:
    """Sizing texts is cheap to start."""
    code = (
        "import sys, indexing.models.tokenizer, indexing.models.encoder, indexing.models; "
        "heavy = ('torch', 'transformers', 'sentence_transformers', 'openvino', 'huggingface_hub'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
