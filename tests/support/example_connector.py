"""The example connector as a process beside the gateway, and the payer at its page."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

from support import web

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "connector-python"

# The last two digits of an amount by which the example asks the payer on a page of its own, and so
# answers when a test wants it to.
ASKS_ON_PAGE = 1


class ExampleConnector:
    """It runs; a context manager. `url` is where the gateway calls it."""

    def __init__(self, key, data, port=0):
        self._data = data
        self._process = subprocess.Popen(
            [sys.executable, "-B", "connector.py", "--port", str(port), "--key", key,
             "--data", str(data)],
            cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )
        line = self._process.stdout.readline()
        assert line.startswith("listening on "), line
        self.url = line.removeprefix("listening on ").strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def operations(self):
        """All that it was asked to do, the oldest first: request and state of each."""
        with sqlite3.connect(self._data) as database:
            rows = database.execute("SELECT request, state FROM operations ORDER BY rowid")
            return [(json.loads(request), json.loads(state)) for request, state in rows]


def decide(page_url, result):
    """What the payer presses on the wallet's page: `success` or `failure`."""
    page = web.ask(page_url)
    answer = web.send(page, page.page.forms[0], test_result=result)
    assert answer.status == 303, (answer.status, answer.text)
