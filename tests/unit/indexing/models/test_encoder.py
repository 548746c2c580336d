from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import time
import weakref
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.models import bert_graph, openvino_runtime
from indexing.models.encoder import Batch, ModelEncoder, in_batches, open_encoder
from indexing.models.files import ModelFiles, locate
from indexing.models.openvino_runtime import Probe, converted, open_runtime
from indexing.models.precision_sample import SAMPLE
from sluice.errors import ConfigurationError, IntegrityError
from sluice.points import Vector
from tests.model_dirs import bundled, hashing, models_dir

TEXTS = [*SAMPLE[::3], SAMPLE[-1], "", "x", "word " * 254]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models_dir(tmp_path_factory)


@pytest.fixture(scope="session")
def expected() -> Vector:
    """sentence-transformers' own vectors of TEXTS."""
    from indexing.models.torch_runtime import reference

    return reference(bundled(), TEXTS)


@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 200))
def test_batches_hold_every_text_once_and_keep_to_the_budget(lengths: list[int], tokens: int) -> None:
    """Longest first; padded tokens within the budget, or one text; ids, lengths and mask agree with what was given."""
    ids = [[100 * n + token for token in range(length)] for n, length in enumerate(lengths)]
    batches = in_batches(ids, pad_id=-1, tokens=tokens)
    assert sorted(p for b in batches for p in b.positions) == list(range(len(ids)))
    assert [n for b in batches for n in b.lengths] == sorted(lengths, reverse=True)
    for batch in batches:
        assert batch.ids.size <= tokens or len(batch.ids) == 1
        assert np.array_equal(batch.ids == -1, batch.mask == 0)
        assert [row[:n].tolist() for row, n in zip(batch.ids, batch.lengths, strict=True)] == [ids[p] for p in batch.positions]


def test_a_batch_that_is_halved_holds_the_same_rows() -> None:
    """Each half is as narrow as its rows allow."""
    batch = in_batches([[1, 2, 3], [4], [5, 6, 7, 8], [9]], pad_id=0, tokens=100)[0]
    first, second = batch.halves()
    assert [*first.positions, *second.positions] == [*batch.positions]
    assert (first.ids.tolist(), second.ids.tolist()) == ([[5, 6, 7, 8], [1, 2, 3, 0]], [[4], [9]])


class CountingRuntime:
    """Gives each row the sum of its tokens, and notes how many batches it was handed before the last slice was tokenised."""

    batch_tokens = 64

    def __init__(self, dimension: int) -> None:
        self.dimension, self.batches = dimension, 0

    def run(self, batches: Iterable[Batch]) -> Vector:
        rows = []
        for batch in batches:
            self.batches += 1
            totals = (batch.ids * batch.mask).sum(axis=1, keepdims=True).astype(np.float32)
            rows.append(np.concatenate([totals, np.ones((len(totals), self.dimension - 1), np.float32)], axis=1))
        return np.concatenate(rows)


def test_slices_are_tokenised_ahead_and_keep_the_order_of_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far more texts than a slice holds: row n is text n's, and a text too long in a late slice is named by its place."""
    monkeypatch.setattr("indexing.models.encoder.SLICE_TEXTS", 7)
    files = bundled()
    encoder = ModelEncoder(files, "fp32", lambda: CountingRuntime(files.dimension))
    texts = [f"word {'more ' * (n % 5)}{n}" for n in range(40)]
    alone = np.stack([encoder.encode([text])[0] for text in texts])
    assert np.allclose(encoder.encode(texts), alone)
    with pytest.raises(IntegrityError, match="text 33 of the batch"):
        encoder.encode([*texts[:33], "word " * 300, *texts[33:]])


def test_fingerprint_and_dimension_cost_no_model(tmp_path: Path) -> None:
    """Both are read from files: a models folder that cannot exist is not looked for."""
    encoder = open_encoder(bundled(), "openvino-bf16", tmp_path / "file" / "nowhere")
    assert (encoder.dimension, len(encoder.fingerprint)) == (384, 64)
    assert not (tmp_path / "file").exists()


def test_auto_must_be_decided_before_it_is_opened(tmp_path: Path) -> None:
    """An encoder has one precision: 'auto' is not one."""
    with pytest.raises(ConfigurationError, match="auto"):
        open_encoder(bundled(), "auto", tmp_path)
    assert open_encoder(hashing(), "auto", tmp_path).dimension == 64


@pytest.mark.slow
def test_fp32_is_what_sentence_transformers_itself_computes(models: Path, expected: Vector) -> None:
    """Equal to SentenceTransformer.encode within 1e-5, for every length and script in the sample."""
    vectors = open_encoder(bundled(), "fp32", models).encode(TEXTS)
    assert vectors.dtype == np.float32
    assert np.abs(vectors - expected).max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "openvino-fp32", "openvino-bf16"])
def test_every_precision_is_faithful_to_fp32(models: Path, expected: Vector, precision: str) -> None:
    """Cosine of at least 0.999 to sentence-transformers' fp32 for each text, however short or long."""
    cosines = np.sum(open_encoder(bundled(), precision, models).encode(TEXTS) * expected, axis=1)
    assert cosines.min() >= 0.999


@pytest.mark.slow
def test_threads_get_their_own_texts_vectors(models: Path) -> None:
    """Eight threads on one encoder: each answer is its text's, also for queries in between."""
    encoder = open_encoder(bundled(), "openvino-fp32", models)
    alone = encoder.encode(SAMPLE)
    with ThreadPoolExecutor(8) as pool:
        several = list(pool.map(lambda n: encoder.encode(SAMPLE[n : n + 5]), range(40)))
        queries = list(pool.map(encoder.encode_query, SAMPLE))
    assert all(np.allclose(rows, alone[n : n + 5], atol=1e-5) for n, rows in enumerate(several))
    assert np.allclose(np.stack(queries), alone, atol=1e-5)


@pytest.mark.slow
def test_a_model_that_nobody_uses_any_more_is_gone(models: Path) -> None:
    """A process may open one model after the other: none of the 265 MB of each stays."""
    runtime = open_runtime(bundled(), models, bf16=False)
    left = weakref.ref(runtime)
    del runtime
    gc.collect()
    assert left() is None


@pytest.fixture(scope="session")
def unusual(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    """The bundled model under an activation's other name, which `bert_graph` does not know: it has to be converted."""
    folder, source = tmp_path_factory.mktemp("unusual"), bundled().folder
    assert source is not None
    shutil.copytree(source, folder / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "m" / "model.safetensors").symlink_to(source / "model.safetensors")
    config = json.loads((folder / "m" / "config.json").read_text())
    (folder / "m" / "config.json").write_text(json.dumps(config | {"hidden_act": "gelu_python"}))
    return locate("m", folder)


@pytest.mark.slow
def test_a_converted_model_embeds_as_the_original(unusual: ModelFiles, models: Path, expected: Vector) -> None:
    """The general road: any chain of modules, traced."""
    assert bert_graph.pooling_of(unusual) is None
    cosines = np.sum(open_encoder(unusual, "openvino-fp32", models).encode(TEXTS) * expected, axis=1)
    assert cosines.min() >= 0.9999


def test_a_bert_is_built_without_a_conversion(tmp_path: Path) -> None:
    """Its graph comes from the weights' file and is as near to sentence-transformers as rounding is; nothing is left behind."""
    runtime = open_runtime(bundled(), tmp_path / "models", bf16=False)
    probe = Probe.read(Path(openvino_runtime.__file__).with_name("bundled_probe.npz"))
    assert probe.cosine(runtime) >= 0.99999
    assert not (tmp_path / "models").exists()


@pytest.mark.slow
def test_another_bert_is_probed_against_sentence_transformers(tmp_path: Path) -> None:
    """CLS pooling, another name: built, probed with vectors made once, and equal to what sentence-transformers gives."""
    from indexing.models.torch_runtime import reference

    source = bundled().folder
    assert source is not None
    shutil.copytree(source, tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "m" / "model.safetensors").symlink_to(source / "model.safetensors")
    pooling = tmp_path / "m" / "1_Pooling" / "config.json"
    modes = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    pooling.write_text(json.dumps(json.loads(pooling.read_text()) | modes))
    files = locate("m", tmp_path)
    assert bert_graph.pooling_of(files) == "cls"
    vectors = open_encoder(files, "openvino-fp32", tmp_path / "models").encode(TEXTS)
    assert np.sum(vectors * reference(files, TEXTS), axis=1).min() >= 0.9999
    (made,) = [path for path in (tmp_path / "models").iterdir() if path.is_dir()]
    assert [file.name for file in made.iterdir()] == ["probe.npz"]


@pytest.mark.slow
def test_a_batch_that_does_not_fit_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a device runs out of memory the batch is tried again in halves, later ones are smaller, and no vector is lost."""
    import torch

    from indexing.models.torch_runtime import TorchRuntime

    class Small(torch.nn.Module):
        """A device with room for 40 tokens."""

        def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            if features["input_ids"].numel() > 40:
                raise torch.OutOfMemoryError("out of memory")
            total = (features["input_ids"] * features["attention_mask"]).sum(dim=1, keepdim=True)
            return {"sentence_embedding": torch.cat([total, torch.ones_like(total)], dim=1).float()}

    runtime = TorchRuntime(Small(), "cpu", 1000)  # type: ignore[arg-type]
    ids = [list(range(1, n + 1)) for n in (9, 3, 20, 7, 7, 12, 1)]
    batches = in_batches(ids, 0, runtime.batch_tokens)
    rows = runtime.run(batches)
    assert [int(total) for total in rows[:, 0]] == [sum(ids[p]) for b in batches for p in b.positions]
    assert runtime.batch_tokens <= 70
    with pytest.raises(MemoryError, match="no room for a text of 50 tokens"):
        runtime.run(in_batches([[1] * 50], 0, 1000))


@pytest.mark.slow
def test_a_process_that_finds_the_converted_model_needs_no_torch(models: Path) -> None:
    """Encoding from a built model imports neither torch nor sentence_transformers, and answers in seconds."""
    code = (
        "import sys, json; from pathlib import Path; from indexing.models.encoder import open_encoder; "
        "from indexing.models.files import BUNDLED, locate; "
        "encoder = open_encoder(locate(BUNDLED, Path()), 'openvino-fp32', Path(sys.argv[1])); "
        "vectors = encoder.encode(['one text', 'another']); "
        "heavy = ('torch', 'transformers', 'sentence_transformers', 'huggingface_hub'); "
        "print(json.dumps([vectors.shape, [name for name in heavy if name in sys.modules]]))"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code, str(models)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[2, 384], []]
    assert time.monotonic() - start < 30
    assert done.stderr == ""


@pytest.mark.slow
def test_a_converted_model_that_differs_is_never_used(unusual: ModelFiles, models: Path, tmp_path: Path) -> None:
    """One that does not embed as the original did fails its probe; a truncated file says which folder to remove."""
    folder = tmp_path / converted(unusual, models).name
    shutil.copytree(converted(unusual, models), folder)
    with np.load(folder / "probe.npz") as probe:
        ids, lengths, vectors = probe["ids"], probe["lengths"], probe["vectors"]
    np.savez(folder / "probe.npz", ids=ids, lengths=lengths, vectors=np.roll(vectors, 1, axis=1))
    with pytest.raises(IntegrityError, match="differs from the original"):
        open_encoder(unusual, "openvino-fp32", tmp_path).encode(["text"])
    (folder / "model.bin").write_bytes(b"truncated")
    with pytest.raises(IntegrityError, match="cannot be opened") as raised:
        open_encoder(unusual, "openvino-fp32", tmp_path).encode(["text"])
    assert str(folder) in raised.value.hint


@pytest.mark.slow
def test_a_model_sentence_transformers_refuses_is_a_configuration_error(tmp_path: Path) -> None:
    """Damaged weights: one message that names the model."""
    source = bundled().folder
    assert source is not None
    shutil.copytree(source, tmp_path / "m", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "m" / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(ConfigurationError, match="cannot load 'm'"):
        open_encoder(locate("m", tmp_path), "fp32", tmp_path).encode(["text"])
    assert not list(tmp_path.glob(".converting-*"))


def test_a_killed_conversion_is_cleared_away_and_two_at_once_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies half-made belongs to nobody: whoever converts holds the lock, and the other one waits for the whole."""
    (tmp_path / ".converting-dead").mkdir()
    (tmp_path / ".converting-dead" / "model.bin").write_bytes(b"half")
    made: list[Path] = []

    def export(files: ModelFiles, folder: Path, *, graph: bool) -> None:
        time.sleep(0.1)
        (folder / "model.bin").write_bytes(b"whole")
        made.append(folder)

    monkeypatch.setattr("indexing.models.torch_runtime.export", export)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: converted(bundled(), tmp_path), range(2))
    assert (len(made), first) == (1, second)
    assert (first / "model.bin").read_bytes() == b"whole"
    assert not list(tmp_path.glob(".converting-*"))
