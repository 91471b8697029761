"""What AWS answers when it refuses, as exceptions that `wire` writes in the service's protocol."""


class AwsError(Exception):
    """An answer with an error code.

    Args:
        code: As clients read it, such as `ResourceInUse`.
        message: AWS's sentence.
        status: Of HTTP.
        extra: More members of the error, such as `OriginalStatusCode` of a `ModelError`.
    """

    def __init__(self, code: str, message: str, status: int = 400, **extra: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.extra = extra


def invalid(message: str) -> AwsError:
    """The request can't be carried out as it stands."""
    return AwsError("ValidationException", message)


def in_use(message: str) -> AwsError:
    """There is one of that name, or it is being used."""
    return AwsError("ResourceInUse", message)


def not_found(message: str) -> AwsError:
    """There is none of that name, where SageMaker says so with a code of its own."""
    return AwsError("ResourceNotFound", message)
