"""The one message of a retrain run, as it changes from start to report."""

from collections.abc import Mapping

from bot import messages
from bot.blocks.parts import Block, Rendered, context, escape, header, moment, section
from bot.store.retrains import Run
from mlops.backends import Job, ModelVersion

# A job's metrics have the part of the data in front; a version's haven't.
PREFIX = "validation:"
NAMES = {
    "auc": "AUC",
    "pr-auc": "AUC of precision and recall",
    "accuracy": "accuracy",
    "brier": "Brier score",
    "coverage": "share decided",
}


def progress(run: Run, job: Job | None, step: str) -> Rendered:
    """While it runs: the step, and the figures so far."""
    blocks: list[Block] = [
        header("Retraining", _id(run)),
        section(f":hourglass_flowing_sand: {escape(step)}"),
    ]
    if job is not None and (figures := _figures(job.metrics)):
        blocks.append(context(figures))
    return Rendered(messages.retrain_started(run.job), [*blocks, _footer(run)])


def report(run: Run, version: ModelVersion, serving: str, command: str) -> Rendered:
    """When it is done: the figures, the version, and what to do with it.

    Args:
        run: The run.
        version: What it made.
        serving: The version that answers now.
        command: How to serve the new one, as typed in a terminal.
    """
    if version.name == serving:
        todo = messages.retrain_same(escape(version.name))
    else:
        todo = messages.retrain_next(escape(command))
    blocks = [
        header("Retraining is done", _id(run)),
        section(f"Version `{escape(version.name)}`"),
        section(_figures(version.metrics) or "It reported no figures."),
        context(messages.retrain_figures()),
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
    values = {name.removeprefix(PREFIX): value for name, value in metrics.items()}
    return ", ".join(f"{label} {values[n]:.3f}" for n, label in NAMES.items() if n in values)
