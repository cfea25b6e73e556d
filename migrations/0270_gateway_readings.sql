-- How many readings came over each bus, for the figures.
ALTER TABLE gateway_state ADD COLUMN IF NOT EXISTS readings BIGINT NOT NULL DEFAULT 0
 COMMENT 'of meters, that came in whole and were handed on; since the poller started';
