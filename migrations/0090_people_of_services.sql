-- Who a login is at WeChat, and who pays an order there.
CREATE TABLE IF NOT EXISTS user_wechat (
 app_id VARCHAR(32) NOT NULL COMMENT 'of the service account or mini program that gave the openid',
 openid VARCHAR(64) NOT NULL,
 user_id BIGINT NOT NULL,
 bound_at BIGINT NOT NULL COMMENT 'utc ms',
 PRIMARY KEY (app_id, openid),
 UNIQUE KEY user_app (user_id, app_id),
 FOREIGN KEY (user_id) REFERENCES user (id)
) COMMENT='logins and their openids, one each per app';

ALTER TABLE pay_order ADD COLUMN IF NOT EXISTS payer_id VARCHAR(64) NOT NULL DEFAULT ''
 COMMENT 'openid of the payer at the service''s app; channels that need none: empty' AFTER payer_address;
