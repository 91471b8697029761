"""The phrases that moved the model, each in its context. Rich text: nothing in it is markup.

A note may hold `*`, a backtick, `<!channel>` or a link. In rich text a text element is shown
letter by letter, so a note can neither format the card, nor link, nor ping anybody.
"""

from bot.blocks.parts import Block, one_line
from mlops.result import Evidence

MAX_PHRASES = 8
CONTEXT_EACH_SIDE = 45
PHRASE_CHARACTERS = 160
# In log-odds: e² and e¹ are odds of about 7 and 3 to 1.
STRONG, CLEAR = 1.0, 0.4


def strength(weight: float) -> str:
    """A weight in log-odds as a word.

    >>> strength(-1.4), strength(0.5), strength(0.1)
    ('strongly', 'clearly', 'slightly')
    """
    size = abs(weight)
    return "strongly" if size >= STRONG else "clearly" if size >= CLEAR else "slightly"


def direction(weight: float) -> str:
    """Which way a weight points.

    >>> direction(0.3)
    '→ Surgery'
    """
    return "→ Surgery" if weight > 0 else "→ Consultation"


def evidence_block(note: str, evidence: tuple[Evidence, ...]) -> Block:
    """A list with one line per phrase, strongest first.

    Args:
        note: The note that the spans count in.
        evidence: What the model used.
    """
    items = [
        {"type": "rich_text_section", "elements": _line(note, item)}
        for item in evidence[:MAX_PHRASES]
    ]
    return {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [_text("What led there", bold=True)],
            },
            {"type": "rich_text_list", "style": "bullet", "indent": 0, "elements": items},
        ],
    }


def _line(note: str, item: Evidence) -> list[Block]:
    before, phrase, after = in_context(note, item)
    return [
        _text(f"{direction(item.weight)}, {strength(item.weight)}: "),
        *([_text(before)] if before else []),
        _text(phrase, bold=True),
        *([_text(after)] if after else []),
        *([_text(f" ({item.assertion})")] if item.assertion else []),
    ]


def in_context(note: str, item: Evidence) -> tuple[str, str, str]:
    """A few words before a phrase, the phrase, and a few words after it, on one line.

    >>> in_context("Pain. Tender and irreducible since noon.", Evidence(6, 28, "", 1.0))
    ('Pain. ', 'Tender and irreducible', ' since noon.')
    """
    phrase = one_line(note[item.start : item.end]) or "…"
    if len(phrase) > PHRASE_CHARACTERS:
        half = PHRASE_CHARACTERS // 2
        phrase = f"{phrase[:half].rstrip()} … {phrase[-half:].lstrip()}"
    return _before(note, item.start), phrase, _after(note, item.end)


def _before(note: str, end: int) -> str:
    start = max(0, end - CONTEXT_EACH_SIDE)
    raw = note[start:end]
    cut = start > 0
    if cut and not note[start - 1].isspace():
        # The first word is cut in two: leave the piece out, unless it reaches the phrase.
        raw = raw.partition(_first_blank(raw))[2] if _first_blank(raw) else raw
    text = one_line(raw)
    gap = " " if raw[-1:].isspace() else ""
    return f"{'…' if cut and text else ''}{text}{gap if text else ''}"


def _after(note: str, start: int) -> str:
    end = min(len(note), start + CONTEXT_EACH_SIDE)
    raw = note[start:end]
    cut = end < len(note)
    if cut and not note[end].isspace():
        blank = _first_blank(raw[::-1])
        raw = raw.rpartition(blank)[0] if blank else raw
    text = one_line(raw)
    gap = " " if raw[:1].isspace() else ""
    return f"{gap if text else ''}{text}{'…' if cut and text else ''}"


def _first_blank(text: str) -> str:
    return next((character for character in text if character.isspace()), "")


def _text(text: str, *, bold: bool = False) -> Block:
    element: Block = {"type": "text", "text": text}
    return {**element, "style": {"bold": True}} if bold else element
