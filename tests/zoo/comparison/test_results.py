"""Results on disk come back as they went."""

import numpy as np
import pytest

from tests.zoo.comparison.made_up import THREE_SEEDS, comparison
from zoo.comparison.results import from_json, packed, to_json, unpacked


def test_results_survive_json() -> None:
    found = comparison(THREE_SEEDS)
    assert from_json(to_json(found)) == found


@pytest.mark.parametrize("images", [1, 8, 13, 3000])
def test_answers_survive_packing(images: int) -> None:
    right = np.random.default_rng(images).random(images) < 0.5
    digits = packed(right.tolist())
    assert len(digits) == 2 * -(-images // 8)
    assert (unpacked(digits, images) == right).all()
