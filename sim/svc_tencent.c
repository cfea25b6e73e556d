/* Tencent Cloud's SendSms as a sender meets it: TC3 checked to the letter. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "sim/svc_inbox.h"

#define ALGORITHM "TC3-HMAC-SHA256"
#define CLOCK_SKEW_S 300
#define NUMBERS_MAX 200

struct answer {
	const char *code, *message; /* of the whole call; NULL: it was taken */
	json_t *result;		    /* members of Response */
};

static bool refuse(struct answer *a, const char *code, const char *message)
{
	a->code = code;
	a->message = message;
	return false;
}

/* ---- signature TC3 ---- */

struct authorization {
	char id[65], date[11], service[33], names[257], signature[SHA256_HEX];
};

static bool take_until(
	const char **at, const char *prefix, const char *stop, char *dst, size_t size)
{
	size_t n;

	if (!str_starts(*at, prefix))
		return false;
	*at += strlen(prefix);
	n = strcspn(*at, stop);
	if (n == 0 || n >= size)
		return false;
	memcpy(dst, *at, n);
	dst[n] = '\0';
	*at += n;
	return true;
}

static bool read_authorization(const char *text, struct authorization *a)
{
	const char *at = text ? text : "";

	return take_until(&at, ALGORITHM " Credential=", "/", a->id, sizeof(a->id)) &&
	       take_until(&at, "/", "/", a->date, sizeof(a->date)) &&
	       take_until(&at, "/", "/", a->service, sizeof(a->service)) &&
	       take_until(&at, "/tc3_request, SignedHeaders=", ",", a->names, sizeof(a->names)) &&
	       take_until(&at, ", Signature=", ",", a->signature, sizeof(a->signature)) && !*at;
}

static void signing_key(
	const struct svc *s, const struct authorization *a, unsigned char out[SHA256_LEN])
{
	AUTO(buf_wipe) struct buf first = { 0 };
	unsigned char step[SHA256_LEN];

	buf_printf(&first, "TC3%s", s->tencent_secret_key.text);
	hmac_sha256(first.text, first.len, a->date, strlen(a->date), step);
	hmac_sha256(step, SHA256_LEN, a->service, strlen(a->service), out);
	memcpy(step, out, SHA256_LEN);
	hmac_sha256(step, SHA256_LEN, "tc3_request", strlen("tc3_request"), out);
}

/* The vendor's own SDK signs the host without its port. */
static bool canonical(
	const struct http_request *req, const struct authorization *a, bool port, struct buf *out)
{
	const char *target = http_raw_target(req), *q = strchr(target, '?');
	char list[257], hash[SHA256_HEX], *save = NULL;
	size_t n;
	const char *body = http_body(req, &n);

	buf_printf(out, "%s\n%.*s\n%s\n", http_method(req), (int)strcspn(target, "?"), target,
		q ? q + 1 : "");
	(void)!str_copy(list, sizeof(list), a->names);
	for (char *name = strtok_r(list, ";", &save); name; name = strtok_r(NULL, ";", &save)) {
		const char *v = http_header(req, name);
		bool bare = str_eq(name, "host") && !port;

		if (!v)
			return false;
		buf_printf(out, "%s:%.*s\n", name, (int)(bare ? strcspn(v, ":") : strlen(v)), v);
	}
	sha256_hex(body, n, hash);
	buf_printf(out, "\n%s\n%s", a->names, hash);
	return true;
}

static bool signed_by(const struct svc *s, const struct http_request *req,
	const struct authorization *a, bool port)
{
	AUTO(buf_free) struct buf text = { 0 };
	AUTO(buf_free) struct buf to_sign = { 0 };
	unsigned char key[SHA256_LEN], mac[SHA256_LEN];
	char hash[SHA256_HEX], hex[SHA256_HEX];

	if (!canonical(req, a, port, &text))
		return false;
	sha256_hex(text.text, text.len, hash);
	buf_printf(&to_sign, ALGORITHM "\n%s\n%s/%s/tc3_request\n%s",
		http_header(req, "X-TC-Timestamp"), a->date, a->service, hash);
	signing_key(s, a, key);
	hmac_sha256(key, SHA256_LEN, to_sign.text, to_sign.len, mac);
	hex_encode(mac, SHA256_LEN, hex);
	return str_eq(hex, a->signature);
}

/* "sms", or what the SDK makes of an address of numbers: its first part. */
static bool is_service(const struct http_request *req, const char *service)
{
	const char *host = http_header(req, "Host");
	size_t n = strlen(service);

	return str_eq(service, "sms") ||
	       (host && strncmp(host, service, n) == 0 && host[n] == '.' && host[0] >= '0' &&
		       host[0] <= '9');
}

static bool names_suffice(const char *names)
{
	return (str_eq(names, "content-type;host") || str_starts(names, "content-type;host;"));
}

static bool check_headers(const struct http_request *req, struct answer *a)
{
	const char *type = http_header(req, "Content-Type");

	if (!type || !str_starts(type, "application/json"))
		return refuse(a, "InvalidParameter", "Content-Type must be application/json.");
	if (!http_header(req, "X-TC-Action"))
		return refuse(a, "MissingParameter", "X-TC-Action is missing.");
	if (!http_header(req, "X-TC-Version") ||
		!str_eq(http_header(req, "X-TC-Version"), "2021-01-11"))
		return refuse(a, "NoSuchVersion", "there is no such version.");
	if (!http_header(req, "X-TC-Region"))
		return refuse(a, "MissingParameter", "X-TC-Region is missing.");
	if (!http_header(req, "X-TC-Timestamp"))
		return refuse(a, "MissingParameter", "X-TC-Timestamp is missing.");
	return true;
}

static bool check_caller(
	const struct svc *s, const struct http_request *req, struct utc now, struct answer *a)
{
	struct authorization auth;
	char full[UTC_TEXT_MAX];
	int64_t stamp = 0;

	if (!check_headers(req, a))
		return false;
	if (!read_authorization(http_header(req, "Authorization"), &auth) ||
		!names_suffice(auth.names))
		return refuse(a, "AuthFailure.SignatureFailure", "Authorization cannot be read.");
	if (!str_eq(auth.id, s->tencent_secret_id))
		return refuse(a, "AuthFailure.SecretIdNotFound", "there is no such SecretId.");
	if (i64_parse(http_header(req, "X-TC-Timestamp"), 1, INT64_C(99999999999), &stamp) !=
			ERR_OK ||
		llabs((long long)(now.ms / 1000 - stamp)) > CLOCK_SKEW_S)
		return refuse(a, "AuthFailure.SignatureExpire", "the signature is too old.");
	utc_text((struct utc){ stamp * 1000 }, full);
	if (strncmp(full, auth.date, 10) != 0)
		return refuse(a, "AuthFailure.SignatureFailure",
			"the date of the credential is not that of the timestamp in UTC.");
	if (!is_service(req, auth.service))
		return refuse(a, "AuthFailure.SignatureFailure", "the service is not sms.");
	if (!signed_by(s, req, &auth, true) && !signed_by(s, req, &auth, false))
		return refuse(a, "AuthFailure.SignatureFailure", "the signature does not match.");
	return true;
}

/* ---- messages ---- */

static const char *over_limit(const struct svc *s, const char *phone, struct utc now)
{
	if (svc_inbox_count(s, SVC_TENCENT, phone, "", now, 30000) >= 1)
		return "LimitExceeded.PhoneNumberThirtySecondLimit";
	if (svc_inbox_count(s, SVC_TENCENT, phone, "", now, INT64_C(3600000)) >= 30)
		return "LimitExceeded.PhoneNumberOneHourLimit";
	if (svc_inbox_count(s, SVC_TENCENT, phone, "", now, INT64_C(86400000)) >= 60)
		return "LimitExceeded.PhoneNumberDailyLimit";
	return NULL;
}

struct sending {
	const char *template, *context;
	const struct svc_template *t;
	const json_t *params;
	char *text;
};

/* The state of one number. With the lock held. */
static json_t *send_one(struct svc *s, const struct sending *m, const char *number, struct utc now)
{
	const char *phone = str_starts(number, "+86") ? number + 3 : number, *code = NULL;
	char serial[40] = "";

	if (!svc_is_mobile(phone))
		code = "InvalidParameterValue.IncorrectPhoneNumber";
	if (!code)
		code = over_limit(s, phone, now);
	if (!code) {
		snprintf(serial, sizeof(serial), "2019:%lld%06u", (long long)now.ms,
			rand_below(1000000));
		svc_inbox_add(s,
			&(struct svc_message){ .service = SVC_TENCENT,
				.phone = phone,
				.template = m->template,
				.text = m->text,
				.out_id = m->context,
				.ref = serial,
				.params = m->params,
				.is_code = m->t->number == 1 },
			now);
	}
	return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "SerialNo", serial, "PhoneNumber",
		number, "Fee", code ? 0 : 1, "SessionContext", m->context, "Code",
		code ? code : "Ok", "Message", code ? code : "send success", "IsoCode",
		code ? "" : "CN");
}

static size_t params_of(const struct svc_template *t)
{
	size_t n = 0;

	while (n < ARRAY_LEN(t->params) && t->params[n])
		n++;
	return n;
}

static bool read_sending(
	const struct svc *s, const json_t *body, struct sending *m, struct answer *a)
{
	const char *app = "", *sign = "", *template = "";
	bool english = false;

	m->context = "";
	if (json_get_text(body, "SmsSdkAppId", FIELD_REQUIRED, 32, &app, NULL) != ERR_OK ||
		json_get_text(body, "TemplateId", FIELD_REQUIRED, 32, &template, NULL) != ERR_OK)
		return refuse(a, "MissingParameter", "SmsSdkAppId or TemplateId is missing.");
	(void)!json_get_text(body, "SignName", FIELD_OPTIONAL, 64, &sign, NULL);
	(void)!json_get_text(body, "SessionContext", FIELD_OPTIONAL, 511, &m->context, NULL);
	m->params = json_object_get(body, "TemplateParamSet");
	if (!str_eq(app, s->tencent_app_id))
		return refuse(a, "UnauthorizedOperation.SmsSdkAppIdVerifyFail", "unknown app.");
	if (!str_eq(sign, s->tencent_sign_name))
		return refuse(a, "FailedOperation.SignatureIncorrectOrUnapproved", "signature.");
	m->t = svc_template_find(SVC_TENCENT, template, &english);
	if (!m->t)
		return refuse(a, "FailedOperation.TemplateIncorrectOrUnapproved", "template.");
	if (json_array_size(m->params) != params_of(m->t) ||
		!(m->text = svc_template_fill(m->t, english, m->params)))
		return refuse(a, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
			"parameters.");
	m->template = template;
	return true;
}

static void send_sms(struct svc *s, const json_t *body, struct utc now, struct answer *a)
{
	const json_t *numbers = json_object_get(body, "PhoneNumberSet"), *n;
	AUTO(text_free) char *text = NULL;
	struct sending m = { .text = NULL };
	json_t *set;
	bool ok = read_sending(s, body, &m, a);
	size_t i;

	text = m.text;
	if (!ok)
		return;
	if (!json_array_size(numbers) || json_array_size(numbers) > NUMBERS_MAX) {
		refuse(a, "InvalidParameter", "PhoneNumberSet.");
		return;
	}
	set = json_array();
	pthread_mutex_lock(&s->lock);
	json_array_foreach(numbers, i, n)
	{
		const char *number = json_string_value(n);

		json_array_append_new(set, send_one(s, &m, number ? number : "", now));
	}
	pthread_mutex_unlock(&s->lock);
	a->result = json_pack("{s:o}", "SendStatusSet", set);
}

/* ---- what became of them ---- */

static json_t *status_of(const json_t *m)
{
	bool ok = str_eq(svc_text(m, "fate"), "delivered");
	char phone[24];

	snprintf(phone, sizeof(phone), "+86%s", svc_text(m, "phone"));
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "UserReceiveTime",
		(json_int_t)(svc_int(m, "fate_ms") / 1000), "CountryCode", "86", "SubscriberNumber",
		svc_text(m, "phone"), "PhoneNumber", phone, "SerialNo", svc_text(m, "biz_id"),
		"ReportStatus", ok ? "SUCCESS" : "FAIL", "Description", ok ? "DELIVRD" : "UNDELIV",
		"SessionContext", svc_text(m, "out_id"));
}

static void pull(struct svc *s, const json_t *body, struct utc now, struct answer *a)
{
	const char *phone = "", *app = "";
	json_t *set = json_array();
	int64_t begin = 0, limit = 0, offset = -1;
	const json_t *m;
	size_t i;

	a->result = json_pack("{s:o}", "PullSmsSendStatusSet", set);
	if (json_get_int(body, "BeginTime", FIELD_REQUIRED, 1, INT64_C(99999999999), &begin,
		    NULL) != ERR_OK ||
		json_get_int(body, "Limit", FIELD_REQUIRED, 1, 100, &limit, NULL) != ERR_OK ||
		json_get_int(body, "Offset", FIELD_REQUIRED, 0, 0, &offset, NULL) != ERR_OK ||
		json_get_text(body, "PhoneNumber", FIELD_REQUIRED, 32, &phone, NULL) != ERR_OK ||
		json_get_text(body, "SmsSdkAppId", FIELD_REQUIRED, 32, &app, NULL) != ERR_OK ||
		!str_eq(app, s->tencent_app_id) || begin < now.ms / 1000 - 7 * 86400) {
		refuse(a, "InvalidParameter", "a parameter is missing or wrong.");
		return;
	}
	pthread_mutex_lock(&s->lock);
	svc_inbox_settle(s, now);
	json_array_foreach(json_object_get(s->state, "sms"), i, m)
	{
		if (str_eq(svc_text(m, "service"), svc_word(SVC_TENCENT)) &&
			str_starts(phone, "+86") && str_eq(svc_text(m, "phone"), phone + 3) &&
			svc_int(m, "at_ms") >= begin * 1000 &&
			!str_eq(svc_text(m, "fate"), "waiting") &&
			(int64_t)json_array_size(set) < limit)
			json_array_append_new(set, status_of(m));
	}
	pthread_mutex_unlock(&s->lock);
}

static void act(struct svc *s, const struct http_request *req, struct utc now, struct answer *a)
{
	const char *action = http_header(req, "X-TC-Action");
	AUTO(json_free) json_t *body = NULL;
	size_t n;
	const char *text = http_body(req, &n);

	if (json_parse(text, n, &body, NULL) != ERR_OK || !json_is_object(body))
		refuse(a, "InvalidParameter", "the body is no JSON.");
	else if (svc_mode_take(s, SVC_TENCENT, "throttle", NULL))
		refuse(a, "RequestLimitExceeded", "too many calls.");
	else if (str_eq(action, "PullSmsSendStatusByPhoneNumber"))
		pull(s, body, now, a);
	else if (!str_eq(action, "SendSms"))
		refuse(a, "InvalidAction", "there is no such action.");
	else if (svc_mode_take(s, SVC_TENCENT, "refuse", NULL))
		refuse(a, "FailedOperation.InsufficientBalanceInSmsPackage", "no money.");
	else
		send_sms(s, body, now, a);
}

static void send_answer(const struct answer *a, struct http_reply *reply)
{
	json_t *response = a->code ? json_pack("{s:{s:s, s:s}}", "Error", "Code", a->code,
					     "Message", a->message)
				   : json_incref(a->result);
	char id[37];

	rand_hex(id, 16);
	svc_set_text(response, "RequestId", id);
	http_answer_json(reply, 200, json_pack("{s:o}", "Response", response));
}

void svc_tencent_handle(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct svc *s = ctx;
	struct answer a = { .result = NULL };
	struct utc now = utc_now();
	int64_t seconds = 10;

	if (!s->tencent_secret_key.len || !str_eq(http_method(req), "POST")) {
		http_answer_problem(reply, ERR_NOT_FOUND, NULL);
		return;
	}
	if (svc_mode_take(s, SVC_TENCENT, "unsent_hang_up", NULL)) {
		http_hang_up(reply);
		return;
	}
	if (svc_mode_take(s, SVC_TENCENT, "answer_500", NULL))
		refuse(&a, "InternalError.Timeout", "");
	else if (check_caller(s, req, now, &a))
		act(s, req, now, &a);
	if (svc_mode_take(s, SVC_TENCENT, "answer_hang_up", NULL)) {
		http_hang_up(reply);
	} else {
		if (svc_mode_take(s, SVC_TENCENT, "answer_slow", &seconds))
			svc_sleep(s, seconds * 1000);
		send_answer(&a, reply);
	}
	json_decref(a.result);
}
