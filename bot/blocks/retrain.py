"""The one message of a retrain run, as it changes from start to report."""

from collections.abc import Mapping

from bot import messages
from bot.blocks.parts import Block, Rendered, context, escape, header, moment, section
from bot.store.retrains import Run
from mlops.backends import Job, ModelVersion

NAMES = {
    "validation:auc": "AUC",
    "validation:accuracy": "accuracy",
    "validation:f1": "F1",
    "validation:brier": "Brier score",
    "validation:ece": "calibration error",
}


def progress(run: Run, job: Job | None, step: str) -> Rendered:
    """While it runs: the step, and the figures so far."""
    blocks: list[Block] = [
        header("Retraining", _id(run)),
        section(f":hourglass_flowing_sand: {escape(step)}"),
    ]
    if job is not None and job.metrics:
        blocks.append(context(_figures(job.metrics)))
    return Rendered(messages.retrain_started(run.job), [*blocks, _footer(run)])


def report(run: Run, version: ModelVersion, serving: str, endpoint: str) -> Rendered:
    """When it is done: the figures, the version, and what to do with it."""
    same = version.name == serving
    todo = (
        messages.retrain_same(escape(version.name))
        if same
        else messages.retrain_next(escape(version.name), escape(endpoint))
    )
    blocks = [
        header("Retraining is done", _id(run)),
        section(f"Version `{escape(version.name)}`"),
        section(_figures(version.metrics) or "It reported no figures."),
        section(todo),
        _footer(run),
    ]
    return Rendered(messages.retrain_done(version.name), blocks)


def failed(run: Run, reason: str) -> Rendered:
    """When it failed, with the reason as a sentence."""
    text = messages.retrain_failed(reason)
    blocks = [header("Retraining failed", _id(run)), section(escape(text)), _footer(run)]
    return Rendered("Retraining failed", blocks)


def _id(run: Run) -> str:
    return f"retrain-{run.id}"


def _footer(run: Run) -> Block:
    return context(f"Asked by <@{run.user}> {moment(run.started)}", f"Job: {escape(run.job)}")


def _figures(metrics: Mapping[str, float]) -> str:
    values = dict(metrics)
    known = [f"{label} {values[name]:.3f}" for name, label in NAMES.items() if name in values]
    return ", ".join(known) or ", ".join(f"{n} {v:.3f}" for n, v in list(values.items())[:6])
