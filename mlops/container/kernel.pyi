"""What `kernel.pyx` offers where it was compiled."""

from collections.abc import Callable
from typing import Any

from mlops.container.document import Counts
from mlops.container.evidence import Phrase
from mlops.container.tokens import Tokens

class Word:
    KNOWN: int
    ENGLISH: int
    FOREIGN: int
    ELSEWHERE: int
    CLINICAL: int
    OFFICE: int
    PERSON: int
    AGE: int
    AGED: int
    NUMERIC: int
    CONTENT: int
    PRESCRIBING: int
    DOSING: int

class Role:
    TRIGGER: int
    CUE: int
    OPERATIVE: int
    DISCHARGE: int
    CLINICAL_CUE: int
    PSEUDO: int
    ENDING: int
    RULE: int
    PRECEDES: int
    STATES: int
    JOINS: int

class Seen:
    counts: Counts
    margin: float
    register: float
    def phrases(self, slope: float) -> list[Phrase]: ...

class Kernel:
    def __init__(
        self, tokens: Tokens, by_pieces: Callable[[str, int, int], tuple[str, bytes]], **given: Any
    ) -> None: ...
    def see(self, text: str) -> Seen: ...
