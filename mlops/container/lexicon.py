"""Finds clinical cues: phrases of the lexicon in a tokenised note, in time linear in its length."""

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlops.container.text import Tokens, tokenize

FILE = Path(__file__).with_name("cues.toml")
_GAP = 3
_KEY = 3


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue of a category on the tokens `first` to `last`, both included."""

    category: str
    first: int
    last: int


@dataclass(frozen=True)
class Category:
    """A kind of cue.

    Attributes:
        toward: +1 to Surgery, -1 to Consultation, 0 to neither.
        phrases: As written in cues.toml.
    """

    toward: int
    phrases: tuple[str, ...]


class Lexicon:
    """The categories, with their phrases filed under the first letters of their first word."""

    def __init__(self, categories: Mapping[str, Category]) -> None:
        self.categories = dict(categories)
        self._starts: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        self._endings: list[tuple[str, str]] = []
        for name, category in self.categories.items():
            for phrase in category.phrases:
                if phrase.startswith("*"):
                    self._endings.append((phrase[1:], name))
                    continue
                words = _phrase_words(phrase)
                self._starts[words[0].rstrip("*")[:_KEY]].append((name, words))

    @classmethod
    def from_file(cls, path: Path = FILE) -> "Lexicon":
        """Read `cues.toml`."""
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return cls.from_json(data)

    @classmethod
    def from_json(cls, data: Mapping[str, Mapping[str, object]]) -> "Lexicon":
        """From what `to_json` gives, or from parsed TOML."""
        categories = {}
        for name, entry in data.items():
            phrases = " ".join(str(entry["phrases"]).split()).split(",")
            cleaned = tuple(dict.fromkeys(p.strip() for p in phrases if p.strip()))
            categories[name] = Category(int(str(entry["toward"])), cleaned)
        return cls(categories)

    def to_json(self) -> dict[str, dict[str, object]]:
        """As an artifact keeps it."""
        return {
            name: {"toward": category.toward, "phrases": ",".join(category.phrases)}
            for name, category in self.categories.items()
        }

    def find(self, tokens: Tokens) -> list[Cue]:
        """Every cue; of one category the longest at a place, and none inside another."""
        words = tokens.words
        found: list[Cue] = []
        reach: dict[str, int] = {}
        for index, word in enumerate(words):
            best: dict[str, int] = {}
            for size in range(1, _KEY + 1):
                if len(word) < size:
                    break
                # A key shorter than three letters is a whole short word, or a short stem.
                for name, pattern in self._starts.get(word[:size], ()):
                    if reach.get(name, -1) >= index:
                        continue
                    last = _match(words, index, pattern)
                    if last >= 0 and last >= best.get(name, 0):
                        best[name] = last
            if word[0].isalpha():
                for ending, name in self._endings:
                    if word.endswith(ending) and reach.get(name, -1) < index:
                        best.setdefault(name, index)
            for name, last in best.items():
                reach[name] = last
                found.append(Cue(name, index, last))
        return found


def _phrase_words(phrase: str) -> tuple[str, ...]:
    words: list[str] = []
    for word in phrase.split():
        if word == "~":
            words.append(word)
        elif word == "#":
            words.append("0")
        elif word.startswith(("size_", "acuity_")) or word.endswith("*"):
            words.append(word)
        else:
            words += tokenize(word).words
    return tuple(words)


def _match(words: Sequence[str], start: int, pattern: Sequence[str]) -> int:
    """Index of the last token that the pattern takes from `start` on, or -1."""
    index = start
    gap = 0
    for part in pattern:
        if part == "~":
            gap = _GAP
            continue
        for at in range(index, min(index + gap + 1, len(words))):
            if gap and words[at] in ".;:?!\n":
                return -1
            if words[at] == part or (part[-1] == "*" and words[at].startswith(part[:-1])):
                index = at + 1
                break
        else:
            return -1
        gap = 0
    return index - 1
