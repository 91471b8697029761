"""What the cards of a retrain run and of a redeployment share: steps, questions, who decided."""

from collections.abc import Mapping, Sequence

from bot import ops_messages as say
from bot.blocks.parts import Block, actions, button, context, moment
from bot.store.work import Row

DONE, ACTIVE, FAILED, STOPPED = (
    ":white_check_mark:",
    ":hourglass_flowing_sand:",
    ":x:",
    ":no_entry:",
)
# A step's names: while it is still to come, under way, and done.
Names = tuple[str, str, str]


def steps_text(steps: Sequence[Names], position: int, mark: str, details: Mapping[int, str]) -> str:
    """A line for each step that is done or under way, and one for what is still to come (mrkdwn).

    Args:
        steps: In order.
        position: The last one to show.
        mark: How that one stands.
        details: What more there is to say, by step.
    """
    lines = []
    for number, (_, active, done) in enumerate(steps[: position + 1]):
        detail = f": {details[number]}" if details.get(number) else ""
        if number < position or mark == DONE:
            lines.append(f"{DONE} {done}{detail}")
        else:
            lines.append(f"{mark} *{active}*{detail}")
    later = [name for name, _, _ in steps[position + 1 :]]
    if later and mark == ACTIVE:
        lines.append(f":white_circle: Then: {', '.join(later)}")
    return "\n".join(lines)


def confirm(version: str, instead: str, do: str) -> Block:
    """What is asked before a version is changed; `do` is the verb, such as Deploy."""
    return {
        "title": {"type": "plain_text", "text": f"{do}?"},
        "text": {
            "type": "plain_text",
            "text": f"Version {version} will answer every note, in place of {instead}.",
        },
        "confirm": {"type": "plain_text", "text": do},
        "deny": {"type": "plain_text", "text": "Cancel"},
    }


def approval(row: Row, version: str, instead: str, approve: str, other: Block) -> Block:
    """The buttons of one that waits: Approve, which asks once more, and its opposite.

    Args:
        row: What waits.
        version: What would be deployed.
        instead: What serves.
        approve: The action of Approve.
        other: The other button.
    """
    yes = button("Approve", approve, row.id, "primary")
    return buttons(row, yes | {"confirm": confirm(version, instead, "Deploy")}, other)


def buttons(row: Row, *elements: Block) -> Block:
    """A card's row of buttons."""
    return actions(list(elements), f"buttons-{row.id}")


def somebody_else(row: Row) -> Block:
    """Beside the buttons, where whoever asked may not approve."""
    return context(say.somebody_else(row.channel.startswith("D")))


def approved(row: Row) -> list[Block]:
    """Who approved and when, if anybody had to."""
    if row.decided_by is None or row.decided is None:
        return []
    return [context(say.approved(row.decided_by, moment(row.decided)))]


def duration(seconds: float) -> str:
    """Minutes and seconds, hours and minutes.

    >>> duration(80), duration(7300)
    ('1 min 20 s', '2 h 1 min')
    """
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
