"""The model: not there, not servable, not ready, or failing at its work."""
# ruff: noqa: N818 - the names read as what happened, and become the problems' types

from service.errors.base import GatewayError
from service.trace import Outcome


class UnknownModel(GatewayError):
    """Triton has no model of that name."""

    status = 404
    title = "Unknown model"
    remedy = "use one of the names in `models`"


class UnknownVersion(GatewayError):
    """The model is there, that version is not."""

    status = 404
    title = "Unknown model version"
    remedy = "use one of `versions`, or leave `version` out for the newest"


class UnknownShadow(GatewayError):
    """The routing file has no shadow of that name, or no such image is kept."""

    status = 404
    title = "Unknown shadow"
    remedy = "use one of the names in `shadows`, or of the numbers in `images`"


class ModelNotServable(GatewayError):
    """The model carries no recipe that this gateway can follow."""

    status = 409
    title = "Model not servable"
    remedy = "export the model with a recipe in its config.pbtxt"


class ModelNotLoaded(GatewayError):
    """There is nothing to unload."""

    status = 409
    title = "Model not loaded"


class InferenceFailed(GatewayError):
    """Triton or the model failed at this request."""

    status = 502
    title = "Inference failed"
    outcome = Outcome.ERROR


class UnexpectedOutput(GatewayError):
    """The model's answer does not fit its recipe."""

    status = 502
    title = "Unexpected model output"
    outcome = Outcome.ERROR


class LoadFailed(GatewayError):
    """Triton could not load the model; one that was loaded before still answers."""

    status = 502
    title = "Model could not be loaded"
    outcome = Outcome.ERROR
    remedy = "export the model anew; Triton's log has the whole story"


class ModelNotReady(GatewayError):
    """The model is loading, was unloaded or failed to load."""

    status = 503
    title = "Model not ready"
    outcome = Outcome.UNAVAILABLE
    retry_after_seconds = 2


class ModelBroken(GatewayError):
    """The model says it is ready and fails at every request."""

    status = 503
    title = "Model broken"
    outcome = Outcome.UNAVAILABLE
    remedy = "see Triton's log, then load the model anew or start Triton again"
    retry_after_seconds = 2


class LoadTimeout(GatewayError):
    """A model took too long to load or unload; Triton may still be at it."""

    status = 504
    title = "Model not loaded in time"
    outcome = Outcome.DEADLINE
    remedy = "see GET /models/NAME in a while, or raise FOVEA_LOAD_TIMEOUT_SECONDS"
