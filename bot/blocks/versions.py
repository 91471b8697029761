"""The list of versions behind `/redeploy`: what each was measured at, and a button to deploy it."""

import json
from collections.abc import Sequence

from bot import deploy_messages as say
from bot.blocks.parts import (
    TITLE_CHARACTERS,
    Block,
    actions,
    button,
    context,
    escape,
    moment,
    plain,
    section,
)
from bot.blocks.retrain import FIGURES
from bot.blocks.work import confirm
from mlops.backends import ModelVersion
from mlops.deploy_lock import Lock

DEPLOY, BACK_NOW = "redeploy_deploy", "redeploy_rollback"
LISTED = 12


def loading(channel: str, external_id: str) -> Block:
    """While the versions are looked up: the form has to open within three seconds."""
    return _modal(channel, [section("Looking up the versions…")], external_id)


def told(channel: str, sentence: str) -> Block:
    """What came of a click, in place of the list."""
    return _modal(channel, [section(sentence)])


def versions_form(
    channel: str,
    versions: Sequence[ModelVersion],
    serves: str,
    previous: str | None,
    lock: Lock | None,
) -> Block:
    """The list.

    Args:
        channel: Where a redeployment will be shown.
        versions: Newest first.
        serves: The version that serves.
        previous: The one that a rollback returns to.
        lock: While deploying is locked there are no buttons.
    """
    blocks: list[Block] = [context(say.lock_state(lock))] if lock else []
    for number, version in enumerate(versions[:LISTED]):
        marks = [":large_green_circle: serves now"] if version.name == serves else []
        marks += ["newest"] if number == 0 else []
        marks += ["served before"] if version.name == previous else []
        block = section(version_line(version, marks), f"version-{version.name}")
        if version.name != serves and lock is None:
            deploy = button("Deploy", DEPLOY, version.name)
            block["accessory"] = deploy | {"confirm": confirm(version.name, serves, "Deploy")}
        blocks.append(block)
    if len(versions) > LISTED:
        older = len(versions) - LISTED
        blocks.append(context(f"{older} older: `triage models list`, then `/redeploy VERSION`"))
    if previous is not None:
        back = button("Roll back", BACK_NOW, previous, "danger")
        blocks.append(
            actions([back | {"confirm": confirm(previous, serves, "Roll back")}], "rollback")
        )
    return _modal(channel, blocks)


def version_line(version: ModelVersion, marks: Sequence[str] = ()) -> str:
    """A version with its figures (mrkdwn)."""
    title = " · ".join([f"*`{escape(version.name)}`*", *marks])
    figures = " · ".join(
        f"{label} {version.metrics[name]:.3f}"
        for name, label in FIGURES.items()
        if name in version.metrics
    )
    origin = "comes with the package" if version.shipped else f"job {escape(version.job or '?')}"
    made = f"made {moment(version.created.timestamp(), '{date_short_pretty}')}, {origin}"
    return "\n".join(line for line in (title, figures, made) if line)


def _modal(channel: str, blocks: list[Block], external_id: str = "") -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": "redeploy_list",
        "private_metadata": json.dumps({"channel": channel}),
        "title": plain("Model versions", TITLE_CHARACTERS),
        "close": plain("Close", TITLE_CHARACTERS),
        "blocks": blocks,
    }
    return {**view, "external_id": external_id} if external_id else view
