"""Reading UBJSON as XGBoost writes it, without XGBoost: its import takes longer than a model.

<https://ubjson.org>: a letter for the type, then the value, with its first byte the highest. Arrays
of numbers come as one block.
"""

from typing import Any

import numpy as np

_INTEGERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8"}
_NUMBERS = {**_INTEGERS, "d": ">f4", "D": ">f8"}
_WORDS = {"T": True, "F": False, "Z": None}


def read_ubjson(data: bytes) -> Any:
    """The value that is written in `data`; an array of numbers is a NumPy array.

    Raises:
        ValueError: if it is not UBJSON.
    """
    try:
        return _Reader(data).value()
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        # What is in it has no place in a message.
        raise ValueError("This is not UBJSON.") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self, kind: str = "") -> Any:
        """The next value; its type is read first unless it is given."""
        kind = kind or self._letter()
        if kind in _INTEGERS:
            size = int(_INTEGERS[kind][-1])
            self._at += size
            return int.from_bytes(self._data[self._at - size : self._at], "big", signed=kind != "U")
        if kind in _NUMBERS:
            return self._numbers(kind, 1)[0].item()
        if kind in _WORDS:
            return _WORDS[kind]
        if kind == "S":
            return self._text()
        if kind == "[":
            return self._array()
        if kind == "{":
            found = {}
            while not self._next_is("}"):
                name = self._text()
                found[name] = self.value()
            return found
        raise KeyError(kind)

    def _array(self) -> Any:
        kind = self._letter() if self._next_is("$") else ""
        if not self._next_is("#"):
            found = []
            while not self._next_is("]"):
                found.append(self.value())
            return found
        count = self.value()
        if kind in _NUMBERS:
            return self._numbers(kind, count)
        return [self.value(kind) for _ in range(count)]

    def _numbers(self, kind: str, count: int) -> Any:
        numbers = np.frombuffer(self._data, _NUMBERS[kind], count, self._at)
        self._at += numbers.nbytes
        return numbers

    def _text(self) -> str:
        length = self.value()
        if length < 0:
            raise ValueError
        self._at += length
        return self._data[self._at - length : self._at].decode()

    def _letter(self) -> str:
        self._at += 1
        return chr(self._data[self._at - 1])

    def _next_is(self, letter: str) -> bool:
        found = chr(self._data[self._at]) == letter
        self._at += found
        return found
