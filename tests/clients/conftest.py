"""What the tests of the clients share."""

import itertools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.demo import Demo  # noqa: E402

# The clients obey these variables; the gateway is on this machine.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"

NUMBERS = itertools.count(1)



def pytest_configure(config):
    """cashfree-pg is older than the pydantic that it takes: that says nothing about us."""
    config.addinivalue_line("filterwarnings", "ignore::DeprecationWarning:cashfree_pg")
    config.addinivalue_line("filterwarnings", "ignore:Pydantic serializer warnings:UserWarning")


@pytest.fixture(scope="session")
def demo():
    """One gateway for all clients; each makes orders of its own."""
    with Demo() as running:
        yield running


@pytest.fixture
def order_number():
    """A number that no order has yet, at every call."""
    return lambda: f"TEST-{next(NUMBERS)}"
