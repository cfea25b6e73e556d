/* Receipts as the providers push them. */
#include <string.h>

#include "notice/channel.h"

static void copy_text(const json_t *o, const char *key, char *dst, size_t size)
{
	const char *v = "";

	if (json_get_text(o, key, FIELD_OPTIONAL, size - 1, &v, NULL) != ERR_OK ||
		!str_copy(dst, size, v))
		dst[0] = '\0';
}

static void take_time(const json_t *o, const char *key, struct utc *at)
{
	const char *v = json_string_value(json_object_get(o, key));

	if (!v || !notice_beijing_parse(v, at))
		*at = (struct utc){ 0 };
}

static enum err take_aliyun(const json_t *o, struct notice_delivery *d, struct problem *why)
{
	bool success;
	enum err e = json_get_bool(o, "success", FIELD_REQUIRED, &success, why);

	if (e != ERR_OK)
		return e;
	d->fate = success ? FATE_DELIVERED : FATE_FAILED;
	copy_text(o, "phone_number", d->recipient, sizeof(d->recipient));
	copy_text(o, "biz_id", d->provider_ref, sizeof(d->provider_ref));
	copy_text(o, "out_id", d->out_id, sizeof(d->out_id));
	copy_text(o, "err_code", d->code, sizeof(d->code));
	take_time(o, "report_time", &d->at);
	return ERR_OK;
}

static enum err take_tencent(const json_t *o, struct notice_delivery *d, struct problem *why)
{
	const char *status = "";
	enum err e = json_get_text(o, "report_status", FIELD_REQUIRED, 16, &status, why);

	if (e != ERR_OK)
		return e;
	d->fate = str_eq(status, "SUCCESS") ? FATE_DELIVERED
		  : str_eq(status, "FAIL")  ? FATE_FAILED
					    : FATE_UNKNOWN;
	copy_text(o, "mobile", d->recipient, sizeof(d->recipient));
	copy_text(o, "sid", d->provider_ref, sizeof(d->provider_ref));
	copy_text(o, "errmsg", d->code, sizeof(d->code));
	take_time(o, "user_receive_time", &d->at);
	return ERR_OK;
}

static enum err take_all(const char *body, size_t len, struct notice_delivery *out, size_t max,
	size_t *n, enum err (*take)(const json_t *, struct notice_delivery *, struct problem *),
	struct problem *why)
{
	AUTO(json_free) json_t *list = NULL;
	const json_t *o;
	size_t i;
	enum err e = json_parse(body, len, &list, why);

	*n = 0;
	if (e == ERR_OK && !json_is_array(list))
		e = problem_set(why, ERR_BAD_VALUE, "", "an array of receipts is expected");
	if (e == ERR_OK && json_array_size(list) > max)
		e = problem_set(why, ERR_TOO_LARGE, "", "at most %zu receipts at once", max);
	if (e != ERR_OK)
		return e;
	json_array_foreach(list, i, o)
	{
		out[i] = (struct notice_delivery){ .fate = FATE_UNKNOWN };
		e = json_is_object(o)
			    ? take(o, &out[i], why)
			    : problem_set(why, ERR_BAD_VALUE, "", "a receipt is an object");
		if (e != ERR_OK)
			return e;
	}
	*n = i;
	return ERR_OK;
}

enum err notice_receipts_aliyun(const char *body, size_t len, struct notice_delivery *out,
	size_t max, size_t *n, struct problem *why)
{
	return take_all(body, len, out, max, n, take_aliyun, why);
}

enum err notice_receipts_tencent(const char *body, size_t len, struct notice_delivery *out,
	size_t max, size_t *n, struct problem *why)
{
	return take_all(body, len, out, max, n, take_tencent, why);
}
