/* Use by hour. Meters are read one by one, each by a range of the primary key of its hours, and
 * added up here: a statement over all of them would join each hour by itself and sort the sums. */
#include <stdlib.h>
#include <string.h>

#include "report/columns.h"

#define DAY_MS INT64_C(86400000)
#define QUARTER_MS INT64_C(900000)
/* Sums that are held at a time; the hours of a day are, however many meters there are. */
#define SUMS_AT_ONCE 262144
#define HOURS_AT_ONCE 25

enum {
	HOUR_AT = 1,
	HOUR_CODE,
	HOUR_NAME,
	HOUR_ROLE,
	HOUR_UTILITY,
	HOUR_ENERGY,
	HOUR_VOLUME,
	HOUR_CHARGE,
	HOUR_LAST_ENERGY,
	HOUR_LAST_VOLUME,
	HOUR_LAST_CHARGE
};

struct group {	       /* in the order of rows */
	int64_t whose; /* a meter, shop or area; 0: nobody's, or in none */
	int64_t role_at, utility_at;
	char role[16], utility[16];
};

struct holding { /* a meter while a contract held it, or all of its time without any */
	int64_t id;
	struct group of; /* .whose: the area */
	int64_t contract_id, tenant_id;
	struct utc from_at, to_at; /* 0: open */
	size_t held, vacant;	   /* groups of its use, and of use while nobody held the meter */
};
#define F(member) FIELD(struct holding, member)
#define F_OF(member)                                                                               \
	{                                                                                          \
		.name = #member, .at = (uint32_t)offsetof(struct holding, of.member),              \
		.size = (uint32_t)sizeof(((struct holding *)0)->of.member),                        \
		.kind = KIND_OF(((struct holding *)0)->of.member)                                  \
	}
SHAPE(holding_shape, struct holding, F(id), F_OF(whose), F_OF(role), F_OF(utility), F_OF(role_at),
	F_OF(utility_at), F(contract_id), F(tenant_id), F(from_at), F(to_at));
#undef F_OF
#undef F
/* clang-format off */
static const struct query Q_HOLDINGS = {
	"SELECT m.id, COALESCE(m.area_id, 0) AS whose, m.role, m.utility, CAST(m.role + 0 AS SIGNED) AS role_at,"
	" CAST(m.utility + 0 AS SIGNED) AS utility_at, COALESCE(cp.contract_id, 0) AS contract_id,"
	" COALESCE(c.tenant_id, 0) AS tenant_id, COALESCE(cp.from_at, 0) AS from_at, COALESCE(cp.to_at, 0) AS to_at"
	" FROM supply_point sp JOIN meter m ON m.supply_point_id = sp.id LEFT JOIN contract_point cp"
	" ON cp.supply_point_id = sp.id AND cp.from_at < ? AND (cp.to_at = 0 OR cp.to_at > ?)"
	" LEFT JOIN contract c ON c.id = cp.contract_id WHERE sp.site_id = ?" SEES_METER
	" ORDER BY m.id, cp.from_at",
	&holding_shape
};
/* clang-format on */

struct hour_row {
	struct utc hour_at;
	struct qty qty;
	struct money charge;
};
#define F(member) FIELD(struct hour_row, member)
SHAPE(hour_shape, struct hour_row, F(hour_at), F(qty), F(charge));
#undef F
static const struct query Q_HOURS = {
	"SELECT hour_at, qty_milli AS qty, charge_nano AS charge FROM usage_hour"
	" WHERE meter_id = ? AND hour_at >= ? AND hour_at < ? ORDER BY hour_at",
	&hour_shape
};
static const struct query Q_COUNT = {
	"SELECT COUNT(*) AS id FROM usage_hour WHERE meter_id = ? AND hour_at >= ? AND hour_at < ?",
	&id_shape
};

/* ---- names ---- */

struct named_row {
	int64_t id;
	char code[129];
	char name[400];
};
#define F(member) FIELD(struct named_row, member)
SHAPE(named_shape, struct named_row, F(id), F(code), F(name));
#undef F
#define OF_SITE(what, more)                                                                        \
	" IN (SELECT " what " FROM supply_point sp JOIN meter m ON m.supply_point_id = sp.id" more \
	" WHERE sp.site_id = ?)"
#define HELD " JOIN contract_point cp ON cp.supply_point_id = sp.id"
#define TENANT_NAME "CONCAT_WS(' ', NULLIF(t.room, ''), t.name) AS name"
static const struct query Q_METER_NAMES = {
	"SELECT x.id, x.code, x.name FROM meter x WHERE x.id" OF_SITE("m.id", "") " ORDER BY x.id",
	&named_shape
};
static const struct query Q_AREA_NAMES = {
	"SELECT x.id, x.code, x.name FROM area x WHERE x.id" OF_SITE(
		"m.area_id", "") " ORDER BY x.id",
	&named_shape
};
static const struct query Q_TENANT_NAMES = {
	"SELECT t.id, t.code, " TENANT_NAME " FROM tenant t WHERE t.id" OF_SITE(
		"c.tenant_id", HELD " JOIN contract c ON c.id = cp.contract_id") " ORDER BY t.id",
	&named_shape
};
static const struct query Q_CONTRACT_NAMES = {
	"SELECT x.id, t.code, " TENANT_NAME " FROM contract x JOIN tenant t ON t.id = x.tenant_id"
	" WHERE x.id" OF_SITE("cp.contract_id", HELD) " ORDER BY x.id",
	&named_shape
};

struct name {
	int64_t id;
	size_t code, name; /* in the text */
};
struct names {
	struct name *at; /* by id */
	size_t n, room;
	struct buf text;
	struct named_row row;
};

static void names_free(struct names *n)
{
	free(n->at);
	buf_free(&n->text);
}

static enum err take_name(void *ctx)
{
	struct names *n = ctx;
	struct name name = { .id = n->row.id, .code = n->text.len };

	buf_add(&n->text, n->row.code, strlen(n->row.code) + 1);
	name.name = n->text.len;
	buf_add(&n->text, n->row.name, strlen(n->row.name) + 1);
	if (n->n == n->room) {
		n->room = n->room ? 2 * n->room : 1024;
		n->at = reallocarray(n->at, n->room, sizeof(*n->at));
		ASSERT(n->at);
	}
	n->at[n->n++] = name;
	return ERR_OK;
}

static enum err names_read(struct db *db, const struct query *q, int64_t site_id, struct names *out)
{
	return db_each(db, q, ARGS(arg_i64(site_id)), &out->row, take_name, out);
}

static int name_cmp(const void *key, const void *at)
{
	int64_t id = *(const int64_t *)key, other = ((const struct name *)at)->id;

	return (id > other) - (id < other);
}

/* NULL: there is none. */
static const struct name *name_of(const struct names *n, int64_t id)
{
	return n->n ? bsearch(&id, n->at, n->n, sizeof(*n->at), name_cmp) : NULL;
}

/* ---- sums ---- */

struct sum {
	struct qty qty, last_qty;
	struct money charge, last_charge;
	int64_t contract_id; /* the last that held it, of a meter */
	bool used;
};

struct hourly {
	struct report_run *r;
	struct rows holdings;
	struct group *groups;
	size_t groups_n;
	int64_t *hours; /* utc ms, ascending */
	size_t hours_n;
	struct sum *sums; /* by hour from first, and group */
	size_t first, n;  /* of the hours that are added up at a time */
	struct names whose, contracts;
	int64_t counted; /* rows that there will be at least */
};

static void hourly_free(struct hourly *h)
{
	rows_free(&h->holdings);
	free(h->groups);
	free(h->hours);
	free(h->sums);
	names_free(&h->whose);
	names_free(&h->contracts);
}

static int group_cmp(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	if (a->whose != b->whose)
		return a->whose < b->whose ? -1 : 1;
	if (a->role_at != b->role_at)
		return a->role_at < b->role_at ? -1 : 1;
	return (a->utility_at > b->utility_at) - (a->utility_at < b->utility_at);
}

static struct group group_of(const struct hourly *h, const struct holding *of, bool held)
{
	struct group g = of->of;

	if (str_eq(h->r->by, "meter"))
		g.whose = of->id;
	else if (str_eq(h->r->by, "shop"))
		g.whose = held ? of->tenant_id : 0;
	return g;
}

static size_t group_find(const struct hourly *h, const struct group *g)
{
	const struct group *at = bsearch(g, h->groups, h->groups_n, sizeof(*h->groups), group_cmp);

	ASSERT(at);
	return (size_t)(at - h->groups);
}

static void groups_make(struct hourly *h)
{
	struct holding *of = h->holdings.at;
	size_t n = 0;

	h->groups = calloc(2 * h->holdings.n + 1, sizeof(*h->groups));
	ASSERT(h->groups);
	for (size_t i = 0; i < h->holdings.n; i++) {
		h->groups[n++] = group_of(h, &of[i], true);
		h->groups[n++] = group_of(h, &of[i], false);
	}
	qsort(h->groups, n, sizeof(*h->groups), group_cmp);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || group_cmp(&h->groups[i], &h->groups[h->groups_n - 1]) != 0)
			h->groups[h->groups_n++] = h->groups[i];
	for (size_t i = 0; i < h->holdings.n; i++) {
		struct group held = group_of(h, &of[i], true), vacant = group_of(h, &of[i], false);

		of[i].held = group_find(h, &held);
		of[i].vacant = group_find(h, &vacant);
	}
}

/* The hours that can have a row: the local ones of the span, and a day after those of the day
 * before it. Clocks and zones are moved by quarters of an hour. */
static void hours_make(struct hourly *h)
{
	const struct report_run *r = h->r;

	h->hours =
		calloc((size_t)((r->ends.ms - r->begins.ms) / QUARTER_MS) + 1, sizeof(*h->hours));
	ASSERT(h->hours);
	for (int64_t at = r->begins.ms; at < r->ends.ms; at += QUARTER_MS) {
		int32_t now = zone_local(r->zone, (struct utc){ at }).second % 3600;
		int32_t before = zone_local(r->zone, (struct utc){ at - DAY_MS }).second % 3600;

		if (now == 0 || before == 0)
			h->hours[h->hours_n++] = at;
	}
}

/* Who held the meter, whose n holdings these are, then. */
static const struct holding *holder(const struct holding *of, size_t n, struct utc at)
{
	for (size_t i = 0; i < n; i++)
		if (at.ms >= of[i].from_at.ms && (of[i].to_at.ms == 0 || at.ms < of[i].to_at.ms))
			return of[i].contract_id ? &of[i] : NULL;
	return NULL;
}

/* The sum that an hour belongs to: NULL when it is not of those that are added up. *k is moved on
 * to it, from the hour asked for before. */
static struct sum *sum_at(struct hourly *h, size_t *k, int64_t at, size_t group)
{
	while (*k < h->n && h->hours[h->first + *k] < at)
		++*k;
	if (*k == h->n || h->hours[h->first + *k] != at)
		return NULL;
	return &h->sums[*k * h->groups_n + group];
}

static void sum_touch(struct sum *s, const struct holding *held)
{
	s->used = true;
	if (held && held->contract_id > s->contract_id)
		s->contract_id = held->contract_id;
}

static enum err meter_add(struct hourly *h, const struct holding *of, size_t n)
{
	AUTO(rows_free) struct rows rows = { 0 };
	int64_t from = h->hours[h->first], to = h->hours[h->first + h->n - 1] + 1;
	enum err e = db_list(h->r->db, &Q_HOURS,
		ARGS(arg_i64(of->id), arg_i64(from - DAY_MS), arg_i64(to)), &rows);
	const struct hour_row *row = rows.at;
	size_t k = 0, k_last = 0;

	for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
		const struct holding *held = holder(of, n, row[i].hour_at);
		size_t group = held ? held->held : of->vacant;
		struct sum *s = sum_at(h, &k, row[i].hour_at.ms, group);
		struct sum *next = sum_at(h, &k_last, row[i].hour_at.ms + DAY_MS, group);

		if (s) {
			sum_touch(s, held);
			e = qty_add(s->qty, row[i].qty, &s->qty);
			if (e == ERR_OK)
				e = money_add(s->charge, row[i].charge, &s->charge);
		}
		if (next && e == ERR_OK) {
			sum_touch(next, held);
			e = qty_add(next->last_qty, row[i].qty, &next->last_qty);
			if (e == ERR_OK)
				e = money_add(next->last_charge, row[i].charge, &next->last_charge);
		}
	}
	return e;
}

/* For each meter and its holdings. */
static enum err each_meter(
	struct hourly *h, enum err (*fn)(struct hourly *h, const struct holding *of, size_t n))
{
	const struct holding *of = h->holdings.at;
	enum err e = ERR_OK;
	size_t n;

	for (size_t i = 0; e == ERR_OK && i < h->holdings.n; i += n) {
		for (n = 1; i + n < h->holdings.n && of[i + n].id == of[i].id;)
			n++;
		e = fn(h, &of[i], n);
	}
	return e;
}

/* ---- rows ---- */

static void row_name(struct hourly *h, const struct group *g, const struct sum *s)
{
	const struct name *whose = name_of(&h->whose, g->whose);
	const struct name *tenant = name_of(&h->contracts, s->contract_id);
	const char *own = whose ? h->whose.text.text + whose->name : "";
	char name[sizeof(((struct named_row *)0)->name) * 2];

	report_text(h->r, HOUR_CODE, whose ? h->whose.text.text + whose->code : "");
	snprintf(name, sizeof(name), "%s%s%s", own, own[0] && tenant ? " " : "",
		tenant ? h->contracts.text.text + tenant->name : "");
	report_text(h->r, HOUR_NAME, name);
}

static enum err row_emit(struct hourly *h, int64_t at, const struct group *g, const struct sum *s)
{
	int64_t *n = h->r->cells->n;
	bool water = g->utility_at == 2;

	row_name(h, g, s);
	report_text(h->r, HOUR_ROLE, g->role);
	report_text(h->r, HOUR_UTILITY, g->utility);
	n[HOUR_AT] = at;
	n[HOUR_ENERGY] = water ? REPORT_NONE : s->qty.milli;
	n[HOUR_VOLUME] = water ? s->qty.milli : REPORT_NONE;
	n[HOUR_CHARGE] = s->charge.nano;
	n[HOUR_LAST_ENERGY] = water ? REPORT_NONE : s->last_qty.milli;
	n[HOUR_LAST_VOLUME] = water ? s->last_qty.milli : REPORT_NONE;
	n[HOUR_LAST_CHARGE] = s->last_charge.nano;
	return report_row(h->r);
}

static enum err rows_emit(struct hourly *h)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < h->n * h->groups_n; i++)
		if (h->sums[i].used)
			e = row_emit(h, h->hours[h->first + i / h->groups_n],
				&h->groups[i % h->groups_n], &h->sums[i]);
	return e;
}

static enum err names_find(struct hourly *h)
{
	bool meter = str_eq(h->r->by, "meter"), shop = str_eq(h->r->by, "shop");
	const struct query *q = meter ? &Q_METER_NAMES : shop ? &Q_TENANT_NAMES : &Q_AREA_NAMES;
	enum err e = names_read(h->r->db, q, h->r->site.id, &h->whose);

	if (e == ERR_OK && meter)
		e = names_read(h->r->db, &Q_CONTRACT_NAMES, h->r->site.id, &h->contracts);
	return e;
}

static enum err meter_count(struct hourly *h, const struct holding *of, size_t n)
{
	struct id_row count;
	enum err e = db_one(h->r->db, &Q_COUNT,
		ARGS(arg_i64(of->id), arg_utc(h->r->begins), arg_utc(h->r->ends)), &count);

	(void)n;
	if (e != ERR_OK)
		return e;
	h->counted += count.id;
	return h->counted > REPORT_ROWS_MOST ? ERR_TOO_LARGE : ERR_OK;
}

enum err usage_hour_rows(struct report_run *r)
{
	AUTO(hourly_free) struct hourly h = { .r = r };
	size_t at_once;
	enum err e = db_list(r->db, &Q_HOLDINGS,
		ARGS(arg_utc(r->ends), arg_i64(r->begins.ms - DAY_MS), arg_i64(r->site.id),
			arg_i64(r->scope)),
		&h.holdings);

	if (e != ERR_OK || h.holdings.n == 0)
		return e;
	groups_make(&h);
	hours_make(&h);
	/* Too many rows are refused before they are added up. */
	if (str_eq(r->by, "meter") && h.hours_n * h.groups_n > REPORT_ROWS_MOST)
		e = each_meter(&h, meter_count);
	if (e == ERR_OK)
		e = names_find(&h);
	at_once = SUMS_AT_ONCE / h.groups_n;
	if (at_once < HOURS_AT_ONCE)
		at_once = HOURS_AT_ONCE;
	if (at_once > h.hours_n)
		at_once = h.hours_n;
	h.sums = calloc(at_once * h.groups_n, sizeof(*h.sums));
	ASSERT(h.sums);
	for (; e == ERR_OK && h.first < h.hours_n; h.first += h.n) {
		h.n = at_once < h.hours_n - h.first ? at_once : h.hours_n - h.first;
		memset(h.sums, 0, h.n * h.groups_n * sizeof(*h.sums));
		e = each_meter(&h, meter_add);
		if (e == ERR_OK)
			e = rows_emit(&h);
	}
	return e;
}
