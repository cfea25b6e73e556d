/* Meters and gateways: what was switched, and how well they could be reached. */
#include <string.h>

#include "report/columns.h"

/* clang-format off */
static const struct column supply_columns_list[] = {
	SITE,
	{ "created_at", "时间",     "Time",     COLUMN_TIME, 0 },
	{ "done_at",    "完成时间", "Done",     COLUMN_TIME, COLUMN_ABSENT },
	{ "meter",      "表计",     "Meter",    COLUMN_TEXT, 0 },
	{ "tenant",     "商户编码", "Tenant",   COLUMN_TEXT, COLUMN_ABSENT },
	{ "name",       "商户",     "Name",     COLUMN_TEXT, COLUMN_ABSENT },
	{ "room",       "房号",     "Room",     COLUMN_TEXT, COLUMN_ABSENT },
	{ "action",     "操作",     "Act",      COLUMN_TEXT, 0 },
	{ "reason",     "原因",     "Reason",   COLUMN_TEXT, COLUMN_ABSENT },
	{ "actor",      "操作人",   "By",       COLUMN_TEXT, COLUMN_ABSENT },
	{ "state",      "结果",     "Result",   COLUMN_TEXT, 0 },
	{ "error",      "说明",     "Remark",   COLUMN_TEXT, COLUMN_ABSENT },
};
COLUMNS(supply_columns);

static const struct column outages_columns_list[] = {
	SITE,
	{ "kind",     "类型",     "Kind",     COLUMN_TEXT,  0 },
	{ "code",     "编码",     "Code",     COLUMN_TEXT,  0 },
	{ "name",     "名称",     "Name",     COLUMN_TEXT,  COLUMN_ABSENT },
	{ "from_at",  "开始",     "From",     COLUMN_TIME,  0 },
	{ "until_at", "结束",     "Until",    COLUMN_TIME,  0 },
	{ "seconds",  "时长(秒)", "Seconds",  COLUMN_COUNT, COLUMN_SUMMED },
};
COLUMNS(outages_columns);

enum { COMM_KIND = 1, COMM_CODE, COMM_NAME, COMM_OUTAGES, COMM_SILENT, COMM_OF, COMM_PERMILLE };
static const struct column communication_columns_list[] = {
	SITE,
	[COMM_KIND]     = { "kind",            "类型",         "Kind",       COLUMN_TEXT,  0 },
	[COMM_CODE]     = { "code",            "编码",         "Code",       COLUMN_TEXT,  0 },
	[COMM_NAME]     = { "name",            "名称",         "Name",       COLUMN_TEXT,  COLUMN_ABSENT },
	[COMM_OUTAGES]  = { "outages",         "中断次数",     "Outages",    COLUMN_COUNT, COLUMN_SUMMED },
	[COMM_SILENT]   = { "silent_s",        "中断时长(秒)", "Silent (s)", COLUMN_COUNT, COLUMN_SUMMED },
	[COMM_OF]       = { "of_s",            "统计时长(秒)", "of (s)",     COLUMN_COUNT, 0 },
	[COMM_PERMILLE] = { "online_permille", "在线率",       "Online (%)", COLUMN_PERMILLE, COLUMN_ABSENT },
};
COLUMNS(communication_columns);

enum { PEAK_DAY = 1, PEAK_METER, PEAK_TENANT, PEAK_NAME, PEAK_ROOM, PEAK_HOUR, PEAK_WH, PEAK_MOST, PEAK_DAY_WH };
static const struct column peaks_columns_list[] = {
	SITE,
	[PEAK_DAY]    = { "day",       "日期",             "Day",                  COLUMN_DAY,   0 },
	[PEAK_METER]  = { "meter",     "表计",             "Meter",                COLUMN_TEXT,  0 },
	[PEAK_TENANT] = { "tenant",    "商户编码",         "Tenant",               COLUMN_TEXT,  COLUMN_ABSENT },
	[PEAK_NAME]   = { "name",      "商户",             "Name",                 COLUMN_TEXT,  COLUMN_ABSENT },
	[PEAK_ROOM]   = { "room",      "房号",             "Room",                 COLUMN_TEXT,  COLUMN_ABSENT },
	[PEAK_HOUR]   = { "hour_at",   "峰值时段",         "Highest hour",         COLUMN_TIME,  0 },
	[PEAK_WH]     = { "energy_wh", "峰值时段电量(kWh)", "Energy of it (kWh)",  COLUMN_QTY,   0 },
	[PEAK_MOST]   = { "most_w",    "最大负荷(W)",      "Highest reading (W)",  COLUMN_COUNT, COLUMN_ABSENT },
	[PEAK_DAY_WH] = { "day_wh",    "当日电量(kWh)",    "Energy of the day (kWh)", COLUMN_QTY, COLUMN_SUMMED },
};
COLUMNS(peaks_columns);
/* clang-format on */

#define HOLDER(at)                                                                                 \
	" LEFT JOIN contract_point cp ON cp.supply_point_id = m.supply_point_id AND " at           \
	" >= cp.from_at AND (cp.to_at = 0 OR " at " < cp.to_at)"                                   \
	" LEFT JOIN contract c ON c.id = cp.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"
#define TENANT                                                                                     \
	"COALESCE(t.code, '') AS tenant, COALESCE(t.name, '') AS name,"                            \
	" COALESCE(t.room, '') AS room, "

/* clang-format off */
const char supply_sql[] =
	"SELECT a.created_at, a.done_at, m.code AS meter, " TENANT
	"a.action, a.reason, a.actor, a.state, a.error FROM supply_act a"
	" JOIN meter m ON m.id = a.meter_id JOIN supply_point sp ON sp.id = "
	"a.supply_point_id" HOLDER(
		"a.created_at") " WHERE sp.site_id = ?" SEES_METER " AND a.created_at >= ? AND a.created_at < ?"
				" ORDER BY a.created_at, a.id";
/* clang-format on */

/* The part of each outage that lies in the span and is over by now. */
#define BEGUN "GREATEST(o.from_at, ?)"
#define ENDED "LEAST(IF(o.until_at = 0, ?, o.until_at), ?)"
/* clang-format off */
const char outages_sql[] =
	"SELECT o.object_kind AS kind, COALESCE(g.code, m.code) AS code,"
	" COALESCE(g.name, m.name) AS name, " BEGUN " AS from_at, " ENDED " AS until_at,"
	" (" ENDED " - " BEGUN ") DIV 1000 AS seconds FROM outage o"
	" LEFT JOIN gateway g ON o.object_kind = 'gateway' AND g.id = o.object_id"
	" LEFT JOIN meter m ON o.object_kind = 'meter' AND m.id = o.object_id"
	" LEFT JOIN supply_point sp ON sp.id = m.supply_point_id"
	" WHERE ? IN (g.site_id, sp.site_id) AND ? IN (g.site_id, sp.site_id, IF(g.id IS NULL, "
	SEEN_AREA("m.area_id") ", " SEEN_GATEWAY("g.id") ")) AND (o.until_at = 0 OR o.until_at > ?)"
	" AND o.from_at < ? HAVING until_at > from_at ORDER BY from_at, kind, code, o.id";
/* clang-format on */

/* ---- communication ---- */

struct comm_row {
	int64_t kind; /* 0 gateway, 1 meter */
	int64_t id;
	char code[129];
	char name[600];
	int64_t from, until; /* of an outage, utc ms; 0: it had none */
};
#define F(member) FIELD(struct comm_row, member)
SHAPE(comm_shape, struct comm_row, F(kind), F(id), F(code), F(name), F(from), F(until));
#undef F
/* A meter is silent while its gateway is. */
#define SILENT " AND o.from_at < ? AND (o.until_at = 0 OR o.until_at > ?)"
#define METERS                                                                                     \
	"SELECT 1 AS kind, m.id, m.code, m.name, COALESCE(o.from_at, 0) AS `from`,"                \
	" COALESCE(IF(o.until_at = 0, ?, o.until_at), 0) AS `until` FROM meter m"                  \
	" JOIN supply_point sp ON sp.id = m.supply_point_id AND sp.site_id = ?" SEES_METER
/* clang-format off */
static const struct query Q_COMM = {
	"SELECT * FROM (SELECT 0 AS kind, g.id, g.code, g.name, COALESCE(o.from_at, 0) AS `from`,"
	" COALESCE(IF(o.until_at = 0, ?, o.until_at), 0) AS `until` FROM gateway g"
	" LEFT JOIN outage o ON o.object_kind = 'gateway' AND o.object_id = g.id" SILENT
	" WHERE g.site_id = ? AND ? IN (g.site_id, " SEEN_GATEWAY("g.id") ")"
	" UNION ALL " METERS
	" LEFT JOIN outage o ON o.object_kind = 'meter' AND o.object_id = m.id" SILENT
	" UNION ALL " METERS
	" JOIN outage o ON o.object_kind = 'gateway' AND o.object_id = m.gateway_id" SILENT
	") x ORDER BY x.kind, x.id, x.`from`, x.`until`",
	&comm_shape
};
/* clang-format on */

struct comm {
	struct report_run *r;
	struct comm_row row;
	struct comm_row of;	 /* whose outages are added up; id 0: nobody's yet */
	int64_t outages, silent; /* ms */
	int64_t upto;		 /* silence is counted up to here */
};

static enum err comm_emit(struct comm *c)
{
	struct report_run *r = c->r;
	int64_t end = r->now.ms < r->ends.ms ? r->now.ms : r->ends.ms;
	int64_t whole = end > r->begins.ms ? end - r->begins.ms : 0;
	int64_t *n = r->cells->n;

	if (!c->of.id)
		return ERR_OK;
	report_text(r, COMM_KIND, c->of.kind ? "meter" : "gateway");
	report_text(r, COMM_CODE, c->of.code);
	report_text(r, COMM_NAME, c->of.name);
	n[COMM_OUTAGES] = c->outages;
	n[COMM_SILENT] = c->silent / 1000;
	n[COMM_OF] = whole / 1000;
	n[COMM_PERMILLE] = whole ? (whole - c->silent) * 1000 / whole : REPORT_NONE;
	return report_row(r);
}

static enum err take_comm(void *ctx)
{
	struct comm *c = ctx;
	const struct report_run *r = c->r;
	int64_t end = r->now.ms < r->ends.ms ? r->now.ms : r->ends.ms;
	int64_t from, until;
	enum err e = ERR_OK;

	if (c->of.id != c->row.id || c->of.kind != c->row.kind) {
		e = comm_emit(c);
		c->of = c->row;
		c->outages = c->silent = 0;
		c->upto = r->begins.ms;
	}
	from = c->row.from > c->upto ? c->row.from : c->upto;
	until = c->row.until < end ? c->row.until : end;
	if (c->row.from && c->row.from < end)
		c->outages++;
	if (until > from) {
		c->silent += until - from;
		c->upto = until;
	}
	return e;
}

enum err communication_rows(struct report_run *r)
{
	struct comm c = { .r = r };
	struct arg now = arg_utc(r->now), b = arg_utc(r->begins), e = arg_utc(r->ends);
	struct arg site = arg_i64(r->site.id), sees = arg_i64(r->scope);
	enum err err = db_each(r->db, &Q_COMM,
		ARGS(now, e, b, site, sees, now, site, sees, e, b, now, site, sees, e, b), &c.row,
		take_comm, &c);

	return err == ERR_OK ? comm_emit(&c) : err;
}

/* ---- peaks ---- */

struct holding { /* a meter while a contract held it, or all of its time without any */
	int64_t id;
	char meter[129];
	char tenant[129];
	char name[257];
	char room[129];
	struct utc from_at, to_at; /* 0: open */
};
#define F(member) FIELD(struct holding, member)
SHAPE(holding_shape, struct holding, F(id), F(meter), F(tenant), F(name), F(room), F(from_at),
	F(to_at));
#undef F
static const struct query Q_HOLDINGS = {
	"SELECT m.id, m.code AS meter, " TENANT "COALESCE(cp.from_at, 0) AS from_at,"
	" COALESCE(cp.to_at, 0) AS to_at FROM supply_point sp"
	" JOIN meter m ON m.supply_point_id = sp.id LEFT JOIN contract_point cp"
	" ON cp.supply_point_id = sp.id AND cp.from_at < ? AND (cp.to_at = 0 OR cp.to_at > ?)"
	" LEFT JOIN contract c ON c.id = cp.contract_id LEFT JOIN tenant t ON t.id = c.tenant_id"
	" WHERE sp.site_id = ?" SEES_METER " AND m.utility = 'electricity'"
	" ORDER BY m.id, cp.from_at",
	&holding_shape
};

struct hour_row {
	struct utc hour_at;
	struct qty qty;
	int64_t most_w;
};
#define F(member) FIELD(struct hour_row, member)
SHAPE(hour_shape, struct hour_row, F(hour_at), F(qty), F(most_w));
#undef F
/* Of one meter, by a range of the primary key: a join would read all hours that there ever were. */
static const struct query Q_HOURS = {
	"SELECT hour_at, qty_milli AS qty, COALESCE(most_w, " REPORT_NONE_SQL ") AS most_w"
	" FROM usage_hour WHERE meter_id = ? AND hour_at >= ? AND hour_at < ? ORDER BY hour_at",
	&hour_shape
};

struct peak { /* of a day so far */
	struct day day;
	struct hour_row best;
	int64_t most_w;
	struct qty sum;
};

/* Who held the meter then. */
static const struct holding *holder(const struct holding *h, size_t n, struct utc at)
{
	for (size_t i = 0; i < n; i++)
		if (at.ms >= h[i].from_at.ms && (h[i].to_at.ms == 0 || at.ms < h[i].to_at.ms))
			return &h[i];
	return NULL;
}

static enum err peak_emit(
	struct report_run *r, const struct holding *h, size_t n, const struct peak *p)
{
	const struct holding *held = holder(h, n, p->best.hour_at);
	char day[DAY_TEXT_MAX];

	report_text(r, PEAK_DAY, day_text(p->day, day));
	report_text(r, PEAK_METER, h->meter);
	report_text(r, PEAK_TENANT, held ? held->tenant : "");
	report_text(r, PEAK_NAME, held ? held->name : "");
	report_text(r, PEAK_ROOM, held ? held->room : "");
	r->cells->n[PEAK_HOUR] = p->best.hour_at.ms;
	r->cells->n[PEAK_WH] = p->best.qty.milli;
	r->cells->n[PEAK_MOST] = p->most_w;
	r->cells->n[PEAK_DAY_WH] = p->sum.milli;
	return report_row(r);
}

/* The days of one meter, whose n holdings these are. */
static enum err meter_peaks(struct report_run *r, const struct holding *h, size_t n)
{
	AUTO(rows_free) struct rows hours = { 0 };
	enum err e = db_list(r->db, &Q_HOURS,
		ARGS(arg_i64(h->id), arg_utc(r->begins), arg_utc(r->ends)), &hours);
	const struct hour_row *hour = hours.at;
	struct peak p = { 0 };

	for (size_t i = 0; e == ERR_OK && i < hours.n; i++) {
		struct day day = zone_local(r->zone, hour[i].hour_at).day;

		if (i == 0 || day.days != p.day.days) {
			if (i > 0)
				e = peak_emit(r, h, n, &p);
			p = (struct peak){ day, hour[i], hour[i].most_w, { 0 } };
		}
		if (hour[i].qty.milli > p.best.qty.milli)
			p.best = hour[i];
		if (hour[i].most_w > p.most_w)
			p.most_w = hour[i].most_w;
		if (e == ERR_OK)
			e = qty_add(p.sum, hour[i].qty, &p.sum);
	}
	return e == ERR_OK && hours.n > 0 ? peak_emit(r, h, n, &p) : e;
}

enum err peaks_rows(struct report_run *r)
{
	AUTO(rows_free) struct rows holdings = { 0 };
	enum err e = db_list(r->db, &Q_HOLDINGS,
		ARGS(arg_utc(r->ends), arg_utc(r->begins), arg_i64(r->site.id), arg_i64(r->scope)),
		&holdings);
	const struct holding *h = holdings.at;
	size_t n;

	for (size_t i = 0; e == ERR_OK && i < holdings.n; i += n) {
		for (n = 1; i + n < holdings.n && h[i + n].id == h[i].id;)
			n++;
		e = meter_peaks(r, &h[i], n);
	}
	return e;
}
