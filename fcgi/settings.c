/* Settings of a site, and what waits for a second person. */
#include "domain/setting.h"

#include <string.h>

#include "domain/approval.h"
#include "fcgi/handlers.h"
#include "fcgi/list.h"

static enum err setting_json(struct request *r, int64_t site_id, enum setting s, json_t **out)
{
	const struct setting_row *row = &settings[s];
	int64_t value = 0;
	enum err e = setting_get(r->db, site_id, s, &value);

	if (e == ERR_OK)
		*out = json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:b, s:s}", "site_id",
			(json_int_t)site_id, "name", row->name, "value", (json_int_t)value,
			"shipped", (json_int_t)row->shipped, "min", (json_int_t)row->min, "max",
			(json_int_t)row->max, "second_person", row->second_person ? 1 : 0, "help",
			setting_help(s, request_chinese(r, false)));
	return e;
}

enum err settings_list(struct request *r, struct answer *a)
{
	json_t *items = json_array(), *one = NULL;
	int64_t site = 0;
	enum err e = request_site(r, param_int(r, "site_id"), &site, &a->why);

	for (unsigned s = 0; e == ERR_OK && s < SETTING__MAX; s++) {
		e = setting_json(r, site, (enum setting)s, &one);
		if (e == ERR_OK)
			json_array_append_new(items, one);
	}
	a->json = json_items(items);
	return e;
}

enum err setting_change(struct request *r, struct answer *a)
{
	struct setting_change c = { .value = body_int(r, "value", 0),
		.reason = body_text(r, "reason", ""),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
	char once[ONCE_MAX];
	int64_t approval_id = 0;
	enum err e = request_site(r, body_int(r, "site_id", 0), &c.site_id, &a->why);

	if (e == ERR_OK && setting_find(body_text(r, "name", ""), &c.setting) != ERR_OK)
		return problem_set(&a->why, ERR_BAD_VALUE, "name", "there is no such setting");
	c.once_key = request_once(r, "setting", once);
	if (e == ERR_OK)
		e = setting_put(r->db, &c, &approval_id, &a->why);
	if (e != ERR_OK)
		return e;
	if (approval_id) {
		answer_approval(a, approval_id);
		return ERR_OK;
	}
	return setting_json(r, c.site_id, c.setting, &a->json);
}

static json_t *approval_json(const void *row)
{
	const struct approval *p = row;

	return json_pack("{s:I, s:s, s:I, s:s, s:o, s:o, s:s, s:I, s:o, s:o, s:o, s:o}", "id",
		(json_int_t)p->id, "kind", p->kind, "site_id", (json_int_t)p->site_id, "object",
		p->object, "params", json_loads(p->params, 0, NULL), "reason",
		json_text_or_null(p->reason), "state", p->state, "asked_by",
		(json_int_t)p->asked_by, "asked_at", json_utc(p->asked_at), "decided_by",
		p->decided_by ? json_integer(p->decided_by) : json_null(), "decided_at",
		json_utc(p->decided_at), "note", json_text_or_null(p->note));
}

enum err approvals_list(struct request *r, struct answer *a)
{
	return list_answer(r, a, ARGS(arg_i64(caller_site(r))), approval_json);
}

static enum err decide(struct request *r, struct answer *a, bool approve)
{
	struct approval_decision d = { .id = r->object,
		.site_id = caller_site(r),
		.user_id = r->user.id,
		.actor = r->actor,
		.address = r->remote,
		.approve = approve,
		.note = body_text(r, "note", ""),
		.now = r->now };
	struct approval done;
	enum err e = approval_decide(r->db, &d, &done, &a->why);

	if (e == ERR_OK)
		a->json = approval_json(&done);
	return e;
}

enum err approval_approve(struct request *r, struct answer *a)
{
	return decide(r, a, true);
}

enum err approval_reject(struct request *r, struct answer *a)
{
	return decide(r, a, false);
}
