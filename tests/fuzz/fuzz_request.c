/* Any bytes as a request: the first two choose method and schema, then path, query and body, each
 * ended by a line. What is accepted must hold what the schema says, and what is refused must be
 * told without reading beyond its ends. */
#include <stdlib.h>
#include <string.h>

#include "fcgi/routes.h"

struct pieces {
	char *path, *query, *body;
	size_t body_n;
};

static void cut(char *text, size_t n, struct pieces *p)
{
	char *end = text + n, *line = memchr(text, '\n', n);

	p->path = text;
	p->query = line ? line + 1 : end;
	if (line)
		*line = '\0';
	line = memchr(p->query, '\n', (size_t)(end - p->query));
	p->body = line ? line + 1 : end;
	p->body_n = (size_t)(end - p->body);
	if (line)
		*line = '\0';
}

static void try_route(const char *method, const struct pieces *p)
{
	const struct route *route = NULL;
	struct problem why = { 0 };
	AUTO(form_free) struct form params = { 0 };
	char allow[64];
	int64_t object = 0;

	if (route_find(method, p->path, &route, &object, allow) != ERR_OK)
		return;
	ASSERT(route && object >= 0 && (object > 0) == (strstr(route->path, ":id") != NULL));
	if (route_params(route, p->query, &params, &why) != ERR_OK)
		return;
	for (size_t i = 0; i < ARRAY_LEN(route->params) && route->params[i].name; i++)
		ASSERT(!route->params[i].required || form_get(&params, route->params[i].name));
}

static void try_body(const struct schemas *s, size_t pick, const struct pieces *p)
{
	const char *name = routes[pick % routes_n].body;
	AUTO(json_free) json_t *j = NULL;
	struct problem why = { 0 };

	if (!name || body_parse(s, name, p->body, p->body_n, &j, &why) != ERR_OK)
		return;
	ASSERT(json_is_object(j) && schema_check(s, name, j, &why) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "HEAD", "DELETE" };
	static struct schemas *s; /* opened once for all inputs */
	struct pieces p;
	char *text;

	if (size < 2 || size > 65536)
		return 0;
	if (!s)
		s = schemas_open();
	text = malloc(size - 1);
	ASSERT(text);
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	cut(text, size - 2, &p);
	try_route(methods[data[0] % ARRAY_LEN(methods)], &p);
	try_body(s, data[1], &p);
	free(text);
	return 0;
}
