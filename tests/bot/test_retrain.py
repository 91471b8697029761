"""`/retrain`: what it takes, the steps on its card, one run at a time, one message."""

import contextlib
import csv
import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from bot import ops_messages
from bot.blocks import retrain_form as form
from bot.blocks.retrain import STOP
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store import open_store, tables
from mlops import comparing, operations
from mlops.backends import Job, ModelVersion, TrainRequest
from mlops.backends.local import LocalBackend
from mlops.classifier import LocalClassifier
from mlops.data import load_corpus
from mlops.errors import BackendError, NotFoundError
from tests.bot.retrains import LONG, card_of, cards, results, title, until
from tests.bot.running import answer, bots, buttons, running, settings_for, words
from tests.trained import Trained

CHANNEL = "G0SURGERY"


def active(slack: Sandbox, bot: Services) -> str:
    """The id of the run under way."""
    return str(slack.wait_for(lambda: (run := bot.store.retrains.active()) and run.id))


def told(slack: Sandbox, channel: str, user: str) -> str:
    """What the bot has said to one person there."""
    return words([m for m in bots(slack, channel, user) if m.get("is_ephemeral")])


def test_a_run_from_the_data_to_the_new_version_serving(slack: Sandbox, trained: Trained) -> None:
    """Everything is real: the champion serves, the job trains, the gate judges, a click deploys."""
    LocalBackend(trained.home).deploy("referral-triage", trained.version)
    leads = ("U0LEO", "U0ANA")
    with running(slack, trained.home, None, triage_leads=leads, triage_two_person=True) as bot:
        assert slack.command("U0LEO", CHANNEL, "/retrain", "now").ok
        id = active(slack, bot)
        first = card_of(slack, bot, id)
        assert [b["action_id"] for b in buttons(first)] == [STOP]
        assert "Then: " in words(first)
        run = until(slack, bot, id, "waiting", "refused", "failed")
        card = card_of(slack, bot, id)
        assert run.state == "waiting", words(card)
        assert (run.champion, run.options.data) == (trained.version, "shipped")
        shown = words(card)
        for step in ("Data checked: 856 notes", "Trained: ", "Evaluated: AUC ", "Compared with"):
            assert step in shown, step
        assert f"Champion: {run.champion}" in shown
        assert f"Challenger: {run.version}" in shown
        assert "AUC on 86 referral texts" in shown
        assert "Error among decided" in shown
        # What people read is what the gate found.
        home = bot.settings.triage_home
        dataset = Path(run.findings["dataset"])
        folder = comparing.begin(home, bot.backend, run.champion, run.version or "", dataset)
        found = comparing.look(folder).comparison
        assert run.findings["comparison"]["checks"] == found["checks"]
        for check in found["checks"]:
            assert check["sentence"].replace("<", "&lt;").replace(">", "&gt;") in shown
        files = [f for m in slack.messages(CHANNEL) for f in m.get("files") or []]
        assert [f["name"].removeprefix(f"{run.job}-") for f in files] == [
            "roc.png",
            "reliability.png",
            "confusion.png",
            "report.html",
        ]
        assert {m.get("thread_ts") for m in slack.messages(CHANNEL) if m.get("files")} == {
            card["ts"]
        }
        slack.click("U0ANA", CHANNEL, card["ts"], "retrain_approve")
        until(slack, bot, id, "serving")
        assert bot.backend.endpoint("referral-triage").version == run.version
        assert [line[1:] for line in results(bot)] == [
            ("retrain", "started"),
            ("retrain", "passed the gate, waits for approval"),
            ("approve", "approved"),
            ("deploy", "serving"),
        ]
    assert len(cards(slack, CHANNEL)) == 1
    assert slack.problems == []


def shuffled() -> bytes:
    """A Kaggle-shaped file whose labels say nothing: every other note is filed as the other."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(
        ["", "description", "medical_specialty", "sample_name", "transcription", "keywords"]
    )
    specialties = {"Surgery": " Consult - History and Phy.", "Consultation": " Surgery"}
    for number, record in enumerate(load_corpus()):
        # Not the corpus' own text, which would be one cluster with it and one label.
        text = " ".join(reversed(record.text.split()))
        writer.writerow([number, "", specialties[record.label], "sample", text, ""])
    return file.getvalue().encode()


def test_a_challenger_that_is_worse_is_refused_with_the_reason(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    """Trained, through the form, on an uploaded file with the labels exchanged."""
    LocalBackend(trained.home).deploy("referral-triage", trained.version)
    with running(slack, trained.home, model) as bot:
        view = open_form(slack)
        choose(slack, view, form.DATA, "file")
        file = slack.upload("U0LEO", "filed.csv", shuffled())
        entered = {form.FILE: [file], form.PARAMETERS: "corpus_weight=0"}
        assert slack.submit("U0LEO", view, entered) == {}
        run = until(slack, bot, active(slack, bot), "refused", "waiting", "failed")
        card = card_of(slack, bot, run.id)
        assert run.state == "refused", words(card)
        shown = words(card)
        assert "It is worse than the champion on " in shown
        assert ":x: It is worse" in shown
        assert "since the champion: +" in shown
        assert buttons(card) == []
        assert bot.backend.endpoint("referral-triage").version == trained.version
        assert results(bot)[-1][2].startswith("refused by the gate: as good as the champion")
        # The file itself is not kept; what was made of it is.
        assert list((trained.home / "downloads").iterdir()) == []
    assert slack.problems == []


def test_tuning_shows_its_trials_and_stops(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    with running(slack, home, model) as bot:
        slack.command("U0LEO", CHANNEL, "/retrain", "tune 10")
        id = active(slack, bot)

        def progressed() -> bool:
            shown = words(cards(slack, CHANNEL))
            return "of 10 trials, best AUC so far 0." in shown

        slack.wait_for(progressed, LONG)
        # A click by the one and the words of the other come to the same.
        slack.click("U0LEO", CHANNEL, cards(slack, CHANNEL)[0]["ts"], STOP)
        slack.command("U0LEO", "D0LEO", "/retrain", "stop")
        run = until(slack, bot, id, "stopped")
        shown = words(card_of(slack, bot, id))
        assert "<@U0LEO> stopped it" in shown
        # The best trial so far was not for nothing.
        assert run.version is not None
        assert bot.backend.version(run.version).job == run.job
        assert bot.backend.job(run.job).status == "Stopped"
        assert results(bot) == [
            ("U0LEO", "retrain", "started"),
            ("U0LEO", "stop", "asked"),
            ("U0LEO", "retrain", "stopped"),
        ]
        slack.command("U0LEO", "D0LEO", "/retrain", "stop")
        slack.wait_for(lambda: ops_messages.nothing_runs() in told(slack, "D0LEO", "U0LEO"))


def test_help_is_for_everybody(slack: Sandbox, bot: Services) -> None:
    slack.command("U0ANA", "C0GENERAL", "/retrain", "help")
    assert words(answer(slack, "C0GENERAL", "U0ANA")) == ops_messages.retrain_help()


@pytest.mark.parametrize("text", ["tune many", "tune 0", "tune 501", "now please", "deploy"])
def test_words_that_mean_nothing_start_nothing(slack: Sandbox, bot: Services, text: str) -> None:
    slack.command("U0LEO", "D0LEO", "/retrain", text)
    assert words(answer(slack, "D0LEO", "U0LEO")) == ops_messages.retrain_unknown()
    assert bot.store.retrains.active() is None


# --- the form ---------------------------------------------------------------------------------


def open_form(slack: Sandbox, user: str = "U0LEO", channel: str = CHANNEL) -> str:
    slack.command(user, channel, "/retrain")
    return str(slack.wait_for(lambda: slack.views(user))[0]["id"])


def choose(slack: Sandbox, view: str, name: str, value: str, user: str = "U0LEO") -> None:
    """Pick a radio button and wait until the form shows what it needs."""
    (now,) = slack.views(user)
    block = next(b for b in now["blocks"] if b["block_id"] == name)
    option = next(o for o in block["element"]["options"] if o["value"] == value)
    before = now["hash"]
    state = {name: {name: {"type": "radio_buttons", "selected_option": option}}}
    slack.click_view(user, view, name, selected_option=option, state=state)
    slack.wait_for(lambda: slack.views(user)[0]["hash"] != before)


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


# --- a job as it may stand ----------------------------------------------------------------------


class Scripted:
    """A backend whose one job stands as a test wants it; the rest of the run is real.

    What the job makes is the version that serves.
    """

    name = "scripted"

    def __init__(self) -> None:
        self.status = "InProgress"
        self.interrupted = False
        self.requests: list[str] = []
        self.stops = 0
        self.refusal = ""

    def train(self, request: TrainRequest) -> Job:
        if self.refusal:
            raise BackendError(self.refusal)
        self.requests.append(request.name)
        return self.job(request.name)

    def job(self, name: str) -> Job:
        if name not in self.requests:
            raise NotFoundError(f"There is no job {name}.")
        return Job(
            name,
            "training",
            self.status,  # type: ignore[arg-type]
            datetime.now(UTC),
            metrics={"validation:auc": 0.9},
            artifact="model.tar.gz" if self.status == "Completed" else None,
            failure="It ran out of memory." if self.status == "Failed" else None,
            interrupted=self.interrupted,
        )

    def stop_job(self, name: str) -> Job:
        self.stops += 1
        self.status = "Stopped"
        return self.job(name)

    def register(self, job: str) -> ModelVersion:
        return self.version("ba5eba11ba5e")

    def version(self, name: str) -> ModelVersion:
        return ModelVersion("ba5eba11ba5e", "model.tar.gz", datetime.now(UTC), {"auc": 0.9})

    def endpoint(self, name: str) -> object:
        raise NotFoundError(f"There is no endpoint {name}.")


@contextlib.contextmanager
def scripted(
    slack: Sandbox, home: Path, model: LocalClassifier, backend: Scripted, **more: float
) -> Iterator[Services]:
    with running(slack, home, model, backend=backend, **more) as bot:  # type: ignore[arg-type]
        yield bot


def start(slack: Sandbox, bot: Services, channel: str = CHANNEL) -> str:
    """A run whose card says that it trains."""
    slack.command("U0LEO", channel, "/retrain", "now")
    id = active(slack, bot)
    slack.wait_for(lambda: "*Training*" in words(cards(slack, channel)), LONG)
    return id


def test_one_at_a_time(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        start(slack, bot)
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        told = words(answer(slack, "D0LEO", "U0LEO"))
        assert "already running: <@U0LEO> started it" in told
        assert "|Watch it here.>" in told
        assert [result for _, _, result in results(bot)] == ["started", "refused: one runs"]
        slack.command("U0LEO", "C0GENERAL", "/retrain", "status")
        assert "|Retraining>: asked by <@U0LEO>" in words(answer(slack, "C0GENERAL", "U0LEO"))
    assert len(backend.requests) == 1


def test_training_that_gives_the_champion_again_is_not_compared(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.status = "Completed"
    with scripted(slack, home, model, backend) as bot:
        slack.command("U0LEO", CHANNEL, "/retrain", "now")
        slack.wait_for(lambda: "the very version that serves" in words(cards(slack, CHANNEL)))
        assert title(cards(slack, CHANNEL)[0]) == "Nothing new came of it"
        assert results(bot)[-1] == ("U0LEO", "retrain", "made the champion again")


def test_a_job_that_fails_says_why(slack: Sandbox, home: Path, model: LocalClassifier) -> None:
    backend = Scripted()
    backend.status = "Failed"
    with scripted(slack, home, model, backend) as bot:
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        slack.wait_for(lambda: "Retraining failed" in words(cards(slack, "D0LEO")), LONG)
        assert "It made no model. It ran out of memory." in words(cards(slack, "D0LEO")).replace(
            f"The job {backend.requests[0]} made", "It made"
        )
        assert bot.store.retrains.active() is None
    assert len(backend.requests) == 1


def test_a_job_that_is_killed_again_and_again_is_given_up(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.status, backend.interrupted = "Failed", True
    with scripted(slack, home, model, backend):
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        slack.wait_for(lambda: "killed again and again" in words(cards(slack, "D0LEO")), LONG)
    assert len(backend.requests) == 6
    assert len(set(backend.requests)) == 1


def test_a_job_that_can_not_start_says_why(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    backend.refusal = "The disk is full. Nothing was started. Make room."
    with scripted(slack, home, model, backend):
        slack.command("U0LEO", "D0LEO", "/retrain", "now")
        slack.wait_for(lambda: "The disk is full" in words(cards(slack, "D0LEO")), LONG)


def test_a_run_that_takes_too_long_is_stopped(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        start(slack, bot)
        with bot.store._engine.begin() as connection:
            connection.execute(update(tables.retrains).values(started=time.time() - 3 * 3600))
        slack.wait_for(lambda: "not done within 120 min" in words(cards(slack, CHANNEL)))
    assert backend.stops == 1


@pytest.mark.parametrize("lost", [False, True])
def test_a_run_goes_on_in_the_same_message_after_a_restart(
    slack: Sandbox, home: Path, model: LocalClassifier, lost: bool
) -> None:
    """Also when the process died before it could note where the message is."""
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot, "D0LEO")
        run = bot.store.retrains.get(id)
        assert run is not None
    if lost:
        store = open_store(settings_for(slack, home))
        store.retrains._set(run, message_ts=None)
        store.close()
    backend.status = "Completed"
    with scripted(slack, home, model, backend) as bot:
        until(slack, bot, id, "same")
    assert set(backend.requests) == {run.job}
    assert len(bots(slack, "D0LEO")) == 1


def test_a_bot_that_was_paused_does_not_touch_what_another_took_over(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot)
        run = bot.store.retrains.get(id)
        assert run is not None
        # As if its lease had run out and another bot had come by.
        bot.store.retrains._set(run, owner="another", lease_until=time.time() + 60)
        backend.status = "Completed"
        time.sleep(2.5)
        assert bot.store.retrains.get(id).state == "training"  # type: ignore[union-attr]
        assert "*Training*" in words(cards(slack, CHANNEL))


def test_where_the_bot_can_not_post_it_reports_directly(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    slack._hub.workspace.conversations[CHANNEL].members.discard("U0BOT")
    backend = Scripted()
    backend.status = "Completed"
    with scripted(slack, home, model, backend):
        began = time.monotonic()
        assert slack.command("U0LEO", CHANNEL, "/retrain", "now").ok
        assert time.monotonic() - began < 1.0
        slack.wait_for(lambda: "Nothing new came of it" in words(cards(slack, "D0LEO")))
    assert len(cards(slack, "D0LEO")) == 1


def test_a_message_that_slack_will_not_change_now_is_changed_later(
    slack: Sandbox, home: Path, model: LocalClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.retrains.UNREACHABLE_SECONDS", 0.5)
    backend = Scripted()
    with scripted(slack, home, model, backend, lease_seconds=2.0) as bot:
        id = start(slack, bot)
        for _ in range(8):
            slack.fail_next("chat.update", error="internal_error")
        backend.status = "Completed"
        until(slack, bot, id, "same", timeout=30)
    assert len(bots(slack, CHANNEL)) == 1


def test_a_message_that_is_gone_is_posted_again(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    backend = Scripted()
    with scripted(slack, home, model, backend) as bot:
        id = start(slack, bot)
        post = slack._hub.workspace.find(CHANNEL, cards(slack, CHANNEL)[0]["ts"])
        assert post is not None
        slack._serving.call(slack._hub.workspace.remove, CHANNEL, post)
        backend.status = "Completed"
        until(slack, bot, id, "same")
        assert title(cards(slack, CHANNEL)[0]) == "Nothing new came of it"


def test_bursts_are_acknowledged_while_jobs_run(
    slack: Sandbox, home: Path, model: LocalClassifier
) -> None:
    """60 commands at once, one of which starts a run, while two other jobs train."""
    backend = LocalBackend(home)
    dataset = operations.prepare_data(home)
    jobs = [operations.start_training(backend, dataset, name=f"other-{n}") for n in range(2)]
    texts = ("now", "status", "help", "tune 5", "", "stop")
    with running(slack, home, model, backend=backend) as bot:
        slack.command("U0LEO", CHANNEL, "/retrain", "now")
        id = active(slack, bot)
        slack.wait_for(lambda: "*Training*" in words(cards(slack, CHANNEL)), LONG)

        def ask(number: int) -> float:
            began = time.monotonic()
            text = texts[number % 5]
            assert slack.command("U0LEO", "C0REFERRALS", "/retrain", text).ok
            return time.monotonic() - began

        with ThreadPoolExecutor(60) as people:
            waits = list(people.map(ask, range(60)))
        assert max(waits) < 1.0, sorted(waits)[-5:]
        slack.command("U0LEO", CHANNEL, "/retrain", "stop")
        until(slack, bot, id, "stopped")
    for job in jobs:
        backend.stop_job(job.name)
    assert len(cards(slack, CHANNEL)) == 1
    assert cards(slack, "C0REFERRALS") == []
    operations.wait_for(backend, "other-0", timeout=30)
    operations.wait_for(backend, "other-1", timeout=30)
