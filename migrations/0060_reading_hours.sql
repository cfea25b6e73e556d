-- Raw readings: rows while their hour runs, then packed, an hour of a meter in one row, in day partitions.
-- The ring has a slot for every fourth hour, so that a finished hour leaves it as a whole (EXCHANGE PARTITION) and nothing is deleted row by row.
ALTER TABLE reading PAGE_COMPRESSED=0 COMMENT='raw readings of the last hours and of hours that were not packed yet'
 PARTITION BY LIST (read_at DIV 3600000 MOD 4) (
 PARTITION slot0 VALUES IN (0), PARTITION slot1 VALUES IN (1), PARTITION slot2 VALUES IN (2), PARTITION slot3 VALUES IN (3));

CREATE TABLE IF NOT EXISTS reading_packing (
 meter_id BIGINT NOT NULL,
 read_at BIGINT NOT NULL COMMENT 'utc ms',
 register_milli BIGINT NOT NULL,
 power_w BIGINT NOT NULL DEFAULT 0,
 verdict ENUM('accepted','repeated','late','backwards','implausible','identity') NOT NULL,
 PRIMARY KEY (meter_id, read_at)
) COMMENT='a slot on its way from reading to reading_hour; changes places with a partition of reading, so its columns are the same';

CREATE TABLE IF NOT EXISTS reading_hour (
 hour_at BIGINT NOT NULL COMMENT 'utc ms: start of the hour of UTC',
 meter_id BIGINT NOT NULL,
 n SMALLINT UNSIGNED NOT NULL COMMENT 'readings in it',
 bytes MEDIUMBLOB NOT NULL COMMENT 'core/rules/hourpack.h',
 PRIMARY KEY (hour_at, meter_id)
) COMMENT='raw readings, an hour of a meter in a row; days expire'
 PARTITION BY RANGE (hour_at) (PARTITION later VALUES LESS THAN (MAXVALUE));

CREATE TABLE IF NOT EXISTS reading_span (
 id BIGINT NOT NULL PRIMARY KEY COMMENT '1',
 from_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: no hour before it is in reading_hour',
 to_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: nor one from it on'
) COMMENT='where to look in reading_hour; one row';
INSERT IGNORE INTO reading_span (id) VALUES (1);

ALTER TABLE usage_hour
 ADD COLUMN IF NOT EXISTS least_w BIGINT NULL COMMENT 'load within the hour, of readings that are not in doubt; NULL: not known',
 ADD COLUMN IF NOT EXISTS most_w BIGINT NULL;
