#include "domain/meterchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/audit.h"
#include "domain/event.h"
#include "domain/supplypoint.h"

#define STEPS_MAX 4000
#define RATIO_MAX 100000

/* ---- what hangs there ---- */

struct device_row {
	int64_t device;
	int64_t gateway_id;
	char unit[65];
	char model[193];
	char serial[129];
	int64_t ct_ratio;
	int64_t pt_ratio;
	struct qty start_milli;
	bool switchable;
	struct qty capacity_milli;
};
#define F(member) FIELD(struct device_row, member)
SHAPE(device_shape, struct device_row, F(device), F(gateway_id), F(unit), F(model), F(serial),
	F(ct_ratio), F(pt_ratio), F(start_milli), F(switchable), F(capacity_milli));
#undef F
static const struct query Q_DEVICE = {
	"SELECT m.device, m.gateway_id, m.unit, m.model, m.serial,"
	" COALESCE((SELECT r.ct FROM meter_ratio r WHERE r.meter_id = m.id"
	" ORDER BY r.from_at DESC LIMIT 1), m.ct_ratio) AS ct_ratio,"
	" COALESCE((SELECT r.pt FROM meter_ratio r WHERE r.meter_id = m.id"
	" ORDER BY r.from_at DESC LIMIT 1), m.pt_ratio) AS pt_ratio,"
	" m.start_milli, p.switchable, m.capacity_milli FROM meter m JOIN supply_point p ON p.id = "
	"m.supply_point_id"
	" WHERE m.id = ?",
	&device_shape
};
static const struct query Q_DEVICE_SET = {
	"UPDATE meter SET device = ?, gateway_id = ?, unit = ?, model = ?, serial = ?,"
	" ct_ratio = ?, pt_ratio = ?, start_milli = ?, capacity_milli = ? WHERE id = ?",
	NULL
};
static const struct query Q_SWITCHABLE = { "UPDATE supply_point SET switchable = ? WHERE id = ?",
	NULL };
/* The row of meter_change is the evidence of it. */
static const struct query Q_REBASE = {
	"UPDATE settled SET read_at = ?, register_milli = ?, own_ratio = ?, sharp_milli = -1,"
	" peak_milli = -1, flat_milli = -1, valley_milli = -1 WHERE meter_id = ?",
	NULL
};
/* Ratios have a history: what was before stays what it was. */
static const struct query Q_RATIO_FIRST = {
	"INSERT IGNORE INTO meter_ratio (meter_id, from_at, ct, pt) VALUES (?, 0, ?, ?)", NULL
};
static const struct query Q_RATIO_ADD = {
	"INSERT INTO meter_ratio (meter_id, from_at, ct, pt, actor, reason, created_at)"
	" VALUES (?, ?, ?, ?, ?, 'exchange of the device', ?)",
	NULL
};
static const struct query Q_RATIOS = { "SELECT COUNT(*) AS id FROM meter_ratio WHERE meter_id = ?",
	&id_shape };
/* What was wrong with the old device says nothing about the new one; and it is wanted at once. */
static const struct query Q_STATE = {
	"UPDATE meter_state SET verdict = 'accepted', read_wanted_at = ? WHERE meter_id = ?", NULL
};
/* The slot table of the new device was not read back yet. */
static const struct query Q_SLOTS = {
	"INSERT IGNORE INTO meter_slots (meter_id, read_at, slots) VALUES (?, ?, '')", NULL
};
static const struct query Q_GATEWAY_SITE = { "SELECT site_id AS id FROM gateway WHERE id = ?",
	&id_shape };

static enum err rebase(
	struct life *l, const struct life_meter *m, struct utc at, struct qty to, bool own_ratio)
{
	return db_exec(l->db, &Q_REBASE,
		ARGS(arg_utc(at), arg_qty(to), arg_i64(own_ratio), arg_i64(m->id)), NULL);
}

static enum err ratio_put(struct life *l, const struct life_meter *m, const struct device_row *from,
	const struct device_row *to, struct utc at)
{
	struct id_row n;
	enum err e;

	if (from->ct_ratio == to->ct_ratio && from->pt_ratio == to->pt_ratio)
		return ERR_OK;
	e = db_one(l->db, &Q_RATIOS, ARGS(arg_i64(m->id)), &n);
	if (e == ERR_OK && n.id == 0)
		e = db_exec(l->db, &Q_RATIO_FIRST,
			ARGS(arg_i64(m->id), arg_i64(from->ct_ratio), arg_i64(from->pt_ratio)),
			NULL);
	if (e == ERR_OK)
		e = db_exec(l->db, &Q_RATIO_ADD,
			ARGS(arg_i64(m->id), arg_utc(at), arg_i64(to->ct_ratio),
				arg_i64(to->pt_ratio), arg_text(l->ask->actor),
				arg_utc(l->ask->now)),
			NULL);
	return e == ERR_ALREADY
		       ? problem_set(l->why, ERR_CONFLICT, "at",
				 "the ratios of meter %s change at that very instant", m->code)
		       : e;
}

static enum err device_put(struct life *l, const struct life_meter *m, const struct device_row *to)
{
	enum err e = db_exec(l->db, &Q_DEVICE_SET,
		ARGS(arg_i64(to->device), arg_i64(to->gateway_id), arg_text(to->unit),
			arg_text(to->model), arg_text(to->serial), arg_i64(to->ct_ratio),
			arg_i64(to->pt_ratio), arg_qty(to->start_milli),
			arg_qty(to->capacity_milli), arg_i64(m->id)),
		NULL);

	if (e == ERR_ALREADY)
		return problem_set(l->why, ERR_CONFLICT, "new.unit",
			"another meter has this address on the gateway");
	if (e == ERR_OK)
		e = db_exec(l->db, &Q_SWITCHABLE,
			ARGS(arg_i64(to->switchable), arg_i64(m->supply_point_id)), NULL);
	if (e == ERR_OK) /* what the old relay did is not what the new one does */
		e = supply_observe(l->db, m->supply_point_id, "unknown", l->ask->now);
	if (e == ERR_OK)
		e = db_exec(l->db, &Q_STATE, ARGS(arg_utc(l->ask->now), arg_i64(m->id)), NULL);
	if (e == ERR_OK)
		e = db_exec(l->db, &Q_SLOTS, ARGS(arg_i64(m->id), arg_utc(l->ask->now)), NULL);
	return e;
}

/* ---- the record ---- */

struct record_row {
	int64_t id;
	int64_t meter_id;
	char steps[4 * STEPS_MAX + 1];
	char request[4 * STEPS_MAX + 1];
};
#define F(member) FIELD(struct record_row, member)
SHAPE(record_shape, struct record_row, F(id), F(meter_id), F(steps), F(request));
#undef F
static const struct query Q_RECORD = {
	"SELECT id, meter_id, steps, request FROM meter_change WHERE once_key = ?", &record_shape
};
static const struct query Q_RECORD_ADD = {
	"INSERT INTO meter_change (meter_id, at, old_device, old_gateway_id, old_unit, old_model,"
	" old_serial, old_ct_ratio, old_pt_ratio, old_start_milli, old_switchable, old_own_ratio, "
	"old_capacity_milli,"
	" old_register_milli, new_device, new_model, new_serial, new_register_milli, actor, reason,"
	" created_at, steps, request, once_key)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	NULL
};

static void record_free(struct record_row **r)
{
	free(*r);
}
static enum err repeated(struct life *l, bool *found)
{
	AUTO(record_free) struct record_row *r = calloc(1, sizeof(*r));
	AUTO(json_free) json_t *request = NULL;
	AUTO(json_free) json_t *steps = NULL;
	enum err e;

	ASSERT(r);
	*found = false;
	e = db_one(l->db, &Q_RECORD, ARGS(arg_text(l->ask->once_key)), r);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e == ERR_OK)
		e = json_parse(r->request, strlen(r->request), &request, NULL);
	if (e == ERR_OK)
		e = json_parse(r->steps, strlen(r->steps), &steps, NULL);
	if (e != ERR_OK)
		return e;
	if (!json_equal(request, l->ask->request))
		return problem_set(l->why, ERR_IDEMPOTENCY, "Idempotency-Key",
			"this key was used for another request");
	json_array_extend(l->steps, steps);
	l->id = r->id;
	l->repeated = *found = true;
	return ERR_OK;
}

static enum err audit(struct life *l, const struct life_meter *m, const char *action)
{
	enum err e = event_add(l->db, "meter.replaced", m->site_id,
		json_pack("{s:I, s:s, s:b}", "meter_id", (json_int_t)m->id, "code", m->code,
			"undone", str_eq(action, "meter.replace") ? 0 : 1),
		l->ask->now);

	if (!l->ask->preview)
		log_info("meter=%s act=%s by=%s", m->code, action, l->ask->actor);
	return e == ERR_OK ? audit_add(l->db,
				     &(struct audit){ l->ask->actor, l->ask->address, action,
					     "meter", m->id, NULL },
				     json_deep_copy(l->ask->request), l->ask->now)
			   : e;
}

/* ---- replacing ---- */

struct replacing {
	const struct meter_change_new *n;
	struct life_meter meter;
	struct device_row old;
	struct settled last;
	struct utc at;
};

static enum err ratio_check(struct life *l, const char *field, int64_t ratio)
{
	if (ratio >= 1 && ratio <= RATIO_MAX)
		return ERR_OK;
	return problem_set(l->why, ERR_OUT_OF_RANGE, field, "from 1 to %d", RATIO_MAX);
}

static enum err new_check(struct life *l, const struct replacing *r)
{
	struct id_row site;
	enum err e = ratio_check(l, "new.ct_ratio", r->n->ct_ratio);

	if (e == ERR_OK)
		e = ratio_check(l, "new.pt_ratio", r->n->pt_ratio);
	if (e != ERR_OK)
		return e;
	if (r->n->new_register.milli < 0)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "new.start_register",
			"a register is not negative");
	if (!r->n->gateway_id)
		return ERR_OK;
	e = db_one(l->db, &Q_GATEWAY_SITE, ARGS(arg_i64(r->n->gateway_id)), &site);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && site.id != r->meter.site_id))
		return problem_set(l->why, ERR_NOT_FOUND, "new.gateway_id",
			"there is no such gateway at the site of the meter");
	return e;
}

/* The old device to its end. */
static enum err old_settle(struct life *l, const struct replacing *r)
{
	enum err e = life_reading_check(l, &r->meter, &r->last, r->at, r->n->old_register);

	if (e == ERR_OK)
		e = life_settle(l, &r->meter, &r->last, r->at, r->n->old_register, "replace");
	return e == ERR_OK ? charge_post(l->db, &l->charges, l->ask->now) : e;
}

static enum err new_put(struct life *l, const struct replacing *r)
{
	const struct meter_change_new *n = r->n;
	struct device_row to = { .device = r->old.device + 1,
		.gateway_id = n->gateway_id ? n->gateway_id : r->old.gateway_id,
		.ct_ratio = n->ct_ratio,
		.pt_ratio = n->pt_ratio,
		.start_milli = n->new_register,
		.switchable = n->switchable };
	enum err e;

	if (!str_copy(to.unit, sizeof(to.unit), n->unit) ||
		!str_copy(to.model, sizeof(to.model), n->model) ||
		!str_copy(to.serial, sizeof(to.serial), n->serial))
		return ERR_OUT_OF_RANGE;
	e = rebase(l, &r->meter, r->at, n->new_register, n->own_ratio);
	if (e == ERR_OK)
		e = ratio_put(l, &r->meter, &r->old, &to, r->at);
	if (e == ERR_OK)
		e = device_put(l, &r->meter, &to);
	step_add(l, &(struct step){ .what = "device",
			    .meter_id = r->meter.id,
			    .meter_code = r->meter.code,
			    .at = r->at,
			    .has_reg = true,
			    .reg = n->new_register,
			    .utility = r->meter.utility,
			    .detail = n->model });
	return e;
}

static enum err record(struct life *l, const struct replacing *r)
{
	AUTO(text_free) char *steps = json_text(l->steps);
	AUTO(text_free) char *request = json_text(l->ask->request);
	const struct device_row *o = &r->old;
	enum err e = db_exec(l->db, &Q_RECORD_ADD,
		ARGS(arg_i64(r->meter.id), arg_utc(r->at), arg_i64(o->device),
			arg_i64(o->gateway_id), arg_text(o->unit), arg_text(o->model),
			arg_text(o->serial), arg_i64(o->ct_ratio), arg_i64(o->pt_ratio),
			arg_qty(o->start_milli), arg_i64(o->switchable), arg_i64(r->last.own_ratio),
			arg_qty(o->capacity_milli), arg_qty(r->n->old_register),
			arg_i64(o->device + 1), arg_text(r->n->model), arg_text(r->n->serial),
			arg_qty(r->n->new_register), arg_text(l->ask->actor),
			arg_text(r->n->reason), arg_utc(l->ask->now), arg_text(steps),
			arg_text(request), arg_text(l->ask->once_key)),
		NULL);

	l->id = l->ask->preview ? 0 : db_insert_id(l->db);
	return e == ERR_OK ? audit(l, &r->meter, "meter.replace") : e;
}

static enum err replace_act(struct life *l, void *ctx)
{
	struct replacing r = { .n = ctx };
	bool found;
	enum err e = repeated(l, &found);

	if (e != ERR_OK || found)
		return e;
	r.at = r.n->at.ms ? r.n->at : l->ask->now;
	e = life_meter_get(l, r.n->meter_id, &r.meter);
	if (e == ERR_NOT_FOUND)
		return problem_set(l->why, e, "id", "there is no such meter");
	if (e == ERR_OK)
		e = new_check(l, &r);
	if (e == ERR_OK)
		e = life_settled_lock(l, r.meter.id, &r.last);
	if (e == ERR_OK)
		e = life_no_credit(l, &r.meter);
	if (e == ERR_OK)
		e = db_one(l->db, &Q_DEVICE, ARGS(arg_i64(r.meter.id)), &r.old);
	if (e == ERR_OK)
		e = old_settle(l, &r);
	if (e == ERR_OK)
		e = new_put(l, &r);
	return e == ERR_OK ? record(l, &r) : e;
}

enum err meter_replace(struct db *db, const struct life_ask *ask, const struct meter_change_new *n,
	struct life_done *out, struct problem *why)
{
	struct meter_change_new copy = *n;

	return life_run(db, ask, replace_act, &copy, out, why);
}

/* ---- taking it back ---- */

struct undo_row {
	int64_t id;
	struct utc at;
	int64_t old_gateway_id;
	char old_unit[65];
	char old_model[193];
	char old_serial[129];
	int64_t old_ct_ratio;
	int64_t old_pt_ratio;
	struct qty old_start_milli;
	bool old_switchable;
	bool old_own_ratio;
	struct qty old_capacity_milli;
	struct qty old_register_milli;
	int64_t new_device;
	struct qty new_register_milli;
	struct utc undone_at;
	char undone_key[513];
};
#define F(member) FIELD(struct undo_row, member)
SHAPE(undo_shape, struct undo_row, F(id), F(at), F(old_gateway_id), F(old_unit), F(old_model),
	F(old_serial), F(old_ct_ratio), F(old_pt_ratio), F(old_start_milli), F(old_switchable),
	F(old_own_ratio), F(old_capacity_milli), F(old_register_milli), F(new_device),
	F(new_register_milli), F(undone_at), F(undone_key));
#undef F
static const struct query Q_UNDO = {
	"SELECT id, at, old_gateway_id, old_unit, old_model, old_serial, old_ct_ratio,"
	" old_pt_ratio, old_start_milli, old_switchable, old_own_ratio, old_capacity_milli, "
	"old_register_milli, "
	"new_device,"
	" new_register_milli, undone_at, undone_key FROM meter_change WHERE meter_id = ?"
	" ORDER BY id DESC LIMIT 1",
	&undo_shape
};
static const struct query Q_UNDONE = {
	"UPDATE meter_change SET undone_at = ?, undone_by = ?, undone_key = ? WHERE id = ?", NULL
};

static enum err undo_check(struct life *l, const struct undo_row *r, const struct settled *last)
{
	if (r->undone_at.ms)
		return problem_set(l->why, ERR_CONFLICT, "id",
			"the last exchange of this meter was taken back before");
	if (last->register_milli.milli != r->new_register_milli.milli)
		return problem_set(l->why, ERR_CONFLICT, "id",
			"the new device has counted already; exchange it once more instead");
	return ERR_OK;
}

static void undo_step(struct life *l, const struct life_meter *m, const struct undo_row *r,
	const struct settled *last)
{
	step_add(l, &(struct step){ .what = "device",
			    .meter_id = m->id,
			    .meter_code = m->code,
			    .at = last->read_at,
			    .has_reg = true,
			    .reg = r->old_register_milli,
			    .utility = m->utility,
			    .detail = r->old_model });
}

/* The generation goes on, so that what the device in between still reports never counts. */
static enum err undo_apply(struct life *l, const struct life_meter *m, const struct undo_row *r,
	const struct settled *last)
{
	struct device_row to = { .device = r->new_device + 1,
		.gateway_id = r->old_gateway_id,
		.ct_ratio = r->old_ct_ratio,
		.pt_ratio = r->old_pt_ratio,
		.start_milli = r->old_start_milli,
		.switchable = r->old_switchable,
		.capacity_milli = r->old_capacity_milli };
	struct device_row from;
	enum err e;

	memcpy(to.unit, r->old_unit, sizeof(to.unit));
	memcpy(to.model, r->old_model, sizeof(to.model));
	memcpy(to.serial, r->old_serial, sizeof(to.serial));
	e = db_one(l->db, &Q_DEVICE, ARGS(arg_i64(m->id)), &from);
	if (e == ERR_OK)
		e = rebase(l, m, last->read_at, r->old_register_milli, r->old_own_ratio);
	if (e == ERR_OK)
		e = ratio_put(l, m, &from, &to, (struct utc){ last->read_at.ms + 1 });
	if (e == ERR_OK)
		e = device_put(l, m, &to);
	if (e == ERR_OK)
		e = db_exec(l->db, &Q_UNDONE,
			ARGS(arg_utc(l->ask->now), arg_text(l->ask->actor),
				arg_text(l->ask->once_key), arg_i64(r->id)),
			NULL);
	undo_step(l, m, r, last);
	return e;
}

static enum err undo_act(struct life *l, void *ctx)
{
	const int64_t *meter_id = ctx;
	struct life_meter m;
	struct settled last;
	struct undo_row r;
	enum err e = life_meter_get(l, *meter_id, &m);

	if (e == ERR_NOT_FOUND)
		return problem_set(l->why, e, "id", "there is no such meter");
	if (e == ERR_OK)
		e = life_settled_lock(l, m.id, &last);
	if (e != ERR_OK)
		return e;
	e = db_one(l->db, &Q_UNDO, ARGS(arg_i64(m.id)), &r);
	if (e == ERR_NOT_FOUND)
		return problem_set(l->why, ERR_CONFLICT, "id", "this meter was never exchanged");
	if (e != ERR_OK)
		return e;
	l->id = r.id;
	if (str_eq(r.undone_key, l->ask->once_key)) { /* this very request */
		undo_step(l, &m, &r, &last);
		l->repeated = true;
		return ERR_OK;
	}
	e = undo_check(l, &r, &last);
	if (e == ERR_OK)
		e = undo_apply(l, &m, &r, &last);
	return e == ERR_OK ? audit(l, &m, "meter.replace_undo") : e;
}

enum err meter_replace_undo(struct db *db, const struct life_ask *ask, int64_t meter_id,
	struct life_done *out, struct problem *why)
{
	return life_run(db, ask, undo_act, &meter_id, out, why);
}

#define F(member) FIELD(struct meter_change, member)
SHAPE(change_shape, struct meter_change, F(id), F(at), F(old_model), F(old_serial),
	F(old_register_milli), F(new_model), F(new_serial), F(new_register_milli), F(actor),
	F(reason), F(undone_at));
#undef F
static const struct query Q_CHANGES = {
	"SELECT id, at, old_model, old_serial, old_register_milli, new_model, new_serial,"
	" new_register_milli, actor, reason, undone_at FROM meter_change WHERE meter_id = ?"
	" ORDER BY id DESC",
	&change_shape
};

enum err meter_changes(struct db *db, int64_t meter_id, struct rows *out)
{
	return db_list(db, &Q_CHANGES, ARGS(arg_i64(meter_id)), out);
}
