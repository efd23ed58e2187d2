-- Numbers of operations, for APIs that name operations by numbers. A writer takes a block of them in a
-- transaction of its own and gives them out one by one; what it does not use is lost. Locks: one row.
ALTER TABLE installation ADD COLUMN next_serial BIGINT NOT NULL DEFAULT 1000000001
    CHECK (next_serial > 0 AND next_serial < 9007199254740992); -- first number of the next block
