"""A shop that was made in the back office is told of its payments: endpoints by the API alone.

A project, its keys and its endpoints are made by requests; then a payment is paid, and what comes
to the shop is signed as it must be.
"""

import json
import uuid

import pytest
from access_world import CARD_METHOD
from payment_page_sdk.signature_handler import SignatureHandler

from support import web
from support.callbacks import CallbackReceiver, checksum
from support.office import sign_in
from support.posted import PostReceiver

RETURN_URL = "https://shop.example/done"
NUMBERS = iter(range(880_000_000, 890_000_000))


@pytest.fixture(scope="module")
def operator(demo):
    """The root operator."""
    panels = json.loads((demo.data / "demo.json").read_text("utf-8"))["panels"]
    known = panels["operator"]
    return sign_in(panels["api_url"], known["email"], known["password"])


class Shop:
    """A new project under a new merchant, with a login of the register.do family."""

    def __init__(self, demo, operator):
        self.demo, self.operator = demo, operator
        mark = f"told-{uuid.uuid4().hex[:8]}"
        place = operator.get("/me")["place"]["id"]
        merchant = operator.post("/merchants", {"reseller_id": place, "name": mark}).of(201)["id"]
        body = {"merchant_id": merchant, "name": mark, "slug": mark, "currencies": ["KZT"]}
        self.id = operator.post("/projects", body).of(201)["id"]
        self.path = f"/projects/{self.id}/endpoints"
        settings = {"base_url": demo.simulator_url, "terminal_key": demo.terminal_key}
        method = {
            "reseller_id": place,
            "connector": {"kind": "builtin", "id": "sandbox-bank"},
            "name": f"Cards of {mark}",
            "settings": settings,
            "abilities": CARD_METHOD,
            "offered_to": [{"kind": "project", "id": self.id}],
        }
        operator.post("/methods", method).of(201)
        body = {"dialect": "rbs", "kind": "password", "login": f"{mark}-api"}
        password = operator.post(f"/projects/{self.id}/credentials", body).of(201)["secret"]
        self.login = {"userName": f"{mark}-api", "password": password}

    def endpoint(self, **wanted):
        return self.operator.post(self.path, {"format": "rbs"} | wanted)

    def paid(self, **more):
        """An order, registered and paid by the API of the shop."""
        number = f"T-{next(NUMBERS)}"
        fields = {"orderNumber": number, "amount": "1500", "returnUrl": RETURN_URL}
        registered = self.demo.rbs_call("register", **fields, **more, **self.login)
        order = registered["orderId"]
        card = self.demo.card("approved")
        fields = {"$PAN": card["pan"], "$EXPIRY": card["expiry"], "$CVC": card["cvc"]}
        paid = self.demo.rbs_call(
            "paymentorder", MDORDER=order, TEXT="TEST CARD", **fields, **self.login
        )
        assert str(paid["errorCode"]) == "0", paid
        return order

    def key(self):
        """A new key of the ECommPay family: its number, and the key."""
        number = next(NUMBERS)
        body = {"dialect": "ecommpay", "kind": "key", "number": number}
        path = f"/projects/{self.id}/credentials"
        made = self.operator.post(path, body).of(201)
        return number, made["secret"], f"{path}/{made['credential']['id']}"


@pytest.fixture
def shop(demo, operator):
    return Shop(demo, operator)


def test_a_project_made_by_the_api_hears_of_its_payments(shop):
    assert shop.operator.get(shop.path)["data"] == []
    with CallbackReceiver() as receiver, CallbackReceiver() as other:
        made = shop.endpoint(url=receiver.url).of(201)
        secret, endpoint = made["secret"], made["endpoint"]
        assert endpoint["method"] == "GET" and endpoint["signed_by"] == "secret"
        assert (endpoint["attempts_max"], endpoint["retry_pause_ms"]) == (3, 30_000)
        assert "captured" in endpoint["events"] and "cancelled" not in endpoint["events"]
        told = receiver.operation(shop.paid(), "deposited")
        assert told["checksum"] == checksum(told, secret)
        assert told["amount"] == "1500"

        # An address that a payment brings takes its place, signed in the same way.
        own, template = shop.operator.get(shop.path)["data"]
        assert own == endpoint and template["url"] is None
        order = shop.paid(dynamicCallbackUrl=other.url)
        told = other.operation(order, "deposited")
        assert told["checksum"] == checksum(told, secret)
        assert not any(each["mdOrder"] == order for each in receiver.received)

        # Another secret, of the template too.
        path = f"{shop.path}/{endpoint['id']}/secret"
        fresh = shop.operator.post(path, {}).of(200)["secret"]
        assert fresh != secret
        told = receiver.operation(shop.paid(), "deposited")
        assert told["checksum"] == checksum(told, fresh)
        told = other.operation(shop.paid(dynamicCallbackUrl=other.url), "deposited")
        assert told["checksum"] == checksum(told, fresh)

        # One that the shop has already is shown to nobody.
        typed = "a-key-of-another-gateway"
        assert shop.operator.post(path, {"secret": typed}).of(200)["secret"] is None
        told = receiver.operation(shop.paid(), "deposited")
        assert told["checksum"] == checksum(told, typed)
        shown = json.dumps(shop.operator.get(shop.path))
        assert typed not in shown and fresh not in shown


def test_an_endpoint_is_changed_as_it_was_seen_and_deleted(shop):
    with CallbackReceiver() as receiver, CallbackReceiver() as other:
        made = shop.endpoint(url=receiver.url, attempts_max=5, retry_pause_ms=2_000).of(201)
        path = f"{shop.path}/{made['endpoint']['id']}"
        seen = shop.operator.call("GET", path)
        assert seen.of(200) == made["endpoint"]
        tag = seen.headers["etag"]
        change = {"url": other.url, "events": ["refunded", "captured"]}
        changed = shop.operator.call("PATCH", path, change, if_match=tag)
        assert changed.of(200)["url"] == other.url
        assert changed.of(200)["events"] == ["captured", "refunded"]
        assert changed.headers["etag"] != tag
        assert changed.of(200)["attempts_max"] == 5
        shop.operator.call("PATCH", path, {"attempts_max": 1}, if_match=tag).refused(412, "stale")
        told = other.operation(shop.paid(), "deposited")
        assert told["checksum"] == checksum(told, made["secret"])
        assert receiver.received == []

        shop.operator.call("DELETE", path, if_match=tag).refused(412, "stale")
        shop.operator.call("POST", f"{path}/secret", {}, if_match=tag).refused(412, "stale")
        tag = changed.headers["etag"]
        same = shop.operator.call("PATCH", path, {"attempts_max": 5}, if_match=tag)
        assert same.of(200)["attempts_max"] == 5 and same.headers["etag"] == tag
        gone = shop.operator.call("DELETE", path, if_match=tag)
        assert gone.status == 204, gone.text
        shop.operator.call("GET", path).refused(404, "not_found")
        shop.operator.call("DELETE", path).refused(404, "not_found")
        # The template stays until it is deleted too.
        (template,) = shop.operator.get(shop.path)["data"]
        shop.endpoint().refused(409, "template_exists")
        gone = shop.operator.call("DELETE", f"{shop.path}/{template['id']}")
        assert gone.status == 204, gone.text
        alone = shop.endpoint(secret="0123456789abcdef").of(201)
        assert alone["secret"] is None and alone["endpoint"]["url"] is None
        told = other.operation(shop.paid(dynamicCallbackUrl=other.url), "deposited")
        assert told["checksum"] == checksum(told, "0123456789abcdef")


WRONG = [
    ({"url": "http://10.0.0.1/callback"}, "url"),
    ({"url": "http://169.254.169.254/latest"}, "url"),
    ({"url": "https://name:word@shop.example/"}, "url"),
    ({"url": "ftp://shop.example/"}, "url"),
    ({"url": ""}, "url"),
    ({"url": "https://shop.example/" + "x" * 2_048}, "url"),
    ({"format": "none", "url": "https://shop.example/"}, "format"),
    ({"url": "https://shop.example/", "method": "PATCH"}, "method"),
    ({"url": "https://shop.example/", "events": []}, "events"),
    ({"url": "https://shop.example/", "events": ["captured", "captured"]}, "events[1]"),
    ({"url": "https://shop.example/", "events": ["action_required"]}, "events[0]"),
    ({"url": "https://shop.example/", "attempts_max": 0}, "attempts_max"),
    ({"url": "https://shop.example/", "attempts_max": 101}, "attempts_max"),
    ({"url": "https://shop.example/", "retry_pause_ms": 999}, "retry_pause_ms"),
    ({"url": "https://shop.example/", "retry_pause_ms": 86_400_001}, "retry_pause_ms"),
    ({"url": "https://shop.example/", "secret": "short"}, "secret"),
    ({"url": "https://shop.example/", "secret": "with spaces in between"}, "secret"),
]


def test_what_an_endpoint_cannot_be_is_refused(shop):
    for body, place in WRONG:
        refused = shop.endpoint(**body).refused(422, "invalid")
        assert [one["field"] for one in refused["errors"]] == [place], (body, refused)
    assert shop.operator.get(shop.path)["data"] == []
    shop.endpoint(url="https://shop.example/").of(201)
    twice = shop.endpoint(url="https://shop.example/").refused(422, "invalid")
    assert twice["errors"][0]["field"] == "url"
    template = shop.operator.get(shop.path)["data"][-1]
    path = f"{shop.path}/{template['id']}"
    moved = shop.operator.call("PATCH", path, {"url": "https://shop.example/x"})
    assert moved.refused(422, "invalid")["errors"][0]["field"] == "url"


def test_the_project_s_key_signs_callbacks_of_ecommpay(demo, shop):
    with PostReceiver() as receiver:
        url = f"{receiver.url}/callback"
        shop.endpoint(format="ecommpay", url=url).refused(409, "no_project_key")
        number, key, place = shop.key()
        typed = shop.endpoint(format="ecommpay", url=url, secret="0123456789abcdef")
        assert typed.refused(422, "invalid")["errors"][0]["field"] == "secret"
        own = shop.endpoint(format="ecommpay", url=url, attempts_max=5)
        assert own.refused(422, "invalid")["errors"][0]["field"] == "attempts_max"
        made = shop.endpoint(format="ecommpay", url=url).of(201)
        assert made["secret"] is None
        endpoint = made["endpoint"]
        assert endpoint["signed_by"] == "project_key" and endpoint["attempts_max"] is None
        path = f"{shop.path}/{endpoint['id']}/secret"
        shop.operator.post(path, {}).refused(409, "signed_by_project_key")
        assert is_told(demo, receiver, number, key)

        # Another key in place of one that was revoked signs from then on.
        gone = shop.operator.call("DELETE", place)
        assert gone.status == 204, gone.text
        number, key, _ = shop.key()
        assert is_told(demo, receiver, number, key)


def is_told(demo, receiver, number, key):
    """A sale by the Gate is told with its end, and signed by the project's key."""
    signer, payment_id = SignatureHandler(key), f"told-{uuid.uuid4().hex}"
    card = demo.card("approved")
    body = {
        "general": {"project_id": number, "payment_id": payment_id},
        "payment": {"amount": 1000, "currency": "KZT", "description": "TEST"},
        "customer": {"id": "customer123", "ip_address": "1.1.1.1"},
        "card": {
            "pan": card["pan"],
            "year": int(card["expiry"][:4]),
            "month": int(card["expiry"][4:]),
            "card_holder": "MARY SMITH",
            "cvv": card["cvc"],
        },
    }
    body["general"]["signature"] = signer.sign(body)
    answer = web.ask(f"{demo.base_url}/v2/payment/card/sale", json=json.dumps(body))
    assert answer.status == 200, answer.text

    def is_the_end(posted):
        payment = posted.json.get("payment", {})
        return (payment.get("id"), payment.get("status")) == (payment_id, "success")

    told = receiver.wait_for("callback", is_the_end).json
    assert told["project_id"] == number
    return signer.check({k: v for k, v in told.items() if k != "signature"}, told["signature"])
