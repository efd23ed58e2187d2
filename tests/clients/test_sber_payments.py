"""sber-payments 0.3.0: every parameter in the query, an empty body that says it is JSON."""

import uuid

import pytest
from sber_payments import Client
from sber_payments.exceptions import BadCredentialsException

RETURN_URL = "https://shop.example.kz/done"
DONE = {"errorCode": "0", "errorMessage": "Успешно"}


def at(demo, **credentials):
    """The client, told where the gateway is."""
    client = Client(**credentials)
    client.URL = demo.rbs["base_url"]
    return client


@pytest.fixture
def client(demo):
    return at(demo, username=demo.rbs["user_name"], password=demo.rbs["password"])


@pytest.fixture
def held(client, demo, order_number):
    """An order of 900 tenge whose money is held."""
    order_id = client.register_order_pre_auth(order_number(), 90000, RETURN_URL)["orderId"]
    assert demo.pay(order_id)["errorCode"] == "0"
    return order_id


@pytest.fixture
def paid(client, demo, order_number):
    """An order of 900 tenge that is paid."""
    order_id = client.register_order(order_number(), 90000, RETURN_URL)["orderId"]
    assert demo.pay(order_id)["errorCode"] == "0"
    return order_id


def amounts(client, order_id):
    status = client.get_order_status(order_id)
    assert status["errorCode"] == "0"
    info = status["paymentAmountInfo"]
    shown = ("approvedAmount", "depositedAmount", "refundedAmount")
    return status["orderStatus"], info["paymentState"], *(info[name] for name in shown)


def test_an_order_is_registered_and_paid_at_once(client, demo, order_number):
    answer = client.register_order(order_number(), 90000, RETURN_URL)

    assert answer.keys() == {"orderId", "formUrl"}
    assert answer["formUrl"].endswith(f"?mdOrder={answer['orderId']}")
    assert amounts(client, answer["orderId"]) == (0, "CREATED", 0, 0, 0)
    demo.pay(answer["orderId"])
    assert amounts(client, answer["orderId"]) == (2, "DEPOSITED", 90000, 90000, 0)


def test_a_description_in_the_query_is_read_as_it_was_written(client, order_number):
    text = "Чай + сахар & 100% = 2/3?"
    answer = client.register_order_pre_auth(order_number(), 900, RETURN_URL, description=text)

    assert client.get_order_status(answer["orderId"])["orderDescription"] == text


def test_a_hold_is_taken_in_full(client, held):
    assert amounts(client, held) == (1, "APPROVED", 90000, 0, 0)
    assert client.deposit(held) == DONE
    assert amounts(client, held) == (2, "DEPOSITED", 90000, 90000, 0)
    assert client.deposit(held)["errorCode"] == "7"


def test_a_hold_is_taken_in_part_and_the_rest_given_back(client, held):
    assert client.deposit(held, 40001) == DONE
    assert amounts(client, held) == (2, "DEPOSITED", 90000, 40001, 0)
    assert client.deposit(held, 1)["errorCode"] == "7"
    assert client.reverse(held)["errorCode"] == "7"

    answer = client.refund(held, 40002)

    assert answer["errorCode"] == "7"
    assert client.refund(held, 40001) == DONE
    assert amounts(client, held) == (4, "REFUNDED", 90000, 0, 40001)


def test_no_more_than_was_held_is_taken(client, held):
    answer = client.deposit(held, 90001)

    assert answer == {
        "errorCode": "5",
        "errorMessage": "Сумма завершения больше удержанной суммы",
    }
    assert client.deposit(held, "half")["errorCode"] == "5"
    assert amounts(client, held) == (1, "APPROVED", 90000, 0, 0)


def test_a_hold_is_given_up(client, held):
    assert client.reverse(held) == DONE
    assert amounts(client, held) == (3, "REVERSED", 0, 0, 0)
    for again in (client.reverse(held), client.deposit(held), client.refund(held)):
        assert again["errorCode"] == "7"


def test_a_hold_is_given_up_in_part(client, held):
    assert client.reverse(held, 30000) == DONE
    assert amounts(client, held) == (1, "APPROVED", 60000, 0, 0)
    assert client.deposit(held, 60001)["errorCode"] == "5"
    assert client.deposit(held) == DONE
    assert amounts(client, held) == (2, "DEPOSITED", 60000, 60000, 0)


def test_a_held_order_is_not_refunded(client, held):
    assert client.refund(held, 1)["errorCode"] == "7"
    assert amounts(client, held) == (1, "APPROVED", 90000, 0, 0)


def test_refunds_in_parts_then_all_that_is_left(client, paid):
    assert client.refund(paid, 1) == DONE
    assert amounts(client, paid) == (4, "REFUNDED", 90000, 89999, 1)
    assert client.refund(paid) == DONE
    assert amounts(client, paid) == (4, "REFUNDED", 90000, 0, 90000)
    assert client.refund(paid, 1)["errorCode"] == "7"


def test_a_number_is_used_once_for_both_ways(client, order_number):
    number = order_number()
    client.register_order(number, 900, RETURN_URL)

    for register in (client.register_order, client.register_order_pre_auth):
        answer = register(number, 900, RETURN_URL)
        assert answer == {
            "errorCode": "1",
            "errorMessage": "Заказ с таким номером уже обработан",
        }


def test_an_unknown_order_is_error_6(client):
    unknown = str(uuid.uuid4())
    calls = [client.get_order_status, client.deposit, client.reverse, client.refund]

    for call in calls:
        assert call(unknown) == {"errorCode": "6", "errorMessage": "Заказ не найден"}


def test_a_wrong_password_is_error_5(demo, held):
    stranger = at(demo, username=demo.rbs["user_name"], password="wrong")
    calls = [stranger.get_order_status, stranger.deposit, stranger.reverse, stranger.refund]

    for call in calls:
        assert call(held) == {"errorCode": "5", "errorMessage": "Access denied"}
    assert stranger.register_order("X", 1, RETURN_URL)["errorCode"] == "5"
    with pytest.raises(BadCredentialsException):
        Client()


def test_a_token_holds_money_but_does_not_take_it(client, demo, order_number):
    public = at(demo, token=demo.rbs["token"])
    order_id = public.register_order_pre_auth(order_number(), 900, RETURN_URL)["orderId"]
    demo.pay(order_id)

    assert amounts(public, order_id) == (1, "APPROVED", 900, 0, 0)
    for call in (public.deposit, public.reverse, public.refund):
        assert call(order_id)["errorCode"] == "5"
    assert client.deposit(order_id) == DONE
