"""SE, CBAM, BAM, ECA, SA, SGE and GAM as loops over one image's numbers, in Python's own floats.

An image is nested lists [channel][row][column]; a state is our layers' state_dict as lists.
"""

from itertools import product
from math import exp, log, prod, sqrt
from typing import Any
from warnings import catch_warnings, filterwarnings

import torch
from torch import nn

from tests.zoo.fill import filled, images

Vector = list[float]
Image = list[list[Vector]]
State = dict[str, Any]


def assert_equals(module: nn.Module, formula: Any, shape: tuple[int, ...], **options: Any) -> None:
    """``module`` with a filled state is ``formula`` applied to each image, to 1e-10.

    So is its scripted and frozen form, whatever the options it was built with.
    """
    module = filled(module, salt=7, gain=2.0).double()
    x = images(shape, seed=prod(shape)).double()
    state = {key: value.tolist() for key, value in module.state_dict().items()}
    answers = [formula(image, state, **options) for image in x.tolist()]
    expected = torch.tensor(answers, dtype=torch.float64)
    torch.testing.assert_close(module(x), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(frozen(module)(x), expected, rtol=0, atol=1e-10)


def frozen(module: nn.Module) -> torch.jit.ScriptModule:
    """``module`` as it is exported; TorchScript's notice that it is deprecated is no news."""
    with catch_warnings():
        filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        return torch.jit.freeze(torch.jit.script(module))


def se(image: Image, state: State) -> Image:
    means = [mean(channel) for channel in image]
    gates = [sigmoid(v) for v in perceptron(means, state, "fc")]
    return by_channel(image, gates)


def cbam(
    image: Image,
    state: State,
    *,
    pools: tuple[str, ...] = ("avg", "max"),
    spatial: bool = True,
    article: bool = False,
) -> Image:
    described = {
        "avg": mean,
        "max": lambda channel: max(map(max, channel)),
        "lp": lambda channel: sqrt(sum(v * v for row in channel for v in row)),
        "lse": lambda channel: log(sum(exp(v) for row in channel for v in row)),
    }
    answers = [
        perceptron([described[p](channel) for channel in image], state, "channel.mlp")
        for p in pools
    ]
    gates = [sigmoid(sum(answer[c] for answer in answers)) for c in range(len(image))]
    y = by_channel(image, gates)
    if spatial:
        largest = [[max(y[c][h][w] for c in range(len(y))) for w in cols(y)] for h in rows(y)]
        average = [
            [sum(y[c][h][w] for c in range(len(y))) / len(y) for w in cols(y)] for h in rows(y)
        ]
        padding = len(state["spatial.conv.weight"][0][0]) // 2
        mask = convolved([largest, average], state, "spatial.conv", padding=padding)
        if not article:
            mask = normed(mask, state, "spatial.norm")
        y = gated(y, lambda _, h, w: sigmoid(mask[0][h][w]))
    return gated(image, lambda c, h, w: 1 + y[c][h][w] / image[c][h][w]) if article else y


def bam(
    image: Image, state: State, *, layers: int, convs: int, dilation: int, padding: int, form: str
) -> Image:
    channel = [mean(rows_) for rows_ in image]
    for layer in range(layers):
        channel = linear(channel, state, f"channel.{3 * layer}")
        maps = normed([[[v]] for v in channel], state, f"channel.{3 * layer + 1}")
        channel = [max(m[0][0], 0.0) for m in maps]
    channel = linear(channel, state, f"channel.{3 * layers}")
    mask = relu(normed(convolved(image, state, "spatial.0"), state, "spatial.1"))
    for i in range(3, 3 * convs + 1, 3):
        mask = convolved(mask, state, f"spatial.{i}", padding=padding, dilation=dilation)
        mask = relu(normed(mask, state, f"spatial.{i + 1}"))
    (spatial,) = convolved(mask, state, f"spatial.{3 * convs + 3}")

    def gate(c: int, h: int, w: int) -> float:
        one = spatial[h % len(spatial)][w % len(spatial[0])]  # a lone value serves every position
        return 1 + sigmoid(channel[c] * one if form == "code" else channel[c] + one)

    return gated(image, gate)


def eca(image: Image, state: State, *, shared: bool = True) -> Image:
    means = [mean(channel) for channel in image]
    weights, biases = state["conv.weight"], state.get("conv.bias")
    gates = []
    for c in range(len(means)):
        kernel = weights[0 if shared else c][0]
        total = biases[0 if shared else c] if biases else 0.0
        for tap, weight in enumerate(kernel):
            neighbour = c + tap - len(kernel) // 2
            if 0 <= neighbour < len(means):
                total += weight * means[neighbour]
        gates.append(sigmoid(total))
    return by_channel(image, gates)


def shuffle_attention(image: Image, state: State, *, groups: int) -> Image:
    size = len(image) // groups
    half = size // 2
    p = {key: [v[0][0] for v in state[key][0]] for key in ("cweight", "cbias", "sweight", "sbias")}

    def gate(c: int, h: int, w: int) -> float:
        centre, i = mean(image[c]), c % size
        if i < half:
            return sigmoid(p["cweight"][i] * centre + p["cbias"][i])
        i -= half
        spread = mean([[(v - centre) ** 2 for v in row] for row in image[c]])
        value = (image[c][h][w] - centre) / sqrt(spread + 1e-5)
        value = state["gn.weight"][i] * value + state["gn.bias"][i]
        return sigmoid(p["sweight"][i] * value + p["sbias"][i])

    weighed = gated(image, gate)
    return [weighed[j + side * len(image) // 2] for j in range(len(image) // 2) for side in (0, 1)]


def sge(image: Image, state: State, *, groups: int) -> Image:
    size = len(image) // groups
    means = [mean(channel) for channel in image]
    gates = []
    for g in range(groups):
        mine = range(g * size, (g + 1) * size)
        t = [
            [sum(image[c][h][w] * means[c] for c in mine) for w in cols(image)] for h in rows(image)
        ]
        centre, positions = mean(t), len(t) * len(t[0])
        squares = sum((v - centre) ** 2 for row in t for v in row)
        deviation = sqrt(squares / (positions - 1)) + 1e-5
        weight, bias = state["weight"][0][g][0][0], state["bias"][0][g][0][0]
        gates.append(
            [[sigmoid(weight * (v - centre) / deviation + bias) for v in row] for row in t]
        )
    return gated(image, lambda c, h, w: gates[c // size][h][w])


def gam(
    image: Image, state: State, *, sigmoid_first: bool = False, replicate: bool = False
) -> Image:
    factor = convolved(relu(convolved(image, state, "channel.0")), state, "channel.2")
    squash = sigmoid if sigmoid_first else float
    y = gated(image, lambda c, h, w: squash(factor[c][h][w]))
    hidden = convolved(y, state, "spatial.0", padding=3, replicate=replicate)
    hidden = relu(normed(hidden, state, "spatial.1"))
    mask = convolved(hidden, state, "spatial.3", padding=3, replicate=replicate)
    mask = normed(mask, state, "spatial.4")
    return gated(y, lambda c, h, w: sigmoid(mask[c][h][w]))


def sigmoid(value: float) -> float:
    return 1 / (1 + exp(-value))


def mean(channel: list[Vector]) -> float:
    return sum(v for row in channel for v in row) / (len(channel) * len(channel[0]))


def rows(image: Image) -> range:
    return range(len(image[0]))


def cols(image: Image) -> range:
    return range(len(image[0][0]))


def relu(image: Image) -> Image:
    return [[[max(v, 0.0) for v in row] for row in channel] for channel in image]


def gated(image: Image, gate: Any) -> Image:
    """Each number times ``gate(channel, row, column)``."""
    return [
        [[image[c][h][w] * gate(c, h, w) for w in cols(image)] for h in rows(image)]
        for c in range(len(image))
    ]


def by_channel(image: Image, gates: Vector) -> Image:
    return [[[v * gate for v in row] for row in c] for c, gate in zip(image, gates, strict=True)]


def linear(vector: Vector, state: State, key: str) -> Vector:
    weights, biases = state[f"{key}.weight"], state.get(f"{key}.bias")
    return [
        sum(w * v for w, v in zip(row, vector, strict=True)) + (biases[o] if biases else 0.0)
        for o, row in enumerate(weights)
    ]


def perceptron(vector: Vector, state: State, key: str) -> Vector:
    hidden = [max(v, 0.0) for v in linear(vector, state, f"{key}.0")]
    return linear(hidden, state, f"{key}.2")


def normed(image: Image, state: State, key: str) -> Image:
    """Batch norm by the running statistics."""
    keys = ("running_mean", "running_var", "weight", "bias")
    channels = zip(*(state[f"{key}.{name}"] for name in keys), strict=True)
    return [
        [[(v - mean_) / sqrt(variance + 1e-5) * scale + shift for v in row] for row in channel]
        for channel, (mean_, variance, scale, shift) in zip(image, channels, strict=True)
    ]


def convolved(
    image: Image,
    state: State,
    key: str,
    *,
    padding: int = 0,
    dilation: int = 1,
    replicate: bool = False,
) -> Image:
    """2-D convolution with zeros, or the nearest pixel, beyond the edges."""
    weights, biases = state[f"{key}.weight"], state.get(f"{key}.bias")
    height, width, kernel = len(image[0]), len(image[0][0]), len(weights[0][0])
    lost = dilation * (kernel - 1) - 2 * padding

    def at(o: int, h: int, w: int) -> float:
        total = biases[o] if biases else 0.0
        for i, dy, dx in product(range(len(image)), range(kernel), range(kernel)):
            y, x = h + dilation * dy - padding, w + dilation * dx - padding
            if replicate:
                y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            if 0 <= y < height and 0 <= x < width:
                total += weights[o][i][dy][dx] * image[i][y][x]
        return total

    return [
        [[at(o, h, w) for w in range(width - lost)] for h in range(height - lost)]
        for o in range(len(weights))
    ]
