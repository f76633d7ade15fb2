"""Every way a request can fail, and the one function that answers with it (RFC 9457).

GatewayError
├── UnknownParameter        400  a query parameter that does not exist
├── ModelNotNamed           400  no `model=`, and not exactly one to choose from
├── TaskNotNamed            400  `model=auto` without `task=`, and not exactly one to choose for
├── MalformedUpload         400  a form or a JSON body that no image can be read out of
├── Unauthenticated         401  no API key where one is needed, or one that is not known
├── ModelControlOff         403  models may not be loaded and unloaded through this gateway
├── ForeignOrigin           403  a web page of somebody else asks to load or unload
├── Forbidden               403  the API key lacks a scope
├── UnknownModel            404  Triton has no model of that name
├── UnknownVersion          404  the model is there, that version is not
├── UnknownShadow           404  the routing file has no such shadow, or no such image is kept
├── BodyTimeout             408  the body arrived too slowly
├── ModelNotServable        409  the model carries no recipe that this gateway can follow
├── ModelNotLoaded          409  there is nothing to unload
├── BodyTooLarge            413  more bytes than `max_body_bytes`
├── ImageTooLarge           413  more pixels than `max_pixels`, or more memory to decode
├── TooManyImages           413  more images in one request than `max_images`
├── UnsupportedMediaType    415  neither image/*, multipart/form-data nor application/json
├── UnknownHost             421  the request names a host that this gateway does not answer for
├── InvalidParameter        422  a parameter whose value makes no sense
├── BudgetTooSmall          422  `budget_ms` that no model's recent p95 fits
├── UnreadableImage         422  no image, a broken one, or a format that is not read
├── RateLimited             429  more requests than one caller may send
├── InternalError           500  a fault of ours; the log has the cause
├── InferenceFailed         502  Triton or the model failed at this request
├── UnexpectedOutput        502  the model's answer does not fit its recipe
├── LoadFailed              502  Triton could not load the model
├── Overloaded              503  the model or the gateway has as many predictions as it can take
├── QueueFull               503  Triton's queue for the model is full
├── BackendUnavailable      503  Triton cannot be reached or is stopping
├── ModelNotReady           503  the model is loading, was unloaded or failed to load
├── ModelBroken             503  the model says it is ready and fails at every request
├── NotReady                503  `/readyz`: this gateway should get no traffic now
├── LoadTimeout             504  a model took too long to load or unload
└── DeadlineExceeded        504  out of time; names the stage
"""

from service.errors.access import (
    Forbidden,
    ForeignOrigin,
    ModelControlOff,
    RateLimited,
    Unauthenticated,
    UnknownHost,
)
from service.errors.base import GatewayError
from service.errors.model import (
    InferenceFailed,
    LoadFailed,
    LoadTimeout,
    ModelBroken,
    ModelNotLoaded,
    ModelNotReady,
    ModelNotServable,
    UnexpectedOutput,
    UnknownModel,
    UnknownShadow,
    UnknownVersion,
)
from service.errors.request import (
    BodyTimeout,
    BodyTooLarge,
    BudgetTooSmall,
    ImageTooLarge,
    InvalidParameter,
    MalformedUpload,
    ModelNotNamed,
    TaskNotNamed,
    TooManyImages,
    UnknownParameter,
    UnreadableImage,
    UnsupportedMediaType,
)
from service.errors.responses import answer, answer_status, problem
from service.errors.server import (
    BackendUnavailable,
    DeadlineExceeded,
    InternalError,
    NotReady,
    Overloaded,
    QueueFull,
)

__all__ = [
    "BackendUnavailable",
    "BodyTimeout",
    "BodyTooLarge",
    "BudgetTooSmall",
    "DeadlineExceeded",
    "Forbidden",
    "ForeignOrigin",
    "GatewayError",
    "ImageTooLarge",
    "InferenceFailed",
    "InternalError",
    "InvalidParameter",
    "LoadFailed",
    "LoadTimeout",
    "MalformedUpload",
    "ModelBroken",
    "ModelControlOff",
    "ModelNotLoaded",
    "ModelNotNamed",
    "ModelNotReady",
    "ModelNotServable",
    "NotReady",
    "Overloaded",
    "QueueFull",
    "RateLimited",
    "TaskNotNamed",
    "TooManyImages",
    "Unauthenticated",
    "UnexpectedOutput",
    "UnknownHost",
    "UnknownModel",
    "UnknownParameter",
    "UnknownShadow",
    "UnknownVersion",
    "UnreadableImage",
    "UnsupportedMediaType",
    "answer",
    "answer_status",
    "problem",
]
