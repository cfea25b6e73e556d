#include "domain/bookday.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "domain/entry.h"
#include "domain/event.h"

#define SEAL_SECOND 7200 /* of the day after */
#define BATCH_METERS 64
#define NO_SHA256 "0000000000000000000000000000000000000000000000000000000000000000"

struct site_row {
	int64_t id;
	char zone[64];
};
SHAPE(site_shape, struct site_row, FIELD(struct site_row, id), FIELD(struct site_row, zone));
static const struct query Q_SITES = { "SELECT id, zone FROM site ORDER BY id", &site_shape };
static const struct query Q_SITE = { "SELECT id, zone FROM site WHERE id = ?", &site_shape };

#define F(member) FIELD(struct book_day, member)
SHAPE(book_day_shape, struct book_day, F(day), F(sealed_at), F(entries), F(sha256));
#undef F
#define BOOK_DAY "SELECT day, sealed_at, entries, sha256 FROM book_day WHERE site_id = ?"
static const struct query Q_LAST = { BOOK_DAY " ORDER BY day DESC LIMIT 1", &book_day_shape };
static const struct query Q_GET = { BOOK_DAY " AND day = ?", &book_day_shape };
static const struct query Q_LOCK = { BOOK_DAY " AND day = ? FOR UPDATE", &book_day_shape };

#define F(member) FIELD(struct book_day_line, member)
SHAPE(book_day_line_shape, struct book_day_line, F(site_id), F(site_code), F(site_name), F(day),
	F(closed_at), F(sealed_at), F(entries), F(sha256));
#undef F
const struct listing book_day_listing = {
	.all = { "SELECT d.site_id, s.code AS site_code, s.name AS site_name,"
		 " CAST(d.day AS CHAR) AS day, d.closed_at, d.sealed_at, d.entries, d.sha256"
		 " FROM book_day d JOIN site s ON s.id = d.site_id WHERE ? IN (0, d.site_id)",
		&book_day_line_shape },
	.sorts = { { "site_id", "d.site_id" }, { "day", "CAST(d.day AS CHAR)" } },
	.tie_only = true,
	.order = "-day",
	.one_way = true,
	.filters = { { "site_id", FILTER_ID, "d.site_id = ?" },
		{ "from", FILTER_DAY, "d.day >= ?" }, { "to", FILTER_DAY, "d.day <= ?" } },
};

enum err site_today(struct db *db, int64_t site_id, struct utc now, struct day *out)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct site_row site;
	enum err e = db_one(db, &Q_SITE, ARGS(arg_i64(site_id)), &site);

	if (e == ERR_OK)
		e = zone_open(site.zone, &z);
	if (e == ERR_OK)
		*out = zone_local(z, now).day;
	return e;
}

/* ---- whose turn it is ---- */

struct day_text_row {
	char day[DAY_TEXT_MAX];
};
SHAPE(day_text_shape, struct day_text_row, FIELD(struct day_text_row, day));
static const struct query Q_FIRST = {
	"SELECT CAST(LEAST(COALESCE(u.day, e.day), COALESCE(e.day, u.day)) AS CHAR) AS day FROM"
	" (SELECT MIN(d.book_day) AS day FROM usage_day d JOIN meter m ON m.id = d.meter_id"
	"  JOIN supply_point p ON p.id = m.supply_point_id WHERE p.site_id = ?) u,"
	" (SELECT MIN(book_day) AS day FROM entry WHERE site_id = ?) e"
	" WHERE u.day IS NOT NULL OR e.day IS NOT NULL",
	&day_text_shape
};

/* The first day that is not sealed; ERR_NOT_FOUND when nothing was ever booked. */
static enum err next_day(struct db *db, int64_t site_id, struct day *out)
{
	struct day_text_row first;
	struct book_day last;
	struct day day;
	enum err e = db_one(db, &Q_LAST, ARGS(arg_i64(site_id)), &last);

	if (e == ERR_NOT_FOUND) {
		e = db_one(db, &Q_FIRST, ARGS(arg_i64(site_id), arg_i64(site_id)), &first);
		return e == ERR_OK ? day_parse(first.day, out) : e;
	}
	if (e == ERR_OK)
		e = day_parse(last.day, &day);
	if (e == ERR_OK)
		out->days = day.days + (last.sealed_at.ms ? 1 : 0);
	return e;
}

/* ---- close ---- */

static const struct query Q_CLOSE = {
	"INSERT INTO book_day (site_id, day, closed_at, prev_sha256) VALUES (?, ?, ?, ?)", NULL
};

struct sealing {
	int64_t site_id;
	struct day day;
	struct utc now;
	size_t n;      /* post: meters of the batch, */
	int64_t after; /* those above this id */
	int64_t last;  /* of them; 0: there was none */
	struct book_day sealed;
};

static enum err close_tx(struct db *db, void *ctx)
{
	const struct sealing *s = ctx;
	struct book_day before = { .sha256 = NO_SHA256 };
	char day[DAY_TEXT_MAX];
	struct day next;
	enum err e = next_day(db, s->site_id, &next);

	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_CONFLICT : e;
	if (next.days != s->day.days)
		return ERR_CONFLICT;
	e = db_one(db, &Q_GET,
		ARGS(arg_i64(s->site_id), arg_text(day_text((struct day){ s->day.days - 1 }, day))),
		&before);
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	e = db_exec(db, &Q_CLOSE,
		ARGS(arg_i64(s->site_id), arg_text(day_text(s->day, day)), arg_utc(s->now),
			arg_text(before.sha256)),
		NULL);
	return e == ERR_ALREADY ? ERR_OK : e; /* a seal that was killed, or another one */
}

enum err bookday_close(struct db *db, int64_t site_id, struct day day, struct utc now)
{
	return db_tx(db, close_tx, &(struct sealing){ .site_id = site_id, .day = day, .now = now });
}

/* ---- post ---- */

static const struct query Q_METERS = {
	"SELECT m.id FROM meter m JOIN supply_point p ON p.id = m.supply_point_id"
	" WHERE p.site_id = ? AND m.id > ? ORDER BY m.id LIMIT ?",
	&id_shape
};
static const struct query Q_METERS_LOCK = {
	"SELECT meter_id AS id FROM settled WHERE meter_id > ? AND meter_id <= ?"
	" ORDER BY meter_id LOCK IN SHARE MODE",
	&id_shape
};
static const struct query Q_PURSE_LOCK = { "UPDATE account SET seen = seen + 1 WHERE id = ?",
	NULL };

struct group {		    /* what becomes one entry */
	int64_t account_id; /* 0: measured only, no entry */
	int64_t meter_id;
	char day[DAY_TEXT_MAX]; /* of the use */
	char utility[12];
	struct money charge;
};
#define F(member) FIELD(struct group, member)
SHAPE(group_shape, struct group, F(account_id), F(meter_id), F(day), F(utility), F(charge));
#undef F
static const struct query Q_GROUPS = {
	"SELECT u.account_id, u.meter_id, u.day, m.utility,"
	" CAST(SUM(u.charge_nano) AS SIGNED) AS charge FROM usage_day u"
	" JOIN meter m ON m.id = u.meter_id JOIN supply_point p ON p.id = m.supply_point_id"
	" WHERE u.sealed = 0 AND u.book_day = ? AND u.meter_id > ? AND u.meter_id <= ?"
	" AND p.site_id = ? GROUP BY u.account_id, u.meter_id, u.day, m.utility"
	" ORDER BY u.account_id, u.meter_id, u.day",
	&group_shape
};
static const struct query Q_FREEZE = {
	"UPDATE usage_day SET sealed = 1 WHERE meter_id = ? AND account_id = ? AND day = ?"
	" AND book_day = ? AND sealed = 0",
	NULL
};

struct company {
	int64_t energy, water;
};

static enum err group_post(
	struct db *db, const struct sealing *s, const struct group *g, const struct company *c)
{
	bool water = str_eq(g->utility, "water");
	char day[DAY_TEXT_MAX], once[128], reference[32];
	bool late = !str_eq(g->day, day_text(s->day, day));
	int n = snprintf(once, sizeof(once), "day:%s:account:%" PRId64 ":meter:%" PRId64, g->day,
		g->account_id, g->meter_id);
	struct money taken;
	int64_t id;
	enum err e = money_sub((struct money){ 0 }, g->charge, &taken);

	if (e != ERR_OK)
		return e;
	if (late)
		snprintf(once + n, sizeof(once) - (size_t)n, ":late:%s", day);
	snprintf(reference, sizeof(reference), "day:%s", g->day);
	e = entry_post_taken(db,
		&(struct entry){ .kind = late	 ? "late_charge"
					 : water ? "water"
						 : "energy",
			.once_key = once,
			.reference = reference,
			.actor = "system",
			.memo = g->day,
			.site_id = s->site_id,
			.book_day = s->day,
			.at = s->now },
		(struct posting[]){ { g->account_id, taken, true },
			{ water ? c->water : c->energy, g->charge, false } },
		2, &id);
	if (e != ERR_ALREADY)
		return e;
	log_error("once_key=%s entry=%" PRId64 " was posted, but its charges are open", once, id);
	return ERR_INTERNAL;
}

/* The rows of the purses are written, as by every transaction that moves money, before an entry
 * refers to them. */
static enum err purses_lock(struct db *db, const struct group *g, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < n; i++)
		if (g[i].account_id && (i == 0 || g[i].account_id != g[i - 1].account_id))
			e = db_exec(db, &Q_PURSE_LOCK, ARGS(arg_i64(g[i].account_id)), NULL);
	return e;
}

static enum err groups_post(struct db *db, const struct sealing *s, const struct rows *groups)
{
	const struct group *g = groups->at;
	char day[DAY_TEXT_MAX];
	struct company c;
	enum err e = account_company(db, "energy", &c.energy);

	day_text(s->day, day);
	if (e == ERR_OK)
		e = account_company(db, "water", &c.water);
	if (e == ERR_OK)
		e = purses_lock(db, g, groups->n);
	for (size_t i = 0; e == ERR_OK && i < groups->n; i++) {
		if (g[i].account_id)
			e = group_post(db, s, &g[i], &c);
		if (e == ERR_OK)
			e = db_exec(db, &Q_FREEZE,
				ARGS(arg_i64(g[i].meter_id), arg_i64(g[i].account_id),
					arg_text(g[i].day), arg_text(day)),
				NULL);
	}
	return e;
}

/* The row of a day that is closed, locked, so that one at a time seals it. */
static enum err closed_lock(struct db *db, const struct sealing *s, struct book_day *out)
{
	char day[DAY_TEXT_MAX];
	enum err e = db_one(
		db, &Q_LOCK, ARGS(arg_i64(s->site_id), arg_text(day_text(s->day, day))), out);

	return e == ERR_NOT_FOUND ? ERR_CONFLICT : e;
}

static enum err post_tx(struct db *db, void *ctx)
{
	struct sealing *s = ctx;
	AUTO(rows_free) struct rows meters = { 0 }, locked = { 0 }, groups = { 0 };
	struct book_day closed;
	char day[DAY_TEXT_MAX];
	enum err e = closed_lock(db, s, &closed);

	s->last = 0;
	if (e == ERR_OK)
		e = db_list(db, &Q_METERS,
			ARGS(arg_i64(s->site_id), arg_i64(s->after), arg_i64((int64_t)s->n)),
			&meters);
	if (e != ERR_OK)
		return e;
	if (closed.sealed_at.ms || meters.n == 0)
		return ERR_OK;
	s->last = ((const struct id_row *)meters.at)[meters.n - 1].id;
	e = db_list(db, &Q_METERS_LOCK, ARGS(arg_i64(s->after), arg_i64(s->last)), &locked);
	if (e == ERR_OK)
		e = db_list(db, &Q_GROUPS,
			ARGS(arg_text(day_text(s->day, day)), arg_i64(s->after), arg_i64(s->last),
				arg_i64(s->site_id)),
			&groups);
	return e == ERR_OK ? groups_post(db, s, &groups) : e;
}

enum err bookday_post(
	struct db *db, int64_t site_id, struct day day, struct utc now, size_t n, int64_t *after)
{
	struct sealing s = { .site_id = site_id, .day = day, .now = now, .n = n, .after = *after };
	enum err e = db_tx(db, post_tx, &s);

	if (e == ERR_OK)
		*after = s.last;
	return e;
}

/* ---- finish ---- */

struct line { /* a posting with its entry */
	int64_t entry_id;
	char kind[97];
	char once_key[513];
	char reference[257];
	char actor[257];
	char day[DAY_TEXT_MAX];
	struct utc created_at;
	char memo[801];
	int64_t line; /* 0: the entry has none */
	int64_t account_id;
	struct money amount;
};
#define F(member) FIELD(struct line, member)
SHAPE(line_shape, struct line, F(entry_id), F(kind), F(once_key), F(reference), F(actor), F(day),
	F(created_at), F(memo), F(line), F(account_id), F(amount));
#undef F
/* Waits for entries that are being written: they found the day open. */
static const struct query Q_LINES = {
	"SELECT e.id AS entry_id, e.kind, e.once_key, e.reference, e.actor, e.book_day AS day,"
	" e.created_at, e.memo, COALESCE(p.line, 0) AS line, COALESCE(p.account_id, 0) AS"
	" account_id, COALESCE(p.amount_nano, 0) AS amount FROM entry e"
	" LEFT JOIN posting p ON p.entry_id = e.id WHERE e.site_id = ? AND e.book_day = ?"
	" ORDER BY e.id, p.line LOCK IN SHARE MODE",
	&line_shape
};
static const struct query Q_SEALED = {
	"UPDATE book_day SET sealed_at = ?, entries = ?, sha256 = ? WHERE site_id = ? AND day = ?",
	NULL
};

static void hash_text(EVP_MD_CTX *h, const char *text, size_t n)
{
	ASSERT(EVP_DigestUpdate(h, text, n) == 1);
}

/* A text with its length in bytes before it, so that no other texts give the same bytes. */
static void hash_counted(EVP_MD_CTX *h, const char *text)
{
	char n[24];

	hash_text(h, n, (size_t)snprintf(n, sizeof(n), " %zu:", strlen(text)));
	hash_text(h, text, strlen(text));
}

static void hash_entry(EVP_MD_CTX *h, const struct line *l)
{
	char text[64];

	hash_text(h, text, (size_t)snprintf(text, sizeof(text), "entry %" PRId64, l->entry_id));
	hash_counted(h, l->kind);
	hash_counted(h, l->once_key);
	hash_counted(h, l->reference);
	hash_counted(h, l->actor);
	hash_text(h, text,
		(size_t)snprintf(text, sizeof(text), " %s %" PRId64, l->day, l->created_at.ms));
	hash_counted(h, l->memo);
	hash_text(h, "\n", 1);
}

static void hash_posting(EVP_MD_CTX *h, const struct line *l)
{
	char text[96];

	hash_text(h, text,
		(size_t)snprintf(text, sizeof(text),
			"posting %" PRId64 " %" PRId64 " %" PRId64 "\n", l->line, l->account_id,
			l->amount.nano));
}

/* Of the hash before and the lines in order; how many entries they are. */
static int64_t lines_hash(const char *prev, const struct line *l, size_t n, char out[static 65])
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int64_t entries = 0;

	ASSERT(h && EVP_DigestInit_ex(h, EVP_sha256(), NULL) == 1);
	hash_text(h, prev, strlen(prev));
	hash_text(h, "\n", 1);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || l[i].entry_id != l[i - 1].entry_id) {
			hash_entry(h, &l[i]);
			entries++;
		}
		if (l[i].line)
			hash_posting(h, &l[i]);
	}
	ASSERT(EVP_DigestFinal_ex(h, digest, &len) == 1 && len == 32);
	hex_encode(digest, len, out);
	EVP_MD_CTX_free(h);
	return entries;
}

struct prev_row {
	char sha256[65];
};
SHAPE(prev_shape, struct prev_row, FIELD(struct prev_row, sha256));
static const struct query Q_PREV = {
	"SELECT prev_sha256 AS sha256 FROM book_day WHERE site_id = ? AND day = ?", &prev_shape
};

static enum err finish_tx(struct db *db, void *ctx)
{
	struct sealing *s = ctx;
	AUTO(rows_free) struct rows lines = { 0 };
	struct prev_row prev;
	char day[DAY_TEXT_MAX];
	enum err e = closed_lock(db, s, &s->sealed);

	if (e != ERR_OK || s->sealed.sealed_at.ms)
		return e;
	day_text(s->day, day);
	e = db_one(db, &Q_PREV, ARGS(arg_i64(s->site_id), arg_text(day)), &prev);
	if (e == ERR_OK)
		e = db_list(db, &Q_LINES, ARGS(arg_i64(s->site_id), arg_text(day)), &lines);
	if (e != ERR_OK)
		return e;
	s->sealed.sealed_at = s->now;
	s->sealed.entries = lines_hash(prev.sha256, lines.at, lines.n, s->sealed.sha256);
	e = db_exec(db, &Q_SEALED,
		ARGS(arg_utc(s->now), arg_i64(s->sealed.entries), arg_text(s->sealed.sha256),
			arg_i64(s->site_id), arg_text(day)),
		NULL);
	return e == ERR_OK
		       ? event_add(db, "day.sealed", s->site_id,
				 json_pack("{s:s, s:I, s:s}", "day", day, "entries",
					 (json_int_t)s->sealed.entries, "sha256", s->sealed.sha256),
				 s->now)
		       : e;
}

enum err bookday_finish(
	struct db *db, int64_t site_id, struct day day, struct utc now, struct book_day *out)
{
	struct sealing s = { .site_id = site_id, .day = day, .now = now };
	enum err e = db_tx(db, finish_tx, &s);

	if (e == ERR_OK)
		*out = s.sealed;
	return e;
}

/* ---- the whole ---- */

static enum err seal(struct db *db, const struct sealing *s, struct book_day *out)
{
	int64_t after = 0;
	enum err e = bookday_close(db, s->site_id, s->day, s->now);

	do {
		if (e == ERR_OK)
			e = bookday_post(db, s->site_id, s->day, s->now, BATCH_METERS, &after);
	} while (e == ERR_OK && after);
	if (e == ERR_OK)
		e = bookday_finish(db, s->site_id, s->day, s->now, out);
	/* The log leaves the machine; with it a copy of the chain. */
	if (e == ERR_OK)
		log_info("site=%" PRId64 " sealed=%s entries=%" PRId64 " sha256=%s", s->site_id,
			out->day, out->entries, out->sha256);
	return e;
}

static enum err seal_due(struct db *db, const struct site_row *site, struct utc now)
{
	AUTO(zone_free) struct zone *z = NULL;
	struct sealing s = { .site_id = site->id, .now = now };
	struct book_day sealed;
	enum err e = zone_open(site->zone, &z);

	if (e == ERR_OK)
		e = next_day(db, site->id, &s.day);
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (now.ms < zone_utc(z, (struct day){ s.day.days + 1 }, SEAL_SECOND).ms)
		return ERR_OK;
	return seal(db, &s, &sealed);
}

/* What keeps one site from being sealed must not keep the others. */
enum err bookday_seal_due(struct db *db, struct utc now)
{
	AUTO(rows_free) struct rows sites = { 0 };
	enum err first = db_list(db, &Q_SITES, NO_ARGS, &sites);
	const struct site_row *site = sites.at;

	for (size_t i = 0; i < sites.n; i++) {
		enum err e = seal_due(db, &site[i], now);

		if (first == ERR_OK)
			first = e;
	}
	return first;
}

static enum err may_seal(struct db *db, const struct sealing *s, struct problem *why)
{
	AUTO(zone_free) struct zone *z = NULL;
	char text[DAY_TEXT_MAX];
	struct site_row site;
	struct day next;
	enum err e = db_one(db, &Q_SITE, ARGS(arg_i64(s->site_id)), &site);

	if (e == ERR_OK)
		e = zone_open(site.zone, &z);
	if (e != ERR_OK)
		return e;
	if (s->now.ms < zone_day_start(z, (struct day){ s->day.days + 1 }).ms)
		return problem_set(why, ERR_CONFLICT, "date", "the day is not over");
	e = next_day(db, s->site_id, &next);
	if (e == ERR_NOT_FOUND || (e == ERR_OK && s->day.days < next.days))
		return problem_set(why, ERR_CONFLICT, "date", "the books begin later");
	if (e == ERR_OK && s->day.days > next.days)
		return problem_set(why, ERR_CONFLICT, "date", "%s is to be sealed before",
			day_text(next, text));
	return e;
}

static enum err only_site(struct db *db, int64_t *id, struct problem *why)
{
	AUTO(rows_free) struct rows sites = { 0 };
	enum err e = db_list(db, &Q_SITES, NO_ARGS, &sites);

	if (e == ERR_OK && sites.n > 1)
		return problem_set(why, ERR_MISSING_FIELD, "site_id", "say whose books");
	if (e == ERR_OK && sites.n == 0)
		return ERR_NOT_FOUND;
	if (e == ERR_OK)
		*id = ((const struct site_row *)sites.at)->id;
	return e;
}

enum err bookday_seal(struct db *db, int64_t site_id, struct day day, struct utc now,
	struct book_day *out, struct problem *why)
{
	struct sealing s = { .site_id = site_id, .day = day, .now = now };
	char text[DAY_TEXT_MAX];
	struct book_day done;
	enum err e = site_id ? ERR_OK : only_site(db, &s.site_id, why);

	if (e != ERR_OK)
		return e;
	e = db_one(db, &Q_GET, ARGS(arg_i64(s.site_id), arg_text(day_text(day, text))), &done);
	if (e == ERR_OK && done.sealed_at.ms) {
		*out = done;
		return ERR_OK;
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	e = may_seal(db, &s, why);
	return e == ERR_OK ? seal(db, &s, out) : e;
}
