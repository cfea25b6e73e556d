/* Shares of a workbook: one group for each meter. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/share.h"
#include "import/apply_inside.h"

/* The sharers of one source: those of the file, and those that are there and not in it. */
struct sharing {
	const char *source;
	int64_t group_id; /* 0: a new one */
	bool changed;
	struct share_target_new targets[SHARE_TARGETS_MAX];
	const struct book_row *rows[SHARE_TARGETS_MAX]; /* NULL: not in the file */
	size_t n;
};

static int64_t ratio_ppm(const char *text)
{
	struct price p = { 0 };

	ASSERT(price_parse(text, &p) == ERR_OK);
	return p.micro;
}

static enum err add_sharer(struct applying *a, struct sharing *s, const struct book_row *r,
	bool imported, struct problem *why)
{
	struct contract_ref c;
	enum err e;

	if (s->n == SHARE_TARGETS_MAX)
		return problem_set(why, ERR_TOO_LARGE, "tenant", "at most %d tenants share a meter",
			SHARE_TARGETS_MAX);
	e = contract_of(a, r->values[SHARE_TENANT], &c);
	if (e != ERR_OK)
		return e;
	s->rows[s->n] = imported ? r : NULL;
	s->targets[s->n++] =
		(struct share_target_new){ c.id, true, ratio_ppm(r->values[SHARE_RATIO]) };
	return ERR_OK;
}

static enum err collect(struct applying *a, struct sharing *s, struct problem *why)
{
	const struct book_sheet *mine = &a->book->sheets[SHEET_SHARES];
	const struct book_sheet *is = &a->present->book.sheets[SHEET_SHARES];
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < mine->n; i++) {
		if (!str_eq(mine->rows[i].values[SHARE_SOURCE], s->source))
			continue;
		s->changed |= a->plan->rows[SHEET_SHARES][i].state != ROW_SAME;
		e = add_sharer(a, s, &mine->rows[i], true, why);
	}
	for (size_t i = 0; e == ERR_OK && i < is->n; i++) {
		char *key;

		if (!str_eq(is->rows[i].values[SHARE_SOURCE], s->source))
			continue;
		s->group_id = is->rows[i].row;
		key = book_key(SHEET_SHARES, &is->rows[i]);
		if (!g_hash_table_contains(a->plan->index[SHEET_SHARES], key))
			e = add_sharer(a, s, &is->rows[i], false, why);
		g_free(key);
	}
	return e;
}

static enum err new_group(struct applying *a, const struct sharing *s, const struct share_actor *by,
	struct problem *why)
{
	struct share_source_new source = { .sign = 1 };
	struct meter_ref m;
	char name[80], once[128];
	int64_t id;
	enum err e = meter_of(a, s->source, &m);

	if (e != ERR_OK)
		return e;
	source.meter_id = m.id;
	snprintf(name, sizeof(name), "公摊 %s", s->source);
	snprintf(once, sizeof(once), "import:%s:%" PRId64, a->ask->once_key, m.id);
	return share_add(a->db,
		&(struct share_new){ .site_id = m.site_id,
			.name = name,
			.utility = m.utility,
			.basis = "ratio",
			.kind = "public",
			.purse = "utility",
			.sources = &source,
			.sources_n = 1,
			.targets = s->targets,
			.targets_n = s->n,
			.once_key = once },
		by, &id, why);
}

/* The row that "targets[2].ratio" is about; the first of the source when it is none of the file. */
static const struct book_row *row_at_fault(const struct sharing *s, const char *field)
{
	char digits[8];
	int64_t i = 0;

	if (!str_starts(field, "targets["))
		return s->rows[0];
	field += strlen("targets[");
	snprintf(digits, sizeof(digits), "%.*s", (int)strspn(field, "0123456789"), field);
	if (i64_parse(digits, 0, (int64_t)s->n - 1, &i) == ERR_OK && s->rows[i])
		return s->rows[i];
	return s->rows[0];
}

static enum err put_sharing(struct applying *a, struct sharing *s)
{
	struct share_actor by = { a->ask->site_id, a->ask->actor, a->ask->address, a->ask->now };
	struct problem why = { 0 };
	enum err e = collect(a, s, &why);
	const struct book_row *row;

	if (e == ERR_OK && s->changed)
		e = s->group_id ? share_edit(a->db,
					  &(struct share_change){ .id = s->group_id,
						  .targets = s->targets,
						  .targets_n = s->n },
					  &by, &why)
				: new_group(a, s, &by, &why);
	if (e == ERR_OK)
		return e;
	row = row_at_fault(s, why.field);
	(void)about(&why, e, strstr(why.field, "contract_id") ? "tenant" : "ratio");
	return row_refused(a, &(struct target){ .sheet = SHEET_SHARES, .row = row }, e, &why);
}

enum err apply_shares(struct applying *a)
{
	const struct book_sheet *mine = &a->book->sheets[SHEET_SHARES];
	GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
	struct sharing *s = malloc(sizeof(*s));
	enum err e = ERR_OK;

	ASSERT(s);
	for (size_t i = 0; e == ERR_OK && i < mine->n; i++) {
		const char *source = mine->rows[i].values[SHARE_SOURCE];

		if (!g_hash_table_add(seen, (char *)(uintptr_t)source))
			continue;
		*s = (struct sharing){ .source = source };
		e = put_sharing(a, s);
	}
	free(s);
	g_hash_table_destroy(seen);
	return e;
}
