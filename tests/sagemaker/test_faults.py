"""Two hundred faults: each ends in success or in one sentence, and the next command goes on."""

import random
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlops.backends import TrainRequest
from mlops.backends.options import Rollout
from mlops.backends.sagemaker import SageMakerBackend
from mlops.classifier import EndpointClassifier, Note
from mlops.errors import TriageError
from mlops.settings import get_settings
from tests.aws import faults
from tests.aws.faults import Fault
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import BUCKET, CANARY, QUICK, Trained, run

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
    slow = draw.sample([pair for pair in pairs if pair[0] in SLOW], 12)
    return slow + draw.sample(quick, TOTAL - len(slow))


@pytest.fixture
def ready(cloud: AwsServer, backend: SageMakerBackend, trained: Trained) -> Iterator[None]:
    """An endpoint that the commands are about."""
    backend.deploy("referral-triage", trained.first)
    yield
    cloud.faults.clear()
    backend.delete_endpoint("referral-triage")


class Commands:
    """What each command asks of the backend, with a request of its own where it makes something.

    One backend for all: making its clients anew takes longer than a request.
    """

    def __init__(self, backend: SageMakerBackend, trained: Trained, dataset: Path) -> None:
        self._backend, self._trained, self._dataset = backend, trained, dataset
        self._count = 0

    def prepare(self) -> None:
        """Look what serves: an update goes to the other version."""
        served = self._backend.endpoint("referral-triage").version
        first, second = self._trained.first, self._trained.second
        self._target = second if served == first else first

    def run(self, command: str, *, again: bool = False) -> object:
        """Run it; `again`: the very same request as before."""
        backend, trained = self._backend, self._trained
        backend._registry._known.clear()  # as a command of its own would find it
        if not again:
            self._count += 1
        tried: dict[str, Callable[[], object]] = {
            "jobs list": backend.jobs,
            "jobs show": lambda: backend.job("first"),
            "jobs logs": lambda: list(backend.job_logs("first")),
            "models list": lambda: [backend.versions(), backend.endpoints()],
            "models register": lambda: backend.register("first"),
            "models approve": lambda: backend.judge(trained.first, "Approved", "ana@desk"),
            "endpoints show": lambda: backend.endpoint("referral-triage"),
            "endpoints list": backend.endpoints,
            "endpoints update": lambda: backend.update(
                "referral-triage", self._target, rollout=Rollout(bake=0)
            ),
            "train": lambda: backend.train(
                TrainRequest(
                    self._dataset / "train.jsonl",
                    None,
                    QUICK | {"seed": str(self._count)},
                    f"faulty-{self._count}",
                )
            ),
            "classify": lambda: EndpointClassifier(backend, "referral-triage").classify(
                [Note("n", f"{CANARY}: irreducible hernia, vomiting. Please assess for repair.")]
            ),
        }
        return tried[command]()


def test_two_hundred_faults(
    cloud: AwsServer,
    backend: SageMakerBackend,
    trained: Trained,
    dataset: Path,
    ready: None,
    chosen: list[tuple[str, str, str]],
) -> None:
    commands = Commands(backend, trained, dataset)
    assert len(chosen) == TOTAL
    failed = met = 0
    for command, operation, kind in chosen:
        where = f"{command}, {kind} at {operation}"
        commands.prepare()
        cloud.faults.queue(operation, FAULTS[kind]())
        error = None
        try:
            commands.run(command)
        except TriageError as refused:  # anything else would be a stack trace, and fails the test
            error = refused
        if error is not None:
            failed += 1
            assert str(error).count(". ") >= 1, where
            assert CANARY not in "".join(traceback.format_exception(error)), where
        met += cloud.faults.left == 0
        cloud.faults.clear()
        commands.run(command, again=True)
        if command == "train":
            name = str(cloud.called("CreateTrainingJob")[-1]["TrainingJobName"])
            found = cloud.client("sagemaker").list_training_jobs(NameContains=name)
            assert len(found["TrainingJobSummaries"]) == 1, where
            backend.stop_job(name)
    # Nearly all are met: a request that fails early needs none of the later operations.
    assert met >= 0.9 * TOTAL, met
    assert failed >= 0.5 * TOTAL, failed


@pytest.mark.parametrize("kind", ["throttled", "reset", "expired", "denied", "bucket gone"])
def test_a_command_ends_in_one_sentence(cloud: AwsServer, trained: Trained, kind: str) -> None:
    cloud.faults.queue("ListModelPackages", FAULTS[kind]())
    result = run("models", "list")
    assert cloud.faults.left == 0
    assert result.exit_code == 1
    assert [line.startswith("Error: ") for line in result.stderr.splitlines()] == [True]
    assert not result.stdout
    assert run("models", "list").exit_code == 0


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
