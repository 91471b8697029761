"""The same stories where training and serving happen on SageMaker: `triage bot` and a test server.

One account, one bot and one version trained beforehand for all of them.
"""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from playwright.sync_api import expect

from bot.demo import LEADS
from bot.retraining.options import DEFAULT_MINUTES
from bot.sandbox.server import Sandbox
from mlops import operations
from mlops.backends.sagemaker import SageMakerBackend
from mlops.settings import DEFAULT_ENDPOINT, get_settings
from tests.aws import faults
from tests.aws.pace import Pace
from tests.aws.server import AwsServer
from tests.bot.test_privacy import everything_below
from tests.browser import leads
from tests.browser.chat import CARD_MS
from tests.browser.conftest import OpenPage
from tests.sagemaker.conftest import (
    BUCKET,
    CANARY,
    QUICK,
    small_dataset,
    spoiled,
    variables_for,
)


@dataclass(frozen=True)
class Stage:
    """What the stories are played on.

    Attributes:
        home: The bot's state folder.
        log: What the bot's process says.
        trained: A version that was trained, on little, before the bot was started.
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
                backend, small_dataset(folder / "dataset"), hyperparameters=QUICK
            )
            version = operations.finish(backend, operations.wait_for(backend, job.name)).name
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
                        "TRIAGE_KEEP_NOTES": "1",
                        "TRIAGE_NOTES_KEY": Fernet.generate_key().decode(),
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


def test_redeploying(stage: Stage, backend: SageMakerBackend, open_page: OpenPage) -> None:
    """At first there is no endpoint: the shipped version answers in the bot's own process."""
    shipped = backend.version("shipped").name
    leads.redeploying(stage.slack, stage.trained, shipped, open_page)
    assert backend.endpoint(DEFAULT_ENDPOINT).version == shipped


def test_retraining(stage: Stage, backend: SageMakerBackend, open_page: OpenPage) -> None:
    serving(backend, stage.trained)
    leads.retraining(stage.slack, stage.trained, open_page)
    job = stage.cloud.called("CreateTrainingJob")[-1]
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": DEFAULT_MINUTES * 60}
    leo = open_page(stage.slack, "U0LEO", where=leads.CHANNEL)
    card = leo.log.get_by_role("article").filter(has_text="Trained: ")
    expect(card).to_contain_text(re.compile(r"Trained: \d+ s, \d+ s billable"))
    expect(card.get_by_role("link", name=re.compile("^retrain-"))).to_have_attribute(
        "href",
        re.compile(r"^https://us-east-1\.console\.aws\.amazon\.com/.*#/jobs/triage-retrain-\w+$"),
    )


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


def holding(cloud: AwsServer, word: str) -> list[str]:
    """The keys of all objects in S3 that hold a word, be they packed or not."""
    s3 = cloud.client("s3")
    found = []
    for item in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET).search("Contents"):
        try:
            content = s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        except s3.exceptions.NoSuchKey:  # removed since it was listed
            continue
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        if word.encode() in content.lower():
            found.append(item["Key"])
    return found


def logged(cloud: AwsServer) -> str:
    """All that is in CloudWatch's logs."""
    logs = cloud.client("logs")
    return "\n".join(
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"]
        )
        for event in page["events"]
    )


def test_tuning_on_corrections_leaves_no_note_behind(
    stage: Stage, backend: SageMakerBackend, open_page: OpenPage
) -> None:
    """A word of a note is in the training data while it is trained on, and nowhere else."""
    serving(backend, "shipped")
    word = CANARY.split()[-1].lower()
    mei = open_page(stage.slack, "U0MEI")
    mei.say(f"{leads.SURGICAL} {CANARY} wrote this.")
    mei.card().get_by_role("button", name="Agree").click()
    expect(mei.last()).to_contain_text("@Mei Tanaka agreed", timeout=CARD_MS)
    # An endpoint that fails may quote what it was sent.
    stage.cloud.faults.queue("InvokeEndpoint", faults.error("ModelError", 424, f"500: {CANARY}"))
    mei.say(f"{CANARY} has a hernia.")
    expect(mei.last()).to_contain_text("failed on this request", timeout=CARD_MS)

    leo = open_page(stage.slack, "U0LEO", where=leads.CHANNEL)
    leo.say("/retrain")
    form = leo.page.get_by_role("dialog", name="Retrain")
    form.get_by_role("radio", name="Corrections, and the shipped corpus").check()
    form.get_by_role("radio", name="Tune: search for better ones").check()
    form.get_by_role("spinbutton", name="Trials", exact=True).fill("2")
    form.get_by_role("textbox", name="Hyperparameters").fill("num_round=20")
    form.get_by_role("radio", name="Only report").check()
    form.get_by_role("button", name="Start").click()
    expect(leo.modal).to_have_count(0)
    card = leads.card_of(leo, "Retraining")
    expect(card).to_contain_text("Tuning: 0 of 2 trials", timeout=CARD_MS)
    (records,) = holding(stage.cloud, word)
    assert re.fullmatch(r"referral-triage/data/\w+/train/0000-train\.jsonl", records)
    card = leads.card_of(leo, re.compile("would be offered|is not offered"))
    expect(card).to_contain_text(
        re.compile(r"Tuned: 2 of 2 trials, best AUC so far 0\.\d{3}, .* of machine time")
    )
    stage.slack.wait_for(lambda: not holding(stage.cloud, word), timeout=20)
    # Names, tags, descriptions: whatever was asked of AWS, but for what is sent to be read.
    asked = [{**call.params, "Body": None} for call in stage.cloud.calls]
    for place in (
        str(asked),
        logged(stage.cloud),
        stage.log.read_text(),
        everything_below(stage.home).decode(errors="replace"),
    ):
        assert place
        assert word not in place.lower()
    assert stage.slack.problems == []


def test_a_version_that_fails_under_way_goes_back_by_itself(
    stage: Stage, backend: SageMakerBackend, open_page: OpenPage
) -> None:
    """Its errors ring the alarms that watch an update, and must not keep the old one away.

    The last of these stories: the alarms go on ringing for a minute.
    """
    shipped = serving(backend, "shipped")
    leo = open_page(stage.slack, "U0LEO", where=leads.CHANNEL)
    leo.say(f"/redeploy {stage.trained}")
    leads.card_of(leo, "The new version serves and is watched")
    stage.cloud.endpoints.lose_machines(DEFAULT_ENDPOINT)
    card = leads.card_of(leo, "Went back to the version before")
    # An earlier story's card has that title, too, until this one's comes.
    expect(card).to_contain_text("It went back by itself: ", timeout=leads.RUN_MS)
    alarms = stage.cloud.client("cloudwatch").describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in alarms] == [f"{DEFAULT_ENDPOINT}-5xx"]
    leads.expect_answers(open_page(stage.slack, "U0MEI"), shipped)
