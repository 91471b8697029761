"""`triage dataset build`: the data that models are trained on."""

from pathlib import Path

import click

from mlops.cli.options import console, echo_json, json_option


@click.group()
def dataset() -> None:
    """Build the data that models are trained on.

    \b
    Examples:
      triage dataset build --output data
      triage dataset build --kaggle mtsamples.csv --output data
    """


@dataset.command()
@click.option(
    "--kaggle",
    type=click.Path(path_type=Path),
    help="mtsamples.csv of Kaggle's Medical Transcriptions, plain or .gz. "
    "Without it: the corpus that comes with the package, alone.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to write; a dataset that is there is replaced.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the split.")
@json_option
def build(kaggle: Path | None, output: Path, seed: int, as_json: bool) -> None:
    """Write train, validation and test records, and a manifest.

    Near-duplicates stay on one side of the split. Each note of the Kaggle file comes as filed, and
    once more with only what stood before a decision was made.

    \b
    Examples:
      triage dataset build --output data
      triage dataset build --kaggle mtsamples.csv.gz --output data --seed 7 --json
    """
    from mlops.data import build_dataset

    remarks = console(stderr=True)
    with remarks.status("Building") as status:
        manifest = build_dataset(output, kaggle=kaggle, seed=seed, say=status.update)
    if as_json:
        echo_json(manifest)
        return
    from rich.table import Table

    out = console()
    table = Table(box=None, pad_edge=False)
    table.add_column("source / label")
    for part in manifest.counts:
        table.add_column(part, justify="right")
    kinds = sorted({kind for counts in manifest.counts.values() for kind in counts})
    for kind in kinds:
        table.add_row(kind, *(str(counts.get(kind, 0)) for counts in manifest.counts.values()))
    out.print(table)
    for reason, number in manifest.dropped.items():
        out.print(f"left out, {reason}: {number}")
    out.print(f"{manifest.clusters} clusters of near-duplicates; none is on two sides.")
    out.print(f"Written to {output}. Train on it with: triage train --data {output}")
