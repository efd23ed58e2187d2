"""Starts and stops an `altyn demo` of a test's own and pays its orders.

A demo listens on free ports of loopback, keeps everything in a folder of its own and ends when its
standard input does, so none outlives the test that started it, however the test ends.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

START_MAX_S = 60
STOP_MAX_S = 30
WAIT_MAX_S = 20
CALL_MAX_S = 30
LOOK_EVERY_S = 0.02

REPOSITORY = Path(__file__).resolve().parents[2]

# What listens on this machine is never behind a proxy.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def wait_until(what, look, max_s=WAIT_MAX_S):
    """Asks again and again until `look` gives something true, which is returned."""
    deadline = time.monotonic() + max_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {max_s} s")
        time.sleep(LOOK_EVERY_S)


def program():
    """The program `altyn`."""
    return os.environ.get("ALTYN_BIN") or str(REPOSITORY / "target" / "debug" / "altyn")


class Demo:
    """A running `altyn demo`; a context manager."""

    def __init__(self, *more, manual_clock=False):
        self.data = Path(tempfile.mkdtemp(prefix="altyn-test-"))
        self._log = self.data / "program.log"
        words = ["demo", "--listen", "127.0.0.1:0", "--data", str(self.data), "--stop-with-stdin"]
        if manual_clock:
            words.append("--manual-clock")
        with self._log.open("ab") as log:
            # Its welcome tells the test cards, which no log may.
            self._process = subprocess.Popen(
                [program(), *words, *more],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log,
            )
        try:
            known = wait_until("demo.json", self._read, START_MAX_S)
            self.base_url = known["base_url"]
            self.shop_url = known["shop_url"]
            self.simulator_url = known["simulator_url"]
            self.rbs = known["rbs"]
            self.ecommpay = known["ecommpay"]
            self.partner_url = known["wallet"]["partner_url"]
            self.terminal_key = known["simulator"]["terminal_key"]
            self.test_cards = known["test_cards"]
            wait_until("readiness", self._is_ready, START_MAX_S)
        except BaseException:
            self._process.kill()
            self._process.wait()
            self._leave()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def pid(self):
        return self._process.pid

    @property
    def log(self):
        """What the program has logged so far."""
        return self._log.read_text("utf-8", "replace")

    @property
    def address(self):
        """Host and port of the gateway."""
        url = urllib.parse.urlsplit(self.base_url)
        return url.hostname, url.port

    def card(self, behaviour):
        """The test card with a behaviour, such as `approved`."""
        return next(card for card in self.test_cards if card["behaviour"] == behaviour)

    def rbs_call(self, method, **fields):
        """One call of the register.do family, the shop's credentials included."""
        known = {"userName": self.rbs["user_name"], "password": self.rbs["password"]}
        body = urllib.parse.urlencode(known | fields).encode()
        url = f"{self.rbs['base_url']}{method}.do"
        with DIRECT.open(url, body, CALL_MAX_S) as answer:
            assert answer.status == 200
            return json.load(answer)

    def register(self, pre_auth=False, **fields):
        """Registers an order and gives its id."""
        fields.setdefault("returnUrl", f"{self.shop_url}/done")
        answer = self.rbs_call("registerPreAuth" if pre_auth else "register", **fields)
        assert "orderId" in answer, answer
        return answer["orderId"]

    def pay(self, order_id, behaviour="approved"):
        """Pays an order with a test card, as a shop that takes cards itself does."""
        card = self.card(behaviour)
        fields = {"$PAN": card["pan"], "$EXPIRY": card["expiry"], "$CVC": card["cvc"]}
        return self.rbs_call("paymentorder", MDORDER=order_id, TEXT="TEST CARD", **fields)

    def status(self, order_id):
        """The extended status of an order."""
        return self.rbs_call("getOrderStatusExtended", orderId=order_id)

    def advance(self, seconds):
        """Moves the time of a demo with a manual clock; its timers fire as they would."""
        request = urllib.request.Request(
            f"{self.base_url}/test/clock",
            json.dumps({"advance_s": seconds}).encode(),
            {"content-type": "application/json"},
        )
        with DIRECT.open(request, timeout=CALL_MAX_S) as answer:
            return json.load(answer)

    def create_project(self, slug, callback_url):
        """Makes one more project on the running demo, with an address of its own for callbacks."""
        config = self.data / "altyn.toml"
        config.write_text(
            f'[server]\nlisten = "127.0.0.1:0"\npublic_url = "{self.base_url}"\n'
            f"[database]\nurl = {json.dumps((self.data / 'database-url').read_text().strip())}\n"
            f"[security]\nkey_file = {json.dumps(str(self.data / 'altyn.key'))}\n"
            '[callbacks]\nallowed_networks = ["127.0.0.0/8"]\n'
        )
        arguments = {
            "config": config,
            "name": slug,
            "slug": slug,
            "callback-url": callback_url,
            "bank-url": self.simulator_url,
            # A key may begin with a hyphen, so each value is written with its name.
            "bank-key": self.terminal_key,
        }
        words = [f"--{name}={value}" for name, value in arguments.items()]
        made = subprocess.run(
            [program(), "project", "create", *words],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=START_MAX_S,
        )
        assert made.returncode == 0, made.stderr.decode()
        project = json.loads(made.stdout)
        login = {"userName": project["user_name"], "password": project["password"]}

        def is_let_in():
            answer = self.rbs_call("getOrderStatusExtended", orderNumber="none", **login)
            return answer["errorCode"] == "6"

        # The server looks once a second whether settings were changed beside it.
        wait_until("new project", is_let_in)
        return project

    def stop(self):
        """Ends the demo; an error if it does not end by itself and well."""
        self._process.stdin.close()
        try:
            code = self._process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        log = self.log
        self._leave()
        assert code == 0, f"the demo ended with {code}:\n{log}"

    def _read(self):
        code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"the demo ended with {code}:\n{self.log}")
        try:
            return json.loads((self.data / "demo.json").read_text("utf-8"))
        except FileNotFoundError:
            return None

    def _is_ready(self):
        try:
            with DIRECT.open(f"{self.base_url}/health/ready", timeout=CALL_MAX_S) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _leave(self):
        """Leaves a copy of all files for the search for card data, if one is wanted."""
        place = os.environ.get("ALTYN_TEST_ARTIFACTS")
        if place:
            shutil.copytree(self.data, Path(place) / self.data.name)
        shutil.rmtree(self.data)
