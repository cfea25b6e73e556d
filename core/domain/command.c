#include "domain/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/setting.h"

static enum err off(struct db *db, const struct command *c)
{
	return supply_block_set(
		db, c->supply_point_id, BLOCK_MANUAL, "", c->name, c->reason, c->now);
}

static enum err on(struct db *db, const struct command *c)
{
	enum err e = supply_block_clear(db, c->supply_point_id, BLOCK_MANUAL, "", c->now);

	if (e == ERR_OK) /* what a tenant switched off for a sub-tenant, staff may switch on */
		e = supply_block_clear(db, c->supply_point_id, BLOCK_SUB_TENANT, "", c->now);
	if (e == ERR_OK)
		e = supply_block_clear(db, c->supply_point_id, BLOCK_OVERLOAD, "", c->now);
	return e == ERR_OK ? supply_actor_set(db, c->supply_point_id, c->name, c->now) : e;
}

static enum err keep(struct db *db, const struct command *c)
{
	return supply_keep_set(db, c->supply_point_id, c->until, c->reason, c->name, c->now);
}

static enum err end_keep(struct db *db, const struct command *c)
{
	enum err e = supply_keep_clear(db, c->supply_point_id, c->now);

	return e == ERR_OK ? supply_actor_set(db, c->supply_point_id, c->name, c->now) : e;
}

static enum err safety_set(struct db *db, const struct command *c)
{
	return supply_block_set(
		db, c->supply_point_id, BLOCK_SAFETY, "", c->name, c->reason, c->now);
}

static enum err vacant_set(struct db *db, const struct command *c)
{
	return supply_block_set(
		db, c->supply_point_id, BLOCK_VACANT, "", c->name, c->reason, c->now);
}

static enum err lifted(struct db *db, const struct command *c, enum block_kind kind)
{
	enum err e = supply_block_clear(db, c->supply_point_id, kind, "", c->now);

	return e == ERR_OK ? supply_actor_set(db, c->supply_point_id, c->name, c->now) : e;
}

static enum err safety_clear(struct db *db, const struct command *c)
{
	return lifted(db, c, BLOCK_SAFETY);
}

static enum err vacant_clear(struct db *db, const struct command *c)
{
	return lifted(db, c, BLOCK_VACANT);
}

static enum err protect(struct db *db, const struct command *c)
{
	return supply_class_set(db, c->supply_point_id, "protected", c->now);
}

static enum err unprotect(struct db *db, const struct command *c)
{
	return supply_class_set(db, c->supply_point_id, "ordinary", c->now);
}

static enum err take_note(struct db *db, const struct command *c)
{
	return supply_take_note(db, c->supply_point_id, c->name, c->now);
}

enum second_person { NEVER, IF_PROTECTED, IF_LONG, ALWAYS };

static const struct {
	const char *word;
	enum err (*apply)(struct db *db, const struct command *c);
	bool switches; /* needs a relay or valve */
	enum second_person second;
	const char *approval; /* its kind */
} commands[COMMAND__MAX] = {
	/* clang-format off */
	[COMMAND_OFF]          = { "off",          off,          true,  IF_PROTECTED, "protected_off" },
	[COMMAND_ON]           = { "on",           on,           true,  NEVER,        NULL },
	[COMMAND_KEEP]         = { "keep",         keep,         true,  IF_LONG,      "long_keep" },
	[COMMAND_AUTO]         = { "auto",         end_keep,     true,  NEVER,        NULL },
	[COMMAND_SAFETY_SET]   = { "safety_set",   safety_set,   true,  NEVER,        NULL },
	[COMMAND_SAFETY_CLEAR] = { "safety_clear", safety_clear, true,  NEVER,        NULL },
	[COMMAND_VACANT_SET]   = { "vacant_set",   vacant_set,   true,  IF_PROTECTED, "protected_off" },
	[COMMAND_VACANT_CLEAR] = { "vacant_clear", vacant_clear, true,  NEVER,        NULL },
	[COMMAND_PROTECT]      = { "protect",      protect,      false, ALWAYS,       "protect" },
	[COMMAND_UNPROTECT]    = { "unprotect",    unprotect,    false, ALWAYS,       "unprotect" },
	[COMMAND_TAKE_NOTE]    = { "take_note",    take_note,    false, NEVER,        NULL },
	/* clang-format on */
};

const char *command_word(enum command_kind k)
{
	return commands[k].word;
}

static enum err audited(struct db *db, const struct command *c, int64_t meter_id, enum err outcome)
{
	struct audit audit = { c->actor, c->address, "meter.control", "meter", meter_id,
		err_word(outcome) };

	return audit_add(db, &audit,
		json_pack("{s:s, s:s, s:o}", "action", commands[c->kind].word, "reason", c->reason,
			"until", json_utc(c->until)),
		c->now);
}

/* Protecting twice would only confuse the two persons. */
static enum err check_class(
	const struct command *c, const struct supply_point *p, struct problem *why)
{
	bool is_protected = str_eq(p->load_class, "protected");

	if (c->kind == COMMAND_PROTECT && is_protected)
		return problem_set(why, ERR_CONFLICT, "load_class", "it is protected already");
	if (c->kind == COMMAND_UNPROTECT && !is_protected)
		return problem_set(why, ERR_CONFLICT, "load_class", "it is ordinary already");
	return ERR_OK;
}

static enum err done(struct db *db, const struct command *c, const struct supply_point *p)
{
	enum err e = commands[c->kind].apply(db, c);

	return e == ERR_OK ? audited(db, c, p->meter_id, ERR_OK) : e;
}

static enum err ask(struct db *db, const struct command *c, const struct supply_point *p,
	int64_t *approval_id, struct problem *why)
{
	AUTO(json_free)
	json_t *params = json_pack("{s:s, s:I, s:I}", "command", commands[c->kind].word,
		"supply_point", (json_int_t)c->supply_point_id, "until", (json_int_t)c->until.ms);
	char object[40];

	snprintf(object, sizeof(object), "supply_point:%" PRId64, c->supply_point_id);
	return approval_ask(db,
		&(struct approval_new){ .kind = commands[c->kind].approval,
			.site_id = p->site_id,
			.object = object,
			.params = params,
			.reason = c->reason,
			.user_id = c->user_id,
			.once_key = c->once_key },
		c->now, approval_id, why);
}

#define HOUR_MS (INT64_C(3600) * 1000)

static enum err needs_second(
	struct db *db, const struct command *c, const struct supply_point *p, bool *out)
{
	int64_t hours = 0;
	enum err e = ERR_OK;

	switch (commands[c->kind].second) {
	case IF_PROTECTED:
		*out = str_eq(p->load_class, "protected");
		break;
	case IF_LONG:
		e = setting_get(db, p->site_id, SETTING_KEEP_LIMIT_H, &hours);
		*out = c->until.ms - c->now.ms > hours * HOUR_MS;
		break;
	case ALWAYS:
		*out = true;
		break;
	case NEVER:
		*out = false;
	}
	return e;
}

struct commanding {
	const struct command *c;
	int64_t approval_id;
	struct problem *why;
};

static enum err command_tx(struct db *db, void *ctx)
{
	struct commanding *g = ctx;
	const struct command *c = g->c;
	struct supply_point p;
	bool second = false;
	enum err e = supply_lock(db, c->supply_point_id, &p);

	g->approval_id = 0;
	if (e == ERR_OK)
		e = check_class(c, &p, g->why);
	if (e == ERR_OK)
		e = needs_second(db, c, &p, &second);
	if (e != ERR_OK)
		return e;
	if (second)
		return ask(db, c, &p, &g->approval_id, g->why);
	return done(db, c, &p);
}

enum err command_do(
	struct db *db, const struct command *c, int64_t *approval_id, struct problem *why)
{
	struct commanding g = { .c = c, .why = why };
	struct supply_point p;
	enum err e = supply_get(db, c->supply_point_id, &p);

	if (e == ERR_OK && commands[c->kind].switches && !p.switchable) {
		if (audited(db, c, p.meter_id, ERR_CONFLICT) != ERR_OK)
			log_error("audit=not_written supply_point=%" PRId64, c->supply_point_id);
		return problem_set(
			why, ERR_CONFLICT, "", "this meter has no relay or valve to switch");
	}
	if (e == ERR_OK)
		e = db_tx(db, command_tx, &g);
	if (e != ERR_OK)
		return e;
	*approval_id = g.approval_id;
	log_info("supply_point=%" PRId64 " command=%s by=%s%s", c->supply_point_id,
		commands[c->kind].word, c->actor, g.approval_id ? " waits for approval" : "");
	return ERR_OK;
}

enum err command_join(struct db *db, const struct command *c, struct problem *why)
{
	enum second_person second = commands[c->kind].second;
	struct supply_point p;
	enum err e;

	ASSERT(db_in_tx(db));
	e = supply_lock(db, c->supply_point_id, &p);
	if (e != ERR_OK)
		return e;
	if (commands[c->kind].switches && !p.switchable)
		return problem_set(
			why, ERR_CONFLICT, "", "this meter has no relay or valve to switch");
	if (second == ALWAYS || (second == IF_PROTECTED && str_eq(p.load_class, "protected")))
		return problem_set(why, ERR_FORBIDDEN, "", "a second person decides on this");
	return done(db, c, &p);
}

enum err command_approved(struct db *db, const struct approval *a, const json_t *params,
	const char *actor, struct utc now, struct problem *why)
{
	const char *word = json_string_value(json_object_get(params, "command"));
	struct command c = {
		.supply_point_id = json_integer_value(json_object_get(params, "supply_point")),
		.reason = a->reason,
		.name = actor,
		.actor = actor,
		.address = "",
		.until = { json_integer_value(json_object_get(params, "until")) },
		.now = now,
	};
	struct supply_point p;
	enum err e;

	while (c.kind < COMMAND__MAX && !str_eq(commands[c.kind].word, word ? word : ""))
		c.kind++;
	if (c.kind == COMMAND__MAX || !commands[c.kind].approval ||
		!str_eq(commands[c.kind].approval, a->kind))
		return ERR_INTERNAL;
	if (c.kind == COMMAND_KEEP && c.until.ms <= now.ms)
		return problem_set(why, ERR_CONFLICT, "until", "it would be over already");
	e = supply_lock(db, c.supply_point_id, &p);
	if (e == ERR_OK)
		e = check_class(&c, &p, why);
	return e == ERR_OK ? done(db, &c, &p) : e;
}
