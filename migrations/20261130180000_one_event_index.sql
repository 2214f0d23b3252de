-- Every event paid for this index too, and what is read by time can be read by licence and time as well (session_events_steps).
DROP INDEX session_events_time;
