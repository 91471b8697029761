"""The card that answers a note, and what a click turns it into."""

from bot import messages
from bot.blocks.evidence import evidence_block
from bot.blocks.parts import (
    MESSAGE_BLOCKS,
    Block,
    Rendered,
    actions,
    button,
    context,
    escape,
    header,
    moment,
    plain_context,
    section,
)
from bot.store.decisions import DecisionRow, Verdict
from mlops.result import Recommendation

AGREE, CORRECT = "agree", "correct"
BAR_CELLS = 10
MAX_WARNINGS = 8
WORK_ID, CARD_ID, BUTTONS_ID, VERDICT_ID = "work-", "note-", "buttons-", "verdict-"


def working(part: str) -> Rendered:
    """The message that shows that a note is being read, and becomes its answer."""
    text = messages.reading()
    return Rendered(text, [context(f":hourglass_flowing_sand: {text}", block_id=WORK_ID + part)])


def card(
    part: str,
    note: str,
    answer: Recommendation,
    *,
    file_name: str | None = None,
    recorded: bool = True,
) -> Rendered:
    """The answer to one note.

    Args:
        part: Id of the decision; the buttons carry it and nothing else.
        note: The note, for the words around each phrase.
        answer: What the model said.
        file_name: Which of several files it answers.
        recorded: False leaves out the buttons, which would have nothing to write to.
    """
    blocks = [header(messages.headline(answer.recommendation, answer.confidence), CARD_ID + part)]
    if file_name:
        blocks.append(plain_context(f"File: {file_name}"))
    if answer.probability is not None:
        blocks.append(section(f"{bar(answer.probability)}  {messages.shares(answer.probability)}"))
    if answer.recommendation == "Needs review":
        close = answer.probability is not None
        blocks.append(section(messages.review_close() if close else messages.review_unreadable()))
    warnings = answer.warnings if recorded else (*answer.warnings, messages.not_recorded())
    blocks += [context(f":warning: {escape(line)}") for line in warnings[:MAX_WARNINGS]]
    if answer.evidence:
        blocks.append(evidence_block(note, answer.evidence))
    elif answer.probability is not None:
        blocks.append(context(messages.no_evidence()))
    blocks.append(_small_print(answer.document_type, answer.model_version))
    if recorded:
        blocks.append(_buttons(part, answer.recommendation))
    return Rendered(messages.notification(answer), blocks[:MESSAGE_BLOCKS])


def bar(probability: float) -> str:
    """P(Surgery) as a bar from Consultation (empty) to Surgery (full); words stand beside it.

    >>> bar(0.87)
    '▰▰▰▰▰▰▰▰▰▱'
    """
    filled = min(BAR_CELLS, max(0, round(probability * BAR_CELLS)))
    return "▰" * filled + "▱" * (BAR_CELLS - filled)


def with_verdict(blocks: list[Block], part: str, verdict: Verdict) -> list[Block]:
    """A card's own blocks with the verdict in place of the buttons, however often it is applied."""
    ids = (BUTTONS_ID + part, VERDICT_ID + part)
    shown = context(verdict_line(verdict), block_id=VERDICT_ID + part)
    kept = [block for block in blocks if block.get("block_id") not in ids]
    return [*kept, shown]


def summary(decision: DecisionRow) -> Rendered:
    """A card from the record alone, for a message whose content Slack doesn't give back.

    Evidence is note text, and that isn't kept: it is the one thing missing.
    """
    title = messages.headline(decision.recommendation, decision.confidence)
    blocks = [header(title, CARD_ID + decision.id)]
    if decision.probability is not None:
        shares = messages.shares(decision.probability)
        blocks.append(section(f"{bar(decision.probability)}  {shares}"))
    blocks.append(_small_print(decision.document_type, decision.model_version))
    if decision.verdict is None:
        blocks.append(_buttons(decision.id, decision.recommendation))
        return Rendered(title, blocks)
    return Rendered(title, with_verdict(blocks, decision.id, decision.verdict))


def verdict_line(verdict: Verdict) -> str:
    """Who said what and when (mrkdwn)."""
    when = moment(verdict.given)
    if verdict.verb == "agreed":
        return messages.agreed(verdict.user, when)
    return messages.corrected(verdict.user, when, escape(verdict.answer), verdict.reason)


def _small_print(document_type: str, model_version: str) -> Block:
    return context(
        f"Document: {escape(document_type)}",
        f"Model: {escape(model_version)}",
        messages.clinician_decides(),
    )


def _buttons(part: str, recommendation: str) -> Block:
    if recommendation == "Needs review":
        # There is nothing to agree with: the model has left it to people.
        return actions([button("Decide…", CORRECT, part)], BUTTONS_ID + part)
    return actions(
        [button("Agree", AGREE, part, "primary"), button("Correct…", CORRECT, part)],
        BUTTONS_ID + part,
    )
