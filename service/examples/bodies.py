"""What may be posted to /predict, with images that can be read."""

from typing import Any

from service.accept import JSON
from service.steps.encoded import EncodedImages
from service.steps.read import FORM

BINARY = {"type": "string", "format": "binary"}
DOT = (  # a PNG of 8 by 8 red pixels
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFUlEQVR42mM8ISfHgA0wMeAAg1MCANDKARQfGKMRAAAA"
    "AElFTkSuQmCC"
)
FORM_SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "array", "items": BINARY, "minItems": 1}},
    "required": ["file"],
}
JSON_SCHEMA = EncodedImages.model_json_schema() | {
    "oneOf": [{"required": ["image"]}, {"required": ["images"]}]
}
BODIES: dict[str, Any] = {
    "required": True,
    "description": "the image's bytes; a form with parts named `file`; or base64 in JSON. Several "
    "files, or `images`, are answered with a list",
    "content": {
        "image/*": {"schema": BINARY},
        FORM: {"schema": FORM_SCHEMA, "encoding": {"file": {"contentType": "image/*"}}},
        JSON: {
            "schema": JSON_SCHEMA,
            "examples": {
                "one": {"summary": "one image", "value": {"image": DOT}},
                "several": {
                    "summary": "several, of which a data: URL is one",
                    "value": {"images": [DOT, f"data:image/png;base64,{DOT}"]},
                },
            },
        },
    },
}
ONE_IMAGE = BODIES | {
    "description": "one image: its bytes; a form with a part named `file`; or base64 in JSON",
    "content": BODIES["content"]
    | {
        JSON: {
            "schema": JSON_SCHEMA,
            "examples": {"one": {"summary": "one image", "value": {"image": DOT}}},
        }
    },
}
