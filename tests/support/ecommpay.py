"""A shop that takes payments through the Gate, and reads what it is told with the published SDK."""

import copy
import itertools
import json
import re
import uuid

import pytest
from payment_page_sdk.gate import Gate
from payment_page_sdk.process_exception import ProcessException
from payment_page_sdk.signature_handler import SignatureHandler

from support import web
from support.raw_http import exchange, message

JSON = "Content-Type: application/json"
REQUEST_ID = re.compile(r"[0-9a-f]{40}-[0-9a-f]{40}-[0-9]{8}")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0000")

# The buyer of the documented example.
BUYER = {
    "id": "customer123",
    "ip_address": "1.1.1.1",
    "first_name": "Mary",
    "last_name": "Smith",
    "phone": "76575657657676",
    "email": "smith@example.com",
}
RETURN_URL = {"success": "http://example.com/success", "decline": "http://example.com/decline"}

SERIAL = itertools.count(1)
RUN = uuid.uuid4().hex[:8]


def fresh_id(prefix="TEST"):
    """A payment's id that was never used."""
    return f"{prefix}_{RUN}_{next(SERIAL)}"


class Shop:
    """The demo's project in India. `receiver` is where it wants its callbacks."""

    def __init__(self, demo, receiver):
        known = demo.ecommpay
        self.demo = demo
        self.receiver = receiver
        self.project_id = known["project_id"]
        self.page_url = known["payment_page_url"]
        self.callback_url = f"{receiver.url}/callback"
        self.signer = SignatureHandler(known["secret"])
        self.gate = Gate(known["secret"], self.page_url)

    def general(self, payment_id):
        return {
            "project_id": self.project_id,
            "payment_id": payment_id,
            "merchant_callback_url": self.callback_url,
        }

    def signed(self, body, place=("general",)):
        """The body with its signature in this object of it, and nothing else changed."""
        body = copy.deepcopy(body)
        signature = self.signer.sign(body)
        target = body
        for name in place:
            target = target[name]
        target["signature"] = signature
        return body

    def send(self, path, body):
        """Posts a body as it is; gives the answer."""
        data = json.dumps(body).encode()
        return exchange(self.demo.address, message("POST", f"/v2/{path}", JSON, body=data))

    def call(self, path, payment_id, **members):
        """One signed request about a payment."""
        general = self.general(payment_id) | members.pop("general", {})
        return self.send(f"payment/{path}", self.signed({"general": general} | members))

    def accepted(self, path, payment_id, **members):
        """One that must be taken for processing: gives the id of the request."""
        answer = self.call(path, payment_id, **members)
        assert answer.status == 200, answer.body
        body = answer.json
        assert list(body) == ["status", "request_id", "project_id", "payment_id"]
        assert (body["status"], body["project_id"]) == ("success", self.project_id)
        assert body["payment_id"] == payment_id
        assert REQUEST_ID.fullmatch(body["request_id"]), body
        return body["request_id"]

    def wallet_sale(self, payment_id, amount=15000, **members):
        """A sale by wallet; gives the id of the request."""
        fields = {
            "payment": {"amount": amount, "currency": "INR", "description": "TEST"},
            "customer": BUYER,
            "return_url": RETURN_URL,
        }
        return self.accepted("wallet-partner/sale", payment_id, **fields | members)

    def card(self, behaviour):
        """A test card as the Gate takes it."""
        known = self.demo.card(behaviour)
        return {
            "pan": known["pan"],
            "year": int(known["expiry"][:4]),
            "month": int(known["expiry"][4:]),
            "card_holder": "MARY SMITH",
            "cvv": known["cvc"],
        }

    def by_card(self, operation, payment_id, behaviour="approved", amount=20000, **members):
        """A sale or an auth by card; gives the id of the request."""
        fields = {
            "payment": {"amount": amount, "currency": "EUR", "description": "TEST"},
            "customer": BUYER,
            "card": self.card(behaviour),
        }
        return self.accepted(f"card/{operation}", payment_id, **fields | members)

    def callback(self, request_id, status):
        """The callback, come or coming, about the operation that a request began."""

        def told(posted):
            operation = posted.json.get("operation", {})
            return operation.get("request_id") == request_id and operation["status"] == status

        posted = self.receiver.wait_for(f"callback {status}", told)
        self.believe(posted)
        return posted.json

    def callbacks(self, payment_id):
        """All callbacks that have come about a payment."""
        return [each for each in self.receiver.received if each.json["payment"]["id"] == payment_id]

    def believe(self, posted):
        """What the published SDK makes of a callback: it must accept it, and nothing else."""
        assert posted.path == "/callback"
        assert posted.headers["content-type"].split(";")[0] == "application/json"
        read = self.gate.handle_callback(posted.text)
        body = posted.json
        assert read.get_payment_id() == body["payment"]["id"]
        assert read.get_payment_status() == body["payment"]["status"]
        assert read.get_payment() == body["payment"]
        assert read.get_signature() == body["signature"]

    def disbelieve_changes(self, posted):
        """One other character anywhere in a value, and the published SDK refuses the callback."""
        refused = 0
        for changed in with_one_change(posted.json):
            with pytest.raises(ProcessException, match="is invalid"):
                self.gate.handle_callback(json.dumps(changed))
            refused += 1
        return refused

    def status(self, payment_id, **members):
        """What the Gate says of a payment; its signature must be right."""
        general = {"project_id": self.project_id, "payment_id": payment_id}
        body = self.signed({"general": general} | members)
        return self.verified(self.send("payment/status", body))

    def status_of_request(self, request_id):
        """What the Gate says of a request."""
        body = {"project_id": self.project_id, "request_id": request_id}
        return self.verified(self.send("payment/status/request", self.signed(body, ())))

    def verified(self, answer):
        """The body of a signed answer, its signature found right by the SDK and taken away."""
        assert answer.status == 200, answer.body
        body = answer.json
        signature = body.pop("signature")
        assert self.signer.check(body, signature)
        return body

    def wallet_page(self, callback):
        """The page of the wallet's partner, opened as the callback says."""
        data = callback["redirect_data"]
        assert set(data) == {"body", "method", "url", "encrypted"}
        fields = data["body"] or {}
        shown = web.ask(data["url"], fields if data["method"] == "POST" else None)
        assert shown.status == 200, shown.text
        return shown

    def pay_by_wallet(self, payment_id, action="pay", **members):
        """A sale by wallet with the payer at the partner's page; gives the last callback."""
        request_id = self.wallet_sale(payment_id, **members)
        shown = self.wallet_page(self.callback(request_id, "awaiting redirect result"))
        form = shown.page.forms[0]
        web.send(shown, form, action=action)
        return self.callback(request_id, "success" if action == "pay" else "decline")


def with_one_change(body):
    """Copies of a message, each with one character of one value changed: each of them once."""
    for path, value in leaves(body):
        for changed in changes(value):
            copied = copy.deepcopy(body)
            holder = copied
            for name in path[:-1]:
                holder = holder[name]
            holder[path[-1]] = changed
            yield copied


def leaves(value, path=()):
    """Each text and number of a message, with the way to it."""
    members = enumerate(value) if isinstance(value, list) else value.items()
    for name, member in members:
        if isinstance(member, dict | list):
            yield from leaves(member, (*path, name))
        else:
            # Clients sign these each in their own way.
            assert isinstance(member, str | int) and not isinstance(member, bool), (path, name)
            yield (*path, name), member


def changes(value):
    """The value with each of its characters replaced by another, one at a time."""
    text = str(value)
    for place, old in enumerate(text):
        new = chr(ord(old) ^ 1) if old.isalnum() else "-" if old == "_" else "_"
        if isinstance(value, int) and new == "0" and place == 0 and len(text) > 1:
            new = "3"
        changed = text[:place] + new + text[place + 1:]
        yield int(changed) if isinstance(value, int) else changed
    if value == "":
        yield "_"
