"""What the bot relies on when things are bad: the way back, and asking on while nobody can look."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from bot.services import Services
from bot.serving import ServingClassifier
from mlops.backends.sagemaker import SageMakerBackend
from mlops.backends.sagemaker.invoke import FAILURES_TO_OPEN
from mlops.classifier import Note, get_classifier
from mlops.errors import BackendError, NotFoundError
from mlops.operations import go_back, serve
from mlops.settings import get_settings
from tests.aws import faults
from tests.aws.server import AwsServer
from tests.sagemaker.conftest import NOTE, Trained, body


@pytest.fixture
def endpoint(
    backend: SageMakerBackend, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The endpoint that a bot asks; it serves `first`."""
    monkeypatch.setenv("TRIAGE_ENDPOINT", "asked-by-bot")
    get_settings.cache_clear()
    serve(backend, "asked-by-bot", trained.first)
    yield "asked-by-bot"
    with suppress(NotFoundError):
        backend.delete_endpoint("asked-by-bot")


def test_an_alarm_that_rings_does_not_stop_the_way_back(
    cloud: AwsServer, backend: SageMakerBackend, trained: Trained, endpoint: str
) -> None:
    serve(backend, endpoint, trained.second)
    alarm = f"{endpoint}-5xx"
    cloud.client("cloudwatch").set_alarm_state(
        AlarmName=alarm, StateValue="ALARM", StateReason="the new version fails"
    )
    with pytest.raises(BackendError, match="rings already"):
        serve(backend, endpoint, trained.first)
    updates = len(cloud.called("UpdateEndpoint"))
    for _ in range(2):  # the second time as after a kill
        assert go_back(backend, endpoint, trained.first).version == trained.first
    (update,) = cloud.called("UpdateEndpoint")[updates:]
    assert "AutoRollbackConfiguration" not in update["DeploymentConfig"]


def test_going_back_where_there_is_nothing_to_go_back_to(
    backend: SageMakerBackend, trained: Trained, endpoint: str
) -> None:
    """The endpoint, or its memory of that version, is gone: it is served as any other."""
    assert go_back(backend, endpoint, "shipped").version == backend.version("shipped").name
    backend.delete_endpoint(endpoint)
    assert go_back(backend, endpoint, trained.first).version == trained.first


def test_notes_are_answered_while_nobody_can_look_what_serves(
    cloud: AwsServer, backend: SageMakerBackend, trained: Trained, endpoint: str
) -> None:
    classifier = ServingClassifier(lambda: get_classifier(get_settings(), backend=backend))
    answer = classifier.classify([Note("n", NOTE)])
    assert answer[0].model_version == trained.first
    for fault in (faults.throttled(), faults.denied(), faults.reset()):
        cloud.faults.queue("DescribeEndpoint", fault)
        classifier.look_again()
        assert classifier.classify([Note("n", NOTE)]) == answer
        assert cloud.faults.left == 0
    backend.delete_endpoint(endpoint)
    classifier.look_again()
    with pytest.raises(NotFoundError):
        classifier.classify([Note("n", NOTE)])


def test_the_bot_has_one_way_to_aws(cloud: AwsServer, endpoint: str) -> None:
    """Looking again what serves neither signs in anew nor forgets that an endpoint is down."""
    services = Services(get_settings())
    cloud.faults.queue("InvokeEndpoint", faults.internal(), times=200)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(BackendError, match="gave no answer"):
            services.backend.invoke(endpoint, body(), timeout=0.6)
        services.look_again()
    with pytest.raises(BackendError, match="has failed 5 times in a row"):
        services.classifier.classify([Note("n", NOTE)])
    services.close(1)
    cloud.faults.clear()
