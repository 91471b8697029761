"""Messages that aren't cards: how to ask, refusals, failures."""

from bot import messages
from bot.blocks.card import CARD_ID
from bot.blocks.parts import Block, Rendered, escape, plain_context, section


def notice(text: str, part: str | None = None, file_name: str | None = None) -> Rendered:
    """One of the bot's own sentences (mrkdwn), as a message.

    Args:
        text: The sentence.
        part: The note that it answers, if it answers one.
        file_name: Which of several files it is about.
    """
    blocks: list[Block] = [section(text, CARD_ID + part if part else None)]
    if file_name:
        blocks.append(plain_context(f"File: {file_name}"))
    return Rendered(text, blocks)


def trouble(sentence: str, part: str | None = None, file_name: str | None = None) -> Rendered:
    """A failure's sentence, which is no markup."""
    return notice(f":warning: {escape(sentence)}", part, file_name)


def how_to_ask(part: str | None = None) -> Rendered:
    """The short guide."""
    shown = notice(messages.how_to_ask(), part)
    return Rendered(messages.how_to_ask_plain(), shown.blocks)
