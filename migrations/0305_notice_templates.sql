-- What the worker sends each kind of message by, so that the pages can show it.
CREATE TABLE IF NOT EXISTS notice_template (
 way VARCHAR(16) CHARACTER SET ascii NOT NULL,
 kind VARCHAR(24) CHARACTER SET ascii NOT NULL,
 language CHAR(2) CHARACTER SET ascii NOT NULL COMMENT 'of who is written to',
 template VARCHAR(64) NOT NULL COMMENT 'its number at the provider; empty: the text is our own',
 template_language CHAR(2) CHARACTER SET ascii NOT NULL COMMENT 'of the template; empty: its own',
 sign VARCHAR(64) NOT NULL COMMENT 'the signature before the text; empty: none',
 fields VARCHAR(1200) NOT NULL COMMENT 'of WeChat: which field gets what, as in the settings',
 seen_at BIGINT NOT NULL COMMENT 'utc ms; older than service_state.seen_at: not any more',
 PRIMARY KEY (way, kind, language)
) COMMENT='templates of the services, as the worker has them';
