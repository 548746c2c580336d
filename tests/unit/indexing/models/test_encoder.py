from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from indexing.models.encoder import BATCH_TOKENS, in_batches, open_encoder
from indexing.models.files import ModelFiles, locate
from indexing.models.openvino_runtime import converted, open_runtime
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


def test_batches_hold_every_text_once_and_keep_to_the_budget() -> None:
    """Longest first; padded tokens within the budget; ids and mask agree."""
    ids = [[7] * n for n in (3, 1000, 5, 5, 1999, 1, 4000)]
    batches = in_batches(ids, pad_id=9)
    assert sorted(p for b in batches for p in b.positions) == list(range(7))
    assert all(b.ids.size <= BATCH_TOKENS or len(b.ids) == 1 for b in batches)
    for batch in batches:
        assert batch.mask.sum(axis=1).tolist() == [len(ids[p]) for p in batch.positions]
        assert np.array_equal(batch.ids == 9, batch.mask == 0)


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


@pytest.mark.slow
def test_a_process_that_finds_the_converted_model_needs_no_torch(models: Path) -> None:
    """Encoding from a saved model imports neither torch nor sentence_transformers, and answers in seconds."""
    converted(bundled(), models)
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
def test_a_converted_model_that_differs_is_never_used(models: Path, tmp_path: Path) -> None:
    """One that does not embed as the original did fails its probe; a truncated file says which folder to remove."""
    folder = tmp_path / converted(bundled(), models).name
    shutil.copytree(converted(bundled(), models), folder)
    with np.load(folder / "probe.npz") as probe:
        ids, mask, vectors = probe["ids"], probe["mask"], probe["vectors"]
    np.savez(folder / "probe.npz", ids=ids, mask=mask, vectors=np.roll(vectors, 1, axis=1))
    with pytest.raises(IntegrityError, match="differs from the original"):
        open_encoder(bundled(), "openvino-fp32", tmp_path).encode(["text"])
    (folder / "model.bin").write_bytes(b"truncated")
    with pytest.raises(IntegrityError, match="cannot be opened") as raised:
        open_encoder(bundled(), "openvino-fp32", tmp_path).encode(["text"])
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

    def export(files: ModelFiles, folder: Path) -> None:
        time.sleep(0.1)
        (folder / "model.bin").write_bytes(b"whole")
        made.append(folder)

    monkeypatch.setattr("indexing.models.torch_runtime.export", export)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: converted(bundled(), tmp_path), range(2))
    assert (len(made), first) == (1, second)
    assert (first / "model.bin").read_bytes() == b"whole"
    assert not list(tmp_path.glob(".converting-*"))
