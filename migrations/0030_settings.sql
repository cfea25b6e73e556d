-- Settings of a site, and what waits for a second person.
CREATE TABLE IF NOT EXISTS setting (
 site_id BIGINT NOT NULL,
 name VARCHAR(48) NOT NULL COMMENT 'a row of the list of settings',
 value BIGINT NOT NULL,
 PRIMARY KEY (site_id, name),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='what differs from the settings as shipped';

CREATE TABLE IF NOT EXISTS approval (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 kind VARCHAR(32) NOT NULL COMMENT 'a row of the list of approvals: refund, setting, …',
 site_id BIGINT NOT NULL,
 object VARCHAR(64) NOT NULL COMMENT 'account:7',
 params VARCHAR(4000) NOT NULL COMMENT 'JSON: what is done when it is approved',
 reason VARCHAR(200) NOT NULL DEFAULT '',
 state ENUM('pending','approved','rejected','expired') NOT NULL DEFAULT 'pending',
 asked_by BIGINT NOT NULL COMMENT 'user',
 asked_at BIGINT NOT NULL COMMENT 'utc ms',
 decided_by BIGINT NOT NULL DEFAULT 0 COMMENT 'user, never the one who asked',
 decided_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 note VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'of who decided',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 KEY state (state, site_id, id),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='acts that need two persons';

-- Roles that were shipped before these permissions existed.
INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT r.id, p.permission FROM role r JOIN (
  SELECT 'finance' AS role, 'tariff.read' AS permission UNION SELECT 'cashier', 'tariff.read'
  UNION SELECT 'operator', 'tariff.read' UNION SELECT 'engineer', 'tariff.read' UNION SELECT 'viewer', 'tariff.read'
  UNION SELECT 'finance', 'tariff.edit'
  UNION SELECT 'finance', 'entry.read' UNION SELECT 'viewer', 'entry.read' UNION SELECT 'cashier', 'entry.read'
  UNION SELECT 'finance', 'entry.reverse' UNION SELECT 'finance', 'refund.create'
  UNION SELECT 'finance', 'adjustment.create'
  UNION SELECT 'finance', 'approval.read' UNION SELECT 'operator', 'approval.read' UNION SELECT 'engineer', 'approval.read'
  UNION SELECT 'finance', 'contract.read' UNION SELECT 'cashier', 'contract.read'
  UNION SELECT 'operator', 'contract.read' UNION SELECT 'viewer', 'contract.read'
  UNION SELECT 'finance', 'contract.edit' UNION SELECT 'operator', 'contract.edit'
  UNION SELECT 'engineer', 'meter.edit'
  UNION SELECT 'finance', 'setting.read' UNION SELECT 'operator', 'setting.read' UNION SELECT 'engineer', 'setting.read'
  UNION SELECT 'finance', 'fee.read' UNION SELECT 'cashier', 'fee.read' UNION SELECT 'viewer', 'fee.read'
  UNION SELECT 'finance', 'fee.edit'
  UNION SELECT 'finance', 'share.read' UNION SELECT 'viewer', 'share.read' UNION SELECT 'finance', 'share.edit'
  UNION SELECT 'operator', 'schedule.edit'
  UNION SELECT 'operator', 'alarm.ack' UNION SELECT 'engineer', 'alarm.ack'
 ) p ON p.role = r.code;
INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT a.id, p.permission FROM role a JOIN (
  SELECT 'tariff.read' AS permission UNION SELECT 'tariff.edit' UNION SELECT 'entry.read' UNION SELECT 'entry.reverse'
  UNION SELECT 'refund.create' UNION SELECT 'adjustment.create' UNION SELECT 'approval.read'
  UNION SELECT 'contract.read' UNION SELECT 'contract.edit' UNION SELECT 'meter.edit'
  UNION SELECT 'setting.read' UNION SELECT 'setting.edit' UNION SELECT 'fee.read' UNION SELECT 'fee.edit'
  UNION SELECT 'share.read' UNION SELECT 'share.edit' UNION SELECT 'schedule.edit' UNION SELECT 'alarm.ack'
 ) p WHERE a.code = 'admin';
