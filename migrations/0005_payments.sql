-- Orders, notifications, shifts, sales.
CREATE TABLE IF NOT EXISTS pay_order (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 out_trade_no VARCHAR(32) NOT NULL UNIQUE,
 account_id BIGINT NOT NULL,
 user_id BIGINT NULL,
 amount_fen BIGINT NOT NULL,
 channel VARCHAR(24) NOT NULL COMMENT 'wechat_native, wechat_h5, alipay_wap, …',
 service VARCHAR(16) NOT NULL COMMENT 'wechat, alipay',
 state ENUM('created','pending','paid','closed') NOT NULL DEFAULT 'created',
 payer_address VARCHAR(64) NOT NULL DEFAULT '',
 pay TEXT NOT NULL COMMENT 'JSON for the page; empty until the service has answered',
 transaction_id VARCHAR(64) NULL COMMENT 'the service''s number',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 expires_at BIGINT NOT NULL COMMENT 'utc ms: last moment to pay',
 paid_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: success_time of the service',
 credited_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: entry written here',
 closed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 paid_after_close BOOLEAN NOT NULL DEFAULT 0,
 entry_id BIGINT NULL,
 supply_restored_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: relay read back on after this order; 0: it was not off, or not yet',
 supply_was_off BOOLEAN NOT NULL DEFAULT 0 COMMENT 'when it was credited',
 query_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: when the worker asks next; 0: final',
 queries BIGINT NOT NULL DEFAULT 0,
 UNIQUE KEY transaction (service, transaction_id),
 KEY account (account_id, id),
 KEY query_at (query_at),
 FOREIGN KEY (account_id) REFERENCES account (id),
 FOREIGN KEY (user_id) REFERENCES user (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id)
) COMMENT='recharges through a payment service';

CREATE TABLE IF NOT EXISTS pay_notify (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 service VARCHAR(16) NOT NULL,
 received_at BIGINT NOT NULL COMMENT 'utc ms',
 out_trade_no VARCHAR(64) NOT NULL DEFAULT '',
 transaction_id VARCHAR(64) NOT NULL DEFAULT '',
 outcome VARCHAR(32) NOT NULL COMMENT 'credited, repeated, unknown_order, amount, bad_signature, …',
 detail VARCHAR(400) NOT NULL DEFAULT '',
 KEY order_no (out_trade_no)
) COMMENT='every notification and what came of it; refused ones too';

CREATE TABLE IF NOT EXISTS shift (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 user_id BIGINT NOT NULL,
 opened_at BIGINT NOT NULL COMMENT 'utc ms',
 closed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: open',
 counted_fen BIGINT NOT NULL DEFAULT 0,
 open_key BIGINT NULL UNIQUE COMMENT 'user id while open: one open shift a user',
 FOREIGN KEY (user_id) REFERENCES user (id)
) COMMENT='a cashier''s drawer';

CREATE TABLE IF NOT EXISTS sale (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 shift_id BIGINT NOT NULL,
 method ENUM('cash','pos','transfer') NOT NULL,
 total_fen BIGINT NOT NULL,
 tendered_fen BIGINT NOT NULL,
 note VARCHAR(200) NOT NULL DEFAULT '',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 entry_id BIGINT NOT NULL,
 FOREIGN KEY (shift_id) REFERENCES shift (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id)
) COMMENT='sales at the desk; one receipt each';
