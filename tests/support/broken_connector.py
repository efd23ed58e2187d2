"""The example connector with one thing broken: `broken_connector.py HOW --port 0 --key …`.

For tests only: what `altyn connector check` must find, and what a gateway must bear.
"""

import sys
import threading
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "connector-python"
sys.path.insert(0, str(EXAMPLE))

import connector as example  # noqa: E402
from connector import SUCCESS, Connector  # noqa: E402
from protocol import Keys, Refused  # noqa: E402

# Tests need not wait longer for what comes later than the protocol wants.
example.LATE_S = 0.6

SLOW_S = 2
EARLY_MAX_S = 5
OTHER_KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class WrongSignature(Keys):
    """Signs with a key that nobody knows."""

    def stamp(self, message_id, body):
        return Keys(OTHER_KEY).stamp(message_id, body)


class OldAnswers(Keys):
    """Tells a time of ten minutes ago, and signs it."""

    def stamp(self, message_id, body):
        then = datetime.fromtimestamp(int(time.time()) - 600, timezone.utc)
        return super().stamp(message_id, body) | {
            "webhook-timestamp": str(int(then.timestamp())),
            "webhook-signature": self._keys[0].sign(message_id, then, body),
        }


class OtherId(Keys):
    """Answers a question that nobody asked."""

    def stamp(self, message_id, body):
        return super().stamp(f"msg_{uuid.uuid4().hex}", body)


class TrustsEverybody(Keys):
    """Takes any message for a genuine one."""

    def verify(self, headers, body):
        return None


class ChargedTwice(Connector):
    """Forgets what it did under an id."""

    def charge(self, message):
        with self.store as store:
            store._database.execute("DELETE FROM operations WHERE id = ?", (message["operation"],))
        return super().charge(message)


class UnknownStatus(Connector):
    """Has a word of its own for a success."""

    def charge(self, message):
        state = super().charge(message)
        return state | {"status": "approved"} if state["status"] == "success" else state


class Slow(Connector):
    """Charges, and answers when nobody waits any more."""

    def charge(self, message):
        state = super().charge(message)
        threading.Event().wait(SLOW_S)
        return state


class Huge(Connector):
    """Answers more than anybody reads."""

    def charge(self, message):
        return super().charge(message) | {"padding": "x" * 4_000_000}


class Error500(Connector):
    """Charges, and falls over before it answers."""

    def charge(self, message):
        super().charge(message)
        raise RuntimeError("broken on purpose")


class Error500Before(Connector):
    """Falls over before it charges."""

    def charge(self, message):
        raise RuntimeError("broken on purpose")


class OtherAmount(Connector):
    """Works with another amount than was asked for, and says so."""

    def charge(self, message):
        return super().charge(message | {"amount": message["amount"] + 1})


class EarlyCallback(Connector):
    """Tells the end by callback before the request is answered."""

    def charge(self, message):
        state = super().charge(message)
        if message["amount"] % 100 == 3 and state["status"] == "processing":
            with self.store as store:
                self.finish(store, state["operation"], SUCCESS)
            deadline = time.monotonic() + EARLY_MAX_S
            with self.store as store:
                while store.next_callback() is not None and time.monotonic() < deadline:
                    store.wait(0.05)
        return state


class NeverAgain(Connector):
    """Sends each callback once, whatever the answer."""

    def finish(self, store, operation_id, end):
        super().finish(store, operation_id, end)
        store.delay_callback = lambda callback_id, pause: store.drop_callback(callback_id)


class NoCallbacks(Connector):
    """Waits to be asked."""

    def finish(self, store, operation_id, end):
        real, store.add_callback = store.add_callback, lambda *_: None
        try:
            super().finish(store, operation_id, end)
        finally:
            store.add_callback = real


class TakesOtherBodies(Connector):
    """Answers another request under a known id as if it were the first."""

    def perform(self, message, begin):
        try:
            return super().perform(message, begin)
        except Refused as refused:
            if refused.code != "id_reused":
                raise
        with self.store as store:
            return store.operation(message["operation"])["state"]


class WithoutMessages(Connector):
    """Gives no reason in words."""

    def ended(self, state, end):
        return {k: v for k, v in super().ended(state, end).items() if k != "message"}


class Plain(Connector):
    """Breaks nothing: it can only charge."""

    description = Connector.description | {"refunds": "none", "holds": False}


class FullOnly(Connector):
    """Breaks nothing: it gives the whole sum back or nothing."""

    description = Connector.description | {"refunds": "full", "holds": False}

    def begin_follow_up(self, store, request, state):
        charge = store.operation(request["charge"])
        if charge and request["amount"] < charge["request"]["amount"]:
            store.set_state(state["operation"], self.ended(state, example.FORBIDDEN))
        else:
            super().begin_follow_up(store, request, state)


class Live(Connector):
    """Is no toy any more."""

    description = Connector.description | {"test": False}


class PromisesTooMuch(Connector):
    """Says that nothing can begin any more while its signatures are still fresh."""

    description = Connector.description | {"not_found_final_after_ms": 1}


class TakesOtherTypes(Connector):
    """Looks at the amount of a request under a known id, and not at its type."""

    def perform(self, message, begin):
        with self.store as store:
            known = store.operation(message.get("operation"))
            if known and known["request"]["amount"] == message["amount"]:
                return known["state"]
        return super().perform(message, begin)


class KeepsRest(Connector):
    """Never gives back what a capture leaves."""

    def follow_up(self, message):
        return super().follow_up(message | {"release_rest": False})


class ReleasesRest(Connector):
    """Gives back what a capture leaves, whatever is asked."""

    def follow_up(self, message):
        return super().follow_up(message | {"release_rest": True})


class RefundsEach(Connector):
    """Holds each refund against the charge, and not their sum."""

    def left(self, store, charge, but):
        return super().left(store, charge, but) | {"refund": charge["request"]["amount"]}


class RefundsAnything(Connector):
    """Gives back more than it got."""

    def left(self, store, charge, but):
        return super().left(store, charge, but) | {"refund": 10**12}


class RefundsHolds(Connector):
    """Gives back what was reserved, captured or not."""

    def left(self, store, charge, but):
        left = super().left(store, charge, but)
        return left if charge["request"]["capture"] else left | {"refund": 10**12}


class RefundsRest(Connector):
    """Gives back what was reserved once a part of it is captured."""

    def left(self, store, charge, but):
        left = super().left(store, charge, but)
        return left | {"refund": charge["request"]["amount"]} if left["refund"] else left


class TakesParts(Connector):
    """Promises the whole sum or nothing, and gives parts back."""

    description = Connector.description | {"refunds": "full"}


BROKEN = {
    "wrong_signature": {"keys": WrongSignature},
    "old_answers": {"keys": OldAnswers},
    "other_id": {"keys": OtherId},
    "trusts_everybody": {"keys": TrustsEverybody},
    "charged_twice": {"connector": ChargedTwice},
    "unknown_status": {"connector": UnknownStatus},
    "slow": {"connector": Slow},
    "huge": {"connector": Huge},
    "error_500": {"connector": Error500},
    "error_500_before": {"connector": Error500Before},
    "other_amount": {"connector": OtherAmount},
    "early_callback": {"connector": EarlyCallback},
    "never_again": {"connector": NeverAgain},
    "no_callbacks": {"connector": NoCallbacks},
    "takes_other_bodies": {"connector": TakesOtherBodies},
    "without_messages": {"connector": WithoutMessages},
    "plain": {"connector": Plain},
    "full_only": {"connector": FullOnly},
    "live": {"connector": Live},
    "promises_too_much": {"connector": PromisesTooMuch},
    "takes_other_types": {"connector": TakesOtherTypes},
    "keeps_rest": {"connector": KeepsRest},
    "releases_rest": {"connector": ReleasesRest},
    "refunds_each": {"connector": RefundsEach},
    "refunds_anything": {"connector": RefundsAnything},
    "refunds_holds": {"connector": RefundsHolds},
    "refunds_rest": {"connector": RefundsRest},
    "takes_parts": {"connector": TakesParts},
}

if __name__ == "__main__":
    how = BROKEN[sys.argv.pop(1)]
    example.run(example.parse_arguments(), **how)
