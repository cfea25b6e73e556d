-- How the worker's jobs are doing, for those who watch.
CREATE TABLE IF NOT EXISTS job_state (
 name VARCHAR(48) NOT NULL PRIMARY KEY COMMENT 'of the list of jobs: outbox, send:aliyun_sms, …',
 worker VARCHAR(80) NOT NULL COMMENT 'host:pid that ran it last',
 every_ms BIGINT NOT NULL COMMENT 'pause between two runs',
 run_at BIGINT NOT NULL COMMENT 'utc ms: end of the last run; written when the result changes, else at most every 30 s',
 took_ms BIGINT NOT NULL COMMENT 'length of that run',
 result VARCHAR(32) NOT NULL COMMENT 'ok, or the word of its error',
 runs BIGINT NOT NULL DEFAULT 0 COMMENT 'ever',
 failures BIGINT NOT NULL DEFAULT 0 COMMENT 'ever',
 failing_since BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: first of the failures in a row; 0: the last run was well',
 failed_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the last failure',
 ok_at BIGINT NOT NULL DEFAULT 0 COMMENT 'utc ms: the last run without one'
) COMMENT='jobs of all workers, by name';
