"""Jobs, model versions and endpoints on Amazon SageMaker, through boto3.

The `sagemaker` SDK is used for one thing only, and only if it is installed: see `images`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops.backends.sagemaker.backend import SageMakerBackend

__all__ = ["SageMakerBackend"]


def __getattr__(name: str) -> object:
    """Import the backend when it is asked for: looking at its names needs no boto3."""
    if name == "SageMakerBackend":
        from mlops.backends.sagemaker.backend import SageMakerBackend

        return SageMakerBackend
    raise AttributeError(name)
