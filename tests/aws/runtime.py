"""`InvokeEndpoint`: which container answers, and what becomes of its answer."""

import random
import threading
from collections.abc import Mapping
from typing import Any

from tests.aws.endpoints import Endpoint, Endpoints
from tests.aws.errors import AwsError
from tests.aws.fleet import Fleet, Reply, Variant
from tests.aws.watch import Watch
from tests.aws.wire import ACCOUNT, Answer, Call

MEGABYTE = 1024 * 1024
REAL_TIME_BYTES, SERVERLESS_BYTES = 6 * MEGABYTE, 4 * MEGABYTE


class Runtime:
    """The `sagemaker-runtime` service."""

    def __init__(self, endpoints: Endpoints, watch: Watch) -> None:
        self._endpoints, self._watch = endpoints, watch
        self._random = random.Random(0)
        self._shadows: list[threading.Thread] = []

    def invoke(self, call: Call) -> Answer:
        """Answer `InvokeEndpoint`.

        Raises:
            AwsError: as AWS words it.
        """
        name = call.params["EndpointName"]
        if name not in self._endpoints.shelf:
            raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
        endpoint = self._endpoints.shelf.get(name)
        fleet = self._borrowed(endpoint)
        try:
            return self._answer(endpoint, fleet, call)
        finally:
            fleet.give_back()

    def close(self) -> None:
        """Wait for the requests that were sent to shadows."""
        for thread in self._shadows:
            thread.join()

    def _answer(self, endpoint: Endpoint, fleet: Fleet, call: Call) -> Answer:
        variant = self._variant(fleet, call.params)
        limit = SERVERLESS_BYTES if variant.serverless else REAL_TIME_BYTES
        if len(call.body) > limit:
            # The front end refuses it before any service could name an error.
            return Answer(413, [("Content-Type", "text/html")], b"Request Entity Too Large")
        for shadow in fleet.variants:
            if shadow.shadow and fleet.borrow():
                thread = threading.Thread(target=self._shadow, args=(endpoint, fleet, shadow, call))
                self._shadows.append(thread)
                thread.start()
        reply = self._ask(endpoint, variant, call)
        if reply.status != 200:
            raise _model_error(endpoint, variant, reply)
        headers = [
            ("Content-Type", reply.content_type),
            ("x-Amzn-Invoked-Production-Variant", variant.name),
        ]
        return Answer(200, headers, reply.body)

    def _borrowed(self, endpoint: Endpoint) -> Fleet:
        """The fleet that gets this request; it goes on as long as that takes."""
        while True:
            fleet = self._fleet(endpoint)
            if fleet.borrow():
                return fleet

    def _fleet(self, endpoint: Endpoint) -> Fleet:
        fleet, successor = endpoint.fleet, endpoint.successor
        if successor is not None and self._random.random() < endpoint.share:
            return successor
        if fleet is None:
            raise AwsError(
                "ValidationError", f"Endpoint {endpoint.name} is not in service: {endpoint.status}."
            )
        return fleet

    def _variant(self, fleet: Fleet, params: Mapping[str, Any]) -> Variant:
        if "TargetVariant" in params:
            return fleet.named(params["TargetVariant"])
        production = [variant for variant in fleet.variants if not variant.shadow]
        weights = [variant.weight for variant in production]
        if not any(weights):
            raise AwsError("ValidationError", "No variant of this endpoint takes traffic.")
        return self._random.choices(production, weights)[0]

    def _shadow(self, endpoint: Endpoint, fleet: Fleet, shadow: Variant, call: Call) -> None:
        """Ask a shadow variant, whose answer nobody gets."""
        try:
            self._ask(endpoint, shadow, call)
        finally:
            fleet.give_back()

    def _ask(self, endpoint: Endpoint, variant: Variant, call: Call) -> Reply:
        """Ask a variant, and note what is measured."""
        params = call.params
        reply = variant.container.invoke(call.body, params.get("ContentType"), params.get("Accept"))
        self._watch.record(
            endpoint.name,
            variant.name,
            {
                "Invocations": 1.0,
                "Invocation4XXErrors": float(400 <= reply.status < 500),
                "Invocation5XXErrors": float(reply.status >= 500 or reply.status == 0),
                "ModelLatency": reply.seconds * 1e6,
            },
        )
        return reply


def _model_error(endpoint: Endpoint, variant: Variant, reply: Reply) -> AwsError:
    text = reply.body.decode(errors="replace")
    group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
    return AwsError(
        "ModelError",
        f"Received {'server' if reply.status in (0, *range(500, 600)) else 'client'} error "
        f'({reply.status}) from primary with message "{text}". See '
        f"https://us-east-1.console.aws.amazon.com/cloudwatch/home#logEventViewer:group={group} "
        f"in account {ACCOUNT} for more information.",
        424,
        OriginalStatusCode=reply.status,
        OriginalMessage=text,
        LogStreamArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}",
    )
