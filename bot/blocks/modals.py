"""The two forms: a note to triage, and the correction of a recommendation."""

import json
from typing import Any

from bot import messages
from bot.blocks.parts import TITLE_CHARACTERS, Block, context, plain

TRIAGE_FORM, CORRECT_FORM = "triage_form", "correct_form"
NOTE, FILES = "note", "files"
ANSWER, REASON = "answer", "reason"
NOTE_CHARACTERS = 3000
MAX_FILES = 10
ANSWERS = ("Surgery", "Consultation", "Cannot tell")
# A fixed list and no free text: what people write about a note ends up holding the note, and a
# reason is stored.
REASONS = {
    "history": "History read as current",
    "negation": "Negation misread",
    "missed": "Finding missed",
    "document": "Wrong kind of document",
    "urgency": "Urgency misjudged",
    "incomplete": "Note incomplete",
    "other": "Other",
}


def triage_form(kept_days: int | None) -> Block:
    """A note, pasted or as files; the answer goes to the person's direct message.

    Args:
        kept_days: How long notes with a verdict are kept for training; None: they aren't.
    """
    return {
        "type": "modal",
        "callback_id": TRIAGE_FORM,
        "title": plain("Triage a note", TITLE_CHARACTERS),
        "submit": plain("Triage", TITLE_CHARACTERS),
        "close": plain("Cancel", TITLE_CHARACTERS),
        "blocks": [
            {
                "type": "input",
                "block_id": NOTE,
                "optional": True,
                "label": plain("Note", 2000),
                "hint": plain(
                    f"Up to {NOTE_CHARACTERS:,} characters; add a longer note as a file.", 2000
                ),
                "element": {
                    "type": "plain_text_input",
                    "action_id": NOTE,
                    "multiline": True,
                    "max_length": NOTE_CHARACTERS,
                    "focus_on_load": True,
                },
            },
            {
                "type": "input",
                "block_id": FILES,
                "optional": True,
                "label": plain("Files: text, PDF or Word", 2000),
                "element": {
                    "type": "file_input",
                    "action_id": FILES,
                    "filetypes": ["txt", "pdf", "docx"],
                    "max_files": MAX_FILES,
                },
            },
            context(f"The answer comes as a direct message from me. {messages.privacy(kept_days)}"),
        ],
    }


def correct_form(
    decision: str, recommendation: str, channel: str, ts: str, thread_ts: str | None
) -> Block:
    """What is right, and why; the form remembers ids only."""
    ids = {"decision": decision, "channel": channel, "ts": ts, "thread_ts": thread_ts}
    abstained = recommendation == "Needs review"
    return {
        "type": "modal",
        "callback_id": CORRECT_FORM,
        "private_metadata": json.dumps(ids),
        "title": plain("Decide" if abstained else "Correct", TITLE_CHARACTERS),
        "submit": plain("Save", TITLE_CHARACTERS),
        "close": plain("Cancel", TITLE_CHARACTERS),
        "blocks": [
            context(f"The model said: {recommendation}."),
            {
                "type": "input",
                "block_id": ANSWER,
                "label": plain("The right answer", 2000),
                "element": {
                    "type": "radio_buttons",
                    "action_id": ANSWER,
                    "options": [_option(a, a) for a in ANSWERS if a != recommendation],
                },
            },
            {
                "type": "input",
                "block_id": REASON,
                "label": plain("Why", 2000),
                "hint": plain("A fixed list, so that nothing from the note is stored.", 2000),
                "element": {
                    "type": "static_select",
                    "action_id": REASON,
                    "placeholder": plain("Pick a reason", 150),
                    "options": [_option(key, label) for key, label in REASONS.items()],
                },
            },
        ],
    }


def _option(value: str, label: str) -> dict[str, Any]:
    return {"text": plain(label, 75), "value": value}
