#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/present_inside.h"

static void zone_drop(struct loading *l)
{
	zone_free(&l->zone);
}

/* ---- one form ---- */

const char *keep(struct loading *l, const char *text)
{
	return text[0] ? book_text(&l->out->book, text) : "";
}

const char *number(struct loading *l, int64_t v, int places)
{
	char text[48];
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, scale = 1;
	size_t n;

	if (v == 0)
		return "";
	for (int i = 0; i < places; i++)
		scale *= 10;
	n = (size_t)snprintf(text, sizeof(text), "%s%" PRIu64, v < 0 ? "-" : "", u / scale);
	if (u % scale) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ".%0*" PRIu64, places, u % scale);
		while (text[n - 1] == '0')
			text[--n] = '\0';
	}
	return keep(l, text);
}

void present_add(struct loading *l, enum sheet_id sheet, const struct book_row *row)
{
	char *key = book_key(sheet, row);

	g_hash_table_insert(
		l->out->index[sheet], key, GSIZE_TO_POINTER(l->out->book.sheets[sheet].n));
}

/* ---- all of it ---- */

static const struct present_page *const pages[] = { &present_sites, &present_areas,
	&present_gateways, &present_tariffs, &present_tenants, &present_purses };

static enum err load_pages(struct loading *l, const struct present_page *p)
{
	const struct query *q = p->q;
	int64_t after = 0;
	size_t n;

	do {
		AUTO(rows_free) struct rows rows = { 0 };
		enum err e = db_list(l->db, q,
			ARGS(arg_i64(after), arg_i64(l->site_id), arg_i64(p->page)), &rows);

		for (size_t i = 0; e == ERR_OK && i < rows.n; i++) {
			const char *row = (const char *)rows.at + i * q->row->size;

			memcpy(&after, row, sizeof(after));
			e = p->take(l, row);
		}
		if (e != ERR_OK)
			return e;
		n = rows.n;
	} while (n == (size_t)p->page);
	return ERR_OK;
}

enum err present_read(struct db *db, int64_t site_id, struct utc now, struct present *out)
{
	AUTO(zone_drop)
	struct loading l = { .db = db, .site_id = site_id, .now = now, .out = out };
	enum err e = ERR_OK;

	for (int i = 0; i < SHEET__MAX; i++)
		out->index[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	out->holder = g_hash_table_new(g_str_hash, g_str_equal);
	for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(pages); i++)
		e = load_pages(&l, pages[i]);
	if (e == ERR_OK)
		e = present_meters(&l);
	if (e == ERR_OK)
		e = present_held(&l);
	return e == ERR_OK ? present_shares(&l) : e;
}

void present_free(struct present *p)
{
	for (int i = 0; i < SHEET__MAX; i++)
		g_clear_pointer(&p->index[i], g_hash_table_destroy);
	g_clear_pointer(&p->holder, g_hash_table_destroy);
	book_free(&p->book);
}

enum err present_export(struct db *db, int64_t site_id, struct utc now, struct book *out)
{
	AUTO(present_free) struct present p = { .holder = NULL };
	enum err e = present_read(db, site_id, now, &p);
	struct book_sheet *t = &p.book.sheets[SHEET_TENANTS];
	size_t kept = 0;

	if (e != ERR_OK)
		return e;
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].link)
			t->rows[kept++] = t->rows[i];
	t->n = kept;
	*out = p.book;
	p.book = (struct book){ .error_n = 0 };
	return ERR_OK;
}

const struct book_row *present_find(const struct present *p, enum sheet_id sheet, const char *key)
{
	size_t at = GPOINTER_TO_SIZE(g_hash_table_lookup(p->index[sheet], key));

	return at ? &p->book.sheets[sheet].rows[at - 1] : NULL;
}

struct known *present_known(const struct present *p)
{
	struct known *k = known_open();

	for (int s = 0; s < SHEET__MAX; s++)
		for (size_t i = 0; i < p->book.sheets[s].n; i++)
			known_add(k, (enum sheet_id)s, p->book.sheets[s].rows[i].values[0]);
	for (size_t i = 0; i < p->book.sheets[SHEET_METERS].n; i++) {
		const char **v = p->book.sheets[SHEET_METERS].rows[i].values;

		known_address(k, v[METER_GATEWAY], v[METER_UNIT], v[METER_CODE]);
	}
	return k;
}
