"""HTTP as bytes: requests that no library would send, and what comes back."""

import json
import select
import socket
from dataclasses import dataclass

ANSWER_MAX_S = 20


@dataclass
class Answer:
    """One answer of a server."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def message(verb, target, *headers, body=b"", version="HTTP/1.1"):
    """The bytes of a request; its length is added unless it is to come in pieces."""
    lines = [f"{verb} {target} {version}", "Host: gateway", *headers]
    if not any(line.lower().startswith("transfer-encoding") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """A connection to a server; a context manager."""

    def __init__(self, address):
        self._socket = socket.create_connection(address, ANSWER_MAX_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._reader.close()
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def end_sending(self):
        self._socket.shutdown(socket.SHUT_WR)

    def send_until_answered(self, chunk, bytes_max):
        """Sends a chunk again and again; gives how much was sent before the server had enough."""
        sent = 0
        try:
            while sent < bytes_max and not self._has_news(0):
                self.send(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return sent

    def _has_news(self, max_s):
        return bool(select.select([self._socket], [], [], max_s)[0])

    def answer(self, max_s=ANSWER_MAX_S):
        """The next answer, informational ones left out; `None` if the server closed instead."""
        self._socket.settimeout(max_s)
        while True:
            line = self._line()
            if not line:
                return None
            version, status = line.split(" ")[:2]
            assert version in ("HTTP/1.1", "HTTP/1.0"), line
            headers = {}
            while text := self._line():
                key, value = text.split(":", 1)
                headers[key.lower()] = value.strip()
            if int(status) >= 200:
                return Answer(int(status), headers, self._body(headers))

    def is_closed(self):
        """Whether the server ended the connection after what it said."""
        try:
            return self._reader.read(1) == b""
        except ConnectionResetError:
            return True

    def _line(self):
        try:
            return self._reader.readline(65_537).decode("latin-1").rstrip("\r\n")
        except ConnectionResetError:
            return ""

    def _body(self, headers):
        if "content-length" in headers:
            return self._reader.read(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return self._reader.read()
        body = b""
        while size := int(self._line(), 16):
            body += self._reader.read(size)
            self._line()
        self._line()
        return body


def exchange(address, data):
    """Sends bytes on a connection of their own and gives the answer."""
    with Connection(address) as connection:
        connection.send(data)
        return connection.answer()
