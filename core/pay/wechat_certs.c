/* WeChat's certificates, fetched from WeChat: GET /v3/certificates. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "pay/wechat_inside.h"

#define REFRESH_MS (12 * INT64_C(3600000))
#define RETRY_MS INT64_C(60000)
#define FETCH_MS INT64_C(3000)

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One entry of the list. The serial must be that of the certificate inside; the span is the part
 * that both agree on. */
static enum err read_entry(
	const struct wechat *w, const json_t *o, struct wechat_key *out, struct problem *why)
{
	AUTO(buf_free) struct buf pem = { 0 };
	const char *serial = "", *until = NULL;
	struct utc end;
	enum err e =
		json_get_text(o, "serial_no", FIELD_REQUIRED, CRYPT_SERIAL_MAX - 1, &serial, why);

	if (e == ERR_OK)
		e = json_get_text(o, "expire_time", FIELD_OPTIONAL, 64, &until, why);
	if (e == ERR_OK)
		e = wechat_unseal(w, json_object_get(o, "encrypt_certificate"), &pem, why);
	if (e != ERR_OK)
		return e;
	if (wechat_key_read(pem.text, pem.len, out) != ERR_OK)
		return problem_set(why, ERR_PROTOCOL, "serial_no", "no readable certificate");
	if (!wechat_serial_eq(out->serial, serial)) {
		crypt_key_free(&out->key);
		return problem_set(why, ERR_PROTOCOL, "serial_no", "not that of the certificate");
	}
	(void)!str_copy(out->serial, sizeof(out->serial), serial); /* as the service writes it */
	if (until && utc_parse(until, &end) == ERR_OK)
		out->until.ms = least(out->until.ms, end.ms);
	return ERR_OK;
}

static enum err read_list(
	const struct wechat *w, const json_t *data, struct wechat_keys *into, struct problem *why)
{
	const json_t *o;
	size_t i;

	if (!json_is_array(data) || json_array_size(data) == 0 ||
		json_array_size(data) > WECHAT_KEYS_MAX)
		return problem_set(why, ERR_PROTOCOL, "data", "no list of certificates");
	json_array_foreach(data, i, o)
	{
		struct wechat_key key;
		enum err e = read_entry(w, o, &key, why);

		if (e != ERR_OK)
			return e;
		wechat_keys_put(into, &key);
	}
	return ERR_OK;
}

enum err wechat_certs_read(const struct wechat *w, const struct pay_headers *h, const char *body,
	size_t n, struct utc now, struct problem *why)
{
	AUTO(wechat_keys_free) struct wechat_keys *fresh = wechat_keys_new();
	AUTO(json_free) json_t *j = NULL;
	struct wechat bootstrap = *w;
	bool unknown = false;
	enum err e = json_parse(body, n, &j, why);

	if (e == ERR_OK)
		e = read_list(w, json_object_get(j, "data"), fresh, why);
	if (e != ERR_OK)
		return e;
	bootstrap.keys = fresh;
	e = wechat_verify_known(&bootstrap, h, body, n, now, &unknown, why);
	if (unknown)
		e = wechat_verify_known(w, h, body, n, now, NULL, why);
	for (size_t i = 0; e == ERR_OK && i < fresh->n; i++)
		wechat_keys_put(w->keys, &fresh->keys[i]);
	return e;
}

/* With `fetch` locked. */
static enum err ask(const struct wechat *w, struct utc now, int64_t deadline_ms)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	struct wechat_signed s;
	struct pay_headers h;
	struct problem why = { 0 };
	char url[300];
	enum err e;

	snprintf(url, sizeof(url), "%s/v3/certificates", w->api_base);
	e = wechat_call(w,
		&(struct wechat_call){ .method = "GET", .url = url, .certificates = true }, now,
		least(deadline_ms, mono_ms() + FETCH_MS), &a, &why);
	if (e == ERR_OK) {
		h = wechat_answer_headers(&a, &s);
		e = wechat_certs_read(w, &h, a.body.text, a.body.len, now, &why);
	}
	w->keys->tried = now;
	w->keys->last = e;
	if (e == ERR_OK) {
		w->keys->listed = now;
		log_info("event=wechat_certificates keys=%zu", w->keys->n);
	} else {
		log_warn("event=wechat_certificates failed=%s code=%s why=\"%s\"", err_word(e),
			why.field, why.text);
	}
	return e;
}

/* A clock that was set back counts as long ago. */
static bool long_ago(struct utc then, struct utc now, int64_t ms)
{
	return now.ms < then.ms || now.ms - then.ms >= ms;
}

/* False: another thread is asking, and we could not wait for it. */
static bool lock(struct wechat_keys *k, int64_t wait_ms)
{
	struct timespec t;

	if (wait_ms <= 0)
		return pthread_mutex_trylock(&k->fetch) == 0;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += wait_ms / 1000;
	t.tv_nsec += wait_ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return pthread_mutex_timedlock(&k->fetch, &t) == 0;
}

/* A certificate that is over counts as none; then nobody waits a minute for the next try. */
enum err wechat_certs_ready(
	const struct wechat *w, struct utc now, int64_t deadline_ms, struct problem *why)
{
	struct wechat_keys *k = w->keys;
	char serial[CRYPT_SERIAL_MAX];
	bool have;

	if (!w->downloads)
		return ERR_OK;
	have = wechat_keys_choose(k, now, serial);
	if (lock(k, have ? 0 : deadline_ms - mono_ms())) {
		have = wechat_keys_choose(k, now, serial);
		if (!have ||
			(long_ago(k->listed, now, REFRESH_MS) && long_ago(k->tried, now, RETRY_MS)))
			(void)!ask(w, now, deadline_ms);
		pthread_mutex_unlock(&k->fetch);
		have = wechat_keys_choose(k, now, serial);
	}
	return have ? ERR_OK
		    : problem_set(why, ERR_UNAVAILABLE, "",
			      "WeChat's certificates could not be fetched");
}

enum err wechat_certs_lookup(
	const struct wechat *w, struct utc now, int64_t deadline_ms, struct problem *why)
{
	struct wechat_keys *k = w->keys;
	enum err e;

	if (!lock(k, 0))
		return problem_set(why, ERR_UNAVAILABLE, "", "they are being asked for");
	e = ERR_NOT_FOUND;
	if (long_ago(k->tried, now, RETRY_MS))
		e = ask(w, now, deadline_ms);
	else if (k->last != ERR_OK)
		e = k->last;
	pthread_mutex_unlock(&k->fetch);
	if (e == ERR_OK || e == ERR_NOT_FOUND)
		return e;
	return e == ERR_REFUSED ? ERR_NOT_FOUND
				: problem_set(why, ERR_UNAVAILABLE, "", "no list of certificates");
}
