"""What images are like, where it is seen whether inputs drift."""

import pytest

from contract.recipe import Fit, InputSpec, Layout, Normalisation
from pixels.fit import prepare
from service.looks import brightness
from tests.images import jpeg, quarters
from tests.service.client import gateway, predict
from tests.service.scraping import scraped


@pytest.mark.anyio
async def test_what_an_image_is_like_is_counted() -> None:
    async with gateway() as client:
        await predict(client, jpeg(640, 480))
        samples = await scraped(client)
    model = '{model="signs"}'
    assert samples[f"fovea_image_megapixels_sum{model}"] == pytest.approx(0.3072)
    assert samples[f"fovea_image_aspect_ratio_sum{model}"] == pytest.approx(4 / 3)
    assert samples[f"fovea_image_bytes_sum{model}"] == len(jpeg(640, 480))
    assert samples[f"fovea_image_brightness_sum{model}"] == pytest.approx(0.26, abs=0.02)
    assert samples['fovea_image_formats_total{format="JPEG",model="signs"}'] == 1
    assert samples['fovea_top_score_sum{model="signs",version="1"}'] == pytest.approx(0.4)


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize(
    "normalisation", [None, Normalisation(mean=(0.485, 0.456, 0.406), std=(0.2, 0.3, 0.4))]
)
def test_brightness_is_that_of_the_image_whatever_the_tensor(
    layout: Layout, normalisation: Normalisation | None
) -> None:
    spec = InputSpec(
        name="x", height=64, width=64, fit=Fit.STRETCH, layout=layout, normalisation=normalisation
    )
    prepared = prepare(quarters(), spec)
    plain = prepare(quarters(), InputSpec(name="x", height=64, width=64, fit=Fit.STRETCH))
    mean = float(plain.tensor.mean()) / 255
    assert brightness(prepared.tensor, spec) == pytest.approx(mean, abs=0.01)
