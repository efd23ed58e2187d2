"""The wallet's page, for people and for programs that play people."""

import html
from urllib.parse import parse_qs

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Example wallet</title>
<style>
body {{ font: 18px/1.5 system-ui, sans-serif; max-width: 24em; margin: 3em auto; padding: 0 1em }}
button {{ font: inherit; padding: .6em 1.4em; margin: 0 .5em .5em 0 }}
</style>
<h1>Example wallet</h1>
{content}
</html>
"""
QUESTION = """<p>{description}</p>
<p><strong>{amount} {currency}</strong></p>
<form method="post">
<button name="test_result" value="success">Pay</button>
<button name="test_result" value="failure">Give up</button>
</form>"""
OVER = '<p>This payment has ended.</p><p><a href="{return_url}">Back to the shop</a></p>'

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}


def question(request, state):
    if state["status"] != "redirect":
        return page(200, OVER.format(return_url=html.escape(request["return_url"])))
    payment = request["payment"]
    words = payment.get("description") or payment.get("reference") or ""
    # Both of its currencies have two decimals.
    amount = f"{request['amount'] // 100}.{request['amount'] % 100:02}"
    values = {"description": words, "amount": amount, "currency": request["currency"]}
    safe = {name: html.escape(str(value)) for name, value in values.items()}
    return page(200, QUESTION.format(**safe))


def choice(body):
    """What somebody decided on the page, or None."""
    result = parse_qs(body.decode("utf-8", "replace")).get("test_result", [None])[0]
    return result if result in ("success", "failure") else None


def back(return_url):
    return 303, {"location": return_url, "cache-control": "no-store"}, ""


def not_found():
    return page(404, "<p>There is no such payment.</p>")


def page(status, content):
    return status, HEADERS, PAGE.format(content=content)
