/* Alipay open platform, gateway v2 with RSA2 keys: wap pay, query, close, notify. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pay/service.h"

#define SECTION "alipay"
#define SUBJECT_MAX 127
#define BUSY "20000"

static enum err not_configured(struct problem *why)
{
	return problem_set(why, ERR_NOT_CONFIGURED, "", "[" SECTION "] is not set up");
}

void alipay_free(struct alipay **a)
{
	if (!*a)
		return;
	crypt_key_free(&(*a)->private_key);
	crypt_key_free(&(*a)->alipay_public_key);
	free(*a);
	*a = NULL;
}

static enum err load_names(struct conf *conf, struct alipay *a, struct problem *why)
{
	enum err e = setting_text(conf, SECTION, "gateway", a->gateway, sizeof(a->gateway), why);

	if (e == ERR_OK)
		e = setting_text(conf, SECTION, "app_id", a->app_id, sizeof(a->app_id), why);
	if (e == ERR_OK)
		e = setting_text(
			conf, SECTION, "seller_id", a->seller_id, sizeof(a->seller_id), why);
	if (e != ERR_OK)
		return e;
	if (!web_url_allowed(a->gateway) || strchr(a->gateway, '?'))
		return problem_set(why, ERR_NOT_CONFIGURED, "gateway",
			"[" SECTION "] gateway must be https, or http to this machine");
	return setting_notify_url(
		conf, SECTION, PAY_NOTIFY_PATH_ALIPAY, a->notify_url, sizeof(a->notify_url), why);
}

enum err alipay_load(struct conf *conf, struct alipay **out, struct problem *why)
{
	AUTO(alipay_free) struct alipay *a = NULL;
	enum err e;

	if (!conf_text(conf, SECTION, "app_id", NULL))
		return not_configured(why);
	a = calloc(1, sizeof(*a));
	ASSERT(a);
	e = load_names(conf, a, why);
	if (e == ERR_OK)
		e = setting_private_key(conf, SECTION, "private_key", &a->private_key, why);
	if (e == ERR_OK)
		e = setting_public_key(
			conf, SECTION, "alipay_public_key", &a->alipay_public_key, why);
	if (e != ERR_OK)
		return e;
	*out = a;
	a = NULL;
	return ERR_OK;
}

void alipay_sign_content(const struct form *f, bool notify, struct buf *out)
{
	buf_adds(out, "");
	for (size_t i = 0; i < f->n; i++) {
		const struct form_pair *p = &f->pairs[i];

		if (str_eq(p->name, "sign") || (notify && str_eq(p->name, "sign_type")))
			continue;
		buf_printf(out, "%s%s=%s", out->len ? "&" : "", p->name, p->value);
	}
}

/* ---- requests ---- */

struct params {
	struct form form;
	char timestamp[BEIJING_TEXT_MAX];
	struct buf sign;
};

static void params_free(struct params *p)
{
	buf_free(&p->sign);
}

static void add(struct params *p, const char *name, const char *value)
{
	if (value && value[0]) /* empty parameters are never sent */
		ASSERT(form_add(&p->form, name, value) == ERR_OK);
}

/* The public parameters and biz_content, signed. Texts are borrowed. */
static enum err sign_params(const struct alipay *a, const char *method, const char *biz_content,
	struct utc now, struct params *p, struct problem *why)
{
	AUTO(buf_free) struct buf content = { 0 };

	beijing_plain(now, p->timestamp);
	add(p, "app_id", a->app_id);
	add(p, "method", method);
	add(p, "format", "JSON");
	add(p, "charset", "utf-8");
	add(p, "sign_type", "RSA2");
	add(p, "timestamp", p->timestamp);
	add(p, "version", "1.0");
	add(p, "biz_content", biz_content);
	alipay_sign_content(&p->form, false, &content);
	if (crypt_sign(a->private_key, content.text, content.len, &p->sign) != ERR_OK)
		return problem_set(why, ERR_INTERNAL, "", "the request could not be signed");
	add(p, "sign", p->sign.text);
	return ERR_OK;
}

/* The subject may not hold "/", "=" or "&". */
static void subject_of(const char *description, char out[static SUBJECT_MAX + 1])
{
	size_t n = utf8_prefix(description, SUBJECT_MAX);

	for (size_t i = 0; i < n; i++)
		out[i] = strchr("/=&", description[i]) ? ' ' : description[i];
	out[n] = '\0';
}

static char *wap_content(const struct alipay *a, const struct pay_order *o)
{
	AUTO(json_free) json_t *biz = NULL;
	char amount[MONEY_TEXT_MAX], expire[BEIJING_TEXT_MAX], subject[SUBJECT_MAX + 1];

	fen_text(o->amount_fen, amount);
	beijing_plain(o->expires_at, expire);
	subject_of(o->description, subject);
	biz = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "out_trade_no", o->out_trade_no,
		"total_amount", amount, "subject", subject, "product_code", "QUICK_WAP_WAY",
		"time_expire", expire, "seller_id", a->seller_id);
	if (biz && o->return_url)
		ASSERT(json_object_set_new(biz, "quit_url", json_string(o->return_url)) == 0);
	return biz ? json_text(biz) : NULL;
}

/* Nothing is called: the payer's browser takes the signed address to Alipay. */
enum err alipay_open_wap(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	const struct alipay *a = pay->alipay;
	AUTO(params_free) struct params p = { .form = { .n = 0 } };
	AUTO(buf_free) struct buf url = { 0 };
	AUTO(text_free) char *biz = NULL;
	enum err e;

	(void)channel;
	(void)deadline_ms;
	if (!a)
		return not_configured(why);
	biz = wap_content(a, o);
	if (!biz)
		return problem_set(why, ERR_BAD_VALUE, "description", "no UTF-8");
	add(&p, "notify_url", a->notify_url);
	add(&p, "return_url", o->return_url);
	e = sign_params(a, "alipay.trade.wap.pay", biz, now, &p, why);
	if (e != ERR_OK)
		return e;
	buf_printf(&url, "%s?", a->gateway);
	form_encode(&p.form, &url);
	*out = json_pack("{s:s}", "pay_url", url.text);
	return ERR_OK;
}

/* ---- answers ---- */

struct slice {
	const char *text;
	size_t n;
};

static const char *skip_string(const char *s)
{
	for (s++; *s != '"'; s++)
		if (*s == '\\')
			s++;
	return s + 1;
}

/* The end of the value at s, in a text that is known to be JSON. */
static const char *skip_value(const char *s)
{
	int depth = 0;

	for (; *s;) {
		if (*s == '"') {
			s = skip_string(s);
			continue;
		}
		if ((*s == ',' || *s == '}' || *s == ']') && depth == 0)
			break;
		if (*s == '{' || *s == '[')
			depth++;
		if (*s == '}' || *s == ']')
			depth--;
		s++;
	}
	return s;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* The bytes of a top-level member's value as they came, without blanks around. The text is an
 * object that jansson has accepted (so well-formed, without a member twice or a NUL). */
static bool raw_member(const char *text, const char *name, struct slice *out)
{
	size_t name_n = strlen(name);
	const char *s = skip_blanks(text) + 1;

	for (;;) {
		const char *key, *end;
		size_t key_n;

		s = skip_blanks(s);
		if (*s != '"')
			return false;
		key = s + 1;
		s = skip_string(s);
		key_n = (size_t)(s - key) - 1;
		s = skip_blanks(skip_blanks(s) + 1); /* the colon */
		end = skip_value(s);
		if (key_n == name_n && memcmp(key, name, name_n) == 0) {
			while (end > s && strchr(" \t\r\n", end[-1]))
				end--;
			*out = (struct slice){ s, (size_t)(end - s) };
			return true;
		}
		s = skip_blanks(end);
		if (*s != ',')
			return false;
		s++;
	}
}

static void member_name(const char *method, char out[static 96])
{
	snprintf(out, 96, "%s_response", method);
	for (char *s = out; *s; s++)
		if (*s == '.')
			*s = '_';
}

static enum err check_signed(const struct alipay *a, const char *body, const char *member,
	const char *sign, struct problem *why)
{
	struct slice raw;

	if (!raw_member(body, member, &raw))
		return problem_set(why, ERR_PROTOCOL, member, "written in a strange way");
	if (crypt_verify(a->alipay_public_key, raw.text, raw.n, sign) != ERR_OK)
		return problem_set(
			why, ERR_BAD_SIGNATURE, "sign", "the answer's signature does not match");
	return ERR_OK;
}

enum err alipay_read_answer(const struct alipay *a, const char *method, const char *body, size_t n,
	json_t **out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	AUTO(buf_free) struct buf text = { 0 };
	const char *sign = NULL;
	char member[96];
	json_t *value;
	enum err e = json_parse(body, n, &j, why);

	if (e != ERR_OK)
		return e;
	buf_add(&text, body, n); /* with a NUL at its end */
	member_name(method, member);
	value = json_object_get(j, member);
	if (!value) {
		memcpy(member, "error_response", sizeof("error_response"));
		value = json_object_get(j, member);
	}
	if (!json_is_object(value))
		return problem_set(why, ERR_PROTOCOL, "", "no answer object");
	e = json_get_text(j, "sign", FIELD_OPTIONAL, 1024, &sign, why);
	if (e == ERR_OK && sign)
		e = check_signed(a, text.text, member, sign, why);
	else if (e == ERR_OK && !str_eq(member, "error_response"))
		e = problem_set(why, ERR_BAD_SIGNATURE, "sign", "the answer is not signed");
	if (e != ERR_OK)
		return e;
	*out = json_incref(value);
	return ERR_OK;
}

/* 10000 is done; 20000 and aop.* mean try again; anything else is a refusal by sub_code. */
static enum err judge(const json_t *answer, struct problem *why)
{
	const char *code = "", *msg = "", *sub_code = "", *sub_msg = NULL;

	if (json_get_text(answer, "code", FIELD_REQUIRED, 16, &code, why) != ERR_OK ||
		json_get_text(answer, "msg", FIELD_OPTIONAL, 512, &msg, why) != ERR_OK ||
		json_get_text(answer, "sub_code", FIELD_OPTIONAL, 120, &sub_code, why) != ERR_OK ||
		json_get_text(answer, "sub_msg", FIELD_OPTIONAL, 512, &sub_msg, why) != ERR_OK)
		return ERR_UNKNOWN;
	if (str_eq(code, "10000"))
		return ERR_OK;
	if (!sub_msg)
		sub_msg = msg;
	return problem_set(why,
		str_eq(code, BUSY) || str_starts(sub_code, "aop.") ||
				str_eq(sub_code, "ACQ.SYSTEM_ERROR")
			? ERR_UNKNOWN
			: ERR_REFUSED,
		sub_code[0] ? sub_code : code, "%.*s", (int)utf8_prefix(sub_msg, 240), sub_msg);
}

/* Public parameters in the address (the charset must be there), biz_content in the body. */
static void request_texts(
	const struct alipay *a, const struct params *p, struct buf *url, struct buf *body)
{
	struct form in_url = { .n = 0 };

	for (size_t i = 0; i < p->form.n; i++) {
		const struct form_pair *pair = &p->form.pairs[i];

		if (str_eq(pair->name, "biz_content")) {
			buf_adds(body, "biz_content=");
			percent_encode(pair->value, body);
		} else {
			ASSERT(form_add(&in_url, pair->name, pair->value) == ERR_OK);
		}
	}
	buf_printf(url, "%s?", a->gateway);
	form_encode(&in_url, url);
}

static enum err send_params(const struct alipay *a, const struct params *p, int64_t deadline_ms,
	struct web_answer *out, struct problem *why)
{
	AUTO(buf_free) struct buf url = { 0 };
	AUTO(buf_free) struct buf body = { 0 };
	enum err e;

	request_texts(a, p, &url, &body);
	e = web_call(&(struct web_request){ .method = "POST",
			     .url = url.text,
			     .headers = { "Content-Type: application/x-www-form-urlencoded;"
					  "charset=UTF-8",
				     "Accept: application/json" },
			     .body = body.text,
			     .body_len = body.len,
			     .deadline_ms = deadline_ms },
		out, why);
	return e == ERR_OK ? ERR_OK : ERR_UNKNOWN;
}

/* One signed call about an order. ERR_OK: a verified answer with code 10000. */
static enum err call(const struct alipay *a, const char *method, const char *out_trade_no,
	struct utc now, int64_t deadline_ms, json_t **out, struct problem *why)
{
	AUTO(params_free) struct params p = { .form = { .n = 0 } };
	AUTO(web_answer_free) struct web_answer answer = { 0 };
	AUTO(json_free) json_t *j = NULL;
	char biz[96];
	enum err e;

	snprintf(biz, sizeof(biz), "{\"out_trade_no\":\"%s\"}", out_trade_no);
	e = sign_params(a, method, biz, now, &p, why);
	if (e == ERR_OK)
		e = send_params(a, &p, deadline_ms, &answer, why);
	if (e != ERR_OK)
		return e;
	if (answer.status != 200)
		return problem_set(why, ERR_UNKNOWN, "", "HTTP %d", answer.status);
	if (alipay_read_answer(a, method, answer.body.text, answer.body.len, &j, why) != ERR_OK)
		return ERR_UNKNOWN;
	e = judge(j, why);
	log_info("event=alipay_answer method=%s outcome=%s", method, err_word(e));
	if (e != ERR_OK)
		return e;
	*out = json_incref(j);
	return ERR_OK;
}

/* ---- what a trade says ---- */

static enum pay_state state_of(const char *word)
{
	static const struct state_word states[] = {
		{ "WAIT_BUYER_PAY", PAY_NOT_PAID },
		{ "TRADE_SUCCESS", PAY_PAID },
		{ "TRADE_FINISHED", PAY_PAID },
		{ "TRADE_CLOSED", PAY_CLOSED },
	};

	return state_find(states, ARRAY_LEN(states), word);
}

/* The fields of a trade as texts, wherever they came from; NULL if absent. */
struct trade {
	const char *out_trade_no, *trade_no, *status, *total_amount, *refund_fee, *paid_at;
};

static enum err read_trade(const struct trade *t, struct pay_event *out, struct problem *why)
{
	struct pay_event ev = { .currency = "CNY" };

	if (!t->out_trade_no || !str_copy(ev.out_trade_no, PAY_ID_MAX, t->out_trade_no))
		return problem_set(why, ERR_MISSING_FIELD, "out_trade_no", "is required");
	if (!t->status || !str_copy(ev.service_state, sizeof(ev.service_state), t->status))
		return problem_set(why, ERR_MISSING_FIELD, "trade_status", "is required");
	ev.state = state_of(ev.service_state);
	if (t->total_amount && fen_parse(t->total_amount, &ev.amount_fen) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "total_amount", "no amount in yuan");
	if (t->refund_fee && fen_parse(t->refund_fee, &ev.refund_fen) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "refund_fee", "no amount in yuan");
	if (t->paid_at && beijing_parse_plain(t->paid_at, &ev.paid_at) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "gmt_payment", "no time");
	if (t->trade_no && !str_copy(ev.transaction_id, PAY_ID_MAX, t->trade_no))
		return problem_set(why, ERR_BAD_VALUE, "trade_no", "is too long");
	/* Refunds come under the states of the trade: closed in full, still successful in part. */
	if (ev.refund_fen > 0 || (ev.state == PAY_CLOSED && ev.paid_at.ms))
		ev.state = PAY_REFUND;
	if (ev.state == PAY_PAID && (!ev.transaction_id[0] || ev.amount_fen < 1))
		return problem_set(
			why, ERR_MISSING_FIELD, "trade_no", "and total_amount are required");
	*out = ev;
	return ERR_OK;
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *v = json_string_value(json_object_get(j, key));

	return v && v[0] ? v : NULL;
}

enum err alipay_query(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct pay_event *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	struct pay_event ev = { 0 };
	struct problem said = { 0 };
	enum err e;

	if (!pay->alipay)
		return not_configured(why);
	e = call(pay->alipay, "alipay.trade.query", out_trade_no, now, deadline_ms, &j, &said);
	if (e == ERR_REFUSED && str_eq(said.field, "ACQ.TRADE_NOT_EXIST")) {
		ev.state = PAY_NOT_EXIST;
		(void)!str_copy(ev.out_trade_no, sizeof(ev.out_trade_no), out_trade_no);
		(void)!str_copy(ev.service_state, sizeof(ev.service_state), "TRADE_NOT_EXIST");
		*out = ev;
		return ERR_OK;
	}
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	e = read_trade(&(struct trade){ .out_trade_no = text_of(j, "out_trade_no"),
			       .trade_no = text_of(j, "trade_no"),
			       .status = text_of(j, "trade_status"),
			       .total_amount = text_of(j, "total_amount"),
			       .refund_fee = NULL,
			       .paid_at = text_of(j, "send_pay_date") },
		&ev, why);
	if (e != ERR_OK)
		return ERR_UNKNOWN;
	if (!str_eq(ev.out_trade_no, out_trade_no))
		return problem_set(why, ERR_UNKNOWN, "out_trade_no", "the answer to another");
	*out = ev;
	return ERR_OK;
}

enum err alipay_close(const struct pay *pay, const char *out_trade_no, struct utc now,
	int64_t deadline_ms, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;

	if (!pay->alipay)
		return not_configured(why);
	return call(pay->alipay, "alipay.trade.close", out_trade_no, now, deadline_ms, &j, why);
}

/* ---- notify ---- */

static enum err check_ours(
	const struct form *f, const char *name, const char *ours, struct problem *why)
{
	const char *v = form_get(f, name);

	if (!v)
		return problem_set(why, ERR_MISSING_FIELD, name, "is required");
	return str_eq(v, ours) ? ERR_OK
			       : problem_set(why, ERR_CONFLICT, name, "of another merchant");
}

enum err alipay_read_notify(
	const struct alipay *a, const struct form *f, struct pay_event *out, struct problem *why)
{
	enum err e = check_ours(f, "app_id", a->app_id, why);

	if (e == ERR_OK)
		e = check_ours(f, "seller_id", a->seller_id, why);
	if (e != ERR_OK)
		return e;
	return read_trade(&(struct trade){ .out_trade_no = form_get(f, "out_trade_no"),
				  .trade_no = form_get(f, "trade_no"),
				  .status = form_get(f, "trade_status"),
				  .total_amount = form_get(f, "total_amount"),
				  .refund_fee = form_get(f, "refund_fee"),
				  .paid_at = form_get(f, "gmt_payment") },
		out, why);
}

/* The algorithm is ours, not the message's: a notify that names SHA-1 is refused. */
static enum err check_notify_signed(
	const struct alipay *a, const struct form *f, struct problem *why)
{
	AUTO(buf_free) struct buf content = { 0 };
	const char *sign = form_get(f, "sign"), *type = form_get(f, "sign_type");

	if (!sign || !type || !str_eq(type, "RSA2"))
		return problem_set(why, ERR_BAD_SIGNATURE, "sign_type", "RSA2 only");
	alipay_sign_content(f, true, &content);
	if (crypt_verify(a->alipay_public_key, content.text, content.len, sign) != ERR_OK)
		return problem_set(why, ERR_BAD_SIGNATURE, "sign", "the signature does not match");
	return ERR_OK;
}

enum err pay_notify_alipay(const struct pay *pay, const char *content_type, const char *body,
	size_t n, struct pay_event *out, struct problem *why)
{
	AUTO(form_free) struct form f = { .n = 0 };
	enum err e;

	if (!pay->alipay)
		return not_configured(why);
	if (n > PAY_NOTIFY_MAX)
		return problem_set(why, ERR_TOO_LARGE, "", "more than %d bytes", PAY_NOTIFY_MAX);
	if (!media_type_is(content_type, "application/x-www-form-urlencoded"))
		return problem_set(why, ERR_BAD_VALUE, "Content-Type", "a form only");
	e = form_decode(body, n, &f, why);
	if (e == ERR_OK)
		e = check_notify_signed(pay->alipay, &f, why);
	return e == ERR_OK ? alipay_read_notify(pay->alipay, &f, out, why) : e;
}

/* ---- to come ---- */

enum err alipay_open_page(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	(void)pay, (void)channel, (void)o, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err alipay_open_qr(const struct pay *pay, const struct pay_channel *channel,
	const struct pay_order *o, struct utc now, int64_t deadline_ms, json_t **out,
	struct problem *why)
{
	(void)pay, (void)channel, (void)o, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err alipay_refund(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	(void)pay, (void)r, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err alipay_refund_query(const struct pay *pay, const struct pay_refund *r, struct utc now,
	int64_t deadline_ms, struct pay_refund_event *out, struct problem *why)
{
	(void)pay, (void)r, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}

enum err alipay_bill(const struct pay *pay, struct day day, struct utc now, int64_t deadline_ms,
	struct pay_bill *out, struct problem *why)
{
	(void)pay, (void)day, (void)now, (void)deadline_ms, (void)out;
	return not_configured(why);
}
