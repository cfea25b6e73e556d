-- Workbooks that were imported, and what became of them.
CREATE TABLE IF NOT EXISTS import_run (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 at BIGINT NOT NULL COMMENT 'utc ms',
 actor VARCHAR(64) NOT NULL,
 site_id BIGINT NULL COMMENT 'that the caller was confined to; NULL: every site',
 file_name VARCHAR(200) NOT NULL,
 bytes BIGINT NOT NULL,
 dry_run BOOLEAN NOT NULL,
 ok BOOLEAN NOT NULL COMMENT 'no bad row; imported unless it was a dry run',
 counts TEXT NOT NULL COMMENT 'JSON {sheet: {new, same, changed}}',
 errors MEDIUMTEXT NOT NULL COMMENT 'JSON list, in English',
 error_count BIGINT NOT NULL,
 once_key VARCHAR(64) NOT NULL UNIQUE,
 KEY site (site_id, id)
) COMMENT='imports, dry runs and refused ones too; append-only';

CREATE TABLE IF NOT EXISTS import_lock (
 id BIGINT NOT NULL PRIMARY KEY,
 seen BIGINT NOT NULL DEFAULT 0 COMMENT 'grows with every import; held until it commits'
) COMMENT='one row: one import at a time';
INSERT IGNORE INTO import_lock (id) VALUES (1);

-- A new gateway would hold the row of its group, which its poller writes again and again, until a long import
-- commits. Groups are never removed.
ALTER TABLE gateway DROP FOREIGN KEY IF EXISTS gateway_ibfk_3;

INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT id, 'import.run' FROM role WHERE code IN ('admin', 'engineer');
