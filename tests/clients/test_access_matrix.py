"""Who may do what: every operation of the back office, every role, own things and others'.

The operations are those of the running program's OpenAPI document; `access_table` has a row for
each of them, and one without a row fails here by its name.
"""

import json
import re
import uuid
from urllib.parse import urlencode

import pytest

from access_routes import GATE, RBS, ROUTES, Shop, gate_paths, rbs_methods, routes
from access_table import REACH, ROWS
from access_world import Tree, World
from support import web
from support.demo import REPOSITORY, Demo

METHODS = ("get", "post", "put", "patch", "delete")
PAGES_MAX = 50
ROLES_PAGE = REPOSITORY / "docs" / "roles.md"

# Members that no body has where they are not described, and that would raise somebody if heard.
EXTRA = {
    "id": "usr_01a2008d74177eb5b0f046239439ac78",
    "role": "root_operator",
    "status": "captured",
    "merchant_id": "mrc_01a2008d74177eb5b0f046239439ac78",
    "reseller_id": "rsl_01a2008d74177eb5b0f046239439ac78",
    "project_id": "prj_01a2008d74177eb5b0f046239439ac78",
    "permissions": ["connectors"],
    "is_admin": True,
    "disabled": False,
    "disabled_at": None,
    "captured": {"amount": 1, "currency": "KZT"},
}


@pytest.fixture(scope="module")
def own_demo():
    """A demo of its own: what is done here to its people is nothing for others."""
    with Demo() as running:
        yield running


@pytest.fixture(scope="module")
def world(own_demo):
    made = World(own_demo)
    yield made
    made.api.close()


@pytest.fixture(scope="module")
def operations(world):
    """All operations of the document, by their names."""
    document = world.api.call(None, "GET", "/openapi.json").json
    found = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                described = item[method]
                found[described["operationId"]] = Operation(document, method, path, described)
    assert found
    return found


class Operation:
    """One operation as the document has it."""

    def __init__(self, document, method, path, described):
        self.name = described["operationId"]
        self.method, self.path = method, path
        self.permission = described.get("x-permission")
        self.roles = described.get("x-roles")
        self.is_open = described["security"] == []
        self.answers = described["responses"]
        self.is_list = any(one["name"] == "after" for one in described.get("parameters", []))
        self.members = self._members(document, described)

    @staticmethod
    def _members(document, described):
        body = described.get("requestBody")
        if body is None:
            return None
        schema = body["content"]["application/json"]["schema"]
        while "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return set(schema.get("properties", {}))

    @property
    def row(self):
        return ROWS[self.name]

    def address(self, ids):
        path = self.path
        for name in re.findall(r"\{(\w+)\}", path):
            path = path.replace(f"{{{name}}}", str(ids[name]))
        return path + self.row.query

    def body(self, world, tree):
        return self.row.body and self.row.body(world, tree)


def own_ids(world, operation, tree):
    """The ids of an address, all of this tree."""
    return {name: tree.ids[kind] for name, kind in operation.row.ids.items()}


def stranger(world):
    """A tree of things that there are not."""
    known = world.b.ids.items()
    made = {kind: re.sub(r"_.*", f"_{uuid.uuid4().hex}", str(one)) for kind, one in known}
    return Tree("nobody", made | {"incident_number": 1, "connector": f"cnn_{uuid.uuid4().hex}"})


def last_kind(operation):
    """The kind of thing that an address names in the end."""
    return list(operation.row.ids.values())[-1]


def is_own(operation):
    """Whether it is about one's own things alone."""
    return operation.permission in ("own", None)


def may(actor, operation):
    return operation.permission is None or actor.role in operation.roles


class Watch:
    """Looks through every answer for what its reader must not see."""

    def __init__(self, world):
        self.world = world
        self.answers = 0
        self._marks = world.b.marks()
        ids = world.a.ids
        second = [one for kind, one in ids.items() if kind.startswith("second_")]
        self._second = {f"{world.a.mark}-second", f"second@{world.a.mark}"}
        for one in second:
            self._second |= {one, one.split("_", 1)[1]}

    def call(self, actor, operation, address, body=None, token=None):
        """Calls and looks: what of the other tree is in the answer?"""
        reply = self.world.api.call(token or actor, operation.method, address, body)
        self.answers += 1
        told = f"{actor.name}: {operation.name} {address} {body}: {reply.status} {reply.text}"
        assert reply.status < 500, told
        self.look(actor, reply, told)
        return reply, told

    def look(self, actor, reply, told):
        if actor.level == "root":
            return
        text = reply.text + json.dumps(reply.headers)
        leaked = [mark for mark in self._marks if mark in text]
        if actor.level == "customer":
            leaked += [mark for mark in self._second if mark in text]
        assert not leaked, f"{told}\nshows {leaked}"


def state_of(world, operations, tree):
    """Everything of a tree that its operator reads."""
    seen = {}
    for operation in operations.values():
        is_of_tree = operation.permission not in (None, "own", "audit_view")
        if operation.method == "get" and is_of_tree:
            address = operation.address(own_ids(world, operation, tree))
            # Without what others did meanwhile: of the tree's own reseller, not of the root.
            reader = operator_of(world, tree, operation)
            seen[operation.name] = world.api.call(reader, "GET", address).text
    return seen


def operator_of(world, tree, operation):
    return tree.people[0] if may(tree.people[0], operation) else world.root


def refused_as_absent(reply, told):
    """The answer to who asks for what is out of reach: there is no such thing."""
    assert reply.status in (404, 422), told
    problem = reply.json
    if reply.status == 404:
        assert problem["code"] == "not_found", told
    else:
        assert problem["errors"] and all(one["field"] for one in problem["errors"]), told


def test_every_operation_has_a_row(operations):
    without = sorted(set(operations) - set(ROWS))
    assert not without, f"no row in access_table.py for {without}"
    gone = sorted(set(ROWS) - set(operations))
    assert not gone, f"rows in access_table.py for what is no operation: {gone}"


OPEN = ("openapi", "signIn", "signOut", "acceptInvitation")


def test_every_operation_is_open_or_guarded(operations):
    for one in operations.values():
        is_signed_in = one.permission is None and not one.is_open
        assert one.is_open == (one.name in OPEN), one.name
        assert is_signed_in == (one.name in ("me", "listTokens")), one.name
        if not one.is_open:
            assert {"401", "403"} <= set(one.answers), one.name


def test_what_lies_in_another_tree_is_not_there(world, operations):
    """Every operation, every role, ids of the other tree and of nothing: the same answers."""
    watch = Watch(world)
    nothing = stranger(world)
    before = state_of(world, operations, world.b)
    for operation in operations.values():
        if not operation.row.ids:
            continue
        kind = last_kind(operation)
        for actor in world.actors:
            heard = []
            for tree in (world.b, nothing):
                if actor.level == "root" and tree is world.b and kind not in ("token", "session"):
                    continue
                if kind == "connector" and tree is world.b:
                    continue
                ids = own_ids(world, operation, tree)
                body = operation.body(world, world.a)
                reply, told = watch.call(actor, operation, operation.address(ids), body)
                if not may(actor, operation):
                    assert reply.status == 403, told
                    assert reply.json["code"] == "forbidden", told
                else:
                    refused_as_absent(reply, told)
                heard.append((reply.status, reply.text))
            assert len(set(heard)) == 1, f"{actor.name}: {operation.name}: {heard}"
    assert watch.answers > 400
    assert state_of(world, operations, world.b) == before


def test_an_own_outer_thing_does_not_open_a_foreign_inner_one(world, operations):
    """Where an address names two things, each is checked."""
    watch = Watch(world)
    for operation in operations.values():
        names = operation.row.ids
        if len(names) < 2 or "incident_number" in names.values():
            continue
        outer, inner = names
        for actor in world.actors:
            for mine, theirs in ((outer, inner), (inner, outer)):
                ids = {mine: world.a.ids[names[mine]], theirs: world.b.ids[names[theirs]]}
                body = operation.body(world, world.a)
                reply, told = watch.call(actor, operation, operation.address(ids), body)
                assert reply.status == (404 if may(actor, operation) else 403), told


def test_a_body_or_filter_cannot_name_what_is_out_of_reach(world, operations):
    watch = Watch(world)
    before, tried = state_of(world, operations, world.b), 0
    for operation in operations.values():
        row = operation.row
        for actor in world.actors:
            if actor.level == "root":
                continue
            reaches = all(actor.level in REACH[kind] for kind in row.ids.values())
            for change in row.names:
                for tree in (world.b, stranger(world)):
                    body = change(operation.body(world, world.a), tree)
                    ids = own_ids(world, operation, world.a)
                    reply, told = watch.call(actor, operation, operation.address(ids), body)
                    tried += 1
                    if not may(actor, operation):
                        assert reply.status == 403, told
                    elif reaches:
                        refused_as_absent(reply, told)
            for name, kind in row.filters.items():
                heard = []
                for tree in (world.b, stranger(world)):
                    address = f"{operation.address({})}?{name}={tree.ids[kind]}"
                    reply, told = watch.call(actor, operation, address)
                    tried += 1
                    if not may(actor, operation):
                        assert reply.status == 403, told
                    elif reply.status == 200:
                        assert reply.json["data"] == [], told
                    else:
                        refused_as_absent(reply, told)
                    heard.append((reply.status, reply.text))
                assert len(set(heard)) == 1, told
    assert tried > 100
    assert state_of(world, operations, world.b) == before


def test_roles_do_what_they_may_with_what_is_their_own(world, operations):
    """The other half: who may do it, and has it in reach, does it; nobody else."""
    watch = Watch(world)
    for operation in operations.values():
        if operation.is_open:
            continue
        for actor in world.actors:
            one_by_one(world, watch, operation, actor)


def one_by_one(world, watch, operation, actor):
    row, tree = operation.row, world.a
    kinds = [last_kind(operation)] if row.ids else [None]
    for kind in [*kinds, *row.others]:
        ids = own_ids(world, operation, tree)
        if kind is not None:
            ids[list(row.ids)[-1]] = tree.ids.get(kind)
        is_in_reach = reaches(actor, operation, kind)
        token = None
        if row.fresh and may(actor, operation) and is_in_reach:
            made = row.fresh(world, tree, actor, kind)
            token = made.pop("token", None)
            ids |= made
        body = operation.body(world, tree)
        reply, told = watch.call(actor, operation, operation.address(ids), body, token)
        if not may(actor, operation):
            assert reply.status == 403 and reply.json["code"] == "forbidden", told
        elif not is_in_reach:
            refused_as_absent(reply, told)
        else:
            assert reply.status in row.own, told
            text = reply.text
            if operation.is_list:
                text = whole_list(watch, actor, operation, ids)
            if row.shows:
                assert tree.ids[row.shows] in text, told


def whole_list(watch, actor, operation, ids):
    """All pages, each looked through."""
    address, texts, after = operation.address(ids), [], None
    join = "&" if "?" in address else "?"
    for _ in range(PAGES_MAX):
        more = f"&after={after}" if after else ""
        reply, told = watch.call(actor, operation, f"{address}{join}limit=100{more}")
        assert reply.status == 200, told
        texts.append(reply.text)
        after = reply.json["next"]
        if not after:
            return "".join(texts)
    raise AssertionError(f"{operation.name} has no end")


def test_the_root_operator_sees_both_trees(world, operations):
    """What is searched for elsewhere is found where it may be."""
    watch = Watch(world)
    for operation in operations.values():
        if operation.is_list and operation.row.shows and not operation.row.ids:
            text = whole_list(watch, world.root, operation, {})
            for tree in (world.a, world.b):
                assert tree.ids[operation.row.shows] in text, operation.name
    foreign = world.api.call(world.b.people[0], "GET", "/users")
    with pytest.raises(AssertionError, match="shows"):
        watch.look(world.actor("finance", "merchant"), foreign, "the other tree's people")


def reaches(actor, operation, kind):
    """Whether the thing is in the actor's reach; one's own things that are made for it are."""
    row = operation.row
    if row.fresh and is_own(operation):
        return True
    if row.is_for_staff and actor.level == "customer":
        return False
    kinds = [*list(row.ids.values())[:-1], *([kind] if kind else [])]
    if not all(actor.level in REACH[one] for one in kinds):
        return False
    # What a new thing is to lie under must be in reach too.
    under = {"createReseller": "reseller", "createMerchant": "reseller", "createMethod": "reseller"}
    return actor.level in REACH[under.get(operation.name, "project")]


def test_a_customer_finds_no_other_customer(world, operations):
    """Neither by a filter nor by what the other's order is called."""
    watch, ids = Watch(world), world.a.ids
    customer = world.actor("customer", "customer")
    payment = world.api.call(world.root, "GET", f"/payments/{ids['second_payment']}").json
    assert watch.world.a.mark in payment["reference"]
    listed = operations["listPayments"]
    for query in (
        f"customer_id={ids['second_customer']}",
        f"search={ids['second_payment']}",
        f"search={payment['reference']}",
        f"project_id={ids['project']}&search={payment['reference']}",
    ):
        reply, told = watch.call(customer, listed, f"/payments?{query}")
        assert reply.status == 404 or reply.json["data"] == [], told
    one = operations["listCustomers"]
    path = f"/projects/{ids['project']}/customers?prefix={world.a.mark}-second"
    reply, told = watch.call(customer, one, path)
    assert reply.status == 404 or reply.json["data"] == [], told
    # What a customer registers is the customer's own, whoever is named as the payer.
    body = operations["registerPayment"].body(world, world.a) | {"payer": {"id": f"{world.a.mark}-second"}}
    reply = world.api.call(customer, "POST", "/payments", body)
    assert reply.status == 201, reply.text
    for kind, is_there in (("customer", True), ("second_customer", False)):
        path = f"/payments?limit=100&customer_id={ids[kind]}"
        found = world.api.call(world.root, "GET", path).text
        assert (reply.json["id"] in found) == is_there, (kind, found)


def test_the_page_of_roles_and_the_program_agree(world, operations):
    """docs/roles.md, `x-roles` of the document, and what each person hears of himself."""
    table = roles_page()
    for operation in operations.values():
        if operation.permission:
            assert set(operation.roles) == table[operation.permission], operation.name
    for actor in world.actors:
        said = set(world.api.call(actor, "GET", "/me").json["permissions"])
        assert said == {word for word, roles in table.items() if actor.role in roles}, actor.name


def roles_page():
    """The table of the page: which roles have a permission."""
    rows = [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        for line in ROLES_PAGE.read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    head, _, *rows = rows
    roles = head[2:]
    return {row[0]: {role for role, cell in zip(roles, row[2:]) if cell == "yes"} for row in rows}


def test_nobody_gets_in_without_credentials(world, operations):
    """Nothing, a wrong token, another scheme, a session's cookie where none may be: 401 or 403."""
    api, owner = world.api, world.actor("merchant_owner", "merchant")
    wrong = [
        {},
        {"authorization": "Bearer alts_" + "A" * 43},
        {"authorization": "Bearer altt_" + "A" * 43},
        {"authorization": f"Basic {owner.token}"},
        {"cookie": "altyn_session=alts_" + "A" * 43},
        # An API token is not for browsers.
        {"cookie": f"altyn_session={world.api_token(owner)[0]}"},
    ]
    for operation in operations.values():
        address = operation.address(own_ids(world, operation, world.a))
        for headers in wrong:
            if operation.is_open:
                continue
            body = operation.body(world, world.a)
            reply = api.call(None, operation.method, address, body, headers)
            told = (operation.name, headers, reply.status, reply.text)
            assert reply.status == 401 and reply.json["code"] == "unauthenticated", told
        if not operation.is_open and operation.method != "get":
            cookie = {"cookie": f"altyn_session={owner.token}"}
            body = operation.body(world, world.a)
            reply = api.call(None, operation.method, address, body, cookie)
            assert (reply.status, reply.json["code"]) == (403, "csrf"), (operation.name, reply.text)


def test_a_token_has_what_was_chosen_for_it_and_no_more(world, operations):
    """The matrix once more with tokens of the most powerful: one permission each, never `own`."""
    for permission in ("payments_view", "users_view", "audit_view"):
        token, _ = world.api_token(world.root, [permission])
        said = world.api.call(token, "GET", "/me").json["permissions"]
        assert said == [permission]
        for operation in operations.values():
            if operation.is_open:
                continue
            address = operation.address(own_ids(world, operation, world.a))
            body = operation.body(world, world.a)
            reply = world.api.call(token, operation.method, address, body)
            is_allowed = operation.permission in (None, permission)
            told = (permission, operation.name, reply.status, reply.text)
            assert (reply.status == 200) if is_allowed else (reply.status == 403), told
    for more in (["connectors"], ["payments_view", "tree_manage"], ["own"]):
        body = ROWS["createToken"].body(world, world.a) | {"permissions": more}
        reply = world.api.call(world.actor("finance", "merchant"), "POST", "/tokens", body)
        assert reply.status in (403, 422), (more, reply.text)


def test_what_was_taken_away_is_gone_at_the_next_request(world):
    """An ended session, a revoked token, a smaller role, a disabled person."""
    api, tree = world.api, world.a

    def hears(token, path="/me"):
        return api.call(token, "GET", path).status

    person = world.person(tree, "merchant_owner", "merchant")
    secret, token_id = world.api_token(person, ["users_view", "payments_view"])
    other, session_id = world.session(person)
    assert [hears(one, "/users") for one in (person, secret, other)] == [200] * 3

    assert api.call(person, "DELETE", f"/me/sessions/{session_id}").status == 204
    assert [hears(one) for one in (person, secret, other)] == [200, 200, 401]
    assert api.call(person, "DELETE", f"/tokens/{token_id}").status == 204
    assert [hears(one) for one in (person, secret)] == [200, 401]

    secret, _ = world.api_token(person, ["users_view", "payments_view"])
    path = f"/users/{person.user_id}"
    assert api.call(world.root, "PATCH", path, {"role": "finance"}).status == 200
    assert [hears(one, "/users") for one in (person, secret)] == [403, 403]
    assert "users_view" not in api.call(person, "GET", "/me").json["permissions"]
    assert api.call(secret, "GET", "/me").json["permissions"] == ["payments_view"]

    assert api.call(world.root, "PATCH", path, {"disabled": True}).status == 200
    assert [hears(one) for one in (person, secret)] == [401, 401]
    body = {"email": person.email, "password": person.password}
    reply = api.call(None, "POST", "/sign-in", body, source=api.fresh_source())
    assert (reply.status, reply.json["code"]) == (401, "sign_in_denied")
    assert api.call(world.root, "PATCH", path, {"disabled": False}).status == 200
    assert [hears(one) for one in (person, secret)] == [401, 401]

    person = world.person(tree, "support", "merchant")
    assert api.call(person, "POST", "/sign-out").status == 204
    assert hears(person) == 401


def test_nobody_raises_himself_or_gives_more_than_he_has(world):
    api = world.api
    for actor in world.actors:
        path = f"/users/{actor.user_id}"
        for change in ({"role": "root_operator"}, {"role": "merchant_owner"}, {"disabled": False}):
            reply = api.call(actor, "PATCH", path, change)
            assert reply.status in (403, 409), (actor.name, change, reply.text)
        assert api.call(actor, "GET", "/me").json["role"] == actor.role
    higher = {
        ("merchant_owner", "merchant"): ("root_operator", "reseller_operator"),
        ("reseller_operator", "reseller"): ("root_operator",),
    }
    for (role, level), roles in higher.items():
        actor = world.actor(role, level)
        for wanted in roles:
            for place in ("merchant", "reseller"):
                scope = {"kind": place, "id": world.a.ids[place]}
                email = f"higher-{world.number()}@altyn.example"
                body = {"email": email, "role": wanted, "place": scope}
                reply = api.call(actor, "POST", "/invitations", body)
                assert reply.status in (403, 404, 422), (role, wanted, reply.text)
            reply = api.call(actor, "PATCH", f"/users/{world.a.ids['user']}", {"role": wanted})
            assert reply.status in (403, 422), (role, wanted, reply.text)


def test_members_that_nobody_described_are_refused(world, operations):
    """Nothing is set by a member that slips in: refused by name, and nothing has changed."""
    api = world.api

    before, tried = state_of(world, operations, world.a), 0
    for operation in operations.values():
        address = operation.address(own_ids(world, operation, world.a))
        if operation.members is not None:
            valid = operation.body(world, world.a)
            for name in sorted(set(EXTRA) - operation.members):
                sender = None if operation.is_open else world.root
                body = valid | {name: EXTRA[name]}
                source = api.fresh_source()
                reply = api.call(sender, operation.method, address, body, source=source)
                told = (operation.name, name, reply.status, reply.text)
                assert reply.status == 422, told
                assert name in json.dumps(reply.json["errors"]), told
                tried += 1
        if operation.method == "get" and "?" in address or operation.row.filters:
            join = "&" if "?" in address else "?"
            reply = api.call(world.root, "GET", f"{address}{join}is_admin=true")
            assert reply.status == 422, (operation.name, reply.text)
    assert tried > 50
    assert state_of(world, operations, world.a) == before


# What a caller may write who would like to be somewhere else.
FORGED = ("127.9.9.9", "::ffff:127.9.9.9")
FORGED_HEADERS = [
    {name: value.format(address)}
    for address in FORGED
    for name, value in {
        "x-forwarded-for": "{}",
        "x-real-ip": "{}",
        "forwarded": 'for="{}"',
        "x-client-ip": "{}",
        "true-client-ip": "{}",
        "cf-connecting-ip": "{}",
        "x-original-forwarded-for": "{}",
    }.items()
]


def test_an_address_is_what_the_socket_tells(world):
    """Headers that name another address change nothing about where a token may be used from."""
    api, allowed = world.api, FORGED[0]
    secret, _ = world.api_token(world.actor("finance", "merchant"), allow_list=[f"{allowed}/32"])
    assert api.call(secret, "GET", "/me", source=allowed).status == 200
    refused = api.call(secret, "GET", "/me")
    assert refused.status in (401, 403)
    for headers in FORGED_HEADERS:
        reply = api.call(secret, "GET", "/me", headers=headers)
        assert (reply.status, reply.text) == (refused.status, refused.text), headers
        assert api.call(secret, "GET", "/me", headers=headers, source=allowed).status == 200
    # Nor do they count for somebody else's attempts to sign in.
    body = {"email": "nobody@altyn.example", "password": "none of anybody"}
    source = api.fresh_source()
    heard = [
        api.call(None, "POST", "/sign-in", body, FORGED_HEADERS[n % 7], source).status
        for n in range(25)
    ]
    assert heard[0] == 401 and heard[-1] == 429, heard


@pytest.fixture(scope="module")
def shops(world):
    """A shop of each tree; both dialects, paid and unpaid orders."""
    return Shop(world, world.a), Shop(world, world.b)


def test_every_address_has_a_row():
    assert routes() == set(ROUTES)
    assert rbs_methods() == set(RBS)
    assert gate_paths() <= set(GATE), gate_paths() - set(GATE)


@pytest.mark.parametrize("route", ROUTES)
def test_one_project_cannot_touch_the_orders_of_another(shops, route):
    mine, other = shops
    before = other.state()
    told = ROUTES[route](mine, other)
    assert told
    text = json.dumps(told, ensure_ascii=False)
    leaked = [mark for mark in other.marks() if mark in text]
    leaked += [one for one in (other.paid, other.unpaid) if one in text]
    assert not leaked, (route, leaked, text)
    assert other.state() == before, route


def test_a_login_is_used_from_its_addresses_alone(world, shops):
    """What a caller says of its address is not heard by the dialect either."""
    mine, allowed = shops[0], "127.9.9.10"
    path = f"/projects/{world.a.ids['project']}/credentials"
    body = ROWS["createCredential"].body(world, world.a) | {"allow_list": [allowed]}
    made = world.api.made(world.root, path, body)
    login = {"userName": made["credential"]["login"], "password": made["secret"]}
    query = urlencode(login | {"orderId": mine.paid})
    target = f"{mine.demo.base_url}/payment/rest/getOrderStatusExtended.do"
    for headers in ({}, *FORGED_HEADERS):
        headers = {k: v.replace(FORGED[0], allowed) for k, v in headers.items()}
        headers["content-type"] = "application/x-www-form-urlencoded"
        shown = web.post(target, query.encode(), headers)
        assert json.loads(shown.text)["errorCode"] == "5", (headers, shown.text)
    assert mine.rbs("getOrderStatusExtended", orderId=mine.paid)["errorCode"] == "0"
