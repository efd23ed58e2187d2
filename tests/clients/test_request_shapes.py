"""Requests as bytes: every shape that shops send, whatever client they use, and every shape that
nobody should send. The first are understood, the second refused, and the program outlives both.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from support.demo import DIRECT, Demo, wait_until
from support.raw_http import Connection, exchange, message

FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
RETURN_URL = "https://shop.example.kz/done"
MIB = 1 << 20

# Hostile requests at once, and what they may add to the memory of the program: a head and a body
# may have 64 KiB each, and a little is left for what runs besides.
FLOODS_AT_ONCE = 16
FLOODS_KIB_MAX = FLOODS_AT_ONCE * 128 + 8192
SLOW_AT_ONCE = 400
SLOW_KIB_MAX = SLOW_AT_ONCE * 64 + 8192

# Where Linux tells of a process, and starts to count its greatest memory anew.
LINUX = Path("/proc/self/clear_refs").exists()


@pytest.fixture(scope="module")
def gateway():
    """A gateway of its own: its memory is measured."""
    with Demo() as demo:
        yield demo


@pytest.fixture(autouse=True)
def alive(gateway):
    """Whatever was sent, the program goes on and answers others."""
    yield
    with DIRECT.open(f"{gateway.base_url}/health/ready", timeout=20) as answer:
        assert answer.status == 200
    assert "panicked" not in gateway.log


def path(name):
    return f"/payment/rest/{name}.do"


def form(fields):
    return urlencode(fields).encode()


def query(name, fields):
    return f"{path(name)}?{urlencode(fields)}"


def post(name, fields, *headers, ending=b""):
    return message("POST", path(name), *(headers or [FORM]), body=form(fields) + ending)


def pieces(*parts):
    """A body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def in_both(name, fields):
    """Everything in the query, and credentials once more in the body, with what else shops add."""
    noise = {"currency": "398", "sessionTimeoutSecs": "0", "module": "CMS 1.0", "version": "3"}
    again = {key: fields[key] for key in ("userName", "password")}
    return message("POST", query(name, fields | noise), FORM, body=form(again))


def with_absent(absent):
    """With parameters that are there and say nothing."""
    names = ["failUrl", "bindingId", "clientId", "jsonParams", "expirationDate", "currency"]
    return lambda name, fields: post(name, fields | dict.fromkeys(names, absent))


def spelled(word):
    """With the order's id under another name, wherever there is one."""

    def shape(name, fields):
        return post(name, {word if key == "orderId" else key: fields[key] for key in fields})

    return shape


def refund_amount(name, fields):
    if name == "refund":
        fields = {"refundAmount" if key == "amount" else key: fields[key] for key in fields}
    return post(name, fields)


def json_body(name, fields):
    return message("POST", path(name), JSON, body=json.dumps(fields).encode())


def json_numbers(name, fields):
    numbers = {key: int(value) if key == "amount" else value for key, value in fields.items()}
    more = {"jsonParams": {"a": "b"}, "features": None, "unknown": [1, {"x": True}]}
    body = json.dumps(numbers | more, ensure_ascii=False)
    return message("POST", path(name), f"{JSON}; charset=UTF-8", body=body.encode())


# A name of each shape and how a call looks in it.
SHAPES = {
    "a form": post,
    "b query, empty body called JSON": lambda n, f: message("POST", query(n, f), JSON),
    "c query, empty body called a form, double slash": lambda n, f: message(
        "POST", query(n, f).replace("rest/", "rest//"), FORM
    ),
    "d GET with a query": lambda n, f: message("GET", query(n, f)),
    "e GET with a form": lambda n, f: message("GET", path(n), FORM, body=form(f)),
    "f charset": lambda n, f: post(n, f, f"{FORM}; charset=UTF-8"),
    "f trailing ampersand": lambda n, f: post(n, f, ending=b"&"),
    "f HTTP/1.0": lambda n, f: message("POST", path(n), FORM, body=form(f), version="HTTP/1.0"),
    "f HTTP/1.0, GET": lambda n, f: message("GET", query(n, f), version="HTTP/1.0"),
    "g empty values": with_absent(""),
    "h literal null": with_absent("null"),
    "i upper-case language": lambda n, f: post(n, f | {"language": "EN"}),
    "j features repeated": lambda n, f: post(n, f, ending=b"&features=FORCE_SSL" * 2),
    "j features joined": lambda n, f: post(n, f | {"features": "FORCE_SSL,FORCE_SSL"}),
    "k JSON in a form": lambda n, f: post(n, f | {"jsonParams": '{"a":"b"}'}),
    "k JSON body": json_body,
    "k JSON body with numbers and objects": json_numbers,
    "k JSON body called a form": lambda n, f: message(
        "POST", path(n), FORM, body=json.dumps(f).encode()
    ),
    "l mdOrder": spelled("mdOrder"),
    "l mdorder": spelled("mdorder"),
    "l MDORDER": spelled("MDORDER"),
    "m refundAmount": refund_amount,
    "n noise in query and body": in_both,
    "o lower-case method": lambda n, f: post(n, f).replace(n.encode(), n.lower().encode(), 1),
    "o upper-case method": lambda n, f: post(n, f).replace(n.encode(), n.upper().encode(), 1),
    "no content type": lambda n, f: message("POST", path(n), body=form(f)),
    "without rest in the path": lambda n, f: post(n, f).replace(b"/rest/", b"/", 1),
    "an absolute address": lambda n, f: post(n, f).replace(b" /", b" http://gateway/", 1),
    "in chunks": lambda n, f: message(
        "POST", path(n), FORM, CHUNKED, body=pieces(form(f)[:9], form(f)[9:])
    ),
    "names of headers in other cases": lambda n, f: post(n, f, FORM.upper()).replace(
        b"Content-Length", b"content-LENGTH"
    ),
    "waiting for 100 Continue": lambda n, f: post(n, f, FORM, "Expect: 100-continue"),
    "a line end before the request": lambda n, f: b"\r\n" + post(n, f),
    "everything percent-encoded": lambda n, f: message(
        "POST",
        path(n),
        FORM,
        body="&".join(f"{k}={''.join(f'%{b:02x}' for b in str(v).encode())}" for k, v in f.items())
        .encode(),
    ),
}


@pytest.fixture
def call(gateway):
    """One call in a shape."""

    def send(shape, name, **fields):
        login = {"userName": gateway.rbs["user_name"], "password": gateway.rbs["password"]}
        answer = exchange(gateway.address, shape(name, login | fields))
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json;charset=UTF-8"
        return answer.json

    return send


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_is_understood_everywhere(gateway, call, order_number, shape):
    number = order_number()
    made = call(shape, "register", orderNumber=number, amount="700", returnUrl=RETURN_URL)
    assert made.keys() == {"orderId", "formUrl"}
    order_id = made["orderId"]
    assert gateway.pay(order_id)["errorCode"] == "0"
    assert call(shape, "getOrderStatusExtended", orderId=order_id)["orderStatus"] == 2
    assert call(shape, "refund", orderId=order_id, amount="50")["errorCode"] == "0"
    found = call(shape, "getOrderStatusExtended", orderNumber=number)
    assert found["paymentAmountInfo"]["refundedAmount"] == 50


def test_http_1_0_without_keep_alive_ends_the_connection(gateway):
    data = message("GET", "/health/live", version="HTTP/1.0")
    with Connection(gateway.address) as connection:
        connection.send(data)
        assert connection.answer().status == 200
        assert connection.is_closed()


def test_several_requests_share_a_connection(gateway, order_number):
    fields = {"userName": gateway.rbs["user_name"], "password": gateway.rbs["password"]}
    numbers = [order_number() for _ in range(5)]
    orders = [{"orderNumber": each, "amount": 700, "returnUrl": RETURN_URL} for each in numbers]

    with Connection(gateway.address) as connection:
        connection.send(b"".join(post("register", fields | each) for each in orders))
        answers = [connection.answer().json for _ in orders]

    ids = [each["orderId"] for each in answers]
    assert len(set(ids)) == 5
    assert [gateway.status(each)["orderNumber"] for each in ids] == numbers


def test_a_request_that_arrives_byte_by_byte_is_read(gateway, order_number):
    fields = {"userName": gateway.rbs["user_name"], "password": gateway.rbs["password"]}
    fields |= {"orderNumber": order_number(), "amount": 700, "returnUrl": RETURN_URL}
    with Connection(gateway.address) as connection:
        for byte in post("register", fields):
            connection.send(bytes([byte]))
        assert "orderId" in connection.answer().json


@pytest.mark.parametrize("more", [b"\r\n", b"\0", b"&", b"\r\n\r\n"])
def test_bytes_too_many_take_no_answer_away(gateway, order_number, more):
    fields = {"userName": gateway.rbs["user_name"], "password": gateway.rbs["password"]}
    fields |= {"amount": 700, "returnUrl": RETURN_URL}
    for version in ("HTTP/1.0", "HTTP/1.1"):
        once = fields | {"orderNumber": order_number()}
        data = message("POST", path("register"), FORM, body=form(once), version=version)
        with Connection(gateway.address) as connection:
            connection.send(data + more)
            assert "orderId" in connection.answer().json


def test_a_shop_that_ends_sending_still_hears_the_answer(gateway, order_number):
    fields = {"userName": gateway.rbs["user_name"], "password": gateway.rbs["password"]}
    fields |= {"orderNumber": order_number(), "amount": 700, "returnUrl": RETURN_URL}
    with Connection(gateway.address) as connection:
        connection.send(post("register", fields))
        connection.end_sending()
        assert "orderId" in connection.answer().json


def test_the_body_wins_over_the_query(gateway, call, order_number):
    def both(name, fields):
        query = urlencode({"amount": "1", "userName": "nobody", "description": "from the query"})
        return message("POST", f"{path(name)}?{query}", FORM, body=form(fields))

    made = call(both, "register", orderNumber=order_number(), amount="700", returnUrl=RETURN_URL)

    status = gateway.status(made["orderId"])
    assert (status["amount"], status["orderDescription"]) == (700, "from the query")


@pytest.mark.parametrize("language", ["EN", "En", "en"])
def test_the_language_is_told_in_either_case(call, language):
    answer = call(post, "getOrderStatusExtended", orderId="1", language=language)

    assert answer == {"errorCode": "6", "errorMessage": "Order not found"}


@pytest.mark.parametrize("amount", ["110.00000000000001", "1e3", "7.0", "+7", " 7", "0x10", "７"])
def test_p_an_amount_that_is_no_whole_number_is_error_5(gateway, call, order_number, amount):
    answer = call(post, "register", orderNumber=order_number(), amount=amount, returnUrl=RETURN_URL)
    assert answer["errorCode"] == "5"
    order_id = gateway.register(orderNumber=order_number(), amount=700)
    gateway.pay(order_id)

    for shape in (post, json_body):
        answer = call(shape, "refund", orderId=order_id, amount=amount)
        assert answer["errorCode"] == "5"
    assert gateway.status(order_id)["paymentAmountInfo"]["refundedAmount"] == 0


DEEP = "[" * 10_000 + "]" * 10_000


@pytest.mark.parametrize("name", ["jsonParams", "orderBundle"])
def test_json_that_is_too_deep_is_refused(call, order_number, name):
    fields = {"orderNumber": order_number(), "amount": "700", "returnUrl": RETURN_URL}

    def deep_body(method, known):
        text = json.dumps(known)[:-1] + f', "{name}": {{"a": {DEEP}}}}}'
        return message("POST", path(method), JSON, body=text.encode())

    assert call(deep_body, "register", **fields)["errorCode"] in ("5", "8")
    assert call(post, "register", **fields, **{name: f'{{"a":{DEEP}}}'})["errorCode"] in ("5", "8")


def test_text_of_any_script_survives(gateway, call, order_number):
    text = "Шай, қант & ☕ 50% + 1; “тәтті” <3"
    made = [
        call(
            shape,
            "register",
            orderNumber=order_number(),
            amount="700",
            returnUrl=RETURN_URL,
            description=text,
        )
        for shape in (post, json_body, SHAPES["d GET with a query"])
    ]

    for each in made:
        assert gateway.status(each["orderId"])["orderDescription"] == text


# Bodies that can be read in no way or in two.
UNREADABLE = {
    "half an escape": b"amount=%4",
    "no escape": b"amount=100%",
    "escaped letters": b"amount=%zz",
    "no UTF-8": b"description=\xff\xfe",
    "escaped bytes that are no UTF-8": b"description=%cf%f0%e8",
    "a zero byte": b"description=a%00b",
    "two amounts": b"amount=1&amount=2",
    "two amounts in two cases": b"amount=1&AMOUNT=2",
    "two amounts in JSON": b'{"amount":1,"amount":2}',
    "half of JSON": b'{"amount":1',
    "a list in JSON": b"[1,2]",
    "deep JSON": b'{"a":' + b"[" * 10_000,
    "a thousand parameters": b"&".join(b"p%d=1" % number for number in range(1000)),
    "parts": b'--x\r\nContent-Disposition: form-data; name="amount"\r\n\r\n1\r\n--x--',
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_a_body_that_cannot_be_read_is_status_400(gateway, body):
    answer = exchange(gateway.address, message("POST", path("register"), FORM, body=body))

    assert (answer.status, answer.body) == (400, b"")


def test_a_query_that_cannot_be_read_is_status_400(gateway):
    for text in ("amount=%zz", "amount=1&amount=2", "amount=%ff", "description=%00"):
        answer = exchange(gateway.address, message("GET", f"{path('register')}?{text}"))
        assert answer.status == 400, text


@pytest.mark.parametrize(
    ("verb", "target", "status"),
    [
        ("PUT", path("register"), 405),
        ("DELETE", path("register"), 405),
        ("OPTIONS", path("register"), 405),
        ("TRACE", path("register"), 405),
        ("BREW", path("register"), 405),
        ("POST", path("steal"), 404),
        ("POST", "/payment/rest/../../test/clock", 404),
        ("POST", "/payment/rest/register.do/", 200),
        ("POST", "/payment/rest/%72egister.do", 404),
        ("POST", "/test/clock", 404),
        ("POST", "*", 404),
    ],
)
def test_what_is_not_there_is_told_so(gateway, verb, target, status):
    answer = exchange(gateway.address, message(verb, target, FORM))

    assert answer.status == status


def refused_head(*lines, body=b""):
    return "\r\n".join(["POST /payment/rest/register.do HTTP/1.1", *lines, "", ""]).encode() + body


SECOND = b"GET /health/live HTTP/1.1\r\nHost: gateway\r\n\r\n"

# Heads that one server might read otherwise than another in front of it.
AMBIGUOUS = {
    "two lengths": refused_head("Host: a", "Content-Length: 5", "Content-Length: 6", body=b"a=1&b"),
    "a length with a sign": refused_head("Host: a", "Content-Length: +5", body=b"a=1&b"),
    "two lengths in one": refused_head("Host: a", "Content-Length: 5, 6", body=b"a=1&b"),
    "a length that is no number": refused_head("Host: a", "Content-Length: 5x", body=b"a=1&b"),
    "a negative length": refused_head("Host: a", "Content-Length: -1"),
    "a length beyond counting": refused_head("Host: a", f"Content-Length: {10**30}"),
    "an unknown coding": refused_head("Host: a", "Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked before another": refused_head("Host: a", "Transfer-Encoding: chunked, identity"),
    "space before the colon": refused_head("Host: a", "Content-Length : 5", body=b"a=1&b"),
    "a folded line": refused_head("Host: a", "X-A: b", " folded", "Content-Length: 0"),
    "a bare carriage return": refused_head("Host: a", "X-A: b\rContent-Length: 5", body=b"a=1&b"),
    "a zero byte in a header": refused_head("Host: a", "X-A: b\0c"),
    "a header without a colon": refused_head("Host: a", "X-A"),
    "a space in the address": b"POST /payment/rest/register.do x HTTP/1.1\r\nHost: a\r\n\r\n",
    "a control sign in the address": b"GET /payment/\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/1.0 in chunks": message(
        "POST", path("register"), CHUNKED, body=pieces(b"a=1"), version="HTTP/1.0"
    ),
    "HTTP/9": b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(64)) + b"\r\n\r\n",
    "noise": bytes(range(128, 256)) * 8 + b"\r\n\r\n",
}


@pytest.mark.parametrize("head", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_row_82_an_ambiguous_head_is_refused_and_nothing_follows(gateway, head):
    with Connection(gateway.address) as connection:
        connection.send(head + SECOND)
        answer = connection.answer()
        assert 400 <= answer.status < 500
        assert connection.is_closed()


def test_row_82_a_caller_that_insists_on_http_2_is_cut_off(gateway):
    with Connection(gateway.address) as connection:
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECOND)
        assert connection.answer() is None


def test_row_82_length_and_chunks_together_end_the_connection(gateway):
    for lines in (["Content-Length: 4", CHUNKED], [CHUNKED, "Content-Length: 4"]):
        smuggled = refused_head("Host: a", *lines, body=b"0\r\n\r\n" + SECOND)
        with Connection(gateway.address) as connection:
            connection.send(smuggled)
            assert connection.answer().json["errorCode"] == "5"
            # Whatever a server in front takes the rest for, here it is never a request.
            assert connection.is_closed()


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\na\r\n", b"-1\r\na\r\n", b"5\r\nab", b"f" * 32 + b"\r\n", b"2\r\nabc\r\n"],
)
def test_row_82_broken_chunks_are_refused(gateway, chunks):
    with Connection(gateway.address) as connection:
        connection.send(message("POST", path("register"), FORM, CHUNKED, body=chunks))
        connection.end_sending()
        answer = connection.answer()
        assert answer is None or answer.status == 400
        assert connection.is_closed()


def test_row_82_line_ends_in_values_reach_no_header(gateway, order_number):
    evil = "https://shop.example.kz/\r\nSet-Cookie: a=b"
    codes = {"returnUrl": "4", "failUrl": "4", "dynamicCallbackUrl": "4", "orderNumber": "1"}
    for name, code in codes.items():
        fields = {"orderNumber": order_number(), "amount": 700, "returnUrl": RETURN_URL}
        answer = gateway.rbs_call("register", **fields | {name: evil})
        assert answer["errorCode"] == code, name
    target = f"{path('register')}?language={quote(evil)}"
    answer = exchange(gateway.address, message("GET", target))
    assert "set-cookie" not in answer.headers


def memory_kib(gateway, field):
    """What the program holds now (VmRSS) or held at most (VmHWM)."""
    for line in Path(f"/proc/{gateway.pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise AssertionError(f"no {field}")


@contextmanager
def growing_at_most(gateway, kib_max):
    """The memory of the program may grow by so much, even if only for a moment."""
    if not LINUX:
        yield
        return
    # All that the program keeps for later requests it has after a few.
    for _ in range(FLOODS_AT_ONCE):
        body = b"a=" + b"b" * 60_000
        exchange(gateway.address, message("POST", path("register"), FORM, body=body))
    # From now on the greatest amount is counted anew.
    Path(f"/proc/{gateway.pid}/clear_refs").write_text("5")
    before = memory_kib(gateway, "VmRSS")
    yield
    growth = memory_kib(gateway, "VmHWM") - before
    print(f"memory: {before} KiB before, {growth} KiB more at most")
    assert growth < kib_max


def test_a_body_up_to_the_limit_is_read_and_none_above(gateway):
    for size, status in ((64 * 1024, 200), (64 * 1024 + 1, 413), (MIB, 413)):
        body = b"a=" + b"b" * (size - 2)
        answer = exchange(gateway.address, message("POST", path("register"), FORM, body=body))
        assert answer.status == status


def flood(gateway, head, chunk, bytes_max):
    """Sends without end; gives the status and how much was taken."""
    with Connection(gateway.address) as connection:
        connection.send(head)
        sent = connection.send_until_answered(chunk, bytes_max)
        answer = connection.answer()
        assert connection.is_closed()
        return answer and answer.status, sent


HEAD = b"POST /payment/rest/register.do HTTP/1.1\r\nHost: gateway\r\n"

# What comes before a flood, the flood itself, and the answers that may end it.
FLOODS = {
    "a body of 100 MB": (HEAD + b"Content-Length: 104857600\r\n\r\n", b"a" * 65_536, {413}),
    "a body without end": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        b"10000\r\n" + b"a" * 65_536 + b"\r\n",
        {413},
    ),
    "a body of small chunks": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        (b"80\r\n" + b"a" * 128 + b"\r\n") * 500,
        {413},
    ),
    "a chunk size without end": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1" * 65_536,
        {400},
    ),
    "a chunk extension without end": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
        b"x" * 65_536,
        {400},
    ),
    "headers without end": (HEAD, b"".join(b"X-%d: y\r\n" % n for n in range(10_000)), {431}),
    "one header without end": (HEAD + b"X-A: ", b"y" * 65_536, {431}),
    "the name of a header without end": (HEAD, b"y" * 65_536, {431}),
    "an address without end": (b"GET /payment/rest/register.do?", b"y" * 65_536, {414, 431}),
    "a verb without end": (b"", b"Y" * 65_536, {400, 431}),
    "empty lines without end": (b"", b"\r\n" * 32_768, {400, 431}),
}


@pytest.mark.parametrize(("head", "chunk", "statuses"), FLOODS.values(), ids=FLOODS)
def test_row_82_floods_are_cut_off(gateway, head, chunk, statuses):
    with growing_at_most(gateway, FLOODS_KIB_MAX), ThreadPoolExecutor(FLOODS_AT_ONCE) as pool:
        floods = [(gateway, head, chunk, 100 * MIB)] * FLOODS_AT_ONCE
        ends = list(pool.map(flood, *zip(*floods)))

    for status, sent in ends:
        assert status in statuses
        # Beyond the limits only what the sockets' buffers hold was taken.
        assert sent < 24 * MIB


def test_row_82_ten_thousand_headers_are_refused(gateway):
    lines = [f"X-{number}: y" for number in range(10_000)]
    with growing_at_most(gateway, FLOODS_KIB_MAX):
        status, _ = flood(gateway, refused_head("Host: a", *lines), b"", 0)
    assert status == 431
    for count, status in ((90, 200), (110, 431)):
        fields = ["Content-Length: 0", *lines[:count]]
        answer = exchange(gateway.address, refused_head("Host: a", *fields))
        assert answer.status == status


@pytest.mark.skipif(not LINUX, reason="counts the sockets of the program")
def test_row_82_slow_callers_hinder_nobody(gateway, order_number):
    beginnings = [HEAD[:30], HEAD + b"Content-Length: 60000\r\n\r\namount=7"]
    with growing_at_most(gateway, SLOW_KIB_MAX):
        slow = [Connection(gateway.address) for _ in range(SLOW_AT_ONCE)]
        for number, connection in enumerate(slow):
            connection.send(beginnings[number % 2])
        wait_until("connections", lambda: sockets_open(gateway) >= SLOW_AT_ONCE)

        order_id = gateway.register(orderNumber=order_number(), amount=700)
        assert gateway.pay(order_id)["errorCode"] == "0"

    for connection in slow:
        connection.close()
    # What nobody waits for any more is let go.
    wait_until("end of the connections", lambda: sockets_open(gateway) < 50)


# A chunk's size may begin with zeros; whoever sends nothing else is as slow as who sends nothing.
ZEROS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 65_536


@pytest.mark.skipif("not os.environ.get('ALTYN_TEST_FULL')", reason="takes half a minute")
def test_row_82_slow_callers_are_cut_off(gateway):
    beginnings = [HEAD[:30], HEAD + b"Content-Length: 60000\r\n\r\namount=7", ZEROS]
    slow = [Connection(gateway.address) for _ in beginnings]
    for connection, beginning in zip(slow, beginnings):
        connection.send(beginning)

    head, *bodies = (connection.answer(max_s=40) for connection in slow)

    assert head is None or head.status == 408
    assert [answer.status for answer in bodies] == [408, 408]
    assert all(connection.is_closed() for connection in slow)
    for connection in slow:
        connection.close()


def sockets_open(gateway):
    """How many sockets the program has open."""
    folder = Path(f"/proc/{gateway.pid}/fd")
    return sum(is_socket(each) for each in folder.iterdir())


def is_socket(file):
    try:
        return os.readlink(file).startswith("socket:")
    except FileNotFoundError:
        return False
