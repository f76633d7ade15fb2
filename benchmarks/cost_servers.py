"""The servers whose processor time is compared: `python -m benchmarks.cost_servers bare PORT`.

`bare` reads a body and answers fixed JSON, on the same uvicorn as the gateway. `gateway` is the
whole gateway over a backend that answers at once, in the same process: no gRPC, no Triton.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray
from starlette.types import ASGIApp, Receive, Scope, Send

from service.app import create_app
from service.logs import configure
from service.settings import Settings
from service.values import Deadline, Outputs
from tests.fakes import RECIPE, FakeBackend, FakeModel

MODEL = "instant"
SCORES = np.array([[0.05, 0.1, 0.15, 0.2, 0.4, 0.1]], np.float32)
CONTENT = b'{"predictions":[]}'
LENGTH = (b"content-length", str(len(CONTENT)).encode())


class Instant(FakeBackend):
    """A backend that knows the answer; it remembers nothing, however often it is asked."""

    async def infer(  # noqa: PLR0913 - these are the parts of a request
        self,
        model: str,  # noqa: ARG002
        version: str,  # noqa: ARG002
        inputs: Mapping[str, NDArray[Any]],  # noqa: ARG002
        outputs: Sequence[str],
        deadline: Deadline,  # noqa: ARG002
        *,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> Outputs:
        """Fixed scores."""
        return Outputs(dict.fromkeys(outputs, SCORES), "1")


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI without any framework."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [LENGTH]})
    await send({"type": "http.response.body", "body": CONTENT})


def gateway(port: int) -> ASGIApp:
    """The gateway with its default settings and its log."""
    settings = Settings.load(port=port)
    configure(settings.log_level)
    return create_app(settings, Instant(models={MODEL: FakeModel(recipe=RECIPE)}))


def main(kind: str, port: int) -> None:
    """Serve with the options of `python -m service`."""
    uvicorn.run(
        bare if kind == "bare" else gateway(port),
        port=port,
        http="httptools",
        ws="none",
        lifespan="off" if kind == "bare" else "on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
