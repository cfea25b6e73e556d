-- What tenants ask to have invoiced, and what became of it. The tax platform issues; here it is kept that nothing is
-- invoiced twice.
CREATE TABLE IF NOT EXISTS invoice (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 account_id BIGINT NOT NULL COMMENT 'of all its recharges',
 user_id BIGINT NOT NULL COMMENT 'the login that asked',
 kind ENUM('personal','company') NOT NULL,
 title VARCHAR(100) NOT NULL COMMENT 'to whom it is made out',
 tax_no VARCHAR(20) NOT NULL DEFAULT '' COMMENT 'of a company',
 email VARCHAR(100) NOT NULL,
 note VARCHAR(200) NOT NULL DEFAULT '',
 state ENUM('asked','issued','refused','withdrawn','voided') NOT NULL DEFAULT 'asked',
 amount_fen BIGINT NOT NULL COMMENT 'paid less refunded when it was asked for, or last looked at; of an issued one what it says',
 asked_at BIGINT NOT NULL COMMENT 'utc ms',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 number VARCHAR(40) NULL UNIQUE COMMENT 'of the invoice; an old one''s code and number together',
 date DATE NULL COMMENT 'of the invoice',
 url VARCHAR(500) NOT NULL DEFAULT '' COMMENT 'where it can be fetched',
 reason VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'why it was refused or voided',
 red_number VARCHAR(40) NULL UNIQUE COMMENT 'of the red invoice that voided it',
 decided_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: issued, refused or withdrawn',
 decided_by VARCHAR(64) NOT NULL DEFAULT '',
 voided_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 voided_by VARCHAR(64) NOT NULL DEFAULT '',
 KEY account (account_id, id),
 KEY user (user_id, id),
 KEY state (state, id),
 FOREIGN KEY (account_id) REFERENCES account (id),
 FOREIGN KEY (user_id) REFERENCES user (id),
 CHECK (amount_fen >= 0),
 CHECK (kind = 'personal' OR tax_no <> '')
) COMMENT='requests for invoices and their outcome';

CREATE TABLE IF NOT EXISTS invoice_order (
 invoice_id BIGINT NOT NULL,
 order_id BIGINT NOT NULL,
 amount_fen BIGINT NOT NULL COMMENT 'part of the invoice''s amount',
 live_order BIGINT NULL UNIQUE COMMENT 'the order while its request is asked or issued: one live request an order',
 PRIMARY KEY (invoice_id, order_id),
 KEY order_id (order_id),
 FOREIGN KEY (invoice_id) REFERENCES invoice (id),
 FOREIGN KEY (order_id) REFERENCES pay_order (id),
 CHECK (live_order IS NULL OR live_order = order_id),
 CHECK (amount_fen >= 0)
) COMMENT='recharges of a request';
