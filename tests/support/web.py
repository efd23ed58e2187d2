"""A browser without eyes: one request at a time, no redirect followed unasked."""

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from support.page_reader import Page

ANSWER_MAX_S = 30


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


BROWSER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


@dataclass
class Shown:
    """An answer: the address that was asked, the status, and the page."""

    url: str
    status: int
    headers: dict
    text: str

    @property
    def page(self):
        return Page(self.text)

    @property
    def location(self):
        """Where a redirect leads."""
        assert 300 < self.status < 400, (self.status, self.text)
        return urllib.parse.urljoin(self.url, self.headers["location"])


def ask(url, fields=None, json=None):
    """GETs an address, or posts fields or a JSON text to it."""
    body, headers = None, {"accept-language": "en"}
    if fields is not None:
        body = urllib.parse.urlencode(fields).encode()
    if json is not None:
        body = json.encode()
        headers["content-type"] = "application/json"
    return post(url, body, headers)


def post(url, body, headers):
    """Sends bytes with these headers; without bytes it is a GET."""
    request = urllib.request.Request(url, body, headers)
    try:
        answer = BROWSER.open(request, timeout=ANSWER_MAX_S)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Shown(url, answer.status, headers, answer.read().decode())


def send(shown, form, **changed):
    """Sends a form of a page with these fields changed."""
    url = urllib.parse.urljoin(shown.url, form.action)
    fields = form.fields | changed
    if form.method == "get":
        return ask(f"{url}?{urllib.parse.urlencode(fields)}")
    return ask(url, fields)


def lead(shown, to, steps_max=8):
    """Follows redirects, ways back and ways on, until one leads there; gives its address."""
    for _ in range(steps_max):
        if 300 < shown.status < 400:
            onward = shown.location
        else:
            page = shown.page
            links = [*page.links, *(form.action for form in page.forms)]
            ways = (urllib.parse.urljoin(shown.url, link) for link in links)
            onward = next(way for way in ways if way.startswith(to) or way.endswith("/return"))
        if onward.startswith(to):
            return onward
        shown = ask(onward)
    raise AssertionError(f"still at {shown.url}")
