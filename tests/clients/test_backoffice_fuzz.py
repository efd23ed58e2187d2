"""Thousands of generated requests to the back office: none makes it fail, all answers are described.

Schemathesis makes the requests from the program's own description, valid ones and others. Ids that
exist are put into them, so that what lies behind a found thing is reached too. What is counted is
counted here.
"""

import copy
import json
import os
import re
import warnings
import zlib
from collections import Counter

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from access_routes import Shop
from access_world import IN_A_MONTH, World, connector_body, method_body
from support.demo import Demo

CASES = 10_000 if os.environ.get("ALTYN_TEST_FULL") == "1" else 1_500
SUCCEEDED_MIN = 0.20
ROUNDS_MAX = 40
ANSWER_MAX_S = 30
SEED = 20_261_122
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# What would end the session that the cases are sent with, or lock its person out: the first case
# that succeeded would leave 401 for all others.
LEFT_OUT = {
    "signOut",
    "endSession",
    "changePassword",
    "beginSecondFactor",
    "confirmSecondFactor",
    "removeSecondFactor",
    "renewRecoveryCodes",
    "createToken",
}
# Generated ones come from one address and are counted by it; after twenty all would be 429.
OF_FEW = {"signIn": 10, "acceptInvitation": 10}

ID = re.compile(r"\b([a-z]{3})_[0-9a-f]{32}\b")
KNOWN_MAX = 40
# Things of each tree to be ended, and incidents to be closed.
SPARE = 5
# What an id in an address is an id of, by what stands before it.
PREFIXES = {
    "users": "usr", "tokens": "tok", "invitations": "tok", "resellers": "rsl", "merchants": "mrc",
    "projects": "prj", "credentials": "crd", "endpoints": "end", "connectors": "cnn", "methods": "mth",
    "payments": "pay", "incidents": "pay",
}
NAMES = {
    "project_id": "prj", "merchant_id": "mrc", "reseller_id": "rsl", "parent_id": "rsl",
    "customer_id": "cus", "payment_id": "pay", "credential_id": "crd",
    "endpoint_id": "end",
}
PLACES = {"reseller": "rsl", "merchant": "mrc", "project": "prj", "registered": "cnn"}
TEXTS = {
    "email": "fuzz-{}@altyn.example",
    "slug": "fuzz-{}",
    "login": "fuzz-{}-api",
    "reference": "F-{}",
    "currency": "KZT",
    "expires_at": "{expires_at}",
    "reason": "because {}",
    "note": "noted {}",
    "url": "{simulator}/none/{}",
    "from": "2026-01-01T00:00:00Z",
    "to": "2027-01-01T00:00:00Z",
}


class Known:
    """Ids that answers named, by their prefix."""

    def __init__(self, world):
        self.world, self.ids, self.number = world, {}, 0
        customers, credentials, endpoints, incidents = [], [], [], []
        self.spare = {}
        for tree in (world.a, world.b):
            known = tree.ids
            for kind in ("customer", "second_customer"):
                if kind in known:
                    customers.append({"project_id": known["project"], "id": known[kind]})
            credentials.append({"id": known["project"], "credential_id": known["credential"]})
            endpoints.append({"id": known["project"], "endpoint_id": known["endpoint"]})
            for _ in range(SPARE):
                incidents.append(world.incident(tree))
                self.make_spare(tree)
        self.pairs = {
            "/customers/{project_id}/{id}": customers,
            "/projects/{id}/credentials/{credential_id}": credentials,
            "/projects/{id}/endpoints/{endpoint_id}": endpoints,
            "/incidents/{payment_id}/{number}": incidents,
        }

    def make_spare(self, tree):
        """One more of everything that can be ended, for nobody else to miss."""
        world, project = self.world, tree.ids["project"]
        gateway = world.api.made(world.root, "/connectors", connector_body(world))
        made = {
            "/connectors/{id}": {"id": gateway["connector"]["id"]},
            "/methods/{id}": {"id": world.method(tree)},
            "/invitations/{id}": {"id": world.invitation(tree)},
            "/tokens/{id}": {"id": world.api_token(world.root)[1]},
            "/projects/{id}/credentials/{credential_id}": {
                "id": project,
                "credential_id": world.credential(tree),
            },
            "/projects/{id}/endpoints/{endpoint_id}": {
                "id": project,
                "endpoint_id": world.endpoint(tree),
            },
        }
        for path, ids in made.items():
            self.spare.setdefault(path, []).append(ids)

    def learn(self, text):
        for found in ID.finditer(text):
            of_kind = self.ids.setdefault(found[1], [])
            if found[0] not in of_kind:
                of_kind.append(found[0])
                # The first ones stay, for they have the most behind them.
                del of_kind[KNOWN_MAX // 2 : -KNOWN_MAX // 2]

    def forget(self, parameters):
        """What was ended is there no more."""
        for one in parameters.values():
            of_kind = self.ids.get(str(one)[:3], [])
            if one in of_kind and not str(one).startswith("prj_"):
                of_kind.remove(one)

    def one(self, prefix, drawn):
        """One that exists, by what was drawn; sometimes what was drawn."""
        choice = zlib.crc32(repr(drawn).encode())
        of_kind = self.ids.get(prefix)
        return of_kind[choice // 8 % len(of_kind)] if of_kind and choice % 8 else drawn

    def text(self, name, drawn):
        if zlib.crc32(repr(drawn).encode()) % 4 == 0:
            return drawn
        self.number += 1
        words = TEXTS[name].replace("{expires_at}", IN_A_MONTH)
        return words.replace("{simulator}", self.world.demo.simulator_url).replace(
            "{}", str(self.number)
        )

    def filled(self, value):
        """A generated value with ids and words that mean something in it."""
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if not isinstance(value, dict):
            return value
        made = {name: self.filled(one) for name, one in value.items()}
        for name, one in made.items():
            if name in NAMES and isinstance(one, str):
                made[name] = self.one(NAMES[name], one)
            elif name in TEXTS and isinstance(one, str):
                made[name] = self.text(name, one)
        if {"connector", "settings"} <= set(made) and zlib.crc32(repr(value).encode()) % 4:
            # Settings are free in the description; these are the built-in connector's.
            valid = method_body(self.world, self.world.a)
            made |= {name: valid[name] for name in ("connector", "settings")}
        if isinstance(made.get("id"), str) and made.get("kind") in PLACES:
            made["id"] = self.one(PLACES[made["kind"]], made["id"])
        return made

    def address(self, path, parameters, is_ended):
        """The parameters of an address: most of them exist, and belong together."""
        made = dict(parameters or {})
        whole = zlib.crc32(repr(made).encode())
        if is_ended:
            return made | (self.spare[path].pop() if whole % 4 and self.spare.get(path) else {})
        pairs = [one for place, one in self.pairs.items() if path.startswith(place)]
        if pairs and whole % 4:
            return made | pairs[0][whole // 4 % len(pairs[0])]
        for name, drawn in made.items():
            before = path.split(f"{{{name}}}")[0].strip("/").split("/")[-1]
            prefix = NAMES.get(name) or PREFIXES.get(before)
            if path.startswith("/customers/{project_id}/{id}") and name == "id":
                prefix = "cus"
            if prefix:
                made[name] = self.one(prefix, drawn)
        return made


@pytest.fixture(scope="module")
def world():
    """Two trees with something of everything in them."""
    with Demo() as demo:
        made = World(demo)
        yield made
        made.api.close()


def hold(shop):
    """Orders whose money is reserved."""
    for _ in range(SPARE):
        number = f"held-{shop.world.number()}"
        fields = {"orderNumber": number, "amount": "1000", "returnUrl": "https://shop.example/done"}
        order = shop.rbs("registerPreAuth", **fields)["orderId"]
        paid = shop.rbs("paymentorder", **shop.card(order))
        assert str(paid["errorCode"]) == "0", paid


class Fuzz:
    """Sends cases and counts."""

    def __init__(self, world):
        self.world, self.known = world, Known(world)
        document = world.api.call(None, "GET", "/openapi.json")
        self.document = document.json
        for tree in (world.a, world.b):
            self.known.learn(json.dumps(tree.ids))
            hold(Shop(world, tree))
        self.known.learn(world.root_id)
        paid = world.api.call(world.root, "GET", "/payments?status=captured,authorized")
        self.known.learn(paid.text)
        self.schema = schemathesis.openapi.from_dict(self.document)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["authorization"] = f"Bearer {world.root.token}"
        self.base_url = world.api.panels["api_url"]
        self.counts, self.by_operation, self.failures = Counter(), {}, {}

    @property
    def cases(self):
        return sum(self.counts.values())

    @property
    def succeeded(self):
        return sum(count for status, count in self.counts.items() if status < 300)

    def operations(self):
        found = [result.ok() for result in self.schema.get_all_operations()]
        return [one for one in found if one.definition.raw["operationId"] not in LEFT_OUT]

    def run(self, cases):
        """Rounds over all operations until there were so many cases."""
        operations = self.operations()
        for turn in range(ROUNDS_MAX):
            share = max(3, (cases - self.cases) // len(operations) + 1)
            for operation in operations:
                name = operation.definition.raw["operationId"]
                most = OF_FEW.get(name, share) if turn == 0 or name not in OF_FEW else 0
                for mode, part in ((GenerationMode.POSITIVE, 3), (GenerationMode.NEGATIVE, 1)):
                    if most * part // 4:
                        self.send(operation, name, mode, most * part // 4, turn)
            if self.cases >= cases:
                return

    def send(self, operation, name, mode, most, turn):
        try:
            strategy = operation.as_strategy(generation_mode=mode)
        except schemathesis.errors.SchemathesisError:
            return

        @seed(SEED + turn)
        @settings(
            max_examples=most, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def one(case):
            self.one(case, name, mode)

        try:
            one()
        except Exception as failure:
            # An operation without anything to be wrong has no invalid requests.
            if "Unsatisfiable" not in type(failure).__name__ and "skip" not in str(failure).lower():
                raise

    def one(self, case, name, mode):
        case.path_parameters = self.known.address(
            case.path, case.path_parameters, case.method == "DELETE"
        )
        if mode == GenerationMode.POSITIVE:
            case.body = self.known.filled(copy.deepcopy(case.body))
            case.query = self.known.filled(dict(case.query or {}))
        response = case.call(
            base_url=self.base_url, session=self.session, timeout=ANSWER_MAX_S
        )
        status = response.status_code
        self.counts[status] += 1
        self.by_operation.setdefault(name, Counter())[status] += 1
        if status < 300:
            self.known.learn(response.text)
            if case.method == "DELETE":
                self.known.forget(case.path_parameters)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as found:
            for failure in getattr(found, "exceptions", [found]):
                key = (name, status, type(failure).__name__)
                words = f"{failure}\n{case.as_curl_command()}"
                self.failures.setdefault(key, f"{words[:1500]}\n{response.text[:600]}")

    def told(self):
        lines = [f"{self.cases} cases, {self.succeeded} succeeded: {sorted(self.counts.items())}"]
        lines += [f"  {name}: {sorted(c.items())}" for name, c in sorted(self.by_operation.items())]
        lines += [f"{key}:\n{words}" for key, words in self.failures.items()]
        return "\n".join(lines)


def test_no_generated_request_makes_it_fail(world, capsys):
    fuzz = Fuzz(world)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fuzz.run(CASES)
    with capsys.disabled():
        print(f"\n{fuzz.told()}")
    assert fuzz.cases >= CASES
    assert not any(status >= 500 for status in fuzz.counts), fuzz.told()
    assert not fuzz.failures, fuzz.told()
    assert fuzz.succeeded >= SUCCEEDED_MIN * fuzz.cases, fuzz.told()
    assert 401 not in {s for n, c in fuzz.by_operation.items() if n not in OF_FEW for s in c}
