-- Life of a contract: what was done to it and when, exchanged devices, readings that a person typed in.
CREATE TABLE IF NOT EXISTS contract_event (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 contract_id BIGINT NOT NULL,
 kind ENUM('open','add','close','reopen') NOT NULL,
 at BIGINT NOT NULL COMMENT 'utc ms: when it took effect',
 actor VARCHAR(64) NOT NULL,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 steps MEDIUMTEXT NOT NULL COMMENT 'JSON: what was done, with amounts, in order',
 request TEXT NOT NULL COMMENT 'JSON: what was asked for',
 undone_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: a closing that was taken back',
 once_key VARCHAR(128) NOT NULL UNIQUE COMMENT 'makes the same request impossible twice',
 KEY contract (contract_id, id),
 FOREIGN KEY (contract_id) REFERENCES contract (id)
) COMMENT='history of contracts';

CREATE TABLE IF NOT EXISTS meter_change (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 meter_id BIGINT NOT NULL,
 at BIGINT NOT NULL COMMENT 'utc ms: the instant of the exchange; the register is rebased here',
 old_device BIGINT NOT NULL COMMENT 'generation, meter.device before',
 old_gateway_id BIGINT NOT NULL,
 old_unit VARCHAR(16) NOT NULL,
 old_model VARCHAR(48) NOT NULL,
 old_serial VARCHAR(32) NOT NULL,
 old_ct_ratio BIGINT NOT NULL,
 old_pt_ratio BIGINT NOT NULL,
 old_start_milli BIGINT NOT NULL,
 old_switchable BOOLEAN NOT NULL,
 old_register_milli BIGINT NOT NULL COMMENT 'last register of the old device',
 new_device BIGINT NOT NULL,
 new_model VARCHAR(48) NOT NULL,
 new_serial VARCHAR(32) NOT NULL,
 new_register_milli BIGINT NOT NULL COMMENT 'first register of the new device',
 actor VARCHAR(64) NOT NULL,
 reason VARCHAR(200) NOT NULL DEFAULT '',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 undone_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: taken back before the next settlement',
 undone_by VARCHAR(64) NOT NULL DEFAULT '',
 steps MEDIUMTEXT NOT NULL COMMENT 'JSON: what was done, with amounts, in order',
 request TEXT NOT NULL COMMENT 'JSON: what was asked for',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 KEY meter (meter_id, at),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='devices that were taken out of a metering point';

CREATE TABLE IF NOT EXISTS typed_reading (
 meter_id BIGINT NOT NULL,
 read_at BIGINT NOT NULL COMMENT 'utc ms',
 register_milli BIGINT NOT NULL,
 cause ENUM('open','add','close','replace') NOT NULL,
 actor VARCHAR(64) NOT NULL,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 PRIMARY KEY (meter_id, read_at),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='registers that a person read off the meter; settled like any other reading';

ALTER TABLE meter ADD COLUMN IF NOT EXISTS device BIGINT NOT NULL DEFAULT 1
 COMMENT 'generation: grows when the device is exchanged; a reading of another generation never counts';
