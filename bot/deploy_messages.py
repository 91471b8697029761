"""Every sentence about deploying (`/redeploy` and the lock), each a function.

As in `bot.messages`: what happened, what was kept, what to do now.
"""

from bot.blocks.parts import escape, moment
from mlops.deploy_lock import Lock
from mlops.watching import Finding

SLACK_IDS = ("U", "W")


def redeploy_help() -> str:
    """To `/redeploy help` (mrkdwn)."""
    return (
        "*/redeploy* changes which model version answers. The new one is started beside the old "
        "one, takes over once it is healthy, and is watched for a while; if it is worse, the old "
        "one comes back by itself.\n"
        "• `/redeploy` lists the versions with their figures; choose one there\n"
        "• `/redeploy VERSION` deploys that version (the first letters will do)\n"
        "• `/redeploy rollback` goes back to the version before\n"
        "• `/redeploy status` shows what serves and what is under way\n"
        "• `/redeploy lock REASON` and `/redeploy unlock`: while it is locked nobody deploys, "
        "neither here nor in a terminal; going back stays possible\n"
        "In a terminal: `triage models list`, `triage redeploy`, `triage endpoints rollback`, "
        "`triage lock`."
    )


def redeploy_unknown() -> str:
    """To words after `/redeploy` that mean nothing (mrkdwn)."""
    return f"I don’t know what to do with that, so nothing was changed.\n{redeploy_help()}"


def person(by: str) -> str:
    """Who: a mention for a Slack ID, else as it is (mrkdwn)."""
    return f"<@{by}>" if by.startswith(SLACK_IDS) and by.isalnum() else escape(by)


def locked(lock: Lock) -> str:
    """To whoever wants to deploy while it is locked (mrkdwn)."""
    return (
        f":lock: {person(lock.by)} locked deploying {moment(lock.since)}: "
        f"{escape(lock.reason)}. Nothing was changed. Ask them, or release it with "
        "`/redeploy unlock`."
    )


def lock_state(lock: Lock | None) -> str:
    """In status and on the Home tab (mrkdwn)."""
    if lock is None:
        return "Deploying is not locked."
    who, since = person(lock.by), moment(lock.since)
    return f":lock: Deploying is locked by {who} {since}: {escape(lock.reason)}"


def lock_set() -> str:
    """After `/redeploy lock` (mrkdwn)."""
    return (
        ":lock: Deploying is locked, here and in the terminal. What serves now stays. "
        "`/redeploy unlock` releases it."
    )


def locked_already(lock: Lock) -> str:
    """To a second `/redeploy lock` (mrkdwn)."""
    return (
        f"It is locked already: {person(lock.by)} {moment(lock.since)}: {escape(lock.reason)}. "
        "That lock was left as it is."
    )


def just_unlocked() -> str:
    """When the lock that was in the way was released at that very moment."""
    return "It was locked and has just been released. Nothing was changed; try again."


def lock_needs_reason() -> str:
    """To `/redeploy lock` alone (mrkdwn)."""
    return "Say why, so that others know: `/redeploy lock REASON`. Nothing was locked."


def lock_reason_too_long(limit: int) -> str:
    """To a reason that is a story."""
    return f"Give the reason in at most {limit} characters. Nothing was locked."


def lock_released(lock: Lock | None) -> str:
    """After `/redeploy unlock` (mrkdwn)."""
    if lock is None:
        return "Deploying was not locked. Nothing was changed."
    return f":white_check_mark: Deploying is possible again. {person(lock.by)} had locked it."


def under_way(version: str, user: str, link: str | None) -> str:
    """To a second redeployment (mrkdwn)."""
    where = f" <{link}|Watch it here.>" if link else ""
    return (
        f"A redeployment to `{escape(version)}` is under way: <@{user}> asked for it. Nothing else "
        f"was started. Wait for its end, or roll it back.{where}"
    )


def just_ended() -> str:
    """When the redeployment that was in the way ended at that very moment."""
    return "A redeployment has just ended. Nothing else was started; try again."


def serves_already(version: str) -> str:
    """When the version is the one that serves (mrkdwn)."""
    return f"`{escape(version)}` serves already. Nothing was changed."


def started(version: str, link: str | None) -> str:
    """In the list of versions, after a click (mrkdwn)."""
    where = f" <{link}|Watch it here.>" if link else ""
    return f":hourglass_flowing_sand: `{escape(version)}` is being deployed.{where}"


def nothing_before() -> str:
    """To a rollback when nothing served before (mrkdwn)."""
    return (
        "No other version has served, so there is none to go back to. Nothing was changed. "
        "`/redeploy` lists the versions."
    )


def proposed(version: str, link: str | None) -> str:
    """In the list of versions, after a click, when somebody else has to approve (mrkdwn)."""
    where = f" <{link}|Here it waits.>" if link else ""
    return f"`{escape(version)}` waits for another team lead’s approval.{where}"


def going_back(link: str | None) -> str:
    """After a click on Roll back (mrkdwn)."""
    where = f" <{link}|Watch it here.>" if link else ""
    return f"It goes back to the version before.{where}"


def not_to_go_back() -> str:
    """To a click on Roll back when the card is out of date."""
    return "This can’t be rolled back any more: something else serves now. Nothing was changed."


def shown_elsewhere() -> str:
    """When the card can’t be shown where it was asked for."""
    return "It has started. I can’t post in this conversation, so I report to you directly."


# --- the card ---------------------------------------------------------------------------------


def starting(version: str, previous: str) -> str:
    """While the new version starts (mrkdwn)."""
    return (
        f"`{escape(version)}` is started beside `{escape(previous)}` and takes over once it is "
        "healthy. No note is refused meanwhile."
    )


def waiting(version: str, previous: str, hours: float) -> str:
    """While another lead has to approve (mrkdwn)."""
    return (
        f"*Approve* has `{escape(version)}` serve in place of `{escape(previous)}`. "
        f"The offer expires after {hours:g} h."
    )


def cancelled(by: str) -> str:
    """On the card (mrkdwn)."""
    return f":no_entry: <@{by}> cancelled it. What serves was not changed."


def expired() -> str:
    """When nobody approved in time."""
    return "Nobody approved in time. What serves was not changed."


def watching(version: str, until: float) -> str:
    """While it is watched (mrkdwn)."""
    return (
        f"`{escape(version)}` answers every note now, and is watched until "
        f"{moment(until, '{time}')}. "
        "If it is worse, the old version comes back by itself."
    )


def kept(version: str, rolled_back: bool) -> str:
    """At the end (mrkdwn)."""
    if rolled_back:
        return f"`{escape(version)}` answers every note again."
    return f"`{escape(version)}` answers every note from now on."


def returning(version: str) -> str:
    """While it goes back (mrkdwn)."""
    return f"`{escape(version)}` takes over again. No note is refused meanwhile."


def returned(previous: str, by: str | None, why: str) -> str:
    """When it went back (mrkdwn)."""
    who = f"<@{by}> rolled it back" if by else "It went back by itself"
    because = f": {escape(why)}" if why and not by else ""
    return f"{who}{because}. `{escape(previous)}` answers every note again."


def superseded(serves: str) -> str:
    """When something else serves than what is watched (mrkdwn)."""
    return f"`{escape(serves)}` serves now: somebody changed it elsewhere. The watch has ended."


def failed(reason: str, serves: str) -> str:
    """When it can’t be served; `reason` is a sentence (mrkdwn)."""
    return f"{escape(reason)} `{escape(serves)}` serves on."


def return_failed(reason: str) -> str:
    """When going back failed; `reason` is a sentence."""
    return f"Going back failed: {reason} Try `/redeploy rollback`, or look at `triage doctor`."


def finding(found: Finding) -> str:
    """One thing that is watched, on the card (mrkdwn)."""
    mark = ":white_check_mark:" if found.fine else ":x:"
    return f"{mark} {escape(found.sentence)}"


def notification(title: str, version: str) -> str:
    """The card’s notification."""
    return f"{title}: version {version}"
