-- Somebody may pay for a shop that is not theirs, by the code on its meter.
ALTER TABLE pay_order ADD COLUMN IF NOT EXISTS meter_id BIGINT NULL
 COMMENT 'by whose code a person of another shop pays for this one; NULL: an order of its own people' AFTER user_id;

ALTER TABLE pay_order ADD CONSTRAINT pay_order_meter FOREIGN KEY IF NOT EXISTS (meter_id) REFERENCES meter (id);
