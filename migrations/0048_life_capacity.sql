-- How far the register of an exchanged device counted, so that taking the exchange back restores it.
ALTER TABLE meter_change ADD COLUMN IF NOT EXISTS old_capacity_milli BIGINT NOT NULL DEFAULT 0
 COMMENT '0: not known';
