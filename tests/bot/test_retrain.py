"""`/retrain`: what it takes, the steps on its card, one run at a time, one message."""

import csv
import io
import json
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import ops_messages
from bot.blocks import retrain_form as form
from bot.blocks.retrain import STOP
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops import comparing, operations
from mlops.backends.local import LocalBackend
from mlops.classifier import LocalClassifier
from mlops.cli import triage
from mlops.data import load_corpus
from tests.bot.retrains import (
    CHANNEL,
    LONG,
    active,
    card_of,
    cards,
    choose,
    open_form,
    results,
    told,
    until,
)
from tests.bot.running import answer, buttons, running, words
from tests.trained import LESS, Trained


def test_a_run_from_the_data_to_the_new_version_serving(slack: Sandbox, trained: Trained) -> None:
    """Everything is real: the champion serves, the job trains, the gate judges, a click deploys."""
    LocalBackend(trained.home).deploy("referral-triage", trained.version)
    leads = ("U0LEO", "U0ANA")
    more = {"triage_leads": leads, "triage_two_person": True, "triage_watch_minutes": 0.04}
    with running(slack, trained.home, None, **more) as bot:
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
        for step in (
            f"Data checked: {len(load_corpus()):,} notes",
            "Trained: ",
            "Evaluated: AUC ",
            "Compared with",
        ):
            assert step in shown, step
        assert f"Champion: {run.champion}" in shown
        assert f"Challenger: {run.version}" in shown
        assert re.search(r"AUC, referral texts \(\d{3}\)", shown)
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
            ("redeploy", "started"),
            ("redeploy", "serving, watched"),
            ("redeploy", "watched, kept"),
        ]
    assert len(cards(slack, CHANNEL)) == 1
    assert slack.problems == []


CANARY = "quagmirebird"


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
        text = f"{CANARY} {' '.join(reversed(record.text.split()))}"
        writer.writerow([number, "", specialties[record.label], "sample", text, ""])
    return file.getvalue().encode()


def test_a_challenger_that_is_worse_is_refused_with_the_reason(
    slack: Sandbox,
    trained: Trained,
    model: LocalClassifier,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Trained, through the form, on an uploaded file with the labels exchanged."""
    caplog.set_level(logging.DEBUG)
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
        # A note's words are in the dataset and nowhere that people or programs look.
        report = next(f for m in slack.messages(CHANNEL) for f in m.get("files") or [])
        assert report["name"].startswith(run.job)
        for place in (
            str(slack.messages(CHANNEL)),
            caplog.text,
            (trained.home / "triage.db").read_bytes().decode(errors="replace"),
            (trained.home / "triage.db-wal").read_bytes().decode(errors="replace"),
            *(f.read_text() for f in trained.home.glob("comparisons/*/*.[hjt]*")),
            *(f.read_text() for f in trained.home.glob("jobs/*/log.txt")),
        ):
            assert place
            assert CANARY not in place
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


def test_a_run_makes_the_version_that_the_command_line_makes(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    """`triage train -p num_round=20` made the champion; the same in the form makes it again."""
    LocalBackend(trained.home).deploy("referral-triage", trained.version)
    with running(slack, trained.home, model) as bot:
        view = open_form(slack)
        slack.submit("U0LEO", view, {form.PARAMETERS: "num_round=20"})
        run = until(slack, bot, active(slack, bot), "same", "failed", "waiting", "refused")
        assert (run.state, run.version) == ("same", trained.version)
        listed = CliRunner().invoke(triage, ["jobs", "show", run.job, "--json"])
        assert json.loads(listed.output)["hyperparameters"] == LESS


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
