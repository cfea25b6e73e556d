-- Sites, areas, gateways and the leases of their buses.
CREATE TABLE IF NOT EXISTS site (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL,
 zone VARCHAR(63) NOT NULL COMMENT 'IANA name',
 profile ENUM('shop','dwelling') NOT NULL DEFAULT 'shop',
 brake BOOLEAN NOT NULL DEFAULT 0 COMMENT 'mass-trip brake pulled: no new cut'
) COMMENT='a mall, tower or block';

CREATE TABLE IF NOT EXISTS area (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL,
 site_id BIGINT NOT NULL,
 parent_id BIGINT NULL,
 kind ENUM('building','floor','riser') NOT NULL DEFAULT 'floor',
 floor_m2_milli BIGINT NOT NULL DEFAULT 0,
 FOREIGN KEY (site_id) REFERENCES site (id),
 FOREIGN KEY (parent_id) REFERENCES area (id)
) COMMENT='part of a site';

CREATE TABLE IF NOT EXISTS bus_group (
 id BIGINT NOT NULL PRIMARY KEY,
 owner VARCHAR(63) NOT NULL DEFAULT '' COMMENT '[poller] name of the process that holds the lease',
 epoch BIGINT NOT NULL DEFAULT 0 COMMENT 'grows with every take; fences older holders',
 until_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: lease ends',
 seen BIGINT NOT NULL DEFAULT 0 COMMENT 'written by every transaction under the lease'
) COMMENT='leases: which poller owns which buses';

CREATE TABLE IF NOT EXISTS gateway (
 id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
 code VARCHAR(32) NOT NULL UNIQUE,
 name VARCHAR(64) NOT NULL,
 site_id BIGINT NOT NULL,
 area_id BIGINT NULL,
 transport ENUM('modbus-tcp','rtu-tcp','rtu','dial-in') NOT NULL,
 address VARCHAR(127) NOT NULL COMMENT 'host:port, device, or registration id',
 baud INT NOT NULL DEFAULT 9600,
 parity ENUM('N','E','O') NOT NULL DEFAULT 'N',
 enabled BOOLEAN NOT NULL DEFAULT 1,
 bus_group_id BIGINT NOT NULL DEFAULT 1,
 FOREIGN KEY (site_id) REFERENCES site (id),
 FOREIGN KEY (area_id) REFERENCES area (id),
 FOREIGN KEY (bus_group_id) REFERENCES bus_group (id)
) COMMENT='a gateway port: one bus';

CREATE TABLE IF NOT EXISTS gateway_state (
 gateway_id BIGINT NOT NULL PRIMARY KEY,
 comm ENUM('never','ok','silent') NOT NULL DEFAULT 'never',
 comm_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 round_ms BIGINT NOT NULL DEFAULT 0 COMMENT 'length of the last whole round',
 utilisation_permille BIGINT NOT NULL DEFAULT 0 COMMENT 'share of time with a request on the bus',
 transactions BIGINT NOT NULL DEFAULT 0 COMMENT 'since the poller started',
 failures BIGINT NOT NULL DEFAULT 0,
 updated_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms',
 FOREIGN KEY (gateway_id) REFERENCES gateway (id)
) COMMENT='health of a bus, as the poller sees it';
