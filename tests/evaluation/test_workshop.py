"""The workshop's own road: its contract, its split, its figure, and what is wrong with a table."""

import csv
import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xgboost
from click.testing import CliRunner, Result

from mlops.cli import triage
from mlops.data import Record
from mlops.errors import DataError
from mlops.evaluation.report import report_html
from mlops.evaluation.workshop import predict_workshop, workshop_features
from mlops.workshop import check_hyperparameters, read_table, split_table

SHARED = Path(os.environ.get("TRIAGE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
TABLE, KAGGLE = SHARED / "workshop_features.csv", SHARED / "mtsamples_dev.csv.gz"
needs_table = pytest.mark.skipif(
    not TABLE.is_file(),
    reason="the workshop's table is not here; TRIAGE_TEST_DATA names its folder",
)

WriteTable = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> WriteTable:
    """Writes a table in which `wound` decides, or one that is wrong."""

    def write(
        rows: int = 60, header: Sequence[str] = ("ID", "Label", "wound", "fever"), **cells: object
    ) -> Path:
        random = np.random.default_rng(0)
        path = tmp_path / "features.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            for number in range(rows):
                label = number % 2
                row: dict[str, object] = {
                    "ID": f"r{number}",
                    "Label": label,
                    "wound": round(0.8 * label + 0.2 * random.uniform(), 4),
                    "fever": round(random.uniform(), 4) if number % 5 else "",
                }
                writer.writerow([*(row | (cells if number == 7 else {})).values()][: len(header)])
        return path

    return write


def run(*arguments: str) -> Result:
    return CliRunner().invoke(triage, ["train", *arguments], catch_exceptions=False)


@needs_table
def test_the_workshops_figure_is_reproduced(tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = run("--table", str(TABLE), "--label", "Label", "--output", str(output), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    test, folds = found["rungs"]
    assert test["records"] == 40
    assert round(test["columns"]["model"]["auc"]["value"], 3) == 0.945
    assert folds["records"] == 392
    assert found["repeated"]["mean"] == pytest.approx(0.947, abs=0.033)
    assert found["repeated"]["deviation"] == pytest.approx(0.033, abs=0.01)
    assert json.loads((output / "metrics.json").read_text()) == found


@needs_table
@pytest.mark.skipif(not KAGGLE.is_file(), reason="MTSamples is not here")
def test_its_features_belong_to_the_notes(tmp_path: Path) -> None:
    from mlops.data import read_kaggle

    records = read_kaggle(KAGGLE)
    features = workshop_features(TABLE, KAGGLE, records)
    texts = {record.id: record.text.lower() for record in records}
    assert len(features) > 200
    columns = read_table(TABLE, "Label").columns
    named = [
        column in texts[identity]
        for identity, values in features.items()
        for column, value in zip(columns, values, strict=True)
        if value > 0
    ]
    assert np.mean(named) > 0.99
    learn, judge = records[::2], [r for r in records[1::2] if r.id in features]
    found = predict_workshop(features, learn, judge)
    labels = np.array([record.label == "Surgery" for record in judge])
    assert found[labels].mean() > found[~labels].mean() + 0.3
    # The table of another file is noticed.
    swapped = pd.read_csv(TABLE)
    swapped["Label"] = 1 - swapped["Label"]
    swapped.to_csv(tmp_path / "swapped.csv", index=False)
    with pytest.raises(DataError, match="does not belong to"):
        workshop_features(tmp_path / "swapped.csv", KAGGLE, records)


def test_features_are_found_by_the_row_number_of_the_kaggle_file(
    table: WriteTable, tmp_path: Path
) -> None:
    kaggle = tmp_path / "m.csv"
    rows = [(f"r{n}", " Surgery", f"Note {n}.") for n in (3, 5)]
    frame = pd.DataFrame(rows, columns=["Unnamed: 0", "medical_specialty", "transcription"])
    frame.to_csv(kaggle, index=False)
    records = [Record("mtsamples-1", "note  5.", "Surgery", "g", "mtsamples-filed")]
    path = table()
    found = workshop_features(path, kaggle, records)
    assert list(found) == ["mtsamples-1"]
    given = read_table(path, "Label")
    assert np.array_equal(found["mtsamples-1"], given.values[5], equal_nan=True)


def test_the_contract_of_the_built_in_algorithm(table: WriteTable, tmp_path: Path) -> None:
    output, report = tmp_path / "out", tmp_path / "report.html"
    arguments = ["--table", str(table()), "--output", str(output), "--report", str(report)]
    result = run(*arguments, "-p", "num_round=9", "-p", "max_depth=2")
    assert result.exit_code == 0, result.output
    assert "Over 100 folds" in result.stdout
    # Label first, no header, 80/10/10, empty cells stay empty.
    sizes = {}
    for part in ("train", "validation", "test"):
        rows = list(csv.reader(io.StringIO((output / f"{part}.csv").read_text())))
        sizes[part] = len(rows)
        assert {row[0] for row in rows} <= {"0", "1"}
        assert {len(row) for row in rows} == {3}
    assert sizes == {"train": 48, "validation": 6, "test": 6}
    with tarfile.open(output / "model.tar.gz") as tar:
        assert tar.getnames() == ["xgboost-model"]
        member = tar.extractfile("xgboost-model")
        assert member is not None
        content = member.read()
    # As the algorithm's own serving loads it.
    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    assert booster.num_boosted_rounds() == 9
    rows = np.genfromtxt(output / "test.csv", delimiter=",")
    said = booster.predict(xgboost.DMatrix(rows[:, 1:])) >= 0.5
    assert (said == rows[:, 0]).all()
    assert "workshop on this use case" in report.read_text()


def test_the_split_is_that_of_the_notebook(table: WriteTable) -> None:
    path = table(rows=100)
    frame = pd.read_csv(path).sample(frac=1, random_state=123)
    expected = np.split(frame["ID"].to_numpy(), [80, 90])
    parts = split_table(read_table(path, "Label"))
    assert [part.ids for part in parts.values()] == [ids.tolist() for ids in expected]


def test_labels_may_be_words(table: WriteTable) -> None:
    path = table()
    frame = pd.read_csv(path)
    frame["Label"] = frame["Label"].map({1: "Surgery", 0: " Consultation "})
    frame.drop(columns="ID").to_csv(path, index=False)
    found = read_table(path, "Label")
    assert found.labels.tolist() == [number % 2 for number in range(60)]
    assert found.ids[:2] == ["0", "1"]
    assert found.columns == ["wound", "fever"]


@pytest.mark.parametrize(
    ("options", "label", "words"),
    [
        ({}, "Outcome", "has no column Outcome"),
        ({"Label": "2"}, "Label", "something else than 1 and 0.*first in line 9"),
        ({"Label": ""}, "Label", "something else than 1 and 0"),
        ({"fever": "high"}, "Label", "column fever of .* is not all numbers, first in line 9"),
        ({"rows": 10}, "Label", "has 10 rows"),
        ({"header": ("ID", "Label")}, "Label", "has no features"),
    ],
)
def test_a_wrong_table_has_its_sentence(
    table: WriteTable, options: dict[str, object], label: str, words: str
) -> None:
    with pytest.raises(DataError, match=words) as raised:
        read_table(table(**options), label)
    assert "Nothing was trained" in str(raised.value)


def test_a_file_that_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"")
    with pytest.raises(DataError, match="not a CSV"):
        read_table(path, "Label")
    path.write_bytes(b"Label,a\n1,\xff\xfe\n")
    with pytest.raises(DataError, match="not a CSV in UTF-8"):
        read_table(path, "Label")
    with pytest.raises(DataError, match="can't be read"):
        read_table(tmp_path / "nowhere.csv", "Label")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"max_depth": "deep"}, "max_depth must be a number from 0 to 20"),
        ({"max_depth": "2.5"}, "max_depth must be"),
        ({"eta": "3"}, "eta must be a number from 0 to 1"),
        ({"eta": "nan"}, "eta must be"),
        ({"objective": "multi:softmax"}, "objective must be binary:logistic"),
        ({"booster": "dart"}, "booster is not one that can be set here"),
    ],
)
def test_wrong_hyperparameters_are_named(given: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_hyperparameters(given)


def test_the_workshops_values_are_the_default() -> None:
    assert check_hyperparameters({"eta": "0.3"}) == {
        "objective": "binary:logistic",
        "num_round": 150,
        "max_depth": 5,
        "alpha": 2.5,
        "eta": 0.3,
        "base_score": 0.5,
    }


def test_options_of_the_two_roads_do_not_mix(table: WriteTable) -> None:
    result = CliRunner().invoke(triage, ["train", "--table", str(table()), "--name", "nightly"])
    assert result.exit_code == 2
    assert "--table goes with neither" in result.stderr


def test_its_report_claims_nothing_about_referrals(table: WriteTable, tmp_path: Path) -> None:
    arguments = ["--table", str(table()), "--output", str(tmp_path / "o"), "-p", "num_round=5"]
    result = run(*arguments, "--json")
    html = report_html(json.loads(result.stdout))
    assert "Plain XGBoost on a wide table" in html
    assert "MTSamples" not in html
