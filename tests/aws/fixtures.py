"""The fixture: import it into a `conftest.py` with `from tests.aws.fixtures import aws`."""

from collections.abc import Iterator

import pytest

from tests.aws.server import AwsServer


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServer]:
    """An empty AWS account, which this process and those that it starts reach."""
    server = AwsServer()
    server.start()
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    yield server
    server.stop()
