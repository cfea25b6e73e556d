-- The payment services' bills of each day against the books.
CREATE TABLE IF NOT EXISTS reconciliation (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 service VARCHAR(16) NOT NULL COMMENT 'wechat, alipay',
 day DATE NOT NULL COMMENT 'of the bill, in Beijing',
 state ENUM('waiting','fetched','ties','differs','resolved') NOT NULL DEFAULT 'waiting'
  COMMENT 'fetched: nothing differs, but the next bill must tell of what was close to midnight',
 revision BIGINT NOT NULL DEFAULT 0 COMMENT 'of the bill; 0: not there yet; grows when the service changed it',
 sha256 CHAR(64) NOT NULL DEFAULT '' COMMENT 'of the rows and sums of this revision',
 rows_n BIGINT NOT NULL DEFAULT 0,
 matched BIGINT NOT NULL DEFAULT 0 COMMENT 'rows of the bill that tie',
 late BIGINT NOT NULL DEFAULT 0 COMMENT 'ours, close to midnight: the next bill must tell',
 unresolved BIGINT NOT NULL DEFAULT 0 COMMENT 'differences that are not resolved',
 paid_fen BIGINT NOT NULL DEFAULT 0 COMMENT 'as the service sums it',
 refunded_fen BIGINT NOT NULL DEFAULT 0,
 fee_nano BIGINT NOT NULL DEFAULT 0 COMMENT 'kept by the service',
 fee_booked_nano BIGINT NOT NULL DEFAULT 0 COMMENT 'of it, booked by entries channel_fee',
 fetched_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: last answer',
 changed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the bill became another one; 0: never',
 fetch_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: when it is to be asked for; 0: no more',
 tries BIGINT NOT NULL DEFAULT 0 COMMENT 'since it was last had',
 error VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'of the last try',
 claimed_by VARCHAR(80) NOT NULL DEFAULT '' COMMENT 'worker that fetches it',
 claimed_until BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 created_by VARCHAR(64) NOT NULL,
 UNIQUE KEY service_day (service, day),
 KEY fetch_at (fetch_at),
 KEY state (state, id)
) COMMENT='one bill of one service of one day';

CREATE TABLE IF NOT EXISTS bill_row (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 reconciliation_id BIGINT NOT NULL,
 revision BIGINT NOT NULL,
 line BIGINT NOT NULL COMMENT 'from 1',
 refund BOOLEAN NOT NULL,
 out_trade_no VARCHAR(64) NOT NULL,
 transaction_id VARCHAR(64) NOT NULL,
 out_refund_no VARCHAR(64) NOT NULL DEFAULT '',
 service_refund_id VARCHAR(64) NOT NULL DEFAULT '',
 state VARCHAR(32) NOT NULL DEFAULT '' COMMENT 'the service''s word',
 amount_fen BIGINT NOT NULL COMMENT 'paid, or given back',
 fee_nano BIGINT NOT NULL COMMENT 'kept by the service; negative when given back',
 at BIGINT NOT NULL COMMENT 'utc ms',
 UNIQUE KEY line (reconciliation_id, revision, line),
 KEY transaction_id (transaction_id),
 KEY out_refund_no (out_refund_no),
 FOREIGN KEY (reconciliation_id) REFERENCES reconciliation (id)
) COMMENT='what the service said, every revision of it; append-only by grant';

CREATE TABLE IF NOT EXISTS bill_difference (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 reconciliation_id BIGINT NOT NULL,
 diff_key VARCHAR(160) NOT NULL COMMENT 'kind, number, which of several, amounts: the same difference is one row',
 kind VARCHAR(24) NOT NULL COMMENT 'missing_here, missing_there, amount, …',
 bill_row_id BIGINT NULL COMMENT 'NULL: not on the bill',
 out_trade_no VARCHAR(64) NOT NULL,
 transaction_id VARCHAR(64) NOT NULL,
 out_refund_no VARCHAR(64) NOT NULL DEFAULT '',
 order_id BIGINT NULL,
 entry_id BIGINT NULL COMMENT 'what is booked here',
 refund_id BIGINT NULL,
 bill_fen BIGINT NOT NULL COMMENT 'by the service; 0: nothing',
 book_fen BIGINT NOT NULL COMMENT 'by the books; 0: nothing',
 fee_nano BIGINT NOT NULL DEFAULT 0,
 state ENUM('open','waiting','resolved') NOT NULL DEFAULT 'open' COMMENT 'waiting: a person waits for the next bill',
 found_at BIGINT NOT NULL COMMENT 'utc ms',
 action VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'how it was resolved; found: by itself',
 reason VARCHAR(200) NOT NULL DEFAULT '',
 actor VARCHAR(64) NOT NULL DEFAULT '',
 resolved_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 resolution_id BIGINT NULL COMMENT 'the entry that resolved it',
 UNIQUE KEY same (reconciliation_id, diff_key),
 KEY state (state, id),
 FOREIGN KEY (reconciliation_id) REFERENCES reconciliation (id),
 FOREIGN KEY (bill_row_id) REFERENCES bill_row (id),
 FOREIGN KEY (order_id) REFERENCES pay_order (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id),
 FOREIGN KEY (refund_id) REFERENCES refund (id),
 FOREIGN KEY (resolution_id) REFERENCES entry (id)
) COMMENT='where a bill and the books do not say the same';

CREATE TABLE IF NOT EXISTS service_payout (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 service VARCHAR(16) NOT NULL,
 amount_fen BIGINT NOT NULL,
 document VARCHAR(64) NOT NULL COMMENT 'number of the bank''s statement',
 reason VARCHAR(200) NOT NULL,
 actor VARCHAR(64) NOT NULL,
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 entry_id BIGINT NOT NULL,
 UNIQUE KEY document (service, document),
 FOREIGN KEY (entry_id) REFERENCES entry (id)
) COMMENT='what a service paid out to the bank; append-only by grant';

ALTER TABLE pay_order ADD KEY IF NOT EXISTS paid (service, paid_at);
ALTER TABLE refund ADD KEY IF NOT EXISTS settled (settled_at);

-- Roles that were shipped before these permissions existed.
INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT id, 'reconciliation.read' FROM role WHERE code IN ('admin', 'finance');
INSERT IGNORE INTO role_permission (role_id, permission)
 SELECT id, 'reconciliation.resolve' FROM role WHERE code IN ('admin', 'finance');
