"""A shop's address for callbacks: a server on loopback that keeps what it is sent."""

import hashlib
import hmac
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.demo import wait_until


class CallbackReceiver:
    """A running receiver; a context manager."""

    def __init__(self, status=200):
        self.received = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                query = urllib.parse.urlsplit(self.path).query
                pairs = urllib.parse.parse_qsl(query, True, True, errors="strict")
                receiver.received.append(dict(pairs))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def operation(self, order_id, operation):
        """The parameters of an order's callback, come or coming, that tells of an operation."""

        def look():
            wanted = {"mdOrder": order_id, "operation": operation}.items()
            return next((each for each in list(self.received) if wanted <= each.items()), None)

        return wait_until(f"callback {operation}", look)


def checksum(params, secret):
    """The checksum that the parameters of a callback must have."""
    signed = sorted((k, v) for k, v in params.items() if k not in ("checksum", "sign_alias"))
    text = "".join(f"{name};{value};" for name, value in signed)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
