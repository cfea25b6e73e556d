-- WeChat: the access token of an app, who can be reached there, and what its servers told.
CREATE TABLE IF NOT EXISTS wechat_token (
 app_id VARCHAR(32) NOT NULL PRIMARY KEY,
 sealed VARCHAR(2000) NOT NULL DEFAULT '' COMMENT 'AES-256-GCM by a key made of the app''s secret',
 renew_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 valid_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 claimed_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: one process gets the next one'
) COMMENT='access tokens of WeChat, one for all processes';

CREATE TABLE IF NOT EXISTS wechat_person (
 app_id VARCHAR(32) NOT NULL,
 openid VARCHAR(64) NOT NULL,
 unreachable VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'unfollowed, blocked, refused; empty: reachable',
 changed_at BIGINT NOT NULL COMMENT 'utc ms',
 PRIMARY KEY (app_id, openid)
) COMMENT='whether messages reach somebody';

CREATE TABLE IF NOT EXISTS wechat_permission (
 app_id VARCHAR(32) NOT NULL,
 openid VARCHAR(64) NOT NULL,
 template_id VARCHAR(64) NOT NULL,
 remaining BIGINT NOT NULL DEFAULT 0 COMMENT 'one accept, one message',
 changed_at BIGINT NOT NULL COMMENT 'utc ms',
 PRIMARY KEY (app_id, openid, template_id)
) COMMENT='how many subscribe messages somebody has allowed';

CREATE TABLE IF NOT EXISTS wechat_event (
 sha256 CHAR(64) NOT NULL PRIMARY KEY COMMENT 'of app, person, time and event',
 at BIGINT NOT NULL COMMENT 'utc ms',
 KEY at (at)
) COMMENT='events that were taken, so that a repeat counts once';

CREATE TABLE IF NOT EXISTS wechat_delivery (
 app_id VARCHAR(32) NOT NULL,
 msg_id VARCHAR(64) NOT NULL COMMENT 'provider_ref of the outbox',
 delivered BOOLEAN NOT NULL,
 word VARCHAR(64) NOT NULL COMMENT 'WeChat''s',
 at BIGINT NOT NULL COMMENT 'utc ms',
 applied_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the outbox knows',
 PRIMARY KEY (app_id, msg_id),
 KEY open (applied_at, at)
) COMMENT='what became of messages';
