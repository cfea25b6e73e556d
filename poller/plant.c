#include "poller/plant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "poller/reception.h"

struct gateway_row {
	int64_t id;
	char code[33];
	char transport[12];
	char address[128];
	int64_t baud;
	char parity[2];
	char registration[128];
	char heartbeat[256];
	char zone[64];
	char comm[8];
	struct utc comm_since;
};
SHAPE(gateway_shape, struct gateway_row, FIELD(struct gateway_row, id),
	FIELD(struct gateway_row, code), FIELD(struct gateway_row, transport),
	FIELD(struct gateway_row, address), FIELD(struct gateway_row, baud),
	FIELD(struct gateway_row, parity), FIELD(struct gateway_row, registration),
	FIELD(struct gateway_row, heartbeat), FIELD(struct gateway_row, zone),
	FIELD(struct gateway_row, comm), FIELD(struct gateway_row, comm_since));
static const struct query Q_GATEWAYS = {
	"SELECT g.id, g.code, g.transport, g.address, g.baud, g.parity, g.registration,"
	" g.heartbeat, z.zone,"
	" COALESCE(s.comm, 'never') AS comm, COALESCE(s.comm_since, 0) AS comm_since"
	" FROM gateway g JOIN site z ON z.id = g.site_id LEFT JOIN gateway_state s ON s.gateway_id "
	"= g.id"
	" WHERE g.bus_group_id = ? AND g.enabled ORDER BY g.id",
	&gateway_shape
};

struct meter_row {
	int64_t id;
	int64_t gateway_id;
	char code[33];
	char unit[17];
	char model[49];
	char serial[33];
	int64_t device;
	bool water;
	int64_t ct_ratio;
	int64_t pt_ratio;
	int64_t rated_current_ma;
	struct utc read_at;
	char serial_seen[33];
	struct utc clock_set_at;
	char comm[8];
	struct utc comm_since;
};
#define ROW(member) FIELD(struct meter_row, member)
SHAPE(meter_shape, struct meter_row, ROW(id), ROW(gateway_id), ROW(code), ROW(unit), ROW(model),
	ROW(serial), ROW(device), ROW(water), ROW(ct_ratio), ROW(pt_ratio), ROW(rated_current_ma),
	ROW(read_at), ROW(serial_seen), ROW(clock_set_at), ROW(comm), ROW(comm_since));
static const struct query Q_METERS = {
	"SELECT m.id, m.gateway_id, m.code, m.unit, m.model, m.serial, m.device, m.utility = "
	"'water' AS "
	"water,"
	" " PLANT_RATIO("ct") " AS ct_ratio, " PLANT_RATIO(
		"pt") " AS pt_ratio,"
		      " m.rated_current_ma, COALESCE(s.read_at, 0) AS read_at,"
		      " IF(s.serial_device = m.device, s.serial_seen, '') AS serial_seen,"
		      " COALESCE(k.set_at, 0) AS clock_set_at,"
		      " COALESCE(s.comm, 'never') AS comm, COALESCE(s.comm_since, 0) AS comm_since"
		      " FROM meter m JOIN gateway g ON g.id = m.gateway_id"
		      " LEFT JOIN meter_state s ON s.meter_id = m.id"
		      " LEFT JOIN meter_clock k ON k.meter_id = m.id"
		      " WHERE g.bus_group_id = ? AND g.enabled AND m.enabled ORDER BY "
		      "m.gateway_id, m.id",
	&meter_shape
};

void plant_bus_free(struct plant_bus *b)
{
	free(b->meters);
	*b = (struct plant_bus){ 0 };
}

void plant_free(struct plant *p)
{
	for (size_t i = 0; i < p->n; i++)
		plant_bus_free(&p->buses[i]);
	free(p->buses);
	*p = (struct plant){ 0 };
}

static enum comm comm_parse(const char *word)
{
	if (str_eq(word, "ok"))
		return COMM_OK;
	return str_eq(word, "silent") ? COMM_SILENT : COMM_NEVER;
}

/* FNV-1a. */
static void print_bytes(uint64_t *print, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		*print = (*print ^ p[i]) * UINT64_C(1099511628211);
}

static void print_text(uint64_t *print, const char *s)
{
	print_bytes(print, s, strlen(s) + 1);
}

static void print_number(uint64_t *print, int64_t v)
{
	print_bytes(print, &v, sizeof(v));
}

/* False: such a meter cannot be read. */
static bool meter_take(const struct meter_row *r, const struct models *models, enum transport t,
	bool talk, struct plant_meter *out)
{
	struct plant_meter m = { .id = r->id,
		.model = models_find(models, r->model),
		.device = r->device,
		.water = r->water,
		.ct_ratio = r->ct_ratio,
		.pt_ratio = r->pt_ratio,
		.rated_current_ma = r->rated_current_ma,
		.read_at = r->read_at,
		.clock_set_at = r->clock_set_at,
		.comm = comm_parse(r->comm),
		.comm_since = r->comm_since };

	if (!m.model || !meter_goes_over(m.model, t) ||
		meter_address_parse(m.model, r->unit, &m.at, NULL) != ERR_OK) {
		if (talk)
			log_warn("meter=%s left out: model=%s unit=%s transport=%s", r->code,
				r->model, r->unit, transport_word(t));
		return false;
	}
	if (!str_copy(m.code, sizeof(m.code), r->code) ||
		!str_copy(m.serial, sizeof(m.serial), r->serial) ||
		!str_copy(m.learned, sizeof(m.learned), r->serial_seen))
		return false;
	*out = m;
	return true;
}

static void meters_take(
	struct plant_bus *b, const struct rows *rows, const struct models *models, bool talk)
{
	const struct meter_row *r = rows->at;

	b->meters = calloc(rows->n + 1, sizeof(*b->meters));
	ASSERT(b->meters);
	for (size_t i = 0; i < rows->n; i++) {
		if (r[i].gateway_id != b->gateway_id ||
			!meter_take(&r[i], models, b->settings.transport, talk, &b->meters[b->n]))
			continue;
		b->n++;
		print_number(&b->print, r[i].id);
		print_text(&b->print, r[i].code);
		print_text(&b->print, r[i].unit);
		print_text(&b->print, r[i].model);
		print_text(&b->print, r[i].serial);
		print_number(&b->print, r[i].device);
		print_number(&b->print, r[i].ct_ratio);
		print_number(&b->print, r[i].pt_ratio);
		print_number(&b->print, r[i].rated_current_ma);
	}
	b->meters = realloc(b->meters, (b->n + 1) * sizeof(*b->meters));
	ASSERT(b->meters);
}

static bool patterns_take(
	const struct gateway_row *r, bool talk, enum transport transport, struct dial_patterns *out)
{
	struct problem why = { 0 };

	if (transport != TRANSPORT_DIAL_IN ||
		dial_patterns_read(r->address, r->registration, r->heartbeat, out, &why) == ERR_OK)
		return true;
	if (talk)
		log_warn("gateway=%s left out: %s", r->code, why.text);
	return false;
}

static bool bus_take(
	const struct gateway_row *r, int64_t group_id, bool talk, struct plant_bus *out)
{
	struct plant_bus b = { .gateway_id = r->id,
		.group_id = group_id,
		.comm = comm_parse(r->comm),
		.comm_since = r->comm_since,
		.print = UINT64_C(14695981039346656037) };

	b.settings.baud = (int)r->baud;
	b.settings.parity = r->parity[0];
	if (transport_parse(r->transport, &b.settings.transport) != ERR_OK ||
		!str_copy(b.settings.address, sizeof(b.settings.address), r->address) ||
		!str_copy(b.code, sizeof(b.code), r->code) ||
		!str_copy(b.zone, sizeof(b.zone), r->zone)) {
		if (talk)
			log_warn("gateway=%s left out: transport=%s address=%s", r->code,
				r->transport, r->address);
		return false;
	}
	if (!patterns_take(r, talk, b.settings.transport, &b.patterns))
		return false;
	print_number(&b.print, group_id);
	print_number(&b.print, r->id);
	print_text(&b.print, r->transport);
	print_text(&b.print, r->address);
	print_number(&b.print, r->baud);
	print_text(&b.print, r->parity);
	print_text(&b.print, r->registration);
	print_text(&b.print, r->heartbeat);
	b.line_print = b.print;
	print_text(&b.print, r->code);
	print_text(&b.print, r->zone);
	*out = b;
	return true;
}

enum err plant_load(
	struct db *db, const struct models *models, int64_t group_id, bool talk, struct plant *out)
{
	AUTO(rows_free) struct rows gateways = { 0 };
	AUTO(rows_free) struct rows meters = { 0 };
	struct plant p = { 0 };
	enum err e = db_list(db, &Q_GATEWAYS, ARGS(arg_i64(group_id)), &gateways);
	const struct gateway_row *g;

	if (e == ERR_OK)
		e = db_list(db, &Q_METERS, ARGS(arg_i64(group_id)), &meters);
	if (e != ERR_OK)
		return e;
	g = gateways.at;
	p.buses = calloc(gateways.n + 1, sizeof(*p.buses));
	ASSERT(p.buses);
	for (size_t i = 0; i < gateways.n; i++)
		if (bus_take(&g[i], group_id, talk, &p.buses[p.n]))
			meters_take(&p.buses[p.n++], &meters, models, talk);
	*out = p;
	return ERR_OK;
}

struct dialler_row {
	int64_t id;
	char code[33];
	char address[128];
	char registration[128];
	char heartbeat[256];
};
#define DIALLER(member) FIELD(struct dialler_row, member)
SHAPE(dialler_shape, struct dialler_row, DIALLER(id), DIALLER(code), DIALLER(address),
	DIALLER(registration), DIALLER(heartbeat));
static const struct query Q_DIALLERS = {
	"SELECT id, code, address, registration, heartbeat FROM gateway"
	" WHERE transport = 'dial-in' AND enabled ORDER BY id",
	&dialler_shape
};

enum err plant_diallers(struct db *db, struct reception *r)
{
	AUTO(rows_free) struct rows rows = { 0 };
	enum err e = db_list(db, &Q_DIALLERS, NO_ARGS, &rows);
	const struct dialler_row *d = rows.at;
	struct reception_gateway *list;
	size_t n = 0;

	if (e != ERR_OK)
		return e;
	list = calloc(rows.n + 1, sizeof(*list));
	ASSERT(list);
	for (size_t i = 0; i < rows.n; i++) {
		if (dial_patterns_read(d[i].address, d[i].registration, d[i].heartbeat,
			    &list[n].patterns, NULL) != ERR_OK)
			continue; /* plant_load() says so */
		list[n].gateway_id = d[i].id;
		snprintf(list[n].code, sizeof(list[n].code), "%s", d[i].code);
		n++;
	}
	reception_expect(r, list, n);
	free(list);
	return ERR_OK;
}
