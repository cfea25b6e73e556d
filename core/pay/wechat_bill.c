/* Bills of a day: asked for, fetched at once, unpacked, and checked by their hash. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pay/wechat_inside.h"
#include "web/gzip.h"

#define FILE_MAX ((size_t)32 << 20)
#define SHEET_MAX ((size_t)256 << 20)

/* "https://host:port" without what follows. */
static size_t origin_len(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
}

static bool is_site(const char *url, const char *site)
{
	size_t n = origin_len(url);

	return n == strlen(site) && strncasecmp(url, site, n) == 0;
}

bool wechat_download_allowed(const struct wechat *w, const char *url)
{
	static const char *const sites[] = { "https://api.mch.weixin.qq.com",
		"https://api2.mch.weixin.qq.com" };
	size_t n = origin_len(w->api_base);
	bool both = true;

	if (!web_url_allowed(url) || !is_browser_url(url))
		return false;
	if (origin_len(url) == n && strncasecmp(url, w->api_base, n) == 0)
		return true;
	both = is_site(w->api_base, sites[0]) || is_site(w->api_base, sites[1]);
	return both && (is_site(url, sites[0]) || is_site(url, sites[1]));
}

/* Where the file is, and its hash. */
struct ticket {
	char url[1024], sha1[SHA1_HEX];
	bool none; /* nothing happened on that day */
};

static enum err read_ticket(
	const struct wechat *w, const json_t *j, struct ticket *out, struct problem *why)
{
	char type[16] = "";
	enum err e = wechat_copy_text(j, "hash_type", FIELD_REQUIRED, type, sizeof(type), why);

	if (e == ERR_OK)
		e = wechat_copy_text(
			j, "hash_value", FIELD_REQUIRED, out->sha1, sizeof(out->sha1), why);
	if (e == ERR_OK)
		e = wechat_copy_text(
			j, "download_url", FIELD_REQUIRED, out->url, sizeof(out->url), why);
	if (e != ERR_OK)
		return ERR_PROTOCOL;
	if (!str_eq(type, "SHA1"))
		return problem_set(why, ERR_PROTOCOL, "hash_type", "not SHA1");
	if (!wechat_download_allowed(w, out->url))
		return problem_set(
			why, ERR_PROTOCOL, "download_url", "not at the service's address");
	return ERR_OK;
}

static enum err get_ticket(const struct wechat *w, const char *kind, const char *more,
	struct day day, struct utc now, int64_t deadline_ms, struct ticket *out,
	struct problem *why)
{
	AUTO(json_free) json_t *j = NULL;
	char url[512], date[DAY_TEXT_MAX];
	enum err e;

	snprintf(url, sizeof(url), "%s/v3/bill/%s?bill_date=%s&%s&tar_type=GZIP", w->api_base, kind,
		day_text(day, date), more);
	e = wechat_call_json(
		w, &(struct wechat_call){ .method = "GET", .url = url }, now, deadline_ms, &j, why);
	out->none = e == ERR_REFUSED && wechat_code_is(why->field, "NOSTATEMENTEXIST");
	if (out->none)
		return ERR_OK;
	return e == ERR_OK ? read_ticket(w, j, out, why) : e;
}

/* The unpacked file. Its answer carries no signature; the hash came in one that did. */
static enum err fetch(const struct wechat *w, const struct ticket *t, struct utc now,
	int64_t deadline_ms, struct buf *out, struct problem *why)
{
	AUTO(web_answer_free) struct web_answer a = { 0 };
	char sha1[SHA1_HEX];
	enum err e = wechat_call(w,
		&(struct wechat_call){ .method = "GET",
			.url = t->url,
			.answer_max = FILE_MAX,
			.unsigned_answer = true },
		now, deadline_ms, &a, why);

	if (e != ERR_OK)
		return ERR_UNKNOWN; /* a link that is over is asked for anew */
	if (gzip_unpack(a.body.text, a.body.len, SHEET_MAX, out) != ERR_OK)
		return problem_set(why, ERR_PROTOCOL, "", "the bill cannot be unpacked");
	sha1_hex(out->text, out->len, sha1);
	if (strcasecmp(sha1, t->sha1) != 0)
		return problem_set(
			why, ERR_PROTOCOL, "hash_value", "the bill does not have the hash stated");
	return ERR_OK;
}

static enum err sheet(const struct wechat *w, const char *kind, const char *more, struct day day,
	struct utc now, int64_t deadline_ms, struct buf *out, struct problem *why)
{
	struct ticket t = { .none = false };
	struct problem said = { 0 };
	enum err e = get_ticket(w, kind, more, day, now, deadline_ms, &t, &said);

	if (e == ERR_OK && !t.none)
		e = fetch(w, &t, now, deadline_ms, out, &said);
	return e == ERR_OK ? ERR_OK : problem_set(why, e, said.field, "%s", said.text);
}

enum err wechat_bill(const struct pay *pay, struct day day, struct utc now, int64_t deadline_ms,
	struct pay_bill *out, struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };
	enum err e;

	if (!pay->wechat)
		return wechat_not_configured(why);
	e = sheet(pay->wechat, "tradebill", "bill_type=ALL", day, now, deadline_ms, &text, why);
	if (e != ERR_OK)
		return e;
	*out = (struct pay_bill){ 0 };
	return text.text ? wechat_trade_sheet(pay->wechat->mch_id, text.text, text.len, out, why)
			 : ERR_OK;
}

enum err wechat_fund_bill(const struct pay *pay, struct day day, struct utc now,
	int64_t deadline_ms, struct pay_fund_bill *out, struct problem *why)
{
	AUTO(buf_free) struct buf text = { 0 };
	enum err e;

	if (!pay->wechat)
		return wechat_not_configured(why);
	e = sheet(pay->wechat, "fundflowbill", "account_type=BASIC", day, now, deadline_ms, &text,
		why);
	if (e != ERR_OK)
		return e;
	*out = (struct pay_fund_bill){ 0 };
	return text.text ? wechat_fund_sheet(text.text, text.len, out, why) : ERR_OK;
}
