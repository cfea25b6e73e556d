-- What the clocks of meters show against the wall clock of their site.
CREATE TABLE IF NOT EXISTS meter_clock (
 meter_id BIGINT NOT NULL PRIMARY KEY,
 drift_s BIGINT NOT NULL DEFAULT 0 COMMENT 'seconds that the meter is ahead; below 0: behind',
 seen_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 set_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: last time that it was set; 0: never',
 set_by_s BIGINT NOT NULL DEFAULT 0 COMMENT 'seconds by which it was moved then',
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='clocks of meters: measured with readings, led back by rule';
