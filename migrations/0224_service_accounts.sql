-- Keys of other systems. Their users are of kind service and have no password.
CREATE TABLE IF NOT EXISTS service_key (
 user_id BIGINT NOT NULL PRIMARY KEY,
 key_sha256 CHAR(64) NOT NULL UNIQUE,
 hint VARCHAR(16) NOT NULL COMMENT 'its first letters, to tell keys apart',
 expires_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: never',
 addresses VARCHAR(400) NOT NULL DEFAULT '' COMMENT 'from which it may come, parted by commas; empty: from anywhere',
 made_at BIGINT NOT NULL COMMENT 'utc ms',
 used_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms, to the minute',
 revoked_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 FOREIGN KEY (user_id) REFERENCES user (id)
) COMMENT='keys of service accounts, by hash only';
