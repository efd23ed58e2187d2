-- The tables of the gateway. Only forward: a later change is a new file with the next number.
--
-- Rules of every table. Instants are microseconds UTC since 1970; money is whole minor units of the
-- currency of its payment; ids are the 16 bytes of a UUID; nothing here reads a clock or draws random
-- numbers. The key of a table that grows with payments begins with the bucket of the payment's project
-- (0 to 4095, also written in the payment's id), so that the tables can be spread over nodes by it, and
-- every such row names its project. The columns are written once in this order in both databases.
-- Locks: none that matters, the tables are new.

-- One row: what holds for the whole installation.
CREATE TABLE installation (
    id               INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), -- always 1
    settings_version INTEGER NOT NULL CHECK (settings_version >= 0) -- grows with every change
) STRICT;
INSERT INTO installation (id, settings_version) VALUES (1, 0);

-- Projects: one shop, site or terminal of a merchant.
CREATE TABLE projects (
    project_id BLOB    NOT NULL PRIMARY KEY CHECK (length(project_id) = 16),
    bucket     INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of all its payments
    name       TEXT    NOT NULL,        -- the name payers read
    slug       TEXT    NOT NULL UNIQUE, -- short latin name, as in a payment page's address
    settings   TEXT    NOT NULL,        -- sealed by the gateway; opaque to the database
    created_at INTEGER NOT NULL         -- microseconds
) STRICT;

-- Credentials: what opens a project's API.
CREATE TABLE credentials (
    credential_id BLOB    NOT NULL PRIMARY KEY CHECK (length(credential_id) = 16),
    project_id    BLOB    NOT NULL REFERENCES projects (project_id),
    dialect       TEXT    NOT NULL, -- the API it is for
    kind          TEXT    NOT NULL, -- password or token
    login         TEXT    NOT NULL, -- the login, or the public part of a token
    secret_hash   BLOB    NOT NULL CHECK (length(secret_hash) = 32), -- keyed hash of the secret part
    allow_list    TEXT    NOT NULL, -- networks it may be used from, a JSON array; empty means anywhere
    created_at    INTEGER NOT NULL, -- microseconds
    revoked_at    INTEGER,          -- microseconds; NULL while it is valid
    UNIQUE (dialect, kind, login)
) STRICT;

-- One row per change of settings.
CREATE TABLE settings_audit (
    version INTEGER NOT NULL PRIMARY KEY CHECK (version > 0), -- the settings version that the change made
    at      INTEGER NOT NULL, -- microseconds
    what    TEXT    NOT NULL  -- what was done, for people
) STRICT;

-- Payments: one order to be paid. The sums count finished operations only.
CREATE TABLE payments (
    bucket          INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    payment_id      BLOB    NOT NULL CHECK (length(payment_id) = 16),
    project_id      BLOB    NOT NULL CHECK (length(project_id) = 16),   -- whose payment
    dialect         TEXT    NOT NULL, -- the API it was registered in
    way             TEXT    NOT NULL CHECK (way IN ('purchase', 'hold', 'verify')), -- how money is taken
    currency        TEXT    NOT NULL CHECK (length(currency) = 3), -- ISO 4217 letters, of all its sums
    amount          INTEGER NOT NULL CHECK (amount >= 0),       -- minor units to be paid
    held            INTEGER NOT NULL CHECK (held >= 0),         -- minor units reserved in all
    captured        INTEGER NOT NULL CHECK (captured >= 0),     -- minor units taken
    voided          INTEGER NOT NULL CHECK (voided >= 0),       -- minor units reserved and given up
    refunded        INTEGER NOT NULL CHECK (refunded >= 0),     -- minor units given back
    reversed        INTEGER NOT NULL CHECK (reversed >= 0),     -- minor units undone after capture
    charged_back    INTEGER NOT NULL CHECK (charged_back >= 0), -- minor units taken back by the issuer
    status          TEXT    NOT NULL CHECK (status IN ('awaiting_payment', 'processing', 'authorized',
                        'captured', 'partially_refunded', 'refunded', 'voided', 'verified', 'declined',
                        'cancelled', 'expired')), -- computed from the rest, stored for lists
    completed_by    INTEGER, -- number of the try that completed it; NULL while unpaid
    completed_at    INTEGER, -- when that try ended, microseconds; NULL while unpaid
    end_reason      TEXT CHECK (end_reason IN ('declined', 'cancelled', 'expired')), -- why it ended unpaid
    end_at          INTEGER, -- when it ended unpaid, microseconds
    tries_max       INTEGER NOT NULL CHECK (tries_max >= 0), -- how many tries are allowed
    expires_at      INTEGER NOT NULL, -- when it can no longer be paid, microseconds
    created_at      INTEGER NOT NULL, -- when it was registered, microseconds
    updated_at      INTEGER NOT NULL, -- when it changed last, microseconds
    auto_capture_at INTEGER, -- when the hold is captured by itself, microseconds
    auto_void_at    INTEGER, -- when the hold is given up by itself, microseconds
    posting_count   INTEGER NOT NULL CHECK (posting_count >= 0),  -- highest number in postings
    event_count     INTEGER NOT NULL CHECK (event_count >= 0),    -- highest number in events
    delivery_count  INTEGER NOT NULL CHECK (delivery_count >= 0), -- highest number in deliveries
    incident_count  INTEGER NOT NULL CHECK (incident_count >= 0), -- highest number in incidents
    order_reference TEXT    NOT NULL, -- the merchant's own number of the order
    order_details   TEXT    NOT NULL, -- the order as registered, JSON; never changes
    PRIMARY KEY (bucket, payment_id),
    CHECK (held <= amount),
    CHECK (captured + voided <= held),
    CHECK (refunded + reversed + charged_back <= captured),
    CHECK ((completed_by IS NULL) = (completed_at IS NULL)),
    CHECK ((end_reason IS NULL) = (end_at IS NULL))
) STRICT;
CREATE INDEX payments_created ON payments (bucket, project_id, created_at);
CREATE INDEX payments_completed ON payments (bucket, project_id, completed_at)
    WHERE completed_at IS NOT NULL;

-- What a payment is worth, and whose it is, never changes.
CREATE TRIGGER payments_fixed BEFORE UPDATE OF project_id, way, currency, amount ON payments
WHEN (NEW.project_id, NEW.way, NEW.currency, NEW.amount)
    IS NOT (OLD.project_id, OLD.way, OLD.currency, OLD.amount)
BEGIN
    SELECT RAISE(ABORT, 'the amount and the owner of a payment never change');
END;

-- Operations: one step of a payment that reserves or moves money.
CREATE TABLE operations (
    bucket       INTEGER NOT NULL,
    payment_id   BLOB    NOT NULL CHECK (length(payment_id) = 16),
    number       INTEGER NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id   BLOB    NOT NULL CHECK (length(project_id) = 16),
    operation_id BLOB    NOT NULL CHECK (length(operation_id) = 16), -- the idempotency key a gateway sees
    kind         TEXT    NOT NULL CHECK (kind IN ('sale', 'auth', 'verify', 'capture', 'void', 'refund',
                     'reversal', 'chargeback', 'payout')),
    state        TEXT    NOT NULL CHECK (state IN ('created', 'sent', 'pending', 'succeeded', 'declined',
                     'voided')),
    amount       INTEGER NOT NULL CHECK (amount >= 0), -- minor units of the payment's currency
    parent       INTEGER, -- number of the try that it captures, voids or gives back
    reference    TEXT,    -- the merchant's own key of it
    method       TEXT    NOT NULL, -- the payment method that carries it out
    surplus      INTEGER NOT NULL CHECK (surplus IN (0, 1)), -- 1 if not needed, or undoes such a one
    created_at   INTEGER NOT NULL, -- microseconds
    sent_at      INTEGER,          -- when it was sent last, microseconds
    finished_at  INTEGER,          -- when its end became known, microseconds
    details      TEXT    NOT NULL, -- everything else, JSON; never clear card data
    PRIMARY KEY (bucket, payment_id, number)
) STRICT;

-- Second line of the ceilings: an operation in flight counts as taken. The payment is written before its
-- operations, and a payment's operations in the order of their numbers.
CREATE TRIGGER operations_ceiling AFTER INSERT ON operations
WHEN NEW.kind IN ('capture', 'void', 'refund', 'reversal')
    AND NEW.state IN ('created', 'sent', 'pending') AND NEW.surplus = 0
BEGIN
    SELECT RAISE(ABORT, 'the payment is over-committed')
    FROM payments p
    WHERE p.bucket = NEW.bucket AND p.payment_id = NEW.payment_id
        AND (SELECT sum(o.amount) FROM operations o
             WHERE o.bucket = NEW.bucket AND o.payment_id = NEW.payment_id AND o.surplus = 0
                 AND o.state IN ('created', 'sent', 'pending')
                 AND (o.kind IN ('capture', 'void')) = (NEW.kind IN ('capture', 'void'))
                 AND o.kind IN ('capture', 'void', 'refund', 'reversal'))
            > CASE WHEN NEW.kind IN ('capture', 'void') THEN p.held - p.captured - p.voided
                   ELSE p.captured - p.refunded - p.reversed - p.charged_back END;
END;

-- What an operation does, and with how much, never changes.
CREATE TRIGGER operations_fixed BEFORE UPDATE OF project_id, operation_id, kind, amount ON operations
WHEN (NEW.project_id, NEW.operation_id, NEW.kind, NEW.amount)
    IS NOT (OLD.project_id, OLD.operation_id, OLD.kind, OLD.amount)
BEGIN
    SELECT RAISE(ABORT, 'the kind and the amount of an operation never change');
END;

-- References: merchants' own numbers, each unique for good.
CREATE TABLE payment_references (
    bucket        INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    project_id    BLOB    NOT NULL CHECK (length(project_id) = 16),
    dialect       TEXT    NOT NULL, -- the API in which the number is unique
    kind          INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4), -- 1 payment, 2 refund, 3 capture, 4 payout
    reference_key TEXT    NOT NULL, -- the number as the API writes it
    payment_id    BLOB    NOT NULL CHECK (length(payment_id) = 16), -- the payment it names
    PRIMARY KEY (bucket, project_id, dialect, kind, reference_key)
) STRICT, WITHOUT ROWID;

-- Accounts: the sums of all postings, kept in the same commit. Minor units of the account's currency.
CREATE TABLE accounts (
    bucket         INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    project_id     BLOB    NOT NULL CHECK (length(project_id) = 16),   -- whose account
    kind           TEXT    NOT NULL, -- connector_clearing, merchant_payable, suspense
    currency       TEXT    NOT NULL CHECK (length(currency) = 3), -- ISO 4217 letters
    posted_debit   INTEGER NOT NULL CHECK (posted_debit >= 0),   -- moved to it
    posted_credit  INTEGER NOT NULL CHECK (posted_credit >= 0),  -- moved from it
    pending_debit  INTEGER NOT NULL CHECK (pending_debit >= 0),  -- reserved to be moved to it
    pending_credit INTEGER NOT NULL CHECK (pending_credit >= 0), -- reserved to be moved from it
    PRIMARY KEY (bucket, project_id, kind, currency)
) STRICT, WITHOUT ROWID;

-- Postings: movements between two accounts of one project. Both keys share the posting's own currency,
-- so a movement between two currencies cannot be written. Append-only.
CREATE TABLE postings (
    bucket     INTEGER NOT NULL,
    payment_id BLOB    NOT NULL CHECK (length(payment_id) = 16),
    number     INTEGER NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id BLOB    NOT NULL CHECK (length(project_id) = 16), -- whose accounts
    operation  INTEGER NOT NULL CHECK (operation > 0), -- number of the operation that caused it
    entry      TEXT    NOT NULL CHECK (entry IN ('hold', 'capture', 'sale', 'void', 'refund', 'reversal',
                   'surplus', 'surplus_return')), -- why it was made
    phase      INTEGER NOT NULL CHECK (phase IN (1, 2, 3)), -- 1 reserves, 2 posts, 3 releases
    settles    INTEGER, -- number of the reserving posting out of which it takes its amount
    debit      TEXT    NOT NULL, -- kind of the account that receives
    credit     TEXT    NOT NULL, -- kind of the account that gives
    currency   TEXT    NOT NULL, -- of both accounts
    amount     INTEGER NOT NULL CHECK (amount > 0), -- minor units
    at         INTEGER NOT NULL, -- microseconds
    PRIMARY KEY (bucket, payment_id, number),
    FOREIGN KEY (bucket, project_id, debit, currency)
        REFERENCES accounts (bucket, project_id, kind, currency),
    FOREIGN KEY (bucket, project_id, credit, currency)
        REFERENCES accounts (bucket, project_id, kind, currency),
    FOREIGN KEY (bucket, payment_id, settles) REFERENCES postings (bucket, payment_id, number),
    CHECK (debit <> credit),
    CHECK (phase <> 1 OR settles IS NULL),
    CHECK (phase <> 3 OR settles IS NOT NULL),
    CHECK (settles < number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER postings_never_change BEFORE UPDATE ON postings
BEGIN
    SELECT RAISE(ABORT, 'postings are never changed');
END;
CREATE TRIGGER postings_never_vanish BEFORE DELETE ON postings
BEGIN
    SELECT RAISE(ABORT, 'postings are never deleted');
END;

-- Events: what merchants are told, written in the commit of the change.
CREATE TABLE events (
    bucket     INTEGER NOT NULL,
    payment_id BLOB    NOT NULL CHECK (length(payment_id) = 16),
    number     INTEGER NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id BLOB    NOT NULL CHECK (length(project_id) = 16),
    kind       TEXT    NOT NULL, -- what happened
    operation  INTEGER,          -- number of the operation it is about
    at         INTEGER NOT NULL, -- microseconds
    payment    TEXT    NOT NULL, -- the payment of that commit without its order, JSON
    PRIMARY KEY (bucket, payment_id, number)
) STRICT;

-- Deliveries: one callback of an event to one endpoint.
CREATE TABLE deliveries (
    bucket     INTEGER NOT NULL,
    payment_id BLOB    NOT NULL CHECK (length(payment_id) = 16),
    number     INTEGER NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id BLOB    NOT NULL CHECK (length(project_id) = 16),
    event      INTEGER NOT NULL, -- number of the event
    endpoint   TEXT    NOT NULL, -- the endpoint's name within the project
    url        TEXT    NOT NULL, -- where it goes
    state      INTEGER NOT NULL CHECK (state IN (1, 2, 3)), -- 1 waiting, 2 delivered, 3 given up
    attempts   INTEGER NOT NULL CHECK (attempts >= 0), -- how often it was tried
    rendered   TEXT, -- the message, JSON; made at the first attempt and repeated byte for byte
    PRIMARY KEY (bucket, payment_id, number)
) STRICT;

-- Attempts to deliver a callback.
CREATE TABLE delivery_attempts (
    bucket      INTEGER NOT NULL,
    payment_id  BLOB    NOT NULL CHECK (length(payment_id) = 16),
    delivery    INTEGER NOT NULL CHECK (delivery > 0), -- number of the delivery
    attempt     INTEGER NOT NULL CHECK (attempt > 0),  -- which attempt, from 1
    project_id  BLOB    NOT NULL CHECK (length(project_id) = 16),
    at          INTEGER NOT NULL, -- when it began, microseconds
    duration_ms INTEGER NOT NULL, -- how long it took, milliseconds
    status      INTEGER,          -- HTTP status of the answer
    error       TEXT,             -- why there was no answer
    answer      TEXT    NOT NULL, -- the first kilobyte of the answer
    PRIMARY KEY (bucket, payment_id, delivery, attempt)
) STRICT;

-- Timers: what must happen later. A lease belongs to whoever holds the fencing number.
CREATE TABLE timers (
    bucket      INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 4095),
    payment_id  BLOB    NOT NULL CHECK (length(payment_id) = 16),
    kind        INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 7), -- 1 expiry, 2 automatic capture, 3 automatic
                         -- void, 4 processing period, 5 exchange, 6 enquiry, 7 callback
    subject     INTEGER NOT NULL CHECK (subject >= 0), -- number of operation or delivery; 0 for none
    project_id  BLOB    NOT NULL CHECK (length(project_id) = 16),
    due_at      INTEGER NOT NULL, -- microseconds
    attempt     INTEGER NOT NULL CHECK (attempt >= 0), -- how often it was set before
    lease_until INTEGER,          -- microseconds; NULL if nobody holds it
    fence       INTEGER NOT NULL, -- fencing number: rises with every lease and every setting
    PRIMARY KEY (bucket, payment_id, kind, subject)
) STRICT, WITHOUT ROWID;
-- Kind first: a backlog of callbacks is never scanned to find timers that move money.
CREATE INDEX timers_due ON timers (kind, due_at);

-- Incidents: what a person must look at.
CREATE TABLE incidents (
    bucket      INTEGER NOT NULL,
    payment_id  BLOB    NOT NULL CHECK (length(payment_id) = 16),
    number      INTEGER NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id  BLOB    NOT NULL CHECK (length(project_id) = 16),
    kind        TEXT    NOT NULL, -- what went wrong
    operation   INTEGER,          -- number of the operation it is about
    detail      TEXT    NOT NULL, -- what was seen, for people; never card data
    opened_at   INTEGER NOT NULL, -- microseconds
    resolved_at INTEGER,          -- microseconds; NULL while it is open
    note        TEXT,             -- what the person wrote who closed it
    PRIMARY KEY (bucket, payment_id, number),
    CHECK ((resolved_at IS NULL) = (note IS NULL))
) STRICT;
CREATE INDEX incidents_open ON incidents (opened_at) WHERE resolved_at IS NULL;
CREATE INDEX incidents_opened ON incidents (opened_at);

-- Batches of the writer: tells whether a commit whose answer was lost took place.
CREATE TABLE batches (
    batch_id BLOB    NOT NULL PRIMARY KEY CHECK (length(batch_id) = 16),
    at       INTEGER NOT NULL -- when it was decided, microseconds
) STRICT, WITHOUT ROWID;
CREATE INDEX batches_at ON batches (at);
