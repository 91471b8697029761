"""`/redeploy`: another version serves, is watched, and goes back by itself or by a click."""

import re
import time

import pytest
from sqlalchemy import update

from bot import deploy_messages
from bot.blocks.redeploy import APPROVE as APPROVE_REDEPLOY
from bot.blocks.redeploy import CANCEL, ROLL_BACK
from bot.blocks.retrain import APPROVE
from bot.blocks.versions import BACK_NOW, DEPLOY
from bot.sandbox.server import Sandbox
from bot.services import Services
from bot.store.redeploys import Redeploy
from bot.store.tables import redeploys
from mlops.backends.local import LocalBackend
from mlops.classifier import LocalClassifier
from mlops.deploy_lock import check_unlocked
from mlops.errors import LockedError
from tests.bot.retrains import results, waiting
from tests.bot.running import (
    SURGICAL,
    Json,
    answer,
    answers,
    bots,
    buttons,
    running,
    settle,
    words,
)
from tests.trained import Trained

CHANNEL = "G0SURGERY"
ENDPOINT = "referral-triage"
# Minutes: a few seconds, some more, longer than a test.
SHORT, MEDIUM, LONG = 0.04, 0.2, 5.0


def shown(slack: Sandbox, bot: Services, *states: str, timeout: float = 60.0) -> Json:
    """The one card, once its redeployment is in one of these states and it shows that."""

    def there() -> Json | None:
        rows = bot.store.redeploys.latest(1)
        if not rows or rows[0].state not in states or rows[0].shown < rows[0].revision:
            return None
        return next((m for m in cards(slack) if m["ts"] == rows[0].message_ts), None)

    found = slack.wait_for(there, timeout)
    assert found is not None
    return found


def cards(slack: Sandbox, channel: str = CHANNEL) -> list[Json]:
    return [
        m
        for m in bots(slack, channel)
        if any(str(b.get("block_id", "")).startswith("redeploy-") for b in m.get("blocks") or [])
    ]


def row_of(bot: Services) -> Redeploy:
    (row,) = bot.store.redeploys.latest(1)
    return row


def serves(bot: Services) -> str:
    return bot.backend.endpoint(ENDPOINT).version


@pytest.fixture
def shipped(model: LocalClassifier) -> str:
    return model.model_version


@pytest.fixture
def deployed(trained: Trained, shipped: str) -> Trained:
    """The shipped version serves at the endpoint."""
    LocalBackend(trained.home, workers=1).deploy(ENDPOINT, shipped)
    return trained


def test_a_version_is_deployed_watched_and_kept(
    slack: Sandbox, deployed: Trained, shipped: str
) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=SHORT) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version[:6])
        watched = words(shown(slack, bot, "watching"))
        assert "is watched" in watched
        assert "left" in watched
        card = shown(slack, bot, "serving")
        said = words(card)
        assert f"`{deployed.version}` answers every note from now on" in said
        assert "0 of" in said  # got no answer
        assert "get the opposite recommendation" in said
        assert len(cards(slack)) == 1
        assert serves(bot) == deployed.version
        assert results(bot) == [
            ("U0LEO", "redeploy", "started"),
            ("U0LEO", "redeploy", "serving, watched"),
            ("", "redeploy", "watched, kept"),
        ]
        slack.say("U0ANA", "D0ANA", SURGICAL)
        assert deployed.version in words(answer(slack, "D0ANA"))
        # One click away, also after the watch.
        slack.click("U0LEO", CHANNEL, card["ts"], ROLL_BACK)
        back = shown(slack, bot, "returned")
        assert "<@U0LEO> rolled it back" in words(back)
        assert buttons(back) == []
        assert serves(bot) == shipped
        assert len(cards(slack)) == 1
    assert slack.problems == []


def test_roll_back_while_it_is_watched(slack: Sandbox, deployed: Trained, shipped: str) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=LONG) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        card = shown(slack, bot, "watching")
        slack.click("U0LEO", CHANNEL, card["ts"], ROLL_BACK)
        shown(slack, bot, "returned")
        assert serves(bot) == shipped
        assert results(bot)[-2:] == [
            ("U0LEO", "rollback", "asked"),
            ("U0LEO", "rollback", "went back"),
        ]


def test_it_goes_back_by_itself_when_it_is_worse(
    slack: Sandbox, deployed: Trained, shipped: str, backwards: str
) -> None:
    """A version trained on labels the wrong way round answers most notes with the opposite."""
    with running(slack, deployed.home, None, triage_watch_minutes=LONG) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", backwards)
        said = words(shown(slack, bot, "returned"))
        assert "It went back by itself" in said
        assert re.search(r"(\d+) of \d+ probe notes get the opposite recommendation", said)
        assert serves(bot) == shipped
        assert results(bot)[-2:] == [
            ("", "rollback", "worse: recommendations"),
            ("", "rollback", "went back"),
        ]


def test_it_goes_back_when_notes_get_no_answer(
    slack: Sandbox, deployed: Trained, shipped: str
) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=MEDIUM) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        shown(slack, bot, "watching")
        for _ in range(3):
            bot.store.traffic.failed("BackendError")
        assert "3 of 3 notes got no answer" in words(shown(slack, bot, "returned"))
        assert serves(bot) == shipped


def test_somebody_else_changes_it_meanwhile(
    slack: Sandbox, deployed: Trained, shipped: str
) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=MEDIUM) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        card = shown(slack, bot, "watching")
        LocalBackend(deployed.home).update(ENDPOINT, shipped)
        assert f"`{shipped}` serves now" in words(shown(slack, bot, "superseded"))
        assert buttons(cards(slack)[0]) == []
        assert card["ts"] == cards(slack)[0]["ts"]


def test_it_goes_back_when_the_endpoint_is_gone(
    slack: Sandbox, deployed: Trained, shipped: str
) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=MEDIUM) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        shown(slack, bot, "watching")
        LocalBackend(deployed.home).delete_endpoint(ENDPOINT)
        assert "probes got no answer" in words(shown(slack, bot, "returned"))
        assert serves(bot) == shipped


def test_a_version_that_can_not_be_served(slack: Sandbox, deployed: Trained, shipped: str) -> None:
    (deployed.home / "models" / deployed.version / "model.tar.gz").write_bytes(b"damaged")
    with running(slack, deployed.home, None) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        card = shown(slack, bot, "failed")
        assert f"`{shipped}` serves on" in words(card)
        assert buttons(card) == []
        assert results(bot)[-1] == ("U0LEO", "redeploy", "failed")
        assert serves(bot) == shipped


def test_a_second_one_gets_the_link_of_the_first(slack: Sandbox, deployed: Trained) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=LONG) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        shown(slack, bot, "watching")
        slack.command("U0LEO", CHANNEL, "/redeploy", "shipped")
        told = slack.wait_for(lambda: [m for m in bots(slack, CHANNEL, "U0LEO") if is_told(m)])
        assert "is under way" in words(told[-1])
        assert "Watch it here" in words(told[-1])
        assert len(bot.store.redeploys.latest(5)) == 1


def is_told(message: Json) -> bool:
    return bool(message.get("is_ephemeral"))


def test_the_list_has_figures_and_buttons(slack: Sandbox, deployed: Trained, shipped: str) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=0.0) as bot:
        view = the_list(slack)
        said = words(view["blocks"])
        assert f"*`{shipped}`* · :large_green_circle: serves now" in said
        assert f"*`{deployed.version}`* · newest" in said
        assert said.count("AUC 0.") == 2
        slack.click_view("U0LEO", view["id"], DEPLOY, block_id=f"version-{deployed.version}")
        shown(slack, bot, "serving")
        told = slack.wait_for(lambda: "is being deployed" in words(slack.views("U0LEO")[0]))
        assert told
        assert serves(bot) == deployed.version
        # No watch was wanted, so its card has no word of one.
        assert "atch" not in words(cards(slack)[0]).replace("Watch it here", "")
        slack.close_view("U0LEO", view["id"])
        again = the_list(slack)
        assert "served before" in words(again["blocks"])
        slack.click_view("U0LEO", again["id"], BACK_NOW)
        slack.wait_for(lambda: len(cards(slack)) == 2)
        shown(slack, bot, "serving")
        assert serves(bot) == shipped
    assert slack.problems == []


def the_list(slack: Sandbox, channel: str = CHANNEL) -> Json:
    slack.command("U0LEO", channel, "/redeploy")
    slack.wait_for(lambda: "AUC" in words((slack.views("U0LEO") or [{"blocks": []}])[0]["blocks"]))
    return slack.views("U0LEO")[0]


def test_first_deployment_and_nothing_to_go_back_to(
    slack: Sandbox, trained: Trained, shipped: str
) -> None:
    """Without an endpoint the shipped model answers in the bot; it can be come back to."""
    with running(slack, trained.home, None, triage_watch_minutes=LONG) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", "rollback")
        assert "none to go back to" in words(answer(slack, CHANNEL, "U0LEO"))
        slack.command("U0LEO", CHANNEL, "/redeploy", trained.version)
        shown(slack, bot, "watching")
        slack.command("U0LEO", CHANNEL, "/redeploy", "rollback")
        shown(slack, bot, "returned")
        assert serves(bot) == shipped


SAYS = {
    "help": "/redeploy lock REASON",
    "shipped": "serves already",
    "ffffffffffff": "There is no model version",
    "two words": "nothing was changed",
    "status": "serves now",
    "lock": "Say why",
    f"lock {'x' * 201}": "at most 200 characters",
    "unlock": "was not locked",
}


def test_words(slack: Sandbox, deployed: Trained) -> None:
    with running(slack, deployed.home, None) as bot:
        for count, (text, says) in enumerate(SAYS.items(), 1):
            slack.command("U0LEO", CHANNEL, "/redeploy", text)
            told = answers(slack, CHANNEL, count, "U0LEO")
            assert says in words(told[-1]), text
        assert bot.store.redeploys.latest(1) == []


def test_while_it_is_locked_nobody_deploys(slack: Sandbox, deployed: Trained, shipped: str) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=0.0) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", "lock audit <!channel> until *Friday*")
        assert "is locked" in words(answer(slack, CHANNEL, "U0LEO"))
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        told = words(slack.wait_for(lambda: bots(slack, CHANNEL, "U0LEO")[1:])[-1])
        assert "<@U0LEO> locked deploying" in told
        assert "audit &lt;!channel&gt; until *Friday*" in told
        view = the_list(slack)
        assert [b for b in view["blocks"] if "accessory" in b] == []
        # Going back stays possible.
        LocalBackend(deployed.home).update(ENDPOINT, deployed.version)
        slack.command("U0LEO", CHANNEL, "/redeploy", "rollback")
        shown(slack, bot, "serving")
        assert serves(bot) == shipped
        slack.command("U0LEO", CHANNEL, "/redeploy", "unlock")
        slack.wait_for(lambda: bot.store.lock.current() is None)
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        slack.wait_for(lambda: serves(bot) == deployed.version, 30)
        assert ("U0LEO", "redeploy", "refused: locked") in results(bot)
        actions = [line[1] for line in results(bot)]
        assert (actions.count("lock"), actions.count("unlock")) == (1, 1)


def test_two_locks_at_once(bot: Services) -> None:
    assert bot.store.lock.set("U0LEO", "first", CHANNEL) is not None
    assert bot.store.lock.set("U0IDA", "second", CHANNEL) is None
    there = bot.store.lock.current()
    assert there is not None
    assert (there.by, there.reason) == ("U0LEO", "first")
    assert "U0LEO" in deploy_messages.locked_already(there)
    assert abs(there.since - time.time()) < 60


REFUSED = "refused: not a lead"


@pytest.mark.parametrize(
    "text", ["", "shipped", "rollback", "status", "lock me", "unlock", "two words"]
)
def test_commands_of_somebody_who_is_no_lead(slack: Sandbox, bot: Services, text: str) -> None:
    assert slack.command("U0ANA", CHANNEL, "/redeploy", text).ok
    assert "Only team leads" in words(answer(slack, CHANNEL, "U0ANA"))
    assert [line[2] for line in results(bot)] == [REFUSED]
    assert (slack.views("U0ANA"), bot.store.redeploys.latest(1)) == ([], [])
    assert bot.store.lock.current() is None


def test_the_card_s_button_by_somebody_who_is_no_lead(slack: Sandbox, deployed: Trained) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=LONG) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        card = shown(slack, bot, "watching")
        slack.click("U0ANA", CHANNEL, card["ts"], ROLL_BACK)
        slack.wait_for(lambda: ("U0ANA", "rollback", REFUSED) in results(bot))
        settle()
        assert row_of(bot).state == "watching"
        assert serves(bot) == deployed.version


@pytest.mark.parametrize("action", [ROLL_BACK, APPROVE_REDEPLOY, CANCEL, DEPLOY, BACK_NOW])
@pytest.mark.parametrize("value", ["", "nonsense", "'; DROP TABLE redeploys; --"])
def test_buttons_that_were_made_up(slack: Sandbox, bot: Services, action: str, value: str) -> None:
    element = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    more = {"value": value} if value else {}
    block = {"type": "actions", "elements": [element | more | {"action_id": action}]}
    bot.slack.client.chat_postMessage(channel="C0GENERAL", text="Look", blocks=[block])
    ts = bots(slack, "C0GENERAL")[0]["ts"]
    for user in ("U0ANA", "U0LEO"):
        slack.click(user, "C0GENERAL", ts, action)
        slack.wait_for(lambda u=user: any(line[0] == u for line in results(bot)))
    assert results(bot)[0][2] == REFUSED
    assert all(line[2].startswith("refused") for line in results(bot))
    assert bot.store.redeploys.latest(1) == []


def test_a_list_used_by_somebody_who_is_no_lead_any_more(slack: Sandbox, trained: Trained) -> None:
    with running(slack, trained.home, None) as bot:
        view = the_list(slack)
        bot.roles.leads = ()
        slack.click_view("U0LEO", view["id"], DEPLOY, block_id=f"version-{trained.version}")
        slack.wait_for(lambda: "Only team leads" in words(slack.views("U0LEO")[0]))
        assert results(bot)[-1] == ("U0LEO", "redeploy", REFUSED)
        assert bot.store.redeploys.latest(1) == []


def test_the_lock_stops_an_approval(slack: Sandbox, trained: Trained) -> None:
    with running(slack, trained.home, None) as bot:
        run = waiting(bot, slack, trained)
        bot.store.lock.set("U0IDA", "audit", CHANNEL)
        slack.click("U0LEO", CHANNEL, run.message_ts or "", APPROVE)
        slack.wait_for(lambda: ("U0LEO", "approve", "refused: locked") in results(bot))
        assert "<@U0IDA> locked deploying" in words(answer_to(slack))
        now = bot.store.retrains.get(run.id)
        assert now is not None
        assert now.state == "waiting"
        assert bot.backend.endpoints() == []


def answer_to(slack: Sandbox) -> Json:
    return slack.wait_for(lambda: [m for m in bots(slack, CHANNEL, "U0LEO") if is_told(m)])[-1]


def test_the_terminal_sees_the_same_lock(slack: Sandbox, bot: Services) -> None:
    check_unlocked(bot.settings)
    bot.store.lock.set("U0LEO", "audit.", CHANNEL)
    with pytest.raises(LockedError, match=r"locked by U0LEO since .*: audit\. What serves"):
        check_unlocked(bot.settings)


TWO: Json = {"triage_two_person": True, "triage_leads": ("U0LEO", "U0IDA")}


def test_where_two_have_to_agree_another_lead_approves(slack: Sandbox, deployed: Trained) -> None:
    with running(slack, deployed.home, None, triage_watch_minutes=0.0, **TWO) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", deployed.version)
        card = shown(slack, bot, "waiting")
        assert [button["text"]["text"] for button in buttons(card)] == ["Approve", "Cancel"]
        for user, result in (("U0LEO", "refused: asked for it"), ("U0ANA", REFUSED)):
            slack.click(user, CHANNEL, card["ts"], APPROVE_REDEPLOY)
            slack.wait_for(lambda u=user, r=result: (u, "approve", r) in results(bot))
        assert row_of(bot).state == "waiting"
        slack.click("U0IDA", CHANNEL, card["ts"], APPROVE_REDEPLOY)
        assert "<@U0IDA> approved" in words(shown(slack, bot, "serving"))
        assert serves(bot) == deployed.version
        # Going back is urgent: one is enough.
        slack.command("U0LEO", CHANNEL, "/redeploy", "rollback")
        slack.wait_for(lambda: serves(bot) != deployed.version, 30)
        assert slack.problems == []


def test_what_waits_can_be_cancelled_and_heeds_the_lock(slack: Sandbox, trained: Trained) -> None:
    with running(slack, trained.home, None, **TWO) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", trained.version)
        card = shown(slack, bot, "waiting")
        bot.store.lock.set("U0IDA", "audit", CHANNEL)
        slack.click("U0IDA", CHANNEL, card["ts"], APPROVE_REDEPLOY)
        slack.wait_for(lambda: ("U0IDA", "approve", "refused: locked") in results(bot))
        bot.store.lock.release("U0IDA", CHANNEL)
        slack.click("U0LEO", CHANNEL, card["ts"], CANCEL)
        assert "<@U0LEO> cancelled it" in words(shown(slack, bot, "cancelled"))
        assert bot.backend.endpoints() == []


@pytest.mark.parametrize("clicked", [False, True])
def test_what_nobody_approves_in_time_expires(
    slack: Sandbox, trained: Trained, clicked: bool
) -> None:
    """By the clock, or by a click that comes before the clock's next round."""
    lease = 60.0 if clicked else 2.0
    with running(slack, trained.home, None, lease_seconds=lease, **TWO) as bot:
        slack.command("U0LEO", CHANNEL, "/redeploy", trained.version)
        card = shown(slack, bot, "waiting")
        assert (row_of(bot).expires or 0.0) - time.time() > 23 * 3600
        with bot.store._engine.begin() as connection:
            connection.execute(update(redeploys).values(expires=1.0))
        if clicked:
            slack.click("U0IDA", CHANNEL, card["ts"], APPROVE_REDEPLOY)
        expired = shown(slack, bot, "expired", timeout=10)
        assert "Nobody approved in time" in words(expired)
        assert buttons(expired) == []
        assert ("", "approve", "expired") in results(bot)
        assert bot.backend.endpoints() == []
