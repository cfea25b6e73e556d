-- Who is told of urgent alarms, and when they are on duty.
CREATE TABLE IF NOT EXISTS duty (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 site_id BIGINT NOT NULL,
 name VARCHAR(64) NOT NULL DEFAULT '',
 phone VARCHAR(20) NOT NULL,
 kinds VARCHAR(400) NOT NULL DEFAULT '' COMMENT 'of alarms, separated by ;; empty: every one',
 from_min BIGINT NOT NULL DEFAULT 0 COMMENT 'minute of the local day',
 to_min BIGINT NOT NULL DEFAULT 0 COMMENT 'past midnight when it is the earlier one; equal: the whole day',
 weekdays VARCHAR(7) NOT NULL DEFAULT '1234567' COMMENT '1: Monday; the day on which the hours begin',
 language ENUM('zh','en') NOT NULL DEFAULT 'zh',
 KEY site (site_id),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='staff on duty';

ALTER TABLE alarm
 ADD COLUMN IF NOT EXISTS told_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: when staff on duty were told; 0: not yet';
-- What is old is not told now.
UPDATE alarm SET told_at = raised_at WHERE told_at = 0;
ALTER TABLE alarm ADD KEY IF NOT EXISTS untold (told_at, severity);
