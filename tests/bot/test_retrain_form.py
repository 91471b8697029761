"""The form behind `/retrain`: what it asks, what it refuses, and data that can't be had."""

from pathlib import Path

import pytest

from bot.blocks import retrain_form as form
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.backends.sagemaker import SageMakerBackend
from mlops.backends.sagemaker.recipes import INSTANCE_TYPE
from mlops.classifier import LocalClassifier
from tests.bot.retrains import CHANNEL, cards, choose, open_form, results
from tests.bot.running import running, settings_for, words
from tests.bot.test_retrain_jobs import Scripted


def inputs(slack: Sandbox, user: str = "U0LEO") -> list[str]:
    return [b["block_id"] for b in slack.views(user)[0]["blocks"] if b["type"] == "input"]


def test_the_form_shows_what_its_choices_need(slack: Sandbox, bot: Services) -> None:
    view = open_form(slack)
    always = [form.DATA, form.MODE, form.PARAMETERS, form.MINUTES, form.THEN]
    assert inputs(slack) == always
    choose(slack, view, form.DATA, "s3")
    assert inputs(slack) == [form.DATA, form.ADDRESS, *always[1:]]
    choose(slack, view, form.MODE, "tune")
    assert inputs(slack) == [
        form.DATA, form.ADDRESS, form.MODE, form.TRIALS, form.PARALLEL, *always[2:],
    ]  # fmt: skip
    choose(slack, view, form.DATA, "file")
    assert form.FILE in inputs(slack)
    assert form.ADDRESS not in inputs(slack)


@pytest.mark.parametrize(
    ("choices", "entered", "wrong"),
    [
        ({form.DATA: "s3"}, {form.ADDRESS: "https://bucket/key"}, {form.ADDRESS: "s3://bucket"}),
        ({}, {form.PARAMETERS: "eta"}, {form.PARAMETERS: "name=value"}),
        ({}, {form.PARAMETERS: "eta=2"}, {form.PARAMETERS: "eta can't be '2'"}),
        ({}, {form.PARAMETERS: "learning=2"}, {form.PARAMETERS: "no hyperparameter 'learning'"}),
        ({}, {form.MINUTES: "0"}, {form.MINUTES: "1 to 1,440"}),
        (
            {form.MODE: "tune"},
            {form.TRIALS: "501", form.PARALLEL: "x"},
            {form.TRIALS: "1 to 500", form.PARALLEL: "1 to 16"},
        ),
        ({form.MODE: "tune"}, {form.TRIALS: "2", form.PARALLEL: "3"}, {form.PARALLEL: "No more"}),
    ],
)
def test_the_form_says_what_is_wrong_and_stays_open(
    slack: Sandbox,
    bot: Services,
    choices: dict[str, str],
    entered: dict[str, str],
    wrong: dict[str, str],
) -> None:
    view = open_form(slack)
    for name, value in choices.items():
        choose(slack, view, name, value)
    answered = slack.submit("U0LEO", view, entered)
    assert answered["response_action"] == "errors"
    assert set(answered["errors"]) == set(wrong)
    for name, part in wrong.items():
        assert part in answered["errors"][name]
    assert bot.store.retrains.active() is None


def test_a_file_that_is_none_to_train_on_ends_the_run_with_the_reason(
    slack: Sandbox, bot: Services
) -> None:
    view = open_form(slack, channel="D0LEO")
    choose(slack, view, form.DATA, "file")
    file = slack.upload("U0LEO", "other.csv", b"name,age\nAnn,3\n")
    slack.submit("U0LEO", view, {form.FILE: [file]})
    slack.wait_for(lambda: "Retraining failed" in words(cards(slack, "D0LEO")))
    shown = words(cards(slack, "D0LEO"))
    assert "The file lacks the columns medical_specialty and transcription" in shown
    assert str(bot.settings.triage_home) not in shown
    assert results(bot)[-1] == ("U0LEO", "retrain", "failed")


def test_an_address_that_s3_refuses_ends_the_run_with_the_reason(
    slack: Sandbox, home: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server listens there; what boto3 says of it is not for a person."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with running(slack, home, model):
        view = open_form(slack)
        choose(slack, view, form.DATA, "s3")
        slack.submit("U0LEO", view, {form.ADDRESS: "s3://clinic/mtsamples.csv"})
        slack.wait_for(lambda: "S3 can't be asked" in words(cards(slack, CHANNEL)), 30)


def test_where_there_are_machines_one_is_chosen(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    """The form on SageMaker; the local backend has none to choose, and its form doesn't ask."""
    machines = SageMakerBackend(settings_for(slack, home)).machines
    backend = Scripted()
    backend.machines = tuple(machines)
    with running(slack, home, model, backend=backend) as bot:  # type: ignore[arg-type]
        view = open_form(slack)
        assert inputs(slack)[-3:] == [form.MINUTES, form.MACHINE, form.THEN]
        block = next(b for b in slack.views("U0LEO")[0]["blocks"] if b["block_id"] == form.MACHINE)
        assert block["element"]["initial_option"]["value"] == INSTANCE_TYPE
        choose(slack, view, form.MODE, "tune")
        choose(slack, view, form.MODE, "train")
        assert form.MACHINE in inputs(slack)
        forged = {"type": "static_select", "selected_option": {"value": "ml.p5.48xlarge"}}
        answered = slack.submit("U0LEO", view, {form.MACHINE: {form.MACHINE: forged}})
        assert set(answered["errors"]) == {form.MACHINE}
        assert bot.store.retrains.latest(1) == []
        option = block["element"]["options"][1]
        chosen = {"type": "static_select", "selected_option": option}
        assert slack.submit("U0LEO", view, {form.MACHINE: {form.MACHINE: chosen}}) == {}
        slack.wait_for(lambda: backend.machine == machines[1], 60)
        assert f"on {machines[1]}, then asks" in words(cards(slack, CHANNEL))
        backend.status = "Completed"
        slack.wait_for(lambda: bot.store.retrains.active() is None)
        # Without the form it is the backend's own choice.
        slack.command("U0LEO", CHANNEL, "/retrain", "now")
        slack.wait_for(lambda: len(backend.requests) == 2)
        assert backend.machine is None
    assert slack.problems == []
