-- Meters, supply points, blocks, acts, live state and readings.
-- Registers and quantities are thousandths of the billing unit (Wh or litres): *_milli.
CREATE TABLE IF NOT EXISTS supply_point (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 site_id BIGINT NOT NULL,
 utility ENUM('electricity','water') NOT NULL,
 switchable BOOLEAN NOT NULL DEFAULT 0 COMMENT 'the meter has a relay or valve that we drive',
 billing ENUM('account','meter','postpaid','none') NOT NULL DEFAULT 'account',
 load_class ENUM('ordinary','protected') NOT NULL DEFAULT 'ordinary',
 keep_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: no keep',
 keep_reason VARCHAR(200) NOT NULL DEFAULT '',
 keep_actor VARCHAR(64) NOT NULL DEFAULT '',
 desired ENUM('on','off','auto') NOT NULL DEFAULT 'on' COMMENT 'decided from blocks and keep',
 desired_reason VARCHAR(16) NOT NULL DEFAULT 'none' COMMENT 'the row of the precedence table that decided',
 desired_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 gated BOOLEAN NOT NULL DEFAULT 0 COMMENT 'desired off must pass the trip gate',
 observed ENUM('unknown','on','off','moving') NOT NULL DEFAULT 'unknown' COMMENT 'last read back',
 observed_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 pending BOOLEAN NOT NULL DEFAULT 0 COMMENT 'desired differs from observed: work for the poller',
 deferred VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'what the trip gate said against an off that is due',
 try_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: not before',
 tries BIGINT NOT NULL DEFAULT 0,
 KEY pending (pending),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='a place that is supplied; outlives its meter';

CREATE TABLE IF NOT EXISTS meter (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL DEFAULT '',
 gateway_id BIGINT NOT NULL,
 unit VARCHAR(16) NOT NULL COMMENT 'Modbus unit id, or a 12/14-digit address',
 model VARCHAR(48) NOT NULL,
 serial VARCHAR(32) NOT NULL DEFAULT '',
 utility ENUM('electricity','water') NOT NULL,
 role ENUM('tenant','public','incomer') NOT NULL DEFAULT 'tenant',
 area_id BIGINT NULL,
 parent_id BIGINT NULL COMMENT 'metering tree',
 supply_point_id BIGINT NOT NULL,
 ct_ratio BIGINT NOT NULL DEFAULT 1,
 pt_ratio BIGINT NOT NULL DEFAULT 1,
 rated_current_ma BIGINT NOT NULL DEFAULT 0,
 start_milli BIGINT NOT NULL DEFAULT 0 COMMENT 'register at installation',
 billing ENUM('account','meter','postpaid','none') NOT NULL DEFAULT 'account',
 power_limit_w BIGINT NOT NULL DEFAULT 0 COMMENT '0: none',
 enabled BOOLEAN NOT NULL DEFAULT 1,
 UNIQUE KEY address (gateway_id, unit),
 UNIQUE KEY supply_point (supply_point_id),
 FOREIGN KEY (gateway_id) REFERENCES gateway (id),
 FOREIGN KEY (area_id) REFERENCES area (id),
 FOREIGN KEY (parent_id) REFERENCES meter (id),
 FOREIGN KEY (supply_point_id) REFERENCES supply_point (id)
) COMMENT='a meter on a bus';

CREATE TABLE IF NOT EXISTS block (
 supply_point_id BIGINT NOT NULL,
 kind ENUM('safety','manual','vacant','overload','sub_tenant','schedule','fee','arrears') NOT NULL,
 cause VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'account:7, user:3: what set it, and alone may lift it',
 since_at BIGINT NOT NULL COMMENT 'utc ms',
 actor VARCHAR(64) NOT NULL DEFAULT '',
 reason VARCHAR(200) NOT NULL DEFAULT '',
 PRIMARY KEY (supply_point_id, kind, cause),
 FOREIGN KEY (supply_point_id) REFERENCES supply_point (id)
) COMMENT='reasons why a supply is off';

CREATE TABLE IF NOT EXISTS supply_act (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 supply_point_id BIGINT NOT NULL,
 meter_id BIGINT NOT NULL,
 action ENUM('on','off','auto') NOT NULL,
 reason VARCHAR(16) NOT NULL DEFAULT '',
 state ENUM('sent','done','refused','unknown') NOT NULL DEFAULT 'sent' COMMENT 'sent is committed before the frame leaves',
 epoch BIGINT NOT NULL COMMENT 'of the lease under which it was sent',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 done_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: read back, refused or given up',
 error VARCHAR(200) NOT NULL DEFAULT '',
 KEY meter (meter_id, id),
 KEY open_acts (state),
 FOREIGN KEY (supply_point_id) REFERENCES supply_point (id),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='frames sent to relays and valves, and what came of them';

CREATE TABLE IF NOT EXISTS meter_state (
 meter_id BIGINT NOT NULL PRIMARY KEY,
 read_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: last reading, accepted or not',
 register_milli BIGINT NOT NULL DEFAULT 0,
 sharp_milli BIGINT NOT NULL DEFAULT -1 COMMENT 'meter''s own rate registers; -1: it has none',
 peak_milli BIGINT NOT NULL DEFAULT -1,
 flat_milli BIGINT NOT NULL DEFAULT -1,
 valley_milli BIGINT NOT NULL DEFAULT -1,
 power_w BIGINT NOT NULL DEFAULT 0,
 phases BIGINT NOT NULL DEFAULT 0 COMMENT 'how many of the following count',
 voltage1_mv BIGINT NOT NULL DEFAULT 0,
 voltage2_mv BIGINT NOT NULL DEFAULT 0,
 voltage3_mv BIGINT NOT NULL DEFAULT 0,
 current1_ma BIGINT NOT NULL DEFAULT 0,
 current2_ma BIGINT NOT NULL DEFAULT 0,
 current3_ma BIGINT NOT NULL DEFAULT 0,
 frequency_mhz BIGINT NOT NULL DEFAULT 0,
 verdict ENUM('accepted','repeated','late','backwards','implausible','identity') NOT NULL DEFAULT 'accepted' COMMENT 'of the last reading',
 comm ENUM('never','ok','silent') NOT NULL DEFAULT 'never',
 comm_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 fails BIGINT NOT NULL DEFAULT 0 COMMENT 'in a row',
 error VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'of the last failed request',
 read_wanted_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: somebody asked for a reading now',
 version BIGINT NOT NULL DEFAULT 0 COMMENT 'grows with every change',
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='what is known of a meter now';

CREATE TABLE IF NOT EXISTS reading (
 meter_id BIGINT NOT NULL,
 read_at BIGINT NOT NULL COMMENT 'utc ms',
 register_milli BIGINT NOT NULL,
 power_w BIGINT NOT NULL DEFAULT 0,
 verdict ENUM('accepted','repeated','late','backwards','implausible','identity') NOT NULL,
 PRIMARY KEY (meter_id, read_at)
) PAGE_COMPRESSED=1 COMMENT='raw readings; may expire';

CREATE TABLE IF NOT EXISTS usage_hour (
 meter_id BIGINT NOT NULL,
 hour_at BIGINT NOT NULL COMMENT 'utc ms: start of the local hour',
 qty_milli BIGINT NOT NULL DEFAULT 0,
 charge_nano BIGINT NOT NULL DEFAULT 0,
 PRIMARY KEY (meter_id, hour_at)
) COMMENT='use per local hour; kept for good';
