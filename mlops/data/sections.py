"""The decision-time view of a note: only what stood before anyone decided.

An operation note holds the decision's outcome on every line, but for its indication, history and
preoperative diagnosis; a consult note's plan tells what was decided. What is left is what a
referral says.
"""

import re

from mlops.data.records import Label

# MTSamples headings are capitals before a colon, after a line break, full stop or stray comma.
_HEADING = re.compile(r"(?:^|[\n,.]|\s{2})\s{0,4}([A-Z][A-Z0-9 /&()'\-]{2,60}):")
_BEFORE_SURGERY = re.compile(
    r"^(?:INDICATION|(?:BRIEF |CLINICAL |PERTINENT |PATIENT )?HISTORY\b(?! AND PHYSICAL)"
    r"|PRE-?\s?OP(?:ERATIVE)? DIAGNOS|CHIEF COMPLAINT|REASON)"
)
_BEFORE_CONSULT = re.compile(
    r"^(?:HISTORY OF (?:THE )?PRESENT|HPI\b|PRESENT ILLNESS|CHIEF COMPLAINT|REASON"
    r"|(?:ASSESSMENT|IMPRESSION|DIAGNOS[EI]S)(?! AND| ?/| ?&))"
)
# Sentences that tell of the operating room even in a history: consent has been given, it is done.
_GIVEAWAY = re.compile(
    r"consent|operating (?:room|suite|table)|anesthesia|anaesthesia|postoperative|post-operative"
    r"|risks,? (?:and )?(?:benefits|alternatives)|(?:was|were) (?:then )?(?:prepped|taken|brought)",
    re.IGNORECASE,
)
# Lists come as "1. First.,2. Second.": the numbers and stray commas are the file's, not a doctor's.
_LIST = re.compile(r"(?:^|(?<=[.,\s]))\d{1,2}\.\s+|(?<=\.),")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
MIN_WORDS = 5


def sections(text: str) -> list[tuple[str, str]]:
    """Heading and body of each section, in order; what stands before the first has heading ''."""
    marks = list(_HEADING.finditer(text))
    starts = [0] + [mark.end() for mark in marks]
    ends = [mark.start() for mark in marks] + [len(text)]
    names = [""] + [mark.group(1).strip() for mark in marks]
    return [
        (name, text[start:end].strip(" ,\n\t"))
        for name, start, end in zip(names, starts, ends, strict=True)
    ]


def decision_time(text: str, label: Label) -> str:
    """The decision-time text of a note, or '' if the note has none of at least five words.

    Args:
        text: The note as filed.
        label: Surgery: what preceded the operation is kept. Consultation: complaint and assessment.
    """
    wanted = _BEFORE_SURGERY if label == "Surgery" else _BEFORE_CONSULT
    kept: list[str] = []
    for name, body in sections(text):
        if not body or not wanted.match(name):
            continue
        for sentence in _SENTENCE.split(_LIST.sub(" ", body).strip()):
            if not _GIVEAWAY.search(sentence):
                kept.append(sentence.strip(" ,"))
    result = " ".join(
        sentence if sentence[-1:] in ".!?" else sentence + "." for sentence in kept if sentence
    )
    return result if len(result.split()) >= MIN_WORDS else ""
