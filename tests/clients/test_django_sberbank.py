"""django-sberbank 0.2.31: an application of a shop's Django project: models, service and views."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from decimal import Decimal

import pytest

from support.callbacks import checksum
from support.demo import wait_until
from support.django_shop import DjangoShop

# The application is older than its Django.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]

APP_URLS = {
    "app_success_url": "https://app.example.kz/thanks",
    "app_fail_url": "https://app.example.kz/sorry",
}


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


@pytest.fixture(scope="module")
def site(demo, tmp_path_factory):
    """The shop's site; callbacks of its project go to the view of the application."""
    shop = DjangoShop()
    made = demo.create_project("django", f"{shop.url}/payment/callback")
    login = {"username": made["user_name"], "password": made["password"]}
    urls = {
        "success_url": f"{shop.url}/payment/success",
        "fail_url": f"{shop.url}/payment/fail",
    }
    quiet = {"username": demo.rbs["user_name"], "password": demo.rbs["password"]}
    merchants = {
        "shop": {**login, **urls, **APP_URLS, "hash_key": made["callback_secret"]},
        # Another project, whose callbacks go nowhere unless an order names an address.
        "quiet": {**quiet, **urls, **APP_URLS, "hash_key": demo.rbs["callback_secret"]},
        "stranger": {**login, **urls, "password": "wrong"},
    }
    shop.open(tmp_path_factory.mktemp("django"), f"{demo.base_url}/payment", merchants)
    yield shop
    shop.close()


@pytest.fixture(autouse=True)
def no_payments_yet(site):
    from sberbank.models import LogEntry, Payment

    Payment.objects.all().delete()
    LogEntry.objects.all().delete()


@pytest.fixture
def service(site):
    from sberbank.service import BankService

    return BankService("shop")


@pytest.fixture
def pay_card(demo, site):
    """Pays an order of the shop's project with a test card."""
    from django.conf import settings

    def pay(payment, behaviour="approved", merchant="shop"):
        known = settings.MERCHANTS[merchant]
        card = demo.card(behaviour)
        return demo.rbs_call(
            "paymentorder",
            userName=known["username"],
            password=known["password"],
            MDORDER=str(payment.bank_id),
            **{"$PAN": card["pan"], "$EXPIRY": card["expiry"], "$CVC": card["cvc"]},
        )

    return pay


def name(payment):
    """The status of a payment in the shop's database."""
    from sberbank.models import Payment, Status

    return Status(Payment.objects.get(pk=payment.pk).status).name


def callback(payment, operation):
    """What the view of the application logged of a callback, come or coming."""
    from sberbank.models import LogEntry

    def look():
        for entry in LogEntry.objects.filter(action="callback", payment_id=payment.uid):
            if json.loads(entry.response_text)["operation"] == operation:
                return entry
        return None

    return wait_until(f"callback {operation}", look)


def become(payment, status):
    """Waits until a callback has done its work on a payment."""
    wait_until(status, lambda: name(payment) == status)


def forget(payment):
    """Makes the next callback be seen although it changes nothing."""
    from sberbank.models import Payment, Status

    Payment.objects.filter(pk=payment.pk).update(status=Status.PENDING)


def get(url):
    """Status, place to go on at, and body."""
    request = urllib.request.Request(url, headers={"accept": "application/json"})
    try:
        with DIRECT.open(request, timeout=30) as answer:
            return answer.status, None, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("location"), error.read().decode()


def refused(call, *arguments):
    from sberbank.exceptions import ProcessingException

    with pytest.raises(ProcessingException) as caught:
        call(*arguments)
    return caught.value


def order(demo, payment):
    """What the gateway says of an order of the shop's project."""
    from django.conf import settings

    known = settings.MERCHANTS["shop"]
    login = {"userName": known["username"], "password": known["password"]}
    return demo.rbs_call("getOrderStatusExtended", orderId=str(payment.bank_id), **login)


def test_a_payment_is_registered(service, demo):
    from sberbank.models import LogEntry, Method, Payment

    payment, url = service.pay(
        Decimal("1500.50"),
        client_id="payer-7",
        description="Чай, 2 пачки",
        params={"promo": "ЛЕТО"},
    )

    kept = Payment.objects.get(pk=payment.uid)
    assert (name(payment), kept.amount, kept.method) == ("PENDING", Decimal("1500.50"), Method.WEB)
    assert isinstance(kept.bank_id, uuid.UUID)
    assert kept.details["redirect_url"] == url
    page = f"{demo.base_url}/payment/merchants/payment_ru.html?mdOrder={kept.bank_id}"
    assert url == page
    status = order(demo, kept)
    assert (status["orderNumber"], status["amount"]) == (payment.uid.hex, 150050)
    assert status["orderDescription"] == "Чай, 2 пачки"
    assert status["merchantOrderParams"] == [{"name": "promo", "value": "ЛЕТО"}]
    entry = LogEntry.objects.get(action="rest/register")
    assert json.loads(entry.response_text)["orderId"] == str(kept.bank_id)


def test_our_callback_is_believed(site, service, pay_card):
    from django.conf import settings

    payment, _ = service.pay(15, client_id="payer-7")
    pay_card(payment)

    entry = callback(payment, "deposited")
    become(payment, "SUCCEEDED")
    sent = json.loads(entry.response_text)
    assert (sent["mdOrder"], sent["orderNumber"]) == (str(payment.bank_id), payment.uid.hex)
    # The view computes the checksum itself and would have answered 400.
    assert entry.checksum == sent["checksum"]
    assert entry.checksum == checksum(sent, settings.MERCHANTS["shop"]["hash_key"])
    assert get(f"{site.url}/payment/status/{payment.uid}/") == (200, None, '{"status":"SUCCEEDED"}')


def test_a_callback_with_another_checksum_is_not_believed(site, service, pay_card):
    payment, _ = service.pay(15)
    fields = {"mdOrder": payment.bank_id, "operation": "deposited", "status": 1, "checksum": "00"}

    forged = get(f"{site.url}/payment/callback?{urllib.parse.urlencode(fields)}")

    assert forged == (400, None, "Checksum check failed")
    assert name(payment) == "FAILED"
    pay_card(payment)
    become(payment, "SUCCEEDED")


def test_a_refused_card_is_told_by_a_callback(service, pay_card):
    payment, _ = service.pay(15)
    pay_card(payment, "declined_insufficient_funds")

    sent = json.loads(callback(payment, "deposited").response_text)

    assert sent["status"] == "0"
    become(payment, "FAILED")


def test_a_callback_reaches_the_address_that_came_with_the_order(site, demo, pay_card):
    from django.test import override_settings
    from sberbank.models import Payment
    from sberbank.service import BankService

    with override_settings(MERCHANT_KEY="quiet"):
        payment = Payment.objects.create(amount=7)
        # `pay` does not know the parameter; what is beneath it passes everything on.
        data = {
            "orderNumber": payment.uid.hex,
            "amount": 700,
            "returnUrl": f"{site.url}/payment/success",
            "dynamicCallbackUrl": f"{site.url}/payment/callback",
        }
        answer = BankService("quiet").execute_request(data, "rest/register", payment)
        payment.bank_id = answer["orderId"]
        payment.save()
        assert name(payment) == "CREATED"
        pay_card(payment, merchant="quiet")

        entry = callback(payment, "deposited")
        become(payment, "SUCCEEDED")

    assert entry.checksum == json.loads(entry.response_text)["checksum"]


def test_the_payer_comes_back_and_the_order_is_looked_up(site, service, pay_card):
    from sberbank.models import Payment
    from sberbank.util import system_name

    payment, _ = service.pay(15)
    home = pay_card(payment)["redirect"]
    become(payment, "SUCCEEDED")

    assert home == f"{site.url}/payment/success?orderId={payment.bank_id}&lang=ru"
    status, place, _ = get(home)
    assert (status, place) == (302, f"{APP_URLS['app_success_url']}?payment={payment.uid}")
    kept = Payment.objects.get(pk=payment.uid)
    assert (name(kept), kept.details["pan"]) == ("SUCCEEDED", "444455**3333")
    assert system_name(kept.details["pan"]) == "VISA"


def test_a_payer_who_failed_comes_back_too(site, service, pay_card):
    payment, _ = service.pay(15)
    for _ in range(3):
        pay_card(payment, "declined_expired")
    become(payment, "FAILED")

    status, place, _ = get(f"{site.url}/payment/fail?orderId={payment.bank_id}&lang=ru")

    assert (status, place) == (302, f"{APP_URLS['app_fail_url']}?payment={payment.uid}")
    assert name(payment) == "FAILED"


def test_a_hold_is_reversed(service, demo, pay_card):
    payment, _ = service.pay(15, preauth=True)
    pay_card(payment)
    callback(payment, "approved")
    become(payment, "SUCCEEDED")
    assert order(demo, payment)["orderStatus"] == 1
    forget(payment)

    assert service.reverse(payment)["errorCode"] == "0"

    status = order(demo, payment)
    assert (status["orderStatus"], status["paymentAmountInfo"]["approvedAmount"]) == (3, 0)
    callback(payment, "reversed")
    # The application takes every callback of a success for a payment, until it looks.
    become(payment, "SUCCEEDED")
    service.check_status(payment.uid)
    assert name(payment) == "FAILED"
    again = refused(service.reverse, payment)
    assert (again.error_code, again.payment_id) == (7, payment.uid)


def test_a_card_check_is_held_and_given_up_when_the_payer_is_back(service, demo, pay_card):
    payment, url = service.bind_refund("payer-9")
    assert "/bind_payment_ru.html?" in url
    home = pay_card(payment)["redirect"]
    callback(payment, "approved")
    become(payment, "SUCCEEDED")

    assert get(home)[0] == 302

    assert order(demo, payment)["orderStatus"] == 3
    callback(payment, "reversed")


def test_a_refund_is_seen(service, demo, pay_card):
    from django.conf import settings

    payment, _ = service.pay(15)
    pay_card(payment)
    become(payment, "SUCCEEDED")
    forget(payment)
    known = settings.MERCHANTS["shop"]
    login = {"userName": known["username"], "password": known["password"]}
    # The application has no refund; shops make it in the bank's cabinet.
    answer = demo.rbs_call("refund", orderId=str(payment.bank_id), amount=500, **login)
    assert answer["errorCode"] == "0"
    sent = json.loads(callback(payment, "refunded").response_text)
    assert (sent["amount"], sent["operationRefundedAmount"]) == ("1500", "500")
    become(payment, "SUCCEEDED")

    service.check_status(payment.uid)

    assert name(payment) == "REFUNDED"


def test_payments_without_news_are_asked_about(site, pay_card):
    from django.test import override_settings
    from sberbank import tasks
    from sberbank.models import Payment
    from sberbank.service import BankService

    with override_settings(MERCHANT_KEY="quiet"):
        service = BankService("quiet")
        paid, unpaid = service.pay(15)[0], service.pay(16)[0]
        pay_card(paid, merchant="quiet")
        assert name(paid) == "PENDING"

        tasks.check_payments()

    assert (name(paid), name(unpaid)) == ("SUCCEEDED", "PENDING")
    assert Payment.objects.get(pk=paid.uid).details["pan"] == "444455**3333"


def test_a_number_is_used_once(service):
    from sberbank.models import Payment

    payment, _ = service.pay(15)
    data = {"orderNumber": payment.uid.hex, "amount": 1500, "returnUrl": "https://example.kz/"}

    error = refused(service.execute_request, data, "rest/register", payment)

    assert (error.error_code, error.error_text) == (1, "Заказ с таким номером уже обработан")
    kept = Payment.objects.get(pk=payment.uid)
    assert (kept.error_code, kept.error_message) == (1, "Заказ с таким номером уже обработан")
    assert name(payment) == "FAILED"


def test_an_unknown_order_is_error_6(service):
    from sberbank.exceptions import PaymentNotFoundException
    from sberbank.models import Payment

    payment = Payment.objects.create(amount=7, bank_id=uuid.uuid4())

    error = refused(service.check_status, payment.uid)

    assert (error.error_code, error.error_text) == (6, "Заказ не найден")
    assert refused(service.reverse, payment).error_code == 6
    with pytest.raises(PaymentNotFoundException):
        service.check_status(uuid.uuid4())


def test_a_wrong_password_is_error_5(service):
    from sberbank.models import LogEntry, Payment
    from sberbank.service import BankService

    error = refused(BankService("stranger").pay, 15)

    assert (error.error_code, error.error_text) == (5, "Access denied")
    [payment] = Payment.objects.all()
    assert (name(payment), payment.bank_id, payment.error_code) == ("FAILED", None, 5)
    assert "wrong" not in LogEntry.objects.get().request_text


def test_a_gateway_that_is_not_there_is_the_applications_network_error(service):
    from sberbank.exceptions import NetworkException
    from sberbank.models import Payment

    # Port 9 of loopback: nobody listens.
    service._BankService__default_gateway_address = "http://127.0.0.1:9/payment"

    with pytest.raises(NetworkException):
        service.pay(15)
    assert name(Payment.objects.get()) == "FAILED"


def test_a_payer_without_saved_cards_has_none(site, service):
    assert service.get_bindings("payer-7") == []
    assert get(f"{site.url}/payment/bindings/payer-7/") == (200, None, "[]")
    assert refused(service.deactivate_binding, str(uuid.uuid4())).error_code == 2


@pytest.mark.parametrize(
    ("token", "method"), [({"signedMessage": "?"}, "GOOGLE"), ({"data": "?"}, "APPLE")]
)
def test_a_wallet_that_cannot_pay_is_a_failed_payment(service, token, method):
    from sberbank.models import Method

    packed = base64.b64encode(json.dumps(token).encode()).decode()

    payment, response = service.mobile_pay(15, packed, "203.0.113.7")

    assert response["success"] is False and response["error"]["message"]
    assert (name(payment), Method(payment.method).name) == ("FAILED", method)
