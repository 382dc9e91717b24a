"""A Starlette application that does nothing, on the hub's own stack: what HTTP alone costs.

    python -m tests.benchmarks.programs.empty_endpoint PORT

uvicorn is set as `api.http.server` sets it.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.http.listening import BACKLOG


async def do_nothing(_request: Request) -> Response:
    return Response(b'{"ok":true,"result":null}', media_type="application/json")


def main(port: int) -> None:
    """Serve until a signal."""
    app = Starlette(routes=[Route("/v1/messages", do_nothing, methods=["GET", "POST"])])
    uvicorn.run(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        interface="asgi3",
        backlog=BACKLOG,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
