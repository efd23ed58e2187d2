"""One row for every address of the program beside the back office, and every method of a dialect.

The addresses are read out of the sources, so that a new one without a row fails by its name. A row
says how a request about another project's order is made by somebody who has keys of his own project
only, and what comes: the dialect's own "there is no such thing".
"""

import json
import re
import uuid
from dataclasses import dataclass
from urllib.parse import urlencode

from payment_page_sdk.signature_handler import SignatureHandler

from support import web
from support.demo import REPOSITORY, wait_until

CRATES = REPOSITORY / "crates"
SOURCES = [
    *sorted((CRATES / "dialects" / "src" / "rbs").rglob("*.rs")),
    *sorted((CRATES / "dialects" / "src" / "ecommpay").rglob("*.rs")),
    *sorted(one for one in (CRATES / "web" / "src").rglob("*.rs") if "backoffice" not in one.parts),
    CRATES / "server" / "src" / "operations.rs",
]
ROUTE = re.compile(r"\.route\(\s*(\"[^\"]+\"|[A-Z_]+|&?format!\([^)]*\))\s*,", re.S)
CONSTANT = re.compile(r"const ([A-Z_]+): &(?:'static )?str = (\"[^\"]*\")")


def routes():
    """Every address that the sources add to the router."""
    found = set()
    for source in SOURCES:
        text = source.read_text("utf-8").split("#[cfg(test)]\nmod tests {")[0]
        constants = dict(CONSTANT.findall(text))
        for word in ROUTE.findall(text):
            found.add(constants.get(word, word).strip('"'))
    return found


def rbs_methods():
    """Every method of the register.do family that is had here, as its table names them."""
    text = (CRATES / "dialects" / "src" / "rbs" / "method.rs").read_text("utf-8")
    table = text.split("const METHODS")[1].split("];")[0]
    return set(re.findall(r'"([^"]+\.do)"', table.split("Unsupported")[0])) - {
        "createbindingnopayment.do"
    }


def gate_paths():
    """Every request of the Gate that its own test of addresses names."""
    text = (CRATES / "dialects" / "src" / "ecommpay" / "gate.rs").read_text("utf-8")
    shown = re.findall(r'\(\s*"((?:payment|info)/[^"]+)",\s*\n?\s*(?!lacking)\w', text)
    return set(shown)


@dataclass
class Shop:
    """A project with its keys of both dialects, an order that is paid and one that is not."""

    world: object
    tree: object

    def __post_init__(self):
        api, tree = self.world.api, self.tree
        self.demo = self.world.demo
        self.number = 500_000_000 + self.world.number() * 100 + len(tree.mark)
        path = f"/projects/{tree.ids['project']}/credentials"
        body = {"dialect": "ecommpay", "kind": "key", "number": self.number}
        self.signer = SignatureHandler(api.made(self.world.root, path, body)["secret"])
        self.login = {"userName": tree.login, "password": tree.password}
        self.order_number = f"{tree.mark}-rbs-{self.world.number()}"
        self.unpaid = self.register(f"{self.order_number}-open")
        self.paid = self.register(self.order_number)
        for ending in ("-once", "-twice"):
            self.register(f"{self.order_number}{ending}")
        paid = self.rbs("paymentorder", **self.card(self.paid))
        assert paid["errorCode"] == 0 or paid["errorCode"] == "0", paid
        self.sale_id, self.request_id = self.sold()
        # Its number is taken by other shops in the course of the tests.
        self.spare_id, _ = self.sold()

    def sold(self):
        """A sale by the Gate, brought to its end: the payment's id and the request's."""
        payment_id = f"{self.tree.mark}-gate-{self.world.number()}"
        answer = self.gate("payment/card/sale", self.general(payment_id) | self.sale())
        assert answer.status == 200, answer.text

        def is_done():
            told = json.loads(self.gate("payment/status", self.general(payment_id)).text)
            return told.get("payment", {}).get("status") == "success"

        wait_until("sale", is_done)
        return payment_id, json.loads(answer.text)["request_id"]

    def rbs(self, method, login=None, **fields):
        """One call of the register.do family with this shop's or somebody else's login."""
        known = self.login if login is None else login
        shown = web.ask(f"{self.demo.base_url}/payment/rest/{method}.do", known | fields)
        assert shown.status == 200, (method, shown.status, shown.text)
        return json.loads(shown.text)

    def register(self, number):
        fields = {"orderNumber": number, "amount": "1000", "returnUrl": "https://shop.example/done"}
        answer = self.rbs("register", **fields)
        assert "orderId" in answer, answer
        return answer["orderId"]

    def card(self, order):
        card = self.demo.card("approved")
        fields = {"$PAN": card["pan"], "$EXPIRY": card["expiry"], "$CVC": card["cvc"]}
        return fields | {"MDORDER": order, "TEXT": "TEST CARD"}

    def general(self, payment_id, number=None):
        known = {"project_id": number or self.number, "payment_id": payment_id}
        return {"general": known}

    def sale(self):
        card = self.demo.card("approved")
        return {
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

    def gate(self, path, body):
        """One request of the Gate, signed by this shop's key."""
        signature = self.signer.sign(body)
        body = json.loads(json.dumps(body))
        (body.get("general") or body)["signature"] = signature
        return web.ask(f"{self.demo.base_url}/v2/{path}", json=json.dumps(body))

    def page(self, **changed):
        """The parameters of the Payment Page, signed by this shop's key."""
        fields = {
            "project_id": str(self.number),
            "payment_id": f"page-{uuid.uuid4().hex[:8]}",
            "payment_amount": "1000",
            "payment_currency": "KZT",
            "customer_id": "customer1",
        } | {name: str(value) for name, value in changed.items()}
        return fields | {"signature": self.signer.sign(fields)}

    def state(self):
        """What this shop is told of all its orders."""
        told = [
            self.rbs("getOrderStatusExtended", orderId=order) for order in (self.paid, self.unpaid)
        ]
        for payment_id in (self.sale_id, self.spare_id):
            told.append(json.loads(self.gate("payment/status", self.general(payment_id)).text))
        return told

    def marks(self):
        """What nobody else may hear."""
        return self.tree.marks() | {str(self.number)}


def refused(answer):
    """The register.do family's words for: there is no such order."""
    code = str(answer.get("errorCode", answer.get("ErrorCode")))
    return code not in ("0", "None")


def by_order(method, **more):
    """A method about one order, each of the other shop's."""

    def ask(mine, other):
        told = []
        for order in (other.paid, other.unpaid):
            answer = mine.rbs(method, orderId=order, **more)
            told.append(answer)
            assert refused(answer), (method, answer)
            # Another shop's order and none at all are told in the same words.
            assert answer == mine.rbs(method, orderId=str(uuid.uuid4()), **more), (method, answer)
        return told

    return ask


def by_number(method):
    """A method that knows orders by the shop's own number too."""

    def ask(mine, other):
        answer = mine.rbs(method, orderNumber=other.order_number)
        assert refused(answer), (method, answer)
        return by_order(method)(mine, other) + [str(answer).replace(other.order_number, "")]

    return ask


def register_again(method, ending):
    """The other shop's number is free here: an order of one's own."""

    def ask(mine, other):
        fields = {"orderNumber": f"{other.order_number}{ending}", "amount": "700"}
        answer = mine.rbs(method, returnUrl="https://shop.example/done", **fields)
        assert answer["orderId"] not in (other.paid, other.unpaid), answer
        own = mine.rbs("getOrderStatusExtended", orderId=answer["orderId"])
        assert own["amount"] == 700, own
        return [answer]

    return ask


def pay_order(mine, other):
    answer = mine.rbs("paymentorder", **mine.card(other.unpaid))
    assert refused(answer), answer
    assert answer == mine.rbs("paymentorder", **mine.card(str(uuid.uuid4()))), answer
    return [answer]


def last_orders(mine, other):
    period = {"from": "20200101000000", "to": "20991231235959", "transactionStates": "CREATED,"
              "APPROVED,DEPOSITED,DECLINED,REVERSED,REFUNDED", "size": "200"}
    return [mine.rbs("getLastOrdersForMerchants", **period)]


def without_orders(method, **fields):
    """A method that names no order: whatever it says, it says nothing of the other shop."""
    return lambda mine, other: [mine.rbs(method, **fields)]


RBS = {
    "register.do": register_again("register", "-once"),
    "registerpreauth.do": register_again("registerPreAuth", "-twice"),
    "getorderstatusextended.do": by_number("getOrderStatusExtended"),
    "getorderstatus.do": by_order("getOrderStatus"),
    "deposit.do": by_order("deposit", amount="0"),
    "reverse.do": by_order("reverse"),
    "refund.do": by_order("refund", amount="100"),
    "decline.do": by_order("decline"),
    "getlastordersformerchants.do": last_orders,
    "paymentorder.do": pay_order,
    "verifyenrollment.do": without_orders("verifyEnrollment", pan="4111111111111111"),
    "getbindings.do": without_orders("getBindings", clientId="customer1"),
    "getbindingsbycardorid.do": without_orders("getBindingsByCardOrId", bindingId="none"),
    "bindcard.do": without_orders("bindCard", bindingId="none"),
    "unbindcard.do": without_orders("unBindCard", bindingId="none"),
    "extendbinding.do": without_orders("extendBinding", bindingId="none", newExpiry="203012"),
}


def gate_about(path, **members):
    """A request about the other shop's payment, and one in the other shop's name."""

    def ask(mine, other):
        body = mine.general(other.sale_id) | members
        answer = mine.gate(path, body)
        assert answer.status != 200 or "request_id" not in answer.text, (path, answer.text)
        none = mine.gate(path, mine.general("none-" + other.sale_id) | members)
        assert answer.status == none.status, (path, answer.text, none.text)
        forged = mine.gate(path, other.general(other.sale_id) | members)
        assert forged.status in (400, 401, 403), (path, forged.status, forged.text)
        told = [answer.text, forged.text]
        return [one.replace(other.sale_id, "").replace(str(other.number), "") for one in told]

    return ask


def gate_sale(path):
    """The other shop's id is free here: a payment of one's own. In the other's name: nothing."""

    def ask(mine, other):
        answer = mine.gate(path, mine.general(other.spare_id) | mine.sale())
        told = answer.text.replace(other.spare_id, "")
        forged = mine.gate(path, other.general(f"forged-{uuid.uuid4().hex}") | mine.sale())
        assert forged.status in (400, 401, 403), (path, forged.status, forged.text)
        return [told]

    return ask


def gate_request(mine, other):
    body = {"project_id": mine.number, "request_id": other.request_id}
    answer = mine.gate("payment/status/request", body)
    absent = body | {"request_id": re.sub("[0-9a-f]", "0", other.request_id)}
    none = mine.gate("payment/status/request", absent)
    assert answer.status == none.status, (answer.text, none.text)
    assert other.sale_id not in answer.text, answer.text
    forged = mine.gate("payment/status/request", body | {"project_id": other.number})
    assert forged.status in (400, 401, 403), forged.text
    return [answer.text.replace(other.request_id, "")]


def gate_info(path):
    def ask(mine, other):
        forged = mine.gate(path, {"project_id": other.number})
        assert forged.status != 200, (path, forged.text)
        return [forged.text.replace(str(other.number), "")]

    return ask


REFUND = {"payment": {"amount": 100, "currency": "KZT", "description": "TEST"}}
GATE = {
    "payment/card/sale": gate_sale("payment/card/sale"),
    "payment/card/auth": gate_sale("payment/card/auth"),
    "payment/banks/india/sale": gate_sale("payment/banks/india/sale"),
    "payment/status/sale": gate_sale("payment/status/sale"),
    "payment/a.b-c_1/x/y/sale": gate_sale("payment/a.b-c_1/x/y/sale"),
    "payment/card/capture": gate_about("payment/card/capture", **REFUND),
    "payment/card/cancel": gate_about("payment/card/cancel"),
    "payment/refund": gate_about("payment/refund", **REFUND),
    "payment/wallet-partner/refund": gate_about("payment/wallet-partner/refund", **REFUND),
    "payment/card/3ds_result": gate_about("payment/card/3ds_result", pares="none", md="none"),
    "payment/card/3ds_check_iframe": gate_about("payment/card/3ds_check_iframe"),
    "payment/status": gate_about("payment/status"),
    "payment/status/request": gate_request,
    "info/banks/banks/india/sale/list": gate_info("info/banks/banks/india/sale/list"),
    "info/available_methods_for_merchant/list": gate_info(
        "info/available_methods_for_merchant/list"
    ),
    "info/check/signature": gate_info("info/check/signature"),
}


def of_table(table):
    """All methods of a table."""
    return lambda mine, other: [told for ask in table.values() for told in ask(mine, other)]


def merchant_page(mine, other):
    """An address with an unguessable id shows that payment; with another one, nothing."""
    base = mine.demo.base_url
    shown = web.ask(f"{base}/payment/merchants/any/payment_en.html?mdOrder={uuid.uuid4()}")
    assert shown.status >= 400, shown.status
    own = web.ask(f"{base}/payment/merchants/any/payment_en.html?mdOrder={mine.unpaid}")
    return [shown.text, own.text]


def payment_page(mine, other):
    """In the other shop's name, signed by one's own key: no form."""
    fields = mine.page(project_id=other.number, payment_id=other.sale_id)
    shown = web.ask(f"{mine.demo.base_url}/payment?{urlencode(fields)}")
    assert shown.status == 400, shown.text
    return [shown.text.replace(str(other.number), "").replace(other.sale_id, "")]


def carried_page(path):
    """The same in what a form carries back."""

    def ask(mine, other):
        fields = mine.page(project_id=other.number, payment_id=other.sale_id)
        shown = web.ask(f"{mine.demo.base_url}{path}", fields)
        assert 400 <= shown.status < 500, (path, shown.status, shown.text)
        return [shown.text.replace(str(other.number), "").replace(other.sale_id, "")]

    return ask


def checkout(path, verb="get", is_empty=False, **fields):
    """An id of nothing is told as such; one's own page shows nothing of the other shop."""

    def ask(mine, other):
        base = f"{mine.demo.base_url}/checkout"
        told = []
        for order in (str(uuid.uuid4()), mine.unpaid):
            url = f"{base}/{order}{path}"
            shown = web.ask(url) if verb == "get" else web.ask(url, fields)
            assert shown.status < 500, (url, shown.status, shown.text)
            if order != mine.unpaid and not is_empty:
                assert shown.status >= 400, (url, shown.status, shown.text)
            told.append(shown.text + str(shown.headers))
        # What a form of one's own page holds opens nothing at the other shop's order.
        own = web.ask(f"{base}/{mine.unpaid}")
        hidden = {name: value for form in own.page.forms for name, value in form.fields.items()}
        if verb == "post":
            web.ask(f"{base}/{other.paid}{path}", hidden | fields)
        return told

    return ask


def notice(mine, other):
    """Somebody who is not the gateway tells of a payment."""
    base = f"{mine.demo.base_url}/notices"
    known = web.ask(f"{base}/{other.unpaid}/1", json='{"status":"approved"}')
    paid = web.ask(f"{base}/{other.paid}/1", json='{"status":"declined"}')
    none = web.ask(f"{base}/{uuid.uuid4()}/1", json='{"status":"approved"}')
    assert {known.status, paid.status, none.status} <= {401, 404}
    return [known.text, paid.text]


def open_to_all(path):
    """Says nothing of anybody's orders."""

    def ask(mine, other):
        return [web.ask(f"{mine.demo.base_url}{path}").text]

    return ask


def clock(mine, other):
    """Only in a demo with a manual clock."""
    answer = web.ask(f"{mine.demo.base_url}/test/clock", json='{"advance_s":1}')
    assert answer.status == 404, answer.status
    return [answer.text]


ROUTES = {
    "/payment/merchants/{*path}": merchant_page,
    "/payment/{*path}": of_table(RBS),
    "/payment": payment_page,
    "/payment/confirm": carried_page("/payment/confirm"),
    "/payment/form": carried_page("/payment/form"),
    "/v2/{*path}": of_table(GATE),
    "/notices/{payment}/{operation}": notice,
    "/checkout/assets/{name}": open_to_all("/checkout/assets/none.js"),
    "/shared/{name}": open_to_all("/shared/none.js"),
    "/checkout/{id}": checkout(""),
    "/checkout/{id}/pay": checkout("/pay", "post", method="none"),
    "/checkout/{id}/state": checkout("/state"),
    "/checkout/{id}/result": checkout("/result"),
    "/checkout/{id}/return": checkout("/return"),
    "/checkout/{id}/back": checkout("/back"),
    "/checkout/{id}/go": checkout("/go"),
    "/checkout/{id}/3ds": checkout("/3ds"),
    "/checkout/{id}/3ds/method": checkout("/3ds/method", "post", is_empty=True),
    "/checkout/{id}/3ds/method-done": checkout("/3ds/method-done", "post"),
    "/checkout/{id}/3ds/return": checkout("/3ds/return", "post"),
    "/health/live": open_to_all("/health/live"),
    "/health/ready": open_to_all("/health/ready"),
    "/metrics": open_to_all("/metrics"),
    "/test/clock": clock,
}
