-- The second factor of staff: one-time passwords by time (RFC 6238), and what replaces a lost phone.
CREATE TABLE IF NOT EXISTS user_totp (
 user_id BIGINT NOT NULL PRIMARY KEY,
 secret_box VARCHAR(200) NOT NULL COMMENT 'hex of nonce and secret, enciphered by a key that is not in the database',
 confirmed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: not in force yet',
 last_step BIGINT NOT NULL DEFAULT 0 COMMENT 'of the last code taken: no code counts twice',
 FOREIGN KEY (user_id) REFERENCES user (id)
) COMMENT='second factors';

CREATE TABLE IF NOT EXISTS user_recovery (
 user_id BIGINT NOT NULL,
 code_sha256 CHAR(64) NOT NULL,
 used_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 PRIMARY KEY (user_id, code_sha256),
 FOREIGN KEY (user_id) REFERENCES user (id)
) COMMENT='codes for who lost the phone, each for one login';
