#!/usr/bin/env python3
"""A complete connector for Altyn, with a pretended wallet behind it. See README.md.

Where a real gateway is called, this one calls `Wallet`; everything else can stay as it is.
"""

import argparse
import json
import os
import secrets
import threading
import time
import uuid

import delivery
import pages
from protocol import ID, Keys, Refused, Server, read
from store import Store

# Test mode: the end of a charge, and of what follows it, by the last two digits of the amount. A
# pair is what is answered at once, and what comes of it later.
SUCCESS = {"status": "success"}
PROCESSING = {"status": "processing"}


def failure(code, message):
    return {"status": "failure", "code": code, "message": message}


NO_MONEY = failure("insufficient_funds", "Not enough money in the wallet")
NO_ISSUER = failure("issuer_unavailable", "The wallet does not answer")
FORBIDDEN = failure("not_allowed", "The wallet does not allow this")
BROKEN = failure("technical", "The wallet made a mistake")
TOO_MUCH = failure("invalid_amount", "More than there is")
UNKNOWN_CHARGE = failure("original_not_found", "There is no such payment")
CANCELLED = failure("cancelled", "The payment was withdrawn")
GIVEN_UP = failure("cancelled_by_payer", "You gave the payment up")
TOO_LATE = failure("time_over", "The time to pay is over")

CHARGES = {2: (NO_MONEY, None), 3: (PROCESSING, SUCCESS), 4: (PROCESSING, NO_ISSUER)}
FOLLOW_UPS = {12: (FORBIDDEN, None), 13: (PROCESSING, SUCCESS), 14: (PROCESSING, BROKEN)}
REDIRECT_DIGITS = 1
LATE_S = 1.0


class Connector:
    """The operations of the protocol: each takes a request and gives the answer's body."""

    description = {
        "name": "Example wallet",
        "test": True,
        "currencies": [
            {"currency": "INR", "min": 100, "max": 40_000_000},
            {"currency": "KZT", "min": 100, "max": 100_000_000},
        ],
        "refunds": "partial",
        "holds": True,
        # The signature's time is checked, so after 300 s nothing can begin; 30 s for wrong clocks.
        "not_found_final_after_ms": 330_000,
    }

    def __init__(self, store, public_url):
        self.store, self.public_url = store, public_url
        self.operations = {
            "describe": lambda message: self.description,
            "charge": self.charge,
            "status": lambda message: self.state_of(message, ("charge", "capture", "void")),
            "cancel": self.cancel,
            "refund": self.follow_up,
            "refund_status": lambda message: self.state_of(message, ("refund",)),
        }
        if self.description["holds"]:
            self.operations |= {"capture": self.follow_up, "void": self.follow_up}

    # What is asked for

    def charge(self, message):
        for name, kind in (("payment", dict), ("customer", dict), ("capture", bool)):
            read(message, name, kind)
        for name in ("language", "return_url"):
            read(message, name, str)
        read(message, "expires_at_ms", int)
        return self.perform(message, self.begin_charge)

    def follow_up(self, message):
        read(message, "charge", str)
        if message["type"] == "capture":
            read(message, "release_rest", bool)
        return self.perform(message, self.begin_follow_up)

    def state_of(self, message, kinds):
        with self.store as store:
            operation = store.operation(read(message, "operation", str))
            if operation is None or operation["type"] not in kinds:
                raise Refused(404, "not_found", "there is no such operation")
            return operation["state"]

    def cancel(self, message):
        with self.store as store:
            state = self.state_of(message, ("charge",))
            if state["status"] in ("processing", "redirect"):
                # The answer tells the end, so no callback is needed.
                state = self.ended(state, CANCELLED)
                store.set_state(state["operation"], state)
                store.set_end(state["operation"], None, None)
            return state

    # How it is done once

    def perform(self, message, begin):
        """Does what a request asks for, unless it was done before; its state now."""
        operation_id = read(message, "operation", str)
        read(message, "callback_url", str)
        if not ID.fullmatch(operation_id):
            raise Refused(400, "malformed", "operation is malformed")
        if read(message, "amount", int) <= 0 or len(read(message, "currency", str)) != 3:
            raise Refused(400, "malformed", "amount or currency is not possible")
        # Settings may hold secrets, and a secret may change: they are neither kept nor compared.
        request = {name: message[name] for name in message.keys() - {"settings", "static"}}
        with self.store as store:
            known = store.operation(operation_id)
            if known is None:
                state = {
                    "operation": operation_id,
                    "status": "processing",
                    "amount": message["amount"],
                    "currency": message["currency"],
                    "reference": f"w-{uuid.uuid4().hex[:12]}",
                }
                # A real gateway is called outside of this lock, after the operation is on disk, and
                # with an id that is made from the operation's: else a crash between the two would
                # make it twice.
                store.add(operation_id, message["type"], request, state)
                begin(store, request, state)
                known = store.operation(operation_id)
            elif known["request"] != request:
                raise Refused(409, "id_reused", "this id came with another body before")
            return known["state"]

    def begin_charge(self, store, request, state):
        digits = request["amount"] % 100
        if not self.takes(request):
            store.set_state(state["operation"], self.ended(state, FORBIDDEN))
        elif digits == REDIRECT_DIGITS:
            page = secrets.token_urlsafe(18)
            redirect = {"method": "GET", "url": f"{self.public_url}/pay/{page}"}
            waiting = state | {"status": "redirect", "redirect": redirect}
            store.set_page(state["operation"], page)
            store.set_state(state["operation"], waiting)
            store.set_end(state["operation"], request["expires_at_ms"] / 1000, TOO_LATE)
        else:
            self.play(store, state, CHARGES.get(digits, (SUCCESS, None)))

    def begin_follow_up(self, store, request, state):
        charge = store.operation(request["charge"])
        if charge is None or charge["type"] != "charge":
            refusal = UNKNOWN_CHARGE
        elif request["currency"] != charge["state"]["currency"]:
            refusal = TOO_MUCH
        elif request["amount"] > self.left(store, charge, state["operation"])[request["type"]]:
            refusal = TOO_MUCH
        else:
            return self.play(store, state, FOLLOW_UPS.get(request["amount"] % 100, (SUCCESS, None)))
        store.set_state(state["operation"], self.ended(state, refusal))

    def takes(self, request):
        fits = (
            known["min"] <= request["amount"] <= known["max"]
            for known in self.description["currencies"]
            if known["currency"] == request["currency"]
        )
        return any(fits) and (request["capture"] or self.description["holds"])

    def left(self, store, charge, but):
        """What can still be captured or voided, and refunded. What runs counts as done."""
        if charge["state"]["status"] != "success":
            return {"capture": 0, "void": 0, "refund": 0}
        done = {"capture": 0, "void": 0, "refund": 0}
        released = False
        for operation in store.of_charge(charge["id"]):
            if operation["id"] != but and operation["state"]["status"] != "failure":
                done[operation["type"]] += operation["request"]["amount"]
                released = released or operation["request"].get("release_rest", False)
        amount = charge["request"]["amount"]
        if charge["request"]["capture"]:
            return {"capture": 0, "void": 0, "refund": amount - done["refund"]}
        held = 0 if released else amount - done["capture"] - done["void"]
        return {"capture": held, "void": held, "refund": done["capture"] - done["refund"]}

    def play(self, store, state, scenario):
        at_once, later = scenario
        store.set_state(state["operation"], self.ended(state, at_once))
        if later is not None:
            store.set_end(state["operation"], time.time() + LATE_S, later)

    def ended(self, state, end):
        plain = {name: value for name, value in state.items() if name != "redirect"}
        if end["status"] in ("success", "failure"):
            plain["happened_at_ms"] = int(time.time() * 1000)
        return plain | end

    # What happens later

    def finish(self, store, operation_id, end):
        """Ends an operation that runs, and has Altyn told; what has ended stays as it is."""
        operation = store.operation(operation_id)
        store.set_end(operation_id, None, None)
        if operation["state"]["status"] not in ("processing", "redirect"):
            return
        state = self.ended(operation["state"], end)
        store.set_state(operation_id, state)
        url, body = operation["request"]["callback_url"], json.dumps(state)
        store.add_callback(f"evt_{uuid.uuid4().hex}", url, body)

    def page(self, method, path, body):
        """The wallet's page: status, headers and text of the answer."""
        with self.store as store:
            operation = store.by_page(path.removeprefix("/pay/"))
            if operation is None:
                return pages.not_found()
            result = pages.choice(body) if method == "POST" else None
            if result is None:
                return pages.question(operation["request"], operation["state"])
            end = SUCCESS if result == "success" else GIVEN_UP
            self.finish(store, operation["id"], end)
            return pages.back(operation["request"]["return_url"])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9700, help="0 is any free one")
    parser.add_argument(
        "--key",
        default=os.environ.get("CONNECTOR_KEY"),
        help="whsec_…, or two separated by a space while it is being replaced; else CONNECTOR_KEY",
    )
    parser.add_argument("--data", default=":memory:", help="file that keeps all; else memory")
    parser.add_argument("--public-url", help="address under which payers reach it")
    arguments = parser.parse_args()
    if not arguments.key:
        parser.error("--key or CONNECTOR_KEY is needed")
    return arguments


def run(arguments, connector=Connector, keys=Keys):
    """Serves until it is ended."""
    keys = keys(arguments.key)
    store = Store(arguments.data)
    server = Server(arguments.host, arguments.port, keys, None, None)
    own_url = f"http://{arguments.host}:{server.server_port}"
    made = connector(store, (arguments.public_url or own_url).rstrip("/"))
    server.connector, server.page = made, made.page
    for work in (
        lambda: delivery.run_ends(store, made.finish),
        lambda: delivery.run_callbacks(store, keys),
    ):
        threading.Thread(target=work, daemon=True).start()
    print(f"listening on {own_url}/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    run(parse_arguments())
