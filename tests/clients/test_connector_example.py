"""The example connector against the Python library of Standard Webhooks, which plays the gateway.

What it answers and sends must be believed by the library, and it must believe what the library
signs and nothing else; and it forgets nothing when it is started again.
"""

import json
import subprocess
import sys
import time
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from support import web
from support.posted import PostReceiver

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "connector-python"
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class Connector:
    """The example as a process; a context manager."""

    def __init__(self, *more, key=KEY):
        self._process = subprocess.Popen(
            [sys.executable, "-B", "connector.py", "--port", "0", "--key", key, *more],
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

    def ask(self, request, key=KEY, at=None, answer_key=KEY, **headers):
        """Asks as the gateway does; the answer is verified by the library unless it is a 401."""
        body = json.dumps(request, ensure_ascii=False)
        at = at or datetime.now(timezone.utc)
        message_id = f"msg_{uuid.uuid4().hex}"
        stamp = {
            "content-type": "application/json",
            "connector-protocol": "1",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(key).sign(message_id, at, body),
        }
        shown = web.post(self.url, body.encode(), stamp | headers)
        if shown.status != 401:
            assert shown.headers["webhook-id"] == message_id
            Webhook(answer_key).verify(shown.text, shown.headers)
        return shown.status, json.loads(shown.text)


@pytest.fixture
def receiver():
    with PostReceiver() as running:
        yield running


@pytest.fixture
def connector():
    with Connector() as running:
        yield running


def charge(amount, receiver=None, **changed):
    """A charge that nobody has made yet."""
    operation = f"opr_{uuid.uuid4().hex}"
    address = receiver.url if receiver else "http://127.0.0.1:9"
    return {
        "type": "charge",
        "operation": operation,
        "payment": {"id": "pay_1", "reference": "A-1", "description": "Чай & cups"},
        "amount": amount,
        "currency": "INR",
        "capture": True,
        "customer": {},
        "language": "en",
        "return_url": "https://shop.example/back",
        "callback_url": f"{address}/{operation}",
        "expires_at_ms": int((time.time() + 900) * 1000),
        "settings": {},
        "static": {},
    } | changed


def status(made):
    return {"type": "status", "operation": made["operation"], "settings": {}, "static": {}}


def error(answer):
    code, body = answer
    return code, body["error"]["code"]


def test_the_library_believes_its_answers(connector):
    made = charge(15_050)

    code, state = connector.ask(made)

    told = (state["status"], state["amount"], state["currency"])
    assert (code, told) == (200, ("success", 15_050, "INR"))
    assert connector.ask(status(made)) == (200, state)
    assert connector.ask(made) == (200, state)


def test_it_believes_nothing_else_than_the_key(connector):
    made = charge(15_050)
    late = datetime.now(timezone.utc) - timedelta(seconds=310)
    spoilt = [
        {"key": OTHER_KEY},
        {"at": late},
        {"at": late + timedelta(seconds=620)},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "nonsense"},
        {"webhook-id": "a.b"},
        {"webhook-timestamp": "1e9"},
    ]
    for changed in spoilt:
        assert error(connector.ask(made, **changed)) == (401, "unauthorized"), changed
    assert error(connector.ask(status(made))) == (404, "not_found")


def test_the_library_believes_its_callbacks_and_a_refused_one_comes_again(connector, receiver):
    made = charge(15_003, receiver)
    receiver.status = 503
    assert connector.ask(made)[1]["status"] == "processing"
    told = {"path": f"/{made['operation']}"}

    first = receiver.wait_for("callback", lambda posted: posted.path == told["path"])
    receiver.status = 200
    second = receiver.wait_for("callback again", lambda posted: posted is not first)

    for posted in (first, second):
        state = Webhook(KEY).verify(posted.text, posted.headers)
        assert (state["operation"], state["status"]) == (made["operation"], "success")
        with pytest.raises(WebhookVerificationError):
            Webhook(OTHER_KEY).verify(posted.text, posted.headers)
    assert first.text == second.text
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert connector.ask(status(made))[1] == state


def test_a_key_is_replaced_without_a_pause():
    with Connector(key=f"{OTHER_KEY} {KEY}") as connector:
        made = charge(15_050)

        by_the_old = connector.ask(made, answer_key=OTHER_KEY)
        by_the_new = connector.ask(status(made), key=OTHER_KEY, answer_key=OTHER_KEY)

        assert by_the_old == by_the_new
        assert by_the_new[1]["status"] == "success"


def test_a_payer_pays_on_its_page(connector, receiver):
    made = charge(15_001, receiver)
    redirect = connector.ask(made)[1]["redirect"]
    page = web.ask(redirect["url"])
    assert "Чай &amp; cups" in page.text
    assert "150.01 INR" in page.text

    back = web.send(page, page.page.forms[0], test_result="success")

    assert (back.status, back.location) == (303, made["return_url"])
    told = receiver.wait_for("callback", lambda posted: posted.path == f"/{made['operation']}")
    assert told.json["status"] == "success"
    assert "has ended" in web.ask(redirect["url"]).text
    assert web.ask(redirect["url"] + "x").status == 404


def test_it_forgets_nothing_when_it_is_started_again(tmp_path, receiver):
    data = str(tmp_path / "connector.db")
    receiver.status = 503
    paid, late = charge(15_050), charge(15_003, receiver)
    with Connector("--data", data) as connector:
        state = connector.ask(paid)[1]
        connector.ask(late)
    receiver.status = 200

    with Connector("--data", data) as connector:
        told = receiver.wait_for("callback", lambda posted: posted.path == f"/{late['operation']}")
        assert told.json["status"] == "success"
        assert connector.ask(paid) == (200, state)
        assert error(connector.ask(paid | {"amount": 15_051})) == (409, "id_reused")
        assert connector.ask(paid | {"settings": {"secret": "new"}}) == (200, state)


def test_its_library_is_the_one_that_is_tested():
    wanted = (FOLDER / "requirements.txt").read_text("utf-8").split()
    tested = Path(__file__).resolve().parents[1] / "requirements.txt"
    assert set(wanted) <= set(tested.read_text("utf-8").splitlines())
