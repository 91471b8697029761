"""What goes wrong inside a container: each error's text is the sentence that is shown."""


class TrainingError(Exception):
    """Bad data or hyperparameters; nothing was trained."""


class ModelError(ValueError):
    """This artifact can't be used; nothing was loaded."""


def place_of(error: BaseException) -> str:
    """The class of an error and the line that raised it: never its message, which may hold a note.

    >>> try:
    ...     raise ValueError("text of a note")
    ... except ValueError as error:
    ...     place_of(error).partition(":")[0]
    'ValueError at mlops.container.errors'
    """
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__} at {place}"
