"""SageMaker's training container, without the container: its folders, its variables, its script.

`train.py` can't tell the difference: it finds `/opt/ml` below the job's folder through the `SM_*`
variables and gets its hyperparameters as arguments, as the sagemaker-training toolkit does it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mlops.backends import JobStatus
from mlops.backends.local.files import write_json
from mlops.backends.local.processes import environment
from mlops.backends.local.records import KILLED
from mlops.backends.metrics import parse_metrics
from mlops.backends.package import pack_artifact
from mlops.container.train import PREPARED_VARIABLE
from mlops.errors import BackendError

STOP_SECONDS = 10.0
_HOST = "algo-1"
_FAILURE_CHARACTERS = 500
_FRAME = re.compile(r'  File ".*", line \d+, in ')
_RAISED = re.compile(r"([A-Za-z_][\w.]*)(:|$)")


@dataclass
class Outcome:
    """How a run of `train.py` ended.

    Attributes:
        failure: One sentence, when it failed.
    """

    status: JobStatus
    metrics: dict[str, float] = field(default_factory=dict)
    failure: str | None = None


def lay_out(
    job: Path,
    *,
    code: Path,
    data: Path | Mapping[str, Sequence[Path]],
    hyperparameters: Mapping[str, str],
) -> None:
    """Make `job/opt/ml` as a container finds it.

    Args:
        job: The job's folder.
        code: A written code package; it is linked, not copied.
        data: For each channel its files, which are copied: what happens to them later is moot. Or
            the `input/data` of another job, which is linked.
        hyperparameters: As text, which is how SageMaker hands them over.
    """
    ml = job / "opt" / "ml"
    for name in ("input/config", "model", "output/data", "checkpoints"):
        (ml / name).mkdir(parents=True, exist_ok=True)
    (ml / "code").symlink_to(code, target_is_directory=True)
    inputs = ml / "input" / "data"
    if isinstance(data, Path):
        inputs.symlink_to(data, target_is_directory=True)
    else:
        for channel, files in data.items():
            (inputs / channel).mkdir(parents=True)
            for file in files:
                shutil.copyfile(file, inputs / channel / file.name)
    config = ml / "input" / "config"
    write_json(config / "hyperparameters.json", dict(hyperparameters))
    write_json(config / "resourceconfig.json", _resources())
    write_json(config / "inputdataconfig.json", _channels_config(_channels(ml)))


def run_training(
    job: Path,
    *,
    name: str,
    hyperparameters: Mapping[str, str],
    processors: int,
    group: int,
    log: Path,
    prepared: Path,
    stop: threading.Event,
    on_metrics: Callable[[Mapping[str, float]], None],
) -> Outcome:
    """Run the job's `train.py` to its end and pack its model to `job/output/model.tar.gz`.

    Args:
        job: A folder that `lay_out` has made.
        name: The job's name, for `TRAINING_JOB_NAME`.
        processors: For `SM_NUM_CPUS`.
        group: Descriptor of the job's group lock, which the script shares.
        log: Where its output goes, line by line.
        prepared: Folder that it shares with other trainings of its job on the same data.
        stop: When it is set, the script is told to stop, and killed if it doesn't.
        on_metrics: Called with all metrics so far whenever the script prints one.
    """
    ml = job / "opt" / "ml"
    arguments = [
        part for key in sorted(hyperparameters) for part in (f"--{key}", hyperparameters[key])
    ]
    variables = _variables(ml, name, hyperparameters, arguments, processors)
    # Whoever runs many trainings on the same data may name a folder for all of them.
    variables[PREPARED_VARIABLE] = os.environ.get(PREPARED_VARIABLE) or str(prepared)
    process = subprocess.Popen(
        [sys.executable, "train.py", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ml / "code",
        env=environment(variables),
        text=True,
        encoding="utf-8",
        errors="replace",
        pass_fds=(group,),
    )
    with log.open("a", encoding="utf-8") as output:
        listener = _Listener(output, on_metrics)
        readers = [
            threading.Thread(target=listener.read_output, args=(process.stdout,), daemon=True),
            threading.Thread(target=listener.read_errors, args=(process.stderr,), daemon=True),
        ]
        for reader in readers:
            reader.start()
        stopped = _wait(process, stop)
        for reader in readers:
            reader.join(timeout=10)
        if stopped and process.returncode != 0:
            return Outcome("Stopped", listener.metrics)
        if process.returncode != 0:
            failure = _failure(ml, process.returncode, listener)
            return Outcome("Failed", listener.metrics, failure)
        try:
            pack_artifact(ml / "model", job / "output" / "model.tar.gz")
        except (BackendError, OSError) as error:
            return Outcome("Failed", listener.metrics, _unpacked(error))
    # The tar holds it all; a tuning job of many trials needn't keep everything twice.
    shutil.rmtree(ml / "model", ignore_errors=True)
    (ml / "model").mkdir(exist_ok=True)
    return Outcome("Completed", listener.metrics)


class _Listener:
    """Writes what a script prints to its log, and remembers metrics and the reason of its end."""

    def __init__(self, log: IO[str], on_metrics: Callable[[Mapping[str, float]], None]) -> None:
        self.metrics: dict[str, float] = {}
        self.last_error = ""
        self.crashed = False
        self._in_frames = False
        self._log = log
        self._on_metrics = on_metrics
        self._lock = threading.Lock()

    def read_output(self, stream: IO[str]) -> None:
        """Take standard output to its end."""
        for line in stream:
            self._write(line)
            found = parse_metrics(line)
            if found:
                self.metrics |= found
                self._on_metrics(self.metrics)

    def read_errors(self, stream: IO[str]) -> None:
        """Take standard error to its end.

        Of a traceback the places and the type are kept, not the message or the code: a message
        may quote a record.
        """
        for line in stream:
            if line.startswith("Traceback (most recent call last)"):
                self.crashed = True
            if not self.crashed:
                self._write(line)
                self.last_error = line.strip() or self.last_error
            elif _FRAME.match(line) or line.startswith("Traceback "):
                self._in_frames = True
                self._write(line)
            elif self._in_frames and (raised := _RAISED.match(line)):
                self._in_frames = False
                self.last_error = raised[1]
                self._write(f"{raised[1]} (its message is left out: it may quote a record)\n")

    def _write(self, line: str) -> None:
        with self._lock:
            self._log.write(line if line.endswith("\n") else line + "\n")
            self._log.flush()


def _wait(process: "subprocess.Popen[str]", stop: threading.Event) -> bool:
    """Wait for a script's end, stopping it if asked; whether it was."""
    asked: float | None = None
    while True:
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            if asked is None and stop.is_set():
                asked = time.monotonic()
                process.terminate()
            elif asked is not None and time.monotonic() > asked + STOP_SECONDS:
                process.kill()
        else:
            return asked is not None


def _failure(ml: Path, code: int, listener: _Listener) -> str:
    """Why a script failed, as a sentence: its own if it gave one."""
    try:
        own = (ml / "output" / "failure").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        own = ""
    if own and not own.startswith("Traceback"):
        return " ".join(own.split())[:_FAILURE_CHARACTERS]
    if code < 0:
        return (
            f"{KILLED} {-code}; perhaps the machine ran out of memory. "
            "Nothing was registered. Train it again."
        )
    if listener.crashed:
        return (
            f"Training stopped with an unexpected {listener.last_error or 'error'}. Nothing was "
            "registered. Its log has the place."
        )
    if listener.last_error:
        return listener.last_error[:_FAILURE_CHARACTERS]
    return f"Training ended with exit code {code} and no reason. Nothing was registered."


def _unpacked(error: BackendError | OSError) -> str:
    if isinstance(error, BackendError):
        return str(error)
    return (
        f"The model could not be packed: {error.strerror}. Nothing was registered. "
        "Free some space and train it again."
    )


def _resources() -> dict[str, Any]:
    return {
        "current_host": _HOST,
        "current_instance_type": "local",
        "current_group_name": "homogeneousCluster",
        "hosts": [_HOST],
        "network_interface_name": "lo",
    }


def _channels(ml: Path) -> dict[str, str]:
    """The folder of each channel."""
    return {path.name: str(path) for path in sorted((ml / "input" / "data").iterdir())}


def _channels_config(channels: Mapping[str, str]) -> dict[str, Any]:
    entry = {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    return dict.fromkeys(sorted(channels), entry)


def _variables(
    ml: Path,
    name: str,
    hyperparameters: Mapping[str, str],
    arguments: list[str],
    processors: int,
) -> dict[str, str]:
    """The variables that the sagemaker-training toolkit sets for a script."""
    channels = _channels(ml)
    values = {key: _decoded(value) for key, value in hyperparameters.items()}
    training = {
        "channel_input_dirs": channels,
        "current_host": _HOST,
        "hosts": [_HOST],
        "hyperparameters": values,
        "input_config_dir": str(ml / "input" / "config"),
        "input_data_config": _channels_config(channels),
        "input_dir": str(ml / "input"),
        "is_master": True,
        "job_name": name,
        "master_hostname": _HOST,
        "model_dir": str(ml / "model"),
        "module_dir": str(ml / "code"),
        "module_name": "train",
        "network_interface_name": "lo",
        "num_cpus": processors,
        "num_gpus": 0,
        "output_data_dir": str(ml / "output" / "data"),
        "output_dir": str(ml / "output"),
        "resource_config": _resources(),
        "user_entry_point": "train.py",
    }
    variables = {
        "SM_CHANNELS": json.dumps(sorted(channels)),
        "SM_CURRENT_HOST": _HOST,
        "SM_HOSTS": json.dumps([_HOST]),
        "SM_HPS": json.dumps(values),
        "SM_INPUT_CONFIG_DIR": training["input_config_dir"],
        "SM_INPUT_DATA_CONFIG": json.dumps(training["input_data_config"]),
        "SM_INPUT_DIR": training["input_dir"],
        "SM_LOG_LEVEL": "20",
        "SM_MODEL_DIR": training["model_dir"],
        "SM_MODULE_NAME": "train",
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": str(processors),
        "SM_NUM_GPUS": "0",
        "SM_OUTPUT_DATA_DIR": training["output_data_dir"],
        "SM_OUTPUT_DIR": training["output_dir"],
        "SM_RESOURCE_CONFIG": json.dumps(_resources()),
        "SM_TRAINING_ENV": json.dumps(training),
        "SM_USER_ARGS": json.dumps(arguments),
        "SM_USER_ENTRY_POINT": "train.py",
        "TRAINING_JOB_NAME": name,
        "OMP_NUM_THREADS": str(processors),
    }
    variables |= {f"SM_CHANNEL_{key.upper()}": path for key, path in channels.items()}
    variables |= {f"SM_HP_{key.upper()}": value for key, value in hyperparameters.items()}
    return {key: str(value) for key, value in variables.items()}


def _decoded(value: str) -> object:
    """A hyperparameter as the toolkit decodes it: JSON where it is JSON, else the text."""
    try:
        return json.loads(value)
    except ValueError:
        return value
