#pragma once
/* Inside core/notice: settings of the channels. */
#include "notice/notice.h"
#include "notice/wechat_app.h"
#include "web/crypt.h"

#define NOTICE_KINDS_MAX 24
#define NOTICE_CHANNELS_MAX 16

enum notice_language { NOTICE_ZH, NOTICE_EN, NOTICE__LANGUAGES };
enum notice_language notice_language_of(const char *word); /* "en", anything else is "zh" */

/* The provider's template of each kind in each language, by the place of the kind; empty: none. */
struct notice_templates {
	char id[NOTICE__LANGUAGES][NOTICE_KINDS_MAX][33];
};
/* [section] template_<kind>, template_<kind>_en */
MUST_USE enum err notice_templates_load(
	struct conf *conf, const char *section, struct notice_templates *t, struct problem *why);
/* A kind that has none in a language has that of Chinese; NULL: none at all. */
const char *notice_template(
	const struct notice_templates *t, const char *kind, const char *language);
/* The same, for a channel's own how(). */
bool notice_how_of(const struct notice_templates *t, const char *sign, const char *kind,
	const char *language, struct notice_how *out);

struct gammu; /* gammu.h */

struct aliyun_sms {
	char endpoint[256], access_key_id[65], sign_name[65];
	char secret[129];
	struct notice_templates templates;
};

struct tencent_sms {
	char endpoint[256], secret_id[65], sdk_app_id[33], sign_name[65], region[33];
	char secret[129];
	struct notice_templates templates;
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
	struct tencent_sms *tencent;
	struct problem tencent_off;
	const struct notice_channel *ways[NOTICE_CHANNELS_MAX];
	size_t ways_n;
	struct notice_rules rules;
	struct gammu *gammu; /* NULL: off */
	struct problem gammu_off;
};

void wechat_ways_load(struct conf *conf, struct notice *n);
void wechat_ways_free(struct notice *n);
const struct problem *wechat_oa_off(const struct notice *n);
bool wechat_oa_serves(const struct notice *n, const char *kind, const char *language);
bool wechat_oa_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out);
void wechat_oa_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);
const struct problem *wechat_mini_off(const struct notice *n);
bool wechat_mini_serves(const struct notice *n, const char *kind, const char *language);
bool wechat_mini_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out);
void wechat_mini_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);

/* What is left of loading once the channels are loaded: order, limits. */
void notice_settle(struct conf *conf, struct notice *n);

/* A text that must be there; a secret; an address that may be called. */
MUST_USE enum err notice_take(struct conf *conf, const char *section, const char *key, char *dst,
	size_t size, struct problem *why);
MUST_USE enum err notice_take_secret(struct conf *conf, const char *section, const char *key,
	char *dst, size_t size, struct problem *why);
MUST_USE enum err notice_take_address(
	struct conf *conf, const char *section, char dst[static 256], struct problem *why);
/* Host (as libcurl sends it) and path of an endpoint. */
void notice_split_endpoint(const char *endpoint, char host[static 256], char path[static 256]);
/* A mainland mobile number: 1, 3..9, nine more digits. */
bool notice_is_mobile(const char *phone);

void notice_result_set(
	struct notice_result *out, enum notice_outcome outcome, bool retry, const char *code);
/* What a code of a provider means. A name that ends in '*' stands for all that begin so; the first
 * that fits counts, and without one it is a refusal for good. */
struct notice_code {
	const char *name;
	enum { CODE_RETRY, CODE_NEXT_DAY, CODE_UNREACHABLE, CODE_UNKNOWN } meaning;
};
void notice_judge_code(
	const struct notice_code *codes, size_t n, const char *code, struct notice_result *out);
/* "2026-11-30 10:30:00" of UTC+8, as both providers write an instant; false for another text. */
bool notice_beijing_parse(const char *text, struct utc *out);

MUST_USE enum err aliyun_load(struct conf *conf, struct aliyun_sms **out, struct problem *why);
void aliyun_free(struct aliyun_sms **a);
const struct problem *aliyun_off(const struct notice *n);
bool aliyun_serves(const struct notice *n, const char *kind, const char *language);
bool aliyun_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out);
void aliyun_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);
MUST_USE enum err aliyun_look_up(const struct notice *, const struct notice_message *,
	const char *ref, struct utc sent_at, struct utc now, int64_t deadline_ms,
	struct notice_delivery *out, struct problem *why);

MUST_USE enum err tencent_load(struct conf *conf, struct tencent_sms **out, struct problem *why);
void tencent_free(struct tencent_sms **t);
const struct problem *tencent_off(const struct notice *n);
bool tencent_serves(const struct notice *n, const char *kind, const char *language);
bool tencent_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out);
void tencent_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);
MUST_USE enum err tencent_look_up(const struct notice *, const struct notice_message *,
	const char *ref, struct utc sent_at, struct utc now, int64_t deadline_ms,
	struct notice_delivery *out, struct problem *why);

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

/* Signature TC3-HMAC-SHA256 of Tencent Cloud over content-type and host. */
struct tc3 {
	const char *service;	  /* "sms" */
	const char *path, *query; /* "/" and "" */
	const char *content_type; /* byte for byte as it is sent */
	const char *host;
	const char *body;
	size_t body_len;
	struct utc now;
};
void tc3_canonical(const struct tc3 *r, struct buf *out);
/* "TC3-HMAC-SHA256 Credential=…, SignedHeaders=content-type;host, Signature=…" */
void tc3_authorization(const struct tc3 *r, const char *id, const char *secret, struct buf *out);
/* gammu.c: a GSM modem by gammu-smsd. */
MUST_USE enum err gammu_load(struct conf *conf, struct gammu **out, struct problem *why);
void gammu_free(struct gammu **g);
const struct problem *gammu_off(const struct notice *n);
bool gammu_serves(const struct notice *n, const char *kind, const char *language);
bool gammu_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out);
void gammu_send(const struct notice *, const struct notice_message *, struct utc now,
	int64_t deadline_ms, struct notice_result *out);
MUST_USE enum err gammu_look_up(const struct notice *, const struct notice_message *,
	const char *ref, struct utc sent_at, struct utc now, int64_t deadline_ms,
	struct notice_delivery *out, struct problem *why);
