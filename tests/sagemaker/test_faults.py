"""Two hundred faults: each ends in success or in one sentence, and the next command goes on."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from mlops.backends.sagemaker import SageMakerBackend
from mlops.settings import get_settings
from tests.aws import faults
from tests.aws.faults import Fault
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import BUCKET, CANARY, QUICK, Trained, data_of, run

FAULTS: dict[str, Callable[[], Fault]] = {
    "throttled": faults.throttled,
    "internal": faults.internal,
    "done but internal": lambda: faults.internal(after=True),
    "reset": faults.reset,
    "done but reset": lambda: faults.reset(after=True),
    "slow, then 503": lambda: faults.hang(0.05),
    "expired": faults.expired,
    "denied": faults.denied,
    "quota": faults.limit,
    "bucket gone": faults.no_bucket,
    "capacity": lambda: faults.error("InsufficientInstanceCapacity", 400, "No room."),
}
TOTAL = 200
# Each command with the operations that it asks of AWS; a test finds that these are all.
COMMANDS: dict[str, tuple[str, ...]] = {
    "jobs list": ("ListTrainingJobs", "ListHyperParameterTuningJobs", "DescribeTrainingJob"),
    "jobs show": ("DescribeTrainingJob",),
    "jobs logs": ("DescribeTrainingJob", "DescribeLogStreams", "GetLogEvents"),
    "models list": ("ListModelPackages", "DescribeModelPackage", "ListEndpoints"),
    "models register": (
        "DescribeTrainingJob",
        "GetObject",
        "ListModelPackages",
        "DescribeModelPackage",
    ),
    "models approve": ("ListModelPackages", "DescribeModelPackage", "UpdateModelPackage"),
    "endpoints show": ("DescribeEndpoint", "ListTags"),
    "endpoints list": ("ListEndpoints", "DescribeEndpoint", "ListTags"),
    "endpoints update": (
        *("DescribeEndpoint", "ListModelPackages", "DescribeModelPackage"),
        *("DescribeEndpointConfig", "CreateModel", "CreateEndpointConfig", "DescribeAlarms"),
        *("PutMetricAlarm", "AddTags", "UpdateEndpoint", "ListTags"),
    ),
    "train": ("DescribeTrainingJob", "HeadObject", "PutObject", "CreateTrainingJob"),
    "classify": ("DescribeEndpoint", "InvokeEndpoint"),
}
SLOW = ("endpoints update", "train")


@pytest.fixture(scope="module")
def chosen() -> list[tuple[str, str, str]]:
    """Which command meets which fault at which operation: 200 of all, fewer of the slow ones."""
    pairs = [
        (command, operation, kind)
        for command, operations in COMMANDS.items()
        for operation in operations
        for kind in FAULTS
    ]
    draw = random.Random(11)
    quick = [pair for pair in pairs if pair[0] not in SLOW]
    slow = draw.sample([pair for pair in pairs if pair[0] in SLOW], 24)
    found = slow + quick
    while len(found) < TOTAL:  # some meet their fault twice
        found.append(draw.choice(quick))
    return found[:TOTAL] if len(found) == TOTAL else slow + draw.sample(quick, TOTAL - len(slow))


@pytest.fixture
def ready(cloud: AwsServer, backend: SageMakerBackend, trained: Trained) -> Iterator[None]:
    """An endpoint that the commands are about."""
    backend.deploy("referral-triage", trained.first)
    yield
    cloud.faults.clear()
    backend.delete_endpoint("referral-triage")


class Commands:
    """Runs each command, with a request of its own where it makes something."""

    def __init__(self, trained: Trained, dataset: Path, note: Path) -> None:
        self._trained, self._dataset, self._note = trained, dataset, note
        self._count = 0
        self.served = trained.first

    def run(self, command: str, *, again: bool = False) -> Result:
        """Run it; `again`: the very same request as before."""
        if not again:
            self._count += 1
            self._target = (
                self._trained.second if self.served == self._trained.first else self._trained.first
            )
        quick = [part for name, value in QUICK.items() for part in ("-p", f"{name}={value}")]
        more = {
            "jobs list": ("--json",),
            "jobs show": ("first", "--json"),
            "jobs logs": ("first",),
            "models list": ("--json",),
            "models register": ("first", "--json"),
            "models approve": (self._trained.first,),
            "endpoints show": ("referral-triage", "--json"),
            "endpoints list": ("--json",),
            "endpoints update": ("referral-triage", self._target, "--bake", "0"),
            "train": (
                *("--data", str(self._dataset), "--no-wait", *quick),
                *("--name", f"faulty-{self._count}", "-p", f"seed={self._count}"),
            ),
            "classify": ("--json", "--endpoint", "referral-triage", str(self._note)),
        }
        return run(*command.split(), *more[command])


def test_two_hundred_faults(
    cloud: AwsServer,
    backend: SageMakerBackend,
    trained: Trained,
    dataset: Path,
    tmp_path: Path,
    ready: None,
    chosen: list[tuple[str, str, str]],
) -> None:
    note = tmp_path / "note.txt"
    note.write_text(f"{CANARY}: irreducible hernia, vomiting since last night. Please assess.")
    commands = Commands(trained, dataset, note)
    assert len(chosen) == TOTAL
    failed = met = 0
    for command, operation, kind in chosen:
        where = f"{command}, {kind} at {operation}"
        cloud.faults.queue(operation, FAULTS[kind]())
        result = commands.run(command)
        met += cloud.faults.left == 0
        cloud.faults.clear()
        if result.exit_code:
            failed += 1
            assert result.exit_code == 1, where
            error = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
            assert len(error) == 1, f"{where}\n{result.output}"
            assert error[0].count(". ") >= 1, where
            assert "Something went wrong that should not have" not in error[0], error[0]
        assert "Traceback" not in result.output, where
        assert CANARY not in result.stderr, where
        again = commands.run(command, again=True)
        assert again.exit_code == 0, f"{where}, again\n{again.output}"
        if command == "endpoints update":
            commands.served = data_of(run("endpoints", "show", "referral-triage", "--json"))[
                "version"
            ]
        if command == "train":
            names = [call["TrainingJobName"] for call in cloud.called("CreateTrainingJob")]
            name = names[-1].removeprefix("triage-")
            found = cloud.client("sagemaker").list_training_jobs(NameContains=names[-1])
            assert len(found["TrainingJobSummaries"]) == 1, where
            backend.stop_job(name)
    # Nearly all are met: a request that succeeds early needs none of the later operations.
    assert met >= 0.9 * TOTAL, met
    assert failed >= 0.5 * TOTAL, failed


@pytest.mark.parametrize("kind", ["throttled", "internal", "reset", "slow, then 503"])
def test_what_passes_by_itself_is_not_shown(
    cloud: AwsServer, trained: Trained, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    monkeypatch.delenv("AWS_RETRY_MODE")
    for operation in ("ListModelPackages", "DescribeModelPackage"):
        cloud.faults.queue(operation, FAULTS[kind]())
    assert trained.first in run("models", "list").stdout
    assert cloud.faults.left == 0


def test_what_is_not_there_at_all(
    trained: Trained, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_BUCKET", "no-such-bucket")
    get_settings.cache_clear()
    result = run("train", "--data", str(dataset), "--name", "nowhere")
    assert result.exit_code == 1
    assert "aws s3 mb s3://no-such-bucket --region us-east-1" in result.stderr
    monkeypatch.setenv("TRIAGE_BUCKET", BUCKET)
    get_settings.cache_clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = run("models", "list")
    assert result.exit_code == 1
    assert "can't be reached" in result.stderr
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    result = run("models", "list")
    assert "There are no AWS credentials" in result.stderr
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    result = run("models", "list")
    assert "There are no AWS credentials" in result.stderr
    assert "Traceback" not in result.output
