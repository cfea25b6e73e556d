#include "reports_told.h"

#include <stdio.h>
#include <string.h>

struct world *world;
struct day first, last;

struct report_ask asking(const char *name, const char *format)
{
	struct report_ask ask = { .report = report_find(name, strlen(name)),
		.from = first,
		.to = last,
		.site = "",
		.by = "",
		.format = format,
		.now = seeded_now };

	assert_non_null(ask.report);
	return ask;
}

void make(const struct report_ask *ask, struct buf *out)
{
	struct report_file file = { 0 };
	struct problem why = { 0 };
	char chunk[65536];
	size_t n;
	enum err e = report_make(world->root, ask, &file, &why);

	if (e != ERR_OK)
		fail_msg("%s: %s %s %s", ask->report->name, err_word(e), why.field, why.text);
	while ((n = fread(chunk, 1, sizeof(chunk), file.file)) > 0)
		buf_add(out, chunk, n);
	fclose(file.file);
}

json_t *made(const struct report_ask *ask)
{
	AUTO(buf_free) struct buf b = { 0 };
	json_t *j = NULL;

	make(ask, &b);
	if (json_parse(b.text, b.len, &j, NULL) != ERR_OK)
		fail_msg("%s is no JSON: %.300s", ask->report->name, b.text);
	return j;
}

json_t *report(const char *name)
{
	struct report_ask ask = asking(name, "json");

	return made(&ask);
}

int64_t number(const json_t *row, const char *member)
{
	const json_t *v = json_object_get(row, member);
	struct money m;

	if (!v)
		fail_msg("no %s", member);
	if (!json_is_string(v))
		return json_integer_value(v);
	assert_int_equal(money_parse(json_string_value(v), &m), ERR_OK);
	return m.nano;
}

const char *text(const json_t *row, const char *member)
{
	const char *s = json_string_value(json_object_get(row, member));

	return s ? s : "";
}

int64_t total(const json_t *report, const char *member)
{
	return number(json_object_get(report, "totals"), member);
}

void totals_are_sums(const json_t *report)
{
	const char *member;
	json_t *v, *row;
	size_t i;

	json_object_foreach(json_object_get(report, "totals"), member, v)
	{
		int64_t sum = 0;

		json_array_foreach(json_object_get(report, "items"), i, row) sum +=
			number(row, member);
		if (sum != total(report, member))
			fail_msg("%s.%s: %lld, rows have %lld", text(report, "name"), member,
				(long long)total(report, member), (long long)sum);
	}
}

int64_t table(const struct query *q)
{
	char from[DAY_TEXT_MAX], to[DAY_TEXT_MAX];
	struct {
		int64_t v;
	} row = { 0 };

	assert_int_equal(
		db_one(world->root, q,
			ARGS(arg_text(day_text(first, from)), arg_text(day_text(last, to))), &row),
		ERR_OK);
	return row.v;
}
