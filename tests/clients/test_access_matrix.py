"""Who may do what: every operation of the back office, every role, own things and others'.

The operations are those of the running program's OpenAPI document; `access_table` has a row for each of
them, and one without a row fails here by its name.
"""

import json
import re
import uuid

import pytest

from access_table import REACH, ROWS
from access_world import Tree, World
from support.demo import REPOSITORY, Demo

METHODS = ("get", "post", "put", "patch", "delete")
ROLES_PAGE = REPOSITORY / "docs" / "roles.md"

# Members that no body has where they are not described, and that would raise somebody if they were heard.
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
    """All operations of the document: name, method, address, permission, openness, schema of the body."""
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
    gone = []
    assert not gone, f"rows in access_table.py for what is no operation: {gone}"


def test_every_operation_is_open_or_guarded(operations):
    for one in operations.values():
        is_signed_in = one.permission is None and not one.is_open
        assert one.is_open == (one.name in ("openapi", "signIn", "acceptInvitation")), one.name
        assert is_signed_in == (one.name in ("me", "listTokens")), one.name
        if not one.is_open:
            assert {"401", "403"} <= set(one.answers), one.name


def test_what_lies_in_another_tree_is_not_there(world, operations):
    """Every operation, every role, ids of the other tree and of nothing: the same answers."""
    watch = Watch(world)
    nothing = stranger(world)
    for operation in operations.values():
        if not operation.row.ids or operation.name not in ROWS:
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
    tried = 0
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
            if row.shows and reply.status == 200:
                assert tree.ids[row.shows] in reply.text, told


def reaches(actor, operation, kind):
    """Whether the thing is in the actor's reach; one's own things that are made for it are."""
    row = operation.row
    if row.fresh and is_own(operation):
        return True
    kinds = [*list(row.ids.values())[:-1], *([kind] if kind else [])]
    if not all(actor.level in REACH[one] for one in kinds):
        return False
    # What a new thing is to lie under must be in reach too.
    under = {"createReseller": "reseller", "createMerchant": "reseller", "createMethod": "reseller"}
    return actor.level in REACH[under.get(operation.name, "project")]


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
