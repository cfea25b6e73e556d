#include "fcgi/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/idempotency.h"
#include "fcgi/areas.h"
#include "fcgi/audited.h"
#include "fcgi/caller.h"
#include "fcgi/etag.h"
#include "fcgi/limits.h"
#include "fcgi/list.h"
#include "fcgi/openapi.h"
#include "web/crypt.h"

#define RETRY_AFTER_S 2

static void load_wechat(struct api *api)
{
	for (int k = 0; k < WECHAT__MAX; k++) {
		struct problem *why = &api->wechat_off[k];

		if (wechat_app_load(api->conf, (enum wechat_kind)k, &api->wechat[k], why) !=
				ERR_OK &&
			why->field[0])
			log_error(
				"wechat=%d state=off key=%s why=\"%s\"", k, why->field, why->text);
	}
}

/* A quarter of the threads unless set. */
static enum err pay_waiting_read(struct conf *conf, int *out, struct problem *why)
{
	int64_t threads, most = 0;
	enum err e = conf_int(conf, "api", "threads", 1, 128, 16, &threads, why);

	if (e == ERR_OK)
		e = conf_int(conf, "api", "pay_waiting", 1, 128, threads < 4 ? 1 : threads / 4,
			&most, why);
	*out = (int)most;
	return e;
}

/* Letters and digits, long enough not to be guessed; anything else counts as none, and is said. */
static void load_receipt_secret(struct conf *conf, const char *section, char out[static 65])
{
	AUTO(buf_wipe) struct buf secret = { 0 };
	size_t n = 0;

	if (!conf_text(conf, section, "receipt_secret_file", NULL) &&
		!conf_text(conf, section, "receipt_secret", NULL))
		return;
	if (conf_secret(conf, section, "receipt_secret", &secret) == ERR_OK && secret.text)
		n = strspn(secret.text,
			"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-");
	if (n < 16 || n != secret.len || !str_copy(out, 65, secret.text))
		log_error("key=%s.receipt_secret why=\"16 to 64 letters and digits are expected\"",
			section);
}

/* Beside the socket, whose folder the processes of a machine share. */
static const char *figures_path(struct conf *conf, char buf[static 256])
{
	const char *listen = conf_text(conf, "api", "listen", "/run/yufu/api.sock");
	const char *slash = strrchr(listen, '/');

	snprintf(buf, 256, "%.*s/api.figures", slash ? (int)(slash - listen) : 1,
		slash ? listen : ".");
	return buf;
}

/* Of the list of routes: counters of another list are others. */
static unsigned routes_version(void)
{
	AUTO(buf_free) struct buf b = { 0 };
	char sha[SHA256_HEX];

	for (size_t i = 0; i < routes_n; i++)
		buf_printf(&b, "%s %s\n", routes[i].method, routes[i].path);
	sha256_hex(b.text, b.len, sha);
	sha[8] = '\0';
	return (unsigned)strtoul(sha, NULL, 16);
}

enum err api_open(struct conf *conf, struct api **out, struct problem *why)
{
	AUTO(api_free) struct api *api = calloc(1, sizeof(*api));
	AUTO(json_free) json_t *document = NULL;
	char figures[256];
	enum err e;

	ASSERT(api);
	api->conf = conf;
	pthread_mutex_init(&api->importing, NULL);
	e = conf_secret(conf, "jwt", "key", &api->jwt_key);
	if (e != ERR_OK)
		return problem_set(why, e, "jwt.key_file", "a key is needed");
	if (api->jwt_key.len < TOKEN_KEY_MIN || str_starts(api->jwt_key.text, "-----BEGIN"))
		return problem_set(why, ERR_BAD_VALUE, "jwt.key_file",
			"the key must be at least %d random bytes", TOKEN_KEY_MIN);
	totp_key(&api->jwt_key, api->totp_key);
	if (!str_copy(api->site_base, sizeof(api->site_base),
		    conf_text(conf, "site", "base",
			    conf_text(conf, "alipay", "notify_base",
				    conf_text(conf, "wechat_pay", "notify_base", "")))))
		return problem_set(why, ERR_OUT_OF_RANGE, "site.base", "the address is too long");
	api->models_dir = conf_text(conf, "poller", "models_dir", NULL);
	api->check_answers = str_eq(conf_text(conf, "api", "check_answers", "0"), "1");
	api->tally = tally_open(
		conf_text(conf, "api", "figures", figures_path(conf, figures)), routes_version());
	e = db_settings_read(conf, &api->db, why);
	if (e != ERR_OK)
		return e;
	e = pay_waiting_read(conf, &api->pay_waiting_most, why);
	if (e != ERR_OK)
		return e;
	e = limits_open(conf, &api->limits, why);
	if (e != ERR_OK)
		return e;
	pay_load(conf, &api->pay);
	load_wechat(api);
	load_receipt_secret(conf, "aliyun_sms", api->receipt_secrets[RECEIVER_ALIYUN]);
	load_receipt_secret(conf, "tencent_sms", api->receipt_secrets[RECEIVER_TENCENT]);
	api->schemas = schemas_open();
	document = openapi_document(api->schemas);
	api->document = json_text(document);
	*out = api;
	api = NULL;
	return ERR_OK;
}

void api_free(struct api **api)
{
	if (!*api)
		return;
	buf_wipe(&(*api)->jwt_key);
	OPENSSL_cleanse((*api)->totp_key, sizeof((*api)->totp_key));
	OPENSSL_cleanse((*api)->receipt_secrets, sizeof((*api)->receipt_secrets));
	limits_free(&(*api)->limits);
	pay_free(&(*api)->pay);
	for (int k = 0; k < WECHAT__MAX; k++)
		wechat_app_free(&(*api)->wechat[k]);
	free((*api)->document);
	tally_free(&(*api)->tally);
	schemas_free(&(*api)->schemas);
	pthread_mutex_destroy(&(*api)->importing);
	free(*api);
	*api = NULL;
}

void answer_free(struct answer *a)
{
	json_free(&a->json);
	json_free(&a->more);
	buf_free(&a->text);
	if (a->file)
		fclose(a->file);
	a->file = NULL;
}

const char *request_header(const struct request *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; r->headers && r->headers[i]; i++)
		if (strncmp(r->headers[i], name, n) == 0 && r->headers[i][n] == '=')
			return r->headers[i] + n + 1;
	return NULL;
}

const char *body_text(const struct request *r, const char *key, const char *fallback)
{
	const char *v = json_string_value(json_object_get(r->json, key));

	return v ? v : fallback;
}

int64_t body_int(const struct request *r, const char *key, int64_t fallback)
{
	const json_t *v = json_object_get(r->json, key);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

const char *param_text(const struct request *r, const char *name)
{
	const char *v = form_get(&r->params, name);

	return v ? v : "";
}

enum err body_day(
	const struct request *r, const char *key, bool *given, struct day *out, struct problem *why)
{
	const char *text = body_text(r, key, NULL);

	*given = text != NULL;
	if (text && day_parse(text, out) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, key, "a day like 2026-11-22 is expected");
	return ERR_OK;
}

int64_t param_int(const struct request *r, const char *name)
{
	int64_t v;

	return i64_parse(param_text(r, name), 0, INT64_MAX, &v) == ERR_OK ? v : 0;
}

int64_t caller_site(const struct request *r)
{
	return r->scope;
}

enum err request_site(const struct request *r, int64_t named, int64_t *out, struct problem *why)
{
	struct user u = r->user;
	struct site site;
	enum err e;

	if (u.site_id && named && u.site_id != named)
		return problem_set(why, ERR_NOT_FOUND, "site_id", "there is no such site");
	if (named)
		u.site_id = named;
	e = user_site(r->db, &u, &site);
	if (e == ERR_NOT_FOUND && named)
		return problem_set(why, e, "site_id", "there is no such site");
	if (e == ERR_NOT_FOUND)
		return problem_set(why, ERR_MISSING_FIELD, "site_id", "say which site");
	if (e == ERR_OK)
		*out = site.id;
	return e;
}

enum err request_zone(struct request *r, struct zone **out)
{
	struct site site;
	enum err e = user_site(r->db, &r->user, &site);

	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	return zone_open(e == ERR_OK ? site.zone : "UTC", out);
}

bool wants_english(const struct request *r)
{
	const char *text = request_header(r, "HTTP_ACCEPT_LANGUAGE");

	while (text && *text) {
		text += strspn(text, ", ");
		if (strncasecmp(text, "zh", 2) == 0 || strncasecmp(text, "en", 2) == 0)
			return (*text | 0x20) == 'e';
		text += strcspn(text, ",");
	}
	return false;
}

const char *request_once(const struct request *r, const char *what, char buf[static ONCE_MAX])
{
	const char *key = request_header(r, "HTTP_IDEMPOTENCY_KEY");

	snprintf(buf, ONCE_MAX, "%s:%lld:%s", what, (long long)r->user.id, key ? key : r->id);
	return buf;
}

void answer_approval(struct answer *a, int64_t approval_id)
{
	a->status = 202;
	a->json = json_pack(
		"{s:{s:I, s:s}}", "approval", "id", (json_int_t)approval_id, "state", "pending");
}

static enum err day_start(
	const struct zone *z, const char *text, int64_t plus, struct utc *out, struct problem *why)
{
	struct day day;

	*out = (struct utc){ 0 };
	if (!text[0])
		return ERR_OK;
	if (day_parse(text, &day) != ERR_OK)
		return problem_set(why, ERR_BAD_VALUE, "from", "a day like 2026-11-22 is expected");
	day.days += (int32_t)plus;
	*out = zone_day_start(z, day);
	return ERR_OK;
}

enum err param_span(struct request *r, struct utc *from, struct utc *to)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct site site = { .zone = "UTC" };
	struct problem why = { 0 };
	enum err e = user_site(r->db, &r->user, &site);

	if (e == ERR_OK || e == ERR_NOT_FOUND)
		e = zone_open(e == ERR_OK ? site.zone : "UTC", &z);
	if (e == ERR_OK)
		e = day_start(z, param_text(r, "from"), 0, from, &why);
	return e == ERR_OK ? day_start(z, param_text(r, "to"), 1, to, &why) : e;
}

json_t *json_items(json_t *items)
{
	return json_pack("{s:o, s:n}", "items", items, "next");
}

/* Text of the sender's, which may be cut in the middle of a character. */
static json_t *json_any_text(const char *s)
{
	json_t *j = json_string(s);
	char plain[256];
	size_t n = 0;

	if (j)
		return j;
	for (; *s && n < sizeof(plain) - 1; s++)
		plain[n++] = *s >= 0x20 && *s < 0x7f ? *s : '?';
	plain[n] = '\0';
	return json_string(plain);
}

static void answer_problem(const struct request *r, struct answer *a, enum err e)
{
	const char *text = a->why.text[0] ? a->why.text : err_text(e);

	if (e == ERR_RETRY)
		e = ERR_UNAVAILABLE;
	json_free(&a->json);
	buf_free(&a->text);
	a->status = err_http(e);
	a->type = "application/problem+json";
	a->json = json_pack("{s:s, s:s, s:i, s:s, s:o, s:s, s:s}", "type", "about:blank", "title",
		err_text(e), "status", a->status, "code", err_word(e), "detail",
		json_any_text(text), "hint", err_hint(e, request_chinese(r)), "request_id", r->id);
	if (a->why.field[0])
		json_object_set_new(a->json, "field", json_any_text(a->why.field));
	if (a->more)
		json_object_update(a->json, a->more);
	if (a->status == 503 && e != ERR_NOT_CONFIGURED)
		a->retry_after = RETRY_AFTER_S;
	if (a->status == 429 && !a->retry_after)
		a->retry_after = 60;
}

/* The path behind the prefix; routes for watchers are reachable without it. */
static const char *strip_prefix(const char *path)
{
	size_t n = strlen(API_PREFIX);

	if (strncmp(path, API_PREFIX, n) == 0 && path[n] == '/')
		return path + n;
	return str_eq(path, "/healthz") || str_eq(path, "/metrics") ? path : "";
}

static enum err check_input(struct request *r, struct answer *a)
{
	enum err e = route_params(r->route, r->query, &r->params, &a->why);

	if (e != ERR_OK || !r->route->body)
		return e;
	return body_parse(r->api->schemas, r->route->body, r->body, r->body_n, &r->json, &a->why);
}

#define KEY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static enum err idempotency_key(const struct request *r, const char **out, struct problem *why)
{
	const char *key = request_header(r, "HTTP_IDEMPOTENCY_KEY");

	if (!key || !key[0])
		return problem_set(why, ERR_MISSING_FIELD, "Idempotency-Key",
			"the header Idempotency-Key is required");
	if (strlen(key) > 64 || strspn(key, KEY_CHARS) != strlen(key))
		return problem_set(
			why, ERR_BAD_VALUE, "Idempotency-Key", "1 to 64 letters, digits, _ or -");
	*out = key;
	return ERR_OK;
}

static void request_sha256(const struct request *r, char out[static SHA256_HEX])
{
	AUTO(buf_free) struct buf b = { 0 };

	buf_printf(&b, "%s\n%s\n", r->method, r->path);
	buf_add(&b, r->body_n ? r->body : "", r->body_n);
	sha256_hex(b.text, b.len, out);
}

static enum err answer_again(struct answer *a, struct stored_answer *s)
{
	enum err e = json_parse(s->body, strlen(s->body), &a->json, NULL);

	free(s->body);
	a->status = (int)s->status;
	a->repeated = true;
	return e;
}

/* Runs the handler once per key. Failed work changed nothing, so its key is free again. */
static enum err run_once(struct request *r, struct answer *a)
{
	struct stored_answer stored = { 0 };
	struct idempotent i = { .user_id = r->user.id };
	char sha[SHA256_HEX], *text;
	enum err e = idempotency_key(r, &i.key, &a->why);

	if (e != ERR_OK)
		return e;
	request_sha256(r, sha);
	i.request_sha256 = sha;
	e = idempotent_begin(r->db, &i, r->now, &stored);
	if (e == ERR_ALREADY)
		return answer_again(a, &stored);
	if (e != ERR_OK)
		return e;
	e = r->route->run(r, a);
	if (e != ERR_OK) {
		if (idempotent_undone(r->db, &i) != ERR_OK)
			log_warn("idempotency=not_given_back");
		return e;
	}
	text = json_text(a->json);
	/* If this is lost, the key stays claimed, and the handler's own once_key still holds. */
	if (idempotent_done(r->db, &i, a->status ? a->status : r->route->status, text) != ERR_OK)
		log_warn("idempotency=not_kept");
	free(text);
	return ERR_OK;
}

static bool by_key(const struct request *r)
{
	return r->route->idempotent ||
	       (r->route->key_welcome && request_header(r, "HTTP_IDEMPOTENCY_KEY"));
}

static enum err run_route(struct request *r, struct answer *a)
{
	enum err e = route_find(r->method, strip_prefix(r->path), &r->route, &r->object, a->allow);

	if (e == ERR_OK)
		e = caller_check(r);
	if (e == ERR_OK)
		e = areas_check_path(r, &a->why);
	if (e == ERR_OK)
		e = request_limited(r, a);
	if (e == ERR_OK && r->read_body && r->route->body_most)
		r->body_error = r->read_body(r, r->route->body_most, &a->why);
	if (e == ERR_OK)
		e = r->body_error;
	if (e == ERR_OK)
		e = check_input(r, a);
	r->ran = e == ERR_OK;
	if (e == ERR_OK)
		db_request_set(r->db, r->id, r->remote, body_text(r, "reason", ""));
	if (e == ERR_OK)
		e = areas_check_input(r, &a->why);
	if (e == ERR_OK)
		e = by_key(r)		? run_once(r, a)
		    : list_is(r->route) ? list_run(r, a)
					: etag_run(r, a, r->route->run);
	if (e == ERR_OK && a->status == 0)
		a->status = r->route->status;
	return e;
}

/* For tests and development: does the answer say what the document says? */
static void check_answer(const struct request *r, const struct answer *a)
{
	const char *shape = r->route ? r->route->answer : NULL;
	struct problem why = { 0 };
	const json_t *one;
	size_t i;
	enum err e = ERR_OK;

	if (a->status >= 400) {
		e = schema_check(r->api->schemas, "problem", a->json, &why);
	} else if (r->route && r->route->approved && json_object_get(a->json, "approval")) {
		e = schema_check(r->api->schemas, "approval_asked", a->json, &why);
	} else if (shape && r->route->list) {
		json_array_foreach(json_object_get(a->json, "items"), i, one) if (e == ERR_OK) e =
			schema_check(r->api->schemas, shape, one, &why);
	} else if (shape) {
		e = schema_check(r->api->schemas, shape, a->json, &why);
	}
	if (e != ERR_OK)
		log_error("answer=differs route=%s code=%s field=%s why=\"%s\"",
			r->route ? r->route->path : "-", err_word(e), why.field, why.text);
}

void api_handle(struct request *r, struct answer *a)
{
	int64_t began = mono_ms();
	enum err e;
	size_t route;

	db_request_set(r->db, r->id, r->remote, "");
	e = run_route(r, a);
	audit_request(r, a, e);
	db_request_set(r->db, "", "", "");
	route = r->route ? (size_t)(r->route - routes) : ROUTES_MAX;
	if (e != ERR_OK && a->status == 0)
		answer_problem(r, a, e);
	if (r->api->check_answers && a->json)
		check_answer(r, a);
	form_free(&r->params);
	json_free(&r->json);
	if (e == ERR_DB || e == ERR_UNAVAILABLE || e == ERR_RETRY)
		atomic_fetch_add(&r->api->tally->database_errors, 1);
	tally_add(r->api->tally, route, a->status, mono_ms() - began);
}

void answer_write(const struct request *r, struct answer *a, struct buf *out)
{
	char *json = a->json ? json_dumps(a->json, JSON_COMPACT) : NULL;
	const char *type = a->type ? a->type : "application/json";

	buf_printf(out, "Status: %d\r\nX-Request-Id: %s\r\n", a->status, r->id);
	if (json || a->text.text || a->file)
		buf_printf(out, "Content-Type: %s\r\n", type);
	if (a->file_name[0])
		buf_printf(
			out, "Content-Disposition: attachment; filename=\"%s\"\r\n", a->file_name);
	buf_adds(out, a->etag[0] ? "Cache-Control: no-cache\r\n" : "Cache-Control: no-store\r\n");
	if (a->etag[0])
		buf_printf(out, "ETag: %s\r\n", a->etag);
	if (a->location[0])
		buf_printf(out, "Location: %s\r\n", a->location);
	if (a->cookie[0])
		buf_printf(out, "Set-Cookie: %s\r\n", a->cookie);
	if (a->status == 405 && a->allow[0])
		buf_printf(out, "Allow: %s\r\n", a->allow);
	if (a->status == 401)
		buf_adds(out, "WWW-Authenticate: Bearer\r\n");
	if (a->retry_after)
		buf_printf(out, "Retry-After: %d\r\n", a->retry_after);
	if (a->repeated)
		buf_adds(out, "Idempotency-Hit: true\r\n");
	buf_adds(out, "\r\n");
	if (!str_eq(r->method, "HEAD")) {
		if (json)
			buf_adds(out, json);
		else if (a->text.text)
			buf_add(out, a->text.text, a->text.len);
	}
	free(json);
}
