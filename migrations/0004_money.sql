-- Accounts, entries, postings, tariffs, settlement.
-- *_nano: 1e-9 yuan. A posting is positive when it credits the account.
CREATE TABLE IF NOT EXISTS account (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(64) NOT NULL UNIQUE COMMENT 'purse:<contract>:<purpose>, clearing:wechat, energy, …',
 kind VARCHAR(24) NOT NULL COMMENT 'purse, clearing, drawer, bank, energy, water, suspense, opening, …',
 contract_id BIGINT NULL COMMENT 'purses only',
 purpose ENUM('','electricity','water','fee') NOT NULL DEFAULT '',
 balance_nano BIGINT NOT NULL DEFAULT 0 COMMENT 'purses only: postings minus charges of open days',
 credit_limit_nano BIGINT NOT NULL DEFAULT 0,
 warn1_nano BIGINT NOT NULL DEFAULT 0,
 warn2_nano BIGINT NOT NULL DEFAULT 0,
 level ENUM('ok','low1','low2','arrears') NOT NULL DEFAULT 'ok',
 level_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 emergency_limit_nano BIGINT NOT NULL DEFAULT 0 COMMENT 'emergency credit that may be taken; 0: none',
 emergency_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: taken and not yet repaid; 0: armed',
 seen BIGINT NOT NULL DEFAULT 0 COMMENT 'written by money transactions that need no other column',
 KEY contract (contract_id),
 FOREIGN KEY (contract_id) REFERENCES contract (id)
) COMMENT='chart of accounts and purses';

CREATE TABLE IF NOT EXISTS contract_point (
 contract_id BIGINT NOT NULL,
 supply_point_id BIGINT NOT NULL,
 account_id BIGINT NOT NULL COMMENT 'the purse that pays for it',
 from_at BIGINT NOT NULL COMMENT 'utc ms',
 to_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: open',
 PRIMARY KEY (supply_point_id, from_at),
 KEY contract (contract_id),
 KEY account (account_id),
 FOREIGN KEY (contract_id) REFERENCES contract (id),
 FOREIGN KEY (supply_point_id) REFERENCES supply_point (id),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='which supply points a contract pays for';

CREATE TABLE IF NOT EXISTS sub_tenant (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 contract_id BIGINT NOT NULL,
 supply_point_id BIGINT NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL,
 FOREIGN KEY (contract_id) REFERENCES contract (id),
 FOREIGN KEY (supply_point_id) REFERENCES supply_point (id)
) COMMENT='supply points below a tenant''s own meter that the tenant may switch';

CREATE TABLE IF NOT EXISTS entry (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 kind VARCHAR(24) NOT NULL COMMENT 'recharge, sale, opening, energy, reversal, …',
 once_key VARCHAR(128) NOT NULL UNIQUE COMMENT 'makes the same entry impossible twice',
 reference VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'order:17, sale:3, day:2026-11-22',
 actor VARCHAR(64) NOT NULL,
 book_day DATE NOT NULL COMMENT 'local day of the site',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 memo VARCHAR(200) NOT NULL DEFAULT '',
 KEY book_day (book_day)
) COMMENT='append-only by grant; postings sum to zero';

CREATE TABLE IF NOT EXISTS posting (
 entry_id BIGINT NOT NULL,
 line BIGINT NOT NULL,
 account_id BIGINT NOT NULL,
 amount_nano BIGINT NOT NULL COMMENT 'positive credits the account',
 PRIMARY KEY (entry_id, line),
 KEY account (account_id, entry_id),
 FOREIGN KEY (entry_id) REFERENCES entry (id),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='append-only by grant';

CREATE TABLE IF NOT EXISTS tariff (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL,
 utility ENUM('electricity','water') NOT NULL,
 revision BIGINT NOT NULL DEFAULT 1 COMMENT 'grows with every change of doc',
 doc MEDIUMTEXT NOT NULL COMMENT 'the tariff file, JSON'
) COMMENT='prices';

CREATE TABLE IF NOT EXISTS meter_tariff (
 meter_id BIGINT NOT NULL,
 from_at BIGINT NOT NULL COMMENT 'utc ms',
 tariff_id BIGINT NOT NULL,
 PRIMARY KEY (meter_id, from_at),
 FOREIGN KEY (meter_id) REFERENCES meter (id),
 FOREIGN KEY (tariff_id) REFERENCES tariff (id)
) COMMENT='the tariff of a meter, by effective time';

CREATE TABLE IF NOT EXISTS settled (
 meter_id BIGINT NOT NULL PRIMARY KEY,
 read_at BIGINT NOT NULL COMMENT 'utc ms: the last settled reading',
 register_milli BIGINT NOT NULL,
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='how far each meter is settled; its lock makes settlement idempotent';

CREATE TABLE IF NOT EXISTS settlement (
 meter_id BIGINT NOT NULL,
 to_at BIGINT NOT NULL COMMENT 'utc ms',
 from_at BIGINT NOT NULL COMMENT 'utc ms',
 from_milli BIGINT NOT NULL,
 to_milli BIGINT NOT NULL,
 account_id BIGINT NULL COMMENT 'the purse charged; NULL: measured only',
 charge_nano BIGINT NOT NULL,
 evidence TEXT NOT NULL COMMENT 'JSON: [[day, rate, tier, price, qty_milli, tariff id, version ms], …]',
 PRIMARY KEY (meter_id, to_at)
) PAGE_COMPRESSED=1 COMMENT='evidence of every settled interval with use; kept for good';

CREATE TABLE IF NOT EXISTS usage_day (
 meter_id BIGINT NOT NULL,
 day DATE NOT NULL COMMENT 'local day of the site',
 contract_id BIGINT NOT NULL COMMENT '0: none',
 account_id BIGINT NOT NULL COMMENT '0: measured only',
 tariff_id BIGINT NOT NULL COMMENT '0: none',
 version_at BIGINT NOT NULL COMMENT 'utc ms: effective_from',
 rate VARCHAR(32) NOT NULL,
 tier BIGINT NOT NULL,
 price_micro BIGINT NOT NULL,
 qty_milli BIGINT NOT NULL DEFAULT 0,
 charge_nano BIGINT NOT NULL DEFAULT 0,
 sealed BOOLEAN NOT NULL DEFAULT 0 COMMENT 'posted as an entry; the row is frozen',
 PRIMARY KEY (meter_id, day, contract_id, tariff_id, version_at, rate, tier, price_micro),
 KEY account_day (account_id, day)
) COMMENT='use and charge per local day; charges of open days are not yet entries';

CREATE TABLE IF NOT EXISTS tier_use (
 contract_id BIGINT NOT NULL,
 supply_point_id BIGINT NOT NULL,
 cycle VARCHAR(7) NOT NULL COMMENT '2026-03, 2026 or empty',
 used_milli BIGINT NOT NULL,
 PRIMARY KEY (contract_id, supply_point_id)
) COMMENT='how much of the present tier cycle is used';
