"""The Python client of the Fovea gateway: ``Client`` and, for asyncio, ``AsyncClient``.

    from fovea import Client

    with Client("http://127.0.0.1:8080") as client:
        answer = client.predict("photo.jpg", model="mbv2_simam")
        print(answer.predictions[0].label)

What can be imported from here stays; the modules inside may change. The guide is
``docs/client.md``.
"""

from fovea._answers import (
    Answer,
    Batch,
    BatchItem,
    Box,
    ClassMap,
    Detection,
    ImageSize,
    Mask,
    PassedOver,
    Prediction,
    Routing,
)
from fovea._async_client import AsyncClient
from fovea._client import Client
from fovea._comparison import Agreement, Compared, Comparison, Vote
from fovea._errors import (
    AnswerTimeout,
    AuthError,
    BadImage,
    BadRequest,
    Conflict,
    ConnectError,
    ConnectionLost,
    DeadlineExceeded,
    FoveaError,
    NotFound,
    Overloaded,
    ProblemError,
    RateLimited,
    ServerError,
    TransportError,
    Unavailable,
    UnexpectedAnswer,
)
from fovea._images import Image
from fovea._models import Card, DetectionLimits, Figure, InputSpec, Model, Normalisation
from fovea._options import (
    CallOptions,
    ClientOptions,
    CompareOptions,
    PredictOptions,
    RenderOptions,
)
from fovea._version import __version__

__all__ = [
    "Agreement",
    "Answer",
    "AnswerTimeout",
    "AsyncClient",
    "AuthError",
    "BadImage",
    "BadRequest",
    "Batch",
    "BatchItem",
    "Box",
    "CallOptions",
    "Card",
    "ClassMap",
    "Client",
    "ClientOptions",
    "CompareOptions",
    "Compared",
    "Comparison",
    "Conflict",
    "ConnectError",
    "ConnectionLost",
    "DeadlineExceeded",
    "Detection",
    "DetectionLimits",
    "Figure",
    "FoveaError",
    "Image",
    "ImageSize",
    "InputSpec",
    "Mask",
    "Model",
    "Normalisation",
    "NotFound",
    "Overloaded",
    "PassedOver",
    "PredictOptions",
    "Prediction",
    "ProblemError",
    "RateLimited",
    "RenderOptions",
    "Routing",
    "ServerError",
    "TransportError",
    "Unavailable",
    "UnexpectedAnswer",
    "Vote",
    "__version__",
]

# Tracebacks and reprs say fovea.NotFound, which is what a caller may write.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
