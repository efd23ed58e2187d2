"""What the connector remembers: operations, and callbacks that are still to be delivered.

SQLite, so that a restart forgets nothing: idempotency and callbacks must outlive the process.
"""

import json
import sqlite3
import threading
import time

SCHEMA = """
CREATE TABLE IF NOT EXISTS operations (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, request TEXT NOT NULL, state TEXT NOT NULL,
    page TEXT UNIQUE, end_at REAL, end TEXT
);
CREATE TABLE IF NOT EXISTS callbacks (
    id TEXT PRIMARY KEY, url TEXT NOT NULL, body TEXT NOT NULL,
    made_at REAL NOT NULL, tries INTEGER NOT NULL, due_at REAL NOT NULL
);
"""


class Store:
    """A context manager: inside, one thread works; after it everything or nothing is on disk."""

    def __init__(self, file):
        self._database = sqlite3.connect(file, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(SCHEMA)
        self._lock = threading.Condition(threading.RLock())
        self._has_news = False

    def __enter__(self):
        self._lock.acquire()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._database.commit()
            if self._has_news:
                # Whoever waits for something to do looks again.
                self._has_news = False
                self._lock.notify_all()
        else:
            self._database.rollback()
        self._lock.release()

    def wait(self, seconds):
        """Lets others work until something changed, or until the time is over."""
        self._lock.wait(seconds)

    def add(self, operation_id, kind, request, state):
        self._database.execute(
            "INSERT INTO operations (id, type, request, state) VALUES (?, ?, ?, ?)",
            (operation_id, kind, json.dumps(request, sort_keys=True), json.dumps(state)),
        )

    def operation(self, operation_id):
        """Type, request and state of an operation, or None."""
        return self._one("SELECT * FROM operations WHERE id = ?", operation_id)

    def by_page(self, page):
        return self._one("SELECT * FROM operations WHERE page = ?", page)

    def of_charge(self, charge_id):
        """The captures, voids and refunds of a charge."""
        sql = "SELECT * FROM operations WHERE json_extract(request, '$.charge') = ?"
        return [self._read(row) for row in self._database.execute(sql, (charge_id,))]

    def set_state(self, operation_id, state):
        self._database.execute(
            "UPDATE operations SET state = ? WHERE id = ?", (json.dumps(state), operation_id)
        )

    def set_page(self, operation_id, page):
        self._database.execute("UPDATE operations SET page = ? WHERE id = ?", (page, operation_id))

    def set_end(self, operation_id, end_at, end):
        """How an operation ends by itself, and when; None: it does not any more."""
        self._has_news = True
        self._database.execute(
            "UPDATE operations SET end_at = ?, end = ? WHERE id = ?",
            (end_at, json.dumps(end), operation_id),
        )

    def due_ends(self):
        """Id and end of the operations that end now."""
        sql = "SELECT id, end FROM operations WHERE end_at <= ?"
        rows = self._database.execute(sql, (time.time(),)).fetchall()
        return [(row["id"], json.loads(row["end"])) for row in rows]

    def add_callback(self, callback_id, url, body):
        now = time.time()
        self._has_news = True
        self._database.execute(
            "INSERT INTO callbacks VALUES (?, ?, ?, ?, 0, ?)", (callback_id, url, body, now, now)
        )

    def due_callback(self):
        sql = "SELECT * FROM callbacks WHERE due_at <= ? ORDER BY due_at LIMIT 1"
        return self._database.execute(sql, (time.time(),)).fetchone()

    def delay_callback(self, callback_id, pause):
        self._database.execute(
            "UPDATE callbacks SET tries = tries + 1, due_at = ? WHERE id = ?",
            (time.time() + pause, callback_id),
        )

    def drop_callback(self, callback_id):
        self._has_news = True
        self._database.execute("DELETE FROM callbacks WHERE id = ?", (callback_id,))

    def next_end(self):
        """When the next operation ends by itself, or None."""
        return self._database.execute("SELECT min(end_at) FROM operations").fetchone()[0]

    def next_callback(self):
        """When the next callback is to be sent, or None."""
        return self._database.execute("SELECT min(due_at) FROM callbacks").fetchone()[0]

    def _one(self, sql, value):
        row = self._database.execute(sql, (value,)).fetchone()
        return row and self._read(row)

    @staticmethod
    def _read(row):
        return {
            "id": row["id"],
            "type": row["type"],
            "request": json.loads(row["request"]),
            "state": json.loads(row["state"]),
        }
