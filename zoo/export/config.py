"""A recipe as Triton's config.pbtxt, written to be read in review."""

import json

from contract.codec import encode
from contract.recipe import PARAMETER, InputSpec, OutputSpec, Recipe
from zoo.export.exporter import BATCHES, Exporter
from zoo.export.torchscript import TorchScript

MAX_BATCH_SIZE = max(BATCHES)
TORCHSCRIPT = TorchScript()


def config_text(name: str, recipe: Recipe, exporter: Exporter = TORCHSCRIPT) -> str:
    """The config.pbtxt of the model ``name``; the same text for the same recipe."""
    image = recipe.input
    outputs = ",\n".join(f"  {_output(spec, recipe)}" for spec in recipe.outputs)
    warmups = ",\n".join(_warmup(batch, image) for batch in BATCHES)
    return f"""\
# Written by `python -m zoo export {name} --format {exporter.name}`: change the zoo, not this file.
name: "{name}"

# {exporter.note}
backend: "{exporter.backend}"

max_batch_size: {MAX_BATCH_SIZE}
input [
  {{ name: "{image.name}" data_type: TYPE_UINT8 dims: {_dims(image)} }}
]
output [
{outputs}
]

# Batches form from what waits while an instance is busy. There is no
# max_queue_delay_microseconds: a lone request would always pay it.
dynamic_batching {{
  default_queue_policy {{
    # Sixteen full batches; then a caller is refused at once instead of waiting in vain.
    max_queue_size: {16 * MAX_BATCH_SIZE}
    timeout_action: REJECT
    # A request's own `timeout` may only shorten a default, so there has to be one.
    default_timeout_microseconds: 30000000
    allow_timeout_override: true
  }}
}}

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
    shape = ", ".join(map(str, spec.shape or (len(recipe.labels),)))
    return f'{{ name: "{spec.name}" data_type: TYPE_FP32 dims: [ {shape} ] }}'


def _warmup(batch: int, image: InputSpec) -> str:
    return f"""\
  {{
    name: "batch_{batch}"
    batch_size: {batch}
    count: 3
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
