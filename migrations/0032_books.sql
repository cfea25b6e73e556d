-- Reversals, refunds, adjustments, subsidies and allowances, agreed repayment of debt, refused attempts.
ALTER TABLE account
 ADD COLUMN IF NOT EXISTS subsidy_nano BIGINT NOT NULL DEFAULT 0
  COMMENT 'purses: subsidy and allowance not used yet; part of the balance, spent first, never refunded',
 ADD COLUMN IF NOT EXISTS allowance_nano BIGINT NOT NULL DEFAULT 0
  COMMENT 'purses: of subsidy_nano, what is left of this month''s allowance';

CREATE TABLE IF NOT EXISTS reversal (
 entry_id BIGINT NOT NULL PRIMARY KEY COMMENT 'what was reversed: once',
 reversal_id BIGINT NOT NULL UNIQUE COMMENT 'the mirror entry',
 once_key VARCHAR(128) NOT NULL COMMENT 'of the request',
 reason VARCHAR(200) NOT NULL,
 FOREIGN KEY (entry_id) REFERENCES entry (id),
 FOREIGN KEY (reversal_id) REFERENCES entry (id)
) COMMENT='which entry undoes which; append-only by grant';

CREATE TABLE IF NOT EXISTS refund (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 account_id BIGINT NOT NULL,
 order_id BIGINT NULL COMMENT 'back through the service that took it; NULL: at the desk',
 method ENUM('cash','bank','service') NOT NULL,
 amount_fen BIGINT NOT NULL,
 reason VARCHAR(200) NOT NULL,
 state ENUM('requested','accepted','done','failed','person') NOT NULL
  COMMENT 'until done or failed the money lies in refund_due',
 out_refund_no VARCHAR(32) NOT NULL UNIQUE COMMENT 'our number at the service',
 service_refund_id VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'the service''s number',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 actor VARCHAR(64) NOT NULL,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 entry_id BIGINT NOT NULL COMMENT 'purse to refund_due',
 settled_entry_id BIGINT NULL COMMENT 'refund_due to drawer, bank or clearing; or the mirror',
 settled_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 settled_by VARCHAR(64) NOT NULL DEFAULT '',
 note VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'of who settled it',
 KEY account (account_id, id),
 KEY order_id (order_id),
 KEY state (state, id),
 FOREIGN KEY (account_id) REFERENCES account (id),
 FOREIGN KEY (order_id) REFERENCES pay_order (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id),
 FOREIGN KEY (settled_entry_id) REFERENCES entry (id)
) COMMENT='money that goes back; failed ones stay';

CREATE TABLE IF NOT EXISTS attempt (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 site_id BIGINT NOT NULL,
 kind VARCHAR(24) NOT NULL COMMENT 'sale, order, refund, reversal, adjustment',
 account_id BIGINT NOT NULL DEFAULT 0 COMMENT 'the first that was named; 0: none',
 amount_fen BIGINT NOT NULL,
 code VARCHAR(32) NOT NULL COMMENT 'word of the error',
 why VARCHAR(300) NOT NULL,
 actor VARCHAR(64) NOT NULL,
 at BIGINT NOT NULL COMMENT 'utc ms',
 KEY account (account_id, id),
 KEY site (site_id, id)
) COMMENT='what was refused, and why; append-only by grant';

CREATE TABLE IF NOT EXISTS sale_line (
 sale_id BIGINT NOT NULL,
 line BIGINT NOT NULL COMMENT 'from 1',
 account_id BIGINT NOT NULL,
 amount_fen BIGINT NOT NULL COMMENT 'paid: for the purse, the service and old debt',
 service_fen BIGINT NOT NULL DEFAULT 0,
 debt_fen BIGINT NOT NULL DEFAULT 0,
 PRIMARY KEY (sale_id, line),
 FOREIGN KEY (sale_id) REFERENCES sale (id),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='what a receipt says; append-only by grant';
INSERT IGNORE INTO sale_line (sale_id, line, account_id, amount_fen)
 SELECT s.id, p.line - 1, p.account_id, p.amount_nano DIV 10000000 FROM sale s
 JOIN posting p ON p.entry_id = s.entry_id AND p.line > 1;
ALTER TABLE sale ADD COLUMN IF NOT EXISTS reprints BIGINT NOT NULL DEFAULT 0
 COMMENT 'copies of the receipt';

CREATE TABLE IF NOT EXISTS contract_debt (
 contract_id BIGINT NOT NULL PRIMARY KEY,
 permille BIGINT NOT NULL COMMENT 'of each recharge; 0: none is taken',
 cap_fen BIGINT NOT NULL COMMENT 'at most this of one recharge',
 FOREIGN KEY (contract_id) REFERENCES contract (id)
) COMMENT='agreed repayment of old debt';

CREATE TABLE IF NOT EXISTS contract_allowance (
 contract_id BIGINT NOT NULL PRIMARY KEY,
 account_id BIGINT NOT NULL COMMENT 'the purse that gets it',
 unit ENUM('yuan','kwh') NOT NULL,
 amount_milli BIGINT NOT NULL COMMENT 'a month: thousandths of a yuan or of a kWh',
 price_micro BIGINT NOT NULL COMMENT 'what a kWh of it is worth; of a yuan: 1000000',
 last_month CHAR(7) NOT NULL DEFAULT '' COMMENT 'given last: 2026-11',
 FOREIGN KEY (contract_id) REFERENCES contract (id),
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='free allowance at the start of each month';
