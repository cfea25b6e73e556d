-- What the payer reads of an order, and accounts that take no recharge.
ALTER TABLE pay_order ADD COLUMN IF NOT EXISTS description VARCHAR(127) NOT NULL DEFAULT ''
 COMMENT 'what the payer reads; part of the request to the service, so it never changes' AFTER payer_id;
UPDATE pay_order SET description = '预付费充值' WHERE description = '';

CREATE TABLE IF NOT EXISTS recharge_block (
 account_id BIGINT NOT NULL PRIMARY KEY,
 reason VARCHAR(200) NOT NULL,
 actor VARCHAR(64) NOT NULL COMMENT 'who set it',
 set_at BIGINT NOT NULL COMMENT 'utc ms',
 FOREIGN KEY (account_id) REFERENCES account (id)
) COMMENT='purses that take no recharge and no sale; lifted by removal, the audit keeps both';
