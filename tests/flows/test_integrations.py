"""Retrievers of other frameworks over a real index. LlamaIndex and Haystack want an environment of their own: skipped without."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import sluice
from sluice.errors import ConfigurationError
from tests.flows.conftest import Index

pytestmark = pytest.mark.slow

PEOPLE, SECURITY = sluice.Principal.of(["people"]), sluice.Principal.of(["security"])
QUERY = "parental leave lasts sixteen weeks"


def test_langchain(index: Index) -> None:
    """What the principal may read, cited in plain values, sync and async; nothing of others; no principal, no retriever."""
    pytest.importorskip("langchain_core")
    from pydantic import ValidationError

    from sluice.integrations.langchain import SluiceRetriever

    index.run()
    with sluice.open(index.config) as opened:
        searcher = opened.searcher()
        best = searcher.search(QUERY, PEOPLE, 2)
        retriever = SluiceRetriever(searcher=searcher, principal=PEOPLE, k=2)
        found = retriever.invoke(QUERY)
        assert asyncio.run(retriever.ainvoke(QUERY)) == found
        assert [(d.id, d.page_content, d.metadata["score"]) for d in found] == [(h.chunk_id, h.text, h.score) for h in best]
        assert found[0].metadata["uri"] == "people/0.md"
        assert json.loads(json.dumps(found[0].metadata)) == found[0].metadata
        other = SluiceRetriever(searcher=searcher, principal=SECURITY).invoke(QUERY)
        assert {d.metadata["uri"].split("/")[0] for d in other} == {"security"}
        with pytest.raises(ConfigurationError, match="no source is named 'none'"):
            SluiceRetriever(searcher=searcher, principal=PEOPLE, sources=("none",)).invoke(QUERY)
        for wrong in ({}, {"principal": None}, {"principal": {"tags": ["people"]}}, {"principal": "people"}):
            with pytest.raises(ValidationError, match="principal"):
                SluiceRetriever(searcher=searcher, **wrong)


def test_llamaindex(index: Index) -> None:
    """The same as nodes; a language model is shown the place of a text, and not who may read it."""
    pytest.importorskip("llama_index.core")
    from llama_index.core.schema import MetadataMode

    from sluice.integrations.llamaindex import SluiceRetriever

    index.run()
    with sluice.open(index.config) as opened:
        searcher = opened.searcher()
        best = searcher.search(QUERY, PEOPLE, 2)
        retriever = SluiceRetriever(searcher, PEOPLE, 2)
        found = retriever.retrieve(QUERY)
        assert asyncio.run(retriever.aretrieve(QUERY)) == found
        assert [(n.node.node_id, n.get_content(), n.score) for n in found] == [(h.chunk_id, h.text, h.score) for h in best]
        assert found[0].node.ref_doc_id == best[0].document_key
        shown = found[0].node.get_content(MetadataMode.LLM)
        assert "people/0.md" in shown
        assert "access_tags" not in shown
        assert best[0].document_key not in shown
        assert found[0].node.get_content(MetadataMode.EMBED).strip() == best[0].text.strip()
        other = SluiceRetriever(searcher, SECURITY).retrieve(QUERY)
        assert {n.node.metadata["uri"].split("/")[0] for n in other} == {"security"}
        with pytest.raises(ConfigurationError, match="no source is named 'none'"):
            SluiceRetriever(searcher, PEOPLE, sources=["none"]).retrieve(QUERY)
        with pytest.raises(TypeError, match="principal"):
            SluiceRetriever(searcher)  # type: ignore[call-arg]
        for wrong in (None, {"people"}, "people"):
            with pytest.raises(ConfigurationError, match="who asks"):
                SluiceRetriever(searcher, wrong)  # type: ignore[arg-type]


def test_haystack(index: Index) -> None:
    """The same as a pipeline's component, whose principal is an input of every run: a run without one does not start."""
    haystack = pytest.importorskip("haystack")
    from sluice.integrations.haystack import SluiceRetriever

    index.run()
    with sluice.open(index.config) as opened:
        searcher = opened.searcher()
        best = searcher.search(QUERY, PEOPLE, 2)
        pipeline = haystack.Pipeline()
        pipeline.add_component("retriever", SluiceRetriever(searcher, 2))

        def found(**asked: object) -> list[Any]:
            documents: list[Any] = pipeline.run({"retriever": {"query": QUERY, **asked}})["retriever"]["documents"]
            return documents

        documents = found(principal=PEOPLE)
        assert [(d.id, d.content, d.score) for d in documents] == [(h.chunk_id, h.text, h.score) for h in best]
        assert json.loads(json.dumps(documents[0].meta)) == documents[0].meta
        assert asyncio.run(SluiceRetriever(searcher, 2).run_async(QUERY, PEOPLE))["documents"] == documents
        assert {d.meta["uri"].split("/")[0] for d in found(principal=SECURITY, k=9)} == {"security"}
        with pytest.raises(ConfigurationError, match="no source is named 'none'"):
            found(principal=PEOPLE, sources=["none"])
        with pytest.raises(ValueError, match="principal"):
            found()
        with pytest.raises((ConfigurationError, haystack.core.errors.PipelineRuntimeError), match="who asks"):
            found(principal={"people"})
