/* What settlement has to know of the meters of a transaction: one statement for each kind of row.
 */
#include <stdlib.h>
#include <string.h>

#include "domain/charge_inside.h"

#define F(member) FIELD(struct meter_row, member)
SHAPE(meter_shape, struct meter_row, F(meter_id), F(supply_point_id), F(billing), F(zone),
	F(start_milli), F(closed), F(code), F(ratio));
#undef F
#define F(member) FIELD(struct holder, member)
SHAPE(holder_shape, struct holder, F(meter_id), F(contract_id), F(account_id), F(from_at),
	F(to_at));
#undef F
#define F(member) FIELD(struct pricing, member)
SHAPE(pricing_shape, struct pricing, F(meter_id), F(tariff_id), F(revision), F(from_at));
#undef F
#define F(member) FIELD(struct ratio, member)
SHAPE(ratio_shape, struct ratio, F(meter_id), F(ratio), F(from_at));
#undef F
#define F(member) FIELD(struct tier_row, member)
SHAPE(tier_shape, struct tier_row, F(contract_id), F(supply_point_id), F(cycle), F(used_milli));
#undef F

/* Read under the meters' locks: a day found open here is sealed only after this transaction. */
static const struct query Q_METERS = {
	"SELECT STRAIGHT_JOIN m.id AS meter_id, m.supply_point_id, m.billing, s.zone, "
	"m.start_milli,"
	" COALESCE((SELECT CAST(MAX(b.day) AS CHAR) FROM book_day b WHERE b.site_id = s.id),"
	" '1970-01-01') AS closed, m.code, m.ct_ratio * m.pt_ratio AS ratio"
	" FROM " DB_IDS " meter m ON m.id = k.id JOIN supply_point p ON p.id = m.supply_point_id"
	" JOIN site s ON s.id = p.site_id ORDER BY m.id",
	&meter_shape
};
static const struct query Q_HOLDERS = {
	"SELECT STRAIGHT_JOIN m.id AS meter_id, c.contract_id, c.account_id, c.from_at, c.to_at"
	" FROM " DB_IDS " meter m ON m.id = k.id"
	" JOIN contract_point c ON c.supply_point_id = m.supply_point_id"
	" JOIN settled s ON s.meter_id = m.id"
	" WHERE c.to_at = 0 OR c.to_at > s.read_at ORDER BY m.id, c.from_at",
	&holder_shape
};
/* Shared: a file that prices this energy is not replaced before it is settled. */
static const struct query Q_PRICINGS = {
	"SELECT STRAIGHT_JOIN m.meter_id, m.tariff_id, t.revision, m.from_at"
	" FROM " DB_IDS " meter_tariff m ON m.meter_id = k.id JOIN tariff t ON t.id = m.tariff_id"
	" ORDER BY m.meter_id, m.from_at LOCK IN SHARE MODE",
	&pricing_shape
};
static const struct query Q_RATIOS = {
	"SELECT STRAIGHT_JOIN r.meter_id, r.ct * r.pt AS ratio, r.from_at"
	" FROM " DB_IDS " meter_ratio r ON r.meter_id = k.id ORDER BY r.meter_id, r.from_at",
	&ratio_shape
};
static const struct query Q_TIERS = {
	"SELECT STRAIGHT_JOIN t.contract_id, t.supply_point_id, t.cycle, t.used_milli FROM "
	"JSON_TABLE(?, '$[*]'"
	" COLUMNS (contract_id BIGINT PATH '$[0]', supply_point_id BIGINT PATH '$[1]')) k"
	" JOIN tier_use t FORCE INDEX (PRIMARY)"
	" ON t.contract_id = k.contract_id AND t.supply_point_id = k.supply_point_id FOR UPDATE",
	&tier_shape
};

/* Does anything of this meter have to be priced? */
static bool counts(const struct subject *s)
{
	const struct charge_reading *r = s->readings.at;

	for (size_t i = 0; i < s->readings.n; i++)
		if (!s->last.read_at.ms || r[i].reg.milli != s->last.register_milli.milli)
			return true;
	return false;
}

static char *counting_ids(const struct charge_batch *b)
{
	const struct subject *s = b->subjects.at;
	struct list ids = { 0 };
	char *text;

	for (size_t i = 0; i < b->subjects.n; i++)
		if (counts(&s[i])) {
			int64_t *id = list_add(&ids, sizeof(*id));

			*id = s[i].meter_id;
		}
	text = ids.n > 0 ? json_ids(ids.at, ids.n) : NULL;
	list_free(&ids);
	return text;
}

static enum err load_rows(struct db *db, struct charge_batch *b, const char *ids)
{
	enum err e = db_list(db, &Q_METERS, ARGS(arg_text(ids)), &b->meters);

	if (e == ERR_OK)
		e = db_list(db, &Q_HOLDERS, ARGS(arg_text(ids)), &b->holders);
	if (e == ERR_OK)
		e = db_list(db, &Q_PRICINGS, ARGS(arg_text(ids)), &b->pricings);
	return e == ERR_OK ? db_list(db, &Q_RATIOS, ARGS(arg_text(ids)), &b->ratios) : e;
}

/* Somebody holds it now, and did so at its last reading. */
static bool is_held(const struct subject *s)
{
	for (size_t i = 0; i < s->holders_n; i++)
		if (!s->holders[i].to_at.ms && s->holders[i].from_at.ms <= s->last.read_at.ms)
			return true;
	return false;
}

/* A contract may hold its supply point for a second time. */
static void tier_add(struct charge_batch *b, const struct subject *s, int64_t contract_id)
{
	struct tier_row *row = b->tiers.at;

	for (size_t i = s->tier_from; i < b->tiers.n; i++)
		if (row[i].contract_id == contract_id)
			return;
	row = list_add(&b->tiers, sizeof(*row));
	row->contract_id = contract_id;
	row->supply_point_id = s->meter->supply_point_id;
}

static void attach(struct charge_batch *b, struct subject *s)
{
	size_t n;

	s->meter = rows_of(&b->meters, sizeof(*s->meter), s->meter_id, &n);
	if (!s->meter)
		return;
	s->holders = rows_of(&b->holders, sizeof(*s->holders), s->meter_id, &s->holders_n);
	s->pricings = rows_of(&b->pricings, sizeof(*s->pricings), s->meter_id, &s->pricings_n);
	s->ratios = rows_of(&b->ratios, sizeof(*s->ratios), s->meter_id, &s->ratios_n);
	s->tier_from = b->tiers.n;
	if (!is_held(s))
		tier_add(b, s, 0);
	for (size_t i = 0; i < s->holders_n; i++)
		tier_add(b, s, s->holders[i].contract_id);
	s->tier_to = b->tiers.n;
}

struct tier_row *tier_of(const struct charge_batch *b, const struct subject *s, int64_t contract_id)
{
	struct tier_row *t = b->tiers.at;
	size_t i = s->tier_from;

	while (i < s->tier_to && t[i].contract_id != contract_id)
		i++;
	ASSERT(i < s->tier_to);
	return &t[i];
}

static char *tier_keys(const struct charge_batch *b)
{
	AUTO(json_free) json_t *keys = json_array();
	const struct tier_row *t = b->tiers.at;

	for (size_t i = 0; i < b->tiers.n; i++)
		json_array_append_new(keys, json_pack("[I, I]", (json_int_t)t[i].contract_id,
						    (json_int_t)t[i].supply_point_id));
	return json_text(keys);
}

/* Into the row of the same key; looks from *at on, where it is when they come in order. */
static void tier_put(struct charge_batch *b, const struct tier_row *r, size_t *at)
{
	struct tier_row *t = b->tiers.at;

	for (size_t i = 0; i < b->tiers.n; i++, *at = (*at + 1) % b->tiers.n) {
		struct tier_row *to = &t[*at];

		if (to->contract_id != r->contract_id || to->supply_point_id != r->supply_point_id)
			continue;
		to->used_milli = r->used_milli;
		/* Labels are compared as whole arrays: the rest stays zero. */
		memcpy(to->cycle, r->cycle, strlen(r->cycle));
		return;
	}
}

/* Those that are not there stay zero. */
static enum err load_tiers(struct db *db, struct charge_batch *b)
{
	AUTO(rows_free) struct rows rows = { 0 };
	AUTO(text_free) char *keys = tier_keys(b);
	enum err e = db_list(db, &Q_TIERS, ARGS(arg_text(keys)), &rows);
	const struct tier_row *r = rows.at;
	size_t at = 0;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++)
		tier_put(b, &r[i], &at);
	return e;
}

static const struct query Q_TIER_SET = {
	"INSERT INTO tier_use (contract_id, supply_point_id, cycle, used_milli) VALUES (?, ?, ?, ?)"
	" ON DUPLICATE KEY UPDATE cycle = VALUES(cycle), used_milli = VALUES(used_milli)",
	NULL
};

enum err tiers_store(struct db *db, struct charge_batch *b)
{
	struct tier_row *t = b->tiers.at;
	size_t n = 0;

	for (size_t i = 0; i < b->tiers.n; i++)
		if (t[i].changed)
			t[n++] = t[i];
	return db_bulk(db, &Q_TIER_SET, &tier_shape, t, n);
}

enum err charge_load(struct db *db, struct charge_batch *b)
{
	AUTO(text_free) char *ids = counting_ids(b);
	struct subject *s = b->subjects.at;
	enum err e = ids ? load_rows(db, b, ids) : ERR_OK;

	if (!ids || e != ERR_OK)
		return e;
	for (size_t i = 0; i < b->subjects.n; i++) {
		attach(b, &s[i]);
		if (!s[i].meter && counts(&s[i]))
			return ERR_DB; /* not the missing tariff that callers can bear */
	}
	return load_tiers(db, b);
}
