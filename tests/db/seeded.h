#pragma once
/* The seeded run: a mall that lives through simulated weeks against a real MariaDB, beside a model
 * of it that shares no file with settlement. Time stands still unless the run moves it: utc_now()
 * is the run's own (linked with --wrap). */
#include "db_fixture.h"

#include "tests/unit/cmock.h"

#include "base/str.h"
#include "ctl/verify_tariff.h"
#include "poller/sink.h"
#include "rules/warn.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define MINUTE INT64_C(60000)
#define FEN NANO_PER_FEN
#define METERS_MAX 600
#define TARIFFS 5
#define NEWS_MAX 4096

/* Says where and when, and fails the test. */
#define CHECK(w, ok, ...) ((ok) ? (void)0 : seeded_fail(w, __VA_ARGS__))

extern struct utc seeded_now;

struct hold { /* of a supply point by a contract */
	int64_t contract;
	size_t purse;
	int64_t from, to; /* to 0: open */
};

struct assignment {
	size_t tariff;
	int64_t from;
};

struct use_line { /* a row of usage_day, over all its book days */
	int32_t day;
	int64_t contract, account, tariff, version;
	char rate[33];
	int64_t tier, price, qty, charge;
};

struct contract_use {
	int64_t contract;
	struct slow_use use;
};

struct purse {
	int64_t id, contract;
	int64_t balance, warn1, warn2, limit, emergency_limit;
	bool emergency; /* taken */
	enum level level;
	int64_t due;	  /* charges of the batch under way */
	bool touched;	  /* by it */
	int64_t postings; /* as the books have them */
	int64_t closing;  /* of the last sealed day */
};

struct smeter {
	int64_t id, point;
	bool water, charged, billed;
	size_t hours_silent;
	int64_t most; /* use in an hour */
	int64_t reg, hour_use;
	bool on; /* relay */
	bool manual;
	int64_t keep_until;
	int64_t last_at, last_reg; /* settled; 0: not yet */
	struct waiting {
		int64_t at, reg;
	} waiting[1000]; /* accepted readings whose tariff is missing, oldest first */
	size_t waiting_n;
	bool after_jump;
	struct hold holds[8];
	size_t holds_n;
	struct assignment tariffs[8];
	size_t tariffs_n;
	struct contract_use uses[8];
	size_t uses_n;
	struct use_line *lines;
	size_t lines_n;
	int32_t touched_from, touched_to; /* days settled since the last check */
};

struct news { /* a notice that must come */
	int64_t account;
	const char *kind;
};

struct world {
	uint64_t seed;
	struct lots lots;
	struct db *root, *poller, *api, *worker;
	struct desk *desk;
	struct holdings *holdings;
	struct sink *sink;
	struct lease lease;
	const char *zone_name;
	struct zone *zone;
	int64_t start;
	size_t meters_n, purses_n;
	struct smeter meters[METERS_MAX];
	struct purse purses[METERS_MAX];
	struct {
		int64_t id;
		bool water;
		struct buf doc;
		struct slow_tariff *slow;
		int revision;
	} tariffs[TARIFFS];
	struct slow_tariff *spread;
	struct news news[NEWS_MAX];
	size_t news_n;
	int64_t last_entry, last_notice, shift, user, trades;
	int32_t sealed; /* the last day whose identity was checked */
	int64_t readings, recharges, acts;
};

/* seeded_world.c */
void seeded_fail(const struct world *w, const char *format, ...) PRINTF_LIKE(2, 3);
struct world *world_open(uint64_t seed, size_t meters);
void world_free(struct world **w);
void world_tariff_text(struct world *w, size_t tariff, int64_t from);
void world_sink(struct world *w); /* a restart of the sink */

/* seeded_model.c */
/* An accepted reading. False: a tariff is missing, it is not settled yet. */
bool model_reading(struct world *w, struct smeter *m, int64_t at, int64_t reg);
/* The end of a batch: charges are taken, levels follow. */
void model_post(struct world *w);
void model_credit(struct world *w, struct purse *p, int64_t nano);
void model_level(struct world *w, struct purse *p);
const struct hold *model_hold(const struct smeter *m, int64_t at);

/* seeded_play.c */
void play_hour(struct world *w, int64_t hour);

/* seeded_check.c */
void check_hour(struct world *w);
void check_end(struct world *w);
