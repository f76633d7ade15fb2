"""What every test of decoding needs."""

import pytest

from pixels.decode import configure_pillow


@pytest.fixture(autouse=True)
def pillow_as_where_images_are_read() -> None:
    configure_pillow()
