"""Worse is rejected, equal held, better promoted; and nobody is promoted by chance."""

from dataclasses import replace

import numpy as np
import pytest

from contract.recipe import Card, Task
from service.routing.spec import Thresholds
from service.shadow.agreement import Agreement
from service.shadow.tally import LABELLED, Tally
from service.shadow.verdict import Kind, Source, Verdict, verdict
from tests.service.shadow.answers import card
from tests.service.shadow.streams import Stream

EASY = Thresholds(max_error_share=0.02)


def judged(
    stream: Stream,
    images: int = 2000,
    cards: tuple[Card | None, Card | None] = (None, None),
    **wanted: float,
) -> Verdict:
    return verdict(stream.tally(images), EASY.model_copy(update=wanted), *cards)


def because(found: Verdict, kind: Kind, *words: str) -> None:
    assert found.kind is kind, found.reasons
    assert len(found.reasons) == len(words), found.reasons
    for word, reason in zip(words, found.reasons, strict=True):
        assert word in reason


def test_a_better_candidate_is_promoted() -> None:
    found = judged(Stream(theirs=0.97))
    because(found, Kind.PROMOTE, "more accurate: +7.")
    assert found.evidence.gain is not None
    assert found.evidence.gain.source is Source.LABELS


def test_a_worse_candidate_is_rejected() -> None:
    because(judged(Stream(theirs=0.83)), Kind.REJECT, "agreement", "accuracy: -5.9%")


def test_an_equal_candidate_is_held() -> None:
    same = judged(Stream(ours=1.0, theirs=1.0))  # right together, so that they are surely equal
    because(same, Kind.HOLD, "nothing to gain")
    because(judged(Stream()), Kind.HOLD, "accuracy")  # perhaps it is a little worse


def test_a_faster_one_that_is_no_worse_is_promoted() -> None:
    found = judged(Stream(ours=1.0, theirs=1.0, slowdown=0.7))
    because(found, Kind.PROMOTE, "faster: 0.70")


def test_one_that_always_agrees_needs_no_truth_to_be_known_as_no_worse() -> None:
    found = judged(Stream(ours=1.0, theirs=1.0, slowdown=0.7, labelled=0))
    because(found, Kind.PROMOTE, "faster")
    assert found.evidence.gain is not None
    assert found.evidence.gain.source is Source.AGREEMENT
    because(judged(Stream(slowdown=0.7, labelled=0)), Kind.HOLD, "accuracy")


def test_too_few_images_decide_nothing_however_bad_they_are() -> None:
    because(judged(Stream(theirs=0.0), 199), Kind.HOLD, "199 of 200 images tried")
    assert judged(Stream(theirs=0.0), 200).kind is Kind.REJECT


def test_one_that_fails_is_rejected_even_if_it_never_answers() -> None:
    because(judged(Stream(theirs=0.97, errors=0.1)), Kind.REJECT, "errors")
    because(judged(Stream(errors=1.0), 200), Kind.REJECT, "errors: 100.0%")


def test_errors_that_are_perhaps_too_many_put_off_a_promotion() -> None:
    because(judged(Stream(theirs=0.99), 500, max_error_share=0.01), Kind.HOLD, "errors: 0.0%")


def test_a_slow_one_is_rejected_however_right_it_is() -> None:
    because(judged(Stream(theirs=0.97, slowdown=1.8)), Kind.REJECT, "time: 1.8")
    because(judged(Stream(theirs=0.97, slowdown=1.5)), Kind.HOLD, "time: 1.5")
    because(judged(Stream(theirs=0.97, timed=False)), Kind.HOLD, "time: 0 of 30 images timed")


def test_one_that_answers_otherwise_is_rejected_unless_it_is_known_to_be_better() -> None:
    wanted = {"min_agreement": 0.95}
    unknown = Stream(ours=0.85, theirs=0.99, labelled=0)
    because(judged(unknown, **wanted), Kind.REJECT, "agreement")
    known = Stream(ours=0.85, theirs=0.99)
    because(judged(known, **wanted), Kind.PROMOTE, "more accurate")
    cards = card(0.83, 0.85, 0.87), card(0.98, 0.99, 0.995)
    because(judged(unknown, cards=cards, **wanted), Kind.PROMOTE, "by cards")


def test_one_that_agrees_less_than_two_so_right_can_is_rejected_for_all_its_card_says() -> None:
    cards = card(0.88, 0.9, 0.92), card(0.96, 0.97, 0.98)
    found = judged(Stream(theirs=0.5, labelled=0), cards=cards)
    because(found, Kind.REJECT, "under 80.0%")
    assert judged(Stream(theirs=0.93, labelled=0), cards=cards).kind is Kind.PROMOTE


def test_truth_of_the_traffic_goes_before_the_cards() -> None:
    flattering = card(0.88, 0.9, 0.92), card(0.96, 0.97, 0.98)
    because(judged(Stream(theirs=0.83), cards=flattering), Kind.REJECT, "agreement", "by labels")


def test_cards_count_only_on_the_same_data() -> None:
    stream = Stream(labelled=0)
    ours, theirs = card(0.88, 0.9, 0.92), card(0.96, 0.97, 0.98)
    assert judged(stream, cards=(ours, theirs)).kind is Kind.PROMOTE
    assert judged(stream, cards=(theirs, ours)).kind is Kind.REJECT
    assert judged(stream, cards=(ours, None)).kind is Kind.HOLD
    elsewhere = replace(theirs, data="3000 other images")
    assert judged(stream, cards=(ours, elsewhere)).kind is Kind.HOLD
    other = card(0.88, 0.9, 0.92, name="test_ap")
    assert judged(stream, cards=(other, theirs)).kind is Kind.HOLD


def test_cards_that_are_alike_leave_the_rest_to_the_agreement() -> None:
    alike = card(0.88, 0.9, 0.92)  # as of one model in a faster form
    faster = Stream(ours=1.0, theirs=1.0, slowdown=0.7, labelled=0)
    because(judged(faster, cards=(alike, alike)), Kind.PROMOTE, "faster")


def test_a_few_labels_are_no_evidence() -> None:
    tally = Stream(labelled=0).tally(2000)
    for count in range(LABELLED):
        gain = verdict(tally, EASY, None, None).evidence.gain
        assert gain is not None, count
        assert gain.source is Source.AGREEMENT, count
        tally.add_truth(primary=False, candidate=True)
    because(verdict(tally, EASY, None, None), Kind.PROMOTE, "by labels")


def detectors(share: float, images: int = 2000) -> Tally:
    tally = Tally(Task.DETECTION)
    for i in range(images):
        tally.add(Agreement(task=Task.DETECTION, agrees=False, share=share, missed=1, extra=0))
        if i % 4 == 0:
            tally.add_times(0.05, 0.05)
    return tally


def test_detectors_are_judged_by_their_boxes_and_their_cards() -> None:
    worse, better = (card(v - 0.01, v, v + 0.01, "test_ap") for v in (0.6, 0.7))
    assert verdict(detectors(0.7), EASY, better, better).kind is Kind.REJECT
    assert verdict(detectors(0.2), EASY, worse, better).kind is Kind.PROMOTE
    because(verdict(detectors(0.9), EASY, worse, None), Kind.HOLD, "accuracy: unknown")
    because(verdict(detectors(0.9), EASY, better, worse), Kind.REJECT, "accuracy: -10.0%")


@pytest.mark.parametrize("stream", [Stream(), Stream(ours=0.97, theirs=0.97, labelled=0.3)])
def test_equal_candidates_are_hardly_ever_promoted_however_often_one_looks(stream: Stream) -> None:
    """A candidate counts as promoted if it ever was."""
    candidates, looks, images = 100, 25, 100
    promoted = rejected = 0
    wanted = EASY.model_copy(update={"min_agreement": 0.7})
    for seed in range(candidates):
        rng, tally, kinds = np.random.default_rng(seed), Tally(Task.CLASSIFICATION), set()
        for _ in range(looks):
            kinds.add(verdict(stream.feed(tally, images, rng), wanted, None, None).kind)
        promoted += Kind.PROMOTE in kinds
        rejected += Kind.REJECT in kinds
    assert promoted <= 0.05 * candidates
    assert rejected <= 0.05 * candidates
