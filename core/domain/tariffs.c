#include "domain/tariffs.h"

#include <stdlib.h>

#include "domain/tariff_inside.h"

struct cached_zone {
	struct zone *zone;
	struct cached_zone *next;
};
struct cached_tariff {
	int64_t id, revision;
	struct tariff *tariff;
	struct cached_tariff *next;
};
struct tariffs {
	struct cached_zone *zones;
	struct cached_tariff *list;
};

struct tariffs *tariffs_open(void)
{
	struct tariffs *t = calloc(1, sizeof(*t));

	ASSERT(t);
	return t;
}

void tariffs_free(struct tariffs **t)
{
	if (!*t)
		return;
	for (struct cached_tariff *c = (*t)->list, *next; c; c = next) {
		next = c->next;
		tariff_free(&c->tariff);
		free(c);
	}
	for (struct cached_zone *z = (*t)->zones, *next; z; z = next) {
		next = z->next;
		zone_free(&z->zone);
		free(z);
	}
	free(*t);
	*t = NULL;
}

enum err tariffs_zone(struct tariffs *cache, const char *name, const struct zone **out)
{
	struct cached_zone *c = cache->zones;
	struct zone *z = NULL;
	enum err e;

	while (c && !str_eq(zone_name(c->zone), name))
		c = c->next;
	if (!c) {
		e = zone_open(name, &z);
		if (e != ERR_OK)
			return e;
		c = malloc(sizeof(*c));
		ASSERT(c);
		*c = (struct cached_zone){ z, cache->zones };
		cache->zones = c;
	}
	*out = c->zone;
	return ERR_OK;
}

static const struct query Q_DOC = { "SELECT doc FROM tariff WHERE id = ? AND revision = ?",
	&tariff_doc_shape };

static enum err tariff_load(
	struct db *db, struct tariff_ref ref, const struct zone *z, struct tariff **out)
{
	AUTO(json_free) json_t *doc = NULL;
	enum err e = tariff_doc_one(db, &Q_DOC, ARGS(arg_i64(ref.id), arg_i64(ref.revision)), &doc);

	if (e == ERR_NOT_FOUND) /* changed just now; next time */
		return ERR_RETRY;
	return e == ERR_OK ? tariff_parse(doc, z, out, NULL) : e;
}

enum err tariffs_get(struct db *db, struct tariffs *cache, struct tariff_ref ref,
	const struct zone *z, const struct tariff **out)
{
	struct cached_tariff *c = cache->list;
	struct tariff *fresh = NULL;
	enum err e;

	while (c && (c->id != ref.id || tariff_zone(c->tariff) != z))
		c = c->next;
	if (!c || c->revision != ref.revision) {
		e = tariff_load(db, ref, z, &fresh);
		if (e != ERR_OK)
			return e;
		if (!c) {
			c = calloc(1, sizeof(*c));
			ASSERT(c);
			c->next = cache->list;
			cache->list = c;
		}
		tariff_free(&c->tariff);
		c->id = ref.id;
		c->revision = ref.revision;
		c->tariff = fresh;
	}
	*out = c->tariff;
	return ERR_OK;
}
