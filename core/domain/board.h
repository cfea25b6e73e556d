#pragma once
/* What the live board shows of a whole site: counters, the one word of each meter, sales by channel
 * and the load of two days. Reading only. scope: domain/scope.h; 0 means every site. */
#include "base/zone.h"
#include "db/db.h"

struct board_meter {
	int64_t id;
	char role[8];
	char comm[8];
	char level[8];
	bool switchable;
	char desired[8];
	char desired_reason[17];
	char observed[8];
	struct utc keep_until;
	struct utc read_at;
};
/* Rows of struct board_meter, by id: of a meter only what its word is made of, for very many are
 * asked for every few seconds. */
MUST_USE enum err board_meters(struct db *db, int64_t scope, struct utc now, struct rows *out);
/* As live_display(), or "moving" while a switch is under way. */
const char *board_word(const struct board_meter *m, struct utc now);

struct board {
	int64_t meters_total, meters_fresh;
	int64_t low, cut, kept, silent;
	int64_t sales_today_fen, orders_today, orders_open;
	int64_t power_back_p95_ms; /* -1: none in the last 24 h */
	int64_t alarms_open;
};
MUST_USE enum err board_counts(
	struct db *db, int64_t scope, struct utc today, struct utc now, struct board *out);

struct board_channel {
	char channel[16]; /* of an order, or how a sale at the desk was paid */
	int64_t fen, count;
};
/* Rows of struct board_channel since today began, by name. */
MUST_USE enum err board_channels(struct db *db, int64_t scope, struct utc today, struct rows *out);

struct board_hour {
	struct utc hour_at;
	struct qty energy;
};
/* Rows of struct board_hour: what electricity meters that are no incomers used in each local hour,
 * from <= hour < to, the one that `from` lies in too. */
MUST_USE enum err board_load(struct db *db, int64_t scope, const struct zone *z, struct utc from,
	struct utc to, struct rows *out);
