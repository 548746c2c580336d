from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from indexing.models import open_model
from indexing.models.files import BUNDLED, _sha256, locate
from indexing.models.hashing import HashingEncoder
from sluice.errors import ConfigurationError
from sluice.settings import EmbeddingSettings
from tests.model_dirs import bundled


def copied(tmp_path: Path) -> Path:
    """The bundled model in another place; a link stands for its weights."""
    source = bundled().folder
    assert source is not None
    shutil.copytree(source, tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "m" / "model.safetensors").symlink_to(source / "model.safetensors")
    return tmp_path / "m"


def edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_the_bundled_model_is_described_from_its_files() -> None:
    """384 dimensions, a window of 256, no prompts."""
    files = bundled()
    assert (files.dimension, files.window, files.document_prompt) == (384, 256, "")


def test_identity_is_what_decides_vectors_not_name_or_place(tmp_path: Path) -> None:
    """A copy in a folder is the same model; another window or pooling is another."""
    folder = copied(tmp_path)
    assert locate("m", tmp_path).identity == bundled().identity
    edit(folder / "1_Pooling" / "config.json", pooling_mode_cls_token=True, pooling_mode_mean_tokens=False)
    pooled = locate("m", tmp_path)
    assert pooled.identity != bundled().identity
    edit(folder / "sentence_bert_config.json", max_seq_length=128)
    assert locate("m", tmp_path).identity != pooled.identity


def test_prompts_are_those_of_sentence_transformers(tmp_path: Path) -> None:
    """encode_document takes 'document', 'passage' or 'corpus', encode_query 'query'; the default stands in."""
    folder = copied(tmp_path)
    edit(folder / "config_sentence_transformers.json", prompts={"query": "query: ", "passage": "passage: "})
    files = locate("m", tmp_path)
    assert (files.document_prompt, files.query_prompt) == ("passage: ", "query: ")
    edit(folder / "config_sentence_transformers.json", prompts={"d": "all: "}, default_prompt_name="d")
    files = locate("m", tmp_path)
    assert (files.document_prompt, files.query_prompt) == ("all: ", "all: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./nowhere", "is not a folder"),
        ("hashing:0", "is not a folder"),
        ("/nowhere/at all", "is not a folder"),
        ("plain", "has no modules.json"),
    ],
)
def test_a_model_that_is_not_there_is_a_configuration_error(tmp_path: Path, name: str, message: str) -> None:
    """The message names embedding.model, the hint what else there is."""
    (tmp_path / "plain").mkdir()
    with pytest.raises(ConfigurationError, match=message) as raised:
        locate(name, tmp_path)
    assert raised.value.message.startswith("embedding.model: ")
    assert BUNDLED in raised.value.hint


def test_weights_in_another_format_are_refused(tmp_path: Path) -> None:
    """A pickle is a program: only safetensors are read."""
    folder = copied(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ConfigurationError, match="safetensors"):
        locate("m", tmp_path)


def test_a_hash_is_kept_until_the_file_changes(tmp_path: Path) -> None:
    """The stamp is used for the same size and time of change, and not for another."""
    file, stamps = tmp_path / "weights", tmp_path / "stamps"
    file.write_bytes(b"one")
    first = _sha256(file, stamps)
    (stamp,) = stamps.iterdir()
    stamp.write_text("kept")
    assert _sha256(file, stamps) == "kept"
    file.write_bytes(b"other")
    assert _sha256(file, stamps) not in ("kept", first)


class Decisions:
    """What MongoDB keeps, in a dict."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}

    def decide(self, name: str, value: Any) -> Any:
        return self.rows.setdefault(name, value)


def test_a_precision_once_decided_holds(tmp_path: Path) -> None:
    """`auto` is read from the index's decisions, and nothing is measured again or loaded."""
    decisions, identity = Decisions(), bundled().identity
    decisions.decide(f"precision/{identity[:32]}", {"precision": "openvino-fp32"})
    model = open_model(
        EmbeddingSettings(precision="auto"), base=tmp_path, cache=tmp_path, decide=decisions.decide, decided=decisions.rows.get
    )
    assert model.precision == "openvino-fp32"
    assert model.encoder is model.encoder


def test_a_configured_precision_decides_nothing(tmp_path: Path) -> None:
    """Only `auto` is recorded; fp32 and openvino-fp32 are one family, and share vectors."""
    decisions = Decisions()
    models = [
        open_model(
            EmbeddingSettings(precision=p), base=tmp_path, cache=tmp_path, decide=decisions.decide, decided=decisions.rows.get
        )
        for p in ("fp32", "openvino-fp32", "bf16")
    ]
    fingerprints = [model.encoder.fingerprint for model in models]
    assert decisions.rows == {}
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def test_a_hashing_model_needs_no_decision(tmp_path: Path) -> None:
    """`auto` for a model that has one precision is not a measurement."""
    decisions = Decisions()
    model = open_model(
        EmbeddingSettings(model="hashing:32"), base=tmp_path, cache=tmp_path, decide=decisions.decide, decided=decisions.rows.get
    )
    assert (model.precision, decisions.rows) == ("fp32", {})
    assert isinstance(model.encoder, HashingEncoder)
