"""Examples of TorchServe's inference API: what may be sent, and what is answered."""

from service.accept import JSON
from service.errors import NotReady
from service.examples import problems
from service.examples.answers import SIGN
from service.examples.bodies import BINARY
from service.steps.read import FORM

OCTETS = "application/octet-stream"
BODIES = {
    "required": True,
    "description": "the image's bytes, whatever their type is said to be; or a form with one "
    "image, in a part named `data` or `body`",
    "content": {
        "image/*": {"schema": BINARY},
        OCTETS: {"schema": BINARY},
        FORM: {
            "schema": {"type": "object", "properties": {"data": BINARY}, "required": ["data"]},
            "encoding": {"data": {"contentType": "image/*"}},
        },
    },
}
PREDICTION = {
    "description": "of a classifier, its five best labels; of a detector, each object with the "
    "corners of its box (x_min, y_min, x_max, y_max) in pixels of the upload, and its score",
    "headers": ["Server-Timing", "X-Routing"],
    "content": {
        JSON: {
            "examples": {
                "classifier": {
                    "summary": "what a classifier sees",
                    "value": {SIGN: 0.97, "no_driving_sign": 0.02},
                },
                "detector": {
                    "summary": "what a detector finds, and where",
                    "value": [{SIGN: [12.0, 30.5, 55.2, 71.9], "score": 0.91}],
                },
            }
        }
    },
}
UNHEALTHY = {
    "description": problems.error(NotReady, "/ping").title,
    "content": {
        JSON: {
            "schema": {"$ref": "#/components/schemas/Health"},
            "examples": {"unhealthy": {"summary": "not now", "value": {"status": "Unhealthy"}}},
        }
    },
}
