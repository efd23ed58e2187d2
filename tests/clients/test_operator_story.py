"""A gateway is added and earns its first money: the operator's whole story, by the API alone.

A root operator registers a connector, makes a payment method from it, and payers pay through the
example connector. A try whose period is over may still end well: whatever the payment does not need
stands on the customer's balance, once, and is spent or given back from there.
"""

import json
import subprocess
import uuid
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
from standardwebhooks import Webhook

from support import web
from support.demo import Demo, program, wait_until
from support.example_connector import ExampleConnector, decide
from support.office import Visitor, sign_in

# The connector's clock is the real one, and signatures hold for 300 seconds: all tests together may
# move the demo's clock by less.
PERIOD_MIN = 1
CUSTOMER = "demo-customer"
GIVEN_UP = "You gave the payment up"

SCHEMA = [
    {"type": "string", "key": "account", "label": "Account", "required": True,
     "pattern": "^[a-z0-9-]+$", "max_length": 40},
    {"type": "password", "key": "api_key", "label": "API key", "required": True},
    {"type": "select", "key": "mode", "label": "Mode", "default": "live", "options": [
        {"value": "live", "label": "Live"}, {"value": "test", "label": "Test"}]},
]
SETTINGS = {"account": "shop-7", "api_key": "k-secret-77", "mode": "test"}


@pytest.fixture(scope="module")
def gate():
    """A demo with a clock of its own, and what it tells of its people."""
    with Demo(manual_clock=True) as running:
        told = json.loads((running.data / "demo.json").read_text("utf-8"))["panels"]
        running.panels = SimpleNamespace(**told)
        yield running


def person(gate, who):
    known = getattr(gate.panels, who)
    return sign_in(gate.panels.api_url, known["email"], known["password"])


@pytest.fixture(scope="module")
def operator(gate):
    """The root operator."""
    return person(gate, "operator")


@pytest.fixture(scope="module")
def customer(gate):
    """The customer, who sees own things only."""
    return person(gate, "customer")


def wallet(**changed):
    """A connector to be registered."""
    return {
        "name": "Example wallet",
        "url": "http://127.0.0.1:9/",
        "processing_period_min": PERIOD_MIN,
        "schema": SCHEMA,
        "static": {"partner": "altyn"},
    } | changed


@pytest.fixture(scope="module")
def registered(operator):
    """The answer to the registration of the right connector."""
    return operator.post("/connectors", wallet()).of(201)


@pytest.fixture(scope="module")
def connector(gate, operator, registered):
    """The example connector, running with the key that was made, where the registry says."""
    path = f"/connectors/{registered['connector']['id']}"
    with ExampleConnector(registered["key"], gate.data / "connector.db") as running:
        tag = operator.call("GET", path).headers["etag"]
        operator.call("PATCH", path, {"url": running.url}, if_match=tag).of(200)
        stale = operator.call("PATCH", path, {"name": "Other"}, if_match=tag)
        stale.refused(412, "stale")
        yield running


def method_of(operator, registered, **changed):
    """A payment method to be made of the root reseller's."""
    return {
        "reseller_id": operator.get("/me")["place"]["id"],
        "connector": {"kind": "registered", "id": registered["connector"]["id"]},
        "name": {"ru": "Кошелёк", "en": "Wallet"},
        "settings": SETTINGS,
        "currencies": [{"currency": "KZT", "min": 100, "max": 100_000_000}],
        "abilities": {"refunds": "partial"},
    } | changed


@pytest.fixture(scope="module")
def method(operator, registered, connector):
    """A payment method of that connector."""
    return operator.post("/methods", method_of(operator, registered)).of(201)


@pytest.fixture(scope="module")
def customer_path(gate, customer):
    """Where the customer's balance and statement are."""
    place = customer.get("/me")["place"]
    assert (place["kind"], place["project_id"]) == ("customer", gate.panels.project_id)
    return f"/customers/{place['project_id']}/{place['id']}"


# The registry.


def test_a_wrong_schema_is_refused_with_the_place_of_each_flaw(operator):
    wrong = [*SCHEMA[:2], {"type": "select", "key": "mode"}, {"type": "date", "key": "account"}]

    flaws = operator.post("/connectors", wallet(name="Wrong", schema=wrong)).flaws()

    assert flaws == {
        "schema[2].options": "required for type select",
        "schema[3].type": "must be string, password, text, select, radio or checkbox",
        "schema[3].key": "is the key of another field too",
    }


def test_a_common_value_is_no_setting_too(operator):
    refused = operator.post("/connectors", wallet(name="Wrong", static={"account": "all"}))

    assert list(refused.flaws()) == ["static.account"]
    names = [one["name"] for one in operator.all("/connectors")]
    assert "Wrong" not in names


def test_a_right_connector_is_listed_and_its_key_shown_once(operator, registered):
    key, made = registered["key"], registered["connector"]

    assert key.startswith("whsec_") and len(key) > 30
    assert Webhook(key).sign("msg_1", datetime.now(timezone.utc), "{}").startswith("v1,")
    assert made["processing_period_min"] == PERIOD_MIN
    assert made["static"] == {"partner": "altyn"}
    fields = [(field["key"], field["kind"], field["secret"]) for field in made["fields"]]
    assert fields == [
        ("account", "string", False), ("api_key", "password", True), ("mode", "select", False),
    ]

    path = f"/connectors/{made['id']}"
    for shown in (operator.call("GET", path), operator.call("GET", "/connectors")):
        shown.of(200)
        assert key not in shown.text
        assert key[6:-4] not in shown.text
    listed = next(one for one in operator.all("/connectors") if one["id"] == made["id"])
    assert listed["key_hint"] == made["key_hint"]
    assert listed["key_hint"].endswith(key[-4:])


def test_the_connector_says_what_it_can_do(operator, registered, connector):
    told = operator.post(f"/connectors/{registered['connector']['id']}/describe", None).of(200)

    assert (told["name"], told["test"], told["holds"]) == ("Example wallet", True, True)
    assert {"currency": "KZT", "min": 100, "max": 100_000_000} in told["currencies"]


def test_a_reseller_operator_does_not_see_the_registry(gate, operator, registered):
    root = operator.get("/me")["place"]["id"]
    south = operator.post("/resellers", {"parent_id": root, "name": "South"}).of(201)
    invitation = operator.post("/invitations", {
        "email": "south@altyn.example",
        "role": "reseller_operator",
        "place": {"kind": "reseller", "id": south["id"]},
    }).of(201)
    session = Visitor(gate.panels.api_url).post("/invitations/accept", {
        "token": invitation["secret"],
        "name": "South operator",
        "password": "7 copper kettles on a stove",
    }).of(201)
    reseller = Visitor(gate.panels.api_url, session["token"])
    id = registered["connector"]["id"]

    for way, path, body in [
        ("GET", "/connectors", None),
        ("POST", "/connectors", wallet(name="South's")),
        ("GET", f"/connectors/{id}", None),
        ("PATCH", f"/connectors/{id}", {"name": "South's"}),
        ("DELETE", f"/connectors/{id}", None),
        ("POST", f"/connectors/{id}/rotate-key", {"overlap_hours": 0}),
        ("POST", f"/connectors/{id}/describe", None),
    ]:
        refused = reseller.call(way, path, body)
        refused.refused(403, "forbidden")
        assert registered["connector"]["name"] not in refused.text

    me = reseller.get("/me")
    assert "methods" in me["menu"]
    assert "connectors" not in me["menu"] and "connectors" not in me["permissions"]
    assert "connectors" in operator.get("/me")["menu"]


# The payment method.


def test_a_method_is_made_from_the_descriptors(operator, registered, connector):
    wanted = {"kind": "registered", "id": registered["connector"]["id"]}
    sources = operator.all("/method-connectors")
    source = next(one for one in sources if one["connector"] == wanted)
    by_key = {field["key"]: field for field in source["fields"]}
    assert list(by_key) == ["account", "api_key", "mode"]
    assert by_key["account"]["required"] and by_key["account"]["max_length"] == 40
    assert [one["value"] for one in by_key["mode"]["options"]] == ["live", "test"]

    wrong = {"account": "Shop 7", "mode": "other", "colour": "red"}
    flaws = operator.post("/methods", method_of(operator, registered, settings=wrong)).flaws()
    assert set(flaws) == {
        "settings.account", "settings.api_key", "settings.mode", "settings.colour",
    }
    assert flaws["settings.api_key"] == "required"


def test_a_secret_of_a_method_is_written_and_never_shown(operator, registered, method):
    path = f"/methods/{method['id']}"
    changed = operator.call("PATCH", path, {"settings": {"account": "shop-8", "mode": "live"}})

    for text in (
        json.dumps(method),
        operator.call("GET", path).text,
        operator.call("GET", "/methods").text,
        changed.text,
    ):
        assert SETTINGS["api_key"] not in text
    inside = changed.of(200)["inside"]
    assert inside["settings"] == {"account": "shop-8", "mode": "live"}
    assert inside["secrets"] == ["api_key"]
    told = operator.post(f"{path}/describe", None).of(200)
    assert told["name"] == "Example wallet"


def test_a_used_connector_keeps_its_schema_and_stays(operator, registered, method):
    path = f"/connectors/{registered['connector']['id']}"

    operator.call("PATCH", path, {"schema": SCHEMA[:1]}).refused(409, "schema_frozen")
    operator.call("DELETE", path).refused(409, "in_use")

    kept = operator.get(path)
    assert (kept["instances"], kept["schema"]) == (1, SCHEMA)


def test_an_unused_connector_can_be_changed_and_deleted(operator):
    made = operator.post("/connectors", wallet(name="Short-lived")).of(201)
    path = f"/connectors/{made['connector']['id']}"
    used = operator.post("/methods", method_of(operator, made)).of(201)
    operator.call("DELETE", path).refused(409, "in_use")

    operator.call("DELETE", f"/methods/{used['id']}").of(204)
    changed = operator.call("PATCH", path, {"schema": SCHEMA[:1]}).of(200)
    operator.call("DELETE", path).of(204)

    assert [field["key"] for field in changed["fields"]] == ["account"]
    operator.call("GET", path).refused(404, "not_found")


def test_the_project_is_offered_the_method(gate, operator, method):
    offered = operator.all(f"/projects/{gate.panels.project_id}/methods")

    assert method["id"] in [one["id"] for one in offered]


# Payments.


class Till:
    """Registers payments of the customer and tries to pay them."""

    def __init__(self, gate, operator, method, connector):
        self._gate, self._operator, self._method = gate, operator, method
        self._connector = connector

    def register(self, amount):
        payment = self._operator.post("/payments", {
            "project_id": self._gate.panels.project_id,
            "amount": {"amount": amount, "currency": "KZT"},
            "description": "Internet access",
            "payer": {"id": CUSTOMER},
        }).of(201)
        return payment["id"]

    def begin(self, payment, from_balance=None, by_wallet=True, who=None):
        """Somebody begins a try; what the payer does next."""
        wish = {"method": self._method["id"]} if by_wallet else {}
        if from_balance is not None:
            wish["from_balance"] = {"amount": from_balance, "currency": "KZT"}
        begun = (who or self._operator).post(f"/payments/{payment}/tries", wish)
        return begun.of(200)["next"]

    def page_of(self, payment, who=None):
        """Begins a try that the payer decides on the wallet's page, whose address it gives."""
        step = self.begin(payment, who=who)
        assert (step["step"], step["method"]) == ("open", "GET"), step
        return step["url"]

    def card(self, payment):
        return self._operator.get(f"/payments/{payment}")

    def operation(self, payment, number):
        return self.card(payment)["operations"][number - 1]

    def wait_for(self, payment, what, look):
        """The payment, once it is so."""

        def so():
            card = self.card(payment)
            return card if look(card) else None

        return wait_until(what, so)

    def let_the_period_pass(self, *payments):
        """Moves the clock until the timers of first tries have fired and the payments wait."""
        for payment in payments:
            assert self.card(payment)["status"] == "processing"
        self._gate.advance(PERIOD_MIN * 60 + 1)
        for payment in payments:
            card = self.wait_for(
                payment, "end of the period", lambda card: card["operations"][0]["period_over"]
            )
            assert card["status"] == "awaiting_payment"
            assert (card["operations"][0]["state"], card["error"]) == ("pending", None)

    def say_again(self):
        """Every end that the connector knows is told once more, as a message of its own."""
        key = self._connector.key
        for request, state in self._connector.operations():
            body = json.dumps(state)
            now, message = datetime.now(timezone.utc), f"evt_{uuid.uuid4().hex}"
            headers = {
                "content-type": "application/json",
                "connector-protocol": "1",
                "webhook-id": message,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(key).sign(message, now, body),
            }
            told = web.post(request["callback_url"], body.encode(), headers)
            assert 200 <= told.status < 300, (told.status, told.text)


@pytest.fixture(scope="module")
def till(gate, operator, method, connector, registered):
    connector.key = registered["key"]
    return Till(gate, operator, method, connector)


def balance(who, customer_path):
    """What can be spent, nothing being reserved."""
    balances = who.get(customer_path)["balances"]
    found = [one for one in balances if one["posted"]["currency"] == "KZT"]
    for one in found:
        assert one["reserved"]["amount"] == 0
        assert one["posted"] == one["available"]
    return sum(one["available"]["amount"] for one in found)


def statement(who, customer_path):
    """The lines, the oldest first: kind, payment, change, the balance after it."""
    lines = who.all(f"{customer_path}/statement", currency="KZT", limit=2)
    return [
        (line["kind"], line["payment_id"], line["change"]["amount"], line["balance"]["amount"])
        for line in reversed(lines)
    ]


def test_a_late_end_is_taken_while_the_payment_waits(till, customer):
    fails, succeeds = till.register(120_001), till.register(110_001)
    pages = {payment: till.page_of(payment) for payment in (fails, succeeds)}
    till.let_the_period_pass(fails, succeeds)

    decide(pages[succeeds], "success")
    decide(pages[fails], "failure")

    card = till.wait_for(succeeds, "payment", lambda card: card["status"] == "captured")
    assert (card["completed_by"], card["sums"]["captured"]["amount"]) == (1, 110_001)
    assert card["operations"][0]["period_over"]
    card = till.wait_for(fails, "late failure", lambda card: card["error"])
    assert card["status"] == "awaiting_payment"
    assert card["error"]["message"] == GIVEN_UP
    assert card["operations"][0]["error"]["message"] == GIVEN_UP
    seen = customer.get(f"/payments/{fails}")
    assert (seen["status"], seen["error"]) == ("awaiting_payment", card["error"])
    assert (seen["operations"], seen["incidents"]) == ([], [])

    # Another try takes it away.
    till.page_of(fails, customer)
    seen = customer.get(f"/payments/{fails}")
    assert (seen["status"], seen["error"]) == ("processing", None)


def test_a_failure_of_a_paid_payment_is_hidden(till, customer):
    payment = till.register(130_001)
    first = till.page_of(payment)
    till.let_the_period_pass(payment)
    second = till.page_of(payment, customer)

    decide(first, "success")
    till.wait_for(payment, "payment", lambda card: card["status"] == "captured")
    decide(second, "failure")
    card = till.wait_for(
        payment, "failure", lambda card: card["operations"][1]["state"] == "declined"
    )

    assert (card["status"], card["completed_by"], card["error"]) == ("captured", 1, None)
    assert card["operations"][1]["error"]["message"] == GIVEN_UP
    seen = customer.call("GET", f"/payments/{payment}")
    assert (seen.of(200)["status"], seen.of(200)["error"]) == ("captured", None)
    assert GIVEN_UP not in seen.text


def test_a_second_success_stands_on_the_balance_once_and_is_spent(
    till, operator, customer, customer_path, connector,
):
    assert balance(operator, customer_path) == 0

    # The first try is late, the second one is begun, and both succeed.
    paid_twice = till.register(250_001)
    first = till.page_of(paid_twice)
    till.let_the_period_pass(paid_twice)
    second = till.page_of(paid_twice, customer)
    decide(first, "success")
    card = till.wait_for(paid_twice, "payment", lambda card: card["status"] == "captured")
    assert card["completed_by"] == 1
    decide(second, "success")
    card = till.wait_for(
        paid_twice, "surplus", lambda card: card["operations"][1]["state"] == "succeeded"
    )
    surplus = card["operations"][1]
    assert (card["status"], card["completed_by"]) == ("captured", 1)
    assert card["sums"]["captured"]["amount"] == 250_001
    assert (surplus["surplus"], surplus["credited"]) == (True, True)
    assert surplus["surplus_left"]["amount"] == 250_001

    # Whatever is told again changes nothing.
    till.say_again()
    till.say_again()
    credited = ("surplus_credited", paid_twice, 250_001, 250_001)
    for who in (operator, customer):
        assert balance(who, customer_path) == 250_001
        assert statement(who, customer_path) == [credited]

    # A part of the next payment comes from the balance, the rest through the wallet.
    in_part = till.register(400_000)
    assert till.card(in_part)["can"]["payable_from_balance"]["amount"] == 250_001
    assert till.begin(in_part, from_balance=100_000)["step"] == "paid"
    card = till.card(in_part)
    assert (card["status"], card["sums"]["captured"]["amount"]) == ("captured", 400_000)
    assert card["operations"][0]["on_balance"]["amount"] == 100_000
    assert connector.operations()[-1][0]["amount"] == 300_000

    # Another one comes from it wholly: no gateway is asked.
    asked = len(connector.operations())
    wholly = till.register(50_000)
    assert till.begin(wholly, from_balance=50_000, by_wallet=False)["step"] == "paid"
    assert till.card(wholly)["status"] == "captured"
    assert len(connector.operations()) == asked
    assert balance(operator, customer_path) == 100_001

    # More than there is cannot be spent or given back; the customer gives nothing back alone.
    wish = {"from_balance": {"amount": 100_002, "currency": "KZT"}}
    more = till.register(100_002)
    operator.post(f"/payments/{more}/tries", wish).refused(422, "balance_too_small")
    path = f"{customer_path}/balance-refunds"
    rest = {"amount": {"amount": 100_001, "currency": "KZT"}, "reason": "the contract ended"}
    customer.post(path, rest).refused(403, "forbidden")
    assert "reason" in operator.post(path, rest | {"reason": ""}).flaws()

    # The rest goes back the way it came, once, even if the answer was lost.
    key = f"story-{uuid.uuid4().hex}"
    done = operator.post(path, rest, idempotency_key=key).of(200)
    again = operator.post(path, rest, idempotency_key=key).of(200)
    assert done["operation"]["id"] == again["operation"]["id"]
    number = done["operation"]["number"]
    card = till.wait_for(
        paid_twice, "return", lambda card: card["operations"][number - 1]["state"] == "succeeded"
    )
    assert card["operations"][number - 1]["description"] == "the contract ended"
    assert card["status"] == "captured"
    asked_back = [request for request, _ in connector.operations() if request["type"] == "refund"]
    assert [request["amount"] for request in asked_back] == [100_001]
    assert asked_back[0]["charge"] == surplus["id"]
    for who in (operator, customer):
        assert balance(who, customer_path) == 0
        assert statement(who, customer_path) == [
            credited,
            ("paid_from_balance", in_part, -100_000, 150_001),
            ("paid_from_balance", wholly, -50_000, 100_001),
            ("returned_through_gateway", paid_twice, -100_001, 0),
        ]


# What is left behind. These two look at whatever the tests above did.


def test_the_audit_is_clean(gate, till, operator):
    till.begin(till.register(70_000))

    audited = subprocess.run(
        [program(), "audit", "--data", str(gate.data)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )

    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert "0 differences" in audited.stdout.splitlines()
    assert operator.all("/incidents") == []


def test_the_trail_names_every_step(
    operator, customer, registered, method, customer_path, till,
):
    paid_twice = till.register(240_001)
    first = till.page_of(paid_twice)
    till.let_the_period_pass(paid_twice)
    second = till.page_of(paid_twice, customer)
    for page in (first, second):
        decide(page, "success")
    till.wait_for(
        paid_twice, "surplus", lambda card: card["operations"][1]["state"] == "succeeded"
    )
    back = {"amount": {"amount": 240_001, "currency": "KZT"}, "reason": "paid twice"}
    operator.post(f"{customer_path}/balance-refunds", back).of(200)
    operator.post(f"/connectors/{registered['connector']['id']}/describe", None).of(200)

    trail = operator.all("/audit", limit=100)
    me, payer = operator.get("/me")["id"], customer.get("/me")["id"]
    steps = {(entry["actor"], entry["action"], entry["subject"]) for entry in trail}
    connector_id, customer_id = registered["connector"]["id"], customer_path.rpartition("/")[2]
    assert {
        (me, "user.signed_in", me),
        (me, "connector.created", connector_id),
        (me, "connector.changed", connector_id),
        (me, "connector.described", connector_id),
        (me, "method.created", method["id"]),
        (me, "payment.register_asked", paid_twice),
        (me, "payment.try_asked", paid_twice),
        (payer, "user.signed_in", payer),
        (payer, "payment.try_asked", paid_twice),
        (me, "balance.refund_asked", customer_id),
    } <= steps
    asked = next(entry for entry in trail if entry["action"] == "balance.refund_asked")
    assert (asked["detail"]["amount"], asked["detail"]["reason"]) == (240_001, "paid twice")
    text = json.dumps(trail)
    for secret in (registered["key"], SETTINGS["api_key"], operator.token, customer.token):
        assert secret not in text
