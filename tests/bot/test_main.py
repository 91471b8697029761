"""Starting and stopping: what is missing is said by name; what is under way is finished."""

import threading
from pathlib import Path

import pytest

from bot.main import run
from bot.sandbox.server import Sandbox
from mlops.errors import SettingsError, TriageError
from tests.bot.running import SURGICAL, answer, is_card, settings_for


@pytest.mark.parametrize(
    ("token", "variable", "where"),
    [
        ("slack_bot_token", "SLACK_BOT_TOKEN", "OAuth & Permissions"),
        ("slack_app_token", "SLACK_APP_TOKEN", "App-Level Tokens"),
    ],
)
@pytest.mark.parametrize("value", [None, "xoxb-wrong"])
def test_a_missing_or_wrong_token_is_named(
    slack: Sandbox, home: Path, token: str, variable: str, where: str, value: str | None
) -> None:
    with pytest.raises(SettingsError) as raised:
        run(settings_for(slack, home, **{token: value}), threading.Event())
    sentence = str(raised.value)
    assert variable in sentence
    assert where in sentence
    assert "wrong" not in sentence.replace("What is wrong", "")
    assert slack.bot_token not in sentence


def test_a_server_that_is_not_there(slack: Sandbox, home: Path) -> None:
    nobody = settings_for(slack, home, slack_api_url="http://127.0.0.1:9/api/")
    with pytest.raises(TriageError, match="can’t be reached"):
        run(nobody, threading.Event())


def test_a_database_that_can_not_be_used(slack: Sandbox, home: Path) -> None:
    wrong = settings_for(
        slack, home, database_url="postgresql://bot:hunter2@127.0.0.1:9/triage?connect_timeout=1"
    )
    with pytest.raises(SettingsError, match="DATABASE_URL") as raised:
        run(wrong, threading.Event())
    assert "hunter2" not in str(raised.value)


def test_it_runs_until_it_is_told_to_stop(
    slack: Sandbox, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the model that the settings name: none is deployed, so it is the shipped one."""
    stop = threading.Event()
    caplog.set_level("INFO")
    thread = threading.Thread(target=run, args=(settings_for(slack, home), stop))
    thread.start()
    try:
        slack.wait_connected()
        slack.say("U0ANA", "D0ANA", SURGICAL)
        assert is_card(answer(slack, "D0ANA"))
        slack.wait_for(lambda: "referral_triage in Sandbox Clinic" in caplog.text)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert slack.connections == 0


def test_a_proxy_has_no_business_on_this_machine(
    slack: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(settings_for(slack, home), stop)
        except BaseException as error:  # noqa: BLE001  SystemExit would end the thread unseen
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        slack.wait_for(lambda: slack.connected or failures, 20)
        assert failures == []
        slack.say("U0ANA", "D0ANA", SURGICAL)
        assert is_card(answer(slack, "D0ANA"))
    finally:
        stop.set()
        thread.join(20)
