"""Settings: environment variables and a `.env` file, read once.

Import this lazily where start-up time matters: pydantic costs about a tenth of a second.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mlops.errors import SettingsError

DEFAULT_ENDPOINT = "referral-triage"


class Settings(BaseSettings):
    """Everything that can be set, with its default.

    `boto3`'s own variables (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, …) are read by boto3.
    """

    model_config = SettingsConfigDict(
        # `VARIABLE=` in a .env file means: not set.
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    slack_bot_token: SecretStr | None = Field(
        default=None, description="Bot token, starts with xoxb-."
    )
    slack_app_token: SecretStr | None = Field(
        default=None, description="App-level token for Socket Mode, starts with xapp-."
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None, description="Signing secret: needed in HTTP mode only."
    )
    slack_api_url: str = Field(
        default="https://slack.com/api/", description="The Slack-compatible server to talk to."
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; empty: SQLite below TRIAGE_HOME."
    )
    triage_backend: Literal["local", "sagemaker"] = Field(
        default="local", description="Where training, tuning and serving happen."
    )
    triage_endpoint: str | None = Field(
        default=None,
        description=f"The endpoint the bot asks; empty: {DEFAULT_ENDPOINT} if it exists, "
        "else the shipped model in the bot's own process.",
    )
    triage_home: Path = Field(
        default=Path("~/.referral-triage"),
        description="State folder: jobs, versions, endpoints, database.",
    )
    triage_bucket: str | None = Field(default=None, description="S3 bucket for data and artifacts.")
    sagemaker_role_arn: str | None = Field(
        default=None, description="Role that SageMaker jobs run as."
    )
    aws_region: str | None = Field(default=None, description="AWS region.")
    triage_kms_key: str | None = Field(
        default=None, description="KMS key that encrypts what is kept in AWS; empty: AWS's own."
    )
    triage_subnets: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Subnets of the VPC that jobs and endpoints run in; empty: no VPC."
    )
    triage_security_groups: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Security groups of jobs and endpoints; with TRIAGE_SUBNETS."
    )
    triage_network_isolation: bool = Field(
        default=False, description="Whether containers on SageMaker are cut off from every network."
    )
    triage_tags: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="KEY=VALUE tags for everything that is made in AWS."
    )
    triage_leads: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Slack user and user-group IDs that may run operations; empty: nobody.",
    )
    triage_channels: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="IDs of public channels where notes may be answered."
    )
    triage_two_person: bool = Field(
        default=False,
        description="1: who asked for a retrain or a redeployment can't be who approves it.",
    )
    triage_approval_hours: float = Field(
        default=24.0,
        gt=0,
        description="How long a new version or a redeployment may be approved in Slack.",
    )
    triage_watch_minutes: float = Field(
        default=10.0,
        ge=0,
        description="How long a redeployment is watched before it counts as done; 0: not at all.",
    )
    triage_keep_notes: bool = Field(
        default=False,
        description="1: a note that somebody agreed to or corrected is kept for training, "
        "encrypted.",
    )
    triage_notes_key: SecretStr | None = Field(
        default=None,
        description="Key that kept notes are encrypted with: triage feedback key. Several, "
        "separated by commas: the others read what older keys wrote.",
    )
    triage_notes_days: int = Field(
        default=365, gt=0, description="After so many days a kept note is deleted."
    )
    triage_error_target: float | None = Field(
        default=None,
        gt=0,
        le=0.5,
        description="Share of errors among the decided that is aimed at, such as 0.05: a lower one "
        "leaves more notes to people. Empty: as the model was trained (0.1).",
    )
    triage_secret: SecretStr | None = Field(
        default=None,
        description="Key of the HMAC that stands for a note in the database; "
        "empty: made once and kept below TRIAGE_HOME. Several bots need the same one.",
    )

    @field_validator(
        "triage_leads",
        "triage_channels",
        "triage_subnets",
        "triage_security_groups",
        "triage_tags",
        mode="before",
    )
    @classmethod
    def _split_ids(cls, value: object) -> object:
        """IDs may be separated by commas or blanks."""
        if isinstance(value, str):
            return tuple(value.replace(",", " ").split())
        return value

    @field_validator("triage_tags")
    @classmethod
    def _tags(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(tag.find("=") > 0 for tag in value):
            raise ValueError("each tag is KEY=VALUE")
        return value

    @field_validator("triage_home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("slack_api_url")
    @classmethod
    def _ends_with_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force; Heroku's `postgres://` is spelled as SQLAlchemy wants it."""
        if not self.database_url:
            return f"sqlite:///{self.triage_home / 'triage.db'}"
        for prefix in ("postgres://", "postgresql://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read at the first call.

    Raises:
        SettingsError: naming each variable that is wrong, never its value.
    """
    try:
        settings = Settings()
        if settings.triage_error_target is not None:
            # The model's own code knows no settings: it reads its environment, as on SageMaker.
            os.environ["TRIAGE_ERROR_TARGET"] = str(settings.triage_error_target)
        return settings
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise SettingsError(
            f"A setting is wrong: {wrong}. Nothing was started. "
            "Correct it in the environment or in .env; `triage doctor` lists them all."
        ) from None
