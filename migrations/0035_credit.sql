-- Credit that is kept in the meter: what it shows, what the books hold for it, and purchases on their way.
ALTER TABLE meter_state
 ADD COLUMN IF NOT EXISTS credit_count BIGINT NOT NULL DEFAULT -1 COMMENT 'purchases that the meter counts; -1: it keeps no credit',
 ADD COLUMN IF NOT EXISTS credit_milli BIGINT NOT NULL DEFAULT 0 COMMENT 'thousandths of the credit unit that remain; may be negative',
 ADD COLUMN IF NOT EXISTS credit_total_milli BIGINT NOT NULL DEFAULT -1 COMMENT 'ever purchased; -1: it does not tell';

CREATE TABLE IF NOT EXISTS meter_credit (
 meter_id BIGINT NOT NULL PRIMARY KEY,
 unit ENUM('yuan','kwh','m3') NOT NULL,
 step_milli BIGINT NOT NULL COMMENT 'resolution of the meter',
 adds BOOLEAN NOT NULL DEFAULT 0 COMMENT 'firmware adds what is written; else it is the new remaining',
 price_micro BIGINT NOT NULL DEFAULT 0 COMMENT 'yuan per unit; for kwh and m3',
 count BIGINT NOT NULL COMMENT 'purchases that we know of',
 remaining_milli BIGINT NOT NULL DEFAULT 0 COMMENT 'in the books: up to used_at',
 worth_nano BIGINT NOT NULL DEFAULT 0 COMMENT 'of the remaining; the sum of account meter_credit:<meter>',
 used_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: reading up to which use is booked',
 fresh BOOLEAN NOT NULL DEFAULT 1 COMMENT 'nothing was sold yet: what the meter holds does not count',
 blocked BOOLEAN NOT NULL DEFAULT 0 COMMENT 'no sale until a person decides',
 blocked_why VARCHAR(64) NOT NULL DEFAULT '',
 blocked_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 converted_key VARCHAR(128) NOT NULL DEFAULT '' COMMENT 'of the last change of billing',
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='meters of billing meter';

CREATE TABLE IF NOT EXISTS purchase (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 meter_id BIGINT NOT NULL,
 account_id BIGINT NOT NULL COMMENT 'the purse that paid',
 count BIGINT NOT NULL COMMENT 'that the meter shows when it has it',
 amount_milli BIGINT NOT NULL COMMENT 'thousandths of the credit unit',
 worth_nano BIGINT NOT NULL,
 fresh BOOLEAN NOT NULL DEFAULT 0 COMMENT 'what the meter held before does not count',
 state ENUM('desired','sent','unknown','done','failed','mismatch') NOT NULL DEFAULT 'desired'
  COMMENT 'sent is committed before the frame leaves',
 word VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'why it failed or does not match',
 before_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the reading that decided the last frame',
 before_count BIGINT NOT NULL DEFAULT 0,
 before_milli BIGINT NOT NULL DEFAULT 0,
 before_total_milli BIGINT NOT NULL DEFAULT -1,
 sent_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the last frame',
 epoch BIGINT NOT NULL DEFAULT 0 COMMENT 'of the lease under which it was sent',
 refused BOOLEAN NOT NULL DEFAULT 0 COMMENT 'the meter refused the last frame',
 refusals BIGINT NOT NULL DEFAULT 0 COMMENT 'before that, in a row',
 error VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'of the last frame',
 try_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: not before',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 ended_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: done, failed or mismatch',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 entry_id BIGINT NOT NULL COMMENT 'purse to meter_transit',
 end_entry_id BIGINT NULL COMMENT 'meter_transit to meter_credit, or back to the purse',
 open_meter BIGINT NULL UNIQUE COMMENT 'meter id until its end is booked: one at a time',
 KEY meter (meter_id, id),
 KEY state (state, try_at),
 FOREIGN KEY (meter_id) REFERENCES meter (id),
 FOREIGN KEY (account_id) REFERENCES account (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id),
 FOREIGN KEY (end_entry_id) REFERENCES entry (id)
) COMMENT='credit on its way into a meter';
