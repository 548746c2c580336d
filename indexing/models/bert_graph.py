"""A BERT encoder with its pooling as an OpenVINO graph, built from the weights' file itself.

Neither torch nor sentence_transformers is needed, so a first run starts to embed after half a second instead of ten, and
nothing has to be converted or kept. The graph is that of Devlin et al. ("BERT", 2019) as `transformers` computes it, with
mean or CLS pooling; any other model is converted (`openvino_runtime.converted`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from indexing.models.files import ModelFiles

_ACTIVATIONS = {"gelu": "erf", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}
"""Of the configuration (`hidden_act`), to OpenVINO's name of the approximation."""


def pooling_of(files: ModelFiles) -> str | None:
    """`mean` or `cls` where this file can build the model; None where it cannot."""
    if files.folder is None:
        return None
    modules = [(str(m["type"]).rsplit(".", 1)[-1], files.folder / str(m["path"])) for m in _json(files.folder / "modules.json")]
    if [kind for kind, _ in modules] not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    config = _json(modules[0][1] / "config.json")
    usual = config.get("position_embedding_type", "absolute") == "absolute" and not config.get("is_decoder")
    if config.get("model_type") != "bert" or not usual or config.get("hidden_act") not in _ACTIVATIONS:
        return None
    if [file.name for file in modules[0][1].glob("*.safetensors")] != ["model.safetensors"]:
        return None
    pooling = _json(modules[1][1] / "config.json")
    if not pooling.get("include_prompt", True):
        return None
    mode = pooling.get("pooling_mode")
    modes = [mode] if isinstance(mode, str) else [name for name, on in pooling.items() if name.startswith("pooling_mode_") and on]
    return {"pooling_mode_mean_tokens": "mean", "mean": "mean", "pooling_mode_cls_token": "cls", "cls": "cls"}.get(
        modes[0] if len(modes) == 1 else ""
    )


def build(openvino: Any, files: ModelFiles, pooling: str) -> Any:
    """The model: takes `input_ids` and `attention_mask` (int64, both dimensions free), gives float32 (rows, dimension).

    The vectors are pooled and not yet normalised. Raises KeyError, OSError or ValueError where the file does not hold what its
    configuration says.
    """
    from openvino import opset13 as op

    base = Path(str(files.tokenizer)).parent
    config = _json(base / "config.json")
    weights = _weights(base / "model.safetensors")
    hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    epsilon, width = float(config.get("layer_norm_eps", 1e-12)), hidden // heads

    def constant(value: NDArray[Any] | list[int]) -> Any:
        array = np.asarray(value)
        return op.constant(np.ascontiguousarray(array) if array.ndim else array)  # it makes one dimension of none

    def dense(x: Any, *names: str) -> Any:
        """One multiplication for all of these layers, side by side."""
        matrix = np.concatenate([weights[f"{name}.weight"] for name in names])
        bias = np.concatenate([weights[f"{name}.bias"] for name in names])
        return op.add(op.matmul(x, constant(matrix), False, True), constant(bias[None, None]))

    def normed(x: Any, name: str) -> Any:
        centred = op.mvn(x, constant(np.array([-1], np.int64)), True, epsilon, "inside_sqrt")
        scaled = op.multiply(centred, constant(weights[f"{name}.weight"][None, None]))
        return op.add(scaled, constant(weights[f"{name}.bias"][None, None]))

    ids = op.parameter([-1, -1], np.int64, name="input_ids")
    mask = op.parameter([-1, -1], np.int64, name="attention_mask")
    zero, one = constant(np.array(0, np.int64)), constant(np.array(1, np.int64))
    length = op.gather(op.shape_of(ids), one, zero)
    # Every token is of type 0 here: its row is added to each position once and for all.
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    positions = op.gather(constant(places), op.range(zero, length, one, "i64"), zero)
    words = op.gather(constant(weights["embeddings.word_embeddings.weight"]), ids, zero)
    x = normed(op.add(words, op.unsqueeze(positions, zero)), "embeddings.LayerNorm")
    seen = op.unsqueeze(op.convert(mask, "boolean"), constant(np.array([1, 2], np.int64)))
    for layer in range(int(config["num_hidden_layers"])):
        at = f"encoder.layer.{layer}"
        attention = f"{at}.attention.self"
        together = dense(x, f"{attention}.query", f"{attention}.key", f"{attention}.value")
        parts = op.reshape(together, constant([0, 0, 3, heads, width]), True)
        turned = op.transpose(parts, constant([2, 0, 3, 1, 4]))
        query, key, value = (op.gather(turned, constant(np.array(n, np.int64)), zero) for n in range(3))
        attended = op.scaled_dot_product_attention(query, key, value, seen)
        joined = op.reshape(op.transpose(attended, constant([0, 2, 1, 3])), constant([0, 0, hidden]), True)
        x = normed(op.add(x, dense(joined, f"{at}.attention.output.dense")), f"{at}.attention.output.LayerNorm")
        inner = op.gelu(dense(x, f"{at}.intermediate.dense"), _ACTIVATIONS[config["hidden_act"]])
        x = normed(op.add(x, dense(inner, f"{at}.output.dense")), f"{at}.output.LayerNorm")
    if pooling == "cls":
        pooled = op.gather(x, zero, one)
    else:
        weight = op.convert(op.unsqueeze(mask, constant(np.array(2, np.int64))), "f32")
        total = op.reduce_sum(op.multiply(x, weight), one)
        pooled = op.divide(total, op.reduce_sum(weight, one))
    return openvino.Model([op.result(pooled)], [ids, mask], "bert")


def _weights(file: Path) -> dict[str, NDArray[Any]]:
    """Every float tensor as float32, by its name without a `bert.` before it."""
    with safe_open(str(file), "np") as tensors:
        found = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118 - not a mapping
    return {
        name.removeprefix("bert."): value.astype(np.float32, copy=False)
        for name, value in found.items()
        if value.dtype.kind == "f"
    }


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
