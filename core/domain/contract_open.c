/* Opening a contract, adding meters to it, and the change of tenant. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/contract_inside.h"
#include "domain/place.h"
#include "domain/supplypoint.h"

#define LIMIT_MAX_NANO (INT64_C(1000000) * NANO_PER_YUAN)

/* ---- who ---- */

struct tenant_row {
	int64_t id;
	char code[129];
	int64_t site_id;
};
SHAPE(tenant_shape, struct tenant_row, FIELD(struct tenant_row, id), FIELD(struct tenant_row, code),
	FIELD(struct tenant_row, site_id));
static const struct query Q_TENANT = { "SELECT id, code, site_id FROM tenant WHERE id = ?",
	&tenant_shape };
static const struct query Q_TENANT_ADD = {
	"INSERT INTO tenant (code, name, site_id, phone, contacts, room) VALUES (?, ?, ?, ?, ?, ?)",
	NULL
};
/* The tenant logs in by a code sent to the phone; one login may see several shops. */
static const struct query Q_USER_ADD = {
	"INSERT IGNORE INTO user (username, kind, name, phone) VALUES (?, 'tenant', ?, ?)", NULL
};
static const struct query Q_USER_TENANT_ADD = {
	"INSERT IGNORE INTO user_tenant (user_id, tenant_id)"
	" SELECT id, ? FROM user WHERE username = ? AND kind = 'tenant'",
	NULL
};
static const struct query Q_CONTRACTS = { "SELECT COUNT(*) AS id FROM contract WHERE tenant_id = ?",
	&id_shape };
static const struct query Q_CONTRACT_ADD = {
	"INSERT INTO contract (code, tenant_id, start_at) VALUES (?, ?, ?)", NULL
};

static enum err tenant_make(struct life *l, const struct contract_open *o, struct tenant_row *out)
{
	const struct life_tenant *t = &o->tenant;
	enum err e = db_exec(l->db, &Q_TENANT_ADD,
		ARGS(arg_text(t->code), arg_text(t->name), arg_i64(o->site_id), arg_text(t->phone),
			arg_text(t->contacts), arg_text(t->room)),
		NULL);

	if (e == ERR_ALREADY)
		return problem_set(
			l->why, e, "tenant.code", "there is a tenant %s already", t->code);
	if (e != ERR_OK)
		return e;
	*out = (struct tenant_row){ .id = db_insert_id(l->db), .site_id = o->site_id };
	ASSERT(str_copy(out->code, sizeof(out->code), t->code));
	if (t->phone[0])
		e = db_exec(l->db, &Q_USER_ADD,
			ARGS(arg_text(t->phone), arg_text(t->name), arg_text(t->phone)), NULL);
	if (e == ERR_OK && t->phone[0])
		e = db_exec(l->db, &Q_USER_TENANT_ADD, ARGS(arg_i64(out->id), arg_text(t->phone)),
			NULL);
	step_add(l, &(struct step){ .what = "tenant", .detail = t->name });
	return e;
}

static enum err tenant_find(struct life *l, const struct contract_open *o, struct tenant_row *out)
{
	enum err e;

	if (!o->tenant.id)
		return tenant_make(l, o, out);
	e = db_one(l->db, &Q_TENANT, ARGS(arg_i64(o->tenant.id)), out);
	if (e == ERR_OK && l->ask->site_id && l->ask->site_id != out->site_id)
		e = ERR_NOT_FOUND;
	return e == ERR_NOT_FOUND ? problem_set(l->why, e, "tenant.id", "there is no such tenant")
				  : e;
}

/* "A101"; of the second contract of a tenant "A101-2". */
static enum err code_make(struct life *l, const struct contract_open *o, const struct tenant_row *t,
	char out[static 129])
{
	struct id_row n;
	enum err e;

	if (o->code[0])
		return str_copy(out, 129, o->code) ? ERR_OK : ERR_OUT_OF_RANGE;
	e = db_one(l->db, &Q_CONTRACTS, ARGS(arg_i64(t->id)), &n);
	if (e != ERR_OK)
		return e;
	if (n.id == 0)
		return str_copy(out, 129, t->code) ? ERR_OK : ERR_OUT_OF_RANGE;
	return (size_t)snprintf(out, 129, "%s-%" PRId64, t->code, n.id + 1) < 129
		       ? ERR_OK
		       : ERR_OUT_OF_RANGE;
}

static enum err contract_make(struct deal *d, const struct contract_open *o)
{
	struct life *l = d->life;
	struct tenant_row t;
	char code[129];
	struct utc start = o->at.ms ? o->at : l->ask->now;
	enum err e = tenant_find(l, o, &t);

	if (e == ERR_OK)
		e = code_make(l, o, &t, code);
	if (e == ERR_OK)
		e = db_exec(l->db, &Q_CONTRACT_ADD,
			ARGS(arg_text(code), arg_i64(t.id), arg_utc(start)), NULL);
	if (e == ERR_ALREADY && !l->why->text[0])
		return problem_set(l->why, e, "code", "there is a contract %s already", code);
	if (e != ERR_OK)
		return e;
	step_add(l, &(struct step){ .what = "contract", .at = start, .detail = code });
	return deal_lock(d, db_insert_id(l->db));
}

/* ---- money ---- */

static enum err purse_check(struct life *l, const struct life_purse *p)
{
	const struct money m[] = { p->warn1, p->warn2, p->credit_limit, p->emergency_limit };

	for (size_t i = 0; i < ARRAY_LEN(m); i++)
		if (m[i].nano < 0 || m[i].nano > LIMIT_MAX_NANO)
			return problem_set(l->why, ERR_OUT_OF_RANGE, "purses",
				"thresholds and limits are from 0 to 1000000");
	if (p->warn2.nano > p->warn1.nano)
		return problem_set(
			l->why, ERR_OUT_OF_RANGE, "purses", "warn2 must not exceed warn1");
	if (p->opening.nano > LIMIT_MAX_NANO || p->opening.nano < -LIMIT_MAX_NANO)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "purses",
			"an opening balance is from -1000000 to 1000000");
	if (p->opening.nano % NANO_PER_FEN != 0)
		return problem_set(
			l->why, ERR_BAD_VALUE, "purses", "an opening balance is in whole fen");
	return ERR_OK;
}

static enum err purses_make(struct deal *d, const struct contract_open *o)
{
	int64_t id;
	bool made;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < o->purses_n; i++) {
		e = purse_check(d->life, &o->purses[i]);
		if (e == ERR_OK)
			e = deal_purse(d, &o->purses[i], &id, &made);
		if (e == ERR_OK && !made)
			return problem_set(d->life->why, ERR_BAD_VALUE, "purses",
				"the purse %s stands twice", o->purses[i].purpose);
	}
	return e;
}

/* Before anything is charged to these purses: else a tenant whose money is carried in would be told
 * of arrears. Levels follow in deal_supply(). */
static enum err openings_post(struct deal *d, const struct contract_open *o)
{
	struct life *l = d->life;
	int64_t id = 0;
	bool made;
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < o->purses_n; i++) {
		const struct life_purse *p = &o->purses[i];

		if (p->opening.nano == 0)
			continue;
		e = deal_purse(d, p, &id, &made);
		if (e == ERR_OK)
			e = opening_add(l->db, id, p->opening, l->ask->actor, l->ask->now);
		if (e == ERR_OK)
			step_add(l, &(struct step){ .what = "opening",
					    .purpose = p->purpose,
					    .has_amount = true,
					    .amount = p->opening });
	}
	return e;
}

/* ---- meters ---- */

static int by_meter(const void *a, const void *b)
{
	const struct life_reading *x = a, *y = b;

	return (x->meter_id > y->meter_id) - (x->meter_id < y->meter_id);
}

static const struct query Q_BASE = {
	"UPDATE settled SET read_at = ?, register_milli = ? WHERE meter_id = ?", NULL
};

/* The first register of a meter that was never read: its base, and nothing is charged. */
static enum err base_set(struct life *l, struct cut *c)
{
	enum err e;

	if (!c->settle || c->last.read_at.ms)
		return ERR_OK;
	e = db_exec(l->db, &Q_BASE,
		ARGS(arg_utc(c->read_at), arg_qty(c->reg), arg_i64(c->meter.id)), NULL);
	c->last.read_at = c->read_at;
	c->last.register_milli = c->reg;
	return e;
}

/* Locks the meters in ascending order and finds where each is cut. */
static enum err cuts_find(
	struct deal *d, const struct life_reading *meters, size_t n, struct utc at)
{
	struct life_reading sorted[CONTRACT_METERS_MAX];
	struct life *l = d->life;
	enum err e = ERR_OK;

	if (n > CONTRACT_METERS_MAX)
		return problem_set(
			l->why, ERR_TOO_LARGE, "meters", "at most %d meters", CONTRACT_METERS_MAX);
	if (n > 0)
		memcpy(sorted, meters, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_meter);
	d->cuts = calloc(n + 1, sizeof(*d->cuts));
	ASSERT(d->cuts);
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		struct cut *c = &d->cuts[i];

		if (i > 0 && sorted[i].meter_id == sorted[i - 1].meter_id)
			return problem_set(l->why, ERR_BAD_VALUE, "meters", "a meter stands twice");
		e = life_meter_get(l, sorted[i].meter_id, &c->meter);
		if (e == ERR_OK)
			e = life_settled_lock(l, c->meter.id, &c->last);
		if (e == ERR_OK)
			e = life_cut(l, &sorted[i], at, true, c);
		if (e == ERR_OK)
			e = base_set(l, c);
	}
	d->n = n;
	return e;
}

/* ---- the acts ---- */

enum err opening_begin(struct deal *d, const struct contract_open *o)
{
	enum err e = contract_make(d, o);

	if (e == ERR_OK)
		e = purses_make(d, o);
	return e == ERR_OK ? openings_post(d, o) : e;
}

static enum err open_act(struct life *l, void *ctx)
{
	const struct contract_open *o = ctx;
	AUTO(deal_free) struct deal d = { .life = l };
	bool found;
	enum err e = deal_repeated(l, "open", &found);

	if (e != ERR_OK || found)
		return e;
	e = opening_begin(&d, o);
	if (e == ERR_OK)
		e = cuts_find(&d, o->meters, o->meters_n, o->at);
	if (e == ERR_OK)
		e = deal_take_meters(&d);
	if (e == ERR_OK)
		e = deal_settle(&d, "open");
	if (e == ERR_OK)
		e = deal_supply(&d);
	if (e == ERR_OK)
		e = deal_record(&d, "open", d.start_at, "");
	l->id = l->ask->preview ? 0 : d.contract_id;
	return e;
}

enum err contract_open(struct db *db, const struct life_ask *ask, const struct contract_open *o,
	struct life_done *out, struct problem *why)
{
	struct contract_open copy = *o;

	return life_run(db, ask, open_act, &copy, out, why);
}

struct adding {
	int64_t id;
	struct utc at;
	const struct life_reading *meters;
	size_t n;
};

static enum err add_act(struct life *l, void *ctx)
{
	const struct adding *a = ctx;
	AUTO(deal_free) struct deal d = { .life = l };
	bool found;
	enum err e = deal_repeated(l, "add", &found);

	if (e != ERR_OK || found)
		return e;
	e = deal_lock(&d, a->id);
	if (e == ERR_OK && d.end_at.ms)
		return problem_set(l->why, ERR_CONFLICT, "id", "contract %s is closed", d.code);
	if (e == ERR_OK && a->at.ms && a->at.ms < d.start_at.ms)
		return problem_set(l->why, ERR_OUT_OF_RANGE, "at",
			"contract %s began later than that", d.code);
	if (e == ERR_OK)
		e = cuts_find(&d, a->meters, a->n, a->at);
	if (e == ERR_OK)
		e = deal_take_meters(&d);
	if (e == ERR_OK)
		e = deal_settle(&d, "add");
	if (e == ERR_OK)
		e = deal_supply(&d);
	if (e == ERR_OK)
		e = deal_record(&d, "add", a->at.ms ? a->at : l->ask->now, "");
	l->id = d.contract_id;
	return e;
}

enum err contract_add(struct db *db, const struct life_ask *ask, int64_t id, struct utc at,
	const struct life_reading *meters, size_t n, struct life_done *out, struct problem *why)
{
	return life_run(db, ask, add_act, &(struct adding){ id, at, meters, n }, out, why);
}

/* ---- change of tenant ---- */

struct changing {
	const struct contract_close *c;
	const struct contract_open *o;
};

static void cuts_copy(struct deal *to, const struct deal *from)
{
	to->cuts = calloc(from->n + 1, sizeof(*to->cuts));
	ASSERT(to->cuts);
	memcpy(to->cuts, from->cuts, from->n * sizeof(*to->cuts));
	to->n = from->n;
}

static const struct query Q_NEW_ID = {
	"SELECT contract_id AS id FROM contract_event WHERE once_key = CONCAT(?, ':new')", &id_shape
};

static enum err change_before(struct life *l, bool *found)
{
	struct id_row row;
	enum err e = deal_repeated(l, "close", found);

	if (e == ERR_OK && *found)
		e = db_one(l->db, &Q_NEW_ID, ARGS(arg_text(l->ask->once_key)), &row);
	if (e == ERR_OK && *found)
		l->id = row.id;
	return e;
}

static enum err change_act(struct life *l, void *ctx)
{
	const struct changing *g = ctx;
	AUTO(deal_free) struct deal from = { .life = l };
	AUTO(deal_free) struct deal to = { .life = l };
	struct contract_open o = *g->o;
	bool found;
	enum err e = change_before(l, &found);

	if (e != ERR_OK || found)
		return e;
	e = closing_begin(&from, g->c);
	o.site_id = from.site_id;
	o.at = g->c->at;
	if (e == ERR_OK)
		e = opening_begin(&to, &o);
	if (e != ERR_OK)
		return e;
	cuts_copy(&to, &from);
	e = deal_take_meters(&to);
	if (e == ERR_OK)
		e = deal_settle(&from, "close");
	if (e == ERR_OK)
		e = closing_end(&from, g->c, true);
	if (e == ERR_OK)
		e = deal_supply(&to);
	if (e == ERR_OK)
		e = deal_record(&from, "close", from.end_at, "");
	if (e == ERR_OK)
		e = deal_record(&to, "open", to.start_at, ":new");
	l->id = l->ask->preview ? 0 : to.contract_id;
	return e;
}

enum err contract_change(struct db *db, const struct life_ask *ask, const struct contract_close *c,
	const struct contract_open *o, struct life_done *out, struct problem *why)
{
	return life_run(db, ask, change_act, &(struct changing){ c, o }, out, why);
}
