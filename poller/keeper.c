#include "poller/keeper.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "poller/reception.h"
#include "poller/wait.h"

struct keeper {
	struct keeper_ends ends;
	struct db *db;
	struct gate gate;
	bool stop;
	bool started;	      /* leases in our own name have been taken over */
	GPtrArray *leaving;   /* struct runner: told to stop; they are waited for by nobody */
	bool again;	      /* something could not be started yet */
	GHashTable *silent;   /* gateway ids whose alarm is open */
	GHashTable *twins;    /* the same, of two gateways with one id */
	GHashTable *told;     /* gateway id -> struct counted */
	GHashTable *rejected; /* gateway id -> print that could not be started */
	uint64_t talked;      /* print of all, when the log last heard what was left out */
	char touched[27];     /* when the tables behind it were last written; "" not known */
	int64_t look_at;      /* mono_ms(): then looks at them whatever that says */
	size_t health_turn;   /* of KEEPER_HEALTH_TURNS */
	struct lease giving;  /* its buses have been stopped, for another poller; group 0: none */
};

/* Failures of a bus that are in the database. */
struct counted {
	uint64_t kinds[KIND__MAX];
	uint64_t exceptions[BUS_EXCEPTIONS];
};

struct keeper *keeper_open(const struct keeper_ends *ends)
{
	struct keeper *k = calloc(1, sizeof(*k));

	ASSERT(k);
	k->ends = *ends;
	k->db = db_open(ends->database);
	gate_init(&k->gate);
	k->leaving = g_ptr_array_new();
	k->twins = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, NULL);
	k->told = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, free);
	k->silent = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, NULL);
	k->rejected = g_hash_table_new_full(g_int64_hash, g_int64_equal, free, free);
	return k;
}

void keeper_free(struct keeper **k)
{
	if (!*k)
		return;
	ASSERT((*k)->leaving->len == 0);
	g_ptr_array_unref((*k)->leaving);
	g_hash_table_destroy((*k)->silent);
	g_hash_table_destroy((*k)->twins);
	g_hash_table_destroy((*k)->told);
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

/* Tells a bus to end. It does so after its request under way; leases are renewed meanwhile. */
static void let_go(struct keeper *k, int64_t gateway_id)
{
	struct runner *r = fleet_remove(k->ends.fleet, gateway_id);

	if (!r)
		return;
	runner_stop(r);
	g_ptr_array_add(k->leaving, r);
}

static void let_group_go(struct keeper *k, int64_t group_id)
{
	int64_t ids[BUSES_MAX];
	size_t n = fleet_list(k->ends.fleet, group_id, ids, BUSES_MAX);

	for (size_t i = 0; i < n && i < BUSES_MAX; i++)
		let_go(k, ids[i]);
}

static bool group_leaves(const struct keeper *k, int64_t group_id)
{
	for (guint i = 0; i < k->leaving->len; i++)
		if (runner_bus(k->leaving->pdata[i])->group_id == group_id)
			return true;
	return false;
}

/* The bus of a gateway that is on its way out, or NULL. */
static struct runner *leaving_bus(const struct keeper *k, int64_t gateway_id)
{
	for (guint i = 0; i < k->leaving->len; i++)
		if (runner_bus(k->leaving->pdata[i])->gateway_id == gateway_id)
			return k->leaving->pdata[i];
	return NULL;
}

/* Frees those that have ended; with wait, all. */
static void see_off(struct keeper *k, bool wait)
{
	for (guint i = k->leaving->len; i-- > 0;) {
		struct runner *r = k->leaving->pdata[i];

		if (!wait && !runner_has_ended(r))
			continue;
		g_ptr_array_remove_index(k->leaving, i);
		runner_free(&r);
	}
}

static void stop_all(struct keeper *k)
{
	let_group_go(k, 0);
	see_off(k, true);
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
	struct runner *former = leaving_bus(k, b->gateway_id);
	uint64_t print = b->print;
	int64_t id = b->gateway_id;
	struct runner *r = NULL;
	size_t n = b->n;
	enum err e;

	if (was_rejected(k, b))
		return;
	if (former && !runner_has_ended(former)) {
		k->again = true;
		return;
	}
	if (former)
		runner_end(former);
	e = runner_start(b, &k->ends.runner, former, &r);
	if (e == ERR_UNAVAILABLE) {
		log_warn("gateway=%s not started: no room for a thread", b->code);
		k->again = true;
		return;
	}
	if (e != ERR_OK) {
		g_hash_table_replace(k->rejected, id_copy(id), id_copy((int64_t)print));
		return;
	}
	log_info("gateway=%s meters=%zu started", runner_bus(r)->code, n);
	fleet_add(k->ends.fleet, r);
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
			let_go(k, ids[i]);
		}
	for (size_t i = 0; i < p->n; i++) {
		uint64_t print;
		bool runs = fleet_print(k->ends.fleet, p->buses[i].gateway_id, &print);

		if (runs && print == p->buses[i].print)
			continue;
		if (runs) {
			log_info("gateway=%s changed", p->buses[i].code);
			let_go(k, p->buses[i].gateway_id);
		}
		start_bus(k, &p->buses[i]);
	}
}

struct print_row {
	int64_t print;
};
SHAPE(print_shape, struct print_row, FIELD(struct print_row, print));
/* Changes whenever a table that plant_load() reads does, for all that matters here; and when a
 * ratio begins to hold. One pass over each table. */
static const struct query Q_PRINT = {
	"SELECT (SELECT COALESCE(SUM(CRC32(CONCAT_WS('|', id, code, gateway_id, unit, model, "
	"serial,"
	" device, ct_ratio, pt_ratio, rated_current_ma, enabled))), 0) FROM meter) +"
	" (SELECT COALESCE(SUM(CRC32(CONCAT_WS('|', meter_id, from_at, ct, pt,"
	" from_at <= UNIX_TIMESTAMP(NOW(3)) * 1000))), 0) FROM meter_ratio) +"
	" (SELECT COALESCE(SUM(CRC32(CONCAT_WS('|', id, code, transport, address, baud, parity,"
	" registration, heartbeat, bus_group_id, enabled))), 0) FROM gateway) +"
	" (SELECT COALESCE(SUM(CRC32(CONCAT_WS('|', id, zone))), 0) FROM site) AS print",
	&print_shape
};

struct touched_row {
	char touched[27];
	bool lately;
};
SHAPE(touched_shape, struct touched_row, FIELD(struct touched_row, touched),
	FIELD(struct touched_row, lately));
/* When these tables were last written, as far as the server knows. A second is coarse, and a
 * transaction may show only later, so whatever is young counts as new. */
static const struct query Q_TOUCHED = {
	"SELECT COALESCE(CAST(MAX(update_time) AS CHAR), '') AS touched,"
	" COALESCE(MAX(update_time) > NOW() - INTERVAL 10 SECOND, 1) AS lately"
	" FROM information_schema.tables WHERE table_schema = DATABASE()"
	" AND table_name IN ('meter', 'meter_ratio', 'gateway', 'site')",
	&touched_shape
};

/* A look at every row is dear with very many meters: only when something was written, and now and
 * then in any case. */
static bool worth_a_look(struct keeper *k)
{
	struct touched_row row = { .lately = true };

	if (db_one(k->db, &Q_TOUCHED, NO_ARGS, &row) == ERR_OK && !row.lately &&
		str_eq(row.touched, k->touched) && mono_ms() < k->look_at)
		return false;
	snprintf(k->touched, sizeof(k->touched), "%s", row.touched);
	k->look_at = mono_ms() + KEEPER_LOOK_MS;
	return true;
}

/* False: the database is away. */
static bool follow_all(struct keeper *k, bool force)
{
	struct lease held[HOLDINGS_MAX];
	size_t n = holdings_list(k->ends.holdings, false, held, HOLDINGS_MAX);
	struct print_row row;

	if (!force && !worth_a_look(k))
		return true;
	if (db_one(k->db, &Q_PRINT, NO_ARGS, &row) != ERR_OK)
		return false;
	if ((uint64_t)row.print == k->talked && !force)
		return true;
	k->again = false;
	if (k->ends.reception && plant_diallers(k->db, k->ends.reception) != ERR_OK)
		return false;
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
	return !k->again;
}

/* ---- leases ---- */

/* Buses of a lost lease end first; then somebody else may have the group, or we again. */
static void drop_lost(struct keeper *k)
{
	struct lease lost[HOLDINGS_MAX];
	size_t n = holdings_list(k->ends.holdings, true, lost, HOLDINGS_MAX);

	for (size_t i = 0; i < n; i++) {
		let_group_go(k, lost[i].group_id);
		see_off(k, false);
		if (group_leaves(k, lost[i].group_id))
			continue;
		log_warn("group=%" PRId64 " epoch=%" PRId64 " lease lost", lost[i].group_id,
			lost[i].epoch);
		holdings_remove(k->ends.holdings, lost[i].group_id);
	}
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
			group_leaves(k, o[i].group_id) ||
			!spread_take(s, o[i].buses, mine || o[i].waited) ||
			!take(k, o[i].group_id, mine))
			continue;
		s->mine += o[i].buses;
		any = true;
	}
	k->started = true;
	return any;
}

/* One group at a time goes to a poller that has fewer buses: its buses are told to end, and what
 * they had read has until the next look to be stored; then the lease is given back. */
static void give_one(
	struct keeper *k, const struct spread *s, const struct lease_offer *o, size_t n)
{
	if (k->giving.group_id) {
		if (group_leaves(k, k->giving.group_id))
			return;
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
		let_group_go(k, o[i - 1].group_id);
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

static void remember_alarm(GHashTable *set, int64_t gateway_id, bool open)
{
	if (open)
		g_hash_table_add(set, id_copy(gateway_id));
	else
		g_hash_table_remove(set, &gateway_id);
}

static void tell_alarms(struct keeper *k, const struct fleet_health *h)
{
	int64_t id = h->health.now.gateway_id;
	bool silent = str_eq(h->health.now.comm, "silent");

	if (silent != g_hash_table_contains(k->silent, &id) &&
		gateway_alarm(k->db, id, h->code, silent, h->health.last_answer, utc_now()) ==
			ERR_OK)
		remember_alarm(k->silent, id, silent);
	if (h->health.twin != g_hash_table_contains(k->twins, &id) &&
		gateway_twin_alarm(k->db, id, h->code, h->health.twin, utc_now()) == ERR_OK)
		remember_alarm(k->twins, id, h->health.twin);
}

/* One more kind of failure that was seen since it was last told. */
static void add_fault(GArray *list, int64_t gateway_id, const char *kind, int code, uint64_t more)
{
	struct gateway_fault f = {
		.gateway_id = gateway_id, .more = (int64_t)more, .last_at = utc_now()
	};

	if (more == 0)
		return;
	if (code >= 0)
		snprintf(f.kind, sizeof(f.kind), "%s_%d", kind, code);
	else
		snprintf(f.kind, sizeof(f.kind), "%s", kind);
	g_array_append_val(list, f);
}

static struct counted counted_of(struct keeper *k, const struct runner_health *h)
{
	const struct counted *told = g_hash_table_lookup(k->told, &h->now.gateway_id);

	/* Fewer than before: the bus has begun anew. */
	for (size_t i = 0; told && i < KIND__MAX; i++)
		if (h->kinds[i] < told->kinds[i])
			told = NULL;
	return told ? *told : (struct counted){ 0 };
}

static void list_faults(struct keeper *k, const struct runner_health *h, GArray *list)
{
	struct counted told = counted_of(k, h);
	int64_t id = h->now.gateway_id;

	for (size_t i = 1; i < KIND__MAX; i++)
		if (i != KIND_EXCEPTION)
			add_fault(list, id, bus_kind_word((enum bus_kind)i), -1,
				h->kinds[i] - told.kinds[i]);
	for (size_t i = 0; i < BUS_EXCEPTIONS; i++)
		add_fault(list, id, bus_kind_word(KIND_EXCEPTION), (int)i,
			h->exceptions[i] - told.exceptions[i]);
}

static void remember_faults(struct keeper *k, const struct runner_health *h)
{
	struct counted *told = calloc(1, sizeof(*told));

	ASSERT(told);
	memcpy(told->kinds, h->kinds, sizeof(told->kinds));
	memcpy(told->exceptions, h->exceptions, sizeof(told->exceptions));
	g_hash_table_replace(k->told, id_copy(h->now.gateway_id), told);
}

static void tell_faults(struct keeper *k, const struct fleet_health *list, size_t n)
{
	GArray *faults = g_array_new(FALSE, FALSE, sizeof(struct gateway_fault));

	for (size_t i = 0; i < n; i++)
		list_faults(k, &list[i].health, faults);
	if (faults->len > 0 &&
		gateway_faults_add(k->db, (const void *)faults->data, faults->len) == ERR_OK)
		for (size_t i = 0; i < n; i++)
			remember_faults(k, &list[i].health);
	g_array_unref(faults);
}

static void tell_reception(struct keeper *k)
{
	struct reception_row row = { .updated_at = utc_now() };
	struct reception_counts c;

	if (!k->ends.reception || reception_port(k->ends.reception) == 0)
		return;
	c = reception_counts(k->ends.reception);
	snprintf(row.poller, sizeof(row.poller), "%s", k->ends.name);
	row.accepted = c.accepted;
	row.turned_away = c.turned_away;
	row.unknown = c.unknown;
	row.elsewhere = c.elsewhere;
	row.refused = c.refused;
	if (reception_store(k->db, &row) != ERR_OK)
		log_debug("reception not stored");
}

/* What has become of a bus is told at once, its figures when it is its turn. */
static bool is_to_tell(const struct keeper *k, const struct gateway_now *g, size_t i, size_t n)
{
	size_t turns = 1 + n / KEEPER_HEALTH_ROWS;

	if (turns > KEEPER_HEALTH_TURNS)
		turns = KEEPER_HEALTH_TURNS;
	return i % turns == k->health_turn % turns ||
	       utc_now().ms - g->comm_since.ms < KEEPER_HEALTH_TURNS * KEEPER_HEALTH_MS;
}

static void tell_health(struct keeper *k)
{
	struct fleet_health *list = NULL;
	size_t n = fleet_health(k->ends.fleet, &list), told = 0;
	struct gateway_now *rows = calloc(n + 1, sizeof(*rows));

	ASSERT(rows);
	k->health_turn++;
	for (size_t i = 0; i < n; i++)
		if (is_to_tell(k, &list[i].health.now, i, n))
			rows[told++] = list[i].health.now;
	if (gateways_store(k->db, rows, told) == ERR_OK)
		for (size_t i = 0; i < n; i++)
			tell_alarms(k, &list[i]);
	tell_faults(k, list, n);
	tell_reception(k);
	free(rows);
	free(list);
}

static const struct query Q_OPEN_ALARMS = {
	"SELECT object_id AS id FROM alarm WHERE open_key LIKE CONCAT(?, ':%')", &id_shape
};

static void recall(struct keeper *k, const char *kind, GHashTable *set)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct id_row *r;

	if (db_list(k->db, &Q_OPEN_ALARMS, ARGS(arg_text(kind)), &rows) != ERR_OK)
		return;
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++)
		g_hash_table_add(set, id_copy(r[i].id));
}

/* Alarms that were raised before this process, so that their end is noticed. */
static void recall_alarms(struct keeper *k)
{
	recall(k, "gateway_silent", k->silent);
	recall(k, "gateway_twin", k->twins);
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
		if (!k->again) /* nobody needs what they know */
			see_off(k, false);
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
	stop_all(k);
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
