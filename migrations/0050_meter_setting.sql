-- What meters hold themselves: as it shall be, as it was read back, and on its way.
CREATE TABLE IF NOT EXISTS meter_setting (
 meter_id BIGINT NOT NULL,
 kind ENUM('prices','slots','prepaid') NOT NULL,
 device BIGINT NOT NULL DEFAULT 0 COMMENT 'generation of the device that this is about, as in meter',
 desired VARCHAR(500) NOT NULL DEFAULT '' COMMENT 'sharp 1.1 peak 1.1 …, 00:00 valley 08:00 peak …, on or off; empty: nothing is desired, it is only read',
 desired_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: since when',
 why VARCHAR(300) NOT NULL DEFAULT '' COMMENT 'why the meter cannot hold what its tariff says, now or from a later version on; empty: it can',
 observed VARCHAR(500) NOT NULL DEFAULT '' COMMENT 'in the same words; empty with a time: slots that differ by day or make no sense',
 observed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: never read',
 state ENUM('none','desired','sent','unknown','done','refused','mismatch') NOT NULL DEFAULT 'none'
  COMMENT 'sent is committed before the frame leaves',
 sent_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the last frame',
 epoch BIGINT NOT NULL DEFAULT 0 COMMENT 'of the lease under which it was sent',
 refused BOOLEAN NOT NULL DEFAULT 0 COMMENT 'the meter refused the last frame',
 tries BIGINT NOT NULL DEFAULT 0 COMMENT 'frames for what is desired now',
 try_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: not before',
 error VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'of the last frame',
 PRIMARY KEY (meter_id, kind),
 KEY state (state),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='settings that meters hold: desired and observed';
