"""What one writes today: a Python gRPC server with ONNX Runtime in it. `grpc_server.py SOCKET MODEL [HANGING MODEL]`.

Kinder to itself than most: raw bytes in place of protobuf messages, one thread of ONNX Runtime that does not spin.
"""

import sys
from concurrent import futures

import grpc

from serving import answer, hang, open_session, ready

ADDRESS, MODEL = sys.argv[1:3]
session = open_session(MODEL)
hanging = open_session(sys.argv[3]) if len(sys.argv) > 3 else None


def method(act):
    return grpc.unary_unary_rpc_method_handler(lambda request, context: act(request))


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.max_receive_message_length", -1)])
server.add_generic_rpc_handlers(
    [
        grpc.method_handlers_generic_handler(
            "bench.Model",
            {
                "Predict": method(lambda request: answer(session, request)),
                "Hang": method(lambda request: hang(hanging)),
            },
        )
    ]
)
server.add_insecure_port(f"unix:{ADDRESS}")
server.start()
ready()
server.wait_for_termination()
