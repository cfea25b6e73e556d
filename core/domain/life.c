#include "domain/life.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/reading.h"

void life_done_free(struct life_done *d)
{
	json_free(&d->steps);
}

/* ---- one transaction ---- */

struct running {
	struct life life;
	enum err (*act)(struct life *, void *);
	void *ctx;
	bool previewed;
};

static enum err run_tx(struct db *db, void *ctx)
{
	struct running *r = ctx;
	struct life *l = &r->life;
	enum err e;

	(void)db;
	json_free(&l->steps); /* of a former run */
	charges_free(&l->charges);
	l->steps = json_array();
	l->id = 0;
	l->repeated = false;
	e = r->act(l, r->ctx);
	r->previewed = e == ERR_OK && l->ask->preview && !l->repeated;
	return r->previewed ? ERR_CONFLICT : e; /* any error rolls back */
}

enum err life_run(struct db *db, const struct life_ask *ask, enum err (*act)(struct life *, void *),
	void *ctx, struct life_done *out, struct problem *why)
{
	struct running r = {
		.life = { .db = db, .ask = ask, .why = why, .tariffs = tariffs_open() },
		.act = act,
		.ctx = ctx
	};
	enum err e = db_tx(db, run_tx, &r);

	if (r.previewed && e == ERR_CONFLICT)
		e = ERR_OK;
	tariffs_free(&r.life.tariffs);
	charges_free(&r.life.charges);
	if (e != ERR_OK) {
		json_free(&r.life.steps);
		return e;
	}
	*out = (struct life_done){ r.life.id, r.life.repeated, r.life.steps };
	return ERR_OK;
}

/* ---- steps ---- */

const char *qty_text(struct qty q, char buf[static MONEY_TEXT_MAX])
{
	uint64_t v = q.milli < 0 ? 0 - (uint64_t)q.milli : (uint64_t)q.milli;
	int n = snprintf(buf, MONEY_TEXT_MAX, "%s%" PRIu64 ".%03" PRIu64, q.milli < 0 ? "-" : "",
		v / 1000, v % 1000);

	while (buf[n - 1] == '0')
		buf[--n] = '\0';
	if (buf[n - 1] == '.')
		buf[--n] = '\0';
	return buf;
}

/* Adds a member unless there is none. */
static void step_text(json_t *o, const char *key, const char *text)
{
	if (text && text[0])
		json_object_set_new(o, key, json_string(text));
}

void step_add(struct life *l, const struct step *s)
{
	char text[UTC_TEXT_MAX + MONEY_TEXT_MAX];
	bool water = s->utility && str_eq(s->utility, "water");
	json_t *o = json_pack("{s:s}", "what", s->what);

	ASSERT(o);
	if (s->meter_id)
		json_object_set_new(o, "meter_id", json_integer(s->meter_id));
	step_text(o, "meter_code", s->meter_code);
	step_text(o, "purpose", s->purpose);
	step_text(o, "at", s->at.ms ? utc_text(s->at, text) : NULL);
	step_text(o, "register", s->has_reg ? qty_text(s->reg, text) : NULL);
	if (s->has_qty)
		json_object_set_new(
			o, water ? "volume_l" : "energy_wh", json_integer(s->qty.milli));
	step_text(o, "amount", s->has_amount ? money_text(s->amount, text) : NULL);
	if (s->fee_id)
		json_object_set_new(o, "fee_id", json_integer(s->fee_id));
	step_text(o, "last_day", s->last_day);
	step_text(o, "detail", s->detail);
	json_array_append_new(l->steps, o);
}

/* ---- meters ---- */

struct meter_row {
	int64_t id;
	char code[129];
	int64_t site_id;
	int64_t supply_point_id;
	char utility[12];
	char billing[12];
	char role[8];
	char load_class[12];
	int64_t rated_current_ma;
	int64_t phases;
	int64_t ct_ratio;
	int64_t pt_ratio;
	struct qty capacity_milli;
};
#define F(member) FIELD(struct meter_row, member)
SHAPE(meter_shape, struct meter_row, F(id), F(code), F(site_id), F(supply_point_id), F(utility),
	F(billing), F(role), F(load_class), F(rated_current_ma), F(phases), F(ct_ratio),
	F(pt_ratio), F(capacity_milli));
#undef F
static const struct query Q_METER = {
	"SELECT m.id, m.code, p.site_id, p.id AS supply_point_id, m.utility, m.billing, m.role,"
	" p.load_class, m.rated_current_ma, COALESCE(NULLIF(s.phases, 0), 3) AS phases,"
	" m.ct_ratio, m.pt_ratio, m.capacity_milli FROM meter m JOIN supply_point p ON p.id = "
	"m.supply_point_id"
	" LEFT JOIN meter_state s ON s.meter_id = m.id WHERE m.id = ?",
	&meter_shape
};

enum err life_meter_get(struct life *l, int64_t meter_id, struct life_meter *out)
{
	struct meter_row r;
	enum err e = db_one(l->db, &Q_METER, ARGS(arg_i64(meter_id)), &r);

	if (e == ERR_OK && l->ask->site_id && l->ask->site_id != r.site_id)
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return problem_set(l->why, e, "meters", "there is no meter %" PRId64, meter_id);
	if (e != ERR_OK)
		return e;
	*out = (struct life_meter){ .id = r.id,
		.site_id = r.site_id,
		.supply_point_id = r.supply_point_id,
		.most_per_hour = reading_most_per_hour(
			str_eq(r.utility, "water"), r.rated_current_ma, (int)r.phases, 1, 1),
		.most_per_hour_own = reading_most_per_hour(str_eq(r.utility, "water"),
			r.rated_current_ma, (int)r.phases, r.ct_ratio, r.pt_ratio),
		.capacity = r.capacity_milli };
	memcpy(out->code, r.code, sizeof(out->code));
	memcpy(out->utility, r.utility, sizeof(out->utility));
	memcpy(out->billing, r.billing, sizeof(out->billing));
	memcpy(out->role, r.role, sizeof(out->role));
	memcpy(out->load_class, r.load_class, sizeof(out->load_class));
	return ERR_OK;
}

/* A row of zeros still says "not yet"; it is there to be locked. */
static const struct query Q_SETTLED_BEGIN = {
	"INSERT INTO settled (meter_id, read_at, register_milli) VALUES (?, 0, 0)"
	" ON DUPLICATE KEY UPDATE meter_id = VALUES(meter_id)",
	NULL
};

enum err life_settled_lock(struct life *l, int64_t meter_id, struct settled *out)
{
	enum err e = db_exec(l->db, &Q_SETTLED_BEGIN, ARGS(arg_i64(meter_id)), NULL);

	return e == ERR_OK ? settled_lock(l->db, meter_id, out) : e;
}

struct credit_row {
	bool some;
};
SHAPE(credit_shape, struct credit_row, FIELD(struct credit_row, some));
static const struct query Q_CREDIT = {
	"SELECT c.worth_nano <> 0 OR EXISTS (SELECT 1 FROM purchase p WHERE p.open_meter ="
	" c.meter_id) AS some FROM meter_credit c WHERE c.meter_id = ? FOR UPDATE",
	&credit_shape
};

enum err life_no_credit(struct life *l, const struct life_meter *m)
{
	struct credit_row row = { 0 };
	enum err e;

	if (!str_eq(m->billing, "meter"))
		return ERR_OK;
	e = db_one(l->db, &Q_CREDIT, ARGS(arg_i64(m->id)), &row);
	if (e == ERR_OK && row.some)
		return problem_set(l->why, ERR_CONFLICT, "meters",
			"meter %s holds credit itself: turn it to credit in the account first, so "
			"that the rest comes back to the purse",
			m->code);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- registers that a person typed in ---- */

enum err life_reading_check(struct life *l, const struct life_meter *m, const struct settled *last,
	struct utc at, struct qty reg)
{
	struct reading_facts f = { .at = at,
		.reg = reg,
		.most_per_hour = last->own_ratio ? m->most_per_hour_own : m->most_per_hour,
		.step = 1,
		.capacity = m->capacity,
		.has_last = last->read_at.ms != 0,
		.last_at = last->read_at,
		.last_reg = last->register_milli };
	char text[MONEY_TEXT_MAX], time[UTC_TEXT_MAX];

	if (at.ms > l->ask->now.ms)
		return problem_set(
			l->why, ERR_OUT_OF_RANGE, "at", "meter %s: this is in the future", m->code);
	if (reg.milli < 0)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "register",
			"meter %s: a register is not negative", m->code);
	switch (reading_judge(&f)) {
	case VERDICT_ACCEPTED:
	case VERDICT_REPEATED:
		return ERR_OK;
	case VERDICT_LATE:
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at",
			"meter %s is settled up to %s already", m->code,
			utc_text(last->read_at, time));
	case VERDICT_BACKWARDS:
		return problem_set(l->why, ERR_OUT_OF_RANGE, "register",
			"meter %s: below its last settled register %s", m->code,
			qty_text(last->register_milli, text));
	default:
		return problem_set(l->why, ERR_OUT_OF_RANGE, "register",
			"meter %s: more than it can have counted since %s at %s", m->code,
			qty_text(last->register_milli, text), utc_text(last->read_at, time));
	}
}

static const struct query Q_TYPED = {
	"INSERT IGNORE INTO typed_reading (meter_id, read_at, register_milli, cause, actor,"
	" created_at) VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};

struct use_row {
	struct qty qty;
};
SHAPE(use_shape, struct use_row, FIELD(struct use_row, qty));
static const struct query Q_USE = {
	"SELECT CAST(COALESCE(SUM(qty_milli), 0) AS SIGNED) AS qty FROM settlement"
	" WHERE meter_id = ? AND from_at >= ? AND to_at <= ?",
	&use_shape
};

static __int128 charges_sum(const struct charges *c)
{
	__int128 sum = 0;

	for (size_t i = 0; i < c->n; i++)
		sum += c->at[i].sum.nano;
	return sum;
}

enum err life_settle(struct life *l, const struct life_meter *m, const struct settled *last,
	struct utc at, struct qty reg, const char *cause)
{
	struct charge_reading r = { .meter_id = m->id,
		.at = at,
		.reg = reg,
		.most_per_hour = last->own_ratio ? m->most_per_hour_own : m->most_per_hour,
		.step = 1,
		.capacity = m->capacity,
		.own_ratio = last->own_ratio };
	struct use_row use = { 0 };
	__int128 before = charges_sum(&l->charges);
	struct step s = { .what = "settle",
		.meter_id = m->id,
		.meter_code = m->code,
		.at = at,
		.has_reg = true,
		.reg = reg,
		.has_amount = true,
		.utility = m->utility };
	enum err e = db_exec(l->db, &Q_TYPED,
		ARGS(arg_i64(m->id), arg_utc(at), arg_qty(reg), arg_text(cause),
			arg_text(l->ask->actor), arg_utc(l->ask->now)),
		NULL);

	if (e == ERR_OK && at.ms != last->read_at.ms)
		e = charge_settle(l->db, l->tariffs, &r, last, &l->charges);
	if (e == ERR_NOT_FOUND)
		return problem_set(l->why, ERR_CONFLICT, "meters",
			"meter %s has no tariff for its use since its last settled reading",
			m->code);
	if (e != ERR_OK)
		return e;
	e = db_one(l->db, &Q_USE, ARGS(arg_i64(m->id), arg_utc(last->read_at), arg_utc(at)), &use);
	if (e != ERR_OK)
		return e;
	s.has_qty = last->read_at.ms != 0;
	s.qty = use.qty;
	s.amount.nano = (int64_t)(charges_sum(&l->charges) - before);
	step_add(l, &s);
	return ERR_OK;
}

/* ---- where a change cuts ---- */

static enum err cut_typed(
	struct life *l, const struct life_reading *r, struct utc at, struct cut *c)
{
	char time[UTC_TEXT_MAX];
	enum err e;

	c->read_at = r->at.ms ? r->at : l->ask->now;
	c->reg = r->reg;
	c->settle = true;
	c->at = at.ms ? at : c->read_at;
	e = life_reading_check(l, &c->meter, &c->last, c->read_at, c->reg);
	if (e != ERR_OK)
		return e;
	if (c->read_at.ms < c->at.ms)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at",
			"meter %s: its register must be of the change or later", c->meter.code);
	if (c->at.ms < c->last.read_at.ms)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at",
			"meter %s is settled up to %s already", c->meter.code,
			utc_text(c->last.read_at, time));
	return ERR_OK;
}

static enum err cut_unread(struct life *l, bool lenient, struct cut *c)
{
	char time[UTC_TEXT_MAX];

	c->by_rule = true;
	if (lenient || !c->last.read_at.ms)
		return ERR_OK;
	return problem_set(l->why, ERR_CONFLICT, "readings",
		"the last reading of meter %s is of %s: read it first, or type in its register",
		c->meter.code, utc_text(c->last.read_at, time));
}

enum err life_cut(
	struct life *l, const struct life_reading *r, struct utc at, bool lenient, struct cut *c)
{
	char time[UTC_TEXT_MAX];

	if (at.ms > l->ask->now.ms)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at", "this is in the future");
	if (r && r->typed)
		return cut_typed(l, r, at, c);
	c->at = at.ms ? at : l->ask->now;
	if (at.ms && at.ms == c->last.read_at.ms)
		return ERR_OK;
	if (at.ms && at.ms < c->last.read_at.ms)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at",
			"meter %s is settled up to %s already", c->meter.code,
			utc_text(c->last.read_at, time));
	if (at.ms || c->last.read_at.ms < l->ask->now.ms - LIFE_FRESH_MS)
		return cut_unread(l, lenient, c);
	c->at = c->last.read_at;
	return ERR_OK;
}
