"""The `triage` command in a process that is killed at a given request, as `kill -9` would."""

import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import boto3  # noqa: F401 - imported before the fork, once

import mlops.backends.sagemaker.backend
import mlops.cli.endpoints
import mlops.cli.train
import mlops.cli.tune  # noqa: F401
from mlops.cli import main
from tests.aws.server import AwsServer

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


def _command(arguments: list[str], variables: Mapping[str, str], folder: str) -> None:
    os.environ.update(variables)
    os.chdir(folder)
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        main(arguments)


def run_until(
    cloud: AwsServer,
    requests: int,
    arguments: list[str],
    variables: Mapping[str, str],
    folder: Path,
) -> bool:
    """Start a command and kill it once it has sent so many requests.

    Returns:
        Whether it was killed: it may have ended before.
    """
    start = len(cloud.calls)
    process = _context.Process(target=_command, args=(arguments, dict(variables), str(folder)))
    process.start()
    deadline = time.monotonic() + 60
    while len(cloud.calls) - start < requests and process.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    killed = process.is_alive()
    process.kill()
    process.join()
    return killed
