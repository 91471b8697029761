"""Asking an endpoint: retries within a deadline, a breaker, and no note text in any error."""

import json
import time
import traceback
from collections.abc import Iterator

import pytest

from mlops.backends.sagemaker import SageMakerBackend
from mlops.backends.sagemaker.invoke import FAILURES_TO_OPEN, OPEN_SECONDS, Breaker
from mlops.errors import BackendError, NotFoundError
from mlops.settings import get_settings
from tests.aws import faults
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import CANARY, body, variables_for


@pytest.fixture(scope="module")
def endpoint(cloud: AwsServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An endpoint that serves the shipped version."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables_for(cloud).items():
            patch.setenv(name, value)
        patch.setenv("TRIAGE_HOME", str(tmp_path_factory.mktemp("home")))
        get_settings.cache_clear()
        SageMakerBackend(get_settings()).deploy("asked", "shipped")
        get_settings.cache_clear()
    return "asked"


@pytest.fixture(autouse=True)
def no_faults_left(cloud: AwsServer) -> Iterator[None]:
    yield
    cloud.faults.clear()


def asked(cloud: AwsServer) -> int:
    return len(cloud.called("InvokeEndpoint"))


@pytest.mark.parametrize(
    "fault",
    [
        faults.throttled(),
        faults.internal(),
        faults.reset(),
        faults.reset(after=True),
        faults.error("ServiceUnavailable", 503),
        faults.error("ModelNotReadyException", 429),
    ],
)
def test_what_passes_by_itself_is_asked_again(
    cloud: AwsServer, backend: SageMakerBackend, endpoint: str, fault: faults.Fault
) -> None:
    before = asked(cloud)
    cloud.faults.queue("InvokeEndpoint", fault, times=2)
    answer = json.loads(backend.invoke(endpoint, body(CANARY), timeout=20))
    assert answer["predictions"][0]["id"] == "n1"
    assert asked(cloud) == before + 3


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (faults.expired(), "does not take the credentials"),
        (faults.denied(), "triage doctor --iam"),
        (faults.error("ValidationError", 400, f"{CANARY} is bad"), "AWS refused to ask"),
        (faults.error("RequestEntityTooLarge", 413), "larger than 6 MB"),
        (faults.error("ModelError", 424, f"Received 500: {CANARY}"), "failed on this request"),
    ],
)
def test_what_does_not_pass_is_not_asked_again(
    cloud: AwsServer,
    backend: SageMakerBackend,
    endpoint: str,
    fault: faults.Fault,
    sentence: str,
) -> None:
    before = asked(cloud)
    cloud.faults.queue("InvokeEndpoint", fault)
    with pytest.raises(BackendError, match=sentence) as refused:
        backend.invoke(endpoint, body(CANARY))
    assert asked(cloud) == before + 1
    told = "".join(traceback.format_exception(refused.value))
    assert "Zebrafish" not in told.replace("CANARY", "")


def test_a_model_that_fails_and_an_endpoint_that_is_not_there(
    backend: SageMakerBackend, endpoint: str
) -> None:
    with pytest.raises(BackendError, match="triage endpoints rollback asked") as refused:
        backend.invoke(endpoint, f'{{"instances": "{CANARY}"}}'.encode())
    assert CANARY not in str(refused.value)
    with pytest.raises(NotFoundError, match="There is no endpoint 'nobody'"):
        backend.invoke("nobody", body())
    with pytest.raises(BackendError, match="larger than 6 MB"):
        backend.invoke(endpoint, b"x" * (6 * 1024 * 1024 + 1))


def test_the_deadline_holds(cloud: AwsServer, backend: SageMakerBackend, endpoint: str) -> None:
    cloud.faults.queue("InvokeEndpoint", faults.hang(3), times=6)
    started = time.monotonic()
    with pytest.raises(BackendError, match="gave no answer within 2 s"):
        backend.invoke(endpoint, body(), timeout=2)
    assert time.monotonic() - started < 4
    cloud.faults.clear()
    cloud.faults.queue("InvokeEndpoint", faults.throttled(), times=20)
    started = time.monotonic()
    with pytest.raises(BackendError, match=r"gave no answer .*ThrottlingException"):
        backend.invoke(endpoint, body(), timeout=2)
    assert time.monotonic() - started < 4


def test_connections_are_used_again(
    cloud: AwsServer, backend: SageMakerBackend, endpoint: str
) -> None:
    backend.invoke(endpoint, body())
    client = backend._aws.client("sagemaker-runtime", "-30")
    for _ in range(5):
        backend.invoke(endpoint, body())
    assert backend._aws.client("sagemaker-runtime", "-30") is client


def test_what_fails_again_and_again_is_left_alone(
    cloud: AwsServer, backend: SageMakerBackend, endpoint: str
) -> None:
    cloud.faults.queue("InvokeEndpoint", faults.internal(), times=200)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(BackendError, match="gave no answer"):
            backend.invoke(endpoint, body(), timeout=0.6)
    before = asked(cloud)
    started = time.monotonic()
    with pytest.raises(BackendError, match="has failed 5 times in a row"):
        backend.invoke(endpoint, body())
    assert time.monotonic() - started < 0.2
    assert asked(cloud) == before
    # Another endpoint is not meant.
    cloud.faults.clear()
    with pytest.raises(NotFoundError):
        backend.invoke("nobody", body())


def test_a_breaker_lets_one_try() -> None:
    now = [100.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed()
    assert breaker.wait() == 0
    breaker.failed()
    assert breaker.wait() == pytest.approx(OPEN_SECONDS)
    now[0] += OPEN_SECONDS + 1
    assert breaker.wait() == 0  # this one tries
    assert breaker.wait() > 0  # the others wait for it
    breaker.failed()
    now[0] += OPEN_SECONDS + 1
    assert breaker.wait() == 0
    breaker.succeeded()
    assert breaker.wait() == 0
    assert breaker.wait() == 0
