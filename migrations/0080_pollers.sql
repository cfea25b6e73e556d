-- Pollers that share the buses: who lives, and groups small enough to be shared.
CREATE TABLE IF NOT EXISTS poller (
 name VARCHAR(63) NOT NULL PRIMARY KEY COMMENT '[poller] name',
 seen_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms, by the database''s clock: told that it lives',
 buses_max BIGINT NOT NULL DEFAULT 0 COMMENT 'most that it takes'
) COMMENT='processes that read meters';
ALTER TABLE bus_group
 ADD COLUMN IF NOT EXISTS free_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: given back; 0: when the lease ran out';

-- One bus a group while there are few, so that they can be shared evenly. Epochs go on from the greatest there is:
-- acts that were sent under the old group's epoch must be older than the new one's.
INSERT IGNORE INTO bus_group (id, epoch)
 SELECT DISTINCT 1 + (g.id - 1) % 64, (SELECT MAX(b.epoch) FROM bus_group b) FROM gateway g;
UPDATE gateway SET bus_group_id = 1 + (id - 1) % 64;
