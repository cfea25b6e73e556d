/* What the texts that stand in other answers ("user:3", "account:7") name. */
#include "domain/named.h"

#include <string.h>

#include "fcgi/handlers.h"

#define NAMES_MOST 100

/* What is not there, or not for the caller, is left out. */
static enum err name_add(struct request *r, const char *of, json_t *items, struct problem *why)
{
	const struct named_reader by = { .site_id = caller_site(r), .user_id = r->user.id };
	struct named n;
	enum err e = named_find(r->db, &by, of, &n);

	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e == ERR_BAD_VALUE)
		return problem_set(why, e, "of", "\"%s\" is not a kind and a number", of);
	if (e == ERR_OK)
		json_array_append_new(
			items, json_pack("{s:s, s:o, s:o, s:o}", "of", of, "code",
				       json_text_or_null(n.code), "name", json_text_or_null(n.name),
				       "purpose", json_text_or_null(n.purpose)));
	return e;
}

enum err names_show(struct request *r, struct answer *a)
{
	AUTO(text_free) char *list = strdup(param_text(r, "of"));
	json_t *items = json_array();
	char *save = NULL;
	size_t n = 0;
	enum err e = ERR_OK;

	ASSERT(list);
	a->json = json_items(items);
	for (char *of = strtok_r(list, ",", &save); of && e == ERR_OK;
		of = strtok_r(NULL, ",", &save))
		e = ++n > NAMES_MOST ? problem_set(&a->why, ERR_OUT_OF_RANGE, "of",
					       "at most %d names at once", NAMES_MOST)
				     : name_add(r, of, items, &a->why);
	return e;
}
