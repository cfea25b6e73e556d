-- Tariff files that wait for a second person.
CREATE TABLE IF NOT EXISTS tariff_proposal (
 approval_id BIGINT NOT NULL PRIMARY KEY,
 doc MEDIUMTEXT NOT NULL COMMENT 'the whole file',
 FOREIGN KEY (approval_id) REFERENCES approval (id)
) COMMENT='what a price change above the limit of a site would store';
