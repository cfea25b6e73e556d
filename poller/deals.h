#pragma once
/* What the purchaser and the setter share: a thread of their own that looks into the database a few
 * times a second, hands orders to the buses, and writes down what came of them. A deal is one thing
 * that is not over; it has one order on its way at most. */
#include "domain/purchase.h"
#include "poller/fleet.h"
#include "poller/holdings.h"

struct deal {
	int64_t id;
	struct order_out *order; /* on its way, or NULL */
	int64_t not_before;	 /* mono_ms() */
	int64_t want_at;	 /* mono_ms(): the next reading that may be asked for */
	int64_t want_pause;
	bool seen; /* by the scan under way */
	bool has_result;
	struct order_result result; /* not yet in the database */
};

struct deals_ends { /* outlive it */
	const struct db_settings *database;
	struct fleet *fleet;
	struct holdings *holdings;
};

struct deals;
struct deals_acts {
	const char *name; /* of the thread, in the log */
	int64_t scan_ms;
	/* Looks what is to be done; anything but ERR_OK: the database is away. */
	enum err (*scan)(struct deals *ds, void *ctx);
	/* Writes down deal->result; ERR_UNAVAILABLE: it is asked again. The order is freed after.
	 */
	enum err (*store)(struct deals *ds, void *ctx, struct deal *d);
};

struct deals *deals_open(const struct deals_ends *ends, const struct deals_acts *acts, void *ctx);
void deals_free(struct deals **ds);
struct db *deals_db(struct deals *ds);
const struct deals_ends *deals_ends(const struct deals *ds);

struct deal *deal_of(struct deals *ds, int64_t id); /* made when there is none */
/* True at most once in WANT_MS, then ever more rarely: a dead meter must not slow its bus. */
bool deal_may_read(struct deal *d);
/* A new order of the deal, which deals_send() hands over. */
struct order_out *deal_order(
	struct deals *ds, struct deal *d, int64_t meter_id, const struct lease *lease);
void deals_send(struct deals *ds, struct deal *d, int64_t gateway_id);

/* Around a scan: deals that were not seen in it and have no order are forgotten. */
void deals_unsee(struct deals *ds);
void deals_forget(struct deals *ds);

/* What a result means for what was written. */
enum purchase_result deal_result(const struct order_result *r);

#define DEALS_TROUBLE_MS 5000
#define DEALS_END_MS 3000
/* Until deals_stop(); then waits DEALS_END_MS at most for orders on their way. */
void deals_run(struct deals *ds);
void deals_stop(struct deals *ds); /* any thread; the buses have been stopped before */
