"""What a model takes and gives, and whether a request fits it: told before Triton is asked.

Triton's own words for a misfit may hold paths and are not passed on.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from service.backend import InferenceBackend, Subject
from service.errors import InvalidParameter
from service.tensors import Tensor, TensorRequest
from service.values import Model

ANY = -1  # a dimension that the request decides


@dataclass(frozen=True, slots=True)
class InputForm:
    """One input of a model."""

    datatype: str
    shape: tuple[int, ...]  # with the batch, ANY, in front where there is one
    optional: bool
    plain: bool  # whether its shape is that of its values and they are spread row by row


@dataclass(frozen=True, slots=True)
class Signature:
    """The tensors of one model."""

    inputs: Mapping[str, InputForm]
    outputs: frozenset[str]
    max_batch_size: int  # 0: the model has no batches

    @classmethod
    def of(cls, metadata: Mapping[str, Any], config: Mapping[str, Any]) -> Self:
        """What Triton's answers about a model say."""
        configured = {one["name"]: one for one in config["input"]}
        inputs = {
            one["name"]: _form(one, configured.get(one["name"], {})) for one in metadata["inputs"]
        }
        outputs = frozenset(one["name"] for one in metadata["outputs"])
        return cls(inputs, outputs, config["max_batch_size"])

    def check(self, request: TensorRequest) -> None:
        """Raise InvalidParameter at the first thing that does not fit."""
        sent = Counter(one.name for one in request.inputs)
        self._check_names("input", sent, list(self.inputs))
        for name, form in self.inputs.items():
            if name not in sent and not form.optional:
                raise InvalidParameter(f"input {name!r} is missing", field="inputs")
        for place, one in enumerate(request.inputs):
            self._check_input(one, f"inputs[{place}]")
        batches = {one.shape[:1] for one in request.inputs} if self.max_batch_size else set()
        if len(batches) > 1:
            raise InvalidParameter("the inputs have batches of different sizes", field="inputs")
        asked = Counter(one.name for one in request.outputs)
        self._check_names("output", asked, sorted(self.outputs))

    def _check_names(self, kind: str, given: Counter[str], known: Sequence[str]) -> None:
        for name, times in given.items():
            if name not in known:
                raise InvalidParameter(
                    f"the model has no {kind} {name[:100]!r}; it has {', '.join(known)}",
                    field=f"{kind}s",
                )
            if times > 1:
                raise InvalidParameter(f"{kind} {name!r} comes {times} times", field=f"{kind}s")

    def _check_input(self, one: Tensor, field: str) -> None:
        form = self.inputs[one.name]
        if one.datatype != form.datatype:
            raise InvalidParameter(
                f"input {one.name!r} is {form.datatype}, not {one.datatype}", field=field
            )
        if not form.plain:
            return
        if not _fits(one.shape, form.shape):
            batch = "; the first is the batch" if self.max_batch_size else ""
            raise InvalidParameter(
                f"input {one.name!r} has the shape {list(form.shape)}, where {ANY} is any size"
                f"{batch}; {list(one.shape)} does not fit",
                field=field,
            )
        if self.max_batch_size and not 1 <= one.shape[0] <= self.max_batch_size:
            raise InvalidParameter(
                f"input {one.name!r} has a batch of {one.shape[0]}; "
                f"the model takes 1 to {self.max_batch_size}",
                field=field,
                least=1,
                most=self.max_batch_size,
            )


def _fits(shape: Sequence[int], form: Sequence[int]) -> bool:
    pairs = zip(shape, form, strict=False)
    return len(shape) == len(form) and all(expected in (ANY, size) for size, expected in pairs)


def _form(told: Mapping[str, Any], configured: Mapping[str, Any]) -> InputForm:
    odd = ("is_shape_tensor", "is_non_linear_format_io")
    return InputForm(
        told["datatype"],
        tuple(told["shape"]),
        optional=bool(configured.get("optional")),
        plain=not any(configured.get(flag) for flag in odd),
    )


class Signatures:
    """The signatures that were asked for; one that refuses a request is asked for anew first."""

    def __init__(self, backend: InferenceBackend) -> None:
        self._backend = backend
        # As of what the catalogue said of the model; names are Triton's, so there are not many.
        self._known: dict[tuple[str, str], tuple[Model, Signature]] = {}

    async def check(self, model: Model, version: str, request: TensorRequest) -> None:
        """Raise InvalidParameter unless the model takes ``request``; others if it is away."""
        model_then, signature = self._known.get((model.name, version), (None, None))
        if signature is not None and model_then == model:
            try:
                return signature.check(request)
            except InvalidParameter:  # perhaps it was loaded anew, with another configuration
                pass
        metadata, config = await asyncio.gather(
            self._backend.describe(Subject.MODEL, model.name, version),
            self._backend.describe(Subject.CONFIG, model.name, version),
        )
        signature = Signature.of(metadata, config)
        self._known[model.name, version] = model, signature
        return signature.check(request)
