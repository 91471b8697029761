"""The sagemaker backend against AWS as `tests.aws` plays it: one account for all of these tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from click.testing import CliRunner, Result

from mlops.backends import TrainRequest
from mlops.backends.sagemaker import SageMakerBackend
from mlops.cli import triage
from mlops.data import build_dataset
from mlops.operations import wait_for
from mlops.settings import get_settings
from tests.aws.server import AwsServer
from tests.aws.training import Pace

ROLE = "arn:aws:iam::123456789012:role/referral-triage-execution"
BUCKET = "triage"
NOTE = (
    "Thank you for seeing this 54-year-old man with an irreducible inguinal hernia, vomiting since "
    "last night. Please assess for urgent repair."
)
# Text that must not turn up anywhere but in a request's body.
CANARY = "Zebrafish Quillfeather"
QUICK = {"num_round": "5", "max_depth": "2"}


def run(*arguments: str, **options: Any) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(triage, list(arguments), catch_exceptions=False, **options)


def data_of(result: Result) -> Any:
    """What a command printed as JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def body(text: str = NOTE) -> bytes:
    """A request with one note."""
    return json.dumps({"instances": [{"id": "n1", "text": text}]}).encode()


@dataclass(frozen=True)
class Trained:
    """Two versions, each from a job of its own; the first is the better known one."""

    first: str
    second: str


@pytest.fixture(scope="package")
def cloud() -> Iterator[AwsServer]:
    """An account with a bucket; what a test makes has names of its own."""
    server = AwsServer(pace=Pace(rollout=0.2))
    server.start()
    server.client("s3").create_bucket(Bucket=BUCKET)
    yield server
    server.stop()


@pytest.fixture(scope="package", autouse=True)
def models_of_the_services() -> Iterator[None]:
    """What botocore knows of AWS is read once, not by each command that runs in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lru_cache(botocore.loaders.create_loader))
        yield


@pytest.fixture(autouse=True)
def settings(home: Path, cloud: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of who uses it; what AWS refuses is not asked twice, so tests are quick."""
    for name, value in variables_for(cloud).items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    cloud.faults.clear()


def variables_for(cloud: AwsServer) -> dict[str, str]:
    """The environment for a process that uses the account."""
    return {
        **cloud.variables,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_RETRY_MODE": "standard",
        "TRIAGE_BACKEND": "sagemaker",
        "TRIAGE_BUCKET": BUCKET,
        "SAGEMAKER_ROLE_ARN": ROLE,
    }


@contextmanager
def spoiled(cloud: AwsServer, artifact: str) -> Iterator[None]:
    """Within this, no container can load a version: its artifact in S3 is rubbish."""
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    s3 = cloud.client("s3")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=b"rubbish")
    yield
    s3.put_object(Bucket=bucket, Key=key, Body=content)


@pytest.fixture
def backend(settings: None) -> SageMakerBackend:
    """The backend of a test."""
    return SageMakerBackend(get_settings())


@pytest.fixture(scope="package")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset."""
    return small_dataset(tmp_path_factory.mktemp("data") / "dataset")


def small_dataset(folder: Path) -> Path:
    """A dataset of the shipped corpus, cut small: these tests are not about the model."""
    build_dataset(folder, kaggle=None)
    for part, lines in (("train", 100), ("validation", 40)):
        path = folder / f"{part}.jsonl"
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
        path.write_text("".join(kept), encoding="utf-8")
    return folder


@pytest.fixture(scope="package")
def trained(cloud: AwsServer, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Two versions in the registry, made by two jobs at the same time."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables_for(cloud).items():
            patch.setenv(name, value)
        patch.setenv("TRIAGE_HOME", str(tmp_path_factory.mktemp("trained")))
        get_settings.cache_clear()
        backend = SageMakerBackend(get_settings())
        for name, more in (("first", {}), ("second", {"eta": "0.5"})):
            backend.train(
                TrainRequest(
                    dataset / "train.jsonl", dataset / "validation.jsonl", QUICK | more, name
                )
            )
        versions = []
        for name in ("first", "second"):
            job = wait_for(backend, name, timeout=120)
            assert job.status == "Completed", job
            versions.append(backend.register(name).name)
        get_settings.cache_clear()
    return Trained(*versions)
