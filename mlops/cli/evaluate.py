"""`triage evaluate`: how good a model version is on labelled notes."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops.cli.options import console, echo_json, json_option, open_backend
from mlops.errors import DataError

if TYPE_CHECKING:
    from mlops.evaluation.metrics import Interval

MAX_ERRORS_SHOWN = 20


@click.command(short_help="Score a model version on labelled notes.")
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="A dataset folder (its test part is used), or JSON Lines with id, text and label.",
)
@click.option(
    "--model", "version", default="shipped", show_default=True, help="A version, or `shipped`."
)
@json_option
def evaluate(data: Path, version: str, as_json: bool) -> None:
    """Score a model version on labelled notes, with 95 % intervals over clusters.

    Notes that the model leaves to people count by their probability in the metrics, and are
    counted apart under coverage. Errors are listed by id, never by text.

    \b
    Examples:
      triage evaluate --data dataset
      triage evaluate --data letters.jsonl --model shipped --json
    """
    from mlops.classifier import LocalClassifier, Note
    from mlops.data import read_records
    from mlops.evaluation.metrics import measure, to_json

    records = read_records(data / "test.jsonl" if data.is_dir() else data)
    if len({record.label for record in records}) < 2:
        raise DataError(
            "All notes have the same label. Nothing was scored. Give notes of both classes."
        )
    with tempfile.TemporaryDirectory() as folder:
        classifier = LocalClassifier(open_backend().fetch_artifact(version, Path(folder)))
        answers = classifier.classify([Note(r.id, r.text) for r in records])
    labels = [int(record.label == "Surgery") for record in records]
    # What the model can't read at all is an even chance.
    shares = [0.5 if a.probability is None else a.probability for a in answers]
    figures = measure(labels, shares, [record.group for record in records])
    decided = [
        (record, answer)
        for record, answer in zip(records, answers, strict=True)
        if answer.recommendation != "Needs review"
    ]
    wrong = [record.id for record, answer in decided if answer.recommendation != record.label]
    summary = {
        "model_version": classifier.model_version,
        "records": len(records),
        "coverage": round(len(decided) / len(records), 5),
        "accuracy_of_decided": round(1 - len(wrong) / len(decided), 5) if decided else None,
    }
    if as_json:
        echo_json({**summary, "metrics": to_json(figures), "wrong": wrong})
    else:
        _show(summary, figures, wrong)


def _show(summary: dict[str, object], figures: dict[str, "Interval"], wrong: list[str]) -> None:
    from rich.table import Table

    table = Table(title=f"Model {summary['model_version']} on {summary['records']} notes")
    for name in ("metric", "value", "95 % interval"):
        table.add_column(name)
    for name, figure in figures.items():
        table.add_row(name, f"{figure.value:.4f}", f"{figure.low:.4f} to {figure.high:.4f}")
    table.add_row("coverage", f"{summary['coverage']:.4f}", "")
    table.add_row("accuracy of decided", f"{summary['accuracy_of_decided'] or 0:.4f}", "")
    console().print(table)
    if wrong:
        more = (
            "" if len(wrong) <= MAX_ERRORS_SHOWN else f" and {len(wrong) - MAX_ERRORS_SHOWN} more"
        )
        click.echo(f"Wrong: {', '.join(wrong[:MAX_ERRORS_SHOWN])}{more}")
