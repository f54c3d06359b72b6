"""A gRPC server that speaks KServe's protocol as far as our clients do."""

from concurrent import futures
from typing import Any

import grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc


class Kserve(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """A gRPC server that is too busy for the first request, and finds no text in the second picture."""

    def __init__(self) -> None:
        self.asked = 0
        self.ids: list[str] = []

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.asked += 1
        self.ids.append(request.id)
        if self.asked == 1:
            context.abort(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
        answer = service_pb2.ModelInferResponse()
        for name, shape in (("boxes", [0, 4, 2]), ("texts", [0]), ("scores", [0]), ("box_scores", [0])):
            answer.outputs.add(name=name, datatype="BYTES" if name == "texts" else "FP32", shape=shape)
            answer.raw_output_contents.append(b"")
        return answer


def start_kserve(peer: Kserve, port: int = 0) -> tuple[grpc.Server, int]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(peer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, port
