"""Content negotiation between JSON and PNG."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.accept import wants_picture


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "IMAGE/PNG",
        "image/*",
        "text/html, image/png;q=0.9, */*;q=0.8",
        "application/json;q=0.5, image/png",
        "image/png;q=0.3, application/json;q=0",
        "image/png; q=0.7 , application/*;q=0.2",
        "image/avif,image/webp,*/*;q=0.1,image/png;q=0.2",
    ],
)
def test_a_picture_is_answered_where_it_is_preferred(accept: str) -> None:
    assert wants_picture(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "application/json, image/png",
        "image/png;q=0.5, application/json",
        "image/png;q=0",
        "image/*, image/png;q=0",
        "image/jpeg",
        "text/html",
        "image/png;q=many",
        "image/png;q=7",
        "image/png;q=nan",
        ",;,",
    ],
)
def test_otherwise_the_answer_is_json(accept: str) -> None:
    assert not wants_picture(accept)


@given(st.text())
def test_no_header_does_harm(accept: str) -> None:
    wants_picture(accept)
