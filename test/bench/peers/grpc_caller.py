"""A client of grpc_server.py in a process of its own, asked by lines of JSON. `grpc_caller.py SOCKET`."""

import sys

import grpc

from calling import serve_measurements

channel = grpc.insecure_channel(f"unix:{sys.argv[1]}", options=[("grpc.max_receive_message_length", -1)])
METHODS = {name: channel.unary_unary(f"/bench.Model/{name.title()}") for name in ("predict", "hang")}


def act_of(question):
    with open(question["file"], "rb") as file:
        body = file.read()
    method = METHODS[question["act"]]
    timeout = question["timeoutMs"] / 1000 if "timeoutMs" in question else None

    def act():
        try:
            method(body, timeout=timeout)
            return True
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                raise
            return False

    return act


serve_measurements(act_of)
