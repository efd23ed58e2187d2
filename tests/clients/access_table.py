"""One row for every operation of the back office's OpenAPI document.

A row says which things its address names, what a valid body is, which things a body or query names,
and what somebody hears who may do it and has the thing in reach.
"""

from dataclasses import dataclass, field
from typing import Callable

from access_world import (
    IN_A_MONTH,
    KZT,
    PASSWORD,
    connector_body,
    credential_body,
    endpoint_body,
    method_body,
    payment_body,
    project_body,
)

WHY = {"reason": "asked for by the test"}

# Which levels of the tree have a thing in reach, if they may see its kind at all.
ALL_LEVELS = ("root", "reseller", "merchant", "customer")
REACH = {
    "reseller": ("root", "reseller"),
    "merchant": ALL_LEVELS[:3],
    "project": ALL_LEVELS,
    "method": ALL_LEVELS[:3],
    "payment": ALL_LEVELS,
    "second_payment": ALL_LEVELS[:3],
    "customer": ALL_LEVELS,
    "second_customer": ALL_LEVELS[:3],
    "credential": ALL_LEVELS[:3],
    "endpoint": ALL_LEVELS[:3],
    "invitation": ALL_LEVELS[:3],
    "reseller_invitation": ("root", "reseller"),
    "user": ALL_LEVELS[:3],
    "owner": ALL_LEVELS[:3],
    "reseller_user": ("root", "reseller"),
    # One's own alone, whatever one may do to others.
    "token": (),
    "session": (),
    "connector": ("root",),
    "incident_payment": ALL_LEVELS[:3],
    "incident_number": ALL_LEVELS[:3],
}


@dataclass
class Row:
    """How one operation is called."""

    # Placeholders of the address, each with the kind of thing that it names.
    ids: dict = field(default_factory=dict)
    # Other things of the same tree that stand for the first: theirs is another reach.
    others: tuple = ()
    # The kind of which a new one is made for whoever may do it, for it is used up.
    fresh: Callable | None = None
    body: Callable | None = None
    # Changes of a valid body that name a thing of a tree.
    names: tuple = ()
    query: str = ""
    # Filters that name a thing of a tree.
    filters: dict = field(default_factory=dict)
    # What may be heard by who may do it.
    own: tuple = (200,)
    # A thing that must stand in that answer.
    shows: str = ""
    # Whether it looks to customers as if it were not there: what a shop is told, and the ledger.
    is_for_staff: bool = False


def put(path, kind):
    """Sets a member of a body, `a.0.b` deep, to the id of a thing of another tree."""
    *way, last = path.split(".")

    def change(body, tree):
        place = body
        for step in way:
            place = place[int(step)] if step.isdigit() else place[step]
        place[last] = tree.ids[kind]
        return body

    return change


def offered_to(kind):
    """Offers a method to a thing of another tree."""

    def change(body, tree):
        return body | {"offered_to": [{"kind": kind, "id": tree.ids[kind]}]}

    return change


def invited(world, tree):
    email = f"invited-{world.number()}@{tree.mark}.example"
    place = {"kind": "merchant", "id": tree.ids["merchant"]}
    return {"email": email, "role": "support", "place": place}


def invited_to(kind, role):
    def change(body, tree):
        place = {"kind": kind, "id": tree.ids[kind]}
        if kind == "customer":
            place["project_id"] = tree.ids["project"]
        return body | {"place": place, "role": role}

    return change


def fixed(**members):
    """The same valid body each time."""
    return lambda world, tree: dict(members)


def named(world, tree):
    return {"name": f"{tree.mark} name {world.number()}"}


def token_body(world, tree):
    return {
        "password": PASSWORD,
        "name": f"Token {world.number()}",
        "permissions": ["payments_view"],
        "expires_at": IN_A_MONTH,
    }


def new_user(world, tree, actor, kind):
    place = "reseller" if kind == "reseller_user" else "merchant"
    return {"id": world.person(tree, "support", place).user_id}


def new_invitation(world, tree, actor, kind):
    place = "reseller" if kind == "reseller_invitation" else "merchant"
    return {"id": world.invitation(tree, place=place)}


def new_method(world, tree, actor, kind):
    return {"id": world.method(tree)}


def new_payment(world, tree, actor, kind):
    return {"id": world.payment(tree, "second" if kind == "second_payment" else "first")}


def own_token(world, tree, actor, kind):
    return {"id": world.api_token(actor)[1]}


def own_session(world, tree, actor, kind):
    return {"id": world.session(actor)[1]}


def new_session(world, tree, actor, kind):
    """Signing out ends what lets in."""
    return {"token": world.session(actor)[0]}


def new_connector(world, tree, actor, kind):
    made = world.api.made(world.root, "/connectors", connector_body(world))
    return {"id": made["connector"]["id"]}


def new_credential(world, tree, actor, kind):
    return {"id": tree.ids["project"], "credential_id": world.credential(tree)}


def new_endpoint(world, tree, actor, kind):
    return {"id": tree.ids["project"], "endpoint_id": world.endpoint(tree)}


def new_incident(world, tree, actor, kind):
    return world.incident(tree)


PLACES = {"project_id": "project", "merchant_id": "merchant", "reseller_id": "reseller"}
REFUSED = (400, 409, 422)
ENDPOINT = {"id": "project", "endpoint_id": "endpoint"}
MONEY = dict(ids={"id": "payment"}, others=("second_payment",), own=(200, 409))

ROWS = {
    # Signing in. Open: nothing is shown, so nothing of anybody can be.
    "openapi": Row(),
    "signIn": Row(body=fixed(email="nobody@altyn.example", password="none of anybody"), own=(401,)),
    "acceptInvitation": Row(
        body=fixed(token="alti_none", name="Nobody", password="9 wooden spoons in a drawer"),
        own=(404,),
    ),
    "signOut": Row(fresh=new_session, own=(204,)),
    # One's own things.
    "me": Row(),
    "listSessions": Row(),
    "endSession": Row(ids={"id": "session"}, fresh=own_session, own=(204,)),
    "changePassword": Row(
        body=fixed(old_password="not the old one", password="9 wooden spoons in a drawer"),
        own=REFUSED,
    ),
    "beginSecondFactor": Row(body=fixed(password="not the password"), own=REFUSED),
    "confirmSecondFactor": Row(body=fixed(code="000000"), own=REFUSED),
    "removeSecondFactor": Row(body=fixed(password="not the one", code="000000"), own=REFUSED),
    "renewRecoveryCodes": Row(body=fixed(password="not the one", code="000000"), own=REFUSED),
    "listTokens": Row(),
    "createToken": Row(body=token_body, own=(201,)),
    "endToken": Row(ids={"id": "token"}, fresh=own_token, own=(204,)),
    # People.
    "listUsers": Row(shows="user"),
    "readUser": Row(ids={"id": "user"}, others=("reseller_user", "owner")),
    "changeUser": Row(
        ids={"id": "user"},
        others=("reseller_user",),
        body=named,
        fresh=new_user,
    ),
    "resetSecondFactor": Row(
        ids={"id": "user"},
        others=("reseller_user",),
        fresh=new_user,
        own=(200, 409),
    ),
    "listInvitations": Row(shows="invitation"),
    "invite": Row(
        body=invited,
        names=(
            invited_to("reseller", "support"),
            invited_to("merchant", "support"),
            invited_to("customer", "customer"),
        ),
        own=(201,),
    ),
    "withdrawInvitation": Row(
        ids={"id": "invitation"},
        others=("reseller_invitation",),
        fresh=new_invitation,
        own=(204,),
    ),
    "listAudit": Row(),
    # The tree of owners.
    "listResellers": Row(),
    "createReseller": Row(
        body=lambda world, tree: named(world, tree) | {"parent_id": tree.ids["reseller"]},
        names=(put("parent_id", "reseller"),),
        own=(201,),
    ),
    "readReseller": Row(ids={"id": "reseller"}),
    # One's own reseller is renamed by those above it.
    "changeReseller": Row(ids={"id": "reseller"}, body=named, own=(200, 403)),
    "listMerchants": Row(shows="merchant"),
    "createMerchant": Row(
        body=lambda world, tree: named(world, tree) | {"reseller_id": tree.ids["reseller"]},
        names=(put("reseller_id", "reseller"),),
        own=(201,),
    ),
    "readMerchant": Row(ids={"id": "merchant"}),
    "changeMerchant": Row(ids={"id": "merchant"}, body=named),
    # Projects.
    "listProjects": Row(shows="project"),
    "createProject": Row(
        body=project_body, names=(put("merchant_id", "merchant"),), own=(201,)
    ),
    "readProject": Row(ids={"id": "project"}),
    "changeProject": Row(ids={"id": "project"}, body=fixed(tries_max=4)),
    "listProjectMethods": Row(ids={"id": "project"}, shows="method"),
    "listCredentials": Row(ids={"id": "project"}, shows="credential"),
    "createCredential": Row(ids={"id": "project"}, body=credential_body, own=(201,)),
    "limitCredential": Row(
        ids={"id": "project", "credential_id": "credential"},
        body=fixed(allow_list=["127.0.0.0/8"]),
        fresh=new_credential,
        own=(204,),
    ),
    "revokeCredential": Row(
        ids={"id": "project", "credential_id": "credential"}, fresh=new_credential, own=(204,)
    ),
    "listEndpoints": Row(ids={"id": "project"}, shows="endpoint"),
    "createEndpoint": Row(ids={"id": "project"}, body=endpoint_body, own=(201,)),
    "readEndpoint": Row(ids=ENDPOINT),
    "changeEndpoint": Row(ids=ENDPOINT, body=fixed(attempts_max=4)),
    "deleteEndpoint": Row(ids=ENDPOINT, fresh=new_endpoint, own=(204,)),
    "rotateEndpointSecret": Row(ids=ENDPOINT, body=fixed()),
    # Connectors and payment methods.
    "listConnectors": Row(shows="connector"),
    "createConnector": Row(body=connector_body, own=(201,)),
    "readConnector": Row(ids={"id": "connector"}),
    "changeConnector": Row(ids={"id": "connector"}, body=named),
    "deleteConnector": Row(ids={"id": "connector"}, fresh=new_connector, own=(204,)),
    "rotateConnectorKey": Row(ids={"id": "connector"}, body=fixed(overlap_hours=0)),
    # Nothing of the connector protocol answers at its address.
    "describeConnector": Row(ids={"id": "connector"}, own=(409, 422)),
    "listMethodConnectors": Row(shows="connector"),
    "listMethods": Row(shows="method"),
    "createMethod": Row(
        body=method_body,
        names=(
            put("reseller_id", "reseller"),
            offered_to("reseller"),
            offered_to("merchant"),
            offered_to("project"),
        ),
        own=(201,),
    ),
    "readMethod": Row(ids={"id": "method"}),
    "changeMethod": Row(
        ids={"id": "method"},
        body=fixed(position=1),
        names=(offered_to("reseller"), offered_to("merchant"), offered_to("project")),
    ),
    "deleteMethod": Row(ids={"id": "method"}, fresh=new_method, own=(204,)),
    # A built-in connector describes nothing.
    "describeMethod": Row(ids={"id": "method"}, own=(200, 409, 422)),
    # Payments.
    "listPayments": Row(shows="payment", filters=PLACES | {"customer_id": "customer"}),
    "registerPayment": Row(body=payment_body, names=(put("project_id", "project"),), own=(201,)),
    "readPayment": Row(ids={"id": "payment"}, others=("second_payment",)),
    "beginTry": Row(**MONEY, body=fixed()),
    "listPaymentEvents": Row(
        ids={"id": "payment"}, others=("second_payment",), is_for_staff=True
    ),
    "listPaymentDeliveries": Row(
        ids={"id": "payment"}, others=("second_payment",), is_for_staff=True
    ),
    "listPaymentPostings": Row(
        ids={"id": "payment"}, others=("second_payment",), is_for_staff=True
    ),
    "capturePayment": Row(**MONEY, body=fixed(**WHY)),
    "voidPayment": Row(**MONEY, body=fixed(**WHY)),
    "refundPayment": Row(**MONEY, body=fixed(**WHY)),
    "cancelPayment": Row(
        ids={"id": "payment"},
        others=("second_payment",),
        body=fixed(**WHY),
        fresh=new_payment,
    ),
    "returnSurplus": Row(**(MONEY | {"own": (404, 409)}), body=fixed(operation=1, **WHY)),
    # Incidents.
    "listIncidents": Row(
        filters=PLACES | {"payment_id": "incident_payment"}, shows="incident_payment",
    ),
    "resolveIncident": Row(
        ids={"payment_id": "incident_payment", "number": "incident_number"},
        body=fixed(verdict="noted", note="seen by the test"),
        fresh=new_incident,
    ),
    # Customers.
    "listCustomers": Row(ids={"id": "project"}, shows="customer"),
    "readCustomer": Row(
        ids={"project_id": "project", "id": "customer"}, others=("second_customer",)
    ),
    "readStatement": Row(
        ids={"project_id": "project", "id": "customer"},
        others=("second_customer",),
        query="?currency=KZT",
    ),
    "refundBalance": Row(
        ids={"project_id": "project", "id": "customer"},
        others=("second_customer",),
        body=fixed(amount=KZT, **WHY),
        own=REFUSED,
    ),
}
