-- Passwords that somebody else knows must be changed by their owner before anything else.
ALTER TABLE user
 ADD COLUMN IF NOT EXISTS password_old BOOLEAN NOT NULL DEFAULT 0 COMMENT 'somebody else set it: to be changed at the next login',
 ADD COLUMN IF NOT EXISTS password_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: set',
 ADD COLUMN IF NOT EXISTS created_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: before this was kept',
 MODIFY COLUMN kind ENUM('staff','tenant','service') NOT NULL;
