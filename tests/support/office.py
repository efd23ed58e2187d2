"""A person at the back office: signs in and calls its API over HTTP, as a program of one's own would."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from support.demo import DIRECT

ANSWER_MAX_S = 30


@dataclass
class Answer:
    """What came back. Header names are in lower case; `body` is None if there was none."""

    status: int
    headers: dict
    text: str

    @property
    def body(self):
        return json.loads(self.text) if self.text else None

    def of(self, status):
        """The body, if the status is this one."""
        assert self.status == status, (self.status, self.text)
        return self.body

    def refused(self, status, code):
        """The problem, if it is this one."""
        problem = self.of(status)
        assert self.headers["content-type"] == "application/problem+json"
        assert (problem["status"], problem["code"]) == (status, code), problem
        return problem

    def flaws(self):
        """What is wrong with what was sent: the message of each place."""
        problem = self.refused(422, "invalid")
        return {flaw["field"]: flaw["message"] for flaw in problem["errors"]}


class Visitor:
    """Somebody who shows a token, or none."""

    def __init__(self, api_url, token=None):
        self.api_url, self.token = api_url, token

    def call(self, method, path, body=None, **headers):
        """One request; `path` may have a query. Names of headers are written with `_`."""
        sent = None if body is None else json.dumps(body).encode()
        known = {name.replace("_", "-"): value for name, value in headers.items()}
        if sent is not None:
            known["content-type"] = "application/json"
        if self.token:
            known["authorization"] = f"Bearer {self.token}"
        url = f"{self.api_url}{path}"
        request = urllib.request.Request(url, sent, known, method=method)
        try:
            answer = DIRECT.open(request, timeout=ANSWER_MAX_S)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, headers, answer.read().decode())

    def get(self, path, **query):
        """What is there; a refusal is an error."""
        asked = f"{path}?{urllib.parse.urlencode(query)}" if query else path
        return self.call("GET", asked).of(200)

    def post(self, path, body, **headers):
        return self.call("POST", path, body, **headers)

    def all(self, path, **query):
        """Every thing of a list, page after page."""
        found, after = [], {}
        while True:
            page = self.get(path, **query, **after)
            found += page["data"]
            if page.get("next") is None:
                return found
            after = {"after": page["next"]}


def sign_in(api_url, email, password):
    """Somebody with a session."""
    session = Visitor(api_url).post("/sign-in", {"email": email, "password": password}).of(200)
    return Visitor(api_url, session["token"])
