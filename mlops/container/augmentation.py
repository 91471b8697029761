"""Records made of other records, to learn from: crops, and copies with background mixed in.

Whoever writes about a mild complaint has room for the rest of the story; whoever writes about a
strangulated hernia has not. A model that only saw such texts takes the brother's operation, the
tablets and the fever that is not there for reasons against an operation. Such sentences, from
`background.toml`, are mixed into copies of the texts of both labels.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

from mlops.container.table import BACKGROUND, CROP, DECISION, MTSAMPLES, Row
from mlops.container.wordlists import WORDS

FILE = Path(__file__).with_name("background.toml")
# Made of each record.
CROPS, COPIES = 2, 2
# Sentences that are mixed in.
FEWEST, MOST = 1, 8
# Most of them stand at the end; the rest anywhere between two sentences.
_AT_THE_END = 0.6
_ENDS = (".", ".", ".", ";", ",")
_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")


def with_crops(rows: Sequence[Row], seed: int) -> list[Row]:
    """The records, then two random runs of 2 to 6 sentences of each decision-time text.

    People paste short texts: a model fitted on long ones alone puts its threshold elsewhere.
    """
    crops = []
    for row in rows:
        if row.source != DECISION:
            continue
        sentences = _SENTENCE.split(row.text)
        random = _random(seed, row)
        for _ in range(CROPS):
            size = random.randint(2, 6)
            if len(sentences) > size:
                start = random.randrange(len(sentences) - size + 1)
                text = " ".join(sentences[start : start + size])
                crops.append(replace(row, text=text, source=CROP))
    return [*rows, *crops]


def with_background(rows: Sequence[Row], seed: int) -> list[Row]:
    """The records, then copies of the referral texts with one to eight such sentences mixed in.

    They are drawn in the same way for both labels, so that they tell neither.
    """
    kinds, lists = read_background()
    copies = []
    for row in rows:
        if row.source in MTSAMPLES:
            continue
        random = _random(seed, row)
        for _ in range(COPIES):
            patterns = [
                random.choice(random.choice(kinds)) for _ in range(random.randint(FEWEST, MOST))
            ]
            sentences = [_filled(pattern, lists, random) for pattern in patterns]
            text = _mixed(row.text, sentences, random)
            copies.append(replace(row, text=text, source=BACKGROUND))
    return [*rows, *copies]


@cache
def read_background() -> tuple[list[list[str]], dict[str, list[str]]]:
    """Sentences by kind, and by its name what fills a slot of a sentence."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    kinds = [lines.strip().split("\n") for lines in tables["sentences"].values()]
    lists = {name: " ".join(words.split()).split(", ") for name, words in tables["lists"].items()}
    lists["name"] = [name.capitalize() for name in sorted(WORDS["names"])]
    # The list has what most people take: that is drawn twice as often as any other drug.
    lists["drug"] += sorted(WORDS["drugs"] | WORDS["long_term"])
    return kinds, lists


def _filled(pattern: str, lists: Mapping[str, list[str]], random: Random) -> str:
    return _SLOT.sub(lambda slot: random.choice(lists[slot[1]]), pattern)


def _mixed(text: str, sentences: Sequence[str], random: Random) -> str:
    parts = _SENTENCE.split(text)
    small = text == text.lower()
    for sentence in sentences:
        written = sentence.lower() if small else sentence[:1].upper() + sentence[1:]
        at_end = random.random() < _AT_THE_END
        place = len(parts) if at_end else random.randint(0, len(parts))
        parts.insert(place, written + random.choice(_ENDS))
    return " ".join(parts)


def _random(seed: int, row: Row) -> Random:
    """Numbers that depend on the text and the seed alone, not on what else is in the data."""
    digest = hashlib.sha256(f"{seed}:{row.text}".encode("utf-8", "surrogatepass")).digest()
    return Random(int.from_bytes(digest[:8]))  # noqa: S311 - not for secrets
