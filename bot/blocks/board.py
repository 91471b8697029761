"""The leads' part of the Home tab: what serves, what runs, and how it goes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot import deploy_messages
from bot.blocks.parts import Block, actions, button, context, escape, header, moment, section
from bot.blocks.versions import BACK_NOW
from bot.blocks.work import confirm
from bot.board import Figures, percent
from mlops.deploy_lock import Lock

RETRAIN, REDEPLOY, SETTLE = "home_retrain", "home_redeploy", "home_settle"
BAR_CELLS = 24
TENTHS = 10


@dataclass(frozen=True)
class Board:
    """What leads see.

    Attributes:
        figures: Counted.
        outages: Notes without an answer, last 30 days.
        running: A line (mrkdwn) for each thing that runs or waits.
        lock: On deploying.
        previous: The version that a rollback returns to.
        serves: The version that serves.
        disputed: Notes that people differ on.
        kept: Notes kept for training; None: the workspace hasn't opted in.
        trained_surgery: Share of Surgery in the champion's training data, where it is known.
    """

    figures: Figures
    outages: int = 0
    running: tuple[str, ...] = ()
    lock: Lock | None = None
    serves: str = ""
    previous: str | None = None
    disputed: int = 0
    kept: int | None = None
    trained_surgery: float | None = None


def board_blocks(board: Board) -> list[Block]:
    """The part, from its buttons to its small print."""
    blocks = [actions(_buttons(board), "home-buttons")]
    if board.lock is not None:
        blocks.append(section(deploy_messages.lock_state(board.lock)))
    if board.running:
        blocks += [header("Running and waiting"), section("\n".join(board.running))]
    figures = board.figures
    blocks += [header("Last 30 days"), {"type": "section", "fields": _fields(board)}]
    if board.disputed:
        some = "one note" if board.disputed == 1 else f"{board.disputed} notes"
        block = section(
            f":speech_balloon: People differ on {some}. A lead’s word counts.", "home-settle"
        )
        blocks.append({**block, "accessory": button("Settle…", SETTLE, "settle")})
    if figures.notes:
        blocks += [header("Notes per day"), _mono(_days(figures))]
        blocks.append(context("█ decided   ░ needs review   (days of UTC)"))
    if any(week.judged for week in figures.weeks):
        blocks += [header("Agreement with coordinators, per week"), _mono(_weeks(figures))]
    if figures.drift:
        blocks += [header("This week and the four weeks before"), section(_drift(board))]
    return blocks


def _buttons(board: Board) -> list[Block]:
    row = [
        button("Retrain…", RETRAIN, "retrain", "primary"),
        button("Redeploy…", REDEPLOY, "redeploy"),
    ]
    if board.previous is not None:
        back = button("Roll back", BACK_NOW, board.previous, "danger")
        row.append(back | {"confirm": confirm(board.previous, board.serves, "Roll back")})
    return row


def _fields(board: Board) -> list[Block]:
    figures = board.figures
    review = f"{percent(figures.review / figures.notes)} needed review" if figures.notes else ""
    agreement = "nobody has said anything"
    if figures.judged:
        agreement = f"{percent(figures.agreed / figures.judged)} of {figures.judged:,} verdicts"
    latency = "none"
    if figures.median_ms is not None and figures.p95_ms is not None:
        latency = (
            f"half within {_seconds(figures.median_ms)}, 95 % within {_seconds(figures.p95_ms)}"
        )
    pairs = [
        ("Notes", ", ".join(filter(None, (f"{figures.notes:,}", review)))),
        ("People agreed with", agreement),
        ("Answered", latency),
        ("Without an answer", f"{board.outages:,}"),
    ]
    if board.kept is not None:
        pairs.append(("Kept for training, encrypted", f"{board.kept:,}"))
    return [{"type": "mrkdwn", "text": f"*{name}*\n{value}"} for name, value in pairs]


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s"


def _days(figures: Figures) -> list[str]:
    most = max(day.decided + day.review for day in figures.days)
    lines = []
    for day in figures.days:
        total = day.decided + day.review
        cells = round(total / most * BAR_CELLS) if most else 0
        review = round(day.review / total * cells) if total else 0
        bar = "█" * (cells - review) + "░" * review
        name = time.strftime("%a %d %b", time.gmtime(day.start))
        lines.append(f"{name}  {bar}{' ' if bar else ''}{total}")
    return lines


def _weeks(figures: Figures) -> list[str]:
    lines = []
    for week in figures.weeks:
        name = time.strftime("from %d %b", time.gmtime(week.start))
        if not week.judged:
            lines.append(f"{name}  {'·' * TENTHS}  nobody has said")
            continue
        share = week.agreed / week.judged
        filled = round(share * TENTHS)
        bar = "█" * filled + "░" * (TENTHS - filled)
        lines.append(f"{name}  {bar}  {percent(share)} of {week.judged}")
    return lines


def _drift(board: Board) -> str:
    lines = []
    for item in board.figures.drift:
        mark = {True: ":white_check_mark:", False: ":warning:", None: ":grey_question:"}
        hint = " (too few notes to tell)" if item.steady is None else ""
        lines.append(
            f"{mark[item.steady]} {escape(item.name)}: *{item.now}*, before {item.before}{hint}"
        )
    if board.trained_surgery is not None:
        lines.append(f"Training data of the version: {percent(board.trained_surgery)} Surgery")
    return "\n".join(lines)


def _mono(lines: Sequence[str]) -> Block:
    """Lines whose columns stand below each other."""
    text = {"type": "text", "text": "\n".join(lines)}
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_preformatted", "elements": [text]}],
    }


def running_line(title: str, user: str, started: float, link: str | None) -> str:
    """One thing that runs or waits (mrkdwn)."""
    shown = f"<{link}|{title}>" if link else title
    return f":hourglass_flowing_sand: {shown}: asked by <@{user}> {moment(started)}"
