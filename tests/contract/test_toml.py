"""A recipe written by hand is read, and a slip is named with its line."""

import pytest

from contract.recipe import Layout, RecipeError, Role
from contract.toml import decode_toml

TEXT = """\
task = "classification"
labels = [
    "cat",
    "dog",
]

[input]
name = "x"
height = 224
width = 224
fit = "crop"
shorter_side = 256
layout = "nchw"

[input.normalisation]
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]

[[outputs]]
name = "y"
role = "logits"
"""


def test_a_recipe_is_read() -> None:
    recipe = decode_toml(TEXT)
    assert recipe.labels == ("cat", "dog")
    assert recipe.output(Role.LOGITS) == "y"
    assert recipe.input.layout is Layout.NCHW
    assert recipe.input.normalisation is not None
    assert recipe.input.normalisation.mean == (0.485, 0.456, 0.406)
    assert recipe.input.normalisation.scale == 1 / 255


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"dog"', '"cat"', r"labels repeats a name.* \(line 2\)"),
        ("height = 224", "height = 0", r"input.height is 0.* \(line 9\)"),
        ("height = 224\n", "", r"input.height is missing \(line 7\)"),
        ("width = 224", "with = 224", r"input.with is unknown.* \(line 10\)"),
        ("0.229", '"0.229"', r"input.normalisation.std\[0\] is '0.229'.* \(line 17\)"),
        ("0.229", "0", r"input.normalisation.std is .* \(line 17\)"),
        ('"logits"', '"logit"', r"outputs\[0\].role is 'logit'.* \(line 21\)"),
        ('"logits"', '"boxes"', r"outputs lacks probabilities.* \(line 19\)"),
        ('name = "y"\n', "", r"outputs\[0\].name is missing \(line 19\)"),
        ('task = "classification"\n', "", r"^task is missing$"),
        ("[input]", "[input", r"it is not TOML: .*line 7"),
        ("[[outputs]]", "[outputs]", r"outputs is .*; it must be of type array \(line 19\)"),
    ],
)
def test_a_slip_is_named_with_its_line(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(RecipeError, match=message):
        decode_toml(TEXT.replace(old, new, 1))


def test_another_output_has_lines_of_its_own() -> None:
    second = '\n[[outputs]]\nname = "z"\nrole = "nothing"\n'
    with pytest.raises(RecipeError, match=r"outputs\[1\].role is 'nothing'.*\(line 25\)"):
        decode_toml(TEXT + second)
