"""The Home tab: what the app does, what serves, and a person's own recent notes without text."""

from dataclasses import dataclass

from bot import messages
from bot.blocks.board import Board, board_blocks
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
        since: When it began to serve.
        by: The lead who decided that, as a Slack ID; None: it wasn't decided in Slack.
    """

    version: str
    trained: float | None = None
    auc: float | None = None
    since: float | None = None
    by: str | None = None


def home_view(
    recent: list[DecisionRow],
    mine: Counts,
    serving: Serving,
    board: Board | None,
    *,
    kept_days: int | None,
) -> Block:
    """The whole tab: a lead's begins with the service, a coordinator's with how to ask.

    Args:
        recent: The person's own decisions, newest first.
        mine: Their counts of the last 30 days.
        serving: What answers now.
        board: For leads; None for others.
        kept_days: How long notes with a verdict are kept for training; None: they aren't.
    """
    how_to = [
        section(messages.how_to_ask().partition("\n")[2]),
        context(messages.privacy(kept_days)),
    ]
    model = [header("The model"), section(_serving(serving))]
    own = [header("Your recent notes"), context(_counts("You, last 30 days", mine))]
    if recent:
        own.append(section("\n".join(_line(decision) for decision in recent)))
    else:
        own.append(section("None yet. Send me one in the Messages tab."))
    if board is None:
        blocks = [header("Referral triage"), section(messages.welcome()), *how_to, DIVIDER]
        blocks += [*own, DIVIDER, *model]
    else:
        blocks = [*model, *board_blocks(board), DIVIDER, *own, DIVIDER]
        blocks += [
            header("For team leads"),
            section(
                "`/retrain` trains a new version and compares it with the one that serves; "
                "nothing is deployed before a lead approves. `/redeploy` has another version "
                "serve, watches it, and goes back when it is worse. Each has `help`."
            ),
            header("How to ask"),
            *how_to,
        ]
    return {"type": "home", "blocks": blocks[:VIEW_BLOCKS]}


def _serving(serving: Serving) -> str:
    if not serving.version:
        return "The model can’t be reached right now. Notes sent now will get an error."
    since = f" since {moment(serving.since)}" if serving.since else ""
    by = f", decided by <@{serving.by}>" if serving.by else ""
    lines = [f":large_green_circle: Version `{escape(serving.version)}` answers{since}{by}."]
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
