"""A training instance: `/opt/ml` below a folder, and the script in it, as in script mode.

The variables, the arguments and the reason of a failure are those of the sagemaker-training
toolkit, which the conformance tests run itself.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.aws.cloud import Cloud, Missing, untar
from tests.aws.processes import Container

_FAILURE_CHARACTERS = 1024
# What the toolkit takes from the hyperparameters for itself.
_TOOLKITS = ("sagemaker_", "_tuning_objective_metric")


class Unready(Exception):
    """The instance can't be made ready; the reason is the job's."""


def hosts(count: int) -> list[str]:
    """Names of the instances of a job.

    One is `algo-1`, as on AWS. Several must reach each other by name, which here is an address:
    no resolver knows `algo-2`.
    """
    return ["algo-1"] if count == 1 else [f"127.0.0.{number}" for number in range(1, count + 1)]


class Instance:
    """One machine of a training job.

    Args:
        folder: Where its `/opt/ml` is made.
        request: The request that created the job.
        names: All instances of the job; this is the one at `index`.
    """

    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        request: Mapping[str, Any],
        names: Sequence[str],
        index: int,
        arn: str,
    ) -> None:
        self.ml = folder / "opt" / "ml"
        self.name = names[index]
        self._cloud, self._request, self._names, self._index = cloud, request, names, index
        self._arn = arn
        self._values = {key: _decoded(v) for key, v in request.get("HyperParameters", {}).items()}
        self._own = {
            key: value for key, value in self._values.items() if not key.startswith(_TOOLKITS)
        }
        self._container: Container | None = None
        self._uploaded: dict[str, bytes] = {}

    def prepare(self) -> None:
        """Bring the channels, the checkpoints and the code.

        Raises:
            Unready: as SageMaker words it.
        """
        shutil.rmtree(self.ml, ignore_errors=True)
        for name in ("input/config", "input/data", "model", "output/data", "checkpoints", "code"):
            (self.ml / name).mkdir(parents=True)
        for channel in self._request.get("InputDataConfig", []):
            self._bring_channel(channel)
        checkpoints = self._request.get("CheckpointConfig")
        if checkpoints is not None:
            try:
                self._cloud.download(checkpoints["S3Uri"].rstrip("/") + "/", self.checkpoints)
            except Missing as error:
                if "NoSuchBucket" in str(error):
                    raise Unready(f"ClientError: Checkpoints can't be read: {error}") from None
        self._bring_code()
        config = self.ml / "input" / "config"
        contents = {
            "hyperparameters": self._request.get("HyperParameters", {}),
            "resourceconfig": self._resources(),
            "inputdataconfig": self._channels_config(),
        }
        if checkpoints is not None:
            contents["checkpointconfig"] = {**checkpoints, "LocalPath": str(self.checkpoints)}
        for name, content in contents.items():
            (config / f"{name}.json").write_text(json.dumps(content))

    def start(self, say: Callable[[str], None]) -> None:
        """Run the script."""
        program = str(self._values["sagemaker_program"])
        self._container = Container(
            [program, *self._arguments()],
            folder=self.ml / "code",
            variables=self._variables(program),
            say=say,
        )

    @property
    def code(self) -> int | None:
        """The script's exit code, once it has ended."""
        return self._container.code if self._container else None

    def terminate(self) -> None:
        """Send the script SIGTERM."""
        if self._container is not None:
            self._container.terminate()

    def end(self) -> None:
        """Kill what is left of it."""
        if self._container is not None:
            self._container.end()

    @property
    def checkpoints(self) -> Path:
        """Where the script keeps its checkpoints."""
        config = self._request.get("CheckpointConfig", {})
        return self._inside(config.get("LocalPath", "/opt/ml/checkpoints"))

    def sync_checkpoints(self) -> None:
        """Copy to S3 what is new in the checkpoints, as SageMaker does while the script runs."""
        config = self._request.get("CheckpointConfig")
        if config is None or not self.checkpoints.is_dir():
            return
        for path in sorted(self.checkpoints.rglob("*")):
            name = path.relative_to(self.checkpoints).as_posix()
            try:
                content = path.read_bytes() if path.is_file() else None
            except FileNotFoundError:  # the script has replaced it meanwhile
                continue
            if content is not None and self._uploaded.get(name) != content:
                self._cloud.write(f"{config['S3Uri'].rstrip('/')}/{name}", content)
                self._uploaded[name] = content

    def failure(self) -> str:
        """Why the script failed, as `FailureReason` gives it."""
        own = self.ml / "output" / "failure"
        if own.is_file():
            text = own.read_text(errors="replace")
        else:
            errors = "\n".join(self._container.errors[-20:]) if self._container else ""
            command = f"/miniconda3/bin/python {self._values.get('sagemaker_program')}"
            command = " ".join([command, *self._arguments()])
            text = (
                f"ExecuteUserScriptError:\nExitCode {self.code}\n"
                f'ErrorMessage "{errors}"\nCommand "{command}"'
            )
        return f"AlgorithmError: {text}"[:_FAILURE_CHARACTERS] + f", exit code: {self.code}"

    def _bring_channel(self, channel: Mapping[str, Any]) -> None:
        source = channel["DataSource"]["S3DataSource"]
        folder = self.ml / "input" / "data" / channel["ChannelName"]
        try:
            keys = self._cloud.keys(source["S3Uri"])
            if source.get("S3DataDistributionType") == "ShardedByS3Key":
                keys = keys[self._index :: len(self._names)]
            self._cloud.download(source["S3Uri"], folder, keys)
        except Missing as error:
            raise Unready(f"ClientError: Data download failed:{error}") from None

    def _bring_code(self) -> None:
        if "sagemaker_program" not in self._values:
            raise Unready(
                "AlgorithmError: the test server only trains in script mode, exit code: 1"
            )
        source = str(self._values.get("sagemaker_submit_directory", ""))
        try:
            if source.startswith("s3://"):
                if self._request.get("EnableNetworkIsolation"):
                    raise Unready(
                        "AlgorithmError: ConnectTimeoutError: Connect timeout on endpoint URL: "
                        f'"{source}" (network isolation is on), exit code: 1'
                    )
                content = self._cloud.read(source)
            else:
                content = self._inside(source).read_bytes()
        except (Missing, OSError) as error:
            raise Unready(f"AlgorithmError: ClientError: {error}, exit code: 1") from None
        untar(content, self.ml / "code")

    def _inside(self, path: str) -> Path:
        """Where a path of the container is on this machine."""
        return self.ml / Path(path).relative_to("/opt/ml")

    def _arguments(self) -> list[str]:
        return [part for key in sorted(self._own) for part in (f"--{key}", str(self._own[key]))]

    def _resources(self) -> dict[str, Any]:
        return {
            "current_host": self.name,
            "current_instance_type": self._request["ResourceConfig"].get("InstanceType"),
            "current_group_name": "homogeneousCluster",
            "hosts": list(self._names),
            "network_interface_name": "lo",
        }

    def _channels_config(self) -> dict[str, Any]:
        return {
            channel["ChannelName"]: {
                "TrainingInputMode": channel.get("InputMode", "File"),
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                    "S3DataDistributionType", "FullyReplicated"
                ),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            }
            for channel in self._request.get("InputDataConfig", [])
        }

    def _variables(self, program: str) -> dict[str, str]:
        channels = {
            name: str(self.ml / "input" / "data" / name) for name in self._channels_config()
        }
        master = self._names[0]
        processors = max(1, (os.cpu_count() or 1) // len(self._names))
        training = {
            "channel_input_dirs": channels,
            "current_host": self.name,
            "hosts": list(self._names),
            "hyperparameters": self._own,
            "input_config_dir": str(self.ml / "input" / "config"),
            "input_data_config": self._channels_config(),
            "input_dir": str(self.ml / "input"),
            "is_master": self.name == master,
            "job_name": self._request["TrainingJobName"],
            "master_hostname": master,
            "model_dir": str(self.ml / "model"),
            "module_dir": self._values.get("sagemaker_submit_directory"),
            "module_name": program.removesuffix(".py"),
            "network_interface_name": "lo",
            "num_cpus": processors,
            "num_gpus": 0,
            "output_data_dir": str(self.ml / "output" / "data"),
            "output_dir": str(self.ml / "output"),
            "resource_config": self._resources(),
            "user_entry_point": program,
        }
        variables: dict[str, Any] = {
            "SM_CHANNELS": sorted(channels),
            "SM_CURRENT_HOST": self.name,
            "SM_CURRENT_INSTANCE_TYPE": self._resources()["current_instance_type"],
            "SM_HOSTS": list(self._names),
            "SM_HPS": self._own,
            "SM_INPUT_CONFIG_DIR": training["input_config_dir"],
            "SM_INPUT_DATA_CONFIG": training["input_data_config"],
            "SM_INPUT_DIR": training["input_dir"],
            "SM_LOG_LEVEL": 20,
            "SM_MASTER": master,
            "SM_MODEL_DIR": training["model_dir"],
            "SM_MODULE_DIR": training["module_dir"],
            "SM_MODULE_NAME": training["module_name"],
            "SM_NETWORK_INTERFACE_NAME": "lo",
            "SM_NUM_CPUS": processors,
            "SM_NUM_GPUS": 0,
            "SM_OUTPUT_DATA_DIR": training["output_data_dir"],
            "SM_OUTPUT_DIR": training["output_dir"],
            "SM_RESOURCE_CONFIG": self._resources(),
            "SM_TRAINING_ENV": training,
            "SM_USER_ARGS": self._arguments(),
            "SM_USER_ENTRY_POINT": program,
            "OMP_NUM_THREADS": processors,
            "PYTHONPATH": str(self.ml / "code"),
            "TRAINING_JOB_ARN": self._arn,
            "TRAINING_JOB_NAME": self._request["TrainingJobName"],
        }
        variables |= {f"SM_CHANNEL_{name.upper()}": path for name, path in channels.items()}
        variables |= {f"SM_HP_{name.upper()}": value for name, value in self._own.items()}
        for name, value in self._request.get("Environment", {}).items():
            # A path of the container is elsewhere here.
            inside = value == "/opt/ml" or value.startswith("/opt/ml/")
            variables[name] = str(self._inside(value)) if inside else value
        return {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in variables.items()
        }


def _decoded(value: str) -> Any:
    """A hyperparameter as the toolkit decodes it: JSON where it is JSON, else the text."""
    try:
        return json.loads(value)
    except ValueError:
        return value
