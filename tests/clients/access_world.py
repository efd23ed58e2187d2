"""Two trees of owners beside each other on one demo, with people of every role in the first.

Everything of a tree carries its mark, `alpha-…` or `bravo-…`, in names and e-mail addresses, so
that a search of an answer's text finds what does not belong there. `Tree.ids` knows what can be
named by an id.
"""

import http.client
import itertools
import json
import urllib.parse
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from support import web
from support.demo import wait_until

ANSWER_MAX_S = 30
PASSWORD = "7 copper kettles on a stove"
KZT = {"amount": 100, "currency": "KZT"}
CARD_METHOD = {"refunds": "partial", "holds": True}
IN_A_MONTH = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")

MERCHANT_ROLES = ("finance", "support", "developer", "read_only")


@dataclass
class Reply:
    """An answer of the back office."""

    status: int
    text: str
    headers: dict

    @property
    def json(self):
        return json.loads(self.text)


@dataclass
class Actor:
    """Somebody who calls: the role, where the person stands, and what lets in."""

    role: str
    level: str
    token: str
    email: str = ""
    password: str = PASSWORD
    user_id: str = ""

    @property
    def name(self):
        return f"{self.role} at {self.level}"


@dataclass
class Tree:
    """A reseller with everything below it."""

    mark: str
    ids: dict = field(default_factory=dict)
    people: list = field(default_factory=list)
    login: str = ""
    password: str = ""

    def marks(self):
        """Texts by which anything of this tree is known; ids in each way of writing them."""
        found = {self.mark}
        for kind, one in self.ids.items():
            # Connectors belong to the root alone.
            if kind not in ("connector", "incident_number"):
                found |= spellings(one)
        return found


def spellings(one):
    """An id with and without prefix and hyphens."""
    bare = str(one).split("_", 1)[1]
    return {bare, str(uuid.UUID(bare))}


class Api:
    """The back office of a demo. Callers have addresses of loopback; attempts count by address."""

    def __init__(self, demo):
        known = json.loads((demo.data / "demo.json").read_text("utf-8"))
        self.panels = known["panels"]
        self._host, self._port = demo.address
        self._base = urllib.parse.urlsplit(self.panels["api_url"]).path
        self._open = {}
        self._sources = (f"127.0.{n // 250 + 1}.{n % 250 + 1}" for n in itertools.count())

    def fresh_source(self):
        """An address that nobody has called from."""
        return next(self._sources)

    def call(self, token, method, path, body=None, headers=None, source="127.0.0.1"):
        """One call; `token` may be an actor, the text of a token, or None."""
        token = token.token if isinstance(token, Actor) else token
        sent = {"content-type": "application/json"} if body is not None else {}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        sent |= headers or {}
        data = None if body is None else json.dumps(body)
        for attempt in (1, 2):
            connection = self._open.get(source) or http.client.HTTPConnection(
                self._host, self._port, timeout=ANSWER_MAX_S, source_address=(source, 0)
            )
            self._open[source] = connection
            try:
                connection.request(method.upper(), self._base + path, data, sent)
                answer = connection.getresponse()
                text = answer.read().decode()
            except (http.client.RemoteDisconnected, ConnectionError):
                # A connection that was kept may have been closed meanwhile.
                connection.close()
                del self._open[source]
                if attempt == 2:
                    raise
                continue
            return Reply(answer.status, text, {k.lower(): v for k, v in answer.getheaders()})

    def made(self, token, path, body, status=201):
        """Posts what must succeed."""
        reply = self.call(token, "POST", path, body)
        assert reply.status == status, (path, reply.status, reply.text)
        return reply.json if reply.text else None

    def sign_in(self, email, password=PASSWORD):
        """A new session's token."""
        body = {"email": email, "password": password}
        reply = self.call(None, "POST", "/sign-in", body, source=self.fresh_source())
        assert reply.status == 200, reply.text
        return reply.json["token"]

    def close(self):
        for connection in self._open.values():
            connection.close()


class World:
    """The trees and who acts in them."""

    serial = itertools.count(1)

    def __init__(self, demo):
        self.demo = demo
        self.api = Api(demo)
        operator = self.api.panels["operator"]
        token = self.api.sign_in(operator["email"], operator["password"])
        me = self.api.call(token, "GET", "/me").json
        # Everybody has the same password, so that one body fits all who make a token.
        change = {"old_password": operator["password"], "password": PASSWORD}
        self.api.made(token, "/me/password", change, 204)
        email = operator["email"]
        self.root = Actor("root_operator", "root", token, email, user_id=me["id"])
        self.root_id = me["place"]["id"]
        made = self.api.made(token, "/connectors", connector_body(self))
        self.connector = made["connector"]["id"]
        self._known_address()
        run = uuid.uuid4().hex[:6]
        self.a = self._tree(f"alpha-{run}")
        self.b = self._tree(f"bravo-{run}")
        self._second_customer(self.a)
        self.actors = [self.root, *self.a.people]

    def number(self):
        return next(self.serial)

    def actor(self, role, level):
        return next(one for one in self.actors if (one.role, one.level) == (role, level))

    def _known_address(self):
        """Resellers below call a gateway only where a method of the root's does."""
        settings = {"base_url": self.demo.simulator_url, "terminal_key": self.demo.terminal_key}
        body = {
            "reseller_id": self.root_id,
            "connector": {"kind": "builtin", "id": "sandbox-bank"},
            "name": "Cards of the root",
            "settings": settings,
            "abilities": CARD_METHOD,
            "active": False,
        }
        self.api.made(self.root, "/methods", body)

    # Making things, each time new ones, always by the root operator.

    def project(self, tree):
        body = project_body(self, tree)
        return self.api.made(self.root, "/projects", body)["id"]

    def method(self, tree):
        return self.api.made(self.root, "/methods", method_body(self, tree))["id"]

    def wallet(self, tree):
        """A method made from the registered connector."""
        body = method_body(self, tree) | {
            "connector": {"kind": "registered", "id": self.connector},
            "settings": {"account": tree.mark},
            "name": f"{tree.mark} wallet",
        }
        return self.api.made(self.root, "/methods", body)["id"]

    def payment(self, tree, payer="first"):
        """A registered payment of a customer of the tree's project."""
        body = payment_body(self, tree)
        body["reference"] = f"{tree.mark}-{self.number()}"
        body["payer"] = {
            "id": f"{tree.mark}-{payer}",
            "email": f"{payer}@{tree.mark}.example",
            "name": f"{tree.mark} {payer}",
        }
        return self.api.made(self.root, "/payments", body)["id"]

    def credential(self, tree):
        return self._new_credential(tree)["credential"]["id"]

    def _new_credential(self, tree):
        path = f"/projects/{tree.ids['project']}/credentials"
        return self.api.made(self.root, path, credential_body(self, tree))

    def endpoint(self, tree):
        path = f"/projects/{tree.ids['project']}/endpoints"
        made = self.api.made(self.root, path, endpoint_body(self, tree))
        return made["endpoint"]["id"]

    def invitation(self, tree, role="finance", place="merchant"):
        return self._invite(tree, role, place)["invitation"]["id"]

    def _invite(self, tree, role, place):
        scope = {"kind": place, "id": tree.ids[place]}
        if place == "customer":
            scope["project_id"] = tree.ids["project"]
        email = f"{role}-{self.number()}@{tree.mark}.example"
        body = {"email": email, "role": role, "place": scope}
        return self.api.made(self.root, "/invitations", body)

    def person(self, tree, role, place):
        """Somebody who came by an invitation."""
        invited = self._invite(tree, role, place)
        body = {"token": invited["secret"], "name": f"{tree.mark} {role}", "password": PASSWORD}
        source = self.api.fresh_source()
        reply = self.api.call(None, "POST", "/invitations/accept", body, source=source)
        assert reply.status == 201, reply.text
        token = reply.json["token"]
        user_id = self.api.call(token, "GET", "/me").json["id"]
        email = invited["invitation"]["email"]
        return Actor(role, place, token, email, user_id=user_id)

    def api_token(self, actor, permissions=("payments_view",), **more):
        """A new API token of somebody: its secret and its id."""
        name = f"{self.number()} of {actor.user_id}"
        body = {"name": name, "permissions": list(permissions), "expires_at": IN_A_MONTH}
        body |= {"password": actor.password} | more
        made = self.api.made(actor, "/tokens", body)
        return made["secret"], made["token"]["id"]

    def session(self, actor):
        """One more session of somebody: its token and its id."""
        token = self.api.sign_in(actor.email, actor.password)
        sessions = self.api.call(token, "GET", "/me/sessions").json["data"]
        return token, next(one["id"] for one in sessions if one["current"])

    def incident(self, tree):
        """Opens an incident: a try at a gateway, and a notice of it that nobody believes."""
        payment = self.payment(tree)
        path = f"/payments/{payment}/tries"
        begun = self.api.made(self.root, path, {"method": tree.ids["wallet"]}, 200)
        number = begun["payment"]["operations"][-1]["number"]
        notice = web.ask(f"{self.demo.base_url}/notices/{payment}/{number}", json="{}")
        assert notice.status == 401, (notice.status, notice.text)
        path = f"/incidents?payment_id={payment}"

        def opened():
            return next(iter(self.api.call(self.root, "GET", path).json["data"]), None)

        return {"payment_id": payment, "number": wait_until("incident", opened)["number"]}

    def _tree(self, mark):
        tree = Tree(mark)
        api, root, ids = self.api, self.root, tree.ids
        body = {"parent_id": self.root_id, "name": f"{mark} reseller"}
        ids["reseller"] = api.made(root, "/resellers", body)["id"]
        body = {"reseller_id": ids["reseller"], "name": f"{mark} merchant"}
        ids["merchant"] = api.made(root, "/merchants", body)["id"]
        ids["connector"] = self.connector
        ids["project"] = self.project(tree)
        ids["method"] = self.method(tree)
        ids["wallet"] = self.wallet(tree)
        ids["payment"] = self.payment(tree)
        ids["customer"] = self._customer(tree, "first")
        incident = self.incident(tree)
        ids["incident_payment"] = incident["payment_id"]
        ids["incident_number"] = incident["number"]
        made = self._new_credential(tree)
        ids["credential"] = made["credential"]["id"]
        tree.login, tree.password = made["credential"]["login"], made["secret"]
        ids["endpoint"] = self.endpoint(tree)
        ids["invitation"] = self.invitation(tree)
        ids["reseller_invitation"] = self.invitation(tree, "finance", "reseller")
        places = [("reseller_operator", "reseller"), ("merchant_owner", "merchant")]
        places += [(role, "reseller") for role in MERCHANT_ROLES]
        places += [(role, "merchant") for role in MERCHANT_ROLES]
        places.append(("customer", "customer"))
        tree.people = [self.person(tree, role, place) for role, place in places]
        owner = tree.people[1]
        ids["owner"] = owner.user_id
        ids["user"] = next(
            one.user_id for one in tree.people if (one.role, one.level) == ("support", "merchant")
        )
        ids["reseller_user"] = tree.people[2].user_id
        _, ids["token"] = self.api_token(owner)
        _, ids["session"] = self.session(owner)
        return tree

    def _second_customer(self, tree):
        tree.ids["second_payment"] = self.payment(tree, "second")
        tree.ids["second_customer"] = self._customer(tree, "second")

    def _customer(self, tree, payer):
        path = f"/projects/{tree.ids['project']}/customers"
        listed = self.api.call(self.root, "GET", path).json["data"]
        return next(one["id"] for one in listed if one["reference"] == f"{tree.mark}-{payer}")


# Bodies that are valid, each time new ones.


def connector_body(world, tree=None):
    del tree
    return {
        "name": f"Gateway {world.number()}",
        "url": f"{world.demo.simulator_url}/none",
        "schema": [{"type": "string", "key": "account", "label": "Account", "required": True}],
        "static": {},
    }


def project_body(world, tree):
    return {
        "merchant_id": tree.ids["merchant"],
        "name": f"{tree.mark} shop",
        "slug": f"{tree.mark}-{world.number()}",
        "currencies": ["KZT"],
        "balances": True,
    }


def method_body(world, tree):
    settings = {"base_url": world.demo.simulator_url, "terminal_key": world.demo.terminal_key}
    return {
        "reseller_id": tree.ids["reseller"],
        "connector": {"kind": "builtin", "id": "sandbox-bank"},
        "name": f"{tree.mark} cards {world.number()}",
        "settings": settings,
        "abilities": CARD_METHOD,
        "offered_to": [{"kind": "project", "id": tree.ids["project"]}],
    }


def payment_body(world, tree):
    return {
        "project_id": tree.ids["project"],
        "amount": KZT,
        "description": f"{tree.mark} order",
    }


def credential_body(world, tree):
    return {"dialect": "rbs", "kind": "password", "login": f"{tree.mark}-{world.number()}-api"}


def endpoint_body(world, tree):
    """Nobody receives callbacks there."""
    url = f"{world.demo.simulator_url}/none/{tree.mark}-{world.number()}"
    return {"format": "rbs", "url": url}
