-- Taking back the exchange of a device is safe to repeat, and puts back how its register was read.
ALTER TABLE meter_change ADD COLUMN IF NOT EXISTS undone_key VARCHAR(128) NOT NULL DEFAULT ''
 COMMENT 'of the request that took it back',
 ADD COLUMN IF NOT EXISTS old_own_ratio BOOLEAN NOT NULL DEFAULT 0
  COMMENT 'the old device applied its transformer ratios itself';
