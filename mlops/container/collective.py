"""Several machines train one model: XGBoost's collective over the hosts of a SageMaker job.

Each machine holds a share of the rows; the sums of gradients are exchanged, so all of them grow the
same trees and the first one writes the model.
"""

import json
import os
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from mlops.container.errors import TrainingError

_PORTS = range(9100, 9900)
_MEET_SECONDS = 300.0
_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Machines:
    """The machines of a job.

    Attributes:
        hosts: Their names, in the same order on each.
        current: The name of this one.
        job: Name of the job.
    """

    hosts: tuple[str, ...] = ("localhost",)
    current: str = "localhost"
    job: str = ""

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> "Machines":
        """As the container says it: `SM_HOSTS` and `SM_CURRENT_HOST`; without them, one machine."""
        hosts = tuple(sorted(json.loads(variables.get("SM_HOSTS") or "[]")))
        current = variables.get("SM_CURRENT_HOST", "")
        if len(hosts) < 2 or current not in hosts:
            return cls()
        return cls(hosts, current, variables.get("TRAINING_JOB_NAME", ""))

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.hosts) > 1

    @property
    def first(self) -> bool:
        """Whether this is the one that speaks and writes."""
        return self.current == self.hosts[0]

    @property
    def port(self) -> int:
        """Where the first one meets the others: the same for all machines of a job."""
        return _PORTS[zlib.crc32(self.job.encode()) % len(_PORTS)]


@contextmanager
def together(machines: Machines) -> Iterator[None]:
    """Within this, XGBoost trains with all machines of the job; alone, nothing changes.

    Raises:
        TrainingError: if they don't find each other.
    """
    if not machines.several:
        yield
        return
    from xgboost.collective import CommunicatorContext
    from xgboost.core import XGBoostError
    from xgboost.tracker import RabitTracker

    address = _resolve(machines.hosts[0])
    try:
        if machines.first:
            tracker = RabitTracker(len(machines.hosts), address, sortby="task")
            tracker.start()
            port = int(tracker.worker_args()["dmlc_tracker_port"])
            meeting: AbstractContextManager[None] = _telling(address, machines.port, port)
        else:
            port = _ask_port(address, machines.port)
            meeting = nullcontext()
        with (
            meeting,
            CommunicatorContext(
                dmlc_communicator="rabit",
                dmlc_tracker_uri=address,
                dmlc_tracker_port=port,
                # Its place in the order decides its rank.
                dmlc_task_id=f"{machines.hosts.index(machines.current):04d}",
                dmlc_timeout=_TIMEOUT_SECONDS,
            ),
        ):
            yield
        if machines.first:
            # The others still take their leave from it.
            tracker.wait_for(timeout=_TIMEOUT_SECONDS)
    except XGBoostError:
        # Its message may be long; the log of each machine has it.
        raise TrainingError(
            f"The {len(machines.hosts)} machines lost each other. No model was written. "
            "Start it again: it goes on from the last checkpoint."
        ) from None


def share() -> tuple[int, int]:
    """Which share of the rows is this machine's: its number, of how many."""
    from xgboost import collective

    return collective.get_rank(), collective.get_world_size()


def agree(rounds: int, model: bytes) -> tuple[int, bytes]:
    """What the first machine has found, on all of them: they must start from the same place."""
    from xgboost import collective

    if not collective.is_distributed():
        return rounds, model
    agreed: tuple[int, bytes] = collective.broadcast((rounds, model), 0)
    return agreed


def gather_files(folder: Path, target: Path) -> Path:
    """A folder with the files of every machine, where each was sent only its share.

    Args:
        folder: What this machine was sent.
        target: Where all of them are written.
    """
    from xgboost import collective

    target.mkdir(parents=True, exist_ok=True)
    own = {path.name: path.read_bytes() for path in sorted(folder.glob("*.jsonl"))}
    rank, world = share()
    for machine in range(world):
        files: dict[str, bytes] = collective.broadcast(own if machine == rank else {}, machine)
        for name, content in files.items():
            (target / name).write_bytes(content)
    return target


def is_sharded(channel: str, variables: Mapping[str, str] = os.environ) -> bool:
    """Whether each machine was sent its share of a channel only (`ShardedByS3Key`)."""
    config = json.loads(variables.get("SM_INPUT_DATA_CONFIG") or "{}")
    return bool(config.get(channel, {}).get("S3DistributionType") == "ShardedByS3Key")


def _resolve(host: str) -> str:
    """The address of a machine; its name may take a while to be known.

    Raises:
        TrainingError: if it doesn't become known.
    """
    deadline = time.monotonic() + _MEET_SECONDS
    while True:
        try:
            return socket.gethostbyname(host)
        except OSError:
            if time.monotonic() > deadline:
                raise TrainingError(
                    f"The machine {host} is not known on this network. No model was written. "
                    "Start it again; if it fails again, check the VPC's settings."
                ) from None
        time.sleep(1)


@contextmanager
def _telling(address: str, meeting_port: int, port: int) -> Iterator[None]:
    """Tell whoever asks on which port the tracker gathers the machines.

    XGBoost's tracker takes any free port: a fixed one may still be busy from the run before, and a
    machine that asks before it listens would wait for long.
    """
    with socket.create_server((address, meeting_port), backlog=64) as server:

        def answer() -> None:
            with suppress(OSError):  # the server is closed
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(str(port).encode())

        threading.Thread(target=answer, daemon=True, name="meeting").start()
        yield


def _ask_port(address: str, meeting_port: int) -> int:
    """The port of the tracker, as soon as the first machine tells it.

    Raises:
        TrainingError: if it doesn't.
    """
    deadline = time.monotonic() + _MEET_SECONDS
    while time.monotonic() < deadline:
        try:
            with socket.create_connection((address, meeting_port), timeout=5) as connection:
                told = connection.recv(16)
        except OSError:
            told = b""
        if told.isdigit():
            return int(told)
        time.sleep(0.2)
    raise TrainingError(
        f"The first machine ({address}) can't be reached. No model was written. Start it again; if "
        "it fails again, let the VPC's security groups allow traffic among themselves."
    )
