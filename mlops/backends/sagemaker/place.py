"""What holds for everything this backend makes: role, network, encryption, tags."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlops.backends.sagemaker.names import FOLDER
from mlops.errors import SettingsError
from mlops.settings import Settings


@dataclass(frozen=True)
class Place:
    """Where and as whom jobs and endpoints run.

    Attributes:
        role: ARN of the execution role.
        kms_key: Key for volumes and outputs; None: AWS's own keys.
        vpc: A `VpcConfig`; empty: none.
        isolated: Whether containers are cut off from every network.
        own_tags: Of `TRIAGE_TAGS`.
    """

    role: str
    kms_key: str | None = None
    vpc: Mapping[str, list[str]] = field(default_factory=dict)
    isolated: bool = False
    own_tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, settings: Settings) -> "Place":
        """From the settings.

        Raises:
            SettingsError: if the role, or one half of the network, is missing.
        """
        if not settings.sagemaker_role_arn:
            raise SettingsError(
                "No execution role is set. Nothing was started. Make one (triage doctor --iam "
                "prints its policy) and set SAGEMAKER_ROLE_ARN."
            )
        if bool(settings.triage_subnets) != bool(settings.triage_security_groups):
            raise SettingsError(
                "TRIAGE_SUBNETS and TRIAGE_SECURITY_GROUPS go together and one of them is empty. "
                "Nothing was started. Set both, or neither."
            )
        vpc = {}
        if settings.triage_subnets:
            vpc = {
                "Subnets": list(settings.triage_subnets),
                "SecurityGroupIds": list(settings.triage_security_groups),
            }
        tags = dict(tag.split("=", 1) for tag in settings.triage_tags)
        return cls(
            settings.sagemaker_role_arn,
            settings.triage_kms_key,
            vpc,
            settings.triage_network_isolation,
            tags,
        )

    def tags(self, more: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """As AWS wants them: the person's, `app`, and more."""
        table = {**self.own_tags, "app": FOLDER, **(more or {})}
        return [{"Key": key, "Value": value} for key, value in sorted(table.items())]
