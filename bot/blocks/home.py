"""The Home tab: what the app does, what serves, and a person's own recent notes without text."""

from dataclasses import dataclass

from bot import messages
from bot.blocks.parts import VIEW_BLOCKS, Block, context, escape, header, moment, section
from bot.store.decisions import Counts, DecisionRow
from mlops.result import percent

DIVIDER: Block = {"type": "divider"}


@dataclass(frozen=True)
class Serving:
    """The model that answers now.

    Attributes:
        version: "" when it can't be told now.
        trained: When, in seconds since the epoch.
        auc: Measured on notes it was not fitted on.
    """

    version: str
    trained: float | None = None
    auc: float | None = None


def home_view(
    recent: list[DecisionRow], mine: Counts, everyone: Counts | None, serving: Serving
) -> Block:
    """The whole tab.

    Args:
        recent: The person's own decisions, newest first.
        mine: Their counts of the last 30 days.
        everyone: All people's counts, for leads; None for others.
        serving: What answers now.
    """
    blocks = [
        header("Referral triage"),
        section(messages.welcome()),
        section(messages.how_to_ask().partition("\n")[2]),
        context(messages.privacy()),
        DIVIDER,
        header("The model"),
        section(_serving(serving)),
        DIVIDER,
        header("Your recent notes"),
        context(_counts("You, last 30 days", mine)),
    ]
    if recent:
        blocks += [section(_line(decision)) for decision in recent]
    else:
        blocks.append(section("None yet. Send me one in the Messages tab."))
    if everyone is not None:
        blocks += [
            DIVIDER,
            header("For team leads"),
            context(_counts("Everybody, last 30 days", everyone)),
            section(
                "`/retrain` trains a new version and compares it with the one that serves. "
                "Nothing is deployed before a lead approves."
            ),
        ]
    return {"type": "home", "blocks": blocks[:VIEW_BLOCKS]}


def _serving(serving: Serving) -> str:
    if not serving.version:
        return "The model can’t be reached right now. Notes sent now will get an error."
    lines = [f"Version `{escape(serving.version)}` answers."]
    if serving.auc is not None:
        figure = f"AUC {serving.auc:.3f} on notes it had not seen"
        when = f", measured {moment(serving.trained, '{date_long}')}" if serving.trained else ""
        lines.append(f"{figure}{when}.")
    return " ".join(lines)


def _counts(who: str, counts: Counts) -> str:
    return (
        f"{who}: {counts.decided} read, {counts.needs_review} needed review, "
        f"{counts.agreed} agreed, {counts.corrected} corrected"
    )


def _line(decision: DecisionRow) -> str:
    confidence = f", {percent(decision.confidence)}" if decision.confidence is not None else ""
    verdict = "no answer yet"
    if decision.verdict is not None:
        who = f"<@{decision.verdict.user}>"
        verdict = f"{who} agreed"
        if decision.verdict.verb == "corrected":
            verdict = f"{who} corrected to *{escape(decision.verdict.answer)}*"
    return f"{moment(decision.decided)}: *{decision.recommendation}*{confidence} · {verdict}"
