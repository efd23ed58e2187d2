-- The tables of the gateway. Only forward: a later change is a new file with the next number.
--
-- Rules of every table. Instants are microseconds UTC since 1970; money is whole minor units of the
-- currency of its payment; nothing here reads a clock, draws random numbers or a sequence. The key of a
-- table that grows with payments begins with the bucket of the payment's project (0 to 4095, also written
-- in the payment's id), so that the tables can be spread over nodes by it, and every such row names its
-- project. The columns are written once in this order in both databases. Texts that are compared are
-- compared byte by byte (collation C), as the gateway does.
--
-- Rows that are updated often have room left on their pages (fillfactor), and no column that changes often
-- is in an index, so that most updates touch the table only.
-- Locks: none that matters, the tables are new.

-- One row: what holds for the whole installation.
CREATE TABLE installation (
    id               smallint NOT NULL PRIMARY KEY CHECK (id = 1), -- always 1
    settings_version bigint   NOT NULL CHECK (settings_version >= 0) -- grows with every change
) WITH (fillfactor = 10);
INSERT INTO installation (id, settings_version) VALUES (1, 0);

-- Projects: one shop, site or terminal of a merchant.
CREATE TABLE projects (
    project_id uuid     NOT NULL PRIMARY KEY,
    bucket     smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of all its payments
    name       text     NOT NULL,                    -- the name payers read
    slug       text     COLLATE "C" NOT NULL UNIQUE, -- short latin name, as in a payment page's address
    settings   text     NOT NULL,                    -- sealed by the gateway; opaque to the database
    created_at bigint   NOT NULL                     -- microseconds
);

-- Credentials: what opens a project's API.
CREATE TABLE credentials (
    credential_id uuid   NOT NULL PRIMARY KEY,
    project_id    uuid   NOT NULL REFERENCES projects (project_id),
    dialect       text   COLLATE "C" NOT NULL, -- the API it is for
    kind          text   COLLATE "C" NOT NULL, -- password or token
    login         text   COLLATE "C" NOT NULL, -- the login, or the public part of a token
    secret_hash   bytea  NOT NULL CHECK (length(secret_hash) = 32), -- keyed hash of the secret part
    allow_list    text   NOT NULL, -- networks it may be used from, a JSON array; empty means anywhere
    created_at    bigint NOT NULL, -- microseconds
    revoked_at    bigint,          -- microseconds; NULL while it is valid
    UNIQUE (dialect, kind, login)
);

-- One row per change of settings.
CREATE TABLE settings_audit (
    version bigint NOT NULL PRIMARY KEY CHECK (version > 0), -- the settings version that the change made
    at      bigint NOT NULL, -- microseconds
    what    text   NOT NULL  -- what was done, for people
);

-- The second line of defence: a trigger whose condition holds calls this with its message.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'restrict_violation';
END;
$$;

-- Payments: one order to be paid. The sums count finished operations only.
CREATE TABLE payments (
    bucket          smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    payment_id      uuid     NOT NULL,
    project_id      uuid     NOT NULL, -- whose payment
    dialect         text     COLLATE "C" NOT NULL, -- the API it was registered in
    way             text     COLLATE "C" NOT NULL CHECK (way IN ('purchase', 'hold', 'verify')),
                             -- how money is taken
    currency        text     COLLATE "C" NOT NULL CHECK (length(currency) = 3),
                             -- ISO 4217 letters, of all its sums
    amount          bigint   NOT NULL CHECK (amount >= 0),       -- minor units to be paid
    held            bigint   NOT NULL CHECK (held >= 0),         -- minor units reserved in all
    captured        bigint   NOT NULL CHECK (captured >= 0),     -- minor units taken
    voided          bigint   NOT NULL CHECK (voided >= 0),       -- minor units reserved and given up
    refunded        bigint   NOT NULL CHECK (refunded >= 0),     -- minor units given back
    reversed        bigint   NOT NULL CHECK (reversed >= 0),     -- minor units undone after capture
    charged_back    bigint   NOT NULL CHECK (charged_back >= 0), -- minor units taken back by the issuer
    status          text     COLLATE "C" NOT NULL CHECK (status IN ('awaiting_payment', 'processing',
                        'authorized', 'captured', 'partially_refunded', 'refunded', 'voided', 'verified',
                        'declined', 'cancelled', 'expired')), -- computed from the rest, stored for lists
    completed_by    integer, -- number of the try that completed it; NULL while unpaid
    completed_at    bigint,  -- when that try ended, microseconds; NULL while unpaid
    end_reason      text     COLLATE "C" CHECK (end_reason IN ('declined', 'cancelled', 'expired')),
                             -- why it ended unpaid
    end_at          bigint,  -- when it ended unpaid, microseconds
    tries_max       integer  NOT NULL CHECK (tries_max >= 0), -- how many tries are allowed
    expires_at      bigint   NOT NULL, -- when it can no longer be paid, microseconds
    created_at      bigint   NOT NULL, -- when it was registered, microseconds
    updated_at      bigint   NOT NULL, -- when it changed last, microseconds
    auto_capture_at bigint,  -- when the hold is captured by itself, microseconds
    auto_void_at    bigint,  -- when the hold is given up by itself, microseconds
    posting_count   integer  NOT NULL CHECK (posting_count >= 0),  -- highest number in postings
    event_count     integer  NOT NULL CHECK (event_count >= 0),    -- highest number in events
    delivery_count  integer  NOT NULL CHECK (delivery_count >= 0), -- highest number in deliveries
    incident_count  integer  NOT NULL CHECK (incident_count >= 0), -- highest number in incidents
    order_reference text     NOT NULL, -- the merchant's own number of the order
    order_details   text     NOT NULL, -- the order as registered, JSON; never changes
    PRIMARY KEY (bucket, payment_id),
    CHECK (held <= amount),
    CHECK (captured + voided <= held),
    CHECK (refunded + reversed + charged_back <= captured),
    CHECK ((completed_by IS NULL) = (completed_at IS NULL)),
    CHECK ((end_reason IS NULL) = (end_at IS NULL))
) WITH (fillfactor = 75);
-- Without the bucket: while a table is empty, two indexes that begin alike cost alike, and a plan made then
-- would look for a payment by its key in one of these. The project implies the bucket.
CREATE INDEX payments_created ON payments (project_id, created_at);
CREATE INDEX payments_completed ON payments (project_id, completed_at)
    WHERE completed_at IS NOT NULL;

-- What a payment is worth, and whose it is, never changes.
CREATE TRIGGER payments_fixed BEFORE UPDATE OF project_id, way, currency, amount ON payments
FOR EACH ROW WHEN ((NEW.project_id, NEW.way, NEW.currency, NEW.amount)
    IS DISTINCT FROM (OLD.project_id, OLD.way, OLD.currency, OLD.amount))
EXECUTE FUNCTION refuse('the amount and the owner of a payment never change');

-- Operations: one step of a payment that reserves or moves money.
CREATE TABLE operations (
    bucket       smallint NOT NULL,
    payment_id   uuid     NOT NULL,
    number       integer  NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id   uuid     NOT NULL,
    operation_id uuid     NOT NULL, -- the idempotency key a gateway sees
    kind         text     COLLATE "C" NOT NULL CHECK (kind IN ('sale', 'auth', 'verify', 'capture', 'void',
                     'refund', 'reversal', 'chargeback', 'payout')),
    state        text     COLLATE "C" NOT NULL CHECK (state IN ('created', 'sent', 'pending', 'succeeded',
                     'declined', 'voided')),
    amount       bigint   NOT NULL CHECK (amount >= 0), -- minor units of the payment's currency
    parent       integer, -- number of the try that it captures, voids or gives back
    reference    text,    -- the merchant's own key of it
    method       text     NOT NULL, -- the payment method that carries it out
    surplus      boolean  NOT NULL, -- true if not needed, or undoes such a one
    created_at   bigint   NOT NULL, -- microseconds
    sent_at      bigint,            -- when it was sent last, microseconds
    finished_at  bigint,            -- when its end became known, microseconds
    details      text     NOT NULL, -- everything else, JSON; never clear card data
    PRIMARY KEY (bucket, payment_id, number)
) WITH (fillfactor = 75);

-- Second line of the ceilings: an operation in flight counts as taken. The payment is written before its
-- operations.
CREATE FUNCTION refuse_over_commitment() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before_capture boolean := NEW.kind IN ('capture', 'void');
    in_flight bigint;
    ceiling bigint;
BEGIN
    SELECT sum(o.amount) INTO in_flight FROM operations o
    WHERE o.bucket = NEW.bucket AND o.payment_id = NEW.payment_id AND NOT o.surplus
        AND o.state IN ('created', 'sent', 'pending')
        AND o.kind IN ('capture', 'void', 'refund', 'reversal')
        AND (o.kind IN ('capture', 'void')) = before_capture;
    SELECT CASE WHEN before_capture THEN p.held - p.captured - p.voided
        ELSE p.captured - p.refunded - p.reversed - p.charged_back END
    INTO ceiling FROM payments p
    WHERE p.bucket = NEW.bucket AND p.payment_id = NEW.payment_id;
    IF in_flight > ceiling THEN
        RAISE EXCEPTION USING MESSAGE = 'the payment is over-committed',
            ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END;
$$;
CREATE TRIGGER operations_ceiling AFTER INSERT ON operations
FOR EACH ROW WHEN (NEW.kind IN ('capture', 'void', 'refund', 'reversal')
    AND NEW.state IN ('created', 'sent', 'pending') AND NOT NEW.surplus)
EXECUTE FUNCTION refuse_over_commitment();

-- What an operation does, and with how much, never changes.
CREATE TRIGGER operations_fixed BEFORE UPDATE OF project_id, operation_id, kind, amount ON operations
FOR EACH ROW WHEN ((NEW.project_id, NEW.operation_id, NEW.kind, NEW.amount)
    IS DISTINCT FROM (OLD.project_id, OLD.operation_id, OLD.kind, OLD.amount))
EXECUTE FUNCTION refuse('the kind and the amount of an operation never change');

-- References: merchants' own numbers, each unique for good.
CREATE TABLE payment_references (
    bucket        smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    project_id    uuid     NOT NULL,
    dialect       text     COLLATE "C" NOT NULL, -- the API in which the number is unique
    kind          smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
                           -- 1 payment, 2 refund, 3 capture, 4 payout
    reference_key text     COLLATE "C" NOT NULL, -- the number as the API writes it
    payment_id    uuid     NOT NULL, -- the payment it names
    PRIMARY KEY (bucket, project_id, dialect, kind, reference_key)
);

-- Accounts: the sums of all postings, kept in the same commit. Minor units of the account's currency.
CREATE TABLE accounts (
    bucket         smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095), -- shard key of the project
    project_id     uuid     NOT NULL, -- whose account
    kind           text     COLLATE "C" NOT NULL, -- connector_clearing, merchant_payable, suspense
    currency       text     COLLATE "C" NOT NULL CHECK (length(currency) = 3), -- ISO 4217 letters
    posted_debit   bigint   NOT NULL CHECK (posted_debit >= 0),  -- moved to it
    posted_credit  bigint   NOT NULL CHECK (posted_credit >= 0), -- moved from it
    pending_debit  bigint   NOT NULL, -- reserved to be moved to it; never negative, see below
    pending_credit bigint   NOT NULL, -- reserved to be moved from it; never negative, see below
    PRIMARY KEY (bucket, project_id, kind, currency)
) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0);

-- A reservation is settled by adding a negative change to the pending sum. The change is proposed as a new
-- row that the existing one then absorbs; a CHECK would refuse the proposal, so a trigger refuses the sum.
CREATE TRIGGER accounts_pending AFTER INSERT OR UPDATE ON accounts
FOR EACH ROW WHEN (NEW.pending_debit < 0 OR NEW.pending_credit < 0)
EXECUTE FUNCTION refuse('more was settled than was pending on an account');

-- Postings: movements between two accounts of one project. Both keys share the posting's own currency,
-- so a movement between two currencies cannot be written. Append-only.
CREATE TABLE postings (
    bucket     smallint NOT NULL,
    payment_id uuid     NOT NULL,
    number     integer  NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id uuid     NOT NULL, -- whose accounts
    operation  integer  NOT NULL CHECK (operation > 0), -- number of the operation that caused it
    entry      text     COLLATE "C" NOT NULL CHECK (entry IN ('hold', 'capture', 'sale', 'void', 'refund',
                   'reversal', 'surplus', 'surplus_return')), -- why it was made
    phase      smallint NOT NULL CHECK (phase IN (1, 2, 3)), -- 1 reserves, 2 posts, 3 releases
    settles    integer, -- number of the reserving posting out of which it takes its amount
    debit      text     COLLATE "C" NOT NULL, -- kind of the account that receives
    credit     text     COLLATE "C" NOT NULL, -- kind of the account that gives
    currency   text     COLLATE "C" NOT NULL, -- of both accounts
    amount     bigint   NOT NULL CHECK (amount > 0), -- minor units
    at         bigint   NOT NULL, -- microseconds
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
);
CREATE TRIGGER postings_never_change BEFORE UPDATE ON postings
FOR EACH STATEMENT EXECUTE FUNCTION refuse('postings are never changed');
CREATE TRIGGER postings_never_vanish BEFORE DELETE OR TRUNCATE ON postings
FOR EACH STATEMENT EXECUTE FUNCTION refuse('postings are never deleted');

-- Events: what merchants are told, written in the commit of the change.
CREATE TABLE events (
    bucket     smallint NOT NULL,
    payment_id uuid     NOT NULL,
    number     integer  NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id uuid     NOT NULL,
    kind       text     COLLATE "C" NOT NULL, -- what happened
    operation  integer,           -- number of the operation it is about
    at         bigint   NOT NULL, -- microseconds
    payment    text     NOT NULL, -- the payment of that commit without its order, JSON
    PRIMARY KEY (bucket, payment_id, number)
);

-- Deliveries: one callback of an event to one endpoint.
CREATE TABLE deliveries (
    bucket     smallint NOT NULL,
    payment_id uuid     NOT NULL,
    number     integer  NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id uuid     NOT NULL,
    event      integer  NOT NULL, -- number of the event
    endpoint   text     NOT NULL, -- the endpoint's name within the project
    url        text     NOT NULL, -- where it goes
    state      smallint NOT NULL CHECK (state IN (1, 2, 3)), -- 1 waiting, 2 delivered, 3 given up
    attempts   integer  NOT NULL CHECK (attempts >= 0), -- how often it was tried
    rendered   text, -- the message, JSON; made at the first attempt and repeated byte for byte
    PRIMARY KEY (bucket, payment_id, number)
) WITH (fillfactor = 50);

-- Attempts to deliver a callback.
CREATE TABLE delivery_attempts (
    bucket      smallint NOT NULL,
    payment_id  uuid     NOT NULL,
    delivery    integer  NOT NULL CHECK (delivery > 0), -- number of the delivery
    attempt     integer  NOT NULL CHECK (attempt > 0),  -- which attempt, from 1
    project_id  uuid     NOT NULL,
    at          bigint   NOT NULL, -- when it began, microseconds
    duration_ms bigint   NOT NULL, -- how long it took, milliseconds
    status      integer,           -- HTTP status of the answer
    error       text,              -- why there was no answer
    answer      text     NOT NULL, -- the first kilobyte of the answer
    PRIMARY KEY (bucket, payment_id, delivery, attempt)
);

-- Timers: what must happen later. A lease belongs to whoever holds the fencing number. Most rows live for
-- seconds, so the table is vacuumed by count, not by share, and without pauses.
CREATE TABLE timers (
    bucket      smallint NOT NULL CHECK (bucket BETWEEN 0 AND 4095),
    payment_id  uuid     NOT NULL,
    kind        smallint NOT NULL CHECK (kind BETWEEN 1 AND 7), -- 1 expiry, 2 automatic capture, 3 automatic
                         -- void, 4 processing period, 5 exchange, 6 enquiry, 7 callback
    subject     integer  NOT NULL CHECK (subject >= 0), -- number of operation or delivery; 0 for none
    project_id  uuid     NOT NULL,
    due_at      bigint   NOT NULL, -- microseconds
    attempt     integer  NOT NULL CHECK (attempt >= 0), -- how often it was set before
    lease_until bigint,            -- microseconds; NULL if nobody holds it
    fence       bigint   NOT NULL, -- fencing number: rises with every lease and every setting
    PRIMARY KEY (bucket, payment_id, kind, subject)
) WITH (fillfactor = 75, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_cost_delay = 0);
-- Kind first: a backlog of callbacks is never scanned to find timers that move money.
CREATE INDEX timers_due ON timers (kind, due_at);

-- Incidents: what a person must look at.
CREATE TABLE incidents (
    bucket      smallint NOT NULL,
    payment_id  uuid     NOT NULL,
    number      integer  NOT NULL CHECK (number > 0), -- place within the payment, from 1
    project_id  uuid     NOT NULL,
    kind        text     COLLATE "C" NOT NULL, -- what went wrong
    operation   integer,           -- number of the operation it is about
    detail      text     NOT NULL, -- what was seen, for people; never card data
    opened_at   bigint   NOT NULL, -- microseconds
    resolved_at bigint,            -- microseconds; NULL while it is open
    note        text,              -- what the person wrote who closed it
    PRIMARY KEY (bucket, payment_id, number),
    CHECK ((resolved_at IS NULL) = (note IS NULL))
);
CREATE INDEX incidents_open ON incidents (opened_at) WHERE resolved_at IS NULL;
CREATE INDEX incidents_opened ON incidents (opened_at);

-- Batches of the writer: tells whether a commit whose answer was lost took place.
CREATE TABLE batches (
    batch_id uuid   NOT NULL PRIMARY KEY,
    at       bigint NOT NULL -- when it was decided, microseconds
);
CREATE INDEX batches_at ON batches (at);
