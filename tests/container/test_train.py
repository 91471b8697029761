"""Training in script mode: hyperparameters, records, and what is said when they are wrong."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops.container.answer import answer
from mlops.container.errors import TrainingError
from mlops.container.inference import model_fn
from mlops.container.table import Row, fold_of
from mlops.container.train import HYPERPARAMETERS, main, parse_arguments

CANARY = "zebrafinch"


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """Training takes SIGTERM for itself: the test run gets it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_defaults_are_in_their_ranges() -> None:
    values = parse_arguments([])
    assert set(values) == set(HYPERPARAMETERS)
    for name, (kind, default, low, high) in HYPERPARAMETERS.items():
        assert values[name] == default
        assert low <= default <= high
        assert type(values[name]) is kind
        # The ends of a range are in it.
        for edge in (low, high):
            text = str(int(edge)) if kind is int else str(edge)
            assert parse_arguments([f"--{name}", text])[name] == edge


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_depth", "0"), ("max_depth", "13"), ("max_depth", "3.5"), ("eta", "2"), ("eta", "nan"),
     ("eta", "inf"), ("eta", CANARY), ("num_round", ""), ("seed", "-1"), ("error_target", "0"),
     ("pairs", "2")],
)  # fmt: skip
def test_a_wrong_hyperparameter_is_named(name: str, value: str) -> None:
    _, _, low, high = HYPERPARAMETERS[name]
    with pytest.raises(TrainingError) as caught:
        parse_arguments([f"--{name}={value}"])
    sentence = str(caught.value)
    assert f"The hyperparameter {name} must be a number from {low:g} to {high:g}" in sentence
    assert "Nothing was trained." in sentence
    assert CANARY not in sentence


def test_an_argument_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--max_dept", "3"]) == 1
    said = capsys.readouterr().err
    assert "does not have" in said
    assert "max_depth" in said


def channel(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(parents=True)
    (folder / "records.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def line(row: Row, **changes: object) -> str:
    label = ("Consultation", "Surgery")[row.label]
    record = {"text": row.text, "label": label, "group": row.group, "source": row.source}
    return json.dumps({**record, **changes})


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a job's folders are; the environment says so, as in a container."""
    for variable, name in {
        "SM_CHANNEL_TRAIN": "train",
        "SM_MODEL_DIR": "model",
        "SM_OUTPUT_DATA_DIR": "output",
    }.items():
        monkeypatch.setenv(variable, str(tmp_path / name))
    return tmp_path


def test_a_job_leaves_a_model_and_its_metrics(
    job: Path, rows: list[Row], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    channel(job / "train", [line(row) for row in rows[:80]])
    channel(job / "validation", [line(row) for row in rows[80:120]])
    monkeypatch.setenv("SM_CHANNEL_VALIDATION", str(job / "validation"))
    assert main(["--num_round", "20", "--min_child_weight", "3", "--seed", "4"]) == 0
    said = capsys.readouterr().out
    metrics = json.loads((job / "output" / "metrics.json").read_text())
    model = model_fn(str(job / "model"))
    assert f"model version {model.version}" in said
    assert f"validation-auc:{metrics['auc']:.5f}" in said
    assert 0.5 < metrics["auc"] <= 1
    assert model.metadata["hyperparameters"]["seed"] == 4
    assert sum(model.metadata["records"].values()) == 80
    assert answer("0", rows[90].text, model)["model_version"] == model.version
    # Nothing that is printed or kept beside the words is a note.
    assert rows[0].text[:30] not in said + json.dumps(model.metadata)


@pytest.mark.parametrize(
    "broken",
    [
        f'{{"text": "{CANARY}", "label": "Surgery"',
        json.dumps({"text": CANARY, "label": "Surgery"}),
        json.dumps({"text": CANARY, "label": CANARY, "group": "a"}),
        json.dumps({"text": [CANARY], "label": "Surgery", "group": "a"}),
        json.dumps({"text": CANARY, "label": "Surgery", "group": "a", "weight": -1}),
        json.dumps({"text": CANARY, "label": "Surgery", "group": "a", "weight": "NaN"}),
        json.dumps({"text": CANARY, "label": "Surgery", "group": "a", "weight": CANARY}),
        json.dumps([CANARY]),
        CANARY,
    ],
)
def test_a_broken_record_is_named_by_its_line(
    job: Path, rows: list[Row], capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    channel(job / "train", [line(rows[0]), line(rows[1]), broken, line(rows[2])])
    assert main([]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("Line 3 of records.jsonl is not a record")
    assert "Nothing was trained." in said.err
    assert CANARY not in said.err + said.out
    assert not (job / "model").exists()


def test_records_of_one_label_train_nothing(
    job: Path, rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    channel(job / "train", [line(row) for row in rows[:20] if row.label])
    assert main([]) == 1
    assert "both labels" in capsys.readouterr().err


def test_a_failure_inside_says_its_kind_alone(
    job: Path, rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    channel(job / "train", [line(row, text=row.text + CANARY) for row in rows[:40]])
    # The model's folder can't be made where a file is.
    (job / "model").write_text("")
    assert main(["--num_round", "2"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("Training failed (")
    assert CANARY not in said.err + said.out
    assert "Traceback" not in said.err


def test_a_cluster_has_one_fold() -> None:
    folds = [fold_of(str(group), 0) for group in range(400)]
    assert folds == [fold_of(str(group), 0) for group in range(400)]
    assert {folds.count(fold) > 40 for fold in range(5)} == {True}
