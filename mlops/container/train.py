"""Training in SageMaker's script mode: `SM_CHANNEL_TRAIN` in, an artifact in `SM_MODEL_DIR` out."""

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlops.container.errors import TrainingError, place_of

# name: (type, default, lowest, highest). The command line and the tuner read this table.
HYPERPARAMETERS: dict[str, tuple[type, float, float, float]] = {
    "num_round": (int, 30, 1, 2000),
    "max_depth": (int, 3, 1, 12),
    "eta": (float, 0.05, 0.001, 1.0),
    "alpha": (float, 0.0, 0.0, 100.0),
    "lambda": (float, 10.0, 0.0, 100.0),
    "gamma": (float, 0.0, 0.0, 100.0),
    "min_child_weight": (float, 40.0, 0.0, 100.0),
    "subsample": (float, 0.6, 0.1, 1.0),
    "colsample_bytree": (float, 0.5, 0.1, 1.0),
    "linear_c": (float, 3.0, 0.001, 1000.0),
    "corpus_weight": (float, 2.5, 0.0, 100.0),
    "error_target": (float, 0.1, 0.01, 0.5),
    # 0 leaves out a kind of feature, or the copies with background, to see what it is worth.
    "pairs": (int, 1, 0, 1),
    "pieces": (int, 1, 0, 1),
    "meanings": (int, 1, 0, 1),
    "cues": (int, 1, 0, 1),
    "background": (int, 1, 0, 1),
    "seed": (int, 0, 0, 2**31 - 1),
}

# Names a folder that trainings on one disk share. SageMaker has no such thing and doesn't set it.
PREPARED_VARIABLE = "TRIAGE_PREPARED"


def parse_arguments(arguments: Sequence[str]) -> dict[str, float]:
    """The hyperparameters, each checked against its range.

    Raises:
        TrainingError: naming the one that is wrong, and what it may be.
    """
    parser = argparse.ArgumentParser(add_help=True, allow_abbrev=False)
    for name in HYPERPARAMETERS:
        parser.add_argument(f"--{name}", type=str)
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise TrainingError(
            "There is an argument that train.py does not have. Nothing was trained. "
            f"It takes: {', '.join(HYPERPARAMETERS)}."
        )
    values: dict[str, float] = {}
    for name, (kind, default, low, high) in HYPERPARAMETERS.items():
        given = getattr(known, name)
        try:
            value = default if given is None else kind(given)
            wrong = not low <= value <= high
        except ValueError:
            wrong = True
            value = default
        if wrong:
            raise TrainingError(
                f"The hyperparameter {name} must be a number from {low:g} to {high:g} "
                f"({'a whole one' if kind is int else 'decimals are fine'}). "
                "Nothing was trained. Correct it and start again."
            )
        values[name] = value
    return values


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        hyperparameters = parse_arguments(sys.argv[1:] if arguments is None else arguments)
        _train(hyperparameters)
    except Exception as error:  # noqa: BLE001 - any message may quote a record: it is left out
        sentence = str(error) if isinstance(error, TrainingError) else _plain(error)
        sys.stderr.write(sentence + "\n")
        return 1
    return 0


def _train(hyperparameters: dict[str, float]) -> None:
    """Train on this machine's part, with the others of the job; the first one writes the model."""
    from mlops.container import checkpoints, prepared
    from mlops.container.collective import Machines, gather_files, is_sharded, together
    from mlops.container.job import run_job

    machines = Machines.read()
    model_dir = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"))
    train = Path(os.environ.get("SM_CHANNEL_TRAIN", "/opt/ml/input/data/train"))
    with (
        tempfile.TemporaryDirectory(prefix="training-") as scratch,
        together(machines),
        checkpoints.kept_in(model_dir.parent / "checkpoints"),
        prepared.kept_in(_folder(PREPARED_VARIABLE)),
    ):
        if machines.several and is_sharded("train"):
            train = gather_files(train, Path(scratch) / "train")
        metrics = run_job(
            train=train,
            validation=_folder("SM_CHANNEL_VALIDATION"),
            model_dir=model_dir if machines.first else Path(scratch) / "model",
            hyperparameters=hyperparameters,
            say=_say if machines.first else _hush,
        )
    output = _folder("SM_OUTPUT_DATA_DIR")
    if output is not None and machines.first:
        output.mkdir(parents=True, exist_ok=True)
        (output / "metrics.json").write_text(json.dumps(metrics, indent=1, sort_keys=True))


def _plain(error: Exception) -> str:
    return (
        f"Training failed ({place_of(error)}). No model was written. "
        "Check the data and the disk, and start again."
    )


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _hush(_line: str) -> None:
    """The first machine speaks for all."""


def _stop(_number: int, _frame: object) -> None:
    sys.stderr.write("Training was stopped. No model was written.\n")
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
