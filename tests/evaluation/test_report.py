"""Report and card: complete, self-contained, made of the figures, and without a word of a note."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from mlops.cli import triage
from mlops.data import Record, read_records, write_records
from mlops.errors import DataError
from mlops.evaluation.card import model_card
from mlops.evaluation.held_out import write_held_out
from mlops.evaluation.metrics import Interval
from mlops.evaluation.report import report_html
from mlops.evaluation.run import evaluate_version
from mlops.evaluation.scoring import load_artifact, score
from mlops.evaluation.ship import compact
from mlops.evaluation.wording import capital, in_percent, percent, signed
from mlops.shipped import METRICS, MODEL_CARD
from tests.evaluation.test_gate import Page, with_file


@pytest.fixture(scope="module")
def evaluation(good: Path, dataset: Path) -> dict[str, Any]:
    test = read_records(dataset / "test.jsonl")
    # Some of them as if a clinic had brought them.
    brought = [Record(f"c{n}", r.text, r.label, r.group, "clinic") for n, r in enumerate(test[:40])]
    learn = read_records(dataset / "train.jsonl")
    return evaluate_version(good, [*test, *brought], learn)


@pytest.fixture(scope="module")
def metrics(evaluation: dict[str, Any]) -> dict[str, Any]:
    """What ship writes, of an evaluation that has everything."""
    rung = evaluation["rungs"][0]["name"]
    auc = evaluation["rungs"][0]["columns"]["model"]["auc"]
    by = Interval(-0.031, -0.05, -0.01).to_json()
    whole = {
        **evaluation,
        "mode": "cross-validation",
        "seed": 0,
        "dropped": {"empty": 3},
        "kaggle_sha256": "k" * 64,
        "records_sha256": "r" * 64,
        "hyperparameters": {"eta": 0.1, "num_round": 40},
        "artifact_bytes": 1_234_567,
        "ablation": [
            {"name": "nothing", "rungs": {rung: {"auc": auc}}},
            {"name": "cues", "rungs": {rung: {"auc": auc, "difference": by}}},
        ],
        "workshop": {
            "rows": 392,
            "columns": 37,
            "test_rows": 40,
            "test": {"auc": Interval(0.945, 0.872, 0.99).to_json()},
            "repeated": {"mean": 0.943, "deviation": 0.034, "folds": 100},
        },
    }
    return json.loads(json.dumps(whole))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def html(metrics: dict[str, Any]) -> str:
    return report_html(metrics)


def test_each_source_is_a_rung(evaluation: dict[str, Any]) -> None:
    assert [rung["name"] for rung in evaluation["rungs"]] == ["referral texts", "clinic"]
    columns = evaluation["rungs"][0]["columns"]
    assert list(columns) == ["model", "logistic regression", "headings only", "length only"]
    assert set(columns["model"]) == {
        "auc",
        "pr_auc",
        "accuracy",
        "sensitivity",
        "specificity",
        "brier",
        "ece",
        "net_benefit",
        "coverage",
        "error_decided",
    }
    for name, figure in columns["model"].items():
        assert figure["value"] <= figure["high"]
        # A resample repeats records, so its bins are rougher: its ECE is mostly above the sample's.
        assert name == "ece" or figure["low"] <= figure["value"]


def test_the_page_is_whole_and_loads_nothing(html: str, dataset: Path) -> None:
    page = Page(html)
    assert page.open == []
    assert page.loads == []
    assert {"svg", "table", "details"} <= page.tags
    assert "script" not in page.tags
    assert "prefers-color-scheme: dark" in html
    assert 'name="viewport"' in html
    assert not re.search(r"url\((?!#)|@import", html)
    # The names of XML's own vocabularies are all the addresses there are.
    assert set(re.findall(r"https?://[^\s\"'<>]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    for record in read_records(dataset / "test.jsonl"):
        assert record.text[:60] not in html


def test_every_item_of_tripod_ai_has_its_place(html: str) -> None:
    named: set[int] = set()
    for items in re.findall(r'class="item">items? ([^<]+)<', html):
        named |= {int(number) for number in re.findall(r"\d+", items)}
    # 1 is the title; 22, the model itself, is the artifact.
    assert named | {1, 22} == set(range(1, 28))


def test_figures_stand_in_the_page_as_they_are(metrics: dict[str, Any], html: str) -> None:
    for rung in metrics["rungs"]:
        assert f"<h2>{capital(rung['name'])} " in html
        for figures in rung["columns"].values():
            for figure in figures.values():
                if figure["value"] is not None:
                    assert f"{figure['value']:.3f}" in html
    assert "-0.031" in html
    assert "0.945 (0.872 to 0.990)" in html


def test_text_of_errors_only_when_asked(
    good: Path, dataset: Path, evaluation: dict[str, Any]
) -> None:
    test = read_records(dataset / "test.jsonl")
    shown = evaluate_version(good, test, with_text=True)
    wrong = shown["rungs"][0]["wrong"]
    assert wrong
    html = report_html(shown)
    assert all(f"<code>{error['id']}</code>" in html for error in wrong[:20])
    assert "<pre>" in html
    assert "<pre>" not in report_html(evaluation)
    assert [e["id"] for e in evaluation["rungs"][0]["wrong"]] == [e["id"] for e in wrong]


def test_what_it_was_trained_on_is_said(
    good: Path, dataset: Path, tmp_path: Path, evaluation: dict[str, Any]
) -> None:
    test = read_records(dataset / "test.jsonl")
    assert "does not say which notes" in report_html(evaluation)
    texts = [record.text for record in test][:50]
    answers = score(load_artifact(good), texts)
    artifact = with_file(good, tmp_path, lambda folder: write_held_out(folder, [(texts, answers)]))
    known = evaluate_version(artifact, test)
    assert known["judged_out_of_fold"] == 50
    assert "50 of the texts it was trained on itself" in report_html(known)


def test_one_label_can_not_be_scored(good: Path, dataset: Path) -> None:
    one = [r for r in read_records(dataset / "test.jsonl") if r.label == "Surgery"]
    with pytest.raises(DataError, match="has both labels"):
        evaluate_version(good, one)


def test_the_card_is_made_of_the_metrics(metrics: dict[str, Any]) -> None:
    small = compact(metrics)
    assert "curves" not in json.dumps(small)
    card = model_card(small)
    _, front, body = card.split("---\n", 2)
    head = yaml.safe_load(front)
    (index,) = head["model-index"]
    assert [result["dataset"]["type"] for result in index["results"]] == [
        rung["name"] for rung in metrics["rungs"]
    ]
    auc = metrics["rungs"][0]["columns"]["model"]["auc"]
    assert {"type": "auc", "name": "AUC", "value": auc["value"]} in index["results"][0]["metrics"]
    assert f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})" in body
    for heading in (
        "## Uses",
        "## Training data",
        "## Evaluation",
        "### Ablation",
        "### Behaviour",
    ):
        assert f"\n{heading}\n" in body
    assert "| cues | " in body
    assert ", -0.031 |" in body
    assert "1.23 MB" in body
    # Rows have as many cells as their head.
    tables = re.findall(r"(?:^\|.*\|\n?)+", body, flags=re.MULTILINE)
    for table in tables:
        assert len({line.count("|") for line in table.strip().split("\n")}) == 1


def test_another_figure_is_another_card(metrics: dict[str, Any]) -> None:
    other = json.loads(json.dumps(compact(metrics)))
    other["rungs"][0]["columns"]["model"]["auc"]["value"] = 0.12345
    assert "0.123 (" in model_card(other)
    assert model_card(other) != model_card(compact(metrics))


def test_the_shipped_card_is_that_of_the_shipped_metrics() -> None:
    assert MODEL_CARD.read_text() == model_card(json.loads(METRICS.read_text()))


def test_wording() -> None:
    assert percent(0.872) == "87 %"
    assert in_percent(Interval(0.0451, 0.02, 0.071)) == "4.5 % (2.0 to 7.1 %)"
    assert signed(Interval(0.0123, -0.0001, 0.03)).endswith("+0.012 (+0.000 to +0.030)")


# On the command line


def run(*arguments: str) -> Result:
    return CliRunner().invoke(triage, ["evaluate", *arguments], catch_exceptions=False)


def test_report_and_json(dataset: Path, tmp_path: Path) -> None:
    report = tmp_path / "deep" / "report.html"
    result = run("--data", str(dataset), "--report", str(report), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["mode"] == "held-out notes"
    assert found["rungs"][0]["subgroups"]["sex"]
    assert found["model_version"] in report.read_text()
    assert "text" not in next(iter(found["rungs"][0]["wrong"]), {})


def test_for_a_person(dataset: Path, tmp_path: Path) -> None:
    letters = tmp_path / "letters.jsonl"
    write_records(letters, read_records(dataset / "test.jsonl"))
    result = run("--data", str(letters))
    assert result.exit_code == 0, result.output
    assert "referral texts" in result.stdout
    assert "AUC" in result.stdout
    # Without a training part there is nothing to fit a baseline on.
    assert "logistic" not in result.stdout


def test_an_output_that_can_not_be_written(dataset: Path, tmp_path: Path) -> None:
    letters = tmp_path / "letters.jsonl"
    write_records(letters, read_records(dataset / "test.jsonl")[:30])
    (tmp_path / "file").write_text("in the way")
    arguments = ["evaluate", "--data", str(letters), "--report", str(tmp_path / "file" / "r.html")]
    result = CliRunner().invoke(triage, arguments)
    assert result.exit_code == 1
    assert "can't be written" in result.stderr
