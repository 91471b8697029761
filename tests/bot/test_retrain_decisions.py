"""Approve, Reject and the clock: who may, what counts, what is deployed, what is written down."""

import re
from pathlib import Path

import pytest
from sqlalchemy import update

from bot import ops_messages
from bot.blocks.redeploy import ROLL_BACK
from bot.blocks.retrain import APPROVE, REJECT, STOP
from bot.placing import link
from bot.sandbox.server import Sandbox
from bot.store.tables import retrains
from mlops.backends.local import LocalBackend
from mlops.classifier import LocalClassifier
from tests.bot.retrains import card_of, cards, results, title, until, waiting
from tests.bot.running import SURGICAL, answer, bots, buttons, is_card, running, words
from tests.trained import Trained

LEADS = ("U0LEO", "U0ANA")


def whispers(slack: Sandbox, channel: str, user: str) -> str:
    private = [m for m in bots(slack, channel, user) if m.get("is_ephemeral")]
    return words(private)


def test_an_approved_version_is_deployed_and_answers(slack: Sandbox, trained: Trained) -> None:
    with running(slack, trained.home, None, triage_leads=LEADS, triage_watch_minutes=0.0) as bot:
        run = waiting(bot, slack, trained)
        card = card_of(slack, bot, run.id)
        assert title(card) == "A new version waits for approval"
        assert [b["action_id"] for b in buttons(card)] == [APPROVE, REJECT]
        slack.click("U0ANA", "G0SURGERY", card["ts"], APPROVE)
        done = until(slack, bot, run.id, "serving")
        assert done.decided_by == "U0ANA"
        shown = card_of(slack, bot, run.id)
        assert title(shown) == "The new version serves"
        assert "<@U0ANA> approved" in words(shown)
        assert buttons(shown) == []
        endpoint = LocalBackend(trained.home).endpoint("referral-triage")
        assert (endpoint.status, endpoint.version) == ("InService", trained.version)
        # The model in the bot's own process is let go at once, not after a while.
        slack.say("U0ANA", "D0ANA", SURGICAL)
        reply = answer(slack, "D0ANA", timeout=20)
        assert is_card(reply)
        assert trained.version in words(reply)
        assert results(bot)[-3:] == [
            ("U0ANA", "approve", "approved"),
            ("U0ANA", "redeploy", "started"),
            ("U0ANA", "redeploy", "serving"),
        ]
        # The model registry says what the card says.
        judged = bot.backend.version(trained.version)
        assert (judged.approval, judged.judged_by) == ("Approved", "U0ANA")
        assert {entry.target for entry in bot.store.audit.entries()[1:]} == {trained.version}
        # A click on what somebody still had on their screen.
        late = dict(slack._hub.workspace.find("G0SURGERY", card["ts"]).message)
        late["blocks"] = card["blocks"]
        slack._hub.workspace.find("G0SURGERY", card["ts"]).message.update(late)
        slack.click("U0LEO", "G0SURGERY", card["ts"], REJECT)
        slack.wait_for(lambda: "has already decided" in whispers(slack, "G0SURGERY", "U0LEO"))
        slack.wait_for(lambda: title(cards(slack, "G0SURGERY")[0]) == "The new version serves")
        assert results(bot)[-1] == ("U0LEO", "reject", "refused: it is serving")
    assert len(cards(slack, "G0SURGERY")) == 1
    assert slack.problems == []


def test_a_rejected_version_is_not_deployed(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", REJECT)
        until(slack, bot, run.id, "rejected")
        shown = card_of(slack, bot, run.id)
        assert title(shown) == "The new version was rejected"
        assert "<@U0LEO> rejected it" in words(shown)
        assert buttons(shown) == []
        assert results(bot)[-1] == ("U0LEO", "reject", "rejected")
        assert bot.backend.endpoints() == []
        judged = bot.backend.version(trained.version)
        assert (judged.approval, judged.judged_by) == ("Rejected", "U0LEO")
        assert "`triage models approve` takes that back" in words(shown)


def test_with_two_persons_the_one_who_asked_can_not_approve(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    with running(slack, trained.home, model, triage_leads=LEADS, triage_two_person=True) as bot:
        run = waiting(bot, slack, trained)
        assert "Somebody else" in words(card_of(slack, bot, run.id))
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        slack.wait_for(
            lambda: ops_messages.not_the_asker() in whispers(slack, "G0SURGERY", "U0LEO")
        )
        assert bot.store.retrains.get(run.id).state == "waiting"  # type: ignore[union-attr]
        assert results(bot)[-1] == ("U0LEO", "approve", "refused: asked for it")
        # To withdraw one's own run harms nobody.
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", REJECT)
        until(slack, bot, run.id, "rejected")


def test_an_offer_that_nobody_takes_expires(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    # The keeper looks every quarter of a lease.
    with running(slack, trained.home, model, lease_seconds=2.0) as bot:
        run = waiting(bot, slack, trained)
        with bot.store._engine.begin() as connection:
            connection.execute(update(retrains).values(expires=1.0))
        until(slack, bot, run.id, "expired", timeout=10)
        shown = card_of(slack, bot, run.id)
        assert title(shown) == "The approval has expired"
        assert buttons(shown) == []
        assert results(bot)[-1] == ("", "approve", "expired")


def test_a_click_after_the_time_is_over_deploys_nothing(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    """Also before the clock has come round to it."""
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
        with bot.store._engine.begin() as connection:
            connection.execute(update(retrains).values(expires=1.0))
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        until(slack, bot, run.id, "expired", timeout=10)
        slack.wait_for(
            lambda: "not waiting for a decision" in whispers(slack, "G0SURGERY", "U0LEO")
        )
        assert bot.backend.endpoints() == []


def test_what_was_compared_with_another_champion_is_not_deployed(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
        bot.backend.deploy("referral-triage", trained.version)
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        until(slack, bot, run.id, "outdated")
        shown = words(card_of(slack, bot, run.id))
        assert f"compared with `{run.champion}`, but `{trained.version}` serves now" in shown
        assert results(bot)[-1][2] == f"refused: {trained.version} serves, not {run.champion}"


def test_a_deployment_that_fails_leaves_the_offer(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    with running(slack, trained.home, model, triage_watch_minutes=0.0) as bot:
        run = waiting(bot, slack, trained)
        artifact = Path(bot.backend.version(trained.version).artifact)
        broken = artifact.with_name("aside")
        artifact.rename(broken)
        artifact.write_bytes(b"no model")
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        slack.wait_for(lambda: "Click again to try again" in words(cards(slack, "G0SURGERY")), 60)
        assert results(bot)[-2:] == [
            ("U0LEO", "redeploy", "failed"),
            ("U0LEO", "approve", "failed"),
        ]
        assert bot.backend.endpoints() == []
        artifact.unlink()
        broken.rename(artifact)
        shown = card_of(slack, bot, run.id)
        assert [b["action_id"] for b in buttons(shown)] == [APPROVE, REJECT]
        slack.click("U0LEO", "G0SURGERY", shown["ts"], APPROVE)
        until(slack, bot, run.id, "serving")


def test_a_bot_that_dies_after_the_click_leaves_the_deployment_to_the_next(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
        # As if it had died between writing the approval down and doing something about it.
        bot.jobs.close()
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        slack.wait_for(lambda: bot.store.retrains.get(run.id).state == "deploying")  # type: ignore[union-attr]
    with running(slack, trained.home, model, triage_watch_minutes=0.0) as bot:
        until(slack, bot, run.id, "serving")
        assert [line[1:] for line in results(bot)][-3:] == [
            ("approve", "approved"),
            ("redeploy", "started"),
            ("redeploy", "serving"),
        ]
    assert len(cards(slack, "G0SURGERY")) == 1


def test_an_approved_version_is_watched_and_rolled_back_by_a_click(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    """It takes the road of `/redeploy`: both cards say how it goes."""
    LocalBackend(trained.home).deploy("referral-triage", model.model_version)
    with running(slack, trained.home, None, triage_watch_minutes=5.0) as bot:
        run = waiting(bot, slack, trained)
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        watched = until(slack, bot, run.id, "watching")
        (deployment,) = bot.store.redeploys.latest(2)
        assert (deployment.state, deployment.version) == ("watching", trained.version)
        shown = words(card_of(slack, bot, run.id))
        assert title(card_of(slack, bot, run.id)) == "The new version serves and is watched"
        assert f"<{watched.findings['card']}|Its figures and Roll back are here.>" in shown
        assert watched.findings["card"] == link(bot, deployment)
        slack.click("U0LEO", "G0SURGERY", deployment.message_ts or "", ROLL_BACK)
        until(slack, bot, run.id, "returned")
        shown = words(card_of(slack, bot, run.id))
        assert "<@U0LEO> rolled it back" in shown
        assert f":arrow_left: Back at `{run.champion}`" in shown
        assert bot.backend.endpoint("referral-triage").version == run.champion
    assert slack.problems == []


def test_an_approved_version_that_is_worse_goes_back_by_itself(
    slack: Sandbox, trained: Trained, backwards: str, model: LocalClassifier
) -> None:
    """What the comparison could not see: here a version whose labels were the wrong way round."""
    LocalBackend(trained.home).deploy("referral-triage", model.model_version)
    with running(slack, trained.home, None, triage_watch_minutes=5.0) as bot:
        run = waiting(bot, slack, Trained(trained.home, backwards))
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        until(slack, bot, run.id, "returned")
        shown = words(card_of(slack, bot, run.id))
        assert title(card_of(slack, bot, run.id)) == "Went back to the version before"
        assert re.search(r"It went back by itself: \d+ of \d+ probe notes get the opposite", shown)
        assert bot.backend.endpoint("referral-triage").version == run.champion


def test_an_approval_waits_for_the_deployment_that_is_under_way(
    slack: Sandbox, trained: Trained, model: LocalClassifier
) -> None:
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
        other = bot.store.redeploys.begin("U0IDA", "C0", "e", "ffff", "eeee", "deploy")
        assert other is not None
        slack.click("U0LEO", "G0SURGERY", run.message_ts or "", APPROVE)
        slack.wait_for(
            lambda: "`ffff` is under way: <@U0IDA>" in whispers(slack, "G0SURGERY", "U0LEO")
        )
        assert results(bot)[-1] == ("U0LEO", "approve", "refused: one is under way")
        assert bot.store.retrains.get(run.id).state == "waiting"  # type: ignore[union-attr]
        assert bot.backend.endpoints() == []


@pytest.mark.parametrize("action", [APPROVE, REJECT, STOP])
def test_a_button_off_its_card_does_nothing(
    slack: Sandbox, trained: Trained, model: LocalClassifier, action: str
) -> None:
    """A payload put together by hand, or a card copied elsewhere."""
    with running(slack, trained.home, model) as bot:
        run = waiting(bot, slack, trained)
        element = {"type": "button", "text": {"type": "plain_text", "text": "Go"}}
        block = {"type": "actions", "elements": [element | {"action_id": action, "value": run.id}]}
        bot.slack.client.chat_postMessage(channel="C0GENERAL", text="Look", blocks=[block])
        forged = bots(slack, "C0GENERAL")[0]["ts"]
        slack.click("U0LEO", "C0GENERAL", forged, action)
        slack.wait_for(
            lambda: ops_messages.not_your_card() in whispers(slack, "C0GENERAL", "U0LEO")
        )
        assert results(bot)[-1][2] == "refused: not on its card"
        assert bot.store.retrains.get(run.id).state == "waiting"  # type: ignore[union-attr]
