"""Every sentence about operations (`/retrain` and what follows), each a function.

As in `bot.messages`: what happened, what was kept, what to do now.
"""

from collections.abc import Sequence

# --- roles ------------------------------------------------------------------------------------


def ask_leads(leads: Sequence[str]) -> str:
    """To somebody who may not run operations (mrkdwn)."""
    if not leads:
        return (
            "Only team leads can do this, and nobody is set up as one. Nothing was changed. "
            "Ask whoever runs this bot to set TRIAGE_LEADS."
        )
    names = " or ".join(f"<!subteam^{id}>" if id.startswith("S") else f"<@{id}>" for id in leads)
    return f"Only team leads can do this. Nothing was changed. Please ask {names}."


def not_your_card() -> str:
    """A click whose payload doesn’t belong to the card that it names."""
    return "That button doesn’t belong to a run that I know here. Nothing was changed."


# --- asking -----------------------------------------------------------------------------------


def retrain_help() -> str:
    """To `/retrain help` (mrkdwn)."""
    return (
        "*/retrain* trains a new model version, compares it with the one that serves, and asks "
        "for approval if it is not worse. Nothing is deployed before a lead approves.\n"
        "• `/retrain` opens a form: data, hyperparameters or tuning, limits\n"
        "• `/retrain now` trains on the shipped corpus\n"
        "• `/retrain tune 20` searches for better hyperparameters in 20 trials\n"
        "• `/retrain status` shows what runs and what waits for approval\n"
        "• `/retrain stop` stops the run; what serves stays\n"
        "One run at a time. In a terminal: `triage train`, `triage tune`, `triage models compare`, "
        "`triage promote`."
    )


def retrain_unknown() -> str:
    """To words after `/retrain` that mean nothing (mrkdwn)."""
    return f"I don’t know what to do with that, so nothing was started.\n{retrain_help()}"


def running(user: str, when: str, link: str | None) -> str:
    """To a second `/retrain` (mrkdwn)."""
    where = f" <{link}|Watch it here.>" if link else ""
    return (
        f"A retrain is already running: <@{user}> started it {when}. "
        f"Nothing else was started.{where}"
    )


def just_ended() -> str:
    """When the run that was in the way ended at that very moment."""
    return "A retrain has just ended. Nothing else was started; run the command again."


def shown_elsewhere() -> str:
    """When the run can’t be shown where it was asked for."""
    return "Retraining has started. I can’t post in this conversation, so I report to you directly."


def nothing_runs() -> str:
    """To `/retrain status` or `stop` when nothing runs."""
    return "No retrain is running."


def stopping(link: str | None) -> str:
    """After a stop (mrkdwn)."""
    where = f" <{link}|Watch it here.>" if link else ""
    return f"The retrain is being stopped. What serves now stays.{where}"


def no_whole_number(most: int) -> str:
    """In the form."""
    return f"Give a whole number from 1 to {most:,}."


def no_table() -> str:
    """In the form, for hyperparameters."""
    return "Write one name=value a line, such as eta=0.2."


def unknown_choice() -> str:
    """In the form, for a choice that it doesn’t offer."""
    return "Choose one of these."


def no_file() -> str:
    """In the form, when the file is missing."""
    return "Add the CSV file, or choose other data."


def no_address() -> str:
    """In the form, when the S3 address is missing or none."""
    return "Give the address as s3://bucket/folder/mtsamples.csv."


def no_corrections(wanted: bool) -> str:
    """When a run is to learn from corrections and there are none."""
    if not wanted:
        return (
            "This workspace keeps no notes to learn from (TRIAGE_KEEP_NOTES). "
            "Nothing was started; choose other data."
        )
    return (
        "Nobody has agreed to or corrected a note that was kept yet. "
        "Nothing was started; choose other data."
    )


def parallel_exceeds() -> str:
    """In the form."""
    return "No more than there are trials."


# --- the run ----------------------------------------------------------------------------------


def failed(reason: str) -> str:
    """When it failed; `reason` is a sentence."""
    return f"{reason} What serves now is unchanged."


def file_not_had(limit: int) -> str:
    """When the uploaded file can’t be downloaded from Slack; `limit` in bytes."""
    return (
        "Slack doesn’t give me the file: it is gone, stored elsewhere, larger than "
        f"{limit / 1e6:.0f} MB, or the app lacks the files:read scope. Upload it again, or put it "
        "on S3."
    )


def over_time(minutes: int) -> str:
    """When the limit of the run is over."""
    return (
        f"It was not done within {minutes:,} min and was stopped. "
        "Give it more time, or fewer trials."
    )


def unexpected() -> str:
    """A failure that nobody foresaw. The log says where."""
    return (
        "Something went wrong on my side. Try it again; if it fails again, tell whoever runs this "
        "bot and give them the time."
    )


def killed_too_often() -> str:
    """When the job’s process was killed again and again."""
    return (
        "The job was killed again and again; perhaps the machine has too little memory. "
        "Look at its log with: triage jobs logs"
    )


def same_version(version: str) -> str:
    """When training gave the version that serves already (mrkdwn)."""
    return f"It is the very version that serves already (`{version}`): there is nothing to compare."


def refused(failed_checks: int) -> str:
    """When the gate refuses the challenger (mrkdwn)."""
    what = "one criterion" if failed_checks == 1 else f"{failed_checks} criteria"
    return (
        f"*Not offered:* it fails {what}, marked below. The champion serves on; the new version "
        "is kept and not deployed."
    )


def offered(hours: float) -> str:
    """When the gate lets it pass and somebody has to decide (mrkdwn)."""
    return (
        "*It meets every criterion.* A team lead decides: *Approve* deploys it in place, without "
        f"an interruption. The offer expires after {hours:g} h."
    )


def somebody_else(direct: bool) -> str:
    """Beside the offer, when the one who asked may not approve (mrkdwn)."""
    if direct:
        return (
            ":lock: Somebody else than the one who asked has to approve, and nobody else sees this "
            "conversation. Run it in a channel, or ask an engineer for `triage promote`."
        )
    return ":lock: Somebody else than the one who asked has to approve."


def reported(version: str) -> str:
    """When it passes and only a report was asked for (mrkdwn)."""
    return (
        "*It meets every criterion.* Only a report was asked for, so it is kept and not deployed. "
        f"To serve it: `triage promote {version}`"
    )


def deploying(link: str | None) -> str:
    """After an approval; `link` to the redeployment's card (mrkdwn)."""
    where = f" <{link}|Watch it here.>" if link else ""
    return (
        f"The new version is started beside the old one, and takes over once it is healthy.{where}"
    )


def watched(link: str | None) -> str:
    """While it serves and is watched (mrkdwn)."""
    where = f" <{link}|Its figures and Roll back are here.>" if link else ""
    return (
        "It answers every note now, and is watched for a while. If it is worse, the version before "
        f"comes back by itself.{where}"
    )


def serving(endpoint: str, link: str | None) -> str:
    """When it serves (mrkdwn)."""
    back = f"<{link}|Roll back is here>" if link else "`/redeploy rollback` goes back"
    return f"It answers every note from now on (endpoint `{endpoint}`). {back}."


def deployment_in_the_way() -> str:
    """When another redeployment began between the click and the deployment."""
    return "Another deployment is under way, so nothing was changed. `/redeploy status` shows it."


def not_done(reason: str) -> str:
    """When deploying or rejecting failed and it waits again; `reason` is a sentence."""
    return f"That failed. {reason} Click again to try again."


def stopped(by: str) -> str:
    """When it was stopped (mrkdwn)."""
    return f"<@{by}> stopped it. What serves now is unchanged."


def kept(version: str) -> str:
    """When tuning was stopped after some trials (mrkdwn)."""
    return f"The best version so far is kept as `{version}`; it was not compared."


def expired() -> str:
    """When nobody decided in time."""
    return "Nobody decided in time. The version is kept and not deployed; run /retrain again."


def outdated(champion: str, now: str) -> str:
    """When another version serves than the one it was compared with (mrkdwn)."""
    return (
        f"It was compared with `{champion}`, but `{now}` serves now. Nothing was deployed. "
        "Run `/retrain` again for a comparison with it."
    )


def notification(title: str, version: str | None) -> str:
    """The card’s notification."""
    return f"{title}: version {version}" if version else title


def pictures(count: int) -> str:
    """Above the pictures in the thread."""
    return f"{count} pictures and the full report of the comparison."


def pictures_missing() -> str:
    """On the card, when they could not be uploaded."""
    return (
        "The pictures and the report could not be uploaded here (the app may lack files:write). "
        "They are made again by: triage models compare"
    )


# --- deciding ---------------------------------------------------------------------------------


def approved(user: str, when: str) -> str:
    """On the card (mrkdwn)."""
    return f":white_check_mark: <@{user}> approved {when}."


def rejected(user: str, when: str) -> str:
    """When a lead rejected it (mrkdwn)."""
    return (
        f":no_entry: <@{user}> rejected it {when}. The champion serves on. The version is kept and "
        "can’t be deployed; `triage models approve` takes that back."
    )


def decided_already(user: str | None) -> str:
    """To somebody whose click came second (mrkdwn)."""
    if user is None:
        return "This is not waiting for a decision any more. The card shows how it stands."
    return f"<@{user}> was first and has already decided. The card shows how it stands."


def not_the_asker() -> str:
    """To the one who asked, when somebody else has to approve (mrkdwn)."""
    return (
        "You asked for this, and here somebody else has to approve (TRIAGE_TWO_PERSON). "
        "Nothing was deployed. Ask another team lead to click Approve."
    )


def not_running() -> str:
    """To a click on Stop when it has ended."""
    return "This run has ended already. The card shows how."
