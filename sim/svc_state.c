#include "sim/svc_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/rand.h"

#define DELIVERY_MS 5000

/* Seconds after a failed delivery, as the real services wait. */
static const int wechat_retries[] = { 15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800,
	10800, 10800, 21600, 21600 };
static const int alipay_retries[] = { 240, 600, 600, 3600, 7200, 21600, 54000 };

const char *svc_word(enum svc_kind k)
{
	static const char *const words[] = { "wechat", "alipay", "sms", "tencent", "mp" };

	return words[k];
}

const char *svc_text(const json_t *o, const char *key)
{
	const char *v = json_string_value(json_object_get(o, key));

	return v ? v : "";
}

int64_t svc_int(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

void svc_set_text(json_t *o, const char *key, const char *value)
{
	ASSERT(json_object_set_new(o, key, json_string(value)) == 0);
}

void svc_set_int(json_t *o, const char *key, int64_t value)
{
	ASSERT(json_object_set_new(o, key, json_integer(value)) == 0);
}

bool svc_mode_on(struct svc *s, enum svc_kind k, const char *name, int64_t *value)
{
	struct svc_mode *m = &s->modes[k];

	if (!str_eq(m->name, name) || m->left == 0)
		return false;
	if (m->left > 0)
		m->left--;
	if (m->value > 0 && value)
		*value = m->value;
	return true;
}

bool svc_mode_take(struct svc *s, enum svc_kind k, const char *name, int64_t *value)
{
	bool on;

	pthread_mutex_lock(&s->lock);
	on = svc_mode_on(s, k, name, value);
	pthread_mutex_unlock(&s->lock);
	return on;
}

static json_t *orders(const struct svc *s)
{
	return json_object_get(s->state, "orders");
}

static void order_key(enum svc_kind k, const char *out_trade_no, char out[static 96])
{
	snprintf(out, 96, "%s:%s", svc_word(k), out_trade_no);
}

json_t *svc_order(const struct svc *s, enum svc_kind k, const char *out_trade_no)
{
	char key[96];

	order_key(k, out_trade_no, key);
	return json_object_get(orders(s), key);
}

json_t *svc_order_by_token(const struct svc *s, const char *token)
{
	const char *key;
	json_t *o;

	json_object_foreach(orders(s), key, o)
	{
		if (token[0] && str_eq(svc_text(o, "token"), token))
			return o;
	}
	return NULL;
}

void svc_order_put(struct svc *s, enum svc_kind k, json_t *order)
{
	char key[96];

	order_key(k, svc_text(order, "out_trade_no"), key);
	ASSERT(json_object_set_new(orders(s), key, order) == 0);
}

const char *svc_order_state(const json_t *order, struct utc now)
{
	const char *state = svc_text(order, "state");

	if (str_eq(state, "NOTPAY") && now.ms > svc_int(order, "expires_ms"))
		return "CLOSED";
	return state;
}

void svc_order_new_token(json_t *order, struct utc now)
{
	char hex[33];

	rand_hex(hex, 16);
	svc_set_text(order, "token", hex);
	svc_set_int(order, "token_ms", now.ms);
}

static void queue(struct svc *s, const json_t *order, const char *out_refund_no, int64_t due_ms)
{
	char id[17];

	rand_hex(id, 8);
	ASSERT(json_array_append_new(json_object_get(s->state, "notifies"),
		       json_pack("{s:s, s:s, s:s, s:s, s:I, s:i}", "id", id, "service",
			       svc_text(order, "service"), "out_trade_no",
			       svc_text(order, "out_trade_no"), "out_refund_no", out_refund_no,
			       "due_ms", (json_int_t)due_ms, "tries", 0)) == 0);
}

static enum svc_kind kind_of(const json_t *o)
{
	return str_eq(svc_text(o, "service"), "alipay") ? SVC_ALIPAY : SVC_WECHAT;
}

static void queue_news(struct svc *s, const json_t *order, const char *out_refund_no, int64_t due)
{
	enum svc_kind k = kind_of(order);
	int64_t value = 0, copies = 1;

	if (svc_mode_on(s, k, "notify_never", &value))
		return;
	value = 3;
	if (svc_mode_on(s, k, "notify_duplicate", &value))
		copies = value;
	value = 10;
	if (svc_mode_on(s, k, "notify_late", &value))
		due += value * 1000;
	value = 3600; /* until the notify of a refund overtakes it */
	if (!out_refund_no[0] && svc_mode_on(s, k, "notify_reordered", &value))
		due += value * 1000;
	for (int64_t i = 0; i < copies; i++)
		queue(s, order, out_refund_no, due);
	pthread_cond_broadcast(&s->wake);
}

bool svc_order_pay(struct svc *s, json_t *order, struct utc now)
{
	char id[40], digits[9];

	if (!str_eq(svc_order_state(order, now), "NOTPAY"))
		return false;
	for (size_t i = 0; i < 8; i++)
		digits[i] = (char)('0' + rand_below(10));
	digits[8] = '\0';
	snprintf(id, sizeof(id), "%s%013lld%s", kind_of(order) == SVC_WECHAT ? "4200002" : "2088",
		(long long)now.ms, digits);
	svc_set_text(order, "state", "SUCCESS");
	svc_set_text(order, "transaction_id", id);
	svc_set_int(order, "paid_ms", now.ms);
	svc_set_int(order, "known", 1);
	queue_news(s, order, "", now.ms);
	svc_save(s);
	return true;
}

void svc_queue_refund(struct svc *s, const json_t *order, const char *out_refund_no, int64_t due_ms)
{
	queue_news(s, order, out_refund_no, due_ms);
}

void svc_save(struct svc *s)
{
	char tmp[520];
	FILE *f;
	bool ok;

	if (!s->state_path[0])
		return;
	snprintf(tmp, sizeof(tmp), "%s.new", s->state_path);
	f = fopen(tmp, "we");
	ok = f && json_dumpf(s->state, f, JSON_INDENT(1)) == 0;
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok || rename(tmp, s->state_path) != 0)
		log_error("event=sandbox_state_not_saved path=%s errno=%d", tmp, errno);
}

/* The notify that is due first, and its index; NULL if there is none. */
static json_t *first_due(const struct svc *s)
{
	json_t *best = NULL, *n;
	size_t i;

	json_array_foreach(json_object_get(s->state, "notifies"), i, n)
	{
		if (!best || svc_int(n, "due_ms") < svc_int(best, "due_ms"))
			best = n;
	}
	return best;
}

static void forget(struct svc *s, const char *id)
{
	json_t *all = json_object_get(s->state, "notifies"), *n;
	size_t i;

	json_array_foreach(all, i, n)
	{
		if (!str_eq(svc_text(n, "id"), id))
			continue;
		json_array_remove(all, i);
		return;
	}
}

/* Plans the next try before the present one leaves, so that a crash repeats rather than loses. */
static void plan_next(json_t *n, enum svc_kind k, struct utc now)
{
	const int *wait = k == SVC_WECHAT ? wechat_retries : alipay_retries;
	size_t count = k == SVC_WECHAT ? ARRAY_LEN(wechat_retries) : ARRAY_LEN(alipay_retries);
	size_t tries = (size_t)svc_int(n, "tries");

	svc_set_int(n, "tries", (int64_t)tries + 1);
	svc_set_int(n, "last", tries >= count);
	svc_set_int(n, "due_ms", now.ms + 1000 * (int64_t)wait[tries < count ? tries : count - 1]);
}

/* With the lock held; lets it go while the notify is on its way. */
static void deliver(struct svc *s, json_t *notify)
{
	AUTO(json_free) json_t *n = json_incref(notify);
	AUTO(json_free) json_t *order = NULL;
	enum svc_kind k = kind_of(n);
	struct svc_delivery d = { .deadline_ms = mono_ms() + DELIVERY_MS,
		.out_refund_no = svc_text(n, "out_refund_no") };
	int64_t value;
	bool ok;

	order = json_deep_copy(svc_order(s, k, svc_text(n, "out_trade_no")));
	plan_next(n, k, utc_now());
	d.forged = svc_mode_on(s, k, "notify_forged", &value);
	d.wrong_amount = svc_mode_on(s, k, "notify_wrong_amount", &value);
	d.probe = svc_mode_on(s, k, "notify_probe", &value);
	d.other_merchant = svc_mode_on(s, k, "notify_other_merchant", &value);
	d.other_key = svc_mode_on(s, k, "notify_other_key", &value);
	d.shuffled = svc_mode_on(s, k, "notify_shuffled", &value);
	d.other_seller = svc_mode_on(s, k, "notify_other_seller", &value);
	d.other_app = svc_mode_on(s, k, "notify_other_app", &value);
	d.gbk = svc_mode_on(s, k, "notify_gbk", &value);
	d.notify = n;
	pthread_mutex_unlock(&s->lock);
	ok = !order ||
	     (k == SVC_WECHAT ? svc_wechat_notify(s, order, &d) : svc_alipay_notify(s, order, &d));
	pthread_mutex_lock(&s->lock);
	log_info("event=notify_sent service=%s out_trade_no=%s try=%lld accepted=%d", svc_word(k),
		svc_text(n, "out_trade_no"), (long long)svc_int(n, "tries"), ok);
	if (ok || svc_int(n, "last"))
		forget(s, svc_text(n, "id"));
	svc_save(s);
}

static void wait_until(struct svc *s, int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	pthread_cond_timedwait(&s->wake, &s->lock, &t);
}

void *svc_sender(void *svc)
{
	struct svc *s = svc;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		json_t *n = first_due(s);
		struct utc now = utc_now();

		if (!n)
			pthread_cond_wait(&s->wake, &s->lock);
		else if (svc_int(n, "due_ms") > now.ms)
			wait_until(s, svc_int(n, "due_ms"));
		else
			deliver(s, n);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

void svc_sleep(struct svc *s, int64_t ms)
{
	int64_t until = utc_now().ms + ms;

	pthread_mutex_lock(&s->lock);
	while (!s->stopping && utc_now().ms < until)
		wait_until(s, until);
	pthread_mutex_unlock(&s->lock);
}

void svc_beijing(struct utc t, bool rfc3339, char out[static 40])
{
	int64_t s = t.ms / 1000 + 28800;
	int y, m, d, of_day = (int)(s % 86400);

	civil_date(s / 86400, &y, &m, &d);
	snprintf(out, 40, "%04d-%02d-%02d%c%02d:%02d:%02d%s", y, m, d, rfc3339 ? 'T' : ' ',
		of_day / 3600, of_day / 60 % 60, of_day % 60, rfc3339 ? "+08:00" : "");
}

void svc_yuan(int64_t fen, char out[static 32])
{
	snprintf(out, 32, "%lld.%02lld", (long long)(fen / 100), (long long)(fen % 100));
}
