-- Staff who are confined to areas of their site.
CREATE TABLE IF NOT EXISTS user_area (
 user_id BIGINT NOT NULL,
 area_id BIGINT NOT NULL,
 PRIMARY KEY (user_id, area_id),
 FOREIGN KEY (user_id) REFERENCES user (id),
 FOREIGN KEY (area_id) REFERENCES area (id)
) COMMENT='areas that a member of staff is confined to; none: the whole site';

CREATE TABLE IF NOT EXISTS user_area_scope (
 user_id BIGINT NOT NULL,
 area_id BIGINT NOT NULL,
 PRIMARY KEY (user_id, area_id)
) COMMENT='user_area with all areas inside; the row 0, 0 is its lock';

INSERT IGNORE INTO user_area_scope (user_id, area_id) VALUES (0, 0);

ALTER TABLE meter ADD KEY IF NOT EXISTS of_area (area_id);
