-- Events for other systems.
CREATE TABLE IF NOT EXISTS webhook (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 name VARCHAR(64) NOT NULL COMMENT 'for people',
 site_id BIGINT NULL COMMENT 'whose events; NULL: of all sites',
 url VARCHAR(500) NOT NULL COMMENT 'https, or http to this machine',
 events VARCHAR(500) NOT NULL COMMENT 'kinds, parted by commas; *: all',
 secret VARCHAR(80) NOT NULL COMMENT 'key of the signatures',
 secret_at BIGINT NOT NULL COMMENT 'utc ms: made',
 old_secret VARCHAR(80) NOT NULL DEFAULT '' COMMENT 'the one before, while both sign',
 old_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: end of that',
 state ENUM('on','off') NOT NULL DEFAULT 'on',
 off_why VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'staff, gone, failing',
 failures BIGINT NOT NULL DEFAULT 0 COMMENT 'in a row',
 failing_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: first of these',
 rest_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: not called before',
 served_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: last taken up by a worker',
 claimed_by VARCHAR(80) NOT NULL DEFAULT '' COMMENT 'the worker that sends to it',
 claimed_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 rotate_key VARCHAR(128) NOT NULL DEFAULT '' COMMENT 'of the last change of the secret',
 created_by VARCHAR(32) NOT NULL COMMENT 'user:3',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='other systems that are told of events';

-- No foreign key: it would lock the webhook's row in each transaction that has an event, money's too.
CREATE TABLE IF NOT EXISTS webhook_delivery (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 webhook_id BIGINT NOT NULL,
 event_id VARCHAR(32) NOT NULL COMMENT 'of the happening: the same for all webhooks and tries',
 kind VARCHAR(32) NOT NULL COMMENT 'order.paid, …',
 payload BLOB NOT NULL COMMENT 'JSON, to the byte as it is sent',
 state ENUM('pending','waiting','done','failed') NOT NULL DEFAULT 'pending' COMMENT 'waiting: tried, and to be tried again',
 tries BIGINT NOT NULL DEFAULT 0,
 next_at BIGINT NOT NULL COMMENT 'utc ms: not before; 0: no more',
 tried_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the last time',
 status BIGINT NOT NULL DEFAULT 0 COMMENT 'HTTP status of the last answer; 0: none',
 error VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'why there was none, or why it does not count',
 answer VARBINARY(500) NOT NULL DEFAULT '' COMMENT 'how the last answer begins',
 created_at BIGINT NOT NULL COMMENT 'utc ms: of the event',
 since BIGINT NOT NULL COMMENT 'utc ms: tried from then on; a replay begins anew',
 KEY due (webhook_id, next_at),
 KEY listed (webhook_id, id),
 KEY old (created_at)
) COMMENT='events on their way to webhooks, written with what caused them';

-- Roles that were shipped before the permission existed.
INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT id, 'webhook.manage' FROM role WHERE code = 'admin';
