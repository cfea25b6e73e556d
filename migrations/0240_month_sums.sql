-- Sums of sealed days by month, so that a report over a year reads twelve rows where it would read 365. The days stay
-- the truth: these rows can be made from them again, and yufu verify ties the two.
CREATE TABLE IF NOT EXISTS usage_month (
 site_id BIGINT NOT NULL,
 month BIGINT NOT NULL COMMENT 'of the book days: 202611',
 meter_id BIGINT NOT NULL,
 contract_id BIGINT NOT NULL COMMENT '0: none',
 account_id BIGINT NOT NULL COMMENT '0: measured only',
 rate VARCHAR(32) NOT NULL,
 qty_milli BIGINT NOT NULL,
 charge_nano BIGINT NOT NULL,
 late_milli BIGINT NOT NULL COMMENT 'the part that was used on an earlier day than its book day',
 PRIMARY KEY (site_id, month, meter_id, contract_id, account_id, rate),
 KEY meter (meter_id)
) COMMENT='usage_day of sealed book days, by month';

CREATE TABLE IF NOT EXISTS posting_month (
 site_id BIGINT NOT NULL COMMENT 'of the entries',
 month BIGINT NOT NULL COMMENT 'of the book days: 202611',
 account_id BIGINT NOT NULL COMMENT 'purses and agreed debts only',
 kind VARCHAR(24) NOT NULL COMMENT 'of the entries',
 amount_nano BIGINT NOT NULL,
 PRIMARY KEY (site_id, month, account_id, kind),
 KEY account (account_id)
) COMMENT='postings of sealed book days, by month';

-- Days that were sealed before are added by the worker, one after the other.
ALTER TABLE book_day ADD COLUMN IF NOT EXISTS summed_at BIGINT NOT NULL DEFAULT 0
 COMMENT 'utc ms: since when the day is part of the month''s sums; 0: not yet';
