/* Notifies: of payments and of refunds, on whichever path they come. */
#include "pay/wechat_inside.h"

#define LOOKUP_MS 3000 /* WeChat waits 5 s for our answer */

static enum err unseal_json(
	const struct wechat *w, const json_t *resource, json_t **out, struct problem *why)
{
	AUTO(buf_wipe) struct buf plain = { 0 };
	enum err e = wechat_unseal(w, resource, &plain, why);

	return e == ERR_OK ? json_parse(plain.text, plain.len, out, why) : e;
}

enum err wechat_read_notify(const struct wechat *w, const char *body, size_t n,
	struct pay_notify *out, struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	AUTO(json_free) json_t *plain = NULL;
	struct pay_notify v = { .kind = PAY_NOTIFY_OTHER, .payment.state = PAY_OTHER };
	const char *event_type = "";
	enum err e = json_parse(body, n, &j, why);

	if (e == ERR_OK)
		e = json_get_text(j, "event_type", FIELD_REQUIRED, 64, &event_type, why);
	if (e != ERR_OK)
		return e;
	if (str_starts(event_type, "TRANSACTION."))
		v.kind = PAY_NOTIFY_PAYMENT;
	else if (str_starts(event_type, "REFUND."))
		v.kind = PAY_NOTIFY_REFUND;
	else
		(void)!str_copy(
			v.payment.service_state, sizeof(v.payment.service_state), event_type);
	if (v.kind != PAY_NOTIFY_OTHER)
		e = unseal_json(w, json_object_get(j, "resource"), &plain, why);
	if (e == ERR_OK && v.kind == PAY_NOTIFY_PAYMENT)
		e = wechat_read_transaction(w, plain, &v.payment, why);
	if (e == ERR_OK && v.kind == PAY_NOTIFY_REFUND)
		e = wechat_read_refund_notify(w, plain, &v.payment, &v.refund, why);
	if (e == ERR_OK)
		*out = v;
	return e;
}

enum err pay_notify_wechat_any(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_notify *out, struct problem *why)
{
	enum err e;

	if (!pay->wechat)
		return wechat_not_configured(why);
	if (n > PAY_NOTIFY_MAX)
		return problem_set(why, ERR_TOO_LARGE, "", "more than %d bytes", PAY_NOTIFY_MAX);
	if (!media_type_is(headers->content_type, "application/json"))
		return problem_set(why, ERR_BAD_VALUE, "Content-Type", "application/json only");
	e = wechat_verify_lookup(pay->wechat, headers, body, n, now, mono_ms() + LOOKUP_MS, why);
	return e == ERR_OK ? wechat_read_notify(pay->wechat, body, n, out, why) : e;
}

enum err pay_notify_wechat(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_event *out, struct problem *why)
{
	struct pay_notify v;
	enum err e = pay_notify_wechat_any(pay, headers, body, n, now, &v, why);

	if (e == ERR_OK)
		*out = v.payment;
	return e;
}

enum err pay_notify_wechat_refund(const struct pay *pay, const struct pay_headers *headers,
	const char *body, size_t n, struct utc now, struct pay_refund_event *out,
	struct problem *why)
{
	struct pay_notify v;
	enum err e = pay_notify_wechat_any(pay, headers, body, n, now, &v, why);

	if (e != ERR_OK)
		return e;
	if (v.kind == PAY_NOTIFY_PAYMENT)
		return problem_set(why, ERR_BAD_VALUE, "event_type", "of a payment, not a refund");
	*out = v.refund;
	if (v.kind == PAY_NOTIFY_OTHER)
		(void)!str_copy(
			out->service_state, sizeof(out->service_state), v.payment.service_state);
	return ERR_OK;
}
