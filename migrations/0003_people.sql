-- Tenants, contracts, users, sessions.
CREATE TABLE IF NOT EXISTS tenant (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL,
 site_id BIGINT NOT NULL,
 phone VARCHAR(20) NOT NULL DEFAULT '',
 contacts VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'further phones, separated by ;',
 room VARCHAR(32) NOT NULL DEFAULT '',
 language ENUM('zh','en') NOT NULL DEFAULT 'zh',
 floor_m2_milli BIGINT NOT NULL DEFAULT 0,
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='a shop or household';

CREATE TABLE IF NOT EXISTS contract (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 tenant_id BIGINT NOT NULL,
 start_at BIGINT NOT NULL COMMENT 'utc ms',
 end_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: open',
 FOREIGN KEY (tenant_id) REFERENCES tenant (id)
) COMMENT='a tenancy';

CREATE TABLE IF NOT EXISTS role (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL
) COMMENT='a set of permissions';

CREATE TABLE IF NOT EXISTS role_permission (
 role_id BIGINT NOT NULL,
 permission VARCHAR(48) NOT NULL COMMENT 'noun.verb',
 PRIMARY KEY (role_id, permission),
 FOREIGN KEY (role_id) REFERENCES role (id)
) COMMENT='what a role may do';

CREATE TABLE IF NOT EXISTS user (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 username VARCHAR(64) NOT NULL UNIQUE COMMENT 'staff: a name; tenants: their phone',
 kind ENUM('staff','tenant') NOT NULL,
 name VARCHAR(64) NOT NULL DEFAULT '',
 phone VARCHAR(20) NOT NULL DEFAULT '',
 password_hash VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'argon2id; empty: no password login',
 role_id BIGINT NULL COMMENT 'staff only',
 site_id BIGINT NULL COMMENT 'staff: NULL sees every site',
 disabled BOOLEAN NOT NULL DEFAULT 0,
 failures BIGINT NOT NULL DEFAULT 0 COMMENT 'wrong passwords in a row',
 locked_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 KEY phone (phone),
 FOREIGN KEY (role_id) REFERENCES role (id),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='who may log in';

CREATE TABLE IF NOT EXISTS user_tenant (
 user_id BIGINT NOT NULL,
 tenant_id BIGINT NOT NULL,
 PRIMARY KEY (user_id, tenant_id),
 FOREIGN KEY (user_id) REFERENCES user (id),
 FOREIGN KEY (tenant_id) REFERENCES tenant (id)
) COMMENT='whose shops a login sees';

CREATE TABLE IF NOT EXISTS session (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 user_id BIGINT NOT NULL,
 family CHAR(32) NOT NULL COMMENT 'one login and all tokens rotated from it',
 refresh_sha256 CHAR(64) NOT NULL UNIQUE,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 expires_at BIGINT NOT NULL COMMENT 'utc ms',
 used_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: rotated',
 revoked_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 KEY family (family),
 FOREIGN KEY (user_id) REFERENCES user (id)
) COMMENT='refresh tokens, by hash only';

CREATE TABLE IF NOT EXISTS sms_code (
 phone VARCHAR(20) NOT NULL PRIMARY KEY,
 code_sha256 CHAR(64) NOT NULL,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 expires_at BIGINT NOT NULL COMMENT 'utc ms',
 tries BIGINT NOT NULL DEFAULT 0
) COMMENT='the login code last sent to a phone';

CREATE TABLE IF NOT EXISTS idempotency (
 user_id BIGINT NOT NULL,
 idem_key VARCHAR(64) NOT NULL,
 request_sha256 CHAR(64) NOT NULL COMMENT 'of method, path and body',
 status BIGINT NOT NULL COMMENT 'HTTP',
 body MEDIUMTEXT NOT NULL,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 PRIMARY KEY (user_id, idem_key)
) COMMENT='answers of POSTs that must not happen twice';

CREATE TABLE IF NOT EXISTS audit (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 at BIGINT NOT NULL COMMENT 'utc ms',
 actor VARCHAR(64) NOT NULL COMMENT 'user:3, system, poller',
 address VARCHAR(64) NOT NULL DEFAULT '',
 action VARCHAR(48) NOT NULL COMMENT 'noun.verb',
 object VARCHAR(64) NOT NULL COMMENT 'meter:17',
 detail TEXT NOT NULL COMMENT 'JSON',
 outcome VARCHAR(24) NOT NULL DEFAULT 'ok',
 KEY object (object, id)
) COMMENT='who did what, append-only';
