-- Refunds are sent to their service and asked about until they are final.
ALTER TABLE refund MODIFY COLUMN account_id BIGINT NULL COMMENT 'whose purse; NULL: of a payment that was nobody''s';
ALTER TABLE refund ADD COLUMN IF NOT EXISTS unmatched_id BIGINT NULL COMMENT 'the payment out of suspense that goes back' AFTER order_id;
ALTER TABLE refund ADD COLUMN IF NOT EXISTS service VARCHAR(16) NOT NULL DEFAULT '' COMMENT 'that pays it back; empty at the desk' AFTER method;
ALTER TABLE refund ADD COLUMN IF NOT EXISTS sent_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: first given to the service; 0: not yet' AFTER note;
ALTER TABLE refund ADD COLUMN IF NOT EXISTS ask_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: when the worker sends it or asks next; 0: never' AFTER sent_at;
ALTER TABLE refund ADD COLUMN IF NOT EXISTS asks BIGINT NOT NULL DEFAULT 0 AFTER ask_at;
ALTER TABLE refund ADD COLUMN IF NOT EXISTS said VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'the service''s last word, if it was no' AFTER asks;
ALTER TABLE refund ADD KEY IF NOT EXISTS ask_at (service, ask_at);
ALTER TABLE refund ADD KEY IF NOT EXISTS unmatched_id (unmatched_id);
ALTER TABLE refund ADD CONSTRAINT refund_unmatched FOREIGN KEY IF NOT EXISTS (unmatched_id) REFERENCES pay_unmatched (id);
UPDATE refund r JOIN pay_order o ON o.id = r.order_id SET r.service = o.service,
 r.ask_at = IF(r.state IN ('requested', 'accepted'), r.created_at, 0) WHERE r.service = '';
ALTER TABLE pay_order ADD KEY IF NOT EXISTS service_query (service, query_at);
