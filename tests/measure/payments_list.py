"""How fast the back office lists payments when there are very many of them.

    python3 tests/measure/payments_list.py [--rows 1000000] [--postgres URL]

Fills a demo's database with copies of one payment, spread over twenty projects and all statuses, and asks
for each filter, order and search that the API offers, one request after the other. Prints the median and
the 95th percentile of each in milliseconds, and fails if one of these is above 100.

The program is the one that `ALTYN_BIN` names. The PostgreSQL database must be empty and one's own; `psql`
fills it.
"""

import argparse
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.parse
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.demo import Demo  # noqa: E402
from support.office import Visitor  # noqa: E402

PROJECTS = 20
CUSTOMERS = 500
REQUESTS = 60
LIMIT_MS = 100.0
APART_US = 20_000
STATUSES = [
    "captured", "awaiting_payment", "processing", "authorized", "partially_refunded", "refunded",
    "voided", "verified", "declined", "cancelled", "expired",
]


class Filler:
    """Copies of one payment and its operations, as SQL of one database or the other."""

    def __init__(self, template, projects, made_us, rows):
        self.template, self.projects = template, projects
        self.made_us, self.rows = made_us, rows

    def project_of(self, quote):
        cases = " ".join(
            f"WHEN {number} THEN {quote(project)}" for number, project in enumerate(self.projects)
        )
        return f"CASE i % {PROJECTS} {cases} END"

    def bucket_of(self):
        cases = " ".join(
            f"WHEN {number} THEN {(project.int >> 64) & 0xfff}"
            for number, project in enumerate(self.projects)
        )
        return f"CASE i % {PROJECTS} {cases} END"

    def status(self):
        # One in ten thousand is refunded, voided and so on; the rest is captured.
        rare = " ".join(
            f"WHEN {number} THEN '{status}'" for number, status in enumerate(STATUSES[1:])
        )
        return f"CASE i % 10000 {rare} ELSE 'captured' END"

    def copy(self, table, columns, new):
        values = ", ".join(new.get(column, f"t.{column}") for column in columns)
        return (
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} "
            f"FROM copies c, {table} t WHERE t.payment_id = {self.template}"
        )

    def new_values(self):
        return {
            "bucket": "c.bucket", "payment_id": "c.payment_id", "project_id": "c.project_id",
            "operation_id": "c.payment_id", "status": "c.status", "customer_id": "c.customer_id",
            "created_at": "c.at", "updated_at": "c.at", "order_reference": "c.reference",
            "reference_key": "c.reference",
            "order_details": "replace(t.order_details, 'MEASURED', c.reference)",
        }


TABLES = ["payments", "operations", "payment_references"]


def fill_sqlite(file, filler):
    database = sqlite3.connect(file)
    # The function is not in every SQLite that Python brings.
    database.create_function("unhex", 1, bytes.fromhex, deterministic=True)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA foreign_keys = OFF")
    blob = lambda one: f"X'{one.hex}'"  # noqa: E731
    customer = f"unhex(printf('%032x', 1000 + i / {PROJECTS} % {CUSTOMERS}))"
    at = f"({filler.made_us} - ({filler.rows} - i) * {APART_US})"
    identity = (
        f"unhex(printf('%012x', {at} / 1000) || printf('%04x', 28672 + {filler.bucket_of()})"
        " || 'a' || substr(hex(randomblob(8)), 1, 15))"
    )
    database.executescript(
        "CREATE TEMP TABLE copies (i, bucket, payment_id, project_id, customer_id, status, at, reference);"
        f"WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {filler.rows})"
        f"INSERT INTO copies SELECT i, {filler.bucket_of()}, {identity}, {filler.project_of(blob)}, "
        f"{customer}, {filler.status()}, {at}, 'N-' || i FROM numbers;"
    )
    for table in TABLES:
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        database.execute(filler.copy(table, columns, filler.new_values()))
    database.commit()
    known = list(database.execute("SELECT payment_id, reference FROM copies ORDER BY random() LIMIT 500"))
    database.close()
    return [(uuid.UUID(bytes=one), reference) for one, reference in known]


def fill_postgres(url, filler):
    text = lambda one: f"'{one}'::uuid"  # noqa: E731
    customer = f"lpad(to_hex(1000 + i / {PROJECTS} % {CUSTOMERS}), 32, '0')::uuid"
    at = f"({filler.made_us} - ({filler.rows} - i) * {APART_US})"
    identity = (
        f"(lpad(to_hex({at} / 1000), 12, '0') || lpad(to_hex(28672 + {filler.bucket_of()}), 4, '0')"
        " || 'a' || substr(md5('payment' || i), 1, 15))::uuid"
    )

    def psql(statements):
        words = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", url]
        done = subprocess.run(words, input=statements, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    script = (
        "CREATE TEMP TABLE copies AS SELECT i, "
        f"({filler.bucket_of()})::smallint AS bucket, {identity} AS payment_id, "
        f"{filler.project_of(text)} AS project_id, {customer} AS customer_id, "
        f"{filler.status()} AS status, {at} AS at, 'N-' || i AS reference "
        f"FROM generate_series(1::bigint, {filler.rows}) i;"
    )
    for table in TABLES:
        columns = psql(
            f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass "
            "AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        script += filler.copy(table, columns, filler.new_values()) + ";"
    script += "SELECT payment_id, reference FROM copies ORDER BY random() LIMIT 500;"
    return [(uuid.UUID(one), reference) for one, reference in (
        line.split("|") for line in psql("SET session_replication_role = replica;" + script)
    )]


def signed_in(demo):
    panels = json.loads((demo.data / "demo.json").read_text())["panels"]
    visitor = Visitor(panels["api_url"])
    known = {name: panels["operator"][name] for name in ("email", "password")}
    token = visitor.post("/sign-in", known).of(200)["token"]
    return Visitor(panels["api_url"], token)


def twenty_projects(office):
    reseller = office.get("/resellers")["data"][0]["id"]
    merchant = office.post("/merchants", {"reseller_id": reseller, "name": "Measured"}).of(201)["id"]
    made = []
    for number in range(PROJECTS):
        project = {
            "merchant_id": merchant, "name": f"Measured {number}", "slug": f"measured-{number}",
            "default_currency": "KZT", "currencies": ["KZT"], "balances": True,
        }
        made.append(office.post("/projects", project).of(201)["id"])
    return reseller, merchant, made


def questions(owners, known, span):
    """What is asked: a name, and a maker of queries."""
    reseller, merchant, projects = owners
    instant = lambda us: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(us / 1e6))  # noqa: E731
    some = lambda: instant(random.uniform(*span))  # noqa: E731
    customer = lambda: f"cus_{1000 + random.randrange(CUSTOMERS):032x}"  # noqa: E731
    project = lambda: random.choice(projects)  # noqa: E731
    asked = {
        "all": dict, "oldest first": lambda: {"order": "asc"},
        "hundred": lambda: {"limit": 100},
        "reseller": lambda: {"reseller_id": reseller}, "merchant": lambda: {"merchant_id": merchant},
        "project": lambda: {"project_id": project()},
        "project, oldest first": lambda: {"project_id": project(), "order": "asc"},
        "customer": lambda: {"customer_id": customer()},
        "from": lambda: {"from": some()}, "to": lambda: {"to": some()},
        "to, oldest first": lambda: {"to": some(), "order": "asc"},
        "project, status, to": lambda: {
            "project_id": project(), "status": "refunded", "to": some(),
        },
        "three statuses": lambda: {"status": "refunded,voided,expired"},
        "search by id": lambda: {"search": f"pay_{random.choice(known)[0].hex}"},
        "search by number": lambda: {"search": random.choice(known)[1]},
        "search for nothing": lambda: {"search": f"NONE-{random.random()}"},
    }
    for status in STATUSES:
        asked[f"status {status}"] = lambda status=status: {"status": status}
    return asked


def measure(office, asked):
    failed = []
    for name, query in asked.items():
        times, found = [], 0
        for number in range(REQUESTS):
            path = f"/payments?{urllib.parse.urlencode(query())}"
            began = time.perf_counter()
            page = office.get(path)
            times.append((time.perf_counter() - began) * 1000)
            found += len(page["data"])
            if name == "all" and number == 0:
                deep = page["next"]
        ordered = sorted(times)
        p95 = ordered[int(len(ordered) * 0.95)]
        print(f"{name:26} median {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms   "
              f"{found / REQUESTS:5.1f} found", flush=True)
        if p95 > LIMIT_MS:
            failed.append(name)
    times = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        deep = office.get("/payments", after=deep)["next"]
        times.append((time.perf_counter() - began) * 1000)
    print(f"{'page after page':26} median {statistics.median(times):7.1f} ms   p95 {sorted(times)[56]:7.1f} ms")
    return failed


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--postgres")
    chosen = words.parse_args()
    more = ["--database-url", chosen.postgres] if chosen.postgres else []
    with Demo(*more) as demo:
        office = signed_in(demo)
        owners = twenty_projects(office)
        order = demo.register(orderNumber="MEASURED", amount=100, currency=398)
        demo.pay(order)
        made_us = int(time.time() * 1e6)
        projects = [uuid.UUID(one.removeprefix("prj_")) for one in owners[2]]
        began = time.monotonic()
        if chosen.postgres:
            filler = Filler(f"'{order}'::uuid", projects, made_us, chosen.rows)
            known = fill_postgres(chosen.postgres, filler)
        else:
            filler = Filler(f"X'{uuid.UUID(order).hex}'", projects, made_us, chosen.rows)
            known = fill_sqlite(demo.data / "altyn.db", filler)
        print(f"{chosen.rows} payments after {time.monotonic() - began:.0f} s", flush=True)
        span = (made_us - chosen.rows * APART_US, made_us)
        failed = measure(office, questions(owners, known, span))
    if failed:
        sys.exit(f"above {LIMIT_MS} ms: {', '.join(failed)}")


if __name__ == "__main__":
    main()
