-- When nobody is cut, the mass-trip brake, and what stands against a cut that is due.
CREATE TABLE IF NOT EXISTS site_holiday (
 site_id BIGINT NOT NULL,
 day DATE NOT NULL COMMENT 'local day of the site',
 kind ENUM('holiday','workday') NOT NULL COMMENT 'workday: one at a weekend',
 name VARCHAR(64) NOT NULL DEFAULT '',
 PRIMARY KEY (site_id, day),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='the site''s own days: they decide supply, never prices';

CREATE TABLE IF NOT EXISTS brake (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 site_id BIGINT NOT NULL,
 open_site BIGINT NULL UNIQUE COMMENT 'site_id while pulled',
 pulled_at BIGINT NOT NULL COMMENT 'utc ms',
 pulled_by VARCHAR(64) NOT NULL,
 reason VARCHAR(200) NOT NULL DEFAULT '',
 crossings BIGINT NOT NULL DEFAULT 0 COMMENT 'cuts that became due within the minute, when the poller pulled it',
 released_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 released_by VARCHAR(64) NOT NULL DEFAULT '',
 release_reason VARCHAR(200) NOT NULL DEFAULT '',
 KEY site (site_id, id),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='mass-trip brake: while pulled no supply of the site is newly cut';
ALTER TABLE site DROP COLUMN IF EXISTS brake;

ALTER TABLE supply_point
 ADD COLUMN IF NOT EXISTS desired_actor VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'who set the block or keep that decided',
 ADD COLUMN IF NOT EXISTS deferred_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 ADD COLUMN IF NOT EXISTS noted_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: a person took note of the cut that is due',
 ADD COLUMN IF NOT EXISTS noted_by VARCHAR(64) NOT NULL DEFAULT '',
 ADD KEY IF NOT EXISTS site_desired (site_id, desired, desired_since);
ALTER TABLE supply_act ADD COLUMN IF NOT EXISTS actor VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'who set the block or keep that decided';
