"""Words by what they do in a note, from `words.toml`, and the words of everyday English."""

import tomllib
from pathlib import Path

FILE = Path(__file__).with_name("words.toml")
EVERYDAY_FILE = Path(__file__).with_name("everyday.txt")


def _read() -> dict[str, frozenset[str]]:
    lists = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {name: frozenset(words.split()) for name, words in lists.items()}


WORDS = _read()


def read_everyday() -> frozenset[str]:
    """The words of everyday English."""
    lines = EVERYDAY_FILE.read_text(encoding="utf-8").split("\n")
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
