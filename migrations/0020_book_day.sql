-- Sealing of book days: which days are closed, whose books take a charge, whose day an entry is of.
CREATE TABLE IF NOT EXISTS book_day (
 site_id BIGINT NOT NULL,
 day DATE NOT NULL COMMENT 'local day of the site; days are closed in order, none is skipped',
 closed_at BIGINT NOT NULL COMMENT 'utc ms: from here on the day takes no charge and no entry',
 sealed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: all charges posted and hashed; 0: not yet',
 entries BIGINT NOT NULL DEFAULT 0 COMMENT 'how many entries the day has',
 sha256 CHAR(64) NOT NULL DEFAULT '' COMMENT 'of prev_sha256 and the canonical text of the entries',
 prev_sha256 CHAR(64) NOT NULL COMMENT 'of the day before; zeros for the first',
 PRIMARY KEY (site_id, day),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='closed days of the books, chained by hash';

ALTER TABLE usage_day ADD COLUMN IF NOT EXISTS book_day DATE NOT NULL DEFAULT (day)
 COMMENT 'whose books take the charge: day itself, or the day of arrival when day was closed';
UPDATE usage_day SET book_day = day WHERE NOT sealed AND book_day < day;
ALTER TABLE usage_day DROP PRIMARY KEY,
 ADD PRIMARY KEY (meter_id, day, contract_id, tariff_id, version_at, rate, tier, price_micro, book_day),
 ADD KEY IF NOT EXISTS unsealed (sealed, book_day, meter_id);

ALTER TABLE entry ADD COLUMN IF NOT EXISTS site_id BIGINT NOT NULL DEFAULT 0
 COMMENT 'whose book_day it is',
 ADD KEY IF NOT EXISTS site_day (site_id, book_day);
-- Entries of before: the site of a purse in them, or the first site, where desks keep their day.
UPDATE entry e SET site_id = COALESCE((SELECT MIN(t.site_id) FROM posting p
 JOIN account a ON a.id = p.account_id JOIN contract c ON c.id = a.contract_id
 JOIN tenant t ON t.id = c.tenant_id WHERE p.entry_id = e.id), (SELECT MIN(id) FROM site), 0)
 WHERE site_id = 0;

-- Roles that were shipped before the permission existed.
INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT id, 'day.seal' FROM role WHERE code IN ('admin', 'finance');
