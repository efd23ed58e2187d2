-- The back office: owners above projects, the registry of connectors and payment methods, customers with
-- balances, people and what lets them in, the audit trail, idempotency records.
-- Locks: payments, postings and projects for the moment in which a column without a value is added; the two new
-- indexes are built with the tables locked, a few seconds for each million of rows.

-- Settings entries: resellers, merchants, connectors and payment methods. Few, read whole, changed under the
-- settings version; what they say is sealed by the gateway. An archived one is kept for what was begun with it.
CREATE TABLE settings_entries (
    entry_id    BLOB    NOT NULL PRIMARY KEY CHECK (length(entry_id) = 16),
    kind        TEXT    NOT NULL CHECK (kind IN ('reseller', 'merchant', 'connector', 'method')),
    parent_id   BLOB    REFERENCES settings_entries (entry_id), -- the reseller above it; NULL for none
    body        TEXT    NOT NULL, -- sealed by the gateway; opaque to the database
    created_at  INTEGER NOT NULL, -- microseconds
    archived_at INTEGER           -- microseconds; NULL while it is there
) STRICT;

ALTER TABLE projects ADD COLUMN merchant_id BLOB CHECK (length(merchant_id) = 16); -- NULL: made by a command

-- Customers: whom the merchant calls so. The id is made from project and reference.
CREATE TABLE customers (
    bucket      INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    customer_id BLOB    NOT NULL CHECK (length(customer_id) = 16),
    project_id  BLOB    NOT NULL CHECK (length(project_id) = 16),
    reference   TEXT    NOT NULL, -- the merchant's own id of the customer
    kind        TEXT CHECK (kind IN ('individual', 'company')), -- NULL: not known
    name        TEXT,
    email       TEXT,
    phone       TEXT,
    created_at  INTEGER NOT NULL, -- when the customer was met first, microseconds
    PRIMARY KEY (bucket, customer_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX customers_reference ON customers (bucket, project_id, reference);

-- Customers' balances: the parts of the project's account customer_balance. Minor units.
CREATE TABLE customer_balances (
    bucket      INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    customer_id BLOB    NOT NULL CHECK (length(customer_id) = 16),
    currency    TEXT    NOT NULL CHECK (length(currency) = 3), -- ISO 4217 letters
    project_id  BLOB    NOT NULL CHECK (length(project_id) = 16),
    posted      INTEGER NOT NULL CHECK (posted >= 0),   -- owed to the customer, what is reserved included
    reserved    INTEGER NOT NULL CHECK (reserved >= 0), -- the part that is being spent
    PRIMARY KEY (bucket, customer_id, currency),
    CHECK (reserved <= posted)
) STRICT, WITHOUT ROWID;

ALTER TABLE payments ADD COLUMN customer_id BLOB CHECK (length(customer_id) = 16); -- NULL: no balance is kept
CREATE INDEX payments_customer ON payments (bucket, customer_id, created_at)
    WHERE customer_id IS NOT NULL;
CREATE INDEX payments_status ON payments (bucket, project_id, status, created_at);

ALTER TABLE postings ADD COLUMN customer_id BLOB CHECK (length(customer_id) = 16); -- whose customer_balance
CREATE INDEX postings_customer ON postings (bucket, customer_id, currency, at)
    WHERE customer_id IS NOT NULL;

-- Incidents are listed within projects too; the open ones without passing the others.
CREATE INDEX incidents_project ON incidents (bucket, project_id, opened_at);
CREATE INDEX incidents_project_open ON incidents (bucket, project_id, opened_at)
    WHERE resolved_at IS NULL;

-- Users: people who sign in.
CREATE TABLE users (
    user_id     BLOB    NOT NULL PRIMARY KEY CHECK (length(user_id) = 16),
    email       TEXT    NOT NULL UNIQUE, -- in small letters
    role        TEXT    NOT NULL CHECK (role IN ('root_operator', 'reseller_operator', 'merchant_owner',
                    'finance', 'support', 'developer', 'read_only', 'customer')),
    scope_kind  TEXT    NOT NULL CHECK (scope_kind IN ('reseller', 'merchant', 'customer')),
    scope_id    BLOB    NOT NULL CHECK (length(scope_id) = 16), -- reseller, merchant or customer
    project_id  BLOB CHECK (length(project_id) = 16),           -- of a customer
    body        TEXT    NOT NULL, -- sealed by the gateway; opaque to the database
    revision    INTEGER NOT NULL CHECK (revision > 0), -- grows by one with every change
    created_at  INTEGER NOT NULL, -- microseconds
    disabled_at INTEGER,          -- microseconds; NULL while the person is let in
    CHECK ((scope_kind = 'customer') = (project_id IS NOT NULL))
) STRICT;
CREATE INDEX users_scope ON users (scope_id, user_id);
CREATE INDEX users_project ON users (project_id, user_id) WHERE project_id IS NOT NULL;

-- Bearer tokens: sessions, API tokens, invitations. Only the keyed hash of a token's text is kept.
CREATE TABLE tokens (
    token_id   BLOB    NOT NULL PRIMARY KEY CHECK (length(token_id) = 16),
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    kind       TEXT    NOT NULL CHECK (kind IN ('session', 'api', 'invitation')),
    user_id    BLOB    NOT NULL REFERENCES users (user_id), -- whose; with an invitation who invited
    scope_kind TEXT CHECK (scope_kind IN ('reseller', 'merchant', 'customer')), -- of an invitation
    scope_id   BLOB CHECK (length(scope_id) = 16),   -- of an invitation: where the person is to stand
    project_id BLOB CHECK (length(project_id) = 16), -- of an invitation to a customer
    body       TEXT    NOT NULL, -- sealed by the gateway; opaque to the database
    created_at INTEGER NOT NULL, -- microseconds
    expires_at INTEGER NOT NULL, -- microseconds
    seen_at    INTEGER NOT NULL, -- when it was used last, microseconds
    ended_at   INTEGER           -- microseconds; NULL while it holds
) STRICT;
CREATE INDEX tokens_kind ON tokens (kind, token_id);
CREATE INDEX tokens_user ON tokens (user_id, kind, token_id);
CREATE INDEX tokens_scope ON tokens (scope_id, kind, token_id) WHERE scope_id IS NOT NULL;
CREATE INDEX tokens_expires ON tokens (expires_at);
CREATE INDEX tokens_ended ON tokens (ended_at) WHERE ended_at IS NOT NULL;

-- The audit trail: who did what. Entries form chains, one per writer, by the hash of the entry before.
CREATE TABLE audit_entries (
    chain         BLOB    NOT NULL CHECK (length(chain) = 16), -- zeros: from before there were chains
    number        INTEGER NOT NULL CHECK (number > 0), -- place in the chain, from 1 without gaps
    at            INTEGER NOT NULL, -- microseconds
    actor_id      BLOB CHECK (length(actor_id) = 16), -- the person; NULL for the program and its commands
    actor_name    TEXT    NOT NULL, -- who, for people
    scope_id      BLOB CHECK (length(scope_id) = 16), -- the owner that it concerns; NULL for the installation
    action        TEXT    NOT NULL, -- what was done
    subject       TEXT    NOT NULL, -- to what
    detail        TEXT    NOT NULL, -- JSON; never a secret
    previous_hash BLOB    NOT NULL, -- of the entry before it in the chain
    hash          BLOB    NOT NULL, -- of all of the above
    PRIMARY KEY (chain, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_entries_at ON audit_entries (at);
CREATE INDEX audit_entries_scope ON audit_entries (scope_id, at);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, at) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_entries_action ON audit_entries (action, at);
CREATE TRIGGER audit_entries_never_change BEFORE UPDATE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is never changed');
END;
CREATE TRIGGER audit_entries_never_vanish BEFORE DELETE ON audit_entries
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is never deleted');
END;

-- What the old table kept becomes the chain of zeros, which has no hashes.
INSERT INTO audit_entries
    SELECT zeroblob(16), version, at, NULL, 'altyn', NULL, 'settings.changed', '', json_object('what', what),
        x'', x''
    FROM settings_audit;
DROP TABLE settings_audit;

-- Idempotency records: requests with a key, and their answers.
CREATE TABLE idempotency_records (
    owner    BLOB    NOT NULL CHECK (length(owner) = 16), -- who asked
    key_hash BLOB    NOT NULL CHECK (length(key_hash) = 32),
    digest   BLOB    NOT NULL CHECK (length(digest) = 32), -- of the request
    at       INTEGER NOT NULL, -- when it came first, microseconds
    answer   TEXT,             -- sealed by the gateway; NULL while it is not known
    PRIMARY KEY (owner, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_records_at ON idempotency_records (at);
