"""Ends what ends by itself, and sends callbacks until they are taken."""

import sys
import time
import urllib.request

# Pauses before the next try, in seconds; the last one repeats.
PAUSES_S = (1, 2, 5, 15, 60, 300, 900, 3600)
GIVE_UP_AFTER_S = 3 * 24 * 3600
TIMEOUT_S = 10
LOOK_EVERY_S = 5


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is no 2xx."""

    def redirect_request(self, *_):
        return None


CLIENT = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


def run_ends(store, finish):
    """Ends operations when their time has come. Never returns."""
    while True:
        with store:
            for operation_id, end in store.due_ends():
                finish(store, operation_id, end)
        # The ends are on disk, and told to the other thread, before this one waits.
        with store:
            rest(store, store.next_end())


def run_callbacks(store, keys):
    """Sends callbacks, one after the other: enough for an example. Never returns."""
    while True:
        with store:
            callback = store.due_callback()
            if callback is None:
                rest(store, store.next_callback())
                continue
        taken = send(callback, keys)
        with store:
            settle(store, callback, taken)


def rest(store, due_at):
    """Waits until the next thing is due, or something changed."""
    pause = LOOK_EVERY_S if due_at is None else due_at - time.time()
    if pause > 0:
        store.wait(min(pause, LOOK_EVERY_S))


def settle(store, callback, taken):
    if taken:
        store.drop_callback(callback["id"])
    elif time.time() - callback["made_at"] > GIVE_UP_AFTER_S:
        print(f"callback {callback['id']} is given up", file=sys.stderr)
        store.drop_callback(callback["id"])
    else:
        tries = min(callback["tries"], len(PAUSES_S) - 1)
        store.delay_callback(callback["id"], PAUSES_S[tries])


def send(callback, keys):
    """One try: the same id and body each time, and a new timestamp. Whether it was taken."""
    stamp = keys.stamp(callback["id"], callback["body"])
    request = urllib.request.Request(callback["url"], callback["body"].encode(), stamp)
    try:
        with CLIENT.open(request, timeout=TIMEOUT_S) as answer:
            return 200 <= answer.status < 300
    except (OSError, ValueError) as error:
        print(f"callback {callback['id']}: {error}", file=sys.stderr)
        return False
