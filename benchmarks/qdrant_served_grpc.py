"""The gRPC interface of the stand-in for a Qdrant server (`qdrant_served.py`): its client's own services over local mode.

What Sluice asks and nothing else: any other call is UNIMPLEMENTED, as snapshots are here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from qdrant_client import grpc as q
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_client.grpc import collections_service_pb2_grpc, points_service_pb2_grpc, qdrant_pb2_grpc
from qdrant_client.local.qdrant_local import QdrantLocal

from benchmarks.qdrant_served import queried

DONE = q.UpdateResult(operation_id=0, status=q.UpdateStatus.Completed)


class Interface:
    """One store, one call at a time."""

    def __init__(self, store: QdrantLocal, turn: threading.Lock, key: str, version: str) -> None:
        self.store, self.turn, self.key, self.version = store, turn, key, version

    @contextmanager
    def answering(self, context: Any) -> Iterator[QdrantLocal]:
        """The store, for who has the key; what local mode refuses has the status that a server gives it."""
        if self.key and dict(context.invocation_metadata()).get("api-key") != self.key:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid API key")
        try:
            with self.turn:
                yield self.store
        except ValueError as error:
            missing = "not found" in str(error)
            context.abort(grpc.StatusCode.NOT_FOUND if missing else grpc.StatusCode.INVALID_ARGUMENT, str(error))


class Root(qdrant_pb2_grpc.QdrantServicer):
    def __init__(self, interface: Interface) -> None:
        self.of = interface

    def HealthCheck(self, request: Any, context: Any) -> Any:
        with self.of.answering(context):
            return q.HealthCheckReply(title="stand-in", version=self.of.version)


class Collections(collections_service_pb2_grpc.CollectionsServicer):
    def __init__(self, interface: Interface) -> None:
        self.of = interface

    def List(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            found = store.get_collections().collections
        return q.ListCollectionsResponse(collections=[RestToGrpc.convert_collection_description(c) for c in found])

    def CollectionExists(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            return q.CollectionExistsResponse(result=q.CollectionExists(exists=store.collection_exists(request.collection_name)))

    def Get(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            found = store.get_collection(request.collection_name)
        return q.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(found))

    def Create(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            sparse = request.HasField("sparse_vectors_config")
            store.create_collection(
                request.collection_name,
                GrpcToRest.convert_vectors_config(request.vectors_config),
                sparse_vectors_config=GrpcToRest.convert_sparse_vector_config(request.sparse_vectors_config) if sparse else None,
            )
        return q.CollectionOperationResponse(result=True)

    def Update(self, request: Any, context: Any) -> Any:
        with self.of.answering(context):
            return q.CollectionOperationResponse(result=True)  # there is no graph to build

    def Delete(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            return q.CollectionOperationResponse(result=store.delete_collection(request.collection_name))

    def UpdateAliases(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            for action in request.actions:  # action by action, as a server does
                store.update_collection_aliases([GrpcToRest.convert_alias_operations(action)])
        return q.CollectionOperationResponse(result=True)

    def ListAliases(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            found = store.get_aliases().aliases
        return q.ListAliasesResponse(aliases=[RestToGrpc.convert_alias_description(a) for a in found])


class Points(points_service_pb2_grpc.PointsServicer):
    def __init__(self, interface: Interface) -> None:
        self.of = interface

    def Upsert(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            store.upsert(request.collection_name, [GrpcToRest.convert_point_struct(point) for point in request.points])
        return q.PointsOperationResponse(result=DONE)

    def Delete(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            store.delete(request.collection_name, GrpcToRest.convert_points_selector(request.points))
        return q.PointsOperationResponse(result=DONE)

    def UpdateBatch(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            for operation in request.operations:
                asked = operation.set_payload  # other operations are not asked of it
                selector = GrpcToRest.convert_points_selector(asked.points_selector)
                store.set_payload(request.collection_name, GrpcToRest.convert_payload(asked.payload), selector)
        return q.UpdateBatchResponse(result=[DONE for _ in request.operations])

    def CreateFieldIndex(self, request: Any, context: Any) -> Any:
        with self.of.answering(context):
            return q.PointsOperationResponse(result=DONE)  # local mode has none and needs none

    def Scroll(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            points, offset = store.scroll(
                request.collection_name,
                scroll_filter=GrpcToRest.convert_filter(request.filter) if request.HasField("filter") else None,
                limit=request.limit,
                offset=GrpcToRest.convert_point_id(request.offset) if request.HasField("offset") else None,
                with_payload=GrpcToRest.convert_with_payload_selector(request.with_payload),
                with_vectors=GrpcToRest.convert_with_vectors_selector(request.with_vectors),
            )
        following = None if offset is None else RestToGrpc.convert_extended_point_id(offset)
        for point in points:
            point.payload = point.payload or {}  # the conversion asks for one
        return q.ScrollResponse(result=[RestToGrpc.convert_record(point) for point in points], next_page_offset=following)

    def Query(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            found = queried(store, request.collection_name, GrpcToRest.convert_query_points(request))
        for point in found.points:
            point.payload = point.payload or {}
        return q.QueryResponse(result=[RestToGrpc.convert_scored_point(point) for point in found.points])

    def Count(self, request: Any, context: Any) -> Any:
        with self.of.answering(context) as store:
            counted = store.count(
                request.collection_name, GrpcToRest.convert_filter(request.filter) if request.HasField("filter") else None
            )
        return q.CountResponse(result=RestToGrpc.convert_count_result(counted))


def serve(store: QdrantLocal, turn: threading.Lock, key: str, version: str) -> tuple[grpc.Server, int]:
    """A server of it on loopback, begun, and its port; it ends with `stop`."""
    made, interface = grpc.server(ThreadPoolExecutor(8)), Interface(store, turn, key, version)
    services: tuple[tuple[Any, object], ...] = (
        (qdrant_pb2_grpc.add_QdrantServicer_to_server, Root(interface)),
        (collections_service_pb2_grpc.add_CollectionsServicer_to_server, Collections(interface)),
        (points_service_pb2_grpc.add_PointsServicer_to_server, Points(interface)),
    )
    for add, service in services:
        add(service, made)
    port = made.add_insecure_port("127.0.0.1:0")
    made.start()
    return made, port
