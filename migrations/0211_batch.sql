-- Orders to many meters at once: previewed, confirmed, worked off one meter at a time.
CREATE TABLE IF NOT EXISTS batch (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 site_id BIGINT NOT NULL COMMENT 'all meters of a batch are at one site',
 action ENUM('on','off','keep','auto','read') NOT NULL,
 until_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: end of a keep',
 reason VARCHAR(200) NOT NULL,
 state ENUM('preview','approval','running','done') NOT NULL DEFAULT 'preview' COMMENT 'approval: a second person decides; done: each meter has its end',
 user_id BIGINT NOT NULL COMMENT 'who made it',
 name VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'shown beside blocks and acts',
 address VARCHAR(45) NOT NULL DEFAULT '' COMMENT 'of that client',
 created_at BIGINT NOT NULL COMMENT 'utc ms',
 expires_at BIGINT NOT NULL COMMENT 'utc ms: not confirmed by then, it never is',
 confirmed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 approval_id BIGINT NULL,
 started_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: confirmed, and approved where it had to be',
 done_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 once_key VARCHAR(128) NOT NULL UNIQUE,
 KEY state (state),
 FOREIGN KEY (site_id) REFERENCES site (id),
 FOREIGN KEY (approval_id) REFERENCES approval (id)
) COMMENT='orders to many meters at once';

CREATE TABLE IF NOT EXISTS batch_meter (
 batch_id BIGINT NOT NULL,
 meter_id BIGINT NOT NULL,
 would ENUM('on','off','auto','read','') NOT NULL DEFAULT '' COMMENT 'preview: what the supply would be told then; empty: it has none',
 in_the_way VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'preview: words, parted by commas',
 state ENUM('todo','waiting','done','refused','failed') NOT NULL DEFAULT 'todo' COMMENT 'waiting: ordered, and not read back yet',
 why VARCHAR(32) NOT NULL DEFAULT '' COMMENT 'refused, failed: a word',
 wanted ENUM('on','off','auto','') NOT NULL DEFAULT '' COMMENT 'desired right after the order',
 ordered_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 ended_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: read back, refused or given up',
 PRIMARY KEY (batch_id, meter_id),
 KEY open_meters (state, batch_id),
 FOREIGN KEY (batch_id) REFERENCES batch (id),
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='the meters of a batch, and what came of each';
