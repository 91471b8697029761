"""`triage feedback`: the notes kept for training, and what people differ on. Never any text."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.ops_messages import no_corrections
from bot.terminal import TERMINAL, database, stamp, who
from mlops.cli.options import console, echo_json, json_option

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from bot.store.labels import Labels


@click.group(short_help="List and delete notes kept for training.")
def feedback() -> None:
    """List and delete notes kept for training.

    A note is kept only where TRIAGE_KEEP_NOTES=1, when somebody agrees to its recommendation or
    corrects it: encrypted with TRIAGE_NOTES_KEY, for TRIAGE_NOTES_DAYS. No command shows its text.

    \b
    Examples:
      triage feedback list
      triage feedback delete --person U012AB3CD
    """


@feedback.command()
def key() -> None:
    """Print a new key for TRIAGE_NOTES_KEY.

    Whoever has it and the database can read the kept notes: keep it where you keep tokens.

    \b
    Examples:
      triage feedback key
    """
    from cryptography.fernet import Fernet

    click.echo(Fernet.generate_key().decode())


@feedback.command(name="list")
@json_option
def list_labels(as_json: bool) -> None:
    """List the kept notes: label, who gave it, who sent the note, until when it is kept.

    \b
    Examples:
      triage feedback list
      triage feedback list --json
    """
    with database() as engine:
        found = _labels(engine).all()
    if as_json:
        echo_json(found)
        return
    if not found:
        click.echo("No note is kept.")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("note", "label", "said by", "sent by", "kept", "until"):
        table.add_column(heading, overflow="fold")
    for label in found:
        table.add_row(
            label.id,
            label.label,
            label.user,
            label.sender,
            stamp(label.created),
            stamp(label.expires),
        )
    console().print(table)


@feedback.command()
@click.option("--note", metavar="ID", help="This note, and every copy of the same text.")
@click.option("--person", metavar="U…", help="All that this person sent or gave the label for.")
@json_option
def delete(note: str | None, person: str | None, as_json: bool) -> None:
    """Delete kept notes, by note or by person.

    Recommendations and what was said to them stay in the database; they hold no text.

    \b
    Examples:
      triage feedback delete --person U012AB3CD
      triage feedback delete --note 5f0c7d2a --json
    """
    if (note is None) == (person is None):
        raise click.UsageError("Give either --note or --person.")
    with database() as engine:
        labels = _labels(engine)
        if note is not None:
            gone = labels.delete_note(note, who(), TERMINAL)
        else:
            gone = labels.delete_person(str(person), who(), TERMINAL)
    _say(gone, as_json=as_json)


@feedback.command()
@click.option("--all", "everything", is_flag=True, help="Also those whose time isn't over.")
@json_option
def purge(everything: bool, as_json: bool) -> None:
    """Delete kept notes whose time is over; the bot does so every hour.

    \b
    Examples:
      triage feedback purge
      triage feedback purge --all
    """
    with database() as engine:
        labels = _labels(engine)
        gone = labels.delete_all(who(), TERMINAL) if everything else labels.purge()
    _say(gone, as_json=as_json)


@feedback.command()
@json_option
def disagreements(as_json: bool) -> None:
    """List notes that people give different answers to, which no lead has settled yet.

    They are not trained on. A lead settles them on the app's Home tab.

    \b
    Examples:
      triage feedback disagreements
      triage feedback disagreements --json
    """
    from bot.store.disagreements import Disagreements

    with database() as engine:
        found = Disagreements(engine).open()
    if as_json:
        echo_json([asdict(item) for item in found])
        return
    for item in found:
        said = ", ".join(f"{opinion.user}: {opinion.answer}" for opinion in item.opinions)
        click.echo(f"{item.decision}  {said}")
    if not found:
        click.echo("Nobody differs.")


@feedback.command()
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the dataset into.",
)
def dataset(output: Path) -> None:
    """Write a dataset of the shipped corpus and the kept notes, to train on in a terminal.

    It holds the notes' text, readable: remove the folder when the training is done. In Slack,
    /retrain with the data "Corrections" does all of this.

    \b
    Examples:
      triage feedback dataset --output corrections && triage train --data corrections
    """
    from bot.store.labels import Labels, make_cipher
    from mlops.data import build_dataset
    from mlops.errors import DataError
    from mlops.settings import get_settings

    settings = get_settings()
    with database() as engine:
        labels = Labels(engine, make_cipher(settings), settings.triage_notes_days)
        records = labels.records()
        wanted = labels.wanted
    if not records:
        raise DataError(no_corrections(wanted))
    with console(stderr=True).status("Building the dataset") as status:
        build_dataset(output, kaggle=None, extra=records, say=status.update)
    notes = "1 kept note" if len(records) == 1 else f"{len(records)} kept notes"
    click.echo(f"{output} holds {notes} and the shipped corpus. It can be read: remove it later.")


def _labels(engine: "Engine") -> "Labels":
    """Without a key: nothing here reads a note."""
    from bot.store.labels import Labels
    from mlops.settings import get_settings

    return Labels(engine, None, get_settings().triage_notes_days)


def _say(gone: int, *, as_json: bool) -> None:
    if as_json:
        echo_json({"deleted": gone})
    else:
        notes = "1 note is" if gone == 1 else f"{gone} notes are"
        click.echo(f"{notes} deleted.")
