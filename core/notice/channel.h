#pragma once
/* Inside core/notice: settings of the channels. */
#include "notice/notice.h"
#include "web/crypt.h"

#define NOTICE_KINDS_MAX 24

struct gammu; /* gammu.h */

struct aliyun_sms {
	char endpoint[256], access_key_id[65], sign_name[65];
	char secret[129];
	char templates[NOTICE_KINDS_MAX][33]; /* by the place of the kind; empty: none */
};

struct notice {
	struct aliyun_sms *aliyun; /* NULL: off */
	struct problem aliyun_off; /* and why */
	struct gammu *gammu;	   /* NULL: off */
	struct problem gammu_off;
};

MUST_USE enum err aliyun_load(struct conf *conf, struct aliyun_sms **out, struct problem *why);
void aliyun_free(struct aliyun_sms **a);
const struct problem *aliyun_off(const struct notice *n);
bool aliyun_serves(const struct notice *n, const char *kind, const char *language);
void aliyun_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);

/* Signature V3 of Alibaba Cloud (ACS3-HMAC-SHA256): signs what is to be sent. Headers are
 * lower-case names with their values, sorted; query is already in its canonical form. */
struct acs3_header {
	const char *name, *value;
};
struct acs3 {
	const char *method, *path, *query;
	const struct acs3_header *headers;
	size_t header_count;
	const char *body_sha256; /* hex */
};
void acs3_canonical(const struct acs3 *r, struct buf *out);
/* "ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…" */
void acs3_authorization(
	const struct acs3 *r, const char *key_id, const char *secret, struct buf *out);

/* gammu.c: a GSM modem by gammu-smsd. */
MUST_USE enum err gammu_load(struct conf *conf, struct gammu **out, struct problem *why);
void gammu_free(struct gammu **g);
const struct problem *gammu_off(const struct notice *n);
bool gammu_serves(const struct notice *n, const char *kind, const char *language);
void gammu_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);
MUST_USE enum err gammu_look_up(const struct notice *, const struct notice_message *,
	const char *ref, struct utc sent_at, struct utc now, int64_t deadline_ms,
	struct notice_delivery *out, struct problem *why);
