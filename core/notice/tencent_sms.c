/* Short messages by Tencent Cloud: SendSms of 2021-01-11, signed by TC3. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "notice/channel.h"
#include "web/web.h"

#define SECTION "tencent_sms"
#define ALGORITHM "TC3-HMAC-SHA256"
#define CONTENT_TYPE "application/json; charset=utf-8"
#define VERSION "2021-01-11"
#define SIGNED "content-type;host"

void tencent_free(struct tencent_sms **t)
{
	if (!*t)
		return;
	OPENSSL_cleanse((*t)->secret, sizeof((*t)->secret));
	free(*t);
	*t = NULL;
}

static enum err load_names(struct conf *conf, struct tencent_sms *t, struct problem *why)
{
	enum err e =
		notice_take(conf, SECTION, "secret_id", t->secret_id, sizeof(t->secret_id), why);

	if (e == ERR_OK)
		e = notice_take(
			conf, SECTION, "sdk_app_id", t->sdk_app_id, sizeof(t->sdk_app_id), why);
	if (e == ERR_OK)
		e = notice_take(
			conf, SECTION, "sign_name", t->sign_name, sizeof(t->sign_name), why);
	if (e == ERR_OK && !str_copy(t->region, sizeof(t->region),
				   conf_text(conf, SECTION, "region", "ap-guangzhou")))
		e = problem_set(
			why, ERR_NOT_CONFIGURED, "region", "[" SECTION "] region is too long");
	return e;
}

enum err tencent_load(struct conf *conf, struct tencent_sms **out, struct problem *why)
{
	AUTO(tencent_free) struct tencent_sms *t = NULL;
	enum err e;

	if (!conf_text(conf, SECTION, "secret_id", NULL))
		return problem_set(why, ERR_NOT_CONFIGURED, "", "[" SECTION "] is not set up");
	t = calloc(1, sizeof(*t));
	ASSERT(t);
	e = notice_take_address(conf, SECTION, t->endpoint, why);
	if (e == ERR_OK)
		e = load_names(conf, t, why);
	if (e == ERR_OK)
		e = notice_take_secret(
			conf, SECTION, "secret_key", t->secret, sizeof(t->secret), why);
	if (e == ERR_OK)
		e = notice_templates_load(conf, SECTION, &t->templates, why);
	if (e != ERR_OK)
		return e;
	*out = t;
	t = NULL;
	return ERR_OK;
}

const struct problem *tencent_off(const struct notice *n)
{
	return n->tencent ? NULL : &n->tencent_off;
}

bool tencent_serves(const struct notice *n, const char *kind, const char *language)
{
	return n->tencent && notice_template(&n->tencent->templates, kind, language);
}

bool tencent_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out)
{
	return n->tencent &&
	       notice_how_of(&n->tencent->templates, n->tencent->sign_name, kind, language, out);
}

/* ---- signature TC3 ---- */

void tc3_canonical(const struct tc3 *r, struct buf *out)
{
	char hash[SHA256_HEX];

	sha256_hex(r->body, r->body_len, hash);
	buf_printf(out, "POST\n%s\n%s\ncontent-type:%s\nhost:%s\n\n" SIGNED "\n%s", r->path,
		r->query, r->content_type, r->host, hash);
}

/* The day of UTC, whatever the machine's zone is. */
static void utc_day(struct utc t, char out[static 16])
{
	char full[UTC_TEXT_MAX];

	snprintf(out, 16, "%.10s", utc_text(t, full));
}

static void signing_key(
	const char *secret, const char *date, const char *service, unsigned char out[SHA256_LEN])
{
	unsigned char step[SHA256_LEN];
	char first[160];
	int n = snprintf(first, sizeof(first), "TC3%s", secret);

	hmac_sha256(first, (size_t)n, date, strlen(date), step);
	hmac_sha256(step, SHA256_LEN, service, strlen(service), out);
	memcpy(step, out, SHA256_LEN);
	hmac_sha256(step, SHA256_LEN, "tc3_request", strlen("tc3_request"), out);
	OPENSSL_cleanse(first, sizeof(first));
	OPENSSL_cleanse(step, sizeof(step));
}

void tc3_authorization(const struct tc3 *r, const char *id, const char *secret, struct buf *out)
{
	AUTO(buf_free) struct buf canonical = { 0 };
	AUTO(buf_free) struct buf to_sign = { 0 };
	unsigned char key[SHA256_LEN], mac[SHA256_LEN];
	char hash[SHA256_HEX], hex[SHA256_HEX], date[16];

	utc_day(r->now, date);
	tc3_canonical(r, &canonical);
	sha256_hex(canonical.text, canonical.len, hash);
	buf_printf(&to_sign, ALGORITHM "\n%" PRId64 "\n%s/%s/tc3_request\n%s", r->now.ms / 1000,
		date, r->service, hash);
	signing_key(secret, date, r->service, key);
	hmac_sha256(key, SHA256_LEN, to_sign.text, to_sign.len, mac);
	hex_encode(mac, SHA256_LEN, hex);
	OPENSSL_cleanse(key, sizeof(key));
	buf_printf(out,
		ALGORITHM " Credential=%s/%s/%s/tc3_request, SignedHeaders=" SIGNED
			  ", Signature=%s",
		id, date, r->service, hex);
}

/* ---- one call ---- */

static enum err call(const struct tencent_sms *t, const char *action, const json_t *body,
	struct utc now, int64_t deadline_ms, struct web_answer *answer, struct problem *why)
{
	AUTO(text_free) char *text = json_text(body);
	AUTO(buf_free) struct buf auth = { 0 };
	static const char type_line[] = "Content-Type: " CONTENT_TYPE;
	char host[256], path[256], lines[5][320];
	struct web_request r = { .method = "POST",
		.url = t->endpoint,
		.body = text,
		.body_len = strlen(text),
		.headers = { type_line, lines[0], lines[1], lines[2], lines[3], lines[4] },
		.deadline_ms = deadline_ms };

	notice_split_endpoint(t->endpoint, host, path);
	snprintf(lines[0], sizeof(lines[0]), "Host: %s", host);
	snprintf(lines[1], sizeof(lines[1]), "X-TC-Action: %s", action);
	snprintf(lines[2], sizeof(lines[2]), "X-TC-Version: " VERSION);
	snprintf(lines[3], sizeof(lines[3]), "X-TC-Timestamp: %" PRId64, now.ms / 1000);
	snprintf(lines[4], sizeof(lines[4]), "X-TC-Region: %s", t->region);
	buf_adds(&auth, "Authorization: ");
	tc3_authorization(&(struct tc3){ .service = "sms",
				  .path = path,
				  .query = "",
				  .content_type = CONTENT_TYPE,
				  .host = host,
				  .body = text,
				  .body_len = r.body_len,
				  .now = now },
		t->secret_id, t->secret, &auth);
	r.headers[6] = auth.text;
	return web_call(&r, answer, why);
}

/* ---- one message ---- */

/* The values of the template in the order of the kind's variables: {1} is the first. */
static json_t *template_params(const struct notice_kind *kind, const json_t *params)
{
	AUTO(json_free) json_t *list = json_array();
	json_t *out = list;

	for (size_t i = 0; i < ARRAY_LEN(kind->params) && kind->params[i]; i++) {
		json_t *v = json_object_get(params, kind->params[i]);

		if (!json_is_string(v) || json_array_append(list, v) != 0)
			return NULL;
	}
	list = NULL;
	return out;
}

static json_t *body_of(
	const struct tencent_sms *t, const struct notice_message *m, const char *template)
{
	json_t *params = template_params(notice_kind_find(m->kind), m->params), *body;
	char phone[24];

	if (!params)
		return NULL;
	snprintf(phone, sizeof(phone), "+86%s", m->recipient);
	body = json_pack("{s:[s], s:s, s:s, s:s, s:o}", "PhoneNumberSet", phone, "SmsSdkAppId",
		t->sdk_app_id, "SignName", t->sign_name, "TemplateId", template, "TemplateParamSet",
		params);
	if (body && m->out_id && m->out_id[0])
		json_object_set_new(body, "SessionContext", json_string(m->out_id));
	return body;
}

static const struct notice_code codes[] = {
	{ "RequestLimitExceeded*", CODE_RETRY },
	{ "ResourceUnavailable*", CODE_RETRY },
	{ "InternalError*", CODE_UNKNOWN },
	{ "FailedOperation.FailResolvePacket", CODE_UNKNOWN },
	{ "LimitExceeded.DailyLimit", CODE_NEXT_DAY },
	{ "LimitExceeded.AppMainlandChinaDailyLimit", CODE_NEXT_DAY },
	{ "LimitExceeded.AppDailyLimit", CODE_NEXT_DAY },
	{ "InvalidParameterValue.IncorrectPhoneNumber", CODE_UNREACHABLE },
	{ "FailedOperation.PhoneNumberInBlacklist", CODE_UNREACHABLE },
};

/* What is said of the one number that was asked for. */
static void judge_number(const json_t *response, struct notice_result *out)
{
	const json_t *set = json_object_get(response, "SendStatusSet"), *s = json_array_get(set, 0);
	const char *code = NULL, *serial = "";

	if (json_array_size(set) != 1 || json_get_text(s, "Code", FIELD_REQUIRED,
						 sizeof(out->code) - 1, &code, NULL) != ERR_OK) {
		notice_result_set(out, NOTICE_UNKNOWN, false, "bad_answer");
		return;
	}
	if (!str_eq(code, "Ok")) {
		notice_judge_code(codes, ARRAY_LEN(codes), code, out);
		return;
	}
	notice_result_set(out, NOTICE_DONE, false, code);
	if (json_get_text(s, "SerialNo", FIELD_OPTIONAL, sizeof(out->provider_ref) - 1, &serial,
		    NULL) == ERR_OK)
		(void)!str_copy(out->provider_ref, sizeof(out->provider_ref), serial);
}

/* The error of the whole call; NULL: there is none. */
static const char *error_code(const json_t *response)
{
	const json_t *error = json_object_get(response, "Error");
	const char *code = NULL;

	if (!error)
		return NULL;
	return json_get_text(error, "Code", FIELD_REQUIRED, 63, &code, NULL) == ERR_OK
		       ? code
		       : "InternalError";
}

static void judge(const struct web_answer *a, struct notice_result *out)
{
	AUTO(json_free) json_t *j = NULL;
	const json_t *response;
	const char *code;
	char http[16];

	snprintf(http, sizeof(http), "http_%d", a->status);
	if (json_parse(a->body.text, a->body.len, &j, NULL) != ERR_OK ||
		!json_is_object(response = json_object_get(j, "Response"))) {
		notice_result_set(out, NOTICE_UNKNOWN, false, http);
		return;
	}
	code = error_code(response);
	if (code)
		notice_judge_code(codes, ARRAY_LEN(codes), code, out);
	else if (a->status != 200)
		notice_result_set(out, NOTICE_UNKNOWN, false, http);
	else
		judge_number(response, out);
}

void tencent_send(const struct notice *notice, const struct notice_message *m, struct utc now,
	int64_t deadline_ms, struct notice_result *out)
{
	static const char *const words[] = { "done", "refused", "unknown" };
	const struct tencent_sms *t = notice->tencent;
	const char *template = t ? notice_template(&t->templates, m->kind, m->language) : NULL;
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(json_free) json_t *body = NULL;
	enum err e;

	if (!template) {
		notice_result_set(out, NOTICE_REFUSED, false, "not_configured");
		return;
	}
	if (!notice_is_mobile(m->recipient)) {
		notice_result_set(out, NOTICE_REFUSED, false, "bad_phone");
		out->unreachable = true;
		return;
	}
	body = body_of(t, m, template);
	if (!body) {
		notice_result_set(out, NOTICE_REFUSED, false, "bad_params");
		return;
	}
	e = call(t, "SendSms", body, now, deadline_ms, &answer, NULL);
	if (e == ERR_UNAVAILABLE)
		notice_result_set(out, NOTICE_REFUSED, true, "no_connection");
	else if (e != ERR_OK)
		notice_result_set(out, NOTICE_UNKNOWN, false, err_word(e));
	else
		judge(&answer, out);
	log_info("event=sms_answer way=" SECTION " kind=%s outcome=%s code=%s", m->kind,
		words[out->outcome], out->code);
}

/* ---- what became of it ---- */

#define MOST 100
#define BEFORE_S 60 /* clocks differ */

static void take_status(const json_t *s, struct notice_delivery *out)
{
	const char *word = "", *description = "", *serial = "";
	int64_t at = 0;

	(void)!json_get_text(s, "ReportStatus", FIELD_OPTIONAL, 16, &word, NULL);
	(void)!json_get_text(
		s, "Description", FIELD_OPTIONAL, sizeof(out->code) - 1, &description, NULL);
	(void)!json_get_text(
		s, "SerialNo", FIELD_OPTIONAL, sizeof(out->provider_ref) - 1, &serial, NULL);
	(void)!json_get_int(
		s, "UserReceiveTime", FIELD_OPTIONAL, 0, INT64_C(99999999999), &at, NULL);
	out->fate = str_eq(word, "SUCCESS") ? FATE_DELIVERED
		    : str_eq(word, "FAIL")  ? FATE_FAILED
					    : FATE_UNKNOWN;
	(void)!str_copy(out->code, sizeof(out->code), description);
	(void)!str_copy(out->provider_ref, sizeof(out->provider_ref), serial);
	out->at.ms = at * 1000;
}

/* Only what has been reported on is in the list: what is not there may be on its way. */
static void read_statuses(
	const json_t *response, const char *ref, const char *out_id, struct notice_delivery *out)
{
	const json_t *s;
	size_t i;

	json_array_foreach(json_object_get(response, "PullSmsSendStatusSet"), i, s)
	{
		const char *serial = json_string_value(json_object_get(s, "SerialNo"));
		const char *context = json_string_value(json_object_get(s, "SessionContext"));

		if (ref[0] ? serial && str_eq(serial, ref)
			   : context && out_id && out_id[0] && str_eq(context, out_id)) {
			take_status(s, out);
			return;
		}
	}
}

enum err tencent_look_up(const struct notice *notice, const struct notice_message *m,
	const char *ref, struct utc sent_at, struct utc now, int64_t deadline_ms,
	struct notice_delivery *out, struct problem *why)
{
	const struct tencent_sms *t = notice->tencent;
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(json_free) json_t *body = NULL;
	AUTO(json_free) json_t *j = NULL;
	const json_t *response;
	char phone[80];

	*out = (struct notice_delivery){ .fate = FATE_UNKNOWN };
	if (!t)
		return ERR_NOT_CONFIGURED;
	snprintf(phone, sizeof(phone), "+86%s", m->recipient);
	body = json_pack("{s:I, s:I, s:i, s:i, s:s, s:s}", "BeginTime",
		(json_int_t)(sent_at.ms / 1000 - BEFORE_S), "EndTime", (json_int_t)(now.ms / 1000),
		"Offset", 0, "Limit", MOST, "PhoneNumber", phone, "SmsSdkAppId", t->sdk_app_id);
	if (call(t, "PullSmsSendStatusByPhoneNumber", body, now, deadline_ms, &answer, why) !=
			ERR_OK ||
		json_parse(answer.body.text, answer.body.len, &j, why) != ERR_OK)
		return ERR_UNKNOWN;
	response = json_object_get(j, "Response");
	if (answer.status != 200 || !json_is_object(response) || error_code(response))
		return ERR_UNKNOWN;
	read_statuses(response, ref, m->out_id, out);
	return ERR_OK;
}
