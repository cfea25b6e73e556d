-- The audit log says what a thing was before and after, why, and for which request; its rows are chained by hashes.
ALTER TABLE audit
 ADD COLUMN IF NOT EXISTS site_id BIGINT NOT NULL DEFAULT 0 COMMENT 'of the object; 0: of no one site',
 ADD COLUMN IF NOT EXISTS request_id VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'as answers and logs have it',
 ADD COLUMN IF NOT EXISTS reason VARCHAR(300) NOT NULL DEFAULT '' COMMENT 'as it was given',
 ADD COLUMN IF NOT EXISTS before_doc MEDIUMTEXT NOT NULL DEFAULT '' COMMENT 'JSON: the members that changed, as they were; empty: the thing was not there, or none changed',
 ADD COLUMN IF NOT EXISTS after_doc MEDIUMTEXT NOT NULL DEFAULT '' COMMENT 'JSON: the same, as they became; empty: it is gone, or none changed',
 ADD KEY IF NOT EXISTS request (request_id),
 ADD KEY IF NOT EXISTS actor (actor, id),
 ADD KEY IF NOT EXISTS at (at);
UPDATE audit SET reason = LEFT(JSON_VALUE(detail, '$.reason'), 300) WHERE reason = '' AND JSON_VALUE(detail, '$.reason') IS NOT NULL;

CREATE TABLE IF NOT EXISTS audit_chain (
 n BIGINT NOT NULL PRIMARY KEY COMMENT 'place in the chain, from 1, without gaps',
 audit_id BIGINT NOT NULL UNIQUE,
 sha256 CHAR(64) NOT NULL COMMENT 'of the hash before, a line feed, and the text of the row; see audit.md',
 FOREIGN KEY (audit_id) REFERENCES audit (id)
) COMMENT='hashes over the audit log, written by the worker a moment after its rows; append-only by grant';

INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT id, 'audit.read' FROM role WHERE code IN ('admin', 'finance');
