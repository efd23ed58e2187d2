-- The back office: owners above projects, the registry of connectors and payment methods, customers with
-- balances, people and what lets them in, the audit trail, idempotency records.
--
-- Lists for people are read page by page in the order of an index. The indexes are without the bucket and the
-- number of the payment, as in the first migration: a plan that was made while a table was empty would look for
-- a row by its key in any index that has a column of the key. The project or the customer implies the bucket.
-- A payment's status is in an index although it changes: an update that changes it touches the indexes too.
-- Locks: payments, postings, incidents and projects, against everything, until the end of this migration. The
-- columns come without a value, at once; the indexes of payments take a few seconds for each million of rows,
-- those of postings and incidents one pass over the table.

-- Settings entries: resellers, merchants, connectors and payment methods. Few, read whole, changed under the
-- settings version; what they say is sealed by the gateway. An archived one is kept for what was begun with it.
CREATE TABLE settings_entries (
    entry_id    uuid   NOT NULL PRIMARY KEY,
    kind        text   COLLATE "C" NOT NULL CHECK (kind IN ('reseller', 'merchant', 'connector', 'method')),
    parent_id   uuid   REFERENCES settings_entries (entry_id), -- the reseller above it; NULL for none
    body        text   NOT NULL, -- sealed by the gateway; opaque to the database
    created_at  bigint NOT NULL, -- microseconds
    archived_at bigint           -- microseconds; NULL while it is there
);

ALTER TABLE projects ADD COLUMN merchant_id uuid; -- NULL: made by a command

-- Customers: whom the merchant calls so. The id is made from project and reference.
CREATE TABLE customers (
    bucket      smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    customer_id uuid     NOT NULL,
    project_id  uuid     NOT NULL,
    reference   text     COLLATE "C" NOT NULL, -- the merchant's own id of the customer
    kind        text     COLLATE "C" CHECK (kind IN ('individual', 'company')), -- NULL: not known
    name        text,
    email       text,
    phone       text,
    created_at  bigint   NOT NULL, -- when the customer was met first, microseconds
    PRIMARY KEY (bucket, customer_id)
);
-- Not unique in words: the id, which is made of these two, is.
CREATE INDEX customers_reference ON customers (project_id, reference);

-- Customers' balances: the parts of the project's account customer_balance. Minor units.
CREATE TABLE customer_balances (
    bucket      smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    customer_id uuid     NOT NULL,
    currency    text     COLLATE "C" NOT NULL CHECK (length(currency) = 3), -- ISO 4217 letters
    project_id  uuid     NOT NULL,
    posted      bigint   NOT NULL, -- owed to the customer, what is reserved included; see below
    reserved    bigint   NOT NULL, -- the part that is being spent; see below
    PRIMARY KEY (bucket, customer_id, currency)
) WITH (fillfactor = 75);

-- As with accounts, a change is proposed as a new row that the existing one absorbs, so a trigger refuses the
-- sums that a CHECK would refuse.
CREATE TRIGGER customer_balances_covered AFTER INSERT OR UPDATE ON customer_balances
FOR EACH ROW WHEN (NEW.posted < 0 OR NEW.reserved < 0 OR NEW.reserved > NEW.posted)
EXECUTE FUNCTION refuse('more was taken from a balance than stood on it');

ALTER TABLE payments ADD COLUMN customer_id uuid; -- NULL: no balance is kept
CREATE INDEX payments_customer ON payments (customer_id, created_at)
    WHERE customer_id IS NOT NULL;
CREATE INDEX payments_status ON payments (status, project_id, created_at);
-- The same two indexes once more: of indexes that cost alike while the table is empty the planner takes the
-- youngest, and for what is asked of a project that must not be the one above.
DROP INDEX payments_created, payments_completed;
CREATE INDEX payments_created ON payments (project_id, created_at);
CREATE INDEX payments_completed ON payments (project_id, completed_at)
    WHERE completed_at IS NOT NULL;
CREATE TRIGGER payments_customer_fixed BEFORE UPDATE OF customer_id ON payments
FOR EACH ROW WHEN (NEW.customer_id IS DISTINCT FROM OLD.customer_id)
EXECUTE FUNCTION refuse('the customer of a payment never changes');

ALTER TABLE postings ADD COLUMN customer_id uuid; -- whose customer_balance
-- What a statement shows: posted movements only.
CREATE INDEX postings_customer ON postings (customer_id, currency, at, payment_id, number)
    WHERE customer_id IS NOT NULL AND phase = 2;

CREATE INDEX incidents_project ON incidents (project_id, opened_at);
CREATE INDEX incidents_project_open ON incidents (project_id, opened_at)
    WHERE resolved_at IS NULL;

-- Users: people who sign in.
CREATE TABLE users (
    user_id     uuid   NOT NULL PRIMARY KEY,
    email       text   COLLATE "C" NOT NULL UNIQUE, -- in small letters
    role        text   COLLATE "C" NOT NULL CHECK (role IN ('root_operator', 'reseller_operator',
                    'merchant_owner', 'finance', 'support', 'developer', 'read_only', 'customer')),
    scope_kind  text   COLLATE "C" NOT NULL CHECK (scope_kind IN ('reseller', 'merchant', 'customer')),
    scope_id    uuid   NOT NULL, -- reseller, merchant or customer
    project_id  uuid,            -- of a customer
    body        text   NOT NULL, -- sealed by the gateway; opaque to the database
    revision    bigint NOT NULL CHECK (revision > 0), -- grows by one with every change
    created_at  bigint NOT NULL, -- microseconds
    disabled_at bigint,          -- microseconds; NULL while the person is let in
    CHECK ((scope_kind = 'customer') = (project_id IS NOT NULL))
);
CREATE INDEX users_scope ON users (scope_id, user_id);
CREATE INDEX users_project ON users (project_id, user_id) WHERE project_id IS NOT NULL;

-- Bearer tokens: sessions, API tokens, invitations. Only the keyed hash of a token's text is kept.
CREATE TABLE tokens (
    token_id   uuid   NOT NULL PRIMARY KEY,
    hash       bytea  NOT NULL UNIQUE CHECK (length(hash) = 32),
    kind       text   COLLATE "C" NOT NULL CHECK (kind IN ('session', 'api', 'invitation')),
    user_id    uuid   NOT NULL REFERENCES users (user_id), -- whose; with an invitation who invited
    scope_kind text   COLLATE "C" CHECK (scope_kind IN ('reseller', 'merchant', 'customer')),
                      -- of an invitation
    scope_id   uuid,  -- of an invitation: where the person is to stand
    project_id uuid,  -- of an invitation to a customer
    body       text   NOT NULL, -- sealed by the gateway; opaque to the database
    created_at bigint NOT NULL, -- microseconds
    expires_at bigint NOT NULL, -- microseconds
    seen_at    bigint NOT NULL, -- when it was used last, microseconds
    ended_at   bigint           -- microseconds; NULL while it holds
) WITH (fillfactor = 75);
CREATE INDEX tokens_user ON tokens (user_id, token_id);
CREATE INDEX tokens_kind ON tokens (kind, token_id);
CREATE INDEX tokens_scope ON tokens (scope_id, token_id) WHERE scope_id IS NOT NULL;
CREATE INDEX tokens_expiring ON tokens (expires_at);
CREATE INDEX tokens_ended ON tokens (ended_at) WHERE ended_at IS NOT NULL;

-- The audit trail: who did what. Entries form chains, one per writer, by the hash of the entry before.
CREATE TABLE audit_entries (
    chain         uuid   NOT NULL, -- zeros: from before there were chains
    number        bigint NOT NULL CHECK (number > 0), -- place in the chain, from 1 without gaps
    at            bigint NOT NULL, -- microseconds
    actor_id      uuid,            -- the person; NULL for the program and its commands
    actor_name    text   NOT NULL, -- who, for people
    scope_id      uuid,            -- the owner that it concerns; NULL for the installation
    action        text   COLLATE "C" NOT NULL, -- what was done
    subject       text   NOT NULL, -- to what
    detail        text   NOT NULL, -- JSON; never a secret
    previous_hash bytea  NOT NULL, -- of the entry before it in the chain
    hash          bytea  NOT NULL, -- of all of the above
    PRIMARY KEY (chain, number)
);
CREATE INDEX audit_entries_at ON audit_entries (at, chain, number);
CREATE INDEX audit_entries_scope ON audit_entries (scope_id, at, chain, number);
CREATE INDEX audit_entries_actor ON audit_entries (actor_id, at, chain, number);
CREATE INDEX audit_entries_action ON audit_entries (action, at, chain, number);
CREATE TRIGGER audit_entries_never_change BEFORE UPDATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse('the audit trail is never changed');
CREATE TRIGGER audit_entries_never_vanish BEFORE DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse('the audit trail is never deleted');

-- What the old table kept becomes the chain of zeros, which has no hashes.
INSERT INTO audit_entries
    SELECT '00000000-0000-0000-0000-000000000000', version, at, NULL, 'altyn', NULL, 'settings.changed', '',
        '{"what":' || to_json(what) || '}', '', ''
    FROM settings_audit;
DROP TABLE settings_audit;

-- Idempotency records: requests with a key, and their answers.
CREATE TABLE idempotency_records (
    owner    uuid   NOT NULL, -- who asked
    key_hash bytea  NOT NULL CHECK (length(key_hash) = 32),
    digest   bytea  NOT NULL CHECK (length(digest) = 32), -- of the request
    at       bigint NOT NULL, -- when it came first, microseconds
    answer   text,            -- sealed by the gateway; NULL while it is not known
    PRIMARY KEY (owner, key_hash)
);
CREATE INDEX idempotency_records_at ON idempotency_records (at);
