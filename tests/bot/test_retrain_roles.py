"""Somebody who is no lead tries every way in: refused, written down, nothing changed."""

import pytest

from bot import ops_messages
from bot.blocks import retrain_form as form
from bot.blocks.retrain import APPROVE, REJECT, STOP
from bot.sandbox.server import Sandbox
from bot.services import Services
from mlops.classifier import LocalClassifier
from tests.bot.retrains import CHANNEL, cards, open_form, results, waiting
from tests.bot.running import answer, bots, running, words
from tests.trained import Trained

REFUSED = "refused: not a lead"


def refusals(services: Services) -> list[tuple[str, str]]:
    return [(user, action) for user, action, result in results(services) if result == REFUSED]


@pytest.mark.parametrize("text", ["", "now", "tune 20", "status", "stop", "nonsense"])
def test_commands(slack: Sandbox, bot: Services, text: str) -> None:
    assert slack.command("U0ANA", CHANNEL, "/retrain", text).ok
    told = answer(slack, CHANNEL, "U0ANA")
    assert words(told) == ops_messages.ask_leads(("U0LEO",))
    assert "<@U0LEO>" in words(told)
    assert told["is_ephemeral"]
    assert refusals(bot) == [("U0ANA", "stop" if text == "stop" else "retrain")]
    assert (slack.views("U0ANA"), bot.store.retrains.latest(1)) == ([], [])


@pytest.mark.parametrize("action", [APPROVE, REJECT])
def test_buttons_of_a_lead_s_card(
    slack: Sandbox, trained: Trained, model: LocalClassifier, action: str
) -> None:
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
        before = cards(slack, CHANNEL)
        assert slack.click("U0ANA", CHANNEL, run.message_ts or "", action).ok
        slack.wait_for(lambda: any(m.get("is_ephemeral") for m in bots(slack, CHANNEL, "U0ANA")))
        assert refusals(bot) == [("U0ANA", action.removeprefix("retrain_"))]
        entry = bot.store.audit.entries()[-1]
        assert (entry.target, entry.channel) == (trained.version, CHANNEL)
        assert bot.store.retrains.get(run.id) == run
        assert cards(slack, CHANNEL) == before
        assert bot.backend.endpoints() == []


def test_stop_on_a_lead_s_card(slack: Sandbox, trained: Trained, model: LocalClassifier) -> None:
    with running(slack, trained.home, model) as bot:
        slack.command("U0LEO", CHANNEL, "/retrain", "now")
        (card,) = slack.wait_for(lambda: cards(slack, CHANNEL))
        slack.click("U0ANA", CHANNEL, card["ts"], STOP)
        slack.wait_for(lambda: refusals(bot) == [("U0ANA", "stop")])
        run = bot.store.retrains.active()
        assert run is not None
        assert run.stop_by is None
        bot.store.retrains.request_stop(run, "U0LEO")
        slack.wait_for(lambda: bot.store.retrains.active() is None, 30)


@pytest.mark.parametrize("action", [APPROVE, REJECT, STOP])
@pytest.mark.parametrize("value", ["", "nonsense", "'; DROP TABLE retrains; --"])
def test_buttons_that_were_made_up(slack: Sandbox, bot: Services, action: str, value: str) -> None:
    """A message of the person's own making can't carry our buttons; a forged payload can."""
    element = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
    more = {"value": value} if value else {}
    block = {"type": "actions", "elements": [element | more | {"action_id": action}]}
    bot.slack.client.chat_postMessage(channel="C0GENERAL", text="Look", blocks=[block])
    ts = bots(slack, "C0GENERAL")[0]["ts"]
    for user in ("U0ANA", "U0LEO"):
        slack.click(user, "C0GENERAL", ts, action)
        slack.wait_for(lambda u=user: any(line[0] == u for line in results(bot)))
    name = action.removeprefix("retrain_")
    assert results(bot) == [
        ("U0ANA", name, REFUSED),
        ("U0LEO", name, "refused: not on its card"),
    ]
    assert bot.store.retrains.latest(1) == []


def revoke(services: Services) -> None:
    """As after a change of TRIAGE_LEADS and a restart, or of a user group's members."""
    services.roles.leads = ()


def test_a_form_sent_by_somebody_who_is_no_lead_any_more(slack: Sandbox, bot: Services) -> None:
    view = open_form(slack)
    revoke(bot)
    assert slack.submit("U0LEO", view, {}) == {}
    slack.wait_for(lambda: refusals(bot) == [("U0LEO", "retrain")])
    told = words(answer(slack, CHANNEL, "U0LEO"))
    assert "nobody is set up as one" in told
    assert bot.store.retrains.latest(1) == []


def test_a_choice_in_a_form_by_somebody_who_is_no_lead_any_more(
    slack: Sandbox, bot: Services
) -> None:
    view = open_form(slack)
    revoke(bot)
    (before,) = slack.views("U0LEO")
    option = before["blocks"][0]["element"]["options"][1]
    slack.click_view("U0LEO", view, form.DATA, selected_option=option)
    slack.wait_for(lambda: refusals(bot) == [("U0LEO", "retrain")])
    assert slack.views("U0LEO")[0]["hash"] == before["hash"]


def test_a_form_with_choices_that_it_does_not_offer(slack: Sandbox, bot: Services) -> None:
    view = open_form(slack)
    forged = {"type": "radio_buttons", "selected_option": {"value": "prod"}}
    answered = slack.submit("U0LEO", view, {form.DATA: {form.DATA: forged}})
    assert set(answered["errors"]) == {form.DATA}
    assert bot.store.retrains.latest(1) == []


def test_with_no_leads_nobody_may(slack: Sandbox, trained: Trained, model: LocalClassifier) -> None:
    with running(slack, trained.home, model, triage_leads=()):
        slack.command("U0LEO", "C0GENERAL", "/retrain", "now")
        assert "TRIAGE_LEADS" in words(answer(slack, "C0GENERAL", "U0LEO"))


def test_names_are_never_matched(slack: Sandbox, trained: Trained, model: LocalClassifier) -> None:
    """Anybody can call themselves anything; only the ID counts, of a person or of a group."""
    with running(slack, trained.home, model, triage_leads=("leo", "Leo Brandt", "@leo")) as bot:
        slack.command("U0LEO", "C0GENERAL", "/retrain", "now")
        answer(slack, "C0GENERAL", "U0LEO")
        assert refusals(bot) == [("U0LEO", "retrain")]


def test_members_of_a_user_group_may(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    with running(slack, trained.home, model, triage_leads=("S0LEADS",)) as bot:
        assert open_form(slack)
        slack.command("U0ANA", "C0GENERAL", "/retrain")
        assert "<!subteam^S0LEADS>" in words(answer(slack, "C0GENERAL", "U0ANA"))
        assert refusals(bot) == [("U0ANA", "retrain")]
