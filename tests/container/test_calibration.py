"""Calibration: what a margin is worth in a note and in a referral."""

from dataclasses import replace

import numpy as np
import pytest

from mlops.container.answer import answer, spans
from mlops.container.calibration import Calibration
from mlops.container.fitting import Fitted, fit_calibration, judged_on
from mlops.container.job import score_rows
from mlops.container.judging import see
from mlops.container.model import Model
from mlops.container.table import FILED, Row
from mlops.evaluation.metrics import ece

CALIBRATION = Calibration(note=0.8, referral=1.3, offset=-0.1)
REGISTERS = np.linspace(0, 1, 21)


def draw(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins, registers and labels; a margin promises too much in notes, too little elsewhere."""
    random = np.random.default_rng(seed)
    margins = random.normal(0, 3, count)
    registers = random.choice([0.02, 0.98], count)
    odds = np.where(registers < 0.5, 0.6, 1.4) * margins + 0.2
    return margins, registers, (random.random(count) < 1 / (1 + np.exp(-odds))).astype(np.int64)


def test_the_slope_goes_from_a_note_to_a_referral() -> None:
    slopes = [CALIBRATION.slope(register) for register in REGISTERS.tolist()]
    assert slopes[0] == CALIBRATION.note
    assert slopes[-1] == CALIBRATION.referral
    assert slopes == sorted(slopes)
    # What reads only half like a referral is nearer to a note.
    assert CALIBRATION.slope(0.5) < (CALIBRATION.note + CALIBRATION.referral) / 2


def test_the_order_of_texts_of_a_kind_stays() -> None:
    margins = np.linspace(-4, 4, 81)
    for register in REGISTERS.tolist():
        found = CALIBRATION.probabilities(margins, np.full(81, register))
        assert (np.diff(found) > 0).all()
        assert found.min() >= 0.001
        assert found.max() <= 0.999


@pytest.mark.parametrize("margin", [-1e9, -3.0, 0.0, 3.0, 1e9])
def test_a_little_more_of_a_referral_moves_little(margin: float) -> None:
    found = CALIBRATION.probabilities(np.full(21, margin), REGISTERS)
    assert np.abs(np.diff(found)).max() < 0.02


def test_both_slopes_are_found() -> None:
    margins, registers, labels = draw(0, 20_000)
    found = fit_calibration(margins, registers, labels, np.ones(len(labels)))
    assert found.note == pytest.approx(0.6, abs=0.05)
    assert found.referral == pytest.approx(1.4, abs=0.1)
    assert found.offset == pytest.approx(0.2, abs=0.1)
    fresh, their_registers, truth = draw(1, 20_000)
    promised = found.probabilities(fresh, their_registers)
    for kind in (their_registers < 0.5, their_registers > 0.5):
        assert ece(np.ones((1, kind.sum())), truth[kind], promised[kind])[0] < 0.02


def test_a_few_notes_that_are_all_right_do_not_make_a_slope_steep() -> None:
    margins, registers, labels = draw(0, 2000)
    kept = registers > 0.5
    few = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    found = fit_calibration(
        np.concatenate([margins[kept], few]),
        np.concatenate([registers[kept], np.zeros(6)]),
        np.concatenate([labels[kept], few > 0]),
        np.ones(kept.sum() + 6),
    )
    assert found.note < 2


def test_slopes_are_above_zero_whatever_the_labels() -> None:
    margins, registers, labels = draw(0, 2000)
    found = fit_calibration(margins, registers, 1 - labels, np.ones(len(labels)))
    assert found.note > 0
    assert found.referral > 0


def test_records_of_one_register_alone_have_a_slope() -> None:
    margins, _, labels = draw(0, 4000)
    # Without notes of MTSamples the register tells nothing: it is one half everywhere.
    even = np.full(len(labels), 0.5)
    found = fit_calibration(margins, even, labels, np.ones(len(labels)))
    assert 0.5 < found.slope(0.5) < 1.5


def test_whole_notes_and_copies_do_not_calibrate(fitted: Fitted) -> None:
    judged = judged_on(fitted.table)
    assert set(fitted.table.sources[judged]) == {"corpus", "mtsamples-decision", "mtsamples-plan"}
    assert not judged.all()
    rest = np.flatnonzero(judged)[:1]
    alone = replace(fitted.table, sources=np.where(judged, FILED, fitted.table.sources))
    assert set(alone.sources[judged_on(alone)]) == {FILED}
    # One label alone tells nothing.
    alone.sources[rest] = "corpus"
    assert set(alone.sources[judged_on(alone)]) == {FILED, "corpus"}


def test_answers_use_the_register_of_their_note(model: Model, rows: list[Row]) -> None:
    probabilities, labels = score_rows(model, rows)
    assert labels.tolist() == [row.label for row in rows]
    slopes = set()
    for row, probability in zip(rows[:20], probabilities.tolist(), strict=False):
        said = answer("0", row.text, model)
        (seen,) = see([row.text], model)
        slope = model.calibration.slope(seen.register)
        slopes.add(slope)
        if said["probability"] is not None:
            assert said["probability"] == pytest.approx(probability, abs=1e-4)
            assert said["evidence"] == spans(row.text, seen.phrases(slope))
    assert len(slopes) > 10
