#include "sim/control.h"

#include <stdatomic.h>
#include <string.h>

enum {
	CLOCK_OFF_MAX = 366 * 86400,
	SECONDS_MAX = 7 * 86400,
	SLOW_MS = 2000,
	SLOW_MS_MAX = 600000,
	EXCEPTION_CODE = 4
};
#define OFFSET_DEFAULT INT64_C(1000000) /* a thousand kWh or m3 */

static struct gateway *gateway_find(const struct control *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++) {
		if (str_eq(gateway_name(c->gateways[i]), name))
			return c->gateways[i];
	}
	return NULL;
}

/* "G1/17" to a gateway and a unit. */
static enum err meter_path(
	const struct control *c, const char *rest, struct gateway **out, int *unit)
{
	char name[16];
	const char *slash = strchr(rest, '/');
	int64_t number;

	if (!slash || (size_t)(slash - rest) >= sizeof name)
		return ERR_NOT_FOUND;
	memcpy(name, rest, (size_t)(slash - rest));
	name[slash - rest] = '\0';
	if (i64_parse(slash + 1, 1, 247, &number))
		return ERR_NOT_FOUND;
	*out = gateway_find(c, name);
	*unit = (int)number;
	return *out ? ERR_OK : ERR_NOT_FOUND;
}

static void meter_show(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	struct gateway *g;
	json_t *state;
	int unit;
	enum err e = meter_path(ctx, http_rest(req), &g, &unit);

	if (!e)
		e = gateway_meter(g, unit, &state);
	if (e)
		http_answer_problem(reply, e, NULL);
	else
		http_answer_json(reply, 200, state);
}

static enum err change_prepaid_read(const json_t *body, struct meter_change *c, struct problem *why)
{
	const char *firmware = NULL;
	enum err e = json_get_text(body, "firmware", FIELD_OPTIONAL, 8, &firmware, why);

	c->set_adds = firmware != NULL;
	c->adds = firmware && str_eq(firmware, "add");
	c->set_credit = json_object_get(body, "credit_fen") != NULL;
	c->set_count = json_object_get(body, "purchase_count") != NULL;
	if (!e)
		e = json_get_int(body, "credit_fen", FIELD_OPTIONAL, -10000000, 10000000,
			&c->credit_fen, why);
	if (!e)
		e = json_get_int(body, "purchase_count", FIELD_OPTIONAL, 0, 65535, &c->count, why);
	c->set_refuses = json_object_get(body, "refuses_settings") != NULL;
	if (!e)
		e = json_get_bool(body, "power_fails", FIELD_OPTIONAL, &c->power_fails, why);
	if (!e)
		e = json_get_bool(body, "refuses_settings", FIELD_OPTIONAL, &c->refuses, why);
	if (!e)
		e = json_get_bool(body, "loses_answer", FIELD_OPTIONAL, &c->loses, why);
	if (!e && firmware && !c->adds && !str_eq(firmware, "set"))
		return problem_set(why, ERR_BAD_VALUE, "firmware", "must be set or add");
	return e;
}

static enum err change_read(const json_t *body, struct meter_change *out, struct problem *why)
{
	static const char *const names[] = { "register_milli", "load_w", "relay", "firmware",
		"credit_fen", "purchase_count", "power_fails", "refuses_settings", "loses_answer",
		"clock_off_s", NULL };
	const json_t *load = json_object_get(body, "load_w");
	struct meter_change c = { .load = -1 };
	const char *relay = NULL;
	enum err e = json_only(body, names, why);

	c.set_register = json_object_get(body, "register_milli") != NULL;
	if (!e)
		e = json_get_int(body, "register_milli", FIELD_OPTIONAL, 0, DEVICE_REGISTER_MAX,
			&c.register_milli, why);
	c.set_load = load != NULL;
	if (!e && load && !json_is_null(load))
		e = json_get_int(body, "load_w", FIELD_OPTIONAL, 0, DEVICE_LOAD_MAX, &c.load, why);
	if (!e)
		e = json_get_text(body, "relay", FIELD_OPTIONAL, 8, &relay, why);
	if (!e)
		e = change_prepaid_read(body, &c, why);
	c.set_clock = json_object_get(body, "clock_off_s") != NULL;
	if (!e)
		e = json_get_int(body, "clock_off_s", FIELD_OPTIONAL, -CLOCK_OFF_MAX, CLOCK_OFF_MAX,
			&c.clock_off_s, why);
	if (e)
		return e;
	if (relay && !str_eq(relay, "on") && !str_eq(relay, "off"))
		return problem_set(why, ERR_BAD_VALUE, "relay", "must be on or off");
	c.set_closed = relay != NULL;
	c.closed = relay && str_eq(relay, "on");
	*out = c;
	return ERR_OK;
}

static void meter_change(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(json_free) json_t *body = NULL;
	struct problem why = { 0 };
	struct meter_change change;
	struct gateway *g;
	int unit;
	enum err e = meter_path(ctx, http_rest(req), &g, &unit);

	if (!e)
		e = http_body_json(req, &body, &why);
	if (!e)
		e = change_read(body, &change, &why);
	if (!e)
		e = gateway_change_meter(g, unit, &change, &why);
	if (e)
		http_answer_problem(reply, e, &why);
	else
		meter_show(ctx, req, reply);
}

static enum err value_number(const json_t *body, int64_t min, int64_t max, int64_t fallback,
	int64_t *out, struct problem *why)
{
	*out = fallback;
	return json_get_int(body, "value", FIELD_OPTIONAL, min, max, out, why);
}

static enum err value_garbage(const json_t *body, int64_t *out, struct problem *why)
{
	enum garbage garbage = GARBAGE_NOISE;
	const char *word = garbage_word(garbage);
	enum err e = json_get_text(body, "value", FIELD_OPTIONAL, 16, &word, why);

	if (e)
		return e;
	if (garbage_parse(word, &garbage))
		return problem_set(why, ERR_BAD_VALUE, "value",
			"short, long, unit, transaction, function, count, protocol or noise");
	*out = garbage;
	return ERR_OK;
}

static enum err value_cut(const json_t *body, int64_t *out, struct problem *why)
{
	const char *word = "request";
	enum err e = json_get_text(body, "value", FIELD_OPTIONAL, 16, &word, why);

	if (e)
		return e;
	if (!str_eq(word, "request") && !str_eq(word, "reply"))
		return problem_set(why, ERR_BAD_VALUE, "value", "request or reply");
	*out = str_eq(word, "reply") ? FAULT_CUT_REPLY : FAULT_CUT_REQUEST;
	return ERR_OK;
}

static enum err value_read(const json_t *body, struct fault *f, struct problem *why)
{
	switch (f->kind) {
	case FAULT_EXCEPTION:
		return value_number(body, 1, 127, EXCEPTION_CODE, &f->value, why);
	case FAULT_SLOW:
		return value_number(body, 1, SLOW_MS_MAX, SLOW_MS, &f->value, why);
	case FAULT_JUMP:
	case FAULT_FALL:
		return value_number(body, 1, DEVICE_REGISTER_MAX, OFFSET_DEFAULT, &f->value, why);
	case FAULT_GARBAGE:
		return value_garbage(body, &f->value, why);
	case FAULT_CUT:
		return value_cut(body, &f->value, why);
	default:
		if (json_object_get(body, "value"))
			return problem_set(why, ERR_UNKNOWN_FIELD, "value", "silence has none");
		return ERR_OK;
	}
}

static enum err unit_read(const json_t *body, int *out, struct problem *why)
{
	int64_t unit = FAULT_ANY_UNIT;
	enum err e;

	if (json_is_null(json_object_get(body, "unit")))
		return ERR_OK;
	e = json_get_int(body, "unit", FIELD_OPTIONAL, 1, 247, &unit, why);
	if (!e)
		*out = (int)unit;
	return e;
}

static enum err fault_read(const json_t *body, struct fault *out, struct problem *why)
{
	static const char *const names[] = { "gateway", "unit", "kind", "value", "seconds", NULL };
	struct fault f = { .unit = FAULT_ANY_UNIT, .ends_ms = INT64_MAX };
	const char *kind = "";
	int64_t seconds = 0;
	enum err e = json_only(body, names, why);

	if (!e)
		e = json_get_text(body, "kind", FIELD_REQUIRED, 16, &kind, why);
	if (!e && fault_parse(kind, &f.kind))
		e = problem_set(why, ERR_BAD_VALUE, "kind",
			"silent, exception, slow, cut, jump, fall or garbage");
	if (!e)
		e = unit_read(body, &f.unit, why);
	if (!e)
		e = value_read(body, &f, why);
	if (!e)
		e = json_get_int(body, "seconds", FIELD_OPTIONAL, 1, SECONDS_MAX, &seconds, why);
	if (e)
		return e;
	if (seconds)
		f.ends_ms = mono_ms() + seconds * 1000;
	*out = f;
	return ERR_OK;
}

static enum err fault_create(
	const struct control *c, const json_t *body, int *id, struct problem *why)
{
	static atomic_int ids; /* numbers only; no state hangs on it */
	const char *name = NULL;
	struct gateway *g;
	struct fault f;
	enum err e = fault_read(body, &f, why);

	if (!e)
		e = json_get_text(body, "gateway", FIELD_REQUIRED, 16, &name, why);
	if (e)
		return e;
	g = gateway_find(c, name);
	if (!g)
		return problem_set(why, ERR_NOT_FOUND, "gateway", "there is no gateway %s", name);
	f.id = atomic_fetch_add(&ids, 1) + 1;
	e = gateway_add_fault(g, &f);
	if (!e)
		*id = f.id;
	return e;
}

static void faults_create(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	AUTO(json_free) json_t *body = NULL;
	struct problem why = { 0 };
	int id = 0;
	enum err e = http_body_json(req, &body, &why);

	if (!e)
		e = fault_create(ctx, body, &id, &why);
	if (e)
		http_answer_problem(reply, e, &why);
	else
		http_answer_json(reply, 201, json_pack("{s:i}", "id", id));
}

static void faults_list(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const struct control *c = ctx;
	json_t *items = json_array();

	(void)req;
	for (size_t i = 0; i < c->n; i++)
		gateway_list_faults(c->gateways[i], items);
	http_answer_json(reply, 200, json_pack("{s:o}", "items", items));
}

/* DELETE /sim/faults takes all away, DELETE /sim/faults/7 that one. */
static void faults_remove(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const struct control *c = ctx;
	const char *rest = http_rest(req);
	int64_t id = 0;
	size_t gone = 0;

	if (*rest && i64_parse(rest, 1, INT32_MAX, &id)) {
		http_answer_problem(reply, ERR_NOT_FOUND, NULL);
		return;
	}
	for (size_t i = 0; i < c->n; i++)
		gone += gateway_remove_faults(c->gateways[i], (int)id);
	if (id && !gone)
		http_answer_problem(reply, ERR_NOT_FOUND, NULL);
	else
		http_answer_json(reply, 200, json_pack("{s:I}", "removed", (json_int_t)gone));
}

static void wire_show(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const struct control *c = ctx;
	json_t *items = json_array();

	(void)req;
	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(items, gateway_stats(c->gateways[i]));
	http_answer_json(reply, 200, json_pack("{s:o}", "items", items));
}

static void line_show(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const struct control *c = ctx;

	(void)req;
	if (c->line)
		http_answer_json(reply, 200, line_server_json(c->line));
	else
		http_answer_problem(reply, ERR_NOT_FOUND, NULL);
}

struct line_change {
	int64_t register_milli;
	enum line_fault fault;
};

static void line_apply(struct line_meter *m, const void *arg)
{
	const struct line_change *c = arg;

	if (c->register_milli >= 0)
		m->register_milli = c->register_milli;
	if (c->fault != LINE_FAULT__MAX) {
		m->fault = c->fault;
		m->kept_n = 0;
	}
}

static enum err line_change_read(
	const struct http_request *req, struct line_change *out, struct problem *why)
{
	static const char *const names[] = { "register_milli", "fault", NULL };
	AUTO(json_free) json_t *body = NULL;
	const char *word = NULL;
	enum err e = http_body_json(req, &body, why);

	*out = (struct line_change){ -1, LINE_FAULT__MAX };
	if (!e)
		e = json_only(body, names, why);
	if (!e)
		e = json_get_int(body, "register_milli", FIELD_OPTIONAL, 0, 999999990,
			&out->register_milli, why);
	if (!e)
		e = json_get_text(body, "fault", FIELD_OPTIONAL, 16, &word, why);
	if (!e && word && line_fault_parse(word, &out->fault))
		return problem_set(why, ERR_BAD_VALUE, "fault",
			"none, silent, error, checksum, leaders, foreign, echo, late, split, "
			"digits or stuck");
	return e;
}

static void line_meter_change(void *ctx, const struct http_request *req, struct http_reply *reply)
{
	const struct control *c = ctx;
	size_t i = c->line ? line_server_find(c->line, http_rest(req)) : LINE_METERS_MAX;
	struct problem why = { 0 };
	struct line_change change;
	enum err e = i == LINE_METERS_MAX ? ERR_NOT_FOUND : line_change_read(req, &change, &why);

	if (e) {
		http_answer_problem(reply, e, &why);
		return;
	}
	line_server_change(c->line, i, line_apply, &change);
	line_show(ctx, req, reply);
}

static const struct http_route routes[] = {
	{ "GET", "/sim/faults", faults_list },
	{ "POST", "/sim/faults", faults_create },
	{ "DELETE", "/sim/faults", faults_remove },
	{ "GET", "/sim/meters/", meter_show },
	{ "POST", "/sim/meters/", meter_change },
	{ "GET", "/sim/wire", wire_show },
	{ "GET", "/sim/line", line_show },
	{ "POST", "/sim/line/", line_meter_change },
};

void control_add_routes(struct http *http, struct control *control)
{
	http_add_routes(http, routes, ARRAY_LEN(routes), control);
}
