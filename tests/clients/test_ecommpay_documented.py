"""The examples that document payments by wallet through a partner, sent as they are written: only
ids, project and signature are ours, and slips of typing (a comma, a brace) are mended.
"""

import json
import re
from urllib.parse import urlencode

import pytest

from support import web
from support.demo import wait_until
from support.ecommpay import DATE, REQUEST_ID, Shop, fresh_id
from support.posted import PostReceiver
from support.raw_http import exchange, message

PAGE = """{ project_id: 101, payment_id: 'X03936', payment_currency: 'INR', payment_amount: 1000,
customer_id: 'customer1' }"""

SALE = """{ "general": { "project_id": 101, "payment_id": "TEST_15392667771145",
"signature": "SIGNATURE" },
 "payment": { "amount": 501, "currency": "INR" },
 "customer": { "id": "customer123", "ip_address": "1.1.1.1", "first_name": "Mary",
 "last_name": "Smith", "phone": "76575657657676", "email": "smith@example.com" },
 "return_url": { "success": "http://example.com/success" } }"""

REFUND = """{
"general": {
"project_id": 101,
"payment_id": "TEST_15392667771145",
"signature": "SIGNATURE"
},
"payment": {
"description":"test_refund"
}
}"""

# The documented callbacks: what differs in every payment is told apart by `masked`.
SALE_SUCCESS = """{ "project_id": 197, "payment": { "id": "ID", "type": "purchase",
"status": "success", "date": "DATE", "method": "wallet-partner",
"sum": { "amount": 15000, "currency": "INR" }, "description": "TEST" },
"customer": { "phone": "123456789" },
"operation": { "id": 16, "type": "sale", "status": "success", "date": "DATE",
"created_date": "DATE", "request_id": "REQUEST",
"sum_initial": { "amount": 15000, "currency": "INR" },
"sum_converted": { "amount": 15000, "currency": "INR" }, "code": "0", "message": "Success",
"provider": { "id": 1731, "payment_id": "9 digits", "auth_code": "", "date": "DATE" } },
"signature": "SIGNATURE" }"""

SALE_DECLINE = """{ "project_id": 197, "payment": { "id": "ID", "type": "purchase",
"status": "decline", "date": "DATE", "method": "wallet-partner",
"sum": { "amount": 100, "currency": "INR" }, "description": "ID" },
"customer": { "id": "1", "phone": "0000000000009999" },
"operation": { "id": 16, "type": "sale", "status": "decline", "date": "DATE",
"created_date": "DATE", "request_id": "REQUEST",
"sum_initial": { "amount": 100, "currency": "INR" },
"sum_converted": { "amount": 100, "currency": "INR" }, "code": "20000",
"message": "General decline",
"provider": { "id": 1731, "payment_id": "9 digits", "auth_code": "", "date": "DATE" } },
"signature": "SIGNATURE" }"""

REFUND_SUCCESS = """{ "project_id": 197, "payment": { "id": "ID", "type": "purchase",
"status": "refunded", "date": "DATE", "method": "wallet-partner",
"sum": { "amount": 0, "currency": "INR" }, "merchant_refund_id": "ID", "description": "ID" },
"customer": { "id": "1", "phone": "1234567890" },
"operation": { "id": 16, "type": "refund", "status": "success", "date": "DATE",
"created_date": "DATE", "request_id": "REQUEST",
"sum_initial": { "amount": 35000, "currency": "INR" },
"sum_converted": { "amount": 35000, "currency": "INR" }, "code": "0", "message": "Success",
"provider": { "id": 1751, "payment_id": "7 digits", "auth_code": "" } },
"signature": "SIGNATURE" }"""

REFUND_DECLINE = """{ "project_id": 197, "payment": { "id": "ID", "type": "purchase",
"status": "success", "date": "DATE", "method": "wallet-partner",
"sum": { "amount": 35000, "currency": "INR" }, "merchant_refund_id": "ID", "description": "ID" },
"customer": { "id": "1", "phone": "1234567890" },
"operation": { "id": 16, "type": "refund", "status": "decline", "date": "DATE",
"created_date": "DATE", "request_id": "REQUEST",
"sum_initial": { "amount": 35001, "currency": "INR" },
"sum_converted": { "amount": 35001, "currency": "INR" }, "code": "3283",
"message": "Refund amount more than init amount" },
"signature": "SIGNATURE" }"""


@pytest.fixture(scope="module")
def receiver():
    with PostReceiver() as running:
        yield running


@pytest.fixture(scope="module")
def shop(demo, receiver):
    return Shop(demo, receiver)


def send(shop, path, example, payment_id):
    """Posts an example's text with a signature, written as the examples write it."""
    text = example.replace("101,", f"{shop.project_id},")
    text = text.replace("TEST_15392667771145", payment_id)
    body = json.loads(text)
    del body["general"]["signature"]
    signature = shop.signer.sign(body).replace("/", "\\/")
    data = text.replace("SIGNATURE", signature).encode()
    head = "Content-Type: application/json"
    return exchange(shop.demo.address, message("POST", f"/v2/payment/{path}", head, body=data))


def request_id_of(shop, answer, payment_id):
    """The id in the answer to a request that was taken for processing."""
    assert answer.status == 200, answer.body
    body = answer.json
    request_id = body["request_id"]
    assert REQUEST_ID.fullmatch(request_id)
    assert body == {
        "status": "success",
        "request_id": request_id,
        "project_id": shop.project_id,
        "payment_id": payment_id,
    }
    return request_id


def masked(callback, payment_id, request_id):
    """A callback with what differs in every payment replaced by what it is."""
    text = json.dumps(callback, ensure_ascii=False)
    told = json.loads(text.replace(f'"{payment_id}"', '"ID"'))
    told["project_id"] = 197
    operation = told["operation"]
    assert isinstance(operation["id"], int) and len(str(operation["id"])) <= 16
    operation["id"] = 16
    assert operation["request_id"] == request_id
    operation["request_id"] = "REQUEST"
    told["signature"] = "SIGNATURE"
    provider = operation.get("provider", {})
    if re.fullmatch(r"\d+", provider.get("payment_id", "")):
        provider["payment_id"] = f"{len(provider['payment_id'])} digits"
    for holder, name in ((told["payment"], "date"), (operation, "date"),
                         (operation, "created_date"), (provider, "date")):
        if DATE.fullmatch(holder.get(name, "")):
            holder[name] = "DATE"
    return told


def assert_told(callback, example, payment_id, request_id):
    """The callback has the members of the example, in their order, with their values."""
    expected = json.loads(example)
    told = masked(callback, payment_id, request_id)
    # Whatever the shop told of its customer is told back; the examples show a part of it.
    customer = told.pop("customer")
    assert customer.items() >= expected.pop("customer").items()
    assert json.dumps(told, indent=1) == json.dumps(expected, indent=1)


def sale(shop, payment_id, amount, description, phone, customer_id="1"):
    """A sale with the values of a documented callback."""
    customer = json.loads(SALE)["customer"] | {"phone": phone, "id": customer_id}
    payment = {"amount": amount, "currency": "INR", "description": description}
    return shop.wallet_sale(payment_id, payment=payment, customer=customer)


def pay(shop, request_id, action="pay"):
    """The payer at the partner's page; gives the last callback."""
    shown = shop.wallet_page(shop.callback(request_id, "awaiting redirect result"))
    web.send(shown, shown.page.forms[0], action=action)
    return shop.callback(request_id, "success" if action == "pay" else "decline")


def test_the_form_is_opened_as_documented(shop):
    parameters = dict(re.findall(r"(\w+): '?(\w+)'?", PAGE))
    assert len(parameters) == 5
    parameters |= {"project_id": str(shop.project_id), "payment_id": fresh_id("X03936")}
    for more in ({}, {"force_payment_method": "wallet-partner"}):
        query = parameters | more
        query["signature"] = shop.signer.sign(query)

        shown = web.ask(f"{shop.page_url}?{urlencode(query)}")

        assert shown.status == 200
        assert shown.page.text("amount") == "₹10.00"
        assert shown.page.form_of("wallet-partner").method == "post"


def test_the_documented_sale_is_taken_and_can_be_given_back(shop):
    payment_id = fresh_id()

    answer = send(shop, "wallet-partner/sale", SALE, payment_id)
    sale_id = request_id_of(shop, answer, payment_id)

    def waits():
        return shop.status(payment_id)["payment"]["status"] == "awaiting redirect result"

    wait_until("redirect", waits)
    order = wallet_order(shop, amount=501)
    control = f"{shop.demo.partner_url}/partner/control/orders/{order}"
    assert web.ask(control, json='{"result": "SUCCESS"}').status == 200
    wait_until("payment", lambda: shop.status(payment_id)["payment"]["status"] == "success")
    assert shop.status_of_request(sale_id)["code"] == "0"

    answer = send(shop, "wallet-partner/refund", REFUND, payment_id)

    refund_id = request_id_of(shop, answer, payment_id)
    assert refund_id != sale_id
    wait_until("refund", lambda: shop.status(payment_id)["payment"]["status"] == "refunded")
    sums = [operation["sum_initial"] for operation in shop.status(payment_id)["operations"]]
    assert sums == [{"amount": 501, "currency": "INR"}] * 2


def wallet_order(shop, amount):
    """The partner's name of the newest order of this amount."""
    log = json.loads(web.ask(f"{shop.demo.partner_url}/partner/log").text)
    orders = [line for line in log["lines"] if line["kind"] == "order"]
    return next(each["order_id"] for each in reversed(orders) if each["amount"] == amount)


def test_the_payer_is_redirected_as_documented(shop):
    callback = shop.callback(shop.wallet_sale(fresh_id()), "awaiting redirect result")

    data = callback["redirect_data"]
    assert (data["method"], data["body"]) == ("POST", {})
    assert re.fullmatch(r"http://[\d.:]+/billpay/order/[a-z0-9]+", data["url"])
    assert list(data)[:3] == ["body", "method", "url"]


def test_a_paid_sale_is_told_as_documented(shop):
    payment_id = fresh_id()
    request_id = sale(shop, payment_id, 15000, "TEST", "123456789")

    assert_told(pay(shop, request_id), SALE_SUCCESS, payment_id, request_id)


def test_a_declined_sale_is_told_as_documented(shop):
    payment_id = fresh_id()
    request_id = sale(shop, payment_id, 100, payment_id, "0000000000009999")

    callback = pay(shop, request_id, "decline")

    assert_told(callback, SALE_DECLINE, payment_id, request_id)


@pytest.mark.parametrize("declined", [False, True])
def test_a_refund_is_told_as_documented(shop, declined):
    payment_id = fresh_id()
    pay(shop, sale(shop, payment_id, 35000, payment_id, "1234567890"))
    wanted = {"description": payment_id, "merchant_refund_id": payment_id}
    if declined:
        wanted |= {"amount": 35001, "currency": "INR"}

    request_id = shop.accepted("wallet-partner/refund", payment_id, payment=wanted)

    callback = shop.callback(request_id, "decline" if declined else "success")
    example = REFUND_DECLINE if declined else REFUND_SUCCESS
    assert_told(callback, example, payment_id, request_id)
