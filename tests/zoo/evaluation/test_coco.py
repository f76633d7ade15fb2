"""COCO's figures against values worked out by hand."""

import numpy as np
import pytest

from zoo.evaluation.coco import Detections, Truth, average_precision, evaluate


def truth(*boxes: tuple[float, float, float, float], label: int = 0) -> Truth:
    return Truth(np.array(boxes).reshape(-1, 4), np.full(len(boxes), label))


def found(*boxes: tuple[float, float, float, float, float], label: int = 0) -> Detections:
    """Each box is followed by its score."""
    table = np.array(boxes).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4], np.full(len(table), label))


BOX = (10.0, 10.0, 20.0, 20.0)
ELSEWHERE = (50.0, 50.0, 60.0, 60.0)


def test_everything_found_is_one() -> None:
    figures = evaluate([truth(BOX), truth(ELSEWHERE)], [found((*BOX, 0.9)), found((*ELSEWHERE, 1))])
    assert (figures.ap.value, figures.ap50.value, figures.ap75.value) == pytest.approx((1, 1, 1))
    assert figures.images == 2


def test_nothing_found_is_zero() -> None:
    figures = evaluate([truth(BOX)], [found()])
    assert (figures.ap.value, figures.ap.low, figures.ap.high) == (0, 0, 0)


def test_an_overlap_of_six_tenths_counts_at_three_of_ten_thresholds() -> None:
    # 10×10 against its left 6×10: IoU 0.6 passes 0.50, 0.55 and 0.60
    figures = evaluate([truth(BOX)], [found((10, 10, 16, 20, 0.5))])
    assert figures.ap50.value == pytest.approx(1)
    assert figures.ap75.value == 0
    assert figures.ap.value == pytest.approx(0.3)


def test_a_better_scored_miss_halves_the_precision() -> None:
    figures = evaluate([truth(BOX)], [found((*ELSEWHERE, 0.9), (*BOX, 0.8))])
    assert figures.ap.value == pytest.approx(0.5)


def test_half_of_the_signs_fill_the_curve_up_to_a_recall_of_a_half() -> None:
    # COCO samples recalls 0, 0.01, …, 1: 51 of 101 lie at or below one half
    figures = evaluate([truth(BOX, ELSEWHERE)], [found((*BOX, 0.9))])
    assert figures.ap.value == pytest.approx(51 / 101)


def test_the_mean_is_over_classes_that_exist() -> None:
    truths = [truth(BOX, label=2), truth(BOX, label=4)]
    answers = [found((*BOX, 0.9), label=2), found((*BOX, 0.9), label=0)]
    assert average_precision(truths, answers) == pytest.approx(0.5)


def test_a_second_detection_of_one_sign_is_a_miss() -> None:
    # right, doubled, right: precision 1 up to recall 1/2, then 2/3
    doubled = found((*BOX, 0.9), (*BOX, 0.8), (*ELSEWHERE, 0.7))
    expected = (51 + 50 * 2 / 3) / 101
    assert average_precision([truth(BOX, ELSEWHERE)], [doubled]) == pytest.approx(expected)


def test_sizes_are_scored_apart() -> None:
    large = (0.0, 0.0, 100.0, 100.0)
    figures = evaluate([truth(BOX), truth(large)], [found((*BOX, 0.9)), found()])
    assert {size: figure.value for size, figure in figures.by_size.items()} == {
        "small": pytest.approx(1),
        "large": 0,
    }


def test_the_interval_holds_the_value_and_shrinks_with_more_images() -> None:
    def half_found(images: int) -> float:
        answers = [found((*BOX, 0.9)), found()] * (images // 2)
        figure = evaluate([truth(BOX)] * images, answers).ap
        assert figure.low < figure.value < figure.high
        return figure.high - figure.low

    assert half_found(64) < half_found(8)


def test_it_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    evaluate([truth(BOX)], [found((*BOX, 0.9))])
    assert capsys.readouterr().out == ""


def test_images_without_signs_alone_have_no_precision() -> None:
    with pytest.raises(ValueError, match="holds no box"):
        evaluate([truth()], [found((*BOX, 0.9))])


def test_every_image_needs_an_answer() -> None:
    with pytest.raises(ValueError, match="argument"):
        evaluate([truth(BOX), truth(BOX)], [found()])


def test_a_size_that_no_resample_holds_has_its_value_as_interval() -> None:
    """One large object in many images: with a single resample it is easily left out."""
    small, large = np.array([[0.0, 0.0, 8.0, 8.0]]), np.array([[0.0, 0.0, 120.0, 120.0]])
    label = np.zeros(1, np.int64)
    drawn = np.random.default_rng(0).integers(0, 60, 60)  # the first sample, as evaluate draws it
    rare = min(set(range(60)) - set(drawn.tolist()))
    truths = [Truth(large if image == rare else small, label) for image in range(60)]
    found = [Detections(truth.boxes, np.ones(1), label) for truth in truths]
    for resamples in (1, 2, 3):
        figure = evaluate(truths, found, resamples=resamples).by_size["large"]
        assert figure.low <= figure.value <= figure.high
