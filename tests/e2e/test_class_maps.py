"""Class maps, from the real model through Triton and the gateway."""

from pathlib import Path

import httpx
import numpy as np
import pytest
import skimage

JPEG = {"content-type": "image/jpeg"}
PHOTOGRAPH = (Path(skimage.__file__).parent / "data/rocket.jpg").read_bytes()


def answer(client: httpx.Client, **query: object) -> dict:
    parameters = {"model": "mbv2_simam", **query}
    response = client.post("/predict", params=parameters, content=PHOTOGRAPH, headers=JPEG)
    assert response.status_code == 200, response.text
    return response.json()


def test_the_means_of_the_maps_are_the_logits_of_their_classes(client: httpx.Client) -> None:
    """Logits differ as the logarithms of their probabilities do."""
    document = answer(client, class_map=True)
    maps, best = document["class_maps"], document["predictions"][:3]
    assert [one["class_id"] for one in maps] == [one["class_id"] for one in best]
    assert [one["label"] for one in maps] == [one["label"] for one in best]
    grids = np.array([one["map"] for one in maps])
    assert grids.shape == (3, 4, 4)
    logits = grids.mean(axis=(1, 2))
    wanted = np.log([one["score"] for one in best])
    np.testing.assert_allclose(logits - logits[0], wanted - wanted[0], atol=1e-4)


def test_asking_for_maps_changes_nothing_else(client: httpx.Client) -> None:
    plain, mapped = answer(client), answer(client, class_map=True)
    assert "class_maps" not in plain
    assert [one["class_id"] for one in plain["predictions"]] == [
        one["class_id"] for one in mapped["predictions"]
    ]
    scores = [[one["score"] for one in each["predictions"]] for each in (plain, mapped)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)
