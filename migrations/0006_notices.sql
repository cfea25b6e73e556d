-- Notices, outbox, alarms, jobs.
CREATE TABLE IF NOT EXISTS notice (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 account_id BIGINT NOT NULL,
 kind VARCHAR(24) NOT NULL COMMENT 'low1, low2, arrears, restored, recharged',
 text VARCHAR(300) NOT NULL COMMENT 'as sent, without codes or links',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 KEY account (account_id, id),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='what a tenant was told';

CREATE TABLE IF NOT EXISTS outbox (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 once_key VARCHAR(128) NOT NULL UNIQUE,
 notice_id BIGINT NULL,
 channel VARCHAR(16) NOT NULL COMMENT 'sms',
 recipient VARCHAR(64) NOT NULL,
 template VARCHAR(24) NOT NULL COMMENT 'low1, low2, arrears, login_code, …',
 params VARCHAR(1000) NOT NULL COMMENT 'JSON',
 state ENUM('pending','sending','sent','failed','unknown') NOT NULL DEFAULT 'pending',
 tries BIGINT NOT NULL DEFAULT 0,
 next_at BIGINT NOT NULL COMMENT 'utc ms: not before',
 expires_at BIGINT NOT NULL COMMENT 'utc ms: pointless after',
 claimed_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 claimed_by VARCHAR(63) NOT NULL DEFAULT '',
 sent_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 provider_ref VARCHAR(64) NOT NULL DEFAULT '',
 error VARCHAR(200) NOT NULL DEFAULT '',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 KEY due (state, next_at),
 FOREIGN KEY (notice_id) REFERENCES notice (id)
) COMMENT='everything that leaves the system, written with its cause';

CREATE TABLE IF NOT EXISTS alarm (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 kind VARCHAR(32) NOT NULL COMMENT 'meter_silent, gateway_silent, register_fell, …',
 severity ENUM('info','warn','urgent') NOT NULL,
 object_kind VARCHAR(16) NOT NULL,
 object_id BIGINT NOT NULL,
 object_code VARCHAR(64) NOT NULL DEFAULT '',
 text VARCHAR(300) NOT NULL,
 raised_at BIGINT NOT NULL COMMENT 'utc ms',
 cleared_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 acked_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 acked_by VARCHAR(64) NOT NULL DEFAULT '',
 open_key VARCHAR(96) NULL UNIQUE COMMENT 'kind:object while open: one alarm a cause',
 KEY raised (raised_at)
) COMMENT='what a person should know';
