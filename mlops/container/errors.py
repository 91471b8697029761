"""What goes wrong inside a container: each error's text is the sentence that is shown."""


class TrainingError(Exception):
    """Bad data or hyperparameters; nothing was trained."""


class ModelError(ValueError):
    """This artifact can't be used; nothing was loaded."""
