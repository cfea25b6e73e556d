/* WeChat of a login: bound or not, what it may be told; and what WeChat's servers tell us. */
#include "domain/wechat.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "fcgi/handlers.h"
#include "fcgi/routes.h"
#include "fcgi/ticket.h"
#include "notice/wechat_event.h"
#include "notice/wechat_people.h"
#include "web/crypt.h"

static const char *const app_words[WECHAT__MAX] = { "mp", "mini" };

/* The app of an app_id, or WECHAT__MAX: it was another one's once. */
static enum wechat_kind kind_of(const struct request *r, const char *app_id)
{
	for (int k = 0; k < WECHAT__MAX; k++)
		if (r->api->wechat[k] && str_eq(wechat_app_id(r->api->wechat[k]), app_id))
			return (enum wechat_kind)k;
	return WECHAT__MAX;
}

/* ---- /me/wechat ---- */

static json_t *apps_json(const struct request *r, const struct rows *rows)
{
	const struct wechat_binding *b = rows->at;
	json_t *list = json_array();

	for (size_t i = 0; i < rows->n; i++) {
		enum wechat_kind k = kind_of(r, b[i].app_id);

		if (k != WECHAT__MAX)
			json_array_append_new(list,
				json_pack("{s:s, s:o, s:b}", "app", app_words[k], "bound_at",
					json_utc(b[i].bound_at), "reachable", b[i].reachable));
	}
	return list;
}

static int64_t left_of(const struct rows *rows, const char *app_id, const char *template_id)
{
	const struct wechat_left *l = rows->at;

	for (size_t i = 0; i < rows->n; i++)
		if (str_eq(l[i].app_id, app_id) && str_eq(l[i].template_id, template_id))
			return l[i].remaining;
	return 0;
}

static json_t *templates_json(const struct request *r, const struct rows *left)
{
	json_t *list = json_array();

	for (int k = 0; k < WECHAT__MAX; k++) {
		const struct wechat_app *app = r->api->wechat[k];
		struct wechat_permit permits[WECHAT_PERMITS_MAX];
		size_t n = app ? wechat_permits(app, permits) : 0;

		for (size_t i = 0; i < n; i++)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:s, s:I}", "app", app_words[k],
					      "template_id", permits[i].template_id, "kind",
					      permits[i].kind, "remaining",
					      (json_int_t)left_of(left, wechat_app_id(app),
						      permits[i].template_id)));
	}
	return list;
}

enum err me_wechat(struct request *r, struct answer *a)
{
	AUTO(rows_free) struct rows bound = { 0 };
	AUTO(rows_free) struct rows left = { 0 };
	enum err e = wechat_bindings(r->db, r->user.id, r->now, &bound);

	if (e == ERR_OK)
		e = wechat_left_list(r->db, r->user.id, &left);
	if (e == ERR_OK)
		a->json = json_pack("{s:b, s:o, s:o}", "available",
			r->api->wechat[WECHAT_OA] && r->api->site_base[0], "apps",
			apps_json(r, &bound), "templates", templates_json(r, &left));
	return e;
}

enum err me_wechat_bind(struct request *r, struct answer *a)
{
	const struct audit who = { .actor = r->actor, .address = r->remote };
	char app_id[33], openid[65];
	enum err e =
		ticket_open(&r->api->jwt_key, body_text(r, "ticket", ""), r->now, app_id, openid);

	if (e != ERR_OK)
		return problem_set(&a->why, e, "ticket", "the ticket is wrong, or over");
	e = wechat_bind(r->db, &who, r->user.id, app_id, openid, r->now, &a->why);
	if (e != ERR_OK) {
		a->why.field[0] = '\0'; /* the ticket is right: the bindings are in the way */
		return e;
	}
	log_info("wechat=bound user=%lld", (long long)r->user.id);
	return me_wechat(r, a);
}

enum err me_wechat_unbind(struct request *r, struct answer *a)
{
	const struct audit who = { .actor = r->actor, .address = r->remote };
	enum err e = wechat_unbind(r->db, &who, r->user.id, r->now);

	if (e == ERR_NOT_FOUND)
		return problem_set(&a->why, e, "", "no WeChat is bound to this login");
	if (e == ERR_OK)
		log_info("wechat=unbound user=%lld", (long long)r->user.id);
	return e;
}

static bool is_permit(const struct wechat_app *app, const char *template_id)
{
	struct wechat_permit permits[WECHAT_PERMITS_MAX];
	size_t n = wechat_permits(app, permits);

	for (size_t i = 0; i < n; i++)
		if (str_eq(permits[i].template_id, template_id))
			return true;
	return false;
}

/* The openid of the caller at an app; ERR_NOT_FOUND. */
static enum err own_openid(struct request *r, const char *app_id, char openid[static 65])
{
	AUTO(rows_free) struct rows bound = { 0 };
	enum err e = wechat_bindings(r->db, r->user.id, r->now, &bound);
	const struct wechat_binding *b = bound.at;

	for (size_t i = 0; e == ERR_OK && i < bound.n; i++)
		if (str_eq(b[i].app_id, app_id))
			return str_copy(openid, 65, b[i].openid) ? ERR_OK : ERR_INTERNAL;
	return e == ERR_OK ? ERR_NOT_FOUND : e;
}

static enum err take_choice(struct request *r, const struct wechat_app *app, const char *openid)
{
	const struct wechat_who who = { wechat_app_id(app), openid };
	const char *template_id = body_text(r, "template_id", "");

	if (wechat_has_events(app))
		return ERR_OK; /* WeChat tells us itself: it must not count twice */
	if (str_eq(body_text(r, "result", ""), "accept"))
		return wechat_permission_add(r->db, who, template_id, r->now);
	return wechat_permission_none(r->db, who, template_id, r->now);
}

enum err me_wechat_subscription(struct request *r, struct answer *a)
{
	enum wechat_kind kind = str_eq(body_text(r, "app", "mini"), "mp") ? WECHAT_OA : WECHAT_MINI;
	const struct wechat_app *app = r->api->wechat[kind];
	char openid[65];
	enum err e;

	if (!app)
		return problem_set(&a->why, ERR_NOT_CONFIGURED, r->api->wechat_off[kind].field,
			"%s", r->api->wechat_off[kind].text);
	if (!is_permit(app, body_text(r, "template_id", "")))
		return problem_set(&a->why, ERR_NOT_FOUND, "template_id",
			"this template needs nobody's leave, or is not ours");
	e = own_openid(r, wechat_app_id(app), openid);
	if (e == ERR_NOT_FOUND)
		return ERR_WECHAT_NOT_BOUND;
	if (e == ERR_OK)
		e = take_choice(r, app, openid);
	return e == ERR_OK ? me_wechat(r, a) : e;
}

/* ---- /notify/wechat-mp, /notify/wechat-mini ---- */

struct told {
	const struct wechat_app *app;
	const struct wechat_event *event;
	char sha256[SHA256_HEX];
	struct utc now;
};

/* A repeat has the same person, time and event. */
static void event_sha256(struct told *t)
{
	AUTO(buf_free) struct buf b = { 0 };
	const struct wechat_event *v = t->event;

	buf_printf(&b, "%s/%s/%s/%s/%s", wechat_app_id(t->app), v->openid, v->created, v->event,
		v->msg_id);
	for (size_t i = 0; i < v->n; i++)
		buf_printf(&b, "/%s/%s/%s", v->items[i].template_id, v->items[i].status,
			v->items[i].msg_id);
	sha256_hex(b.text, b.len, t->sha256);
}

typedef enum err take_fn(struct db *db, const struct told *t, struct wechat_who who);

static enum err take_follow(struct db *db, const struct told *t, struct wechat_who who)
{
	return wechat_person_reach(db, who, "", t->now);
}

static enum err take_unfollow(struct db *db, const struct told *t, struct wechat_who who)
{
	return wechat_person_reach(db, who, "unfollowed", t->now);
}

static enum err take_sent(struct db *db, const struct told *t, struct wechat_who who)
{
	const struct wechat_event *v = t->event;
	bool ok = str_eq(v->status, "success");
	enum err e = ERR_OK;

	if (!v->msg_id[0])
		return ERR_OK;
	e = wechat_delivery_add(db, who.app_id, v->msg_id, ok, v->status, t->now);
	if (e == ERR_OK && strstr(v->status, "block"))
		e = wechat_person_reach(db, who, "blocked", t->now);
	return e;
}

static enum err take_choices(struct db *db, const struct told *t, struct wechat_who who)
{
	const struct wechat_event *v = t->event;
	bool asked = str_eq(v->event, "subscribe_msg_popup_event");
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < v->n; i++) {
		bool accept = str_eq(v->items[i].status, "accept");

		if (!v->items[i].template_id[0])
			continue;
		if (accept && asked)
			e = wechat_permission_add(db, who, v->items[i].template_id, t->now);
		else if (!accept && !asked) /* taken back in WeChat's settings */
			e = wechat_permission_none(db, who, v->items[i].template_id, t->now);
	}
	return e;
}

static enum err take_subscribed_sent(struct db *db, const struct told *t, struct wechat_who who)
{
	const struct wechat_event *v = t->event;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < v->n; i++) {
		const struct wechat_item *item = &v->items[i];
		char word[32];

		snprintf(word, sizeof(word), "%lld", (long long)item->errcode);
		if (item->msg_id[0])
			e = wechat_delivery_add(
				db, who.app_id, item->msg_id, item->errcode == 0, word, t->now);
		if (e == ERR_OK && item->errcode == 43101 && item->template_id[0])
			e = wechat_permission_none(db, who, item->template_id, t->now);
	}
	return e;
}

/* The events that mean something here; all others are thanked for. */
static const struct {
	const char *event;
	take_fn *take;
} events[] = {
	{ "subscribe", take_follow },
	{ "unsubscribe", take_unfollow },
	{ "TEMPLATESENDJOBFINISH", take_sent },
	{ "subscribe_msg_popup_event", take_choices },
	{ "subscribe_msg_change_event", take_choices },
	{ "subscribe_msg_sent_event", take_subscribed_sent },
};

static take_fn *take_of(const struct wechat_event *v)
{
	for (size_t i = 0; str_eq(v->type, "event") && i < ARRAY_LEN(events); i++)
		if (str_eq(v->event, events[i].event))
			return events[i].take;
	return NULL;
}

static enum err told_tx(struct db *db, void *ctx)
{
	const struct told *t = ctx;
	enum err e = wechat_event_once(db, t->sha256, t->now);

	if (e != ERR_OK)
		return e;
	return take_of(t->event)(
		db, t, (struct wechat_who){ wechat_app_id(t->app), t->event->openid });
}

static struct wechat_query query_of(const struct request *r)
{
	return (struct wechat_query){ .signature = param_text(r, "signature"),
		.timestamp = param_text(r, "timestamp"),
		.nonce = param_text(r, "nonce"),
		.echostr = param_text(r, "echostr"),
		.encrypt_type = param_text(r, "encrypt_type"),
		.msg_signature = param_text(r, "msg_signature") };
}

static enum err answer_text(struct answer *a, const char *text)
{
	a->type = "text/plain";
	buf_adds(&a->text, text);
	return ERR_OK;
}

static enum err refuse(const struct request *r, struct answer *a, enum err e)
{
	log_warn("notify=%s refused=%s why=\"%s\"", r->route->path, err_word(e), a->why.text);
	a->status = err_http(e);
	return answer_text(a, err_word(e));
}

static enum err echo(struct request *r, struct answer *a, enum wechat_kind kind)
{
	const struct wechat_query q = query_of(r);
	enum err e = ERR_NOT_CONFIGURED;

	if (r->api->wechat[kind])
		e = wechat_echo_check(r->api->wechat[kind], &q, r->now, &a->why);
	return e == ERR_OK ? answer_text(a, q.echostr) : refuse(r, a, e);
}

/* Our commit comes before the answer: what is not taken is told again. */
static enum err told(struct request *r, struct answer *a, enum wechat_kind kind)
{
	const struct wechat_query q = query_of(r);
	struct wechat_event event;
	struct told t = { .app = r->api->wechat[kind], .event = &event, .now = r->now };
	enum err e = r->api->wechat[kind] ? wechat_event_read(t.app, &q, r->body, r->body_n, r->now,
						    &event, &a->why)
					  : ERR_NOT_CONFIGURED;

	if (e == ERR_OK && take_of(&event)) {
		event_sha256(&t);
		e = db_tx(r->db, told_tx, &t);
		log_info("notify=%s event=%s result=%s", r->route->path, event.event, err_word(e));
	}
	if (e != ERR_OK && e != ERR_ALREADY)
		return refuse(r, a, e);
	return answer_text(a, "success");
}

enum err notify_wechat_mp_echo(struct request *r, struct answer *a)
{
	return echo(r, a, WECHAT_OA);
}

enum err notify_wechat_mini_echo(struct request *r, struct answer *a)
{
	return echo(r, a, WECHAT_MINI);
}

enum err notify_wechat_mp(struct request *r, struct answer *a)
{
	return told(r, a, WECHAT_OA);
}

enum err notify_wechat_mini(struct request *r, struct answer *a)
{
	return told(r, a, WECHAT_MINI);
}
