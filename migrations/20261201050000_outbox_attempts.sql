-- What could not be carried to the live store waits behind what was not tried yet: one node of a cluster that is away, or one tenant's data
-- that nobody can read, must not hold up the others.
ALTER TABLE seat_outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0;
