"""The attention that mixes positions, rows or subspaces, written out one value at a time.

Each function takes one image (C, H, W) in float64 and the layer's state.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

State = Mapping[str, Tensor]


def pixels(x: Tensor) -> list[tuple[int, int]]:
    return [(i, j) for i in range(x.shape[1]) for j in range(x.shape[2])]


def linear(vector: Tensor, state: State, name: str) -> Tensor:
    """A 1×1 convolution of one pixel."""
    weight = state[f"{name}.weight"].flatten(1)
    rows = [sum(w * v for w, v in zip(row, vector, strict=True)) for row in weight]
    answer = torch.stack([torch.as_tensor(row) for row in rows])
    return answer + state[f"{name}.bias"] if f"{name}.bias" in state else answer


def batch_norm(vector: Tensor, state: State, name: str) -> Tensor:
    mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    scale = state[f"{name}.weight"] / (var + 1e-5) ** 0.5
    return (vector - mean) * scale + state[f"{name}.bias"]


def layer_norm(vector: Tensor, state: State, name: str) -> Tensor:
    centred = vector - sum(vector) / len(vector)
    scale = (sum(centred**2) / len(vector) + 1e-5) ** 0.5
    return centred / scale * state[f"{name}.weight"].flatten() + state[f"{name}.bias"].flatten()


def softmax(values: list[Tensor]) -> list[Tensor]:
    powers = [torch.exp(v - max(values)) for v in values]
    return [p / sum(powers) for p in powers]


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def coordinate(x: Tensor, state: State) -> Tensor:
    def squeezed(mean: Tensor) -> Tensor:
        z = batch_norm(linear(mean, state, "squeeze"), state, "norm")
        return z * (z + 3).clamp(0, 6) / 6

    _, height, width = x.shape
    rows = [sum(x[:, i, j] for j in range(width)) / width for i in range(height)]
    columns = [sum(x[:, i, j] for i in range(height)) / height for j in range(width)]
    y = torch.empty_like(x)
    for i, j in pixels(x):
        row_gate = sigmoid(linear(squeezed(rows[i]), state, "height"))
        column_gate = sigmoid(linear(squeezed(columns[j]), state, "width"))
        y[:, i, j] = x[:, i, j] * row_gate * column_gate
    return y


def ulsam(x: Tensor, state: State, splits: int) -> Tensor:
    scale, shift = state["depthwise.weight"].flatten(), state["depthwise.bias"]
    features = {
        (i, j): batch_norm(x[:, i, j] * scale + shift, state, "depthwise_norm").clamp(min=0)
        for i, j in pixels(x)
    }
    members = x.shape[0] // splits
    y = torch.empty_like(x)
    for s in range(splits):
        own = slice(s * members, (s + 1) * members)
        scores = []
        for i, j in pixels(x):
            near = [(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
            window = [features[p][own] for p in near if p in features]
            pooled = torch.stack(window).amax(dim=0)
            score = sum(state["pointwise.weight"][s].flatten() * pooled)
            scores.append(score + state["pointwise.bias"][s])
        normed = torch.stack(scores) - state["pointwise_norm.running_mean"][s]
        normed = normed / (state["pointwise_norm.running_var"][s] + 1e-5) ** 0.5
        normed = normed * state["pointwise_norm.weight"][s] + state["pointwise_norm.bias"][s]
        weights = softmax(list(normed.clamp(min=0)))
        for (i, j), weight in zip(pixels(x), weights, strict=True):
            y[own, i, j] = x[own, i, j] * (1 + weight)
    return y


def position_attention(x: Tensor, state: State) -> Tensor:
    def candidates(_i: int, _j: int) -> list[tuple[int, int]]:
        return pixels(x)

    return _attended(x, state, candidates)


def criss_cross(x: Tensor, state: State) -> Tensor:
    def candidates(i: int, j: int) -> list[tuple[int, int]]:
        column = [(a, j) for a in range(x.shape[1]) if a != i]
        return column + [(i, b) for b in range(x.shape[2])]

    return _attended(x, state, candidates)


def _attended(x: Tensor, state: State, candidates) -> Tensor:
    query, key, value = (
        {(i, j): linear(x[:, i, j], state, name) for i, j in pixels(x)}
        for name in ("query", "key", "value")
    )
    y = torch.empty_like(x)
    for i, j in pixels(x):
        keys = candidates(i, j)
        weights = softmax([sum(query[i, j] * key[k]) for k in keys])
        mixed = sum(w * value[k] for w, k in zip(weights, keys, strict=True))
        y[:, i, j] = state["gamma"] * mixed + x[:, i, j]
    return y


def channel_attention(x: Tensor, state: State) -> Tensor:
    channels = [c.flatten() for c in x]
    y = torch.empty_like(x)
    for a, row in enumerate(channels):
        energies = [sum(row * other) for other in channels]
        weights = softmax([max(energies) - e for e in energies])
        mixed = sum(w * other for w, other in zip(weights, channels, strict=True))
        y[a] = (state["gamma"] * mixed + row).reshape(x.shape[1:])
    return y


def polarized(x: Tensor, state: State, order: str, form: str) -> Tensor:
    gated = channel_mask(x, state, order, form)[:, None, None] * x
    if order == "parallel":
        return gated + spatial_mask(x, state, order, form) * x
    return spatial_mask(gated, state, order, form) * gated


def channel_mask(x: Tensor, state: State, order: str, form: str) -> Tensor:
    queries = [linear(x[:, i, j], state, "channel.query")[0] for i, j in pixels(x)]
    values = [linear(x[:, i, j], state, "channel.value") for i, j in pixels(x)]
    z = sum(q * v for q, v in zip(softmax(queries), values, strict=True))
    if form == "article":
        return sigmoid(layer_norm(linear(z, state, "channel.up.0"), state, "channel.up.2"))
    if order == "parallel":
        return sigmoid(linear(z, state, "channel.up"))
    z = layer_norm(linear(z, state, "channel.up.0"), state, "channel.up.1").clamp(min=0)
    return sigmoid(linear(z, state, "channel.up.3"))


def spatial_mask(x: Tensor, state: State, order: str, form: str) -> Tensor:
    queries = [linear(x[:, i, j], state, "spatial.query") for i, j in pixels(x)]
    g = sum(queries) / len(queries)
    theta = [linear(x[:, i, j], state, "spatial.value") for i, j in pixels(x)]
    if form == "article":
        g = torch.stack(softmax(list(g)))
    elif order == "sequential":
        by_channel = [softmax(list(c)) for c in torch.stack(theta, dim=1)]
        theta = [torch.stack(column) for column in zip(*by_channel, strict=True)]
    scores = [sum(g * t) for t in theta]
    if (order, form) == ("parallel", "official"):
        scores = softmax(scores)
    return sigmoid(torch.stack(scores)).reshape(x.shape[1:])
