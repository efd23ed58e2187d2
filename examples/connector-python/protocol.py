"""The connector protocol of Altyn: HTTP, signatures, errors. Nothing in it knows a gateway.

A connector built on it has a method per type of request, listed in `operations`; see connector.py.
"""

import json
import re
import sys
import time
import traceback
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

VERSION = "1"
BODY_MAX = 65_536
READ_MAX = 1_048_576
ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
SECOND = re.compile(r"[0-9]{1,12}")
STAMP = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Refused(Exception):
    """An answer that is no state: its HTTP status, the code and words for a developer."""

    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Keys:
    """One key, or two separated by a space while it is being replaced: the first signs."""

    def __init__(self, text):
        self._keys = [Webhook(key) for key in text.split()]
        if not 1 <= len(self._keys) <= 2:
            raise ValueError("one or two keys are needed")

    def stamp(self, message_id, body):
        """The headers of a message that is sent now."""
        now = datetime.fromtimestamp(int(time.time()), timezone.utc)
        return {
            "content-type": "application/json",
            "connector-protocol": VERSION,
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._keys[0].sign(message_id, now, body),
        }

    def verify(self, headers, body):
        """Refuses a message that is not signed rightly, or not fresh."""
        stamp = {name: headers.get_all(name, []) for name in STAMP}
        if any(len(values) != 1 for values in stamp.values()):
            raise Refused(401, "unauthorized", "each of the three headers must come once")
        stamp = {name: values[0] for name, values in stamp.items()}
        is_id = ID.fullmatch(stamp["webhook-id"])
        if not is_id or not SECOND.fullmatch(stamp["webhook-timestamp"]):
            raise Refused(401, "unauthorized", "webhook-id or webhook-timestamp is malformed")
        for key in self._keys:
            try:
                # The library compares in constant time and refuses what is more than 300 s away.
                return key.verify(body, stamp, json_parse=False)
            # What is no UTF-8 or no Base64 is a ValueError.
            except (WebhookVerificationError, ValueError):
                continue
        raise Refused(401, "unauthorized", "the message is not signed rightly, or not fresh")


def read(message, name, kind, optional=False):
    """A field of a message; `kind` is its type."""
    value = message.get(name)
    if value is None and optional:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise Refused(400, "malformed", f"{name} must be of type {kind.__name__}")
    return value


class Handler(BaseHTTPRequestHandler):
    """One connection. The server has `connector`, `keys` and `page`."""

    protocol_version = "HTTP/1.1"
    # Longer than Altyn keeps an idle connection: none is closed while a request is on its way.
    timeout = 120
    # Headers and body leave together.
    wbufsize = 1 << 16

    def do_GET(self):
        self._page(b"")

    def do_POST(self):
        length = self.headers.get("content-length", "0")
        is_told = length.isdecimal() and "transfer-encoding" not in self.headers
        if not is_told or int(length) > READ_MAX:
            self.close_connection = True
            return self._say(Refused(413, "too_large", "the body is too large, or has no length"))
        body = self.rfile.read(int(length))
        if self.path.startswith("/pay/"):
            return self._page(body)
        try:
            self._reply(200, self._answer(body))
        except Refused as refused:
            self._say(refused)
        except Exception:
            # Bodies may hold secrets, so only the place of the fault is told.
            traceback.print_exc(file=sys.stderr)
            self._say(Refused(500, "internal", "see the log of the connector"))

    def _answer(self, body):
        """The checks come in the order that the protocol tells."""
        if len(body) > BODY_MAX:
            raise Refused(413, "too_large", f"the body is larger than {BODY_MAX} bytes")
        self.server.keys.verify(self.headers, body)
        if self.headers.get("connector-protocol") != VERSION:
            raise Refused(400, "unsupported_version", f"only version {VERSION} is spoken")
        try:
            message = json.loads(body)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise Refused(400, "malformed", "the body is no JSON object")
        work = self.server.connector.operations.get(read(message, "type", str))
        if work is None:
            raise Refused(404, "unknown_operation", "there is no such type")
        return work(message)

    def _say(self, refused):
        error = {"code": refused.code, "message": refused.message}
        self._reply(refused.status, {"error": error})

    def _reply(self, status, value):
        body = json.dumps(value)
        asked = self.headers.get("webhook-id", "")
        message_id = asked if ID.fullmatch(asked) else "msg_without_id"
        self.send_bytes(status, self.server.keys.stamp(message_id, body), body.encode())

    def _page(self, body):
        status, headers, text = self.server.page(self.command, self.path, body)
        self.send_bytes(status, headers, text.encode("utf-8", "replace"))

    def send_bytes(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *values):
        """Addresses of pages are secrets of the payers: nothing is written per request."""


class Server(ThreadingHTTPServer):
    """Listens; port 0 is any free one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host, port, keys, connector, page):
        super().__init__((host, port), Handler)
        self.keys, self.connector, self.page = keys, connector, page
