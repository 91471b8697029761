"""Faults that a test orders: the next call of a method fails, is slow, or is unknown."""

from dataclasses import dataclass, field


@dataclass
class Fault:
    """How the next `times` calls fail."""

    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    times: int = 1
    after: bool = False
    """The call does its work, and only its answer is lost (a connection that breaks)."""


@dataclass
class Faults:
    """The faults in force; `*` stands for any method, `files.download` for a file's bytes."""

    pending: dict[str, list[Fault]] = field(default_factory=dict)
    unknown_methods: set[str] = field(default_factory=set)
    delays: dict[str, float] = field(default_factory=dict)

    def add(self, method: str, fault: Fault) -> None:
        """Queue a fault behind those already ordered for the method."""
        self.pending.setdefault(method, []).append(fault)

    def take(self, method: str) -> Fault | None:
        """The fault for this call, counted down."""
        for name in (method, "*"):
            queue = self.pending.get(name)
            if queue:
                fault = queue[0]
                fault.times -= 1
                if fault.times <= 0:
                    queue.pop(0)
                return fault
        return None

    def delay(self, method: str) -> float:
        """Seconds to wait before answering."""
        return self.delays.get(method, self.delays.get("*", 0.0))
