-- Losses of shafts are looked at once a day, when the day is sealed.
CREATE TABLE IF NOT EXISTS loss_look (
 site_id BIGINT NOT NULL PRIMARY KEY,
 day DATE NOT NULL COMMENT 'the newest sealed day that the losses were looked at by',
 FOREIGN KEY (site_id) REFERENCES site (id)
) COMMENT='how far losses were looked at';

CREATE TABLE IF NOT EXISTS loss_grown (
 meter_id BIGINT NOT NULL PRIMARY KEY COMMENT 'of the shaft, above the others',
 past_permille BIGINT NOT NULL COMMENT 'of what it counted: the loss from which it grew',
 since_day DATE NOT NULL COMMENT 'the last of the days in which it was seen first',
 FOREIGN KEY (meter_id) REFERENCES meter (id)
) COMMENT='shafts whose losses have grown: the alarm stands until they are back';
