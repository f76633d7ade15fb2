"""The gateway's OpenAPI document, taken apart."""

from service.app import create_app
from service.settings import Settings
from tests.fakes import FakeBackend

PROBLEM = "application/problem+json"
DOCUMENT = create_app(Settings(), FakeBackend()).openapi()
COMPONENTS = DOCUMENT["components"]
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
