"""A recipe as Triton's config.pbtxt, written to be read in review."""

import json

from contract.codec import encode
from contract.recipe import PARAMETER, InputSpec, OutputSpec, Recipe, Role, Task
from zoo.detectors.mask_rcnn import MASK_SIDE
from zoo.export.compare import BATCHES
from zoo.export.exporter import Exporter
from zoo.export.torchscript import TorchScript

NOTES = {
    Task.CLASSIFICATION: "",
    Task.DETECTION: """\
# One picture keeps a processor busy: larger batches take more memory and make callers wait.
""",
}
WARM_RUNS = {Task.CLASSIFICATION: 3, Task.DETECTION: 1}  # of each batch size; seconds for detectors
INTEGERS = (Role.CLASSES, Role.COUNT)
TORCHSCRIPT = TorchScript()


def config_text(name: str, recipe: Recipe, exporter: Exporter = TORCHSCRIPT) -> str:
    """The config.pbtxt of the model ``name``; the same text for the same recipe."""
    image = recipe.input
    outputs = ",\n".join(f"  {_output(spec, recipe)}" for spec in recipe.outputs)
    batches, runs = BATCHES[recipe.task], WARM_RUNS[recipe.task]
    warmups = ",\n".join(_warmup(batch, image, runs) for batch in batches)
    return f"""\
# Written by `python -m zoo export {name} --format {exporter.name}`: change the zoo, not this file.
name: "{name}"

# {exporter.note}
backend: "{exporter.backend}"

{NOTES[recipe.task]}max_batch_size: {max(batches)}
input [
  {{ name: "{image.name}" data_type: TYPE_UINT8 dims: {_dims(image)} }}
]
output [
{outputs}
]

# Batches form from what waits while an instance is busy. There is no
# max_queue_delay_microseconds: a lone request would always pay it. Nor is there a queue policy:
# with any, Triton 2.51 lets some requests wait for half a second. The gateway bounds the queue.
dynamic_batching {{ }}

# No kind: one instance on each GPU, or one on the CPU of a machine without.
instance_group [ {{ count: 1 }} ]

# The first runs of a batch size are slow: memory is laid out and kernels are chosen. Sizes in
# between cost a millisecond or two once, and are not worth a slower start.
model_warmup [
{warmups}
]

{exporter.parameters}
# How to feed this model and read its answer: all that the gateway knows about it.
parameters {{
  key: "{PARAMETER}"
  value {{
    string_value:
{_literals(encode(recipe), indent=6)}
  }}
}}
"""


def _dims(image: InputSpec) -> str:
    return f"[ {image.height}, {image.width}, 3 ]"


def _output(spec: OutputSpec, recipe: Recipe) -> str:
    data_type = "TYPE_INT64" if spec.role in INTEGERS else "TYPE_FP32"
    shape = ", ".join(map(str, _shape(spec, recipe)))
    return f'{{ name: "{spec.name}" data_type: {data_type} dims: [ {shape} ] }}'


def _shape(spec: OutputSpec, recipe: Recipe) -> tuple[int, ...]:
    """Of one image's part of an output."""
    if spec.shape is not None:
        return spec.shape
    if recipe.detection is None:
        return (len(recipe.labels),)
    slots = recipe.detection.max_detections
    return {
        Role.BOXES: (slots, 4),
        Role.COUNT: (1,),
        Role.MASKS: (slots, MASK_SIDE, MASK_SIDE),
    }.get(spec.role, (slots,))


def _warmup(batch: int, image: InputSpec, runs: int) -> str:
    return f"""\
  {{
    name: "batch_{batch}"
    batch_size: {batch}
    count: {runs}
    inputs {{
      key: "{image.name}"
      value {{ data_type: TYPE_UINT8 dims: {_dims(image)} random_data: true }}
    }}
  }}"""


def _literals(document: str, indent: int) -> str:
    """Compact JSON as adjacent string literals, which protobuf joins to the very same text."""
    spread = json.dumps(json.loads(document), indent=2, separators=(",", ":"), ensure_ascii=False)
    lines = []
    for line in spread.split("\n"):
        piece = line.lstrip(" ")
        depth = indent + len(line) - len(piece)
        lines.append(f"{' ' * depth}'{_escape(piece)}'")
    return "\n".join(lines)


def _escape(text: str) -> str:
    """For a single-quoted literal of protobuf's text format."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
