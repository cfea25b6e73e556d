/* Tariffs as the database holds them: a price where that says all, else the file. */
#include <stdlib.h>
#include <string.h>

#include "import/present_inside.h"

#define PAGE_TARIFFS 200
#define FILE_CELL_MAX 32000 /* what a cell holds, and the import takes */

char *tariff_text(const json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);

	ASSERT(text);
	return text;
}

static bool is_absent(const json_t *version, const char *key)
{
	const json_t *v = json_object_get(version, key);

	return !v || (json_is_string(v) && str_eq(json_string_value(v), "none")) ||
	       (json_is_array(v) && json_array_size(v) == 0);
}

/* The price of a version that has no other; NULL when it has. */
static const char *only_price(const json_t *version)
{
	json_t *prices = json_object_get(version, "prices"), *list;
	void *it = json_object_iter(prices);

	if (!is_absent(version, "tiers_upto_kwh") || !is_absent(version, "tiers_upto_m3") ||
		!is_absent(version, "tier_cycle") || json_object_size(prices) != 1 || !it)
		return NULL;
	list = json_object_iter_value(it);
	return json_array_size(list) == 1 ? json_string_value(json_array_get(list, 0)) : NULL;
}

void tariff_cells(const json_t *doc, char **file, char price[static 32])
{
	const json_t *versions = json_object_get(doc, "versions");
	const char *last = NULL;
	struct price p;
	bool simple = json_array_size(versions) > 0;

	*file = NULL;
	price[0] = '\0';
	for (size_t i = 0; simple && i < json_array_size(versions); i++) {
		last = only_price(json_array_get(versions, i));
		simple = last != NULL;
	}
	if (simple && price_parse(last, &p) == ERR_OK) {
		char text[MONEY_TEXT_MAX];

		snprintf(price, 32, "%s", price_text(p, text));
		*file = strdup("");
	} else {
		*file = tariff_text(doc);
	}
	ASSERT(*file);
}

struct tariff_row {
	int64_t id;
	char code[CODE], name[NAME];
	struct blob doc;
	bool fresh;
};
#define F(member) FIELD(struct tariff_row, member)
SHAPE(tariff_shape, struct tariff_row, F(id), F(code), F(name), F(doc), F(fresh));
#undef F
static const struct query Q_TARIFFS = {
	"SELECT t.id, t.code, t.name, t.doc, NOT EXISTS (SELECT 1 FROM meter_tariff x"
	" WHERE x.tariff_id = t.id) AS fresh FROM tariff t WHERE t.id > ? AND ? >= 0"
	" ORDER BY t.id LIMIT ?",
	&tariff_shape
};

static enum err take_tariff(struct loading *l, const void *row)
{
	const struct tariff_row *r = row;
	AUTO(json_free) json_t *doc = NULL;
	AUTO(text_free) char *file = NULL;
	AUTO(text_free) char *whole = NULL;
	struct book_row *out;
	char price[32];
	enum err e = json_parse((const char *)r->doc.at, r->doc.n, &doc, NULL);

	if (e != ERR_OK)
		return ERR_INTERNAL;
	tariff_cells(doc, &file, price);
	whole = tariff_text(doc);
	out = book_add(&l->out->book, SHEET_TARIFFS, r->id);
	out->values[TARIFF_CODE] = keep(l, r->code);
	out->values[TARIFF_NAME] = keep(l, r->name);
	out->values[TARIFF_FILE] = strlen(file) <= FILE_CELL_MAX ? keep(l, file) : "";
	out->doc = keep(l, whole);
	out->fresh = r->fresh && price[0];
	out->values[TARIFF_PRICE] = keep(l, price);
	present_add(l, SHEET_TARIFFS, out);
	return ERR_OK;
}

const struct present_page present_tariffs = { &Q_TARIFFS, take_tariff, PAGE_TARIFFS };
