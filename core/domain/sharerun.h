#pragma once
/* Sharing of a day.
 *
 * A day of a group is shared when every source has a reading past its end, or 72 h after it, in
 * order, none skipped. The lines of the sources' use (rate, tier, price of their own tariff) are
 * split one by one among the contracts, whole thousandths by largest remainder, and priced: so the
 * parts sum to the lines and their charges to the lines' charges, to the last digit. A contract
 * counts for the seconds of the day in which it was in force; what is left is the owner's.
 *
 * Where a source counts down (losses), the net use is laid over the lines of the first source that
 * counts up and had use that day. A net use below zero is shared as zero, with an alarm. Use
 * without a price is not shared but the owner's, with an alarm.
 *
 * Each contract gets one entry: purse → share, once_key "share:<group>:<day>:<account>:<version>";
 * a contract that has ended by then owes it ("debt:<contract>"). When late energy arrives for a day
 * that was shared, its next version is worked out as a whole, and the difference is posted on the
 * day of the run. Evidence: share_run, share_part, share_line, of every version. */
#include "domain/share.h"

enum share_outcome {
	SHARE_DONE,
	SHARE_WAITS, /* for readings past the end of the day */
	SHARE_SAME,  /* nothing new since the last version, or shared by another process */
};
/* One transaction. Version 1 for the day after run_to, a correction for a day up to it. */
MUST_USE enum err share_day(
	struct db *db, int64_t group_id, struct day day, struct utc now, enum share_outcome *out);

/* What the worker does, again and again: days that are due, and days with late energy. */
MUST_USE enum err shares_due(struct db *db, struct utc now);

/* A contract's part of a day, by its last version. */
struct share_part {
	int64_t group_id;
	char group_name[257];
	char kind[8], basis[8], utility[12];
	char day[DAY_TEXT_MAX];
	int64_t version;
	bool complete; /* all sources had been read past the end of the day */
	int64_t contract_id;
	char contract_code[129];
	int64_t tenant_id;
	char tenant_code[129];
	char tenant_name[257];
	char room[129];
	int64_t account_id;
	int64_t weight, of_weight;
	struct qty qty;
	struct money charge;
	struct qty total; /* of the day, the owner's too */
	struct money total_charge;
};
struct share_line {
	int64_t group_id;
	char day[DAY_TEXT_MAX];
	int64_t contract_id; /* 0: the owner */
	int64_t meter_id;
	char meter_code[129];
	char meter_name[257];
	char rate[129];
	int64_t tier;
	struct price price;
	struct qty of; /* what was split */
	struct qty qty;
	struct money charge;
};
struct share_sum { /* a day of a group, by its last version */
	int64_t group_id;
	char day[DAY_TEXT_MAX];
	int64_t version;
	bool complete;
	struct utc run_at;
	struct qty net, qty, owner;
	struct money charge, owner_charge;
};

struct share_span {
	int64_t group_id; /* 0: every group */
	int64_t user_id;  /* of that tenant's login only; 0: all */
	struct day from, to;
};
/* Parts newest day first, by group and contract; lines in the same order, by meter, rate, tier and
 * price: the lines of a part follow each other. The owner's lines only without user_id. */
MUST_USE enum err share_parts(struct db *db, const struct share_span *s, struct rows *out);
MUST_USE enum err share_lines(struct db *db, const struct share_span *s, struct rows *out);
MUST_USE enum err share_sums(struct db *db, const struct share_span *s, struct rows *out);
