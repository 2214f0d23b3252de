-- The rest of a licence's policy: how many devices may hold offline rights at once, and how much of a device may change before it is another.

ALTER TABLE licenses
    -- NULL is twice the seats, also when their number changes.
    ADD COLUMN offline_cap integer CHECK (offline_cap BETWEEN 0 AND 2000000),
    -- The installed application compares; the portal only says how strictly.
    ADD COLUMN fingerprint_tolerance text NOT NULL DEFAULT 'most' CHECK (fingerprint_tolerance IN ('exact', 'most', 'any_two'));
