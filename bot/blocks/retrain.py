"""The one message of a retrain run, made from its row alone: whoever shows it shows the same."""

import time
from collections.abc import Callable, Mapping

from bot import deploy_messages as deploying
from bot import ops_messages as say
from bot.blocks.comparison import checks_blocks, comparison_table, versions_and_data
from bot.blocks.parts import Block, Rendered, button, context, escape, header, moment, section
from bot.blocks.work import (
    ACTIVE,
    DONE,
    FAILED,
    STOPPED,
    approval,
    approved,
    buttons,
    duration,
    somebody_else,
    steps_text,
)
from bot.retraining.options import Options
from bot.store.retrains import Run, State
from mlops.backends import Job

STOP, APPROVE, REJECT = "retrain_stop", "retrain_approve", "retrain_reject"
TITLES: Mapping[State, str] = {
    "preparing": "Retraining",
    "training": "Retraining",
    "comparing": "Retraining",
    "waiting": "A new version waits for approval",
    "rejecting": "Rejecting the new version",
    "deploying": "Deploying the new version",
    "watching": "The new version serves and is watched",
    "serving": "The new version serves",
    "returned": "Went back to the version before",
    "superseded": "Another version serves by now",
    "rejected": "The new version was rejected",
    "expired": "The approval has expired",
    "outdated": "The comparison is out of date",
    "refused": "The new version is not offered",
    "reported": "The new version would be offered",
    "same": "Nothing new came of it",
    "failed": "Retraining failed",
    "stopped": "Retraining was stopped",
}
# Per step: while it is still to come, under way, and done.
STEPS = (
    ("check the data", "Checking the data", "Data checked"),
    ("train", "Training", "Trained"),
    ("evaluate", "Evaluating", "Evaluated"),
    ("compare", "Comparing with the champion", "Compared with the champion"),
    ("approve", "Waiting for approval", "Approved"),
    ("deploy", "Deploying", "Deployed"),
    ("serve", "Serving, and watched", "Serving"),
)
TUNING = ("tune", "Tuning", "Tuned")
DATA, TRAIN, EVALUATE, COMPARE, APPROVAL, DEPLOY, SERVE = range(len(STEPS))
# A job's metrics have the part of the data in front; a version's haven't.
PREFIX = "validation:"
FIGURES = {"auc": "AUC", "accuracy": "accuracy"}
# What a training job does before and after its work proper (`Job.detail`, in SageMaker's words).
DOING = {
    "Starting": "a machine is being started",
    "LaunchingMLInstances": "a machine is being started",
    "PreparingTrainingStack": "the machine is being prepared",
    "Pending": "it waits for a machine",
    "Downloading": "the machine fetches the data",
    "DownloadingTrainingImage": "the machine fetches the program",
    "Interrupted": "the Spot machine was taken away; it goes on with the next one",
    "Restarting": "it starts again",
    "Uploading": "the model is being stored",
}


def card(
    run: Run,
    *,
    job: Job | None = None,
    step: str = "",
    endpoint: str = "",
    hours: float = 0.0,
    two_person: bool = False,
) -> Rendered:
    """How a run stands.

    Args:
        run: The run.
        job: Its job as it stands now, while there is one under way.
        step: What the comparison does, while it is under way.
        endpoint: Whose version is replaced.
        hours: How long an approval is possible.
        two_person: Whether somebody else than the one who asked has to approve.
    """
    title = TITLES[run.state]
    blocks: list[Block] = [
        header(title, marker(run)),
        context(summary(run.options)),
        section(_steps(run, job, step)),
    ]
    comparison = run.findings.get("comparison")
    if sentence := _outcome(run, endpoint, hours):
        blocks.append(section(sentence))
    if comparison:
        blocks.append(comparison_table(comparison))
        blocks += checks_blocks(comparison)
        blocks.append(versions_and_data(comparison))
        if run.findings.get("pictures") is False:
            blocks.append(context(say.pictures_missing()))
    if run.state == "waiting" and two_person:
        blocks.append(somebody_else(run))
    if row := _buttons(run):
        blocks.append(row)
    if run.state not in ("rejecting", "rejected"):
        blocks += approved(run)
    blocks.append(_footer(run))
    return Rendered(say.notification(title, run.version), blocks)


def marker(run: Run) -> str:
    """Id of a block, by which the run's message is found again."""
    return f"retrain-{run.id}"


def summary(options: Options) -> str:
    """What was asked, in a line (mrkdwn)."""
    data = {
        "shipped": "the shipped corpus",
        "corrections": "corrections and the shipped corpus",
        "file": "an uploaded file and the shipped corpus",
        "s3": f"`{escape(options.address)}` and the shipped corpus",
    }[options.data]
    if options.mode == "tune":
        what = f"Tunes on {data}: {options.trials} trials, {options.parallel} at a time"
    else:
        what = f"Trains on {data}"
    fixed = ", ".join(f"{name} {value}" for name, value in sorted(options.hyperparameters.items()))
    machine = f"on {escape(options.machine)}" if options.machine else ""
    then = "then asks for approval" if options.then == "ask" else "then reports"
    return ", ".join(part for part in (what, escape(fixed), machine, then) if part)


def _steps(run: Run, job: Job | None, step: str) -> str:
    """A line for each step that is done or under way, and one for what is still to come."""
    steps = list(STEPS)
    if run.options.mode == "tune":
        steps[TRAIN] = TUNING
    position, mark = _position(run)
    lines = steps_text(steps, position, mark, _details(run, job, step))
    if run.state == "returned":
        lines += f"\n:arrow_left: Back at `{escape(run.champion or '')}`"
    return lines


def _position(run: Run) -> tuple[int, str]:
    """The last step to show, and how it stands."""
    at: dict[str, tuple[int, str]] = {
        "preparing": (DATA, ACTIVE),
        "training": (TRAIN, ACTIVE),
        "comparing": (COMPARE, ACTIVE),
        "waiting": (APPROVAL, ACTIVE),
        "rejecting": (APPROVAL, STOPPED),
        "deploying": (DEPLOY, ACTIVE),
        "watching": (SERVE, ACTIVE),
        "serving": (SERVE, DONE),
        "returned": (SERVE, STOPPED),
        "superseded": (SERVE, STOPPED),
        "rejected": (APPROVAL, STOPPED),
        "expired": (APPROVAL, STOPPED),
        "outdated": (APPROVAL, STOPPED),
        "refused": (COMPARE, DONE),
        "reported": (COMPARE, DONE),
        "same": (EVALUATE, DONE),
    }
    if run.state in at:
        return at[run.state]
    reached = DATA
    if run.champion:
        reached = COMPARE
    elif "data" in run.findings:
        reached = TRAIN
    return reached, STOPPED if run.state == "stopped" else FAILED


def _details(run: Run, job: Job | None, step: str) -> dict[int, str]:
    found = run.findings
    details = {}
    if data := found.get("data"):
        parts = ", ".join(f"{number:,} to {name}" for name, number in _parts(data["records"]))
        total = sum(data["records"].values())
        details[DATA] = f"{total:,} notes, {data['surgery']:.0%} Surgery ({parts})".replace(
            "%", " %"
        )
    if job is not None and run.state == "training":
        details[TRAIN] = "stopping" if run.stop_by else _job_line(run.options, job)
    elif line := found.get("job"):
        details[TRAIN] = line
    if figures := found.get("figures"):
        details[EVALUATE] = f"{_figures(figures)} on the part for validation"
    if comparison := found.get("comparison"):
        checks = comparison["checks"]
        met = sum(bool(check["passed"]) for check in checks)
        details[COMPARE] = f"meets {met} of {len(checks)} criteria"
    elif run.state == "comparing" and step:
        details[COMPARE] = escape(step)
    return details


def _parts(records: Mapping[str, int]) -> list[tuple[str, int]]:
    names = {"train": "train", "validation": "validate", "test": "test"}
    return [(verb, records[part]) for part, verb in names.items() if part in records]


def _job_line(options: Options, job: Job) -> str:
    if options.mode == "train":
        return DOING.get(job.detail) or _figures(job.metrics)
    return trials_line(options.trials, job)


def outcome_line(options: Options, job: Job) -> str:
    """What a job that has ended came to: trials, how long it took, what is paid for."""
    parts = [trials_line(options.trials, job)] if job.trials else []
    parts.append(duration(((job.ended or job.created) - job.created).total_seconds()))
    if job.billable_seconds is not None:
        parts.append(f"{duration(job.billable_seconds)} billable")
    elif job.training_seconds is not None:
        parts.append(f"{duration(job.training_seconds)} of machine time")
    return ", ".join(parts)


def trials_line(wanted: int, job: Job) -> str:
    """How far tuning is, and the best figure so far."""
    ended = [t for t in job.trials if t.status in ("Completed", "Failed")]
    line = f"{len(ended)} of {wanted} trials"
    scored = [t.objective for t in ended if t.objective is not None]
    return f"{line}, best AUC so far {max(scored):.3f}" if scored else line


def _figures(metrics: Mapping[str, float]) -> str:
    values = {name.removeprefix(PREFIX): value for name, value in metrics.items()}
    return ", ".join(f"{label} {values[n]:.3f}" for n, label in FIGURES.items() if n in values)


def _outcome(run: Run, endpoint: str, hours: float) -> str:
    """What it means, in a sentence (mrkdwn)."""
    version, found = run.version or "", run.findings
    checks = (found.get("comparison") or {}).get("checks", ())
    card, champion = found.get("card"), run.champion or ""
    sentences: dict[str, Callable[[], str]] = {
        "waiting": lambda: escape(say.not_done(run.failure)) if run.failure else say.offered(hours),
        "deploying": lambda: say.deploying(card),
        "watching": lambda: say.watched(card),
        "serving": lambda: say.serving(escape(endpoint), card),
        "returned": lambda: deploying.returned(champion, run.stop_by, str(found.get("why", ""))),
        "superseded": lambda: deploying.superseded(str(found.get("serves", ""))),
        "rejected": lambda: say.rejected(run.decided_by or "", moment(run.decided or 0.0)),
        "refused": lambda: say.refused(sum(not check["passed"] for check in checks)),
        "reported": lambda: say.reported(version),
        "same": lambda: say.same_version(version),
        "expired": say.expired,
        "outdated": lambda: say.outdated(champion, str(found.get("serves"))),
        "failed": lambda: escape(say.failed(run.failure or "")),
        "stopped": lambda: " ".join(
            [say.stopped(run.stop_by or ""), *([say.kept(version)] if version else [])]
        ),
    }
    make = sentences.get(run.state)
    return make() if make is not None else ""


def _buttons(run: Run) -> Block | None:
    if run.under_way and not run.stop_by:
        return buttons(run, button("Stop", STOP, run.id, "danger"))
    if run.state != "waiting":
        return None
    reject = button("Reject", REJECT, run.id)
    return approval(run, run.version or "", run.champion or "", APPROVE, reject)


def _footer(run: Run) -> Block:
    took = (run.ended or time.time()) - run.started
    if run.under_way:
        clock = f"Running for {duration(time.time() - run.started)}"
    else:
        clock = f"Took {duration(took)}"
    page = run.findings.get("job_page")
    job = f"<{page}|{escape(run.job)}>" if page else escape(run.job)
    parts = [f"Asked by <@{run.user}> {moment(run.started)}", clock, f"Job: {job}"]
    if run.version:
        parts.append(f"Version: {escape(run.version)}")
    return context(*parts)
