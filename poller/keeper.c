#include "poller/keeper.h"

#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "poller/wait.h"

struct keeper {
	struct keeper_ends ends;
	struct db *db;
	struct gate gate;
	bool stop;
	bool started;	      /* leases in our own name have been taken over */
	GHashTable *silent;   /* gateway ids whose alarm is open */
	GHashTable *rejected; /* gateway id -> print that could not be started */
	uint64_t talked;      /* print of all, when the log last heard what was left out */
	struct lease giving;  /* its buses have been stopped, for another poller; group 0: none */
};

struct keeper *keeper_open(const struct keeper_ends *ends)
{
	struct keeper *k = calloc(1, sizeof(*k));

	ASSERT(k);
	k->ends = *ends;
	k->db = db_open(ends->database);
	gate_init(&k->gate);
	k->silent = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, NULL);
	k->rejected = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, free);
	return k;
}

void keeper_free(struct keeper **k)
{
	if (!*k)
		return;
	g_hash_table_destroy((*k)->silent);
	g_hash_table_destroy((*k)->rejected);
	gate_destroy(&(*k)->gate);
	db_free(&(*k)->db);
	free(*k);
	*k = NULL;
}

void keeper_stop(struct keeper *k)
{
	gate_lock(&k->gate);
	k->stop = true;
	gate_wake(&k->gate);
	gate_unlock(&k->gate);
}

/* ---- buses ---- */

#define BUSES_MAX 1024

/* Stops the buses of a group (0: all): all are told first, then all are waited for. */
static void stop_buses(struct keeper *k, int64_t group_id)
{
	int64_t ids[BUSES_MAX];
	struct runner *runners[BUSES_MAX];
	size_t n = fleet_list(k->ends.fleet, group_id, ids, BUSES_MAX);

	for (size_t i = 0; i < n; i++) {
		runners[i] = fleet_remove(k->ends.fleet, ids[i]);
		if (runners[i])
			runner_stop(runners[i]);
	}
	for (size_t i = 0; i < n; i++)
		runner_join(&runners[i]);
}

static void stop_bus(struct keeper *k, int64_t gateway_id)
{
	struct runner *r = fleet_remove(k->ends.fleet, gateway_id);

	runner_join(&r);
}

static int64_t *id_copy(int64_t id)
{
	int64_t *copy = malloc(sizeof(*copy));

	ASSERT(copy);
	*copy = id;
	return copy;
}

static bool was_rejected(struct keeper *k, const struct plant_bus *b)
{
	const uint64_t *print = g_hash_table_lookup(k->rejected, &b->gateway_id);

	return print && *print == b->print;
}

static void start_bus(struct keeper *k, struct plant_bus *b)
{
	uint64_t print = b->print;
	int64_t id = b->gateway_id;
	struct runner *r = NULL;
	size_t n = b->n;

	if (was_rejected(k, b))
		return;
	if (runner_start(b, &k->ends.runner, &r) == ERR_OK) {
		log_info("gateway=%s meters=%zu started", runner_bus(r)->code, n);
		fleet_add(k->ends.fleet, r);
		return;
	}
	g_hash_table_replace(k->rejected, id_copy(id), id_copy((int64_t)print));
}

static bool has_bus(const struct plant *p, int64_t gateway_id)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->buses[i].gateway_id == gateway_id)
			return true;
	return false;
}

/* Makes the running buses of a group what the tables say. */
static void follow(struct keeper *k, int64_t group_id, struct plant *p)
{
	int64_t ids[BUSES_MAX];
	size_t n = fleet_list(k->ends.fleet, group_id, ids, BUSES_MAX);

	for (size_t i = 0; i < n; i++)
		if (!has_bus(p, ids[i])) {
			log_info("gateway=%" PRId64 " stopped: no longer configured", ids[i]);
			stop_bus(k, ids[i]);
		}
	for (size_t i = 0; i < p->n; i++) {
		uint64_t print;
		bool runs = fleet_print(k->ends.fleet, p->buses[i].gateway_id, &print);

		if (runs && print == p->buses[i].print)
			continue;
		if (runs) {
			log_info("gateway=%s changed", p->buses[i].code);
			stop_bus(k, p->buses[i].gateway_id);
		}
		start_bus(k, &p->buses[i]);
	}
}

struct print_row {
	int64_t print;
};
SHAPE(print_shape, struct print_row, FIELD(struct print_row, print));
/* Changes whenever a table that plant_load() reads does, for all that matters here. */
static const struct query Q_PRINT = {
	"SELECT (SELECT COALESCE(SUM(CRC32(CONCAT_WS('|', id, code, gateway_id, unit, model, "
	"serial, device,"
	" " PLANT_RATIO("ct") ", " PLANT_RATIO(
		"pt") ", rated_current_ma, enabled))), 0)"
		      " FROM meter m) +"
		      " (SELECT COALESCE(SUM(CRC32(CONCAT_WS('|', id, code, transport, address, "
		      "baud, parity,"
		      " bus_group_id, enabled))), 0) FROM gateway) AS print",
	&print_shape
};

/* False: the database is away. */
static bool follow_all(struct keeper *k, bool force)
{
	struct lease held[HOLDINGS_MAX];
	size_t n = holdings_list(k->ends.holdings, false, held, HOLDINGS_MAX);
	struct print_row row;

	if (db_one(k->db, &Q_PRINT, NO_ARGS, &row) != ERR_OK)
		return false;
	if ((uint64_t)row.print == k->talked && !force)
		return true;
	for (size_t i = 0; i < n; i++) {
		AUTO(plant_free) struct plant p = { 0 };

		if (held[i].group_id == k->giving.group_id)
			continue;
		if (plant_load(k->db, k->ends.models, held[i].group_id,
			    (uint64_t)row.print != k->talked, &p) != ERR_OK)
			return false;
		follow(k, held[i].group_id, &p);
	}
	k->talked = (uint64_t)row.print;
	return true;
}

/* ---- leases ---- */

static void give_up(struct keeper *k, const struct lease *l)
{
	log_warn("group=%" PRId64 " epoch=%" PRId64 " lease lost", l->group_id, l->epoch);
	stop_buses(k, l->group_id);
	holdings_remove(k->ends.holdings, l->group_id);
}

static void drop_lost(struct keeper *k)
{
	struct lease lost[HOLDINGS_MAX];
	size_t n = holdings_list(k->ends.holdings, true, lost, HOLDINGS_MAX);

	for (size_t i = 0; i < n; i++)
		give_up(k, &lost[i]);
}

static void renew_all(struct keeper *k)
{
	struct lease held[HOLDINGS_MAX];
	size_t n = holdings_list(k->ends.holdings, false, held, HOLDINGS_MAX);

	for (size_t i = 0; i < n; i++)
		if (lease_renew(k->db, &held[i]) == ERR_FENCED)
			holdings_lose(k->ends.holdings, &held[i]);
}

/* True: taken. */
static bool take(struct keeper *k, int64_t group_id, bool mine)
{
	struct lease l;
	enum err e = lease_take(k->db, group_id, k->ends.name, mine, &l);

	if (e == ERR_OK)
		e = acts_orphaned(k->db, &l, utc_now());
	if (e != ERR_OK)
		return false;
	log_info("group=%" PRId64 " epoch=%" PRId64 " lease taken", l.group_id, l.epoch);
	holdings_add(k->ends.holdings, &l);
	sink_forget(k->ends.sink);
	return true;
}

/* Takes what is free and falls to this poller's share; a process that has just started also what is
 * still in its name. True: something was taken. */
static bool take_free(struct keeper *k, struct spread *s, const struct lease_offer *o, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		struct lease held[HOLDINGS_MAX];
		bool mine = !k->started && o[i].named;
		struct lease l;

		if (holdings_list(k->ends.holdings, false, held, HOLDINGS_MAX) == HOLDINGS_MAX)
			break;
		if (holdings_get(k->ends.holdings, o[i].group_id, &l) || !(mine || o[i].free) ||
			!spread_take(s, o[i].buses, mine || o[i].waited) ||
			!take(k, o[i].group_id, mine))
			continue;
		s->mine += o[i].buses;
		any = true;
	}
	k->started = true;
	return any;
}

/* One group at a time goes to a poller that has fewer buses: its buses are stopped, and what they
 * had read has until the next look to be stored; then the lease is given back. */
static void give_one(
	struct keeper *k, const struct spread *s, const struct lease_offer *o, size_t n)
{
	if (k->giving.group_id) {
		holdings_remove(k->ends.holdings, k->giving.group_id);
		if (lease_give_back(k->db, &k->giving) == ERR_OK)
			log_info("group=%" PRId64 " lease handed over", k->giving.group_id);
		k->giving.group_id = 0;
		return;
	}
	for (size_t i = n; i > 0; i--) {
		if (!spread_give(s, o[i - 1].buses) ||
			!holdings_get(k->ends.holdings, o[i - 1].group_id, &k->giving))
			continue;
		stop_buses(k, o[i - 1].group_id);
		return;
	}
}

/* True: something was taken. */
static bool share_buses(struct keeper *k)
{
	AUTO(rows_free) struct rows rows = { 0 };
	struct spread s = { 0 };
	const struct lease_offer *o;
	struct lease l;
	bool any;

	if (poller_alive(k->db, k->ends.name, k->ends.buses_max) != ERR_OK ||
		leases_list(k->db, k->ends.name, &rows) != ERR_OK ||
		leases_spread(k->db, k->ends.name, &s) != ERR_OK)
		return false;
	o = rows.at;
	s.most = k->ends.buses_max;
	for (size_t i = 0; i < rows.n; i++)
		if (holdings_get(k->ends.holdings, o[i].group_id, &l))
			s.mine += o[i].buses;
	any = take_free(k, &s, o, rows.n);
	give_one(k, &s, o, rows.n);
	return any;
}

/* ---- health ---- */

static void tell_alarm(struct keeper *k, const struct fleet_health *h)
{
	bool silent = str_eq(h->now.comm, "silent");
	bool known = g_hash_table_contains(k->silent, &h->now.gateway_id);

	if (silent == known)
		return;
	if (gateway_alarm(k->db, h->now.gateway_id, h->code, silent, utc_now()) != ERR_OK)
		return;
	if (silent)
		g_hash_table_add(k->silent, id_copy(h->now.gateway_id));
	else
		g_hash_table_remove(k->silent, &h->now.gateway_id);
}

static void tell_health(struct keeper *k)
{
	struct fleet_health *list = NULL;
	size_t n = fleet_health(k->ends.fleet, &list);
	struct gateway_now *rows = calloc(n + 1, sizeof(*rows));

	ASSERT(rows);
	for (size_t i = 0; i < n; i++)
		rows[i] = list[i].now;
	if (gateways_store(k->db, rows, n) == ERR_OK)
		for (size_t i = 0; i < n; i++)
			tell_alarm(k, &list[i]);
	free(rows);
	free(list);
}

static const struct query Q_OPEN_ALARMS = {
	"SELECT object_id AS id FROM alarm WHERE open_key LIKE 'gateway_silent:%'", &id_shape
};

/* Alarms that were raised before this process, so that their end is noticed. */
static void recall_alarms(struct keeper *k)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct id_row *r;

	if (db_list(k->db, &Q_OPEN_ALARMS, NO_ARGS, &rows) != ERR_OK)
		return;
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		g_hash_table_add(k->silent, id_copy(r[i].id));
}

/* ---- the thread ---- */

static bool stopping(struct keeper *k, int64_t until)
{
	bool stop;

	gate_lock(&k->gate);
	if (!k->stop)
		gate_wait(&k->gate, until);
	stop = k->stop;
	gate_unlock(&k->gate);
	return stop;
}

#define TICK_MS 250
#define SHARE_MS 1000

void keeper_run(struct keeper *k)
{
	int64_t lease_at = 0, share_at = 0, plant_at = 0, health_at = 0, now;
	bool force = true;

	log_context("keeper");
	while (!stopping(k, mono_ms() + TICK_MS)) {
		now = mono_ms();
		drop_lost(k);
		if (now >= lease_at) {
			renew_all(k);
			lease_at = now + LEASE_RENEW_MS;
		}
		if (now >= share_at) {
			if (share_buses(k)) {
				recall_alarms(k);
				force = true;
			}
			share_at = now + SHARE_MS;
		}
		if (force || now >= plant_at) {
			force = !follow_all(k, force);
			plant_at = mono_ms() + KEEPER_PLANT_MS;
		}
		if (now >= health_at) {
			tell_health(k);
			health_at = now + KEEPER_HEALTH_MS;
		}
	}
	stop_buses(k, 0);
}

void keeper_give_back(struct keeper *k)
{
	struct lease held[HOLDINGS_MAX];
	size_t n = holdings_list(k->ends.holdings, false, held, HOLDINGS_MAX);

	tell_health(k);
	if (poller_gone(k->db, k->ends.name) != ERR_OK)
		log_warn("poller=%s others learn of its end by its silence", k->ends.name);
	for (size_t i = 0; i < n; i++)
		if (lease_give_back(k->db, &held[i]) == ERR_OK)
			log_info("group=%" PRId64 " lease given back", held[i].group_id);
}
