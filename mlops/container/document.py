"""What kind of document a text is: a referral, an operative report, or something else."""

import re
from typing import TYPE_CHECKING

from mlops.container.text import Tokens

if TYPE_CHECKING:
    from mlops.container.model import Model

OTHER = "This does not look like a clinical note. It was not classified."
OPERATIVE = "This describes an operation that has already been done, so it can't decide a referral."
_OPERATIVE = re.compile(r"\b(?:estimated blood loss|description of (?:the )?procedure)\b")


def document_type(tokens: Tokens, model: "Model") -> tuple[str, str]:
    """The document type, and a warning sentence or nothing."""
    known = sum(word in model.scores["words"].index for word in tokens.words)
    words = sum(word[0].isalpha() for word in tokens.words)
    if known < 2 or known < 0.1 * words:
        return "other", OTHER
    if _OPERATIVE.search(" ".join(tokens.words)):
        return "operative report", OPERATIVE
    return "referral", ""
