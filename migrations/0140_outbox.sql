-- How each message found its person: every attempt, what became of it, and what is known of the ways.
ALTER TABLE outbox
 MODIFY COLUMN channel VARCHAR(16) NOT NULL DEFAULT 'sms' COMMENT 'what the recipient is: sms, a phone',
 MODIFY COLUMN state ENUM('pending','sending','sent','failed','unknown','delivered','undelivered') NOT NULL DEFAULT 'pending',
 ADD COLUMN IF NOT EXISTS medium ENUM('any','sms','wechat') NOT NULL DEFAULT 'any' COMMENT 'by which only',
 ADD COLUMN IF NOT EXISTS tenant_id BIGINT NULL COMMENT 'whose wishes and whose site count; NULL: nobody''s',
 ADD COLUMN IF NOT EXISTS language ENUM('zh','en') NOT NULL DEFAULT 'zh' COMMENT 'of the template',
 ADD COLUMN IF NOT EXISTS way VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'channel that it waits for, or that had it last; empty: to be chosen',
 ADD COLUMN IF NOT EXISTS tries_from BIGINT NOT NULL DEFAULT 0 COMMENT 'attempts up to this id do not count: a person said once more',
 ADD COLUMN IF NOT EXISTS ask_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: when the way is asked for a receipt; 0: not any more',
 ADD COLUMN IF NOT EXISTS asks BIGINT NOT NULL DEFAULT 0 COMMENT 'how often it was',
 ADD COLUMN IF NOT EXISTS delivered_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 ADD KEY IF NOT EXISTS waiting (state, way, next_at),
 ADD KEY IF NOT EXISTS asked (state, way, ask_at);

CREATE TABLE IF NOT EXISTS outbox_try (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 outbox_id BIGINT NOT NULL,
 way VARCHAR(16) NOT NULL COMMENT 'aliyun_sms, tencent_sms, …',
 phone VARCHAR(64) NOT NULL COMMENT 'of the outbox row: budgets count by it',
 kind VARCHAR(24) NOT NULL COMMENT 'of the outbox row',
 at BIGINT NOT NULL COMMENT 'utc ms: written before the service is called',
 outcome ENUM('sending','done','refused','retry','next_day','unreachable','unknown','never_sent','delivered','undelivered')
  NOT NULL DEFAULT 'sending',
 code VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'the service''s word, or ours',
 provider_ref VARCHAR(64) NOT NULL DEFAULT '',
 looks BIGINT NOT NULL DEFAULT 0 COMMENT 'how often the service was asked after an unknown outcome',
 looked_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 fate_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: of the receipt',
 KEY outbox (outbox_id, id),
 KEY ref (provider_ref),
 KEY budget (phone, kind, at),
 FOREIGN KEY (outbox_id) REFERENCES outbox (id)
) COMMENT='each attempt to reach a person';

-- What was sent before attempts were kept.
INSERT INTO outbox_try (outbox_id, way, phone, kind, at, outcome, provider_ref)
 SELECT o.id, 'aliyun_sms', o.recipient, o.template, o.sent_at, 'done', o.provider_ref FROM outbox o
 WHERE o.state = 'sent' AND NOT EXISTS (SELECT 1 FROM outbox_try t WHERE t.outbox_id = o.id);
UPDATE outbox SET way = 'aliyun_sms' WHERE state = 'sent' AND way = '';
UPDATE outbox SET params = '{}' WHERE template = 'login_code' AND state NOT IN ('pending', 'sending');

CREATE TABLE IF NOT EXISTS unreachable (
 address VARCHAR(64) NOT NULL COMMENT 'phone or openid',
 way VARCHAR(16) NOT NULL,
 since BIGINT NOT NULL COMMENT 'utc ms',
 code VARCHAR(64) NOT NULL DEFAULT '',
 PRIMARY KEY (address, way)
) COMMENT='who a way does not reach; forgotten after a week';

CREATE TABLE IF NOT EXISTS outbox_way (
 way VARCHAR(16) NOT NULL PRIMARY KEY,
 failures BIGINT NOT NULL DEFAULT 0 COMMENT 'calls in a row that got no answer',
 down_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: left out until then',
 quota_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: its quota is used up until then'
) COMMENT='health of the ways, over all workers';

CREATE TABLE IF NOT EXISTS outbox_day (
 day BIGINT NOT NULL PRIMARY KEY COMMENT 'days of UTC+8 since 1970-01-01, as the services count',
 messages BIGINT NOT NULL DEFAULT 0
) COMMENT='attempts of a day, against the cap of all';

ALTER TABLE tenant
 ADD COLUMN IF NOT EXISTS channels ENUM('wechat_or_sms','sms','both') NOT NULL DEFAULT 'wechat_or_sms'
 COMMENT 'how the tenant wants to be told';

-- Requests for login codes, to limit them by phone and by address.
CREATE TABLE IF NOT EXISTS sms_code_asked (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 phone VARCHAR(20) NOT NULL,
 address VARCHAR(64) NOT NULL COMMENT 'of the client',
 at BIGINT NOT NULL COMMENT 'utc ms',
 KEY phone (phone, at),
 KEY address (address, at)
) COMMENT='login codes asked for in the last day';

INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT r.id, p.permission FROM role r JOIN (
  SELECT 'operator' AS role, 'notice.read' AS permission UNION SELECT 'finance', 'notice.read'
  UNION SELECT 'engineer', 'notice.read' UNION SELECT 'operator', 'notice.edit' UNION SELECT 'operator', 'duty.edit'
  UNION SELECT 'admin', 'notice.read' UNION SELECT 'admin', 'notice.edit' UNION SELECT 'admin', 'duty.edit'
 ) p ON p.role = r.code;
