"""What Triton tells of itself and its models, as the JSON that its HTTP endpoint makes of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tritonclient.grpc import service_pb2

from service.backend import Subject

Json = dict[str, Any]

QUESTIONS = {
    Subject.SERVER: ("ServerMetadata", service_pb2.ServerMetadataRequest),
    Subject.REPOSITORY: ("RepositoryIndex", service_pb2.RepositoryIndexRequest),
    Subject.MODEL: ("ModelMetadata", service_pb2.ModelMetadataRequest),
    Subject.CONFIG: ("ModelConfig", service_pb2.ModelConfigRequest),
    Subject.STATISTICS: ("ModelStatistics", service_pb2.ModelStatisticsRequest),
}
# What is in parts on several servers, and in which field the parts are.
SPREAD = {Subject.REPOSITORY: "models", Subject.STATISTICS: "model_stats"}
READY = "READY"


def question(subject: Subject, model: str, version: str) -> tuple[str, Any]:
    """The method to call, and its request."""
    method, kind = QUESTIONS[subject]
    return method, kind(name=model, version=version) if model else kind()


def told(subject: Subject, answers: Sequence[Any]) -> Any:
    """The JSON of an answer; of several, where each server has its part, of all together."""
    if subject is Subject.REPOSITORY:
        return _index(_parts(subject, answers))
    if subject is Subject.STATISTICS:
        return {SPREAD[subject]: _sums(_parts(subject, answers))}
    document = as_json(answers[0])
    return document["config"] if subject is Subject.CONFIG else document


def as_json(message: Any) -> Json:
    """All fields but messages and members of a `oneof` that are not set; numbers are numbers.

    Protobuf's own JSON has 64-bit integers as strings.
    """
    return {
        field.name: _value(field, getattr(message, field.name))
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _value(field: Any, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        of_values = field.message_type.fields_by_name["value"]
        return {str(key): _single(of_values, item) for key, item in value.items()}
    if field.is_repeated:
        return [_single(field, item) for item in value]
    return _single(field, value)


def _single(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return as_json(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    return value


def _parts(subject: Subject, answers: Iterable[Any]) -> list[Json]:
    return [as_json(part) for answer in answers for part in getattr(answer, SPREAD[subject])]


def _index(entries: Iterable[Json]) -> list[Json]:
    """Each version once, and ready if it is so anywhere; without what is not known of it."""
    found: dict[tuple[str, str], Json] = {}
    for entry in entries:
        key = entry["name"], entry["version"]
        if key not in found or entry["state"] == READY:
            found[key] = {name: value for name, value in entry.items() if value}
    return list(found.values())


def _sums(models: Iterable[Json]) -> list[Json]:
    """Each version once, with what all servers have counted of it."""
    found: dict[tuple[str, str], Json] = {}
    for model in models:
        key = model["name"], model["version"]
        found[key] = _sum(found[key], model) if key in found else model
    return list(found.values())


def _sum(one: Any, other: Any, name: str = "") -> Any:
    if isinstance(one, Mapping):
        names = [*one, *(key for key in other if key not in one)]
        return {
            key: _sum(one[key], other[key], key)
            if key in one and key in other
            else one.get(key, other.get(key))
            for key in names
        }
    if isinstance(one, list):
        return _by_batch_size(one, other) if name == "batch_stats" else one + other
    if name in ("name", "version", "batch_size"):
        return one
    return max(one, other) if name == "last_inference" else one + other


def _by_batch_size(one: Sequence[Json], other: Sequence[Json]) -> list[Json]:
    found = {part["batch_size"]: part for part in one}
    for part in other:
        size = part["batch_size"]
        found[size] = _sum(found[size], part) if size in found else part
    return [found[size] for size in sorted(found)]
