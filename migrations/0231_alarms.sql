-- Alarms have a history; staff are told again, the next in line too, and by area.
ALTER TABLE alarm
 ADD COLUMN IF NOT EXISTS repeats BIGINT NOT NULL DEFAULT 0 COMMENT 'how often the cause was seen again while it was open',
 ADD COLUMN IF NOT EXISTS last_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: last seen',
 ADD COLUMN IF NOT EXISTS told_times BIGINT NOT NULL DEFAULT 0 COMMENT 'rounds of messages to staff on duty',
 ADD KEY IF NOT EXISTS open_alarms (cleared_at, severity, id);
UPDATE alarm SET last_at = raised_at WHERE last_at = 0;
UPDATE alarm SET told_times = 1 WHERE told_at > 0 AND told_times = 0;

CREATE TABLE IF NOT EXISTS alarm_event (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 alarm_id BIGINT NOT NULL,
 at BIGINT NOT NULL COMMENT 'utc ms',
 what ENUM('raised','told','acked','commented','cleared') NOT NULL,
 actor VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'user:3; empty: the platform',
 text VARCHAR(300) NOT NULL DEFAULT '' COMMENT 'note, comment, reason; told: to whom',
 KEY alarm (alarm_id, id)
) COMMENT='what became of alarms; append-only by grant';
INSERT INTO alarm_event (alarm_id, at, what, text) SELECT a.id, a.raised_at, 'raised', a.text FROM alarm a
 WHERE NOT EXISTS (SELECT 1 FROM alarm_event v WHERE v.alarm_id = a.id);

ALTER TABLE duty
 ADD COLUMN IF NOT EXISTS area_id BIGINT NULL COMMENT 'only what is in this area and in those below it; NULL: all of the site',
 ADD COLUMN IF NOT EXISTS step BIGINT NOT NULL DEFAULT 1 COMMENT '1: told at once; n: from the nth time on, when nobody has acknowledged';

