"""The way to AWS: clients made when they are needed, every call through one place.

Retries, timeouts and sentences are the same for all of them. Calls are retried by botocore
(adaptive: it slows down where AWS throttles); asking for a recommendation has its own way, in
`invoke`, because a person waits for it.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any

from mlops import __version__
from mlops.backends.sagemaker.errors import explain, no_region
from mlops.errors import SettingsError
from mlops.settings import Settings

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
ATTEMPTS = 6


class Aws:
    """AWS as one account and region see it.

    Args:
        settings: `AWS_REGION` is read here; everything else that boto3 knows, by boto3.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._session: Any = None
        self._account: str | None = None

    @property
    def region(self) -> str:
        """The region in force.

        Raises:
            SettingsError: if none is set.
        """
        region: str | None = self._open_session().region_name
        if not region:
            raise SettingsError(no_region())
        return region

    @property
    def account(self) -> str:
        """The number of the account whose credentials are used."""
        if self._account is None:
            self._account = str(self.call("sts", "get_caller_identity")["Account"])
        return self._account

    def client(self, service: str, key: str = "", **config: Any) -> Any:
        """The client of a service; `key` keeps clients of another configuration apart."""
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        region = self.region
        with self._lock:
            name = service + key
            if name not in self._clients:
                defaults: dict[str, Any] = {
                    "connect_timeout": CONNECT_SECONDS,
                    "read_timeout": READ_SECONDS,
                    "retries": _retries(),
                    "user_agent_extra": f"referral-triage/{__version__}",
                }
                try:
                    self._clients[name] = self._session.client(
                        service, region_name=region, config=Config(**defaults | config)
                    )
                except (BotoCoreError, ValueError) as error:
                    raise explain(error, service, "connect", region) from None
            return self._clients[name]

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """Call a method of a service.

        Args:
            service: Its boto3 name.
            operation: The method's name.
            **parameters: As the API spells them; those that are None are left out.

        Raises:
            AwsError: with a sentence.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client(service)
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            answer: dict[str, Any] = getattr(client, operation)(**given)
        except (BotoCoreError, ClientError) as error:
            # The cause may quote what was sent.
            raise explain(error, service, operation, self.region) from None
        return answer

    def pages(
        self, service: str, operation: str, key: str, /, **parameters: Any
    ) -> Iterator[dict[str, Any]]:
        """Every item below `key` of a list, page by page (SageMaker's `NextToken`)."""
        token: str | None = None
        while True:
            answer = self.call(service, operation, NextToken=token, **parameters)
            yield from answer.get(key, ())
            token = answer.get("NextToken")
            if not token:
                return

    def _open_session(self) -> Any:
        with self._lock:
            if self._session is None:
                import boto3
                from botocore.exceptions import BotoCoreError

                try:
                    self._session = boto3.session.Session(region_name=self._settings.aws_region)
                except BotoCoreError as error:  # a profile that is not there
                    raise explain(error, "sts", "connect", "no region") from None
            return self._session


def _retries() -> dict[str, Any]:
    """Adaptive with six attempts, unless boto3's own variables say otherwise."""
    retries: dict[str, Any] = {}
    if "AWS_RETRY_MODE" not in os.environ:
        retries["mode"] = "adaptive"
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        retries["total_max_attempts"] = ATTEMPTS
    return retries
