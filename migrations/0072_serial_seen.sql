-- The serial number that a meter told, for meters of which nobody has said which they are: another
-- one later is noticed all the same.
ALTER TABLE meter_state
 ADD COLUMN IF NOT EXISTS serial_seen VARCHAR(32) NOT NULL DEFAULT '' COMMENT 'as the meter tells it; the first one of a device stays while the table of meters has none',
 ADD COLUMN IF NOT EXISTS serial_device BIGINT NOT NULL DEFAULT 0 COMMENT 'meter.device that told it';
