"""How long things take on the test server that take minutes on AWS."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """Durations, in seconds.

    Attributes:
        step: Each status that is passed through.
        grace: From SIGTERM to SIGKILL (120 s on AWS).
        rollout: At most, each wait between two steps of a blue/green update.
        start: How long a container may take to be healthy.
        answer: How long a model may take to answer (60 s on AWS).
    """

    step: float = 0.05
    grace: float = 5.0
    rollout: float = 0.4
    start: float = 30.0
    answer: float = 60.0
