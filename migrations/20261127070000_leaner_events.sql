-- What the worker writes for each event, without what nobody reads or needs.

-- An end says when its session began: a restart on a seat that is held changes nothing that is counted, and is no event any more.
ALTER TABLE session_events ADD COLUMN started_at timestamptz;

-- The statement that writes events joins their licences, and no licence is ever deleted: a second look at each is not needed.
ALTER TABLE session_events DROP CONSTRAINT session_events_tenant_id_license_id_fkey;

-- No page shows it, and the events say the same. (A worker of before cannot write events from here on; they wait in Redis for one of now.)
DROP TABLE devices;
