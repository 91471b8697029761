"""Trains with the local backend on the versions of this environment: `local_train.py HOME DATA`.

`DATA` has `train.jsonl`, `validation.jsonl` and `hyperparameters.json`. The path of the artifact is
printed.
"""

import json
import sys
from pathlib import Path

from mlops.backends import TrainRequest
from mlops.backends.local import LocalBackend
from mlops.operations import wait_for


def main() -> int:
    """Train and say where the model is."""
    home, data = (Path(argument) for argument in sys.argv[1:])
    hyperparameters = json.loads((data / "hyperparameters.json").read_text())
    backend = LocalBackend(home)
    request = TrainRequest(
        data / "train.jsonl", data / "validation.jsonl", hyperparameters, "conformance"
    )
    job = wait_for(backend, backend.train(request).name, timeout=120)
    sys.stdout.write(f"{job.artifact or job.failure}\n")
    return 0 if job.artifact else 1


if __name__ == "__main__":
    sys.exit(main())
