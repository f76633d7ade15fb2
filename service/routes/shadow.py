"""GET /shadow: candidates beside the models in service, what came of them, and the verdict."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from service.errors import Forbidden, InvalidParameter, Unauthenticated, UnknownShadow
from service.guard import Guard
from service.openapi import KEYS, responses
from service.routing.spec import Shadow
from service.shadow.disagreements import Picture
from service.shadow.record import Record, Shadows
from service.shadow.report import ShadowInfo, info
from service.shadow.report import Shadows as Listing

LIST, ONE = "/shadow", "/shadow/{name}"
IMAGE = "/shadow/{name}/images/{number}"
REFUSALS = (Unauthenticated, Forbidden)
FAILURES = (*REFUSALS, UnknownShadow, InvalidParameter)
# A caller sent these bytes: whatever they are, no browser shall make more than a picture of them.
CAGE = {"Content-Security-Policy": "sandbox", "Content-Disposition": "inline"}
KINDS = ("image/avif", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/tiff",
         "image/webp")  # fmt: skip
FILE = {
    "description": "the file as it was sent",
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
}
Name = Annotated[str, Path(max_length=128, examples=["signs"], description="of the route")]
Number = Annotated[int, Path(ge=1, le=10**12, examples=[1], description="of the disagreement")]


def router(shadows: Shadows, guard: Guard) -> APIRouter:
    """The routes over ``shadows``: for administrators, as they show what callers sent."""
    routes = APIRouter(tags=["shadows"], dependencies=[Depends(guard.administer)])
    extra = {"security": KEYS}

    def found(name: str) -> tuple[str, Shadow, Record]:
        shadow = shadows.settings.get(name)
        if shadow is None:
            names = list(shadows.settings)
            raise UnknownShadow(f"no route {name!r} has a shadow", field="name", shadows=names)
        return name, shadow, shadows.record(name)

    @routes.get(LIST, responses=responses(LIST, *REFUSALS), openapi_extra=extra)
    async def list_shadows() -> Listing:
        """Every shadow of the routing file: figures with intervals, and the verdict."""
        return Listing.of([found(name) for name in shadows.settings])

    @routes.get(ONE, responses=responses(ONE, *FAILURES), openapi_extra=extra)
    async def get_shadow(name: Name) -> ShadowInfo:
        """The same of one, and a sample of the images that its models disagreed on."""
        return info(*found(name))

    @routes.delete(ONE, responses=responses(ONE, *FAILURES), openapi_extra=extra)
    async def reset_shadow(name: Name) -> ShadowInfo:
        """Forget what came of its candidate, and begin anew; in the worker that answers."""
        _, _, record = found(name)
        record.reset()
        return info(*found(name))

    @routes.get(
        IMAGE,
        responses=responses(IMAGE, *FAILURES, success=FILE),
        response_class=Response,
        openapi_extra=extra,
    )
    async def get_shadow_image(name: Name, number: Number) -> Response:
        """One image that its models disagreed on, where the routing file lets images be kept."""
        _, _, record = found(name)
        picture = _picture(record, number)
        return Response(picture.data, media_type=picture.media_type, headers=CAGE)

    return routes


def _picture(record: Record, number: int) -> Picture:
    case = record.disagreements.get(number)
    if case is None or case.picture is None:
        kept = [one.number for one in record.disagreements if one.picture is not None]
        raise UnknownShadow(f"no image {number} is kept", field="number", images=kept)
    return case.picture
