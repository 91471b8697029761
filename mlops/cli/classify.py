"""`triage classify`: notes from files, a pipe or a table."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mlops.classifier import Classifier, Note, get_classifier, get_local_classifier
from mlops.cli.options import console
from mlops.documents import read_document
from mlops.errors import NoteError
from mlops.result import Evidence, Recommendation, percent
from mlops.settings import get_settings

COLOURS = {"Surgery": "magenta", "Consultation": "cyan", "Needs review": "yellow"}
CONTEXT_CHARACTERS = 40


@click.command(short_help="Recommend Surgery or Consultation for notes.")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, one per note.")
@click.option(
    "--csv",
    "table",
    metavar="FILE|S3",
    help="Classify a column of a CSV file (plain or .gz) instead; one at s3://… is scored there.",
)
@click.option(
    "--column", default="transcription", show_default=True, help="The column with the notes."
)
@click.option("--output", metavar="FILE|S3", help="Where the scored table goes (with --csv).")
@click.option(
    "--endpoint", metavar="NAME", help="Ask this endpoint; else the champion, in-process."
)
def classify(
    files: tuple[str, ...],
    as_json: bool,
    table: str | None,
    column: str,
    output: str | None,
    endpoint: str | None,
) -> None:
    """Recommend Surgery or Consultation for each note, with the words that led to it.

    FILES are text, PDF or Word (.docx); - reads standard input. The model is the champion (what
    the default endpoint serves, else the one that is shipped), run in this process, unless
    --endpoint names one.

    \b
    Examples:
      triage classify letter.pdf note.txt
      echo "Irreducible hernia, vomiting since last night" | triage classify -
      triage classify --json notes/*.txt > answers.jsonl
      triage classify --csv notes.csv --column transcription --output scored.csv
      triage classify --csv s3://bucket/notes.csv --output s3://bucket/scored.csv

    Exit code 1 if any note could not be read; the others are answered all the same.
    """
    if table is not None:
        if files or output is None:
            raise click.UsageError("--csv takes --output FILE, and no other files.")
        if table.startswith("s3://") or output.startswith("s3://"):
            _score_in_s3(table, column, output, endpoint, as_json)
            return
        if not Path(table).is_file():
            raise click.UsageError(f"There is no file {table}.")
        _score_table(Path(table), column, Path(output), _classifier(endpoint), as_json)
        return
    if output is not None:
        raise click.UsageError("--output goes with --csv; redirect the output instead: > FILE")
    if not files:
        if sys.stdin.isatty():
            raise click.UsageError("Name a file, or - to read standard input.")
        files = ("-",)
    classifier = _classifier(endpoint)
    failed = False
    for name, answer in _answers(files, classifier):
        if isinstance(answer, NoteError):
            failed = True
            if as_json:
                click.echo(json.dumps({"id": name, "error": str(answer)}, ensure_ascii=False))
            click.echo(f"Error: {name}: {answer}", err=True)
        elif as_json:
            click.echo(json.dumps(answer[0].to_json(), ensure_ascii=False))
        else:
            _show(*answer)
    if failed:
        sys.exit(1)


def _classifier(endpoint: str | None) -> Classifier:
    settings = get_settings()
    return get_classifier(settings, endpoint) if endpoint else get_local_classifier(settings)


def _answers(
    files: tuple[str, ...], classifier: Classifier
) -> Iterator[tuple[str, tuple[Recommendation, str] | NoteError]]:
    """For each file its recommendation and text, or why there is none."""
    for name in files:
        try:
            data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
            document = read_document(name, data)
            answer = classifier.classify([Note(name, document.text)])[0]
        except NoteError as error:
            yield name, error
        except OSError as error:
            reason = error.strerror or "it can't be opened"
            yield name, NoteError(f"The file can't be read: {reason}. Nothing was classified.")
        else:
            yield name, (answer.with_warnings(document.warnings), document.text)


def _show(answer: Recommendation, text: str) -> None:
    """The recommendation for a person at a terminal."""
    click.secho(answer.recommendation, fg=COLOURS[answer.recommendation], bold=True, nl=False)
    sure = f"  {percent(answer.confidence)}" if answer.confidence is not None else ""
    click.echo(f"{sure}   {click.style(answer.id, dim=True)}")
    for item in answer.evidence:
        towards = "Surgery" if item.weight > 0 else "Consultation"
        before, after = _context(text, item)
        told = f"  ({item.assertion})" if item.assertion else ""
        click.echo(
            f"  {click.style(f'{item.weight:+.2f}', fg=COLOURS[towards])}  "
            f"{before}{click.style(' '.join(item.text.split()), bold=True)}{after}"
            f"{click.style(told, dim=True)}"
        )
    for warning in answer.warnings:
        click.secho(f"  ! {warning}", fg="yellow")
    click.secho(
        f"  {answer.document_type}, model {answer.model_version}. A clinician decides.\n", dim=True
    )


def _context(text: str, item: Evidence) -> tuple[str, str]:
    """A few words before and after a span, on one line."""
    before = text[max(0, item.start - CONTEXT_CHARACTERS) : item.start]
    after = text[item.end : item.end + CONTEXT_CHARACTERS]
    if len(before) < item.start and " " in before:
        before = "… " + before.partition(" ")[2]
    if item.end + len(after) < len(text) and " " in after:
        after = after.rpartition(" ")[0] + " …"
    lead = " " if before.endswith((" ", "\n", "\t")) else ""
    tail = " " if after.startswith((" ", "\n", "\t")) else ""
    return " ".join(before.split()) + lead, tail + " ".join(after.split())


def _score_in_s3(table: str, column: str, output: str, endpoint: str | None, as_json: bool) -> None:
    """Score a table where it lies, with the version that serves."""
    from mlops.backends import TableRequest, get_backend
    from mlops.errors import NotFoundError
    from mlops.settings import DEFAULT_ENDPOINT

    if not (table.startswith("s3://") and output.startswith("s3://")):
        raise click.UsageError("Both --csv and --output are in S3, or neither is.")
    settings = get_settings()
    backend = get_backend(settings)
    name = endpoint or settings.triage_endpoint
    try:
        version = backend.endpoint(name or DEFAULT_ENDPOINT).version
    except NotFoundError:
        if name:
            raise
        version = "shipped"
    with console(stderr=True).status(f"Scoring {table}") as status:
        scored = backend.score_table(TableRequest(table, column, output, version), status.update)
    if as_json:
        click.echo(
            json.dumps({"output": scored.output, "rows": scored.rows, "refused": scored.refused})
        )
        return
    refused = f"; {scored.refused:,} had no note to classify" if scored.refused else ""
    click.echo(f"{scored.rows:,} rows in {scored.output}{refused}.", err=True)


def _score_table(
    table: Path, column: str, output: Path, classifier: Classifier, as_json: bool
) -> None:
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from mlops.worklist import score_csv

    if output.resolve() == table.resolve():
        raise click.UsageError("--output must be another file than --csv.")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("Scoring", total=1.0)

        def progress(rows: int, share: float) -> None:
            bar.update(task, completed=share, description=f"Scoring: {rows:,} rows")

        try:
            scored = score_csv(table, column, output, classifier, progress)
        except KeyboardInterrupt:
            bar.stop()
            click.echo(f"The rows so far are kept in {output}.partial.", err=True)
            click.echo("Run the same command again to go on from there.", err=True)
            raise
    if as_json:
        click.echo(
            json.dumps({"output": str(output), "rows": scored.rows, "refused": scored.refused})
        )
        return
    resumed = f" ({scored.resumed_at:,} of them by an earlier run)" if scored.resumed_at else ""
    refused = f"; {scored.refused:,} had no note to classify" if scored.refused else ""
    click.echo(f"{scored.rows:,} rows{resumed} in {output}{refused}.", err=True)
