from __future__ import annotations

import os

import pytest
from hypothesis import settings

from lienthong.testing.rabbitmq import PrivateRabbit, is_installed

# The same examples in every run: a failure belongs to the change that is being tested. A longer
# search is asked for by name.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory):
    """Give a RabbitMQ server of the tests' own; one per run of pytest."""
    if not is_installed():
        message = "RabbitMQ is not installed; run: scripts/install-system.sh tests"
        if os.environ.get("CI") or os.environ.get("LIENTHONG_REQUIRE_SERVERS") == "1":
            pytest.fail(message)
        pytest.skip(message)
    server = PrivateRabbit(folder=tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.start()
        yield server
    finally:
        server.stop()
