"""An address that keeps what is posted to it, as it came: a server on loopback."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.demo import wait_until


@dataclass
class Posted:
    """One request. Header names are in lower case."""

    path: str
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)


class PostReceiver:
    """A running receiver; a context manager. It answers with `status`."""

    def __init__(self):
        self.received = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Posted(self.path, headers, body.decode()))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, what, condition):
        """The first request, come or coming, of which the condition is true."""

        def look():
            return next((each for each in list(self.received) if condition(each)), None)

        try:
            return wait_until(what, look)
        except TimeoutError as late:
            came = "\n".join(each.text for each in self.received)
            raise TimeoutError(f"{late}; what came:\n{came}") from None
