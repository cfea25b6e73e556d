-- Which outside services the worker can use, for those who watch.
CREATE TABLE IF NOT EXISTS service_state (
 name VARCHAR(32) NOT NULL PRIMARY KEY COMMENT 'section of its settings: wechat_pay, aliyun_sms, …',
 state ENUM('on','off') NOT NULL,
 why VARCHAR(200) NOT NULL DEFAULT '' COMMENT 'off: what is missing; empty: it was never set up',
 seen_at BIGINT NOT NULL COMMENT 'utc ms: a worker said so'
) COMMENT='services by the settings that the worker started with';
