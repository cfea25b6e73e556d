-- Gateways that dial in, the health of a bus by kinds of failure, and how long things were away.
ALTER TABLE gateway
 ADD COLUMN IF NOT EXISTS registration VARCHAR(127) NOT NULL DEFAULT '{id}' COMMENT 'dial-in: how the address (its id) looks on the wire: {id} as text, {hex} as bytes, \\xNN',
 ADD COLUMN IF NOT EXISTS heartbeat VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'dial-in: what it sends to show that it is there; such texts with blanks between';
ALTER TABLE gateway_state
 ADD COLUMN IF NOT EXISTS answer_p50_ms BIGINT NOT NULL DEFAULT 0 COMMENT 'half of the answers came within this time, the line included',
 ADD COLUMN IF NOT EXISTS answer_p95_ms BIGINT NOT NULL DEFAULT 0,
 ADD COLUMN IF NOT EXISTS answer_p99_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE meter_state
 ADD COLUMN IF NOT EXISTS fault VARCHAR(24) NOT NULL DEFAULT '' COMMENT 'kind of the last failed request: as in gateway_fault';

CREATE TABLE IF NOT EXISTS gateway_fault (
 gateway_id BIGINT NOT NULL,
 kind VARCHAR(24) NOT NULL COMMENT 'short, long, crc, foreign, late, noise, lying, silent, unreachable, lost, exception_2, …',
 seen BIGINT NOT NULL DEFAULT 0 COMMENT 'how often, ever',
 last_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 PRIMARY KEY (gateway_id, kind),
 FOREIGN KEY (gateway_id) REFERENCES gateway (id)
) COMMENT='replies that were none, by kind: never decoded, never charged';

CREATE TABLE IF NOT EXISTS outage (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 object_kind ENUM('gateway','meter') NOT NULL,
 object_id BIGINT NOT NULL,
 from_at BIGINT NOT NULL COMMENT 'utc ms: last sign of life',
 until_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms; 0: still away',
 open_key VARCHAR(40) NULL UNIQUE COMMENT 'kind:id while it is away',
 KEY object (object_kind, object_id, from_at)
) COMMENT='when a gateway, or a meter behind a gateway that answered, was silent';

CREATE TABLE IF NOT EXISTS reception (
 poller VARCHAR(63) NOT NULL PRIMARY KEY COMMENT '[poller] name',
 accepted BIGINT NOT NULL DEFAULT 0 COMMENT 'connections, since the poller started',
 turned_away BIGINT NOT NULL DEFAULT 0 COMMENT 'too many at a time, or silent about who they are',
 unknown BIGINT NOT NULL DEFAULT 0 COMMENT 'said something that is no gateway',
 elsewhere BIGINT NOT NULL DEFAULT 0 COMMENT 'of a gateway whose bus another poller has: closed, to dial again',
 refused BIGINT NOT NULL DEFAULT 0 COMMENT 'of a gateway that has a working connection',
 updated_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms'
) COMMENT='gateways that dial in, as each poller saw them';
