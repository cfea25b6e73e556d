#pragma once
/* What the live board shows: meters, gateways, counters, alarms, people and accounts, as they are
 * now. Reading only. site_id 0 means every site. */
#include "db/listing.h"

#define FRESH_MS 60000 /* a meter read within this is fresh */

struct live_meter {
	int64_t id;
	char code[129];
	char name[257];
	char utility[12];
	char role[8];
	char billing[12];
	char model[49];
	char unit[17];
	char serial[129];
	int64_t gateway_id;
	char gateway_code[129];
	char gateway_name[257];
	int64_t area_id;
	char area_name[257];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	int64_t account_id;
	struct money balance;
	char level[8];
	int64_t supply_point_id;
	bool switchable;
	char desired[8];
	char desired_reason[17];
	char observed[8];
	struct utc observed_since;
	struct utc desired_since;
	struct utc keep_until;
	struct utc read_at;
	struct qty register_milli;
	struct qty sharp_milli;
	struct qty peak_milli;
	struct qty flat_milli;
	struct qty valley_milli;
	int64_t power_w;
	int64_t phases;
	int64_t voltage1_mv, voltage2_mv, voltage3_mv;
	int64_t current1_ma, current2_ma, current3_ma;
	char comm[8]; /* "never" "ok" "silent" */
	struct utc comm_since;
	char error[801];
	bool enabled;
};

/* Rows of struct live_meter; args: now, the site (0: every). */
extern const struct listing live_meter_listing;
MUST_USE enum err live_meter(
	struct db *db, int64_t site_id, int64_t id, struct utc now, struct live_meter *out);
/* Those that a tenant's contracts pay for; args: now, the user. */
extern const struct listing my_meter_listing;

/* A text that changes whenever a row of live_meter_listing might. */
#define LIVE_VERSION_MAX 40
MUST_USE enum err live_version(struct db *db, char out[static LIVE_VERSION_MAX]);

/* What the word of a tile is made of. */
struct live_face {
	const char *role, *comm, *level, *desired, *desired_reason, *observed;
	bool switchable;
	struct utc keep_until;
};
/* Of a row with members of these names. */
#define LIVE_FACE(m)                                                                               \
	(&(struct live_face){ .role = (m)->role,                                                   \
		.comm = (m)->comm,                                                                 \
		.level = (m)->level,                                                               \
		.switchable = (m)->switchable,                                                     \
		.desired = (m)->desired,                                                           \
		.desired_reason = (m)->desired_reason,                                             \
		.observed = (m)->observed,                                                         \
		.keep_until = (m)->keep_until })
/* "on" "low" "cut" "kept" "silent" "public" "off": the one word of a tile. */
const char *live_word(const struct live_face *f, struct utc now);
const char *live_display(const struct live_meter *m, struct utc now);

struct live_act {
	int64_t id;
	char action[8];
	char state[8];
	char reason[17];
	char actor[257]; /* who set the block or keep that decided; "system" */
	char error[801];
	struct utc created_at;
	struct utc done_at;
};
/* The newest acts of a meter, newest first (struct live_act). */
MUST_USE enum err live_acts(struct db *db, int64_t meter_id, int64_t max, struct rows *out);

/* Asks the poller to read a meter before its turn. */
MUST_USE enum err live_read_wanted(struct db *db, int64_t meter_id, struct utc now);

struct live_gateway {
	int64_t id;
	char code[129];
	char name[257];
	char address[128];
	char transport[12];
	char area[257];
	char comm[8];
	struct utc comm_since;
	int64_t meters;
	int64_t fresh;
	struct utc read_at; /* of the meter that was read last */
	int64_t round_ms;
	int64_t utilisation_permille;
	int64_t answer_p50_ms, answer_p95_ms, answer_p99_ms;
	bool enabled;
};
/* Of a page; args: the time since when a meter counts as fresh, the site (0: every). */
extern const struct listing live_gateway_listing;
MUST_USE enum err live_gateways(struct db *db, int64_t site_id, struct utc now, struct rows *out);

/* Failures of a kind on a bus, ever. By gateway, then kind. */
struct live_fault {
	int64_t gateway_id;
	char gateway[33]; /* code */
	char kind[25];
	int64_t seen;
	struct utc last_at;
};
MUST_USE enum err live_faults(struct db *db, int64_t site_id, struct rows *out);

/* What the receptions of all pollers have seen of gateways that dial in, since they started. */
struct live_reception {
	int64_t accepted, turned_away, unknown, elsewhere, refused;
};
MUST_USE enum err live_reception(struct db *db, struct live_reception *out);

struct live_counts {
	int64_t meters_total;
	int64_t meters_fresh;
	int64_t gateways_silent;
	int64_t orders_pending;
	int64_t outbox_pending;
};
MUST_USE enum err live_counts(struct db *db, struct utc now, struct live_counts *out);
/* Milliseconds from credit to supply back, of the last 24 h; -1: none. site_id 0: every site. */
MUST_USE enum err live_power_back(struct db *db, int64_t site_id, struct utc now, int64_t *p50_ms,
	int64_t *p95_ms, int64_t *count);

struct live_tenant {
	int64_t id;
	char code[129];
	char name[257];
	char room[129];
	char phone[21];
};
extern const struct shape live_tenant_shape;
/* Rows of struct live_tenant; args: the site (0: every). */
extern const struct listing live_tenant_listing;

struct live_account {
	int64_t id;
	char purpose[12];
	struct money balance;
	struct money subsidy; /* of it */
	char level[8];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	char phone[21];
	int64_t meter_id;
	char meter_code[129];
	char meter_name[257];
	char desired[8];
	char observed[8];
	struct utc observed_since;
	char comm[8];
};
/* Rows of struct live_account; args: the site (0: every). */
extern const struct listing live_account_listing;
MUST_USE enum err live_account(
	struct db *db, int64_t site_id, int64_t id, struct live_account *out);
