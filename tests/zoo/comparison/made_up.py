"""Comparisons with results that were made up, for the tests of what is made of them."""

from zoo.comparison.compare import REFERENCE
from zoo.comparison.latency import BATCHES, Latency
from zoo.comparison.results import Comparison, Contestant, Trial, packed

IMAGES = 1000


def trial(network: str, seed: int, wrong: range) -> Trial:
    right = [image not in wrong for image in range(IMAGES)]
    return Trial(
        network=network, seed=seed, best_epoch=1, images=IMAGES, right=packed(right), ece=0.1
    )


def comparison(wrong: dict[str, list[range]]) -> Comparison:
    """Of networks that are wrong on these images, a range a seed."""
    networks = [f"mbv2_{attention}" for attention in wrong]
    return Comparison(
        reference=REFERENCE,
        settings={"data": "a thousand drawings", "schedule": "epochs 1"},
        trained_with="a machine",
        timed_on="the same",
        contestants=tuple(
            Contestant(
                network=f"mbv2_{attention}",
                attention=attention,
                parameters=1_000_000,
                layer_macs=62_000_000,
                matmul_macs=0,
            )
            for attention in wrong
        ),
        trials=tuple(
            trial(f"mbv2_{attention}", seed, images)
            for attention, ranges in wrong.items()
            for seed, images in enumerate(ranges)
        ),
        latencies=tuple(
            Latency(network=name, batch=batch, milliseconds=2.5, ratio=1 + i / 4, low=0.9, high=2.0)
            for i, name in enumerate(networks)
            for batch in BATCHES
        ),
    )


ONE_SEED = {
    "none": [range(100)],
    "se": [range(50)],  # 50 images more
    "eca": [range(5, 104)],  # 5 images more, 4 fewer
    "gam": [range(160)],  # 60 images fewer
}
THREE_SEEDS = {
    "none": [range(90), range(100), range(110)],
    "se": [range(40), range(95), range(30)],  # far better in the mean, but not from every seed
    "eca": [range(50), range(45), range(55)],
}
