"""The models and the config by which an endpoint serves a version: made unless they are there."""

from typing import Any

from mlops.backends import ModelVersion
from mlops.backends.options import Hosting
from mlops.backends.sagemaker import hosting as recipes
from mlops.backends.sagemaker.aws import Aws
from mlops.backends.sagemaker.errors import AwsError
from mlops.backends.sagemaker.images import image_uri
from mlops.backends.sagemaker.names import PartName
from mlops.backends.sagemaker.place import Place
from mlops.backends.sagemaker.registry import Registry
from mlops.backends.sagemaker.storage import Storage
from mlops.backends.versions import check_servable


class Making:
    """Makes them.

    Args:
        aws: The way to AWS.
        storage: Where captured requests go.
        registry: Where versions are looked up.
    """

    def __init__(self, aws: Aws, storage: Storage, registry: Registry) -> None:
        self._aws = aws
        self._storage = storage
        self._registry = registry

    def config(self, endpoint: str, version: ModelVersion, hosting: Hosting, place: Place) -> str:
        """The config that serves a version at an endpoint; its name."""
        champion = self.model(endpoint, version, place)
        challenger = None
        if hosting.shadow:
            shadow = check_servable(self._registry.get(hosting.shadow))
            challenger = self.model(endpoint, shadow, place)
        capture = str(self._storage.address("captured", endpoint, "")) if hosting.capture else ""
        content = recipes.endpoint_config(
            "", endpoint, champion, challenger, hosting, place, capture
        )
        name = str(PartName.of(endpoint, version.name, content))
        self._create("create_endpoint_config", content | {"EndpointConfigName": name})
        return name

    def model(self, endpoint: str, version: ModelVersion, place: Place) -> str:
        """The model of a version at an endpoint; its name."""
        artifact, code = self._registry.sources(version, isolated=place.isolated)
        image = image_uri(self._aws.region)
        content = recipes.model("", endpoint, image, artifact, code, place)
        name = str(PartName.of(endpoint, version.name, content))
        self._create("create_model", content | {"ModelName": name})
        return name

    def _create(self, operation: str, parameters: dict[str, Any]) -> None:
        """Make something whose name stands for what it says: if it is there, it says the same."""
        try:
            self._aws.call("sagemaker", operation, **parameters)
        except AwsError as error:
            if not error.exists:
                raise
