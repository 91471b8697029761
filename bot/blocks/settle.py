"""The worklist of disagreements: which card, who said what, and a lead's buttons; no text."""

from collections.abc import Sequence

from bot.blocks.modals import ANSWERS
from bot.blocks.parts import (
    TITLE_CHARACTERS,
    VIEW_BLOCKS,
    Block,
    actions,
    button,
    escape,
    moment,
    plain,
    section,
)
from bot.store.disagreements import Disagreement

# Each button needs an id of its own within its row.
SETTLE = {answer: f"settle_{answer.lower().replace(' ', '_')}" for answer in ANSWERS}


def settle_form(found: Sequence[tuple[Disagreement, str | None]], external_id: str = "") -> Block:
    """The worklist.

    Args:
        found: Disagreements, each with a link to its card where there is one to give.
        external_id: To change it by.
    """
    blocks: list[Block] = []
    for item, link in found:
        blocks += [section(_line(item, link)), actions(_buttons(item.decision), item.decision)]
    if not found:
        blocks.append(section("Nobody differs any more. Thank you."))
    return _modal(blocks[: VIEW_BLOCKS // 2 * 2], external_id)


def told(sentence: str, external_id: str = "") -> Block:
    """A sentence in its place (mrkdwn)."""
    return _modal([section(sentence)], external_id)


def _modal(blocks: list[Block], external_id: str) -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": "settle_list",
        "title": plain("Settle differences", TITLE_CHARACTERS),
        "close": plain("Close", TITLE_CHARACTERS),
        "blocks": blocks,
    }
    return {**view, "external_id": external_id} if external_id else view


def _line(item: Disagreement, link: str | None) -> str:
    where = f"<{link}|The note’s card>" if link else "A note in a direct message"
    said = " · ".join(
        f"<@{opinion.user}> *{escape(opinion.answer)}*" for opinion in item.opinions[:10]
    )
    return f"{where}, last answered {moment(item.opinions[-1].given)}\n{said}"


def _buttons(decision: str) -> list[Block]:
    return [button(answer, SETTLE[answer], decision) for answer in ANSWERS]
