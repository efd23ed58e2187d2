"""Callbacks that time brings, read by ecommpay-sdk 1.0.6: late, repeated and delayed ones."""

import pytest

from support.demo import Demo, wait_until
from support.ecommpay import Shop, fresh_id
from support.posted import PostReceiver

# Within this a payer who was sent to the wallet must have paid.
PAYER_MAX_S = 600
# So long a callback that was not taken waits for its next attempt.
AGAIN_AFTER_S = 10


@pytest.fixture(scope="module")
def receiver():
    with PostReceiver() as running:
        yield running


@pytest.fixture(scope="module")
def shop(receiver):
    with Demo(manual_clock=True) as demo:
        shop = Shop(demo, receiver)
        yield shop
        for posted in receiver.received:
            shop.believe(posted)


def test_a_payer_who_never_pays_is_declined(shop):
    payment_id = fresh_id()
    request_id = shop.wallet_sale(payment_id)
    shop.callback(request_id, "awaiting redirect result")

    shop.demo.advance(PAYER_MAX_S + 1)

    callback = shop.callback(request_id, "decline")
    assert callback["payment"]["status"] == "decline"
    assert callback["operation"]["code"] == "603"
    assert callback["operation"]["message"] == "Auto decline"
    assert shop.disbelieve_changes(shop.callbacks(payment_id)[-1]) > 300
    assert shop.status(payment_id)["payment"]["status"] == "decline"


@pytest.mark.parametrize("refusal", [500, 301, 204])
def test_a_callback_that_was_not_taken_comes_again_as_it_was(shop, receiver, refusal):
    payment_id = fresh_id()
    receiver.status = refusal
    try:
        shop.callback(shop.by_card("sale", payment_id), "success")
    finally:
        receiver.status = 200

    def came_again():
        # The pause begins when the refusal is on disk, so the clock may have to move once more.
        shop.demo.advance(AGAIN_AFTER_S + 1)
        return len(shop.callbacks(payment_id)) > 1

    wait_until("the callback again", came_again)
    first, again = shop.callbacks(payment_id)
    assert again.text == first.text
    shop.believe(again)


def test_a_shop_delays_callbacks(shop):
    delayed, prompt = fresh_id(), fresh_id()
    request_id = shop.by_card("sale", delayed, callback={"delay": 60})
    shop.callback(shop.by_card("sale", prompt), "success")
    shop.demo.advance(55)
    shop.callback(shop.by_card("sale", fresh_id()), "success")
    assert not shop.callbacks(delayed)

    shop.demo.advance(10)

    assert shop.callback(request_id, "success")["payment"]["id"] == delayed


def test_a_shop_wants_no_callbacks(shop):
    silent = fresh_id()
    shop.by_card("sale", silent, callback={"force_disable": True})
    shop.callback(shop.by_card("sale", fresh_id()), "success")
    shop.demo.advance(3600)
    shop.callback(shop.by_card("sale", fresh_id()), "success")

    assert shop.status(silent)["payment"]["status"] == "success"
    assert not shop.callbacks(silent)
