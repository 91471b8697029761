"""The same stories where training and serving happen on SageMaker: `triage bot` and a test server.

One account, one bot and one version trained beforehand for all of them; each begins by having
serve what it needs.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bot.demo import LEADS
from bot.sandbox.server import Sandbox
from mlops import operations
from mlops.backends.sagemaker import SageMakerBackend
from mlops.settings import DEFAULT_ENDPOINT, get_settings
from tests.aws.pace import Pace
from tests.aws.server import AwsServer
from tests.browser import leads
from tests.browser.conftest import OpenPage
from tests.sagemaker.conftest import BUCKET, spoiled, variables_for


@dataclass(frozen=True)
class Stage:
    """What the stories are played on.

    Attributes:
        home: The bot's state folder.
        log: What the bot's process says.
        trained: A version that was trained before the bot was started.
    """

    cloud: AwsServer
    slack: Sandbox
    home: Path
    log: Path
    trained: str


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("cloud")
    home, log = folder / "home", folder / "log"
    cloud = AwsServer(pace=Pace(rollout=0.2))
    cloud.start()
    try:
        cloud.client("s3").create_bucket(Bucket=BUCKET)
        variables = {**variables_for(cloud), "TRIAGE_HOME": str(home)}
        with pytest.MonkeyPatch.context() as patch, Sandbox() as slack:
            for name, value in variables.items():
                patch.setenv(name, value)
            get_settings.cache_clear()
            backend = SageMakerBackend(get_settings())
            job = operations.start_training(
                backend, operations.prepare_data(home), hyperparameters={"num_round": "110"}
            )
            version = operations.finish(backend, operations.wait_for(backend, job.name)).name
            backend.deploy(DEFAULT_ENDPOINT, version)
            get_settings.cache_clear()
            with log.open("w") as said:
                bot = subprocess.Popen(
                    [Path(sys.executable).with_name("triage"), "bot"],
                    env={
                        **os.environ,
                        "SLACK_BOT_TOKEN": slack.bot_token,
                        "SLACK_APP_TOKEN": slack.app_token,
                        "SLACK_API_URL": slack.api_url,
                        "TRIAGE_LEADS": " ".join(LEADS),
                    },
                    stdout=said,
                    stderr=said,
                )
            try:
                slack.wait_for(lambda: slack.connected or bot.poll() is not None, timeout=60)
                assert bot.poll() is None, log.read_text()
                yield Stage(cloud, slack, home, log, version)
            finally:
                bot.terminate()
                bot.wait(30)
    finally:
        cloud.stop()


@pytest.fixture
def backend(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> SageMakerBackend:
    """The account as an engineer at a terminal has it."""
    for name, value in variables_for(stage.cloud).items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    return SageMakerBackend(get_settings())


def serving(backend: SageMakerBackend, version: str) -> str:
    """Have the bot's endpoint serve a version; its name."""
    return operations.serve(backend, DEFAULT_ENDPOINT, version).version


def test_retraining(stage: Stage, backend: SageMakerBackend, open_page: OpenPage) -> None:
    serving(backend, stage.trained)
    leads.retraining(stage.slack, stage.trained, open_page)


def test_redeploying(stage: Stage, backend: SageMakerBackend, open_page: OpenPage) -> None:
    shipped = serving(backend, "shipped")
    leads.redeploying(stage.slack, stage.trained, shipped, open_page)


def test_a_version_that_does_not_start_is_rolled_back(
    stage: Stage, backend: SageMakerBackend, open_page: OpenPage
) -> None:
    shipped = serving(backend, "shipped")
    with spoiled(stage.cloud, backend.version(stage.trained).artifact):
        leo = open_page(stage.slack, "U0LEO", where=leads.CHANNEL)
        leo.say(f"/redeploy {stage.trained}")
        card = leads.card_of(leo, "Deploying failed")
    expect(card).to_contain_text(f"to {stage.trained} was rolled back")
    expect(card).to_contain_text(f"{shipped} serves on")
    leads.expect_answers(open_page(stage.slack, "U0MEI"), shipped)
    assert backend.endpoint(DEFAULT_ENDPOINT).version == shipped


def test_a_version_that_fails_under_way_goes_back_by_itself(
    stage: Stage, backend: SageMakerBackend, open_page: OpenPage
) -> None:
    """Its errors ring the alarms that watch an update, and must not keep the old one away."""
    shipped = serving(backend, "shipped")
    leo = open_page(stage.slack, "U0LEO", where=leads.CHANNEL)
    leo.say(f"/redeploy {stage.trained}")
    leads.card_of(leo, "The new version serves and is watched")
    stage.cloud.endpoints.lose_machines(DEFAULT_ENDPOINT)
    card = leads.card_of(leo, "Went back to the version before")
    expect(card).to_contain_text("It went back by itself: ")
    alarms = stage.cloud.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in alarms] == [f"{DEFAULT_ENDPOINT}-5xx"]
    leads.expect_answers(open_page(stage.slack, "U0MEI"), shipped)
