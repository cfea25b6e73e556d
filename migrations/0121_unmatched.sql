-- Payments that are nobody's yet: a person gives each to a purse, back to its payer, or says what it is.
CREATE TABLE IF NOT EXISTS pay_unmatched (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 service VARCHAR(16) NOT NULL COMMENT 'wechat, alipay',
 transaction_id VARCHAR(64) NOT NULL COMMENT 'the service''s number, of a payment or of a refund',
 out_trade_no VARCHAR(64) NOT NULL COMMENT 'as the service said it',
 order_id BIGINT NULL COMMENT 'of that number, if there is one',
 amount_fen BIGINT NOT NULL COMMENT 'as the service said it; 0: it did not',
 currency CHAR(3) NOT NULL,
 why ENUM('unknown_order','amount','second_payment','refund') NOT NULL
  COMMENT 'refund: money that the service gave back and nobody asked for here',
 paid_at BIGINT NOT NULL COMMENT 'utc ms, by the service',
 seen_at BIGINT NOT NULL COMMENT 'utc ms: first told of',
 state ENUM('open','matched','credited','refunded','closed') NOT NULL DEFAULT 'open'
  COMMENT 'matched: its order was credited by it after all; closed: settled elsewhere, as the note says',
 suspense_entry_id BIGINT NULL COMMENT 'clearing to suspense; NULL: not booked',
 account_id BIGINT NULL COMMENT 'credited: to which purse',
 entry_id BIGINT NULL COMMENT 'credited: suspense to that purse',
 once_key VARCHAR(128) NULL UNIQUE COMMENT 'of the request that credited or closed it',
 resolved_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 resolved_by VARCHAR(64) NOT NULL DEFAULT '',
 note VARCHAR(200) NOT NULL DEFAULT '',
 UNIQUE KEY transaction (service, transaction_id),
 KEY state (state, id),
 KEY order_id (order_id),
 FOREIGN KEY (order_id) REFERENCES pay_order (id),
 FOREIGN KEY (suspense_entry_id) REFERENCES entry (id),
 FOREIGN KEY (account_id) REFERENCES account (id),
 FOREIGN KEY (entry_id) REFERENCES entry (id)
) COMMENT='payments that no order took, and what a person made of them';
INSERT IGNORE INTO pay_unmatched (service, transaction_id, out_trade_no, order_id, amount_fen, currency, why, paid_at, seen_at, suspense_entry_id)
 SELECT o.service, SUBSTRING(e.once_key, 11 + CHAR_LENGTH(o.service)), o.out_trade_no, o.id, o.amount_fen, 'CNY', 'second_payment',
  e.created_at, e.created_at, e.id
 FROM entry e JOIN pay_order o ON o.out_trade_no = e.memo WHERE e.kind = 'suspense';
INSERT IGNORE INTO pay_unmatched (service, transaction_id, out_trade_no, order_id, amount_fen, currency, why, paid_at, seen_at)
 SELECT n.service, n.transaction_id, n.out_trade_no, o.id, 0, 'CNY', n.outcome, n.received_at, n.received_at
 FROM pay_notify n LEFT JOIN pay_order o ON o.out_trade_no = n.out_trade_no
 WHERE n.outcome IN ('amount', 'unknown_order') AND n.transaction_id <> '' AND NOT COALESCE(o.transaction_id = n.transaction_id, 0);
