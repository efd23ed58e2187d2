"""ecommpay-sdk 1.0.6 makes addresses of the Payment Page: each opens our form as it is, and with
one other character it opens nothing.
"""

from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from payment_page_sdk.gate import Gate
from payment_page_sdk.payment import Payment

from support import web
from support.ecommpay import Shop, fresh_id
from support.page_reader import Page
from support.posted import PostReceiver
from support.raw_http import Connection, message

ANSWER_MAX_S = 5
SHOP_NAME = "Altyn Demo India"
RETURN_URL = "http://example.com/done?order=7&ok=1"
# As the package writes it: without an offset.
SOON = datetime.now() + timedelta(days=2)
TEXTS = {
    "cyrillic": "Чай",
    "plus": "1+1 = 2 + 0",
    "marks": "100% & more? #1 \"'<b>/\\=:|",
    "emoji": "🫖 чай\u200d☕",
    "accents": "é e\u0301 ß İ ı",
    "rtl": "שלום مرحبا",
    "spaces": "a  b\u00a0c\u2028d",
    "escaped": "%D0%A7&amp+%2B",
    "line": "one\r\ntwo\tthree",
}


@pytest.fixture(scope="module")
def receiver():
    with PostReceiver() as running:
        yield running


@pytest.fixture(scope="module")
def shop(demo, receiver):
    shop = Shop(demo, receiver)
    yield shop
    for posted in receiver.received:
        shop.believe(posted)


@pytest.fixture
def payment(shop):
    """A payment of 150 rupees with these attributes too."""

    def make(**attributes):
        made = Payment(shop.project_id, fresh_id("PAGE"))
        usual = {"payment_amount": 15000, "payment_currency": "INR", "customer_id": "customer1"}
        for name, value in (usual | attributes).items():
            setattr(made, name, value)
        return made

    return make


def url_of(shop, payment):
    return shop.gate.get_purchase_payment_page_url(payment)


def assert_form(shown, amount="₹150.00", methods=("card", "wallet-partner")):
    """It is our form: of this shop, about this amount, with these ways of paying."""
    assert shown.status == 200, shown.text
    assert shown.headers["content-type"].startswith("text/html")
    page = shown.page
    assert page.text("shop") == SHOP_NAME
    assert page.text("amount") == amount
    assert ways(page) == sorted(methods)
    return page


def ways(page):
    """The ways of paying that a page offers."""
    forms = [form for form in page.forms if "method" in form.fields]
    assert all(form.method == "post" for form in forms)
    return sorted(form.fields["method"] for form in forms)


def assert_error_page(shown):
    """It says that something is wrong with the link, and has nothing to pay by."""
    assert shown.status == 400, shown.text
    assert shown.headers["content-type"].startswith("text/html")
    page = shown.page
    assert page.text("message")
    assert not ways(page)


def assert_unknown(shop, payment):
    """The Gate has never heard of it, and nothing was told about it."""
    payment_id = payment.payment_id
    assert shop.status(payment_id)["errors"][0]["code"] == "3061"
    assert not shop.callbacks(payment_id)


def test_an_address_opens_the_form(shop, payment):
    made = payment()

    shown = web.ask(url_of(shop, made))

    assert_form(shown)
    assert_unknown(shop, made)


# What the package knows of, with values as shops set them.
FLAGS = ["close_on_missclick", "force_acs_new_window", "redirect", "redirect_on_mobile"]
EVERYTHING = {
    "best_before": datetime.now(timezone.utc) + timedelta(days=3),
    "billing_address": "Downing str., 23",
    "billing_city": "Bengaluru",
    "billing_country": "IN",
    "billing_postal": "560001",
    "billing_region": "KA",
    "css_modal_wrap": "wide",
    "customer_city": "Bengaluru",
    "customer_country": "IN",
    "customer_day_of_birth": "31-12-1990",
    "customer_email": "mary@example.com",
    "customer_first_name": "Mary",
    "customer_last_name": "Smith",
    "customer_phone": "919999999999",
    "customer_ssn": 1234,
    "customer_state": "Karnataka",
    "language_code": "en",
    "merchant_fail_url": "https://shop.example/fail?order=1&a=b",
    "merchant_success_url": "https://shop.example/done?order=1&a=b",
    "mode": "purchase",
    "payment_description": "Чай + 2",
    "payment_extra_param": "{\"a\": [1, 2]}",
    "redirect_fail_mode": "parent_page",
    "redirect_fail_url": "https://shop.example/fail",
    "redirect_success_mode": "parent_page",
    "redirect_success_url": "https://shop.example/done",
    "region_code": "IN",
    "target_element": "widget",
    "terminal_id": 7,
    **dict.fromkeys(FLAGS, True),
}


def test_all_parameters_at_once_open_the_form(shop, payment):
    page = assert_form(web.ask(url_of(shop, payment(**EVERYTHING))))

    assert page.text("description") == "Чай + 2"


@pytest.mark.parametrize("name", EVERYTHING)
def test_each_parameter_alone_opens_the_form(shop, payment, name):
    assert_form(web.ask(url_of(shop, payment(**{name: EVERYTHING[name]}))))


@pytest.mark.parametrize("truth", [True, False, 1, 0, "1", "0"])
def test_truths_open_the_form_however_they_travel(shop, payment, truth):
    flags = dict.fromkeys([*FLAGS, "recurring_register"], truth)

    assert_form(web.ask(url_of(shop, payment(**flags))))


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_shown_as_they_were_written(shop, payment, name):
    text = TEXTS[name]
    made = payment(payment_description=text, customer_first_name=text, customer_id=text)

    page = assert_form(web.ask(url_of(shop, made)))

    assert page.text("description").split() == text.split()


@pytest.mark.parametrize("payment_id", ["Заказ №7", "a+b c&d=e%20", "x" * 255, "🫖", "007"])
def test_ids_of_payments_are_any_text(shop, payment, payment_id):
    made = payment()
    made.payment_id = f"{payment_id}{made.payment_id}"[-255:]

    assert_form(web.ask(url_of(shop, made)))


@pytest.mark.parametrize(
    ("attributes", "amount", "methods"),
    [
        ({"payment_amount": 100}, "₹1.00", ["card", "wallet-partner"]),
        ({"payment_amount": 40_000_000}, "₹400,000.00", ["card", "wallet-partner"]),
        ({"payment_amount": 40_000_001}, "₹400,000.01", ["card"]),
        ({"payment_amount": 1}, "₹0.01", ["card"]),
        ({"payment_amount": "15000"}, "₹150.00", ["card", "wallet-partner"]),
        ({"payment_amount": 1001, "payment_currency": "USD"}, "$10.01", ["card"]),
        ({"payment_amount": 1001, "payment_currency": "EUR"}, "€10.01", ["card"]),
        ({"force_payment_method": "wallet-partner"}, "₹150.00", ["wallet-partner"]),
        ({"force_payment_method": "card"}, "₹150.00", ["card"]),
        ({"card_operation_type": "sale"}, "₹150.00", ["card", "wallet-partner"]),
        ({"card_operation_type": "auth"}, "₹150.00", ["card"]),
        ({"operation_type": "auth"}, "₹150.00", ["card"]),
        ({"customer_country": "KZ"}, "₹150.00", ["card"]),
        ({"no_such_parameter": "x"}, "₹150.00", ["card", "wallet-partner"]),
        ({"customer_state": ""}, "₹150.00", ["card", "wallet-partner"]),
        ({"customer_state": None}, "₹150.00", ["card", "wallet-partner"]),
        ({"frame_mode": "iframe"}, "₹150.00", ["card", "wallet-partner"]),
        ({"language_code": "ru"}, "150,00 ₹", ["card", "wallet-partner"]),
        # Too far ahead, and without an offset: neither counts.
        ({"best_before": datetime.max}, "₹150.00", ["card", "wallet-partner"]),
        ({"best_before": SOON}, "₹150.00", ["card", "wallet-partner"]),
    ],
)
def test_the_form_is_as_the_parameters_say(shop, payment, attributes, amount, methods):
    assert_form(web.ask(url_of(shop, payment(**attributes))), amount, methods)


def test_a_card_is_checked_without_money(shop, payment):
    shown = web.ask(url_of(shop, payment(mode="card_verify", payment_amount=0)))

    assert shown.status == 200, shown.text
    page = shown.page
    assert page.text("shop") == SHOP_NAME
    assert ways(page) == ["card"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"payment_amount": 0},
        {"payment_amount": -1},
        {"payment_amount": 10.5},
        {"payment_amount": 10**13 + 1},
        {"payment_amount": ""},
        {"payment_currency": "GBP"},
        {"payment_currency": "XXX"},
        {"payment_currency": ""},
        {"customer_id": ""},
        {"payment_id": ""},
        {"payment_id": " x"},
        {"payment_id": "x" * 256},
        {"payment_description": "a;b"},
        {"mode": "payout", "uuid": "1"},
        {"mode": "nonsense"},
        {"force_payment_method": "no-such-method"},
        {"force_payment_method": "wallet-partner", "payment_currency": "USD"},
        {"merchant_callback_url": "http://10.0.0.1/callback"},
        {"customer_ids": ["a", "b"]},
    ],
)
def test_what_cannot_be_paid_opens_no_form(shop, payment, attributes):
    assert_error_page(web.ask(url_of(shop, payment(**attributes))))


def test_another_key_or_project_opens_no_form(shop, payment):
    stranger = Gate(f"{shop.demo.ecommpay['secret']}x", shop.page_url)
    assert_error_page(web.ask(stranger.get_purchase_payment_page_url(payment())))
    foreign = payment()
    foreign.project_id = 1
    assert_error_page(web.ask(url_of(shop, foreign)))
    for query in ("", "?", "?signature=", "?project_id=1&signature=x"):
        assert_error_page(web.ask(shop.page_url + query))


def one_change(text):
    """A text with each of its characters changed, one at a time; with one more; with one less."""
    for place, old in enumerate(text):
        new = chr(ord(old) ^ 1) if old.isalnum() else "_" if old != "_" else "-"
        yield text[:place] + new + text[place + 1:]
    yield f"{text}x"
    yield text[:-1]


def test_one_other_character_opens_no_form(shop, payment):
    made = payment(payment_description="Чай + 2", redirect=True, customer_phone="919999999999")
    url = url_of(shop, made)
    assert_form(web.ask(url))
    known = parse_qsl(urlsplit(url).query, strict_parsing=True)
    tried = 0
    for place, (name, value) in enumerate(known):
        for changed in one_change(value):
            pairs = [*known[:place], (name, changed), *known[place + 1:]]
            assert_error_page(web.ask(f"{shop.page_url}?{urlencode(pairs)}"))
            tried += 1
        without = [*known[:place], *known[place + 1:]]
        renamed = [*without, (f"{name}x", value)]
        twice = [*known, (name, value)]
        for pairs in (without, renamed, twice):
            assert_error_page(web.ask(f"{shop.page_url}?{urlencode(pairs)}"))
            assert_error_page(web.ask(shop.page_url, pairs))
    assert tried > 150
    assert_error_page(web.ask(f"{url}&added=1"))
    assert_unknown(shop, made)


def test_what_integrations_add_unsigned_changes_nothing(shop, payment):
    url = url_of(shop, payment())
    for added in ("frame_mode=popup", "_plugin_version=2.1", "_referrer=https%3A%2F%2Fa.example"):
        assert_form(web.ask(f"{url}&{added}"))


def test_a_post_opens_the_same_form(shop, payment):
    for attributes in ({}, EVERYTHING, {"payment_description": TEXTS["emoji"]}):
        made = payment(**attributes)
        url = url_of(shop, made)
        fields = dict(parse_qsl(urlsplit(url).query, True, True))

        got, posted = web.ask(url), web.ask(shop.page_url, fields)

        page = assert_form(posted)
        assert page.text("description") == got.page.text("description")
        assert len(page.forms) == len(got.page.forms)
        for name in fields:
            assert_error_page(web.ask(shop.page_url, fields | {name: f"{fields[name]}x"}))
        assert_unknown(shop, made)


def test_spaces_travel_either_way(shop, payment):
    url = url_of(shop, payment(payment_description="a b  c"))
    assert "a+b++c" in url

    assert_form(web.ask(url.replace("+", "%20")))


def test_a_browser_of_http_1_0_gets_a_whole_form_in_time(shop, payment):
    target = urlsplit(url_of(shop, payment()))
    request = message("GET", f"{target.path}?{target.query}", version="HTTP/1.0")
    with Connection(shop.demo.address) as connection:
        connection.send(request)
        answer = connection.answer(ANSWER_MAX_S)
        assert connection.is_closed()

    assert answer.status == 200
    assert "transfer-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert ways(Page(answer.body.decode())) == ["card", "wallet-partner"]


def confirm(shop, made, method="wallet-partner", **fields):
    """Opens the form and pays by it; gives what the payer is shown or sent to."""
    shown = web.ask(url_of(shop, made))
    return web.send(shown, shown.page.form_of(method), **fields)


def told(shop, made, status):
    """The callback, come or coming, that the payment has this status."""
    wanted = {"id": made.payment_id, "status": status}.items()
    posted = shop.receiver.wait_for(
        f"callback {status}", lambda each: each.json["payment"].items() >= wanted
    )
    shop.believe(posted)
    assert shop.disbelieve_changes(posted) > 200
    return posted.json


def test_a_payer_pays_by_wallet(shop, payment):
    made = payment(
        merchant_callback_url=shop.callback_url,
        merchant_success_url=RETURN_URL,
        payment_description="Чай + 2",
        customer_phone="919999999999",
    )

    at_partner = web.lead(confirm(shop, made), shop.demo.partner_url)

    wallet = web.ask(at_partner)
    assert "₹150.00" in wallet.text
    answer = web.send(wallet, wallet.page.forms[0], action="pay")
    assert web.lead(answer, RETURN_URL) == RETURN_URL
    callback = told(shop, made, "success")
    assert callback["operation"]["type"] == "sale"
    assert callback["payment"]["description"] == "Чай + 2"
    assert callback["customer"]["phone"] == "919999999999"
    statuses = {each.json["payment"]["status"] for each in shop.callbacks(made.payment_id)}
    assert statuses == {"success"}
    assert shop.status(made.payment_id)["payment"]["status"] == "success"
    again = web.ask(url_of(shop, made))
    assert not ways(again.page)


def card_fields(shop, behaviour):
    card = shop.demo.card(behaviour)
    expiry = f"{card['expiry'][4:]}/{card['expiry'][2:4]}"
    return {"cc-number": card["pan"], "cc-exp": expiry, "cc-csc": card["cvc"]}


def test_a_payer_pays_by_card_at_the_second_try(shop, payment):
    made = payment(merchant_callback_url=shop.callback_url)

    confirm(shop, made, "card", **card_fields(shop, "declined_insufficient_funds"))
    told(shop, made, "awaiting customer")
    again = web.ask(url_of(shop, made))
    while 300 < again.status < 400:
        again = web.ask(again.location)
    if "card" not in ways(again.page):
        onward = next(link for link in again.page.links if link.startswith("/checkout"))
        again = web.ask(f"{shop.demo.base_url}{onward}")
    web.send(again, again.page.form_of("card"), **card_fields(shop, "approved"))

    callback = told(shop, made, "success")
    assert callback["account"]["number"].endswith("3333")
    assert [each["status"] for each in shop.status(made.payment_id)["operations"]] == [
        "decline", "success",
    ]


def test_a_hold_is_made_on_the_page(shop, payment):
    made = payment(merchant_callback_url=shop.callback_url, card_operation_type="auth")

    confirm(shop, made, "card", **card_fields(shop, "approved"))

    callback = told(shop, made, "awaiting capture")
    assert callback["operation"]["type"] == "auth"


def test_a_card_is_checked_on_the_page(shop, payment):
    made = payment(
        merchant_callback_url=shop.callback_url, mode="card_verify", payment_amount=0,
    )

    confirm(shop, made, "card", **card_fields(shop, "approved"))

    callback = told(shop, made, "success")
    assert callback["payment"]["type"] == "account verification"
    assert callback["operation"]["type"] == "account verification"
    assert callback["payment"]["sum"]["amount"] == 0


def test_what_a_form_brings_back_is_verified_again(shop, payment):
    made = payment(merchant_callback_url=shop.callback_url)
    shown = web.ask(url_of(shop, made))
    form = shown.page.form_of("wallet-partner")
    request = form.fields["request"]
    assert "15000" in request

    for changed in (request.replace("15000", "15001"), request[:-4], f"{request}&added=1", ""):
        assert_error_page(web.send(shown, form, request=changed))

    assert_unknown(shop, made)
