"""The one message of a redeployment, made from its row alone."""

import time
from collections.abc import Mapping

from bot import deploy_messages as say
from bot.blocks.parts import Block, Rendered, button, context, escape, header, moment, section
from bot.blocks.work import (
    ACTIVE,
    DONE,
    FAILED,
    STOPPED,
    approval,
    approved,
    buttons,
    confirm,
    duration,
    somebody_else,
    steps_text,
)
from bot.store.redeploys import Redeploy, State
from mlops.watching import Finding

ROLL_BACK, APPROVE, CANCEL = "redeploy_back", "redeploy_approve", "redeploy_cancel"
TITLES: Mapping[State, str] = {
    "waiting": "Another version waits for approval",
    "measuring": "Deploying another version",
    "starting": "Deploying another version",
    "watching": "The new version serves and is watched",
    "returning": "Going back to the version before",
    "serving": "The new version serves",
    "returned": "Went back to the version before",
    "superseded": "Another version serves by now",
    "failed": "Deploying failed",
    "cancelled": "Deploying was cancelled",
    "expired": "The approval has expired",
}
ROLLBACK_TITLES: Mapping[State, str] = {
    "starting": "Going back to the version before",
    "serving": "Went back to the version before",
    "failed": "Going back failed",
}
# Per step: while it is still to come, under way, and done.
STEPS = (
    ("measure", "Measuring what serves now", "Measured what served"),
    ("start", "Starting it beside the old one", "Started, healthy, took over"),
    ("watch", "Watching errors, latency and predictions", "Watched"),
)
NOT_BEGUN = ("waiting", "cancelled", "expired")
MEASURE, START, WATCH = range(len(STEPS))


def card(row: Redeploy, hours: float) -> Rendered:
    """How a redeployment stands.

    Args:
        row: The redeployment.
        hours: How long an approval is possible.
    """
    title = title_of(row)
    blocks: list[Block] = [header(title, marker(row))]
    if row.state not in NOT_BEGUN:
        blocks.append(section(_steps(row)))
    blocks.append(section(_outcome(row, hours)))
    if row.state == "waiting":
        blocks.append(somebody_else(row))
        cancel = button("Cancel", CANCEL, row.id)
        blocks.append(approval(row, row.version, row.previous, APPROVE, cancel))
    elif row.state not in NOT_BEGUN:
        blocks += approved(row)
    checks = [Finding(**item) for item in row.findings.get("checks", ())]
    if checks and row.action == "deploy":
        blocks.append(context("\n".join(say.finding(check) for check in checks)))
    if row.state in ("watching", "serving") and _can_go_back(row):
        blocks.append(buttons(row, _roll_back(row)))
    blocks.append(_footer(row))
    return Rendered(say.notification(title, row.version), blocks)


def marker(row: Redeploy) -> str:
    """Id of a block, by which the message is found again."""
    return f"redeploy-{row.id}"


def title_of(row: Redeploy) -> str:
    """How it stands, in a few words."""
    if row.action == "rollback" and row.state in ROLLBACK_TITLES:
        return ROLLBACK_TITLES[row.state]
    return TITLES[row.state]


def _steps(row: Redeploy) -> str:
    steps = list(STEPS)
    if row.action == "rollback":
        steps = steps[START:WATCH]
    elif row.watch_until is None and row.state not in ("measuring", "starting", "watching"):
        steps = steps[:WATCH]
    position, mark = _position(row)
    if row.action == "rollback":
        position = 0
    position = min(position, len(steps) - 1)
    lines = [steps_text(steps, position, mark, _left(row))]
    if row.state in ("returning", "returned"):
        lines.append(
            f"{ACTIVE} *Going back to `{escape(row.previous)}`*"
            if row.state == "returning"
            else f":arrow_left: Back at `{escape(row.previous)}`"
        )
    return "\n".join(lines)


def _position(row: Redeploy) -> tuple[int, str]:
    """The last step to show, and how it stands."""
    at: dict[str, tuple[int, str]] = {
        "measuring": (MEASURE, ACTIVE),
        "starting": (START, ACTIVE),
        "watching": (WATCH, ACTIVE),
        "serving": (WATCH, DONE),
        "superseded": (WATCH, STOPPED),
        "returning": (WATCH, STOPPED),
        "returned": (WATCH, STOPPED),
    }
    if row.state in at:
        return at[row.state]
    return (WATCH if row.watch_until is not None else START), FAILED


def _can_go_back(row: Redeploy) -> bool:
    """Whether there is something to go back to; going back is itself not gone back from."""
    return row.action == "deploy" and not row.stop_by and row.previous != row.version


def _left(row: Redeploy) -> dict[int, str]:
    if row.state != "watching" or row.watch_until is None:
        return {}
    return {WATCH: f"{duration(row.watch_until - time.time())} left"}


def _outcome(row: Redeploy, hours: float) -> str:
    """What it means, in a sentence (mrkdwn)."""
    if row.state == "waiting":
        return say.waiting(row.version, row.previous, hours)
    if row.state == "cancelled":
        return say.cancelled(row.decided_by or "")
    if row.state == "expired":
        return say.expired()
    back = row.action == "rollback"
    if row.state in ("measuring", "starting"):
        return say.returning(row.version) if back else say.starting(row.version, row.previous)
    if row.state == "watching":
        return say.watching(row.watch_until or row.started)
    if row.state == "returning":
        return say.returning(row.previous)
    if row.state == "returned":
        return say.returned(row.previous, row.stop_by, str(row.findings.get("why", "")))
    if row.state == "superseded":
        return say.superseded(str(row.findings.get("serves", "")))
    if row.state == "failed":
        serves = str(row.findings.get("serves") or row.previous)
        return say.failed(row.failure or "", serves)
    return say.kept(row.version, back)


def _roll_back(row: Redeploy) -> Block:
    made = button("Roll back", ROLL_BACK, row.id, "danger")
    made["confirm"] = confirm(row.previous, row.version, "Roll back")
    return made


def _footer(row: Redeploy) -> Block:
    parts = [
        f"Asked by <@{row.user}> {moment(row.started)}",
        f"`{escape(row.version)}` in place of `{escape(row.previous)}`",
        f"Endpoint: {escape(row.endpoint)}",
    ]
    return context(*parts)
