-- What a session is known by: its first row's id, when it began, and who used it last.
ALTER TABLE session
 ADD COLUMN IF NOT EXISTS first_id BIGINT NOT NULL DEFAULT 0 COMMENT 'of the row that began the family; 0: this one',
 ADD COLUMN IF NOT EXISTS since_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: login; 0: created_at',
 ADD COLUMN IF NOT EXISTS agent VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'User-Agent',
 ADD COLUMN IF NOT EXISTS address VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'of the client',
 ADD KEY IF NOT EXISTS of_user (user_id);
