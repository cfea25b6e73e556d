-- Orders and filters of long lists: a page begins where an index leads, not at the first row.
ALTER TABLE entry ADD KEY IF NOT EXISTS kind (kind, id);

ALTER TABLE pay_order ADD KEY IF NOT EXISTS created (created_at);

ALTER TABLE pay_order ADD KEY IF NOT EXISTS paid (paid_at);

ALTER TABLE attempt ADD KEY IF NOT EXISTS at (at);

ALTER TABLE outbox ADD KEY IF NOT EXISTS created (created_at);

ALTER TABLE webhook_delivery ADD KEY IF NOT EXISTS created (webhook_id, created_at);
