"""Changes to a published part of the handbook that are no reason to refuse a release."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import damage
from benchmarks.cases import Case, World
from indexing.embed import CachedEmbedder
from pipeline.resources import Resources
from sluice.access import NOBODY


def typos(world: World, count: int = 3) -> None:
    world.edit(world.files()[:count], lambda text: text + "\nA small correction was made here.\n")


class Patient(Resources):
    @cached_property
    def embedder(self) -> Any:
        whole = super().embedder
        return CachedEmbedder(whole.encoder, whole.cache, tokenizer=whole.tokenizer, batch_texts=16)


class Sparing(Resources):
    def builder(self) -> Any:
        whole = super().builder()
        return replace(whole, points=damage.InTens(whole.points))


def _rewritten(world: World) -> None:
    for file in reversed(world.files()):
        file.write_bytes(file.read_bytes())
        file.touch()


def _one_more(world: World) -> None:
    (world.corpus / "content/new.md").write_text("# A new page\n\nIt says something that no other page says.\n", encoding="utf-8")


def _unasked(world: World) -> list[Path]:
    """Files that no golden question is about."""
    asked = (world.folder / "golden.jsonl").read_text(encoding="utf-8")
    return [file for file in world.files() if _uri(world, file) not in asked]


def _uri(world: World, file: Path) -> str:
    return file.relative_to(world.corpus).as_posix()


def _one_less(world: World) -> None:
    _unasked(world)[0].unlink()


def _renamed(world: World) -> None:
    for file in _unasked(world)[:2]:
        file.rename(file.with_name(f"renamed-{file.name}"))


def _renamed_with_labels(world: World) -> None:
    golden = world.folder / "golden.jsonl"
    for line in golden.read_text(encoding="utf-8").splitlines()[:3]:
        before = world.corpus / json.loads(line)["relevant"][0]["uri"]
        if before.exists():  # several questions may be about one file
            after = before.rename(before.with_name(f"renamed-{before.name}"))
            was, now = (json.dumps(_uri(world, file)) for file in (before, after))
            golden.write_text(golden.read_text(encoding="utf-8").replace(was, now), encoding="utf-8")


def _granted(world: World) -> None:
    """One department's document is shown to one more department; other documents of the same run have typos fixed."""
    forbidden = (world.folder / "leaks.jsonl").read_text(encoding="utf-8")
    file = next(f for f in world.files("content/departments/engineering") if _uri(world, f) not in forbidden)
    rule = {"match": _uri(world, file), "tags": ["engineering", "product"]}
    world.configure(access={"rules": [rule, *world.settings["access"]["rules"]]})
    typos(world)


def _second_source(world: World) -> None:
    (world.folder / "drafts").mkdir()
    empty = {"name": "drafts", "type": "files", "root": "drafts", "include": ["**/*.md"]}
    world.configure(sources=[*world.settings["sources"], empty])
    typos(world)


def _moved_rule(world: World) -> None:
    rules = world.settings["access"]["rules"]
    world.configure(access={"rules": [{"match": "content/new.md", "tags": ["public"]}, *rules]})
    _one_more(world)


def _front_matter(world: World) -> None:
    world.edit(world.files()[:5], lambda text: text if text.startswith("---") else f"---\nowner: anna\n---\n{text}")


HARMLESS: tuple[Case, ...] = (
    Case("nothing at all"),
    Case("files written again in another order", _rewritten),
    Case("a typo fixed in 3 documents", typos),
    Case("other partitioning", typos, documents_per_task=7),
    Case("other worker count", typos, documents_per_task=5, workers=3),
    Case("a document added", _one_more),
    Case("a rule that changes nothing put first", _moved_rule),
    Case("line ends as on Windows", lambda w: w.edit(w.files(), lambda text: text.replace("\n", "\r\n"))),
    Case("spaces at line ends", lambda w: w.edit(w.files(), lambda text: text.replace(".\n", ". \n"))),
    Case("a byte order mark", lambda w: w.edit(w.files()[:10], lambda text: "\ufeff" + text)),
    Case("an owner in the front matter", _front_matter),
    Case("tags damaged by the build, and repaired before it is judged", typos, tamper=damage.retag(NOBODY)),
    Case("a document deleted that no question is about", _one_less),
    Case("files renamed that no question is about", _renamed),
    Case("files renamed, and the labels with them", _renamed_with_labels),
    Case("a document shown to one more department", _granted),
    Case("a second source, still empty", _second_source),
    Case("blank lines doubled", lambda w: w.edit(w.files(), lambda text: text.replace("\n\n", "\n\n\n"))),
    Case("links from http to https", lambda w: w.edit(w.files(), lambda text: text.replace("http://", "https://"))),
    Case("texts embedded 16 at a time", lambda w: typos(w, 20), Patient),
    Case("points written 10 at a time", typos, Sparing),
    Case("the same model run by torch", lambda w: w.configure(embedding=w.settings["embedding"] | {"precision": "fp32"})),
    Case("the same model in bf16", lambda w: w.configure(embedding=w.settings["embedding"] | {"precision": "openvino-bf16"})),
    Case("more releases kept", lambda w: w.configure(retention={"keep": 5})),
    Case("searches logged", lambda w: w.configure(search={"mode": "dense", "log": "searches.jsonl"})),
)
