"""`triage evaluate`: how good a model version is on labelled notes."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mlops.cli.options import console, echo_json, json_option, open_backend, write_file

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
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write an HTML report here."
)
@click.option(
    "--with-text",
    is_flag=True,
    help="Put the text of wrongly judged notes into report and JSON; without it their id alone.",
)
@json_option
def evaluate(data: Path, version: str, report: Path | None, with_text: bool, as_json: bool) -> None:
    """Score a model version on labelled notes, with 95 % intervals over clusters.

    Each source is a rung of its own, from notes as filed to referral texts; notes that the model
    leaves to people count by their probability, and are counted apart under coverage. A dataset
    folder also gives the baselines something to learn from. The report follows TRIPOD+AI's items.

    \b
    Examples:
      triage evaluate --data dataset --report report.html
      triage evaluate --data letters.jsonl --model shipped --json
    """
    from mlops.data import read_records
    from mlops.evaluation.report import report_html
    from mlops.evaluation.run import evaluate_version

    records = read_records(data / "test.jsonl" if data.is_dir() else data)
    learn = read_records(data / "train.jsonl") if data.is_dir() else []
    with (
        tempfile.TemporaryDirectory() as folder,
        console(stderr=True).status("Loading") as status,
    ):
        artifact = open_backend().fetch_artifact(version, Path(folder))
        evaluation = evaluate_version(
            artifact, records, learn, with_text=with_text, say=status.update
        )
        if report is not None:
            status.update("Writing the report")
            write_file(report, report_html(evaluation).encode())
    if as_json:
        echo_json(evaluation)
        return
    show_evaluation(evaluation)
    if report is not None:
        click.echo(f"Report: {report}")


def show_evaluation(evaluation: Mapping[str, Any]) -> None:
    """The figures of each rung, and the ids of wrong decisions, on a terminal."""
    from rich.table import Table

    from mlops.evaluation.wording import NAMES

    out = console()
    for rung in evaluation["rungs"]:
        title = f"{rung['name']}: {rung['records']} notes"
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        table.add_column("")
        for column in rung["columns"]:
            table.add_column(column)
        for name, title in NAMES.items():
            ours, *others = rung["columns"].values()
            # Of baselines the figure is enough on a terminal; the report has their intervals.
            cells = [_figure(ours.get(name)), *(_value(other.get(name)) for other in others)]
            if any(cells):
                table.add_row(title, *cells)
        out.print(table)
        if wrong := [error["id"] for error in rung["wrong"]]:
            rest = len(wrong) - MAX_ERRORS_SHOWN
            more = f" and {rest} more" if rest > 0 else ""
            click.echo(f"Wrong: {', '.join(wrong[:MAX_ERRORS_SHOWN])}{more}")
        click.echo()


def _figure(figure: Mapping[str, float | None] | None) -> str:
    if figure is None or figure["low"] is None:
        return _value(figure)
    return f"{_value(figure)} ({figure['low']:.3f} to {figure['high']:.3f})"


def _value(figure: Mapping[str, float | None] | None) -> str:
    return "" if figure is None or figure["value"] is None else f"{figure['value']:.4f}"
