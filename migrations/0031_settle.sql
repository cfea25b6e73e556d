-- Settlement: what priced energy is, transformer ratios by time, registers that roll over, the meter's own
-- rate registers, decisions on doubtful readings, revisions of tariffs.
-- Meters that nobody pays for have prices too, so a row says whose it is by its account.
ALTER TABLE usage_day DROP PRIMARY KEY,
 ADD PRIMARY KEY (meter_id, day, contract_id, account_id, tariff_id, version_at, rate, tier, price_micro, book_day);

ALTER TABLE settlement
 ADD COLUMN IF NOT EXISTS kind ENUM('use','rebase','jump') NOT NULL DEFAULT 'use'
  COMMENT 'rebase: to_milli is the new base, nothing is charged; jump: a person said that the growth is real',
 ADD COLUMN IF NOT EXISTS ratio BIGINT NOT NULL DEFAULT 1 COMMENT 'ct times pt that the registers lack',
 ADD COLUMN IF NOT EXISTS capacity_milli BIGINT NOT NULL DEFAULT 0
  COMMENT 'the register began anew inside the interval after counting up to this; 0: it did not',
 ADD COLUMN IF NOT EXISTS rates VARCHAR(255) NOT NULL DEFAULT ''
  COMMENT 'JSON {rate: [from, to]}: the meter''s own rate registers, when they split the gap',
 ADD COLUMN IF NOT EXISTS qty_milli BIGINT NOT NULL DEFAULT (to_milli - from_milli)
  COMMENT 'use: (to_milli - from_milli + capacity_milli) * ratio; 0 for a rebase',
 MODIFY charge_nano BIGINT NOT NULL COMMENT 'by the tariff; taken from the purse, if there is one',
 MODIFY evidence TEXT NOT NULL
  COMMENT 'JSON: [[day, rate, tier, price, qty_milli, tariff id, version ms, book day if another], …]';

ALTER TABLE settled
 ADD COLUMN IF NOT EXISTS own_ratio BOOLEAN NOT NULL DEFAULT 0
  COMMENT 'the register has the transformer ratios in it already',
 ADD COLUMN IF NOT EXISTS sharp_milli BIGINT NOT NULL DEFAULT -1 COMMENT 'rate registers with it; -1: none',
 ADD COLUMN IF NOT EXISTS peak_milli BIGINT NOT NULL DEFAULT -1,
 ADD COLUMN IF NOT EXISTS flat_milli BIGINT NOT NULL DEFAULT -1,
 ADD COLUMN IF NOT EXISTS valley_milli BIGINT NOT NULL DEFAULT -1;

ALTER TABLE meter
 ADD COLUMN IF NOT EXISTS capacity_milli BIGINT NOT NULL DEFAULT 0
  COMMENT 'the register counts up to this and begins anew at 0; 0: not known';

CREATE TABLE IF NOT EXISTS meter_ratio (
 meter_id BIGINT NOT NULL,
 from_at BIGINT NOT NULL COMMENT 'utc ms; before the first row the ratios of the meter''s own row hold',
 ct BIGINT NOT NULL,
 pt BIGINT NOT NULL,
 actor VARCHAR(64) NOT NULL DEFAULT '',
 reason VARCHAR(200) NOT NULL DEFAULT '',
 created_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 PRIMARY KEY (meter_id, from_at),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='transformer ratios of a meter that does not apply them itself, by effective time; append-only';

CREATE TABLE IF NOT EXISTS meter_slots (
 meter_id BIGINT NOT NULL,
 read_at BIGINT NOT NULL COMMENT 'utc ms: read back from the meter',
 slots VARCHAR(500) NOT NULL COMMENT '00:00 valley 08:00 peak …: of every day; empty: they differ by day',
 PRIMARY KEY (meter_id, read_at),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='slot tables read back from meters, whenever they changed';

CREATE TABLE IF NOT EXISTS reading_decision (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 meter_id BIGINT NOT NULL,
 action ENUM('accept','rebase') NOT NULL,
 read_at BIGINT NOT NULL COMMENT 'utc ms: the reading decided on',
 register_milli BIGINT NOT NULL,
 last_at BIGINT NOT NULL COMMENT 'utc ms: the settled reading before it',
 last_milli BIGINT NOT NULL,
 reason VARCHAR(200) NOT NULL,
 actor VARCHAR(64) NOT NULL,
 decided_at BIGINT NOT NULL COMMENT 'utc ms',
 UNIQUE KEY once (meter_id, read_at),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='what people said about registers that fell or jumped; append-only';

CREATE TABLE IF NOT EXISTS tariff_revision (
 tariff_id BIGINT NOT NULL,
 revision BIGINT NOT NULL,
 doc MEDIUMTEXT NOT NULL COMMENT 'the tariff file, JSON',
 actor VARCHAR(64) NOT NULL,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 PRIMARY KEY (tariff_id, revision),
 FOREIGN KEY (tariff_id) REFERENCES tariff (id)
) COMMENT='every file that a tariff ever had; append-only';
ALTER TABLE usage_day ADD KEY IF NOT EXISTS tariff_version (tariff_id, version_at);

-- From here on registers are kept as the meter shows them; the ratio is applied at settlement.
UPDATE settled SET own_ratio = 1 WHERE meter_id IN (SELECT id FROM meter WHERE model = 'acrel-dtsd1352');
START TRANSACTION;
UPDATE settled d JOIN meter m ON m.id = d.meter_id SET d.register_milli = d.register_milli DIV (m.ct_ratio * m.pt_ratio)
 WHERE m.ct_ratio * m.pt_ratio > 1 AND d.own_ratio = 0 AND NOT EXISTS (SELECT 1 FROM meter_ratio r WHERE r.meter_id = m.id);
UPDATE meter_state d JOIN meter m ON m.id = d.meter_id SET d.register_milli = d.register_milli DIV (m.ct_ratio * m.pt_ratio)
 WHERE m.ct_ratio * m.pt_ratio > 1 AND m.model <> 'acrel-dtsd1352'
 AND NOT EXISTS (SELECT 1 FROM meter_ratio r WHERE r.meter_id = m.id);
INSERT INTO meter_ratio (meter_id, from_at, ct, pt) SELECT id, 0, ct_ratio, pt_ratio FROM meter m
 WHERE m.ct_ratio * m.pt_ratio > 1 AND NOT EXISTS (SELECT 1 FROM meter_ratio r WHERE r.meter_id = m.id);
COMMIT;
