/* What Alipay posts to us: verified, ours, and what it means. */
#include <string.h>

#include "base/log.h"
#include "pay/alipay_inside.h"

#define FETCH_MS 3000 /* Alipay repeats what is not answered in time */

static enum err check_ours(
	const struct form *f, const char *name, const char *ours, struct problem *why)
{
	const char *v = form_get(f, name);

	if (!v)
		return problem_set(why, ERR_MISSING_FIELD, name, "is required");
	return str_eq(v, ours) ? ERR_OK
			       : problem_set(why, ERR_CONFLICT, name, "of another merchant");
}

/* An empty parameter is as good as none. */
static const char *value_of(const struct form *f, const char *name)
{
	const char *v = form_get(f, name);

	return v && v[0] ? v : NULL;
}

enum err alipay_read_notify(
	const struct alipay *a, const struct form *f, struct pay_event *out, struct problem *why)
{
	const char *type = value_of(f, "notify_type");
	enum err e = check_ours(f, "app_id", a->app_id, why);

	if (e == ERR_OK && type && !str_eq(type, "trade_status_sync")) {
		*out = (struct pay_event){ .state = PAY_OTHER };
		return ERR_OK;
	}
	if (e == ERR_OK)
		e = check_ours(f, "seller_id", a->seller_id, why);
	if (e != ERR_OK)
		return e;
	return alipay_read_trade(
		&(struct alipay_trade){ .out_trade_no = value_of(f, "out_trade_no"),
			.trade_no = value_of(f, "trade_no"),
			.status = value_of(f, "trade_status"),
			.total_amount = value_of(f, "total_amount"),
			.refund_fee = value_of(f, "refund_fee"),
			.paid_at = value_of(f, "gmt_payment") },
		out, why);
}

/* ---- the signature ---- */

static struct form without(const struct form *f, const char *name)
{
	struct form rest = { .n = 0 };

	for (size_t i = 0; i < f->n; i++)
		if (!str_eq(f->pairs[i].name, name))
			rest.pairs[rest.n++] = f->pairs[i];
	return rest;
}

/* The bytes as they came, decoded once, are the content in the charset that the notify states: a
 * notify in GBK is verified in GBK. */
static enum err verify(
	const struct alipay *a, const struct form *f, const char *sn, const char *sign)
{
	AUTO(buf_free) struct buf content = { 0 };

	alipay_sign_content(f, true, &content);
	return alipay_verify(a, sn, &content, sign);
}

/* Whether a serial that stands in the message is signed along is not told; either way the key is
 * one that is believed already. */
static enum err verify_either(
	const struct alipay *a, const struct form *f, const char *sn, const char *sign)
{
	enum err e = verify(a, f, sn, sign);
	struct form rest;

	if (e != ERR_BAD_SIGNATURE || !sn)
		return e;
	rest = without(f, "alipay_cert_sn");
	return verify(a, &rest, sn, sign);
}

/* Vendors' own libraries differ over empty values; a failure with one in it deserves a look. */
static void tell_empty_value(const struct form *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (!f->pairs[i].value[0]) {
			log_warn("event=alipay_notify_unverified why=\"a parameter is empty\"");
			return;
		}
}

/* The algorithm is ours, not the message's: a notify that names SHA-1 is refused. */
static enum err check_signed(const struct alipay *a, const struct form *f, struct problem *why)
{
	const char *sign = form_get(f, "sign"), *type = form_get(f, "sign_type");
	const char *sn = value_of(f, "alipay_cert_sn");
	enum err e;

	if (!sign || !type || !str_eq(type, "RSA2"))
		return problem_set(why, ERR_BAD_SIGNATURE, "sign_type", "RSA2 only");
	e = verify_either(a, f, sn, sign);
	if (e == ERR_NOT_FOUND && alipay_fetch_cert(a, sn, ALIPAY_FOR_NOTIFY, utc_now(),
					  mono_ms() + FETCH_MS, why) == ERR_OK)
		e = verify_either(a, f, sn, sign);
	if (e == ERR_OK)
		return ERR_OK;
	tell_empty_value(f);
	return problem_set(why, ERR_BAD_SIGNATURE, "sign", "the signature does not match");
}

enum err pay_notify_alipay(const struct pay *pay, const char *content_type, const char *body,
	size_t n, struct pay_event *out, struct problem *why)
{
	AUTO(form_free) struct form f = { .n = 0 };
	enum err e;

	if (!pay->alipay)
		return alipay_not_configured(why);
	if (n > PAY_NOTIFY_MAX)
		return problem_set(why, ERR_TOO_LARGE, "", "more than %d bytes", PAY_NOTIFY_MAX);
	if (!media_type_is(content_type, "application/x-www-form-urlencoded"))
		return problem_set(why, ERR_BAD_VALUE, "Content-Type", "a form only");
	e = form_decode(body, n, &f, why);
	if (e == ERR_OK)
		e = check_signed(pay->alipay, &f, why);
	return e == ERR_OK ? alipay_read_notify(pay->alipay, &f, out, why) : e;
}
