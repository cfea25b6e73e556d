#pragma once
/* Inside core/notice: settings of the channels. */
#include "notice/notice.h"
#include "notice/wechat_app.h"
#include "web/crypt.h"

#define NOTICE_KINDS_MAX 24

struct aliyun_sms {
	char endpoint[256], access_key_id[65], sign_name[65];
	char secret[129];
	char templates[NOTICE_KINDS_MAX][33]; /* by the place of the kind; empty: none */
};

/* A way through an app of WeChat's. */
struct wechat_way {
	struct wechat_app *app; /* NULL: off */
	struct problem off;	/* and why */
	struct wechat_sender *sender;
};

struct notice {
	struct aliyun_sms *aliyun; /* NULL: off */
	struct problem aliyun_off; /* and why */
	struct wechat_way wechat[WECHAT__MAX];
};

void wechat_ways_load(struct conf *conf, struct notice *n);
void wechat_ways_free(struct notice *n);
const struct problem *wechat_oa_off(const struct notice *n);
bool wechat_oa_serves(const struct notice *n, const char *kind, const char *language);
void wechat_oa_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);
const struct problem *wechat_mini_off(const struct notice *n);
bool wechat_mini_serves(const struct notice *n, const char *kind, const char *language);
void wechat_mini_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);

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
