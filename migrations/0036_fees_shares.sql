-- Fees by the month, the list of supplies to be cut for them, and shared energy.
CREATE TABLE IF NOT EXISTS contract_fee (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 contract_id BIGINT NOT NULL,
 account_id BIGINT NOT NULL COMMENT 'the fee purse that pays',
 kind ENUM('property_fee','rent') NOT NULL,
 monthly_fen BIGINT NOT NULL COMMENT 'a whole month; part months by days',
 from_day DATE NOT NULL COMMENT 'first day that is paid for',
 to_day DATE NULL COMMENT 'last day that is paid for; NULL: open; the day before from_day: none',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 actor VARCHAR(64) NOT NULL,
 once_key VARCHAR(128) NOT NULL UNIQUE,
 KEY contract (contract_id),
 FOREIGN KEY (contract_id) REFERENCES contract (id),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='what a contract pays by the month; a new price is a new row';

CREATE TABLE IF NOT EXISTS fee_charge (
 contract_fee_id BIGINT NOT NULL,
 month CHAR(7) NOT NULL COMMENT '2026-11',
 version BIGINT NOT NULL COMMENT '1: at the start of the month; later ones correct it',
 days BIGINT NOT NULL COMMENT 'of the month that are paid for',
 amount_fen BIGINT NOT NULL COMMENT 'of the entry; the sum of all versions is what the month costs',
 entry_id BIGINT NOT NULL,
 PRIMARY KEY (contract_fee_id, month, version),
 FOREIGN KEY (contract_fee_id) REFERENCES contract_fee (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id)
) COMMENT='months that were charged; append-only';

CREATE TABLE IF NOT EXISTS fee_due (
 account_id BIGINT NOT NULL,
 month CHAR(7) NOT NULL,
 amount_fen BIGINT NOT NULL,
 told_at BIGINT NOT NULL COMMENT 'utc ms',
 PRIMARY KEY (account_id, month),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='tenants that were told that the balance does not cover the next month';

CREATE TABLE IF NOT EXISTS fee_cut (
 approval_id BIGINT NOT NULL,
 account_id BIGINT NOT NULL COMMENT 'fee purse that was short',
 balance_nano BIGINT NOT NULL COMMENT 'when it was listed',
 month CHAR(7) NOT NULL COMMENT 'in which it was listed',
 cut_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: approved and still short; 0: not cut',
 PRIMARY KEY (approval_id, account_id),
 KEY account (account_id),
 FOREIGN KEY (approval_id) REFERENCES approval (id),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='lists of contracts whose electricity is to be cut for a fee, each for one approval';

CREATE TABLE IF NOT EXISTS share_group (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 site_id BIGINT NOT NULL,
 name VARCHAR(64) NOT NULL,
 utility ENUM('electricity','water') NOT NULL,
 basis ENUM('ratio','area','equal') NOT NULL,
 kind ENUM('public','loss') NOT NULL,
 purse ENUM('utility','fee') NOT NULL COMMENT 'which purse of a contract pays',
 from_day DATE NOT NULL COMMENT 'first day that is shared',
 to_day DATE NULL COMMENT 'last day that is shared; NULL: open',
 run_to DATE NOT NULL COMMENT 'days up to here were shared',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 KEY site (site_id),
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='energy that several contracts pay together';

CREATE TABLE IF NOT EXISTS share_source (
 group_id BIGINT NOT NULL,
 line BIGINT NOT NULL COMMENT 'order: of a set with signs the first + gives the prices',
 meter_id BIGINT NOT NULL,
 sign TINYINT NOT NULL COMMENT '+1 or -1',
 PRIMARY KEY (group_id, meter_id),
 FOREIGN KEY (group_id) REFERENCES share_group (id),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='meters whose use is shared';

CREATE TABLE IF NOT EXISTS share_target (
 group_id BIGINT NOT NULL,
 from_day DATE NOT NULL COMMENT 'the rows of the latest from_day up to a day are the sharers of that day',
 contract_id BIGINT NOT NULL,
 weight BIGINT NOT NULL COMMENT 'millionths; thousandths of m2 as they were then; 1',
 PRIMARY KEY (group_id, from_day, contract_id),
 FOREIGN KEY (group_id) REFERENCES share_group (id),
 FOREIGN KEY (contract_id) REFERENCES contract (id)
) COMMENT='who shares';

CREATE TABLE IF NOT EXISTS share_run (
 group_id BIGINT NOT NULL,
 day DATE NOT NULL COMMENT 'local day of use',
 version BIGINT NOT NULL COMMENT '1, and one more for each correction by late energy',
 run_at BIGINT NOT NULL COMMENT 'utc ms',
 seen_milli BIGINT NOT NULL COMMENT 'use of all sources, without signs: other use is late energy',
 seen_nano BIGINT NOT NULL,
 complete BOOLEAN NOT NULL COMMENT 'all sources had been read past the end of the day',
 net_milli BIGINT NOT NULL COMMENT 'use of the sources with their signs',
 qty_milli BIGINT NOT NULL COMMENT 'shared: parts and owner sum to it; net_milli, or 0 when that is below',
 charge_nano BIGINT NOT NULL,
 owner_milli BIGINT NOT NULL,
 owner_nano BIGINT NOT NULL,
 PRIMARY KEY (group_id, day, version),
 FOREIGN KEY (group_id) REFERENCES share_group (id)
) COMMENT='days that were shared; append-only; each version is whole';

CREATE TABLE IF NOT EXISTS share_part (
 group_id BIGINT NOT NULL,
 day DATE NOT NULL,
 version BIGINT NOT NULL,
 contract_id BIGINT NOT NULL,
 weight BIGINT NOT NULL COMMENT 'times the seconds of the day that the contract was in force',
 of_weight BIGINT NOT NULL COMMENT 'all weights times the seconds of the day',
 qty_milli BIGINT NOT NULL,
 charge_nano BIGINT NOT NULL,
 account_id BIGINT NOT NULL COMMENT 'debited: a purse, or the debt of a contract that has ended',
 entry_id BIGINT NULL COMMENT 'the difference to the version before; NULL: there is none',
 PRIMARY KEY (group_id, day, version, contract_id),
 KEY contract (contract_id, day),
 FOREIGN KEY (group_id) REFERENCES share_group (id),
 FOREIGN KEY (contract_id) REFERENCES contract (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id)
) COMMENT='the parts of a day; append-only';

CREATE TABLE IF NOT EXISTS share_line (
 group_id BIGINT NOT NULL,
 day DATE NOT NULL,
 version BIGINT NOT NULL,
 contract_id BIGINT NOT NULL COMMENT '0: the owner',
 meter_id BIGINT NOT NULL COMMENT 'whose tariff gave the price',
 rate VARCHAR(32) NOT NULL,
 tier BIGINT NOT NULL,
 price_micro BIGINT NOT NULL,
 of_milli BIGINT NOT NULL COMMENT 'what was split',
 qty_milli BIGINT NOT NULL,
 charge_nano BIGINT NOT NULL,
 PRIMARY KEY (group_id, day, version, meter_id, rate, tier, price_micro, contract_id),
 KEY contract (contract_id, day),
 FOREIGN KEY (group_id) REFERENCES share_group (id)
) COMMENT='how each part came about; append-only';
