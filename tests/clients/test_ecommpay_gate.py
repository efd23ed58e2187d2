"""Gate requests signed by ecommpay-sdk 1.0.6, and every callback read by it.

The SDK makes no Gate requests of its own, so its signer is borrowed: what it signs is taken, what
it is told it believes, and a message with one other character it does not.
"""

import json
import re

import pytest

from support import web
from support.ecommpay import BUYER, DATE, RETURN_URL, Shop, fresh_id
from support.posted import PostReceiver
from support.raw_http import Connection, message

ANSWER_MAX_S = 5


@pytest.fixture(scope="module")
def receiver():
    with PostReceiver() as running:
        yield running


@pytest.fixture(scope="module")
def shop(demo, receiver):
    """The shop; in the end every callback that came is looked at once more."""
    shop = Shop(demo, receiver)
    yield shop
    assert receiver.received
    for posted in receiver.received:
        shop.believe(posted)


def refund(shop, payment_id, path="wallet-partner/refund", status="success", **payment):
    """Asks for a refund; gives its last callback."""
    wanted = {"description": "test_refund"} | payment
    request_id = shop.accepted(path, payment_id, payment=wanted)
    return shop.callback(request_id, status)


def summary(callback):
    """Payment's status and sum, operation's type, status, code and message."""
    payment, operation = callback["payment"], callback["operation"]
    of_operation = (operation[name] for name in ("type", "status", "code", "message"))
    return payment["status"], payment["sum"]["amount"], *of_operation


def test_the_payer_is_sent_to_the_wallet(shop):
    payment_id = fresh_id()
    request_id = shop.wallet_sale(payment_id)

    callback = shop.callback(request_id, "awaiting redirect result")

    waiting = "awaiting redirect result"
    assert summary(callback) == (waiting, 15000, "sale", waiting, "9999", "Awaiting processing")
    assert callback["project_id"] == shop.project_id
    payment = callback["payment"]
    assert (payment["id"], payment["type"]) == (payment_id, "purchase")
    assert payment["method"] == "wallet-partner"
    assert payment["description"] == "TEST"
    shown = shop.wallet_page(callback)
    assert "₹150.00" in shown.text
    assert shop.status(payment_id)["payment"]["status"] == waiting
    assert shop.disbelieve_changes(shop.callbacks(payment_id)[0]) > 300


def test_a_wallet_pays_and_the_payer_comes_back(shop):
    payment_id = fresh_id()
    request_id = shop.wallet_sale(payment_id)
    shown = shop.wallet_page(shop.callback(request_id, "awaiting redirect result"))

    answer = web.send(shown, shown.page.forms[0], action="pay")
    callback = shop.callback(request_id, "success")

    assert summary(callback) == ("success", 15000, "sale", "success", "0", "Success")
    payment, operation = callback["payment"], callback["operation"]
    assert payment["method"] == "wallet-partner"
    assert payment["sum"] == operation["sum_initial"] == operation["sum_converted"]
    assert BUYER.items() >= {**callback["customer"]}.items()
    assert {"id", "phone"} <= callback["customer"].keys()
    assert isinstance(operation["id"], int) and 0 < operation["id"] < 2**53
    for date in (payment["date"], operation["date"], operation["created_date"]):
        assert DATE.fullmatch(date)
    provider = operation["provider"]
    assert (provider["id"], provider["auth_code"]) == (1731, "")
    assert re.fullmatch(r"\d{9}", provider["payment_id"])
    assert DATE.fullmatch(provider["date"])
    assert "redirect_data" not in callback
    assert web.lead(answer, "http://example.com/") == RETURN_URL["success"]
    posted = next(each for each in shop.callbacks(payment_id) if each.json == callback)
    assert shop.disbelieve_changes(posted) > 300


def test_a_wallet_refuses(shop):
    payment_id = fresh_id()

    request_id = shop.wallet_sale(payment_id, amount=100)
    shown = shop.wallet_page(shop.callback(request_id, "awaiting redirect result"))

    answer = web.send(shown, shown.page.forms[0], action="decline")

    callback = shop.callback(request_id, "decline")
    assert web.lead(answer, "http://example.com/") == RETURN_URL["decline"]
    assert summary(callback) == ("decline", 100, "sale", "decline", "20000", "General decline")
    provider = callback["operation"]["provider"]
    assert provider["id"] == 1731 and re.fullmatch(r"\d{9}", provider["payment_id"])
    posted = shop.callbacks(payment_id)[-1]
    assert shop.disbelieve_changes(posted) > 300
    assert shop.status(payment_id)["payment"]["status"] == "decline"


def test_a_wallet_gives_all_money_back(shop):
    payment_id, refund_id = fresh_id(), fresh_id("REFUND")
    shop.pay_by_wallet(payment_id, amount=35000)

    callback = refund(shop, payment_id, merchant_refund_id=refund_id)

    assert summary(callback) == ("refunded", 0, "refund", "success", "0", "Success")
    payment, operation = callback["payment"], callback["operation"]
    assert (payment["type"], payment["method"]) == ("purchase", "wallet-partner")
    assert payment["merchant_refund_id"] == refund_id
    assert payment["description"] == "TEST"
    assert operation["sum_initial"] == {"amount": 35000, "currency": "INR"}
    assert operation["provider"]["id"] == 1751
    assert re.fullmatch(r"\d{7}", operation["provider"]["payment_id"])
    assert operation["provider"]["auth_code"] == ""
    assert shop.disbelieve_changes(shop.callbacks(payment_id)[-1]) > 300
    again = refund(shop, payment_id, status="decline", amount=1, currency="INR")
    assert summary(again)[2:5] == ("refund", "decline", "3283")


def test_a_refund_larger_than_the_payment_is_declined_by_callback(shop):
    payment_id, refund_id = fresh_id(), fresh_id("REFUND")
    shop.pay_by_wallet(payment_id, amount=35000)

    wanted = {"amount": 35001, "currency": "INR", "merchant_refund_id": refund_id}
    callback = refund(shop, payment_id, status="decline", **wanted)

    refusal = ("3283", "Refund amount more than init amount")
    assert summary(callback) == ("success", 35000, "refund", "decline", *refusal)
    assert callback["payment"]["merchant_refund_id"] == refund_id
    assert callback["operation"]["sum_initial"] == {"amount": 35001, "currency": "INR"}
    assert "provider" not in callback["operation"]
    assert shop.disbelieve_changes(shop.callbacks(payment_id)[-1]) > 300
    assert summary(refund(shop, payment_id))[0] == "refunded"


def test_a_wallet_gives_no_part_back(shop):
    payment_id = fresh_id()
    shop.pay_by_wallet(payment_id)

    callback = refund(shop, payment_id, status="decline", amount=14999, currency="INR")

    assert summary(callback)[:4] == ("success", 15000, "refund", "decline")
    assert callback["operation"]["code"] in ("3609", "3610")


def test_a_reference_of_a_refund_is_used_once(shop):
    payment_id, refund_id = fresh_id(), fresh_id("REFUND")
    shop.by_card("sale", payment_id)
    wanted = {"amount": 1, "currency": "EUR", "merchant_refund_id": refund_id}
    wait_for_sale(shop, payment_id)
    refund(shop, payment_id, "card/refund", **wanted)

    answer = shop.call("card/refund", payment_id, payment={"description": "again", **wanted})

    assert (answer.status, answer.json["code"]) == (400, "3230")


def wait_for_sale(shop, payment_id, status="success"):
    def told(posted):
        wanted = {"id": payment_id, "status": status}.items()
        return posted.json["payment"].items() >= wanted

    return shop.receiver.wait_for(f"{payment_id} {status}", told).json


def test_a_card_pays(shop):
    payment_id = fresh_id()

    callback = shop.callback(shop.by_card("sale", payment_id), "success")

    assert summary(callback) == ("success", 20000, "sale", "success", "0", "Success")
    assert callback["payment"]["method"] == "card"
    account = callback["account"]
    assert account["number"].startswith("444455") and account["number"].endswith("3333")
    assert "*" in account["number"]
    expected = {"type": "visa", "card_holder": "MARY SMITH"}
    assert account.items() >= (expected | {"expiry_month": "12", "expiry_year": "2030"}).items()
    assert isinstance(callback["operation"].get("eci", ""), str)
    assert shop.disbelieve_changes(shop.callbacks(payment_id)[-1]) > 300


def test_a_card_is_refused(shop):
    payment_id = fresh_id()
    request_id = shop.by_card("sale", payment_id, "declined_insufficient_funds")

    callback = shop.callback(request_id, "decline")

    refusal = ("10105", "Insufficient funds on card")
    assert summary(callback) == ("decline", 20000, "sale", "decline", *refusal)
    assert shop.disbelieve_changes(shop.callbacks(payment_id)[-1]) > 300


def test_a_hold_is_taken_and_partly_given_back(shop):
    payment_id = fresh_id()
    held = shop.callback(shop.by_card("auth", payment_id), "success")
    assert summary(held) == ("awaiting capture", 20000, "auth", "success", "0", "Success")

    taken = shop.callback(shop.accepted("card/capture", payment_id), "success")
    parts = [
        refund(shop, payment_id, "card/refund", amount=amount, currency="EUR")
        for amount in (5000, 14999)
    ]

    assert summary(taken) == ("success", 20000, "capture", "success", "0", "Success")
    first, second = parts
    assert summary(first) == ("partially refunded", 15000, "refund", "success", "0", "Success")
    assert summary(second) == ("partially refunded", 1, "refund", "success", "0", "Success")
    assert first["operation"]["id"] != second["operation"]["id"]
    assert first["operation"]["sum_initial"] == {"amount": 5000, "currency": "EUR"}
    for posted in shop.callbacks(payment_id):
        assert shop.disbelieve_changes(posted) > 300
    last = refund(shop, payment_id, "card/refund")
    assert summary(last) == ("refunded", 0, "refund", "success", "0", "Success")
    assert last["operation"]["sum_initial"] == {"amount": 1, "currency": "EUR"}
    operations = shop.status(payment_id)["operations"]
    types = [operation["type"] for operation in operations]
    assert types == ["auth", "capture", "refund", "refund", "refund"]


def test_a_part_of_a_hold_is_taken(shop):
    payment_id = fresh_id()
    shop.callback(shop.by_card("auth", payment_id), "success")

    part = {"amount": 12000, "currency": "EUR"}
    taken = shop.callback(shop.accepted("card/capture", payment_id, payment=part), "success")

    assert summary(taken) == ("success", 12000, "capture", "success", "0", "Success")


def test_a_hold_is_given_up(shop):
    payment_id = fresh_id()
    shop.callback(shop.by_card("auth", payment_id), "success")

    callback = shop.callback(shop.accepted("card/cancel", payment_id), "success")

    assert summary(callback)[0] == "canceled"
    assert summary(callback)[2:] == ("cancel", "success", "0", "Success")
    assert shop.disbelieve_changes(shop.callbacks(payment_id)[-1]) > 300
    answer = shop.call("card/capture", payment_id)
    assert (answer.status, answer.json["code"]) == (400, "3060")


def test_a_shop_carries_3d_secure_out(shop):
    payment_id = fresh_id()
    ours = f"{shop.receiver.url}/acs"
    addresses = {"return_url": ours, "3ds_notification_url": f"{ours}/frame"}
    request_id = shop.by_card("sale", payment_id, "challenge_approved", acs_return_url=addresses)

    callback = shop.receiver.wait_for("3-D Secure", lambda it: is_3ds(it, payment_id))
    if "iframe" in callback.json["threeds2"]:
        frame = callback.json["threeds2"]["iframe"]
        assert frame["params"].keys() == {"threeDSMethodData", "3DSMethodData"}
        answer = web.ask(frame["url"], frame["params"])
        assert answer.status == 200
        shop.accepted("card/3ds_check_iframe", payment_id, threeds_completion_indicator=True)
        callback = shop.receiver.wait_for(
            "challenge", lambda it: is_3ds(it, payment_id) and "redirect" in it.json["threeds2"]
        )
    shop.believe(callback)
    challenge = callback.json["threeds2"]["redirect"]
    page = web.ask(challenge["url"], challenge["params"])
    result = answered(page)
    cres = result.page.forms[0].fields["cres"]
    assert result.page.forms[0].action == ours

    shop.accepted("card/3ds_result", payment_id, cres=cres)

    callback = shop.callback(request_id, "success")
    assert summary(callback) == ("success", 20000, "sale", "success", "0", "Success")
    for posted in shop.callbacks(payment_id):
        shop.believe(posted)
        assert shop.disbelieve_changes(posted) > 300


def is_3ds(posted, payment_id):
    payment = posted.json.get("payment", {})
    return (payment.get("id"), payment.get("status")) == (payment_id, "awaiting 3ds result")


def test_3d_secure_is_carried_out_by_us_if_the_shop_does_not(shop):
    payment_id = fresh_id()
    request_id = shop.by_card("sale", payment_id, "challenge_approved", return_url=RETURN_URL)

    callback = shop.callback(request_id, "awaiting redirect result")

    data = callback["redirect_data"]
    assert data["url"].startswith(shop.demo.base_url)
    assert (data["method"], data["body"]) == ("GET", {})
    shown = web.ask(data["url"])
    if done := [form for form in shown.page.forms if form.action.endswith("/method-done")]:
        shown = web.ask(web.send(shown, done[0]).location)
    challenge = next(form for form in shown.page.forms if "creq" in form.fields)
    result = answered(web.send(shown, challenge))
    answer = web.send(result, result.page.forms[0])
    callback = shop.callback(request_id, "success")
    assert summary(callback) == ("success", 20000, "sale", "success", "0", "Success")
    assert web.lead(answer, "http://example.com/") == RETURN_URL["success"]


def answered(page):
    """The issuer's page with the code that it shows typed in and sent."""
    code = re.search(r'data-code="(\d+)"', page.text)[1]
    return web.send(page, page.page.forms[0], code=code, action="submit")


# Texts that clients and servers are known to write, sort or escape each in their own way.
TEXTS = {
    "cyrillic": "Чай + сахар & 100% = 2/3?",
    "emoji": "🫖 чай\u200d☕",
    "accents": "é e\u0301 ß İ ı",
    "marks": "a;b:c;;d::e",
    "quotes": "\"'<script>\\/&amp;",
    "line": "one\ntwo\tthree",
    "spaces": "a  b\u00a0c\u2028d",
    "rtl": "שלום مرحبا",
    "number": "007",
    "words": "null",
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_told_as_they_came(shop, name):
    payment_id, text = f"{fresh_id()} {TEXTS[name].strip()}", TEXTS[name]
    if "\n" in text:
        payment_id = fresh_id()
    members = {
        "payment": {"amount": 100, "currency": "INR", "description": text},
        "customer": BUYER | {"id": text, "first_name": text},
    }
    request_id = shop.wallet_sale(payment_id, **members)

    callback = shop.callback(request_id, "awaiting redirect result")

    assert callback["payment"]["id"] == payment_id
    assert callback["payment"]["description"] == text
    assert callback["customer"]["id"] == text
    assert shop.status(payment_id)["payment"]["description"] == text


# Members that no schema names, and that clients sort or sign each in their own way.
ODD = {
    "digits": {"note2": "x", "note10": "y"},
    "numbers": {"10": "ten", "9": "nine"},
    "prefixes": {"a": "1", "a1": "2", "a-b": "3", "A": "4", "_low": "5"},
    "frame": {"frame_mode": "popup"},
    "colon": {"a:b": "colon", "a::b": "colons"},
    "letters": {"é": "6", "🫖": "7", "\uff5e": "8"},
    "values": {"save": True, "weight": 1.5, "nothing": None, "empty": "", "big": 2**53 + 1},
    "nested": {"list": ["a", "b"] * 6, "object": {"a": {"x": 1}, "a1": 2}},
}


@pytest.mark.parametrize("name", ODD)
def test_whatever_a_shop_tells_of_its_payer_callbacks_are_believed(shop, name):
    request_id = shop.wallet_sale(fresh_id(), customer=BUYER | ODD[name])

    callback = shop.callback(request_id, "awaiting redirect result")

    assert callback["customer"]["id"] == BUYER["id"]


def test_requests_are_signed_as_the_package_signs_them(shop):
    members = {
        "payment": {"amount": 100, "currency": "INR", "extra_param": None},
        "receipt_data": {"positions": [{"quantity": 1.5, "amount": 100, "tax": 2.0}] * 12},
        "interface_type": {"id": 24},
        "booking_info": {"positions": [], "object": {}, "save": True},
        "addendum": {"a": {"x": 1}, "a1": 2, "a-b": 3, "a_b": 4, "a:b": {"c:d": 5}, "Z": 6},
        "frame_mode": "popup",
    }
    shop.wallet_sale(fresh_id(), **members)


def test_a_project_may_be_named_by_a_text(shop):
    payment_id = fresh_id()
    general = {"project_id": str(shop.project_id)}

    assert shop.wallet_sale(payment_id, general=general)

    body = {"general": {"project_id": str(shop.project_id), "payment_id": payment_id}}
    answer = shop.verified(shop.send("payment/status", shop.signed(body)))
    assert answer["project_id"] == shop.project_id


def test_a_refund_may_leave_the_method_out(shop):
    by_wallet, by_card = fresh_id(), fresh_id()
    shop.pay_by_wallet(by_wallet)
    shop.callback(shop.by_card("sale", by_card), "success")

    for payment_id in (by_wallet, by_card):
        assert summary(refund(shop, payment_id, "refund"))[:3] == ("refunded", 0, "refund")


def test_a_part_of_a_hold_is_given_up(shop):
    payment_id = fresh_id()
    shop.callback(shop.by_card("auth", payment_id), "success")

    part = {"amount": 5000, "currency": "EUR"}
    callback = shop.callback(shop.accepted("card/cancel", payment_id, payment=part), "success")
    taken = shop.callback(shop.accepted("card/capture", payment_id), "success")

    assert summary(callback)[0] == "awaiting capture"
    assert summary(callback)[2:] == ("cancel", "success", "0", "Success")
    assert callback["operation"]["sum_initial"]["amount"] == 5000
    assert summary(taken) == ("success", 15000, "capture", "success", "0", "Success")


def test_refunds_that_cannot_be_are_refused_at_once(shop):
    paid, waiting = fresh_id(), fresh_id()
    shop.callback(shop.by_card("sale", paid), "success")
    shop.callback(shop.wallet_sale(waiting), "awaiting redirect result")

    def refusal(payment_id, path="card/refund", **payment):
        wanted = {"description": "test_refund"} | payment
        answer = shop.call(path, payment_id, payment=wanted)
        assert answer.status == 400, answer.body
        return answer.json["code"]

    assert refusal(paid, amount=1, currency="USD") == "3284"
    assert refusal(paid, amount=1) == "3287"
    assert refusal(paid, description="") == "2004"
    assert refusal(waiting, "wallet-partner/refund") == "3060"
    assert refusal(fresh_id()) == "3061"
    # Paid by card, so to the wallet it is unknown.
    assert refusal(paid, "wallet-partner/refund") == "3061"


def test_the_status_of_a_payment_is_signed(shop):
    payment_id = fresh_id()
    shop.pay_by_wallet(payment_id)
    refund(shop, payment_id)

    body = shop.status(payment_id)

    assert body["project_id"] == shop.project_id
    assert (body["payment"]["id"], body["payment"]["status"]) == (payment_id, "refunded")
    assert body["payment"]["sum"] == {"amount": 0, "currency": "INR"}
    assert [operation["type"] for operation in body["operations"]] == ["sale", "refund"]
    assert all(operation["code"] == "0" for operation in body["operations"])
    assert body["customer"]["id"] == BUYER["id"]
    assert shop.status(payment_id.lower())["payment"] == body["payment"]


def test_the_form_has_its_own_format_of_the_status(shop):
    payment_id = fresh_id()
    shop.pay_by_wallet(payment_id)

    assert shop.status(payment_id, destination="merchant")["payment"]["status"] == "success"
    # The other format is the form's own; whatever is answered, it is signed.
    shop.status(payment_id, destination="terminal")


def test_the_status_of_a_request_is_signed(shop):
    payment_id = fresh_id()
    request_id = shop.by_card("sale", payment_id)
    shop.callback(request_id, "success")

    body = shop.status_of_request(request_id)

    expected = {
        "project_id": shop.project_id, "payment_id": payment_id, "request_id": request_id,
        "status": "success", "code": "0", "message": "Success",
    }
    assert body.items() >= expected.items()
    unknown = {"project_id": shop.project_id, "request_id": request_id[:-1] + "x"}
    answer = shop.send("payment/status/request", shop.signed(unknown, ()))
    assert answer.status == 404


def test_an_unknown_payment_is_an_answer(shop):
    payment_id = fresh_id()

    body = shop.status(payment_id)

    assert (body["payment"]["id"], body["payment"]["status"]) == (payment_id, "error")
    assert body["errors"] == [{"code": "3061", "message": "Transaction not found"}]


def test_what_is_not_taken_is_told_why(shop):
    known = fresh_id()
    shop.wallet_sale(known)
    body = {"general": shop.general(fresh_id()), "payment": {"amount": 100, "currency": "INR"}}
    whole = body | {"customer": BUYER, "return_url": RETURN_URL}

    def refusal(body, path="wallet-partner/sale", sign=True):
        answer = shop.send(f"payment/{path}", shop.signed(body) if sign else body)
        assert answer.json["status"] == "error"
        assert answer.json["message"]
        return answer.status, answer.json["code"]

    without = {name: value for name, value in whole.items() if name != "customer"}
    foreign = {**whole, "general": whole["general"] | {"project_id": 1}}
    again = {**whole, "general": shop.general(known.upper())}
    fraction = {**whole, "payment": {"amount": 10.5, "currency": "INR"}}
    text = {**whole, "payment": {"amount": "10", "currency": "INR"}}
    other = {**whole, "payment": {"amount": 100, "currency": "GBP"}}
    spoiled = shop.signed(whole)
    spoiled["payment"]["amount"] = 101
    assert refusal(whole, sign=False) == (400, "3262")
    assert refusal(spoiled, sign=False) == (400, "3261")
    assert refusal(foreign) == (400, "2442")
    assert refusal(without) == (400, "2004")
    assert refusal(again) == (400, "3041")
    assert refusal(fraction)[0] == refusal(text)[0] == 400
    assert refusal(other)[0] == 400
    assert refusal({**whole, "general": shop.general(" x")}) == (400, "3024")
    assert refusal(whole, "card/refund")[0] == 400
    answer = shop.send("payment/wallet-partner/sale", whole)
    assert answer.status == 400
    unreadable = message("POST", "/v2/payment/wallet-partner/sale", body=b"{\"general\": ")
    with Connection(shop.demo.address) as connection:
        connection.send(unreadable)
        answer = connection.answer()
    assert (answer.status, answer.json["code"]) == (422, "2003")
    # Nothing of all this is known, nor was anything told.
    assert shop.status(body["general"]["payment_id"])["payment"]["status"] == "error"
    assert not shop.callbacks(body["general"]["payment_id"])


def test_amounts_that_the_wallet_does_not_take_are_declined_by_callback(shop):
    for amount, code in ((99, "3358"), (40_000_001, "2642")):
        request_id = shop.wallet_sale(fresh_id(), amount=amount)
        callback = shop.callback(request_id, "decline")
        assert summary(callback)[2:5] == ("sale", "decline", code)
    request_id = shop.wallet_sale(fresh_id(), payment={"amount": 100, "currency": "USD"})
    assert shop.callback(request_id, "decline")["operation"]["code"] in ("3121", "3023")


def test_a_client_of_http_1_0_gets_a_whole_answer_in_time(shop):
    payment_id = fresh_id()
    body = {
        "general": shop.general(payment_id),
        "payment": {"amount": 100, "currency": "INR"},
        "customer": BUYER,
        "return_url": RETURN_URL,
    }
    requests = [
        ("wallet-partner/sale", body, 200),
        ("wallet-partner/sale", body, 400),
        ("status", {"general": shop.general(payment_id)}, 200),
    ]
    for path, wanted, status in requests:
        data = json.dumps(shop.signed(wanted)).encode()
        head = ("Content-Type: application/json", "Connection: close")
        request = message("POST", f"/v2/payment/{path}", *head, body=data, version="HTTP/1.0")
        with Connection(shop.demo.address) as connection:
            connection.send(request)
            answer = connection.answer(ANSWER_MAX_S)
            assert connection.is_closed()
        assert answer.status == status, answer.body
        assert "transfer-encoding" not in answer.headers
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert answer.json["status" if path != "status" else "payment"]
