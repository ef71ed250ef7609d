"""What one writes today: an HTTP server with ONNX Runtime in it. `uvicorn_server.py SOCKET MODEL [HANGING MODEL]`.

Kinder to itself than most: no framework, raw bytes in place of JSON, the run in the event loop's own thread.
"""

import sys

import uvicorn

from serving import answer, hang, open_session, ready

ADDRESS, MODEL = sys.argv[1:3]
session = open_session(MODEL)
hanging = open_session(sys.argv[3]) if len(sys.argv) > 3 else None
ACTS = {
    "/predict": lambda body: answer(session, body),
    "/hang": lambda body: hang(hanging),
}


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.startup":
                ready()
            else:
                return
    body = b""
    while True:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body", False):
            break
    output = ACTS[scope["path"]](body)
    length = str(len(output)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": output})


uvicorn.run(app, uds=ADDRESS, log_level="error", access_log=False, lifespan="on")
