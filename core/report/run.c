/* From what is asked to a file: which sites, which days, row after row. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "domain/monthsum.h"
#include "domain/scope.h"
#include "report/sheet.h"

#define ROW_SITE 0
#define QUARTER 92

static const struct report_format *const formats[] = { &report_json, &report_csv, &report_xlsx };

const struct report_kind *report_find(const char *name, size_t n)
{
	for (size_t i = 0; i < reports_n; i++)
		if (strlen(reports[i].name) == n && memcmp(reports[i].name, name, n) == 0)
			return &reports[i];
	return NULL;
}

const char *column_kind_word(enum column_kind k)
{
	static const char *const words[] = { [COLUMN_TEXT] = "text",
		[COLUMN_DAY] = "day",
		[COLUMN_TIME] = "time",
		[COLUMN_QTY] = "quantity",
		[COLUMN_MONEY] = "money",
		[COLUMN_PRICE] = "price",
		[COLUMN_FEN] = "fen",
		[COLUMN_PERMILLE] = "permille",
		[COLUMN_COUNT] = "count" };

	return words[k];
}

void sheet_free(struct report_sheet *s)
{
	xlsx_free(&s->xlsx);
	if (s->file)
		fclose(s->file);
	s->file = NULL;
}

const char *column_title(const struct report_sheet *s, const struct column *c)
{
	return s->ask->english ? c->en : c->zh;
}

bool column_is_text(const struct column *c)
{
	return c->kind == COLUMN_TEXT || c->kind == COLUMN_DAY;
}

static const char *scaled(int64_t value, int decimals, char buf[static MONEY_TEXT_MAX])
{
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, unit = 1;

	for (int i = 0; i < decimals; i++)
		unit *= 10;
	if (decimals)
		snprintf(buf, MONEY_TEXT_MAX, "%s%llu.%0*llu", value < 0 ? "-" : "",
			(unsigned long long)(left / unit), decimals,
			(unsigned long long)(left % unit));
	else
		snprintf(buf, MONEY_TEXT_MAX, "%lld", (long long)value);
	return buf;
}

const char *column_decimal(const struct column *c, int64_t value, char buf[static MONEY_TEXT_MAX])
{
	static const int decimals[] = { [COLUMN_QTY] = 3,
		[COLUMN_MONEY] = 9,
		[COLUMN_PRICE] = 6,
		[COLUMN_FEN] = 2,
		[COLUMN_PERMILLE] = 3,
		[COLUMN_COUNT] = 0 };

	ASSERT(c->kind >= COLUMN_QTY);
	return scaled(value, decimals[c->kind], buf);
}

/* ---- rows ---- */

void report_text(struct report_run *r, size_t column, const char *text)
{
	size_t n = strlen(text);

	if (n >= REPORT_TEXT_MAX)
		for (n = REPORT_TEXT_MAX - 1; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--; /* not inside a character */
	memcpy(r->cells->text[column], text, n);
	r->cells->text[column][n] = '\0';
}

static enum err sums_add(struct report_sheet *s, const struct cells *cells)
{
	const struct report_kind *report = s->ask->report;

	for (size_t i = 0; i < report->columns->n; i++)
		if ((report->columns->at[i].traits & COLUMN_SUMMED) && cells->n[i] != REPORT_NONE &&
			__builtin_add_overflow(s->sums[i], cells->n[i], &s->sums[i]))
			return ERR_OVERFLOW;
	return ERR_OK;
}

enum err report_row(struct report_run *r)
{
	enum err e;

	if (r->sheet->total == REPORT_ROWS_MOST)
		return ERR_TOO_LARGE;
	report_text(r, ROW_SITE, r->site.code);
	e = sums_add(r->sheet, r->cells);
	if (e == ERR_OK)
		e = r->sheet->format->row(r->sheet, r);
	r->sheet->total++;
	return e;
}

static enum err take_row(void *ctx)
{
	return report_row(ctx);
}

static struct arg arg_of(const struct report_run *r, char letter)
{
	switch (letter) {
	case 's':
		return arg_i64(r->site.id);
	case 'v':
		return arg_i64(r->scope);
	case 'f':
		return arg_text(r->first);
	case 't':
		return arg_text(r->last);
	case 'b':
		return arg_utc(r->begins);
	case 'e':
		return arg_utc(r->ends);
	case 'n':
		return arg_utc(r->now);
	case 'm':
		return arg_i64(r->sums.first);
	case 'M':
		return arg_i64(r->sums.last);
	case 'h':
		return arg_text(r->sums.head_first);
	case 'H':
		return arg_text(r->sums.head_last);
	case 'k':
		return arg_text(r->sums.tail_first);
	case 'K':
		return arg_text(r->sums.tail_last);
	default:
		return arg_text(r->by);
	}
}

enum err report_sql(struct report_run *r)
{
	const struct report_kind *report = r->report;
	struct field fields[REPORT_COLUMNS_MAX];
	struct shape shape = { fields, report->columns->n - 1, sizeof(struct cells) };
	bool is_long = report->sql_long && r->to.days - r->from.days >= QUARTER;
	struct query q = { is_long ? report->sql_long : report->sql, &shape };
	struct arg args[24];
	size_t n = strlen(report->args);

	ASSERT(n <= ARRAY_LEN(args) && report->columns->n <= REPORT_COLUMNS_MAX);
	for (size_t i = 1; i < report->columns->n; i++) {
		bool text = column_is_text(&report->columns->at[i]);
		size_t at = text ? offsetof(struct cells, text) + i * REPORT_TEXT_MAX
				 : offsetof(struct cells, n) + i * sizeof(int64_t);

		fields[i - 1] = (struct field){ .name = report->columns->at[i].name,
			.at = (uint32_t)at,
			.size = text ? REPORT_TEXT_MAX : sizeof(int64_t),
			.kind = text ? KIND_TEXT : KIND_I64 };
	}
	for (size_t i = 0; i < n; i++)
		args[i] = arg_of(r, report->args[i]);
	return db_each(r->db, &q, args, n, r->cells, take_row, r);
}

/* ---- sites and days ---- */

#define F(member) FIELD(struct report_site, member)
SHAPE(site_shape, struct report_site, F(id), F(code), F(zone));
#undef F
static const struct query Q_SITES = {
	"SELECT id, code, zone FROM site WHERE ? IN (0, id) AND ? IN ('', code) ORDER BY id",
	&site_shape
};
/* Sites whose book days are not all sealed up to a day. */
static const struct query Q_OPEN = {
	"SELECT s.id FROM site s WHERE ? IN (0, s.id) AND ? IN ('', s.code) AND NOT EXISTS"
	" (SELECT 1 FROM book_day d WHERE d.site_id = s.id AND d.day >= ? AND d.sealed_at > 0)"
	" LIMIT 1",
	&id_shape
};

static enum err run_site(
	struct db *db, struct report_sheet *s, const struct report_site *site, struct report_run *r)
{
	const struct report_ask *ask = s->ask;
	AUTO(zone_free) struct zone *z = NULL;
	struct day from = r->from;
	enum err e = zone_open(site->zone, &z);

	if (ask->report->whole == 'm') /* the month before may stand beside */
		from = monthsum_first(monthsum_month((struct day){ from.days - 1 }));
	if (e == ERR_OK)
		e = report_sums_find(db, site->id, from, r->to, &r->sums);
	if (e != ERR_OK)
		return e;
	r->db = db;
	r->report = ask->report;
	r->site = *site;
	r->scope = ask->areas_of ? -ask->areas_of : site->id;
	r->zone = z;
	r->begins = zone_day_start(z, r->from);
	r->ends = zone_day_start(z, (struct day){ r->to.days + 1 });
	r->now = ask->now;
	r->by = ask->by[0] ? ask->by : "meter";
	r->sheet = s;
	return ask->report->run(r);
}

/* The days that are told: whole months or years where the report is of such. */
static void widen(const struct report_ask *ask, struct day *from, struct day *to)
{
	int y, m, d, to_y, to_m;

	*from = ask->from;
	*to = ask->to;
	if (!ask->report->whole)
		return;
	civil_date(from->days, &y, &m, &d);
	civil_date(to->days, &to_y, &to_m, &d);
	if (ask->report->whole == 'y')
		m = 1, to_m = 12;
	*from = day_of(y, m, 1);
	*to = to_m == 12 ? day_of(to_y + 1, 1, 1) : day_of(to_y, to_m + 1, 1);
	to->days--;
}

static enum err check(const struct report_ask *ask, struct problem *why)
{
	const struct report_kind *report = ask->report;
	int64_t days = (int64_t)ask->to.days - ask->from.days + 1;

	if (days > report->days_most)
		return problem_set(why, ERR_OUT_OF_RANGE, "to",
			"at most %lld days of this report%s%s", (long long)report->days_most,
			report->instead ? "; for more ask for " : "",
			report->instead ? report->instead : "");
	if (ask->areas_of && !report->areas)
		return problem_set(why, ERR_FORBIDDEN, "",
			"this is of the whole site, and you see some areas of it");
	if (ask->by[0] && !report->by)
		return problem_set(why, ERR_UNKNOWN_FIELD, "by", "this report is not grouped");
	if (str_eq(ask->by, "rate") && str_eq(report->name, "usage-hour"))
		return problem_set(why, ERR_BAD_VALUE, "by", "hours are not split by rate");
	return ERR_OK;
}

enum err report_format_find(const char *name, const struct report_format **out, struct problem *why)
{
	if (!name[0])
		name = "json";
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (str_eq(formats[i]->name, name)) {
			*out = formats[i];
			return ERR_OK;
		}
	return problem_set(why, ERR_BAD_VALUE, "format", "json, xlsx or csv");
}

static enum err is_final(struct db *db, struct report_sheet *s)
{
	const struct report_ask *ask = s->ask;
	struct id_row row;
	enum err e = db_one(db, &Q_OPEN,
		ARGS(arg_i64(ask->caller_site), arg_text(ask->site), arg_text(s->last)), &row);

	s->final = e == ERR_NOT_FOUND && !ask->report->measured;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Who sees some areas only would see none of them after the connection was lost. */
static const struct query Q_AREAS_OF = { "SELECT COALESCE(@areas_of, 0) AS id", &id_shape };

static enum err areas_stayed(struct db *db, const struct report_ask *ask)
{
	struct id_row row;
	enum err e = ask->areas_of ? db_one(db, &Q_AREAS_OF, NO_ARGS, &row) : ERR_OK;

	return ask->areas_of && e == ERR_OK && row.id != ask->areas_of ? ERR_UNAVAILABLE : e;
}

static enum err rows_write(
	struct db *db, struct report_sheet *s, const struct rows *sites, struct report_run *r)
{
	const struct report_site *site = sites->at;
	enum err e = s->format->begin(s);

	for (size_t i = 0; e == ERR_OK && i < sites->n; i++)
		e = run_site(db, s, &site[i], r);
	if (e == ERR_OK)
		e = areas_stayed(db, s->ask);
	if (e == ERR_OK)
		e = s->format->end(s);
	if (e == ERR_OK && (fflush(s->file) != 0 || ferror(s->file))) {
		log_error("report=%s file=not_written", s->ask->report->name);
		e = ERR_INTERNAL;
	}
	return e;
}

static void cells_free(struct cells **c)
{
	free(*c);
	*c = NULL;
}

static enum err make(
	struct db *db, struct report_sheet *s, const struct rows *sites, struct problem *why)
{
	AUTO(cells_free) struct cells *cells = calloc(1, sizeof(*cells));
	struct report_run r = { .cells = cells };
	enum err e;

	ASSERT(cells);
	widen(s->ask, &r.from, &r.to);
	day_text(r.from, r.first);
	day_text(r.to, r.last);
	memcpy(s->first, r.first, sizeof(s->first));
	memcpy(s->last, r.last, sizeof(s->last));
	e = is_final(db, s);
	if (e == ERR_OK)
		e = rows_write(db, s, sites, &r);
	if (e == ERR_TOO_LARGE)
		return problem_set(why, e, "to", "more than %d rows: ask for less at a time%s%s",
			REPORT_ROWS_MOST, s->ask->report->instead ? ", or for " : "",
			s->ask->report->instead ? s->ask->report->instead : "");
	return e;
}

/* Groups are added up in memory up to 128 MiB; as shipped the server goes to its disk after 16, and
 * a year by day takes minutes. */
static const struct query Q_ROOM = {
	"SET SESSION tmp_memory_table_size = 134217728, max_heap_table_size = 134217728", NULL
};
static const struct query Q_ROOM_BACK = {
	"SET SESSION tmp_memory_table_size = DEFAULT, max_heap_table_size = DEFAULT", NULL
};

/* The connection serves others afterwards. */
static enum err make_in_room(
	struct db *db, struct report_sheet *s, const struct rows *sites, struct problem *why)
{
	enum err e = db_exec(db, &Q_ROOM, NO_ARGS, NULL), back;

	if (e == ERR_OK)
		e = make(db, s, sites, why);
	back = db_exec(db, &Q_ROOM_BACK, NO_ARGS, NULL);
	return e != ERR_OK ? e : back;
}

enum err report_make(
	struct db *db, const struct report_ask *ask, struct report_file *out, struct problem *why)
{
	AUTO(sheet_free) struct report_sheet s = { .ask = ask };
	AUTO(rows_free) struct rows sites = { 0 };
	enum err e = check(ask, why);

	if (e == ERR_OK && ask->areas_of)
		e = scope_take(db, ask->areas_of);
	if (e == ERR_OK)
		e = report_format_find(ask->format, &s.format, why);
	if (e == ERR_OK)
		e = db_list(
			db, &Q_SITES, ARGS(arg_i64(ask->caller_site), arg_text(ask->site)), &sites);
	if (e == ERR_OK && sites.n == 0)
		return problem_set(why, ERR_NOT_FOUND, "site", "there is no such site");
	if (e == ERR_OK)
		e = make_in_room(db, &s, &sites, why);
	if (e != ERR_OK)
		return e;
	rewind(s.file);
	snprintf(out->name, sizeof(out->name), "%s_%s_%s%s.%s", ask->report->name, s.first, s.last,
		s.final ? "" : "_open", s.format->name);
	out->type = s.format->type;
	out->file = s.file;
	s.file = NULL;
	return ERR_OK;
}
