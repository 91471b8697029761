"""`triage audit`: check the log of operations, and hand it out."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlops.cli.options import echo_json, json_option
from mlops.errors import DataError

if TYPE_CHECKING:
    from bot.store.audit import Entry


@click.group(short_help="Check and export the log of operations.")
def audit() -> None:
    """Check and export the log of operations: who, what, when, from Slack or a terminal, result.

    \b
    Examples:
      triage audit verify
      triage audit export --output audit.jsonl
    """


@audit.command()
@click.option("--head", metavar="HASH", help="A hash noted earlier, which must still be there.")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An exported log instead of the database.",
)
@json_option
def verify(head: str | None, path: Path | None, as_json: bool) -> None:
    """Check that no line was changed, taken out or moved.

    Each line's hash covers the line and the hash before it. Lines cut off at the end are missed
    only by comparison: note the hash that this prints, and give it as --head the next time.

    Exit codes: 0 intact, 1 not.

    \b
    Examples:
      triage audit verify
      triage audit verify --file audit.jsonl
    """
    from bot.store.audit import check

    entries = _entries() if path is None else _read(path)
    checked = check(entries)
    missing = head is not None and head not in {entry.hash for entry in entries}
    if as_json:
        echo_json({**asdict(checked), "intact": checked.broken is None and not missing})
    elif checked.broken is not None:
        click.echo(
            f"Line {checked.broken} of {checked.entries} does not fit: it was changed, or the line "
            "before it was changed, moved or taken out. Nothing was repaired. Compare it with an "
            "earlier export or a backup of the database."
        )
    elif missing:
        click.echo(
            f"The hash {head} is not in the log: its line and all after it were taken out. Compare "
            "it with an earlier export or a backup of the database."
        )
    else:
        click.echo(f"{checked.entries} lines, each as it was written. Head: {checked.head}")
    if checked.broken is not None or missing:
        raise click.exceptions.Exit(1)


@audit.command()
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it; default: standard output.",
)
def export(output: Path | None) -> None:
    """Write the log as JSON Lines, oldest first, with its hashes.

    \b
    Examples:
      triage audit export
      triage audit export --output audit.jsonl
    """
    entries = _entries()
    lines = "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
    if output is None:
        click.echo(lines, nl=False)
        return
    try:
        output.write_text(lines, encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{output} can't be written: {error.strerror}. Nothing was exported. "
            "Give another --output."
        ) from None
    click.echo(f"{len(entries)} lines are in {output}.", err=True)


def _entries() -> "list[Entry]":
    from bot.store import open_engine
    from bot.store.audit import Audit
    from mlops.settings import get_settings

    engine = open_engine(get_settings())
    try:
        return Audit(engine).entries()
    finally:
        engine.dispose()


def _read(path: Path) -> "list[Entry]":
    from bot.store.audit import Entry

    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):
            raise DataError(
                f"Line {number} of {path} is no line of an audit log. Nothing was checked. "
                "Give a file that `triage audit export` wrote."
            ) from None
    return entries
