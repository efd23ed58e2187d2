"""gocream-pysberbank 1.0.0: POST forms, lists and objects as JSON text."""

import re
import uuid
from urllib.parse import urlencode

import pytest
from gocream_pysberbank import SberbankClient
from gocream_pysberbank.errors import SberbankApiException, SberbankException
from gocream_pysberbank.errors import SberbankRequestException

from support.callbacks import CallbackReceiver, checksum
from support.demo import Demo, wait_until

RETURN_URL = "https://shop.example.kz/done?cart=7"
KZT = 398


def at(demo, **credentials):
    """The client, told where the gateway is."""
    url = f"{demo.base_url}/payment/{{api_type}}/{{method}}"
    return SberbankClient(url=url, currency=KZT, **credentials)


@pytest.fixture
def client(demo):
    return at(demo, username=demo.rbs["user_name"], password=demo.rbs["password"])


@pytest.fixture
def registered(client, order_number):
    """An order of 1 500.50 tenge that is not paid."""
    return client.register(order_number(), 150050, RETURN_URL)["orderId"]


@pytest.fixture
def paid(demo, registered):
    """The same order, paid."""
    answer = demo.pay(registered)
    assert answer["errorCode"] == "0"
    assert answer["redirect"] == f"{RETURN_URL}&orderId={registered}&lang=ru"
    return registered


def refused(call, *arguments, **more):
    """Code and message of the client's own error."""
    with pytest.raises(SberbankApiException) as caught:
        call(*arguments, **more)
    assert str(caught.value) == f"Error {caught.value.code}: {caught.value.message}"
    return caught.value.code, caught.value.message


def amounts(client, order_id):
    status = client.order_status_extended(order_id)
    info = status["paymentAmountInfo"]
    shown = ("approvedAmount", "depositedAmount", "refundedAmount")
    return status["orderStatus"], info["paymentState"], *(info[name] for name in shown)


def test_an_order_is_registered(client, demo, order_number):
    result = client.register(order_number(), 150050, RETURN_URL, description="Чай, 2 пачки")

    assert result.keys() == {"orderId", "formUrl"}
    assert str(uuid.UUID(result["orderId"])) == result["orderId"]
    page = re.escape(f"{demo.base_url}/payment/merchants/payment_ru.html?mdOrder=")
    assert re.fullmatch(page + result["orderId"], result["formUrl"])


def test_every_parameter_of_registration_is_kept(client, order_number):
    number = order_number()
    item = {
        "positionId": "1",
        "name": "Чай",
        "quantity": {"value": 2, "measure": "шт"},
        "itemAmount": 150050,
        "itemPrice": 75025,
        "itemCode": "tea",
    }
    order_id = client.register(
        number,
        150050,
        RETURN_URL,
        currency=840,
        failUrl="https://shop.example.kz/failed",
        description="Чай & сахар",
        language="en",
        pageView="MOBILE",
        clientId="payer-7",
        jsonParams={"промокод": "ЛЕТО", "email": "a@example.kz"},
        order_bundle={"cartItems": {"items": [item]}},
        tax_system=0,
        sessionTimeoutSecs=600,
        features=["FORCE_SSL"],
    )["orderId"]

    status = client.order_status_extended(order_id)

    assert status["orderNumber"] == number
    assert (status["amount"], status["currency"]) == (150050, "840")
    assert status["orderDescription"] == "Чай & сахар"
    params = {each["name"]: each["value"] for each in status["merchantOrderParams"]}
    assert params == {"промокод": "ЛЕТО", "email": "a@example.kz"}
    assert status["orderBundle"]["cartItems"]["items"] == [item]
    assert {"name": "mdOrder", "value": order_id} in status["attributes"]


def test_a_fresh_order_is_unpaid(client, registered):
    status = client.order_status_extended(registered)

    assert (status["errorCode"], status["errorMessage"]) == ("0", "Успешно")
    assert (status["orderStatus"], status["actionCode"]) == (0, -100)
    assert amounts(client, registered) == (0, "CREATED", 0, 0, 0)
    assert "cardAuthInfo" not in status
    legacy = client.order_status(registered)
    assert (legacy["ErrorCode"], legacy["OrderStatus"]) == ("0", 0)
    assert (legacy["Amount"], legacy["depositAmount"]) == (150050, 0)


def test_a_paid_order_is_shown_as_paid(client, paid):
    status = client.order_status_extended(paid, language="en")

    assert amounts(client, paid) == (2, "DEPOSITED", 150050, 150050, 0)
    assert (status["errorMessage"], status["actionCode"]) == ("Success", 0)
    card = status["cardAuthInfo"]
    assert (card["maskedPan"], card["expiration"]) == ("444455**3333", "203012")
    assert (card["paymentSystem"], card["cardholderName"]) == ("VISA", "TEST CARD")
    assert status["authRefNum"] and status["terminalId"] and card["approvalCode"]
    assert status["date"] <= status["authDateTime"] <= status["depositedDate"]
    assert (status["paymentWay"], status["chargeback"]) == ("CARD", False)


def test_json_types_are_those_that_clients_expect(client, paid):
    client.refund(paid, 50)
    status = client.order_status_extended(paid)

    texts = ["errorCode", "errorMessage", "orderNumber", "currency", "terminalId", "authRefNum"]
    numbers = ["orderStatus", "actionCode", "amount", "date", "authDateTime", "refundedDate"]
    assert {name: type(status[name]) for name in texts} == dict.fromkeys(texts, str)
    assert {name: type(status[name]) for name in numbers} == dict.fromkeys(numbers, int)
    sums = status["paymentAmountInfo"]
    assert {type(sums[name]) for name in sums if name != "paymentState"} == {int}
    assert type(status["chargeback"]) is bool
    assert type(status["cardAuthInfo"]["expiration"]) is str


def test_the_old_status_has_its_own_spelling(client, paid):
    legacy = client.order_status(paid)

    assert (legacy["ErrorCode"], legacy["ErrorMessage"]) == ("0", "Успешно")
    assert (legacy["OrderStatus"], legacy["Amount"], legacy["depositAmount"]) == (2, 150050, 150050)
    assert (legacy["Pan"], legacy["expiration"]) == ("444455**3333", "203012")
    assert (legacy["currency"], legacy["cardholderName"]) == ("398", "TEST CARD")


def test_an_order_is_found_by_the_shops_number(client, order_number):
    number = order_number()
    order_id = client.register(number, 700, RETURN_URL)["orderId"]

    status = client.order_status_extended(orderNumber=number)

    assert {"name": "mdOrder", "value": order_id} in status["attributes"]


def test_a_refused_card_leaves_the_order_open(client, demo, registered):
    answer = demo.pay(registered, "declined_insufficient_funds")

    assert answer["errorCode"] == "2"
    status = client.order_status_extended(registered)
    assert (status["orderStatus"], status["actionCode"]) == (0, 116)
    assert demo.pay(registered)["errorCode"] == "0"
    assert client.order_status_extended(registered)["orderStatus"] == 2


def test_the_third_refusal_ends_the_order(client, demo, registered):
    for _ in range(3):
        demo.pay(registered, "declined_expired")

    status = client.order_status_extended(registered)
    assert (status["orderStatus"], status["actionCode"]) == (6, 101)
    assert amounts(client, registered) == (6, "DECLINED", 0, 0, 0)
    assert client.order_status(registered)["OrderStatus"] == 6
    assert demo.pay(registered)["errorCode"] == "7"


def test_refunds_add_up_and_never_exceed(client, paid):
    assert client.refund(paid, 50) == {"errorCode": "0", "errorMessage": "Успешно"}
    assert amounts(client, paid) == (4, "REFUNDED", 150050, 150000, 50)
    assert client.refund(paid, 100000)["errorCode"] == "0"
    assert amounts(client, paid) == (4, "REFUNDED", 150050, 50000, 100050)

    too_much = refused(client.refund, paid, 50001, language="en")

    assert too_much == ("7", "Refund amount exceeds deposited amount")
    assert refused(client.refund, paid, -1)[0] == "5"
    assert client.refund(paid, 0)["errorCode"] == "0"
    assert amounts(client, paid) == (4, "REFUNDED", 150050, 0, 150050)
    refunds = client.order_status_extended(paid)["refunds"]
    assert [each["amount"] for each in refunds] == [50, 100000, 50000]


def test_an_unpaid_order_is_neither_refunded_nor_reversed(client, registered):
    words = "is impossible for current transaction state"

    assert refused(client.refund, registered, 50, language="en") == ("7", f"Refund {words}")
    assert refused(client.reverse, registered, language="en") == ("7", f"Reversal {words}")


def test_a_hold_is_reversed_once(client, demo, order_number):
    order_id = demo.register(pre_auth=True, orderNumber=order_number(), amount=900)
    demo.pay(order_id)
    assert amounts(client, order_id) == (1, "APPROVED", 900, 0, 0)

    assert client.reverse(order_id) == {"errorCode": "0", "errorMessage": "Успешно"}

    assert amounts(client, order_id) == (3, "REVERSED", 0, 0, 0)
    assert client.order_status_extended(order_id)["reversedDate"]
    assert refused(client.reverse, order_id)[0] == "7"


def test_a_captured_order_is_refunded_not_reversed(client, paid):
    assert refused(client.reverse, paid)[0] == "7"
    assert amounts(client, paid) == (2, "DEPOSITED", 150050, 150050, 0)


def test_a_number_is_used_once(client, order_number):
    number = order_number()
    client.register(number, 700, RETURN_URL)

    again = refused(client.register, number, 700, RETURN_URL)

    assert again == ("1", "Заказ с таким номером уже обработан")
    english = refused(client.register, number, 800, RETURN_URL, language="en")[1]
    assert english.startswith("Order number is duplicated")
    kazakh = refused(client.register, number, 800, RETURN_URL, language="kk")[1]
    assert kazakh == "Мұндай нөмірлі тапсырыс өңделіп қойған"


@pytest.mark.parametrize("order_id", [str(uuid.uuid4()), "1", "%00", "'; --"])
def test_an_unknown_order_is_error_6(client, order_id):
    for call in (client.order_status_extended, client.reverse):
        assert refused(call, order_id) == ("6", "Заказ не найден")
    assert refused(client.refund, order_id, 1)[0] == "6"
    legacy = client.order_status(order_id)
    assert legacy["ErrorCode"] == "6"
    assert "OrderStatus" not in legacy


def test_a_wrong_password_is_error_5(demo, paid):
    stranger = at(demo, username=demo.rbs["user_name"], password="wrong")

    assert refused(stranger.order_status_extended, paid, language="en") == ("5", "Access denied")
    assert refused(stranger.refund, paid, 1) == ("5", "Доступ запрещён")
    assert refused(stranger.register, "X", 1, RETURN_URL)[0] == "5"
    assert refused(at(demo, username="nobody", password="x").reverse, paid)[0] == "5"
    assert stranger.order_status(paid)["ErrorCode"] == "5"


def test_a_token_registers_and_reads_but_moves_no_money(demo, client, order_number):
    public = at(demo, token=demo.rbs["token"])
    order_id = public.register(order_number(), 700, RETURN_URL)["orderId"]
    demo.pay(order_id)

    assert public.order_status_extended(order_id)["orderStatus"] == 2
    assert refused(public.refund, order_id, 1)[0] == "5"
    assert refused(public.reverse, order_id)[0] == "5"
    assert amounts(client, order_id) == (2, "DEPOSITED", 700, 700, 0)


@pytest.mark.parametrize(
    ("amount", "more", "code"),
    [
        (0, {}, "5"),
        (-5, {}, "5"),
        ("12.50", {}, "5"),
        (10**12, {}, "5"),
        (None, {}, "4"),
        (700, {"currency": 999}, "3"),
        (700, {"returnUrl": "/done"}, "4"),
        (700, {"language": "xx"}, "5"),
        (700, {"jsonParams": "{broken"}, "5"),
        (700, {"features": ["FLY"]}, "14"),
        (700, {"description": "<script>alert(1)</script>"}, "5"),
    ],
)
def test_a_faulty_registration_is_told_so(client, order_number, amount, more, code):
    fields = {"returnUrl": RETURN_URL} | more

    assert refused(client.register, order_number(), amount, **fields)[0] == code


def test_callbacks_come_with_a_right_checksum(client, demo, order_number):
    with CallbackReceiver() as receiver:
        # The client does not know the parameter; an address may have a query.
        url = f"{client.url}?{urlencode({'dynamicCallbackUrl': receiver.url})}"
        order_id = client.register(order_number(), 150050, RETURN_URL, url=url)["orderId"]
        demo.pay(order_id)
        client.refund(order_id, 50)

        deposited = receiver.operation(order_id, "deposited")
        refunded = receiver.operation(order_id, "refunded")

    assert (deposited["status"], deposited["amount"]) == ("1", "150050")
    assert (refunded["status"], refunded["operationRefundedAmount"]) == ("1", "50")
    for callback in (deposited, refunded):
        assert callback["checksum"] == checksum(callback, demo.rbs["callback_secret"])


def test_an_order_that_nobody_pays_ends_with_its_time(order_number):
    with Demo(manual_clock=True) as demo, CallbackReceiver() as receiver:
        client = at(demo, username=demo.rbs["user_name"], password=demo.rbs["password"])
        url = f"{client.url}?{urlencode({'dynamicCallbackUrl': receiver.url})}"
        usual = client.register(order_number(), 700, RETURN_URL)["orderId"]
        brief = client.register(order_number(), 700, RETURN_URL, sessionTimeoutSecs=60, url=url)
        # The time of the machine goes on as well: some is left for it.
        demo.advance(40)
        assert client.order_status_extended(brief["orderId"])["orderStatus"] == 0

        demo.advance(20)

        status = client.order_status_extended(brief["orderId"])
        assert (status["orderStatus"], status["actionCode"]) == (6, -2007)
        assert receiver.operation(brief["orderId"], "declinedByTimeout")["status"] == "1"
        assert demo.pay(brief["orderId"])["errorCode"] == "7"
        assert amounts(client, usual) == (0, "CREATED", 0, 0, 0)
        demo.advance(1200)
        assert amounts(client, usual) == (6, "DECLINED", 0, 0, 0)


def test_a_callback_is_sent_three_times_and_no_more(order_number):
    with Demo(manual_clock=True) as demo, CallbackReceiver(status=500) as receiver:
        client = at(demo, username=demo.rbs["user_name"], password=demo.rbs["password"])
        url = f"{client.url}?{urlencode({'dynamicCallbackUrl': receiver.url})}"
        order_id = client.register(order_number(), 700, RETURN_URL, url=url)["orderId"]
        demo.pay(order_id)

        for count in (1, 2, 3):
            wait_until("callback", lambda: len(receiver.received) == count)
            # Received is not yet recorded: the next attempt is counted from the record.
            demo.advance(0)
            # The time of the machine goes on as well: some is left for it.
            demo.advance(15)
            assert len(receiver.received) == count
            demo.advance(15)
        demo.advance(3600)

        assert len(receiver.received) == 3
        assert receiver.received[0] == receiver.received[2]


def test_a_gateway_that_is_not_there_is_the_clients_network_error():
    # Port 9 of loopback: nobody listens.
    client = SberbankClient("a", "b", url="http://127.0.0.1:9/payment/{api_type}/{method}")

    with pytest.raises(SberbankRequestException):
        client.order_status_extended("1")
    with pytest.raises(SberbankException):
        client.order_status_extended()
