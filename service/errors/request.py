"""What is asked: parameters, uploads and images that cannot be used."""
# ruff: noqa: N818 - the names read as what happened, and become the problems' types

from service.errors.base import GatewayError


class UnknownParameter(GatewayError):
    """A query parameter that does not exist."""

    status = 400
    title = "Unknown query parameter"


class ModelNotNamed(GatewayError):
    """No `model=`, and not exactly one to choose from."""

    status = 400
    title = "No model named"
    remedy = "add ?model=NAME with one of the names in `models`"


class TaskNotNamed(GatewayError):
    """`model=auto` without `task=`, and not exactly one task to choose for."""

    status = 400
    title = "No task named"
    remedy = "add &task=TASK with one of `tasks`"


class MalformedUpload(GatewayError):
    """A form or a JSON body that no image can be read out of."""

    status = 400
    title = "Malformed upload"
    remedy = "send one part named `file`, as curl -F file=@photo.jpg does"


class BodyTimeout(GatewayError):
    """The body arrived too slowly."""

    status = 408
    title = "Body too slow"
    remedy = "send a smaller image or use a faster connection"


class BodyTooLarge(GatewayError):
    """More bytes than `max_body_bytes`."""

    status = 413
    title = "Body too large"
    remedy = "send a smaller file"


class ImageTooLarge(GatewayError):
    """More pixels than `max_pixels`, a side over `max_side`, or more memory to decode."""

    status = 413
    title = "Image too large"
    remedy = "scale the image down; the model sees far fewer pixels"


class TooManyImages(GatewayError):
    """More images in one request than `max_images`."""

    status = 413
    title = "Too many images"
    remedy = "send them in several requests"


class UnsupportedMediaType(GatewayError):
    """Neither image/*, multipart/form-data nor application/json."""

    status = 415
    title = "Unsupported media type"
    remedy = "send the image's bytes with Content-Type: image/jpeg, a form with a file, or JSON"


class InvalidParameter(GatewayError):
    """A parameter whose value makes no sense."""

    status = 422
    title = "Invalid parameter"


class BudgetTooSmall(GatewayError):
    """`model=auto` with a `budget_ms` that no model's recent p95 fits."""

    status = 422
    title = "Budget too small"


class UnreadableImage(GatewayError):
    """No image, a broken one, or a format that is not read."""

    status = 422
    title = "Unreadable image"
    remedy = "send a complete JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF file"
