"""The errors a person can act on: each one's text is the sentence that is shown.

A sentence says what happened, what was kept and what to do now. It never holds note text, so it may
go to a log, a terminal or a Slack message as it is. The command line turns these into an exit code
of 1; the bot turns them into a reply.
"""


class TriageError(Exception):
    """Anything expected to go wrong. `str(error)` is a sentence for a person."""


class NoteError(TriageError):
    """This note or document can't be read; another one may be."""


class DataError(TriageError):
    """This dataset, corpus or table can't be used."""


class BackendError(TriageError):
    """A job, a model version or an endpoint failed, or is not there."""


class NotFoundError(BackendError):
    """There is no job, model version or endpoint of that name."""


class SettingsError(TriageError):
    """A setting is missing or wrong."""


class LockedError(BackendError):
    """Somebody has locked deploying."""
