"""Features and the trees on them: directions that medicine fixes, and what must not matter."""

import numpy as np
import pytest
import xgboost

from mlops.container.features import find_features
from mlops.container.fitting import FREE
from mlops.container.judging import judge
from mlops.container.model import Model
from mlops.container.table import Row, Table

FAILED = [
    "Failed conservative treatment.",
    "Six months of physiotherapy and two injections have not helped.",
    "Maximal medical therapy tried without benefit.",
]


def values_of(model: Model, text: str) -> np.ndarray:
    reading = model.reader.read(text)
    return find_features(reading, model.scores, model.plan, model.is_content).values[0]


def test_trees_never_contradict_medicine(model: Model, rows: list[Row]) -> None:
    directions = model.plan.directions(FREE)
    values = np.array([values_of(model, row.text) for row in rows[:60]])
    for feature, direction in enumerate(directions):
        if not direction:
            continue
        low, high = values[:, feature].min(), max(values[:, feature].max(), 3.0)
        before = None
        for value in np.linspace(low - 0.5, high + 0.5, 12):
            changed = values.copy()
            changed[:, feature] = value
            data = xgboost.DMatrix(changed, nthread=1)
            margins = direction * model.trees.booster.predict(data, output_margin=True)
            if before is not None:
                assert (margins >= before - 1e-6).all(), model.plan.names[feature]
            before = margins


def test_most_directions_are_fixed(model: Model) -> None:
    directions = dict(zip(model.plan.names, model.plan.directions(FREE), strict=True))
    assert directions["emergency"] == directions["malignancy"] == 1
    assert directions["not_tried"] == directions["benign"] == directions["no emergency"] == -1
    assert directions["mild"] == 0
    assert len(model.plan.names) == len(directions) == model.trees.features


@pytest.mark.parametrize("sentence", FAILED)
def test_failed_treatment_never_lowers(model: Model, rows: list[Row], sentence: str) -> None:
    failed = {n for n, c in enumerate(model.lexicon.categories) if c.name == "conservative_failed"}
    raised = 0
    for row in rows:
        reading = model.reader.read(row.text)
        if reading.failures[0]:
            continue
        longer = model.reader.read(f"{row.text.rstrip('. ')}. {sentence}")
        assert any(category in failed for category, _, _ in longer.matches[0])
        before, after = judge(reading, model).margins[0], judge(longer, model).margins[0]
        assert after >= before - 1e-9
        raised += after > before + 1e-9
    assert raised, "it has to count for something"


NOTE = "{head}{name} has a painful groin lump since {date}. {plan}Mild pain, nothing tried."


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Mrs Hernia"},
        {"name": "Mrs Stone"},
        {"name": "Mrs A B Xyzzyq"},
        {"date": "June"},
        {"date": "Tuesday"},
        {"date": "2019"},
        {"head": "HISTORY OF PRESENTING COMPLAINT: "},
        {"head": "Reason for referral:\n"},
        {"plan": "IMPRESSION AND PLAN: "},
        {"plan": "Assessment:\n"},
    ],
)
def test_names_dates_and_headings_do_not_matter(model: Model, changed: dict[str, str]) -> None:
    plain = {"head": "", "name": "Mrs Smith", "date": "1 March", "plan": ""}
    if "date" in changed:
        plain["date"] = "March"
    before = values_of(model, NOTE.format(**plain))
    after = values_of(model, NOTE.format(**{**plain, **changed}))
    assert np.abs(before - after).max() < 1e-6


@pytest.mark.parametrize(
    ("text", "feature", "count"),
    [
        ("Perforated bowel.", "emergency", 1),
        ("No perforated bowel.", "emergency", 0),
        ("No perforated bowel.", "no emergency", 1),
        ("Mild. Mild. Mild. Mild. Mild.", "mild", 3),
        ("Her mother had a perforated bowel.", "emergency", 0),
        ("Can she drive?", "asks_advice", 3),
        ("Skin incision was made. Hemostasis. Estimated blood loss 5 ml.", "operative signs", 3),
    ],
)
def test_cues_are_counted(model: Model, text: str, feature: str, count: int) -> None:
    assert values_of(model, text)[model.plan.names.index(feature)] == count


def test_the_table_holds_what_a_note_gives(table: Table, rows: list[Row], model: Model) -> None:
    first = len(model.plan.scores)
    for number in range(0, len(rows), 7):
        given = values_of(model, rows[number].text)[first:]
        assert np.abs(given - table.features[number]).max() < 1e-6
