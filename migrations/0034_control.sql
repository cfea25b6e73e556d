-- Limits of load, weekly schedules, warnings in units.
ALTER TABLE meter
 ADD COLUMN IF NOT EXISTS overload_delay_s BIGINT NOT NULL DEFAULT 60 COMMENT 'over power_limit_w for as long before it is cut',
 ADD COLUMN IF NOT EXISTS overload_retry_s BIGINT NOT NULL DEFAULT 300 COMMENT 'off for as long before it returns; 0: a person decides',
 ADD COLUMN IF NOT EXISTS overload_retries BIGINT NOT NULL DEFAULT 3 COMMENT 'returns in a row before it is locked';

CREATE TABLE IF NOT EXISTS overload_state (
 supply_point_id BIGINT NOT NULL PRIMARY KEY,
 phase ENUM('calm','over','tripped','locked') NOT NULL DEFAULT 'calm',
 since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: first reading above the limit, or the cut',
 seen_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: last reading above the limit',
 trips BIGINT NOT NULL DEFAULT 0 COMMENT 'cuts in a row, each within an hour of the one before',
 trip_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the last of them',
 FOREIGN KEY (supply_point_id) REFERENCES supply_point (id)
) COMMENT='load above the limit: delay, cuts, lock';

CREATE TABLE IF NOT EXISTS schedule (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL,
 site_id BIGINT NOT NULL,
 updated_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='weekly schedules of supply';

CREATE TABLE IF NOT EXISTS schedule_period (
 schedule_id BIGINT NOT NULL,
 day_kind ENUM('workday','weekend','holiday') NOT NULL,
 start_min BIGINT NOT NULL COMMENT 'minute of the local day; runs to the next or to midnight',
 off BOOLEAN NOT NULL,
 PRIMARY KEY (schedule_id, day_kind, start_min),
 FOREIGN KEY (schedule_id) REFERENCES schedule (id)
) COMMENT='at most 8 periods a day; a sort of day without any is on';

ALTER TABLE supply_point
 ADD COLUMN IF NOT EXISTS schedule_id BIGINT NULL COMMENT 'its weekly schedule',
 ADD COLUMN IF NOT EXISTS schedule_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: when the schedule is looked at next',
 ADD KEY IF NOT EXISTS schedule_due (schedule_id, schedule_at);

-- Thresholds in units: kept as the tenant said them, and as money by what a unit cost lately.
ALTER TABLE account
 ADD COLUMN IF NOT EXISTS warn_unit ENUM('yuan','kwh','m3') NOT NULL DEFAULT 'yuan' COMMENT 'what the thresholds were given in',
 ADD COLUMN IF NOT EXISTS warn1_milli BIGINT NOT NULL DEFAULT 0 COMMENT 'Wh or litres; warn1_nano follows it',
 ADD COLUMN IF NOT EXISTS warn2_milli BIGINT NOT NULL DEFAULT 0 COMMENT 'Wh or litres; warn2_nano follows it',
 ADD COLUMN IF NOT EXISTS warn_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: when the thresholds in units were last made money';

-- Roles that were shipped before the permission existed.
INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT id, 'account.edit' FROM role WHERE code IN ('admin', 'finance');
