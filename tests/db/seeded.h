#pragma once
/* The seeded run: a mall that lives through simulated weeks against a real MariaDB, beside a model
 * of it that shares no file with settlement. Time stands still unless the run moves it: utc_now()
 * is the run's own (linked with --wrap). */
#include "db_fixture.h"

#include "tests/unit/cmock.h"

#include "base/str.h"
#include "ctl/verify_tariff.h"
#include "poller/sink.h"
#include "rules/timetable.h"
#include "rules/warn.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define MINUTE INT64_C(60000)
#define FEN NANO_PER_FEN
#define METERS_MAX 600
#define TARIFFS 6	/* the first is of water, the last has one tier */
#define CREDIT_METERS 3 /* behind those: they can keep credit */
#define SHARE_METERS 8	/* the first: an incomer, three of the public area, those below it */
#define NEWS_MAX 4096
#define PURSES_MAX 4000
#define CONTRACTS_MAX 2000
#define ACCOUNT_IDS 20000
#define BOOKS_MAX 4000
/* Settings of the mall. */
#define SERVICE_PERMILLE 10
#define REFUND_LIMIT_FEN 15000
#define REVERSAL_LIMIT_FEN 4000
#define ADJUST_LIMIT_FEN 2000
#define REMEMBERED 64 /* acts that wait; of those that may still be undone, how many are tried */
#define ORDERS_MAX 20000
#define DEEDS_MAX 5000
#define REFUNDS_MAX 5000

/* Says where and when, and fails the test. */
#define CHECK(w, ok, ...) ((ok) ? (void)0 : seeded_fail(w, __VA_ARGS__))

extern struct utc seeded_now;

/* What must have happened; counted, printed, and asked for at the end. */
enum event {
	EVENT_RECHARGE,
	EVENT_SECOND_PAYMENT,
	EVENT_LAPSED_PAYMENT,
	EVENT_SALE,
	EVENT_SERVICE_CHARGE,
	EVENT_DEBT_REPAID,
	EVENT_EMERGENCY,
	EVENT_REFUND_CASH,
	EVENT_REFUND_BANK,
	EVENT_REFUND_SERVICE,
	EVENT_REFUND_FAILED,
	EVENT_REVERSAL,
	EVENT_REVERSAL_REFUSED,
	EVENT_SUBSIDY,
	EVENT_ADJUSTMENT,
	EVENT_DEPOSIT,
	EVENT_TRANSFER,
	EVENT_DEBT_AGREED,
	EVENT_ALLOWANCE,
	EVENT_APPROVED,
	EVENT_REJECTED,
	EVENT_SELF_APPROVAL_REFUSED,
	EVENT_FEE,
	EVENT_FEE_ENDED,
	EVENT_FEE_RESUMED,
	EVENT_CLOSED,
	EVENT_CLOSED_OFFLINE,
	EVENT_CHANGED,
	EVENT_OPENED,
	EVENT_METER_ADDED,
	EVENT_REOPENED,
	EVENT_DEVICE,
	EVENT_DEVICE_UNDONE,
	EVENT_RATIO,
	EVENT_SHARE,
	EVENT_SHARE_LOSS,
	EVENT_SHARE_LATE,
	EVENT_SHARE_NEGATIVE,
	EVENT_KEEP,
	EVENT_MANUAL,
	EVENT_OVERLOAD,
	EVENT_OVERLOAD_LOCK,
	EVENT_OVERLOAD_RETURN,
	EVENT_SCHEDULE,
	EVENT_SCHEDULE_ENDED,
	EVENT_HOLIDAY,
	EVENT_QUIET,
	EVENT_CUT,
	EVENT_TO_METER,
	EVENT_TO_ACCOUNT,
	EVENT_PURCHASE,
	EVENT_FRAME,
	EVENT_PURCHASE_LOST,
	EVENT_PURCHASE_DONE,
	EVENT_PURCHASE_FAILED,
	EVENT_DECIDED,
	EVENT_METER_USE,
	EVENT__MAX
};

struct undoing { /* of what a closing booked */
	enum { UNDO_DEPOSIT, UNDO_SUBSIDY, UNDO_DEBT, UNDO_CASH, UNDO_BANK } what;
	size_t purse;
	int64_t nano, fraction;
};

struct contract { /* of the model */
	int64_t id;
	int64_t started;
	int64_t area;  /* thousandths of a square metre */
	int64_t ended; /* 0: open */
	int64_t debt, deposit;
	int64_t permille, cap_fen; /* agreed repayment */
	int64_t allowance;	   /* a month; 0: none */
	size_t allowance_purse;
	int32_t allowance_month; /* given last */
	struct undoing undo[10]; /* what the last closing booked, in order */
	size_t undo_n;
};

struct fee_model {
	int64_t id;
	size_t contract, purse;
	bool rent;
	int64_t monthly_fen;
	int32_t from, to; /* to INT32_MAX: open */
	int64_t created;
	bool stopped; /* by the closing of its contract: on `stop`, `before` was its end */
	int32_t stop, before;
	struct {
		int32_t month;
		int64_t fen;
	} charged[8];
	size_t charged_n;
};

struct share_set { /* the sharers from a day on */
	int32_t from;
	struct {
		size_t contract;
		int64_t weight;
	} at[6];
	size_t n;
};

struct share_day { /* as its last version says */
	int32_t day;
	int64_t version, seen, seen_charge;
	struct {
		size_t contract;
		int64_t charge;
	} at[6];
	size_t n;
};

struct share_model {
	int64_t id;
	const char *basis;
	bool fee; /* the fee purse pays */
	struct {
		size_t meter;
		int64_t sign;
	} sources[4];
	size_t sources_n;
	struct share_set sets[10];
	size_t sets_n;
	struct share_day days[100];
	size_t days_n;
	int32_t run_to;
};

struct book { /* a company account: what the model booked and what the table has */
	char code[48];
	int64_t want, have;
};

enum money_what { MONEY_REFUND, MONEY_REVERSAL, MONEY_ADJUST, MONEY_ALLOWANCE };

struct money_act { /* at the desk; a second person may be needed */
	enum money_what what;
	size_t purse, to_purse;
	int64_t fen;
	const char *word; /* of a refund its method, of an adjustment its kind */
	size_t order;	  /* of a refund, + 1 */
	size_t deed;	  /* to be reversed, + 1 */
	int64_t approval, asked_at;
};

struct deed { /* an entry that may be reversed */
	int64_t entry, at, shift, total;
	struct {
		size_t purse;
		int64_t nano;
	} purses[2];
	size_t n;
	struct {
		char code[48];
		int64_t nano;
	} others[6];
	size_t others_n;
	bool subsidy, undone;
	struct {
		size_t contract;
		int64_t nano;
	} debts[2];
	size_t debts_n;
};

struct paid_order {
	int64_t id, fen, refunded;
	size_t purse;
};

struct refund_model {
	int64_t id, fen, at;
	size_t purse;
	size_t order; /* + 1 */
	bool open, failed;
};

struct lapsed { /* an order that is paid after all */
	int64_t order_id, fen;
	char out_trade_no[33];
	size_t purse;
};

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
	size_t of; /* the contract's place */
	char purpose[12];
	bool closed;
	int64_t subsidy, allowance;
	int64_t balance, warn1, warn2, limit, emergency_limit;
	bool emergency; /* taken */
	enum level level;
	int64_t due;		  /* charges of the batch under way */
	bool touched;		  /* by it */
	int64_t postings;	  /* as the books have them */
	int64_t opening, closing; /* of the last sealed day */
};

struct smeter {
	int64_t id, point;
	bool water, charged, billed;
	size_t hours_silent;
	int64_t most; /* use in an hour */
	int64_t reg, hour_use;
	bool on; /* relay */
	bool manual, vacant;
	bool keeps_credit; /* billing "meter" */
	int64_t keep_until;
	size_t schedule; /* + 1 */
	struct {
		int64_t limit, retry_s, retries, since, trips, trip_at;
		bool cut, locked, blocked;
	} load;
	struct { /* in the meter; thousandths of a yuan */
		bool able, adds;
		int64_t count, milli, use; /* of the device; use: in this hour */
		int64_t seen_at, seen_count, seen_milli;
		bool fresh, blocked, accepted, refuses;
		int64_t sold, booked, worth, used_at, ended_at, decided_at;
		int64_t purchase, amount, times; /* on its way; how often the device took it */
		size_t purse;
	} credit;
	int64_t device; /* generation */
	struct {
		int64_t from, ct, pt;
	} ratios[24];
	size_t ratios_n;
	int64_t last_at, last_reg; /* settled; 0: not yet */
	struct waiting {
		int64_t at, reg;
	} waiting[1000]; /* accepted readings whose tariff is missing, oldest first */
	size_t waiting_n;
	bool after_jump;
	struct hold holds[24];
	size_t holds_n;
	struct assignment tariffs[8];
	size_t tariffs_n;
	struct contract_use uses[24];
	size_t uses_n;
	struct use_line *lines;
	size_t lines_n;
	int32_t touched_from, touched_to; /* days settled since the last check */
};

#define REPORTS_MAX METERS_MAX

struct batch { /* readings on their way to the sink */
	struct report r[REPORTS_MAX];
	struct smeter *m[REPORTS_MAX];
	const char *verdict[REPORTS_MAX]; /* that it must get */
	size_t n;
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
	struct purse purses[PURSES_MAX];
	uint16_t purse_at[ACCOUNT_IDS]; /* place + 1 by account id */
	struct contract contracts[CONTRACTS_MAX];
	size_t contracts_n, closed_last;
	struct fee_model fees[CONTRACTS_MAX];
	size_t fees_n;
	struct share_model shares[3];
	size_t shares_n;
	struct book books[BOOKS_MAX];
	size_t books_n;
	struct money_act asked[REMEMBERED]; /* waiting for a second person */
	size_t asked_n;
	struct deed deeds[DEEDS_MAX];
	size_t deeds_n;
	struct paid_order orders[ORDERS_MAX];
	size_t orders_n;
	struct refund_model refunds[REFUNDS_MAX];
	size_t refunds_n;
	struct lapsed lapsed[REMEMBERED];
	size_t lapsed_n;
	int64_t events[EVENT__MAX];
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
	int64_t last_entry, last_notice, shift, user, second, trades;
	bool plain, vacant_block, quiet_weekend;
	int quiet_from, quiet_to; /* minutes; equal: none */
	struct {
		int64_t id;
		struct timetable table;
	} schedules[3];
	struct {
		int32_t day;
		char kind;
	} marks[60];
	size_t marks_n;
	int32_t sealed; /* the last day whose identity was checked */
	int64_t readings, recharges, acts;
};

/* seeded_world.c */
void seeded_fail(const struct world *w, const char *format, ...) PRINTF_LIKE(2, 3);
/* plain: only readings, recharges, sales, prices and wishes are played. */
struct world *world_open(uint64_t seed, size_t meters, bool plain);
void world_free(struct world **w);
void world_tariff_text(struct world *w, size_t tariff, int64_t from);
void world_sink(struct world *w); /* a restart of the sink */

/* seeded_model.c */
/* An accepted reading. False: a tariff is missing, it is not settled yet. */
bool model_reading(struct world *w, struct smeter *m, int64_t at, int64_t reg);
/* The same of a register that a person typed in; what waits stays out of it. */
bool model_settle(struct world *w, struct smeter *m, int64_t at, int64_t reg);
/* Would it be settled? */
bool model_covered(const struct smeter *m, int64_t at, int64_t reg);
/* What its register is multiplied by from now on. */
int64_t model_ratio(const struct smeter *m);
/* The end of a batch: charges are taken, levels follow. */
void model_post(struct world *w);
void model_level(struct world *w, struct purse *p);
const struct hold *model_hold(const struct smeter *m, int64_t at);

/* seeded_books.c */
enum spending { SUBSIDY_STAYS, SUBSIDY_GIVEN, SUBSIDY_GOES_FIRST };
void book(struct world *w, const char *code, int64_t nano);
void book_of(struct world *w, const char *what, int64_t id, int64_t nano);
/* Money into a purse (negative: out of it); the level is for the caller. */
void purse_move(struct purse *p, int64_t nano, enum spending s);
struct contract *contract_new(struct world *w, int64_t id);
struct contract *contract_of(struct world *w, int64_t id);
struct purse *purse_new(struct world *w, int64_t id, int64_t contract, const char *purpose);
struct purse *purse_by_id(struct world *w, int64_t id);
/* The purse of a purpose, which the tables may have got since; NULL: there is none. */
struct purse *purse_of_contract(struct world *w, int64_t contract, const char *purpose);
/* The id of a contract's next purse after one of them, or 0. */
int64_t purse_after(const struct world *w, int64_t contract, int64_t id);
/* The part of a payment that repays old debt. */
int64_t debt_part(const struct contract *c, int64_t fen, int64_t rest_fen);
void happened(struct world *w, enum event e);
const char *event_word(enum event e);

/* seeded_play.c */
int64_t lot(struct world *w, int64_t min, int64_t max);
/* "sale:17", never the same twice. */
const char *once_key(struct world *w, const char *what, char buf[static 48]);
void report_add(struct batch *b, struct smeter *m, int64_t at, int64_t reg, const char *verdict);
void batch_sink(struct world *w, struct batch *b);
void play_hour(struct world *w, int64_t hour);

/* seeded_supply.c */
void quiet_make(struct world *w);
/* Should it be off now, and by its schedule alone? */
bool supply_off(const struct world *w, const struct smeter *m);
bool schedule_off(const struct world *w, const struct smeter *m);
void load_watch(struct world *w, struct smeter *m, const struct report *r, bool good);
void wishes_play(struct world *w);
void supply_work(struct world *w);
void acts_play(struct world *w);

/* seeded_desk.c */
void desk_play(struct world *w, int hour);
void recharges_play(struct world *w);
/* seeded_money.c: refunds, reversals, adjustments, allowances, second persons */
void money_play(struct world *w);
void deed_add(struct world *w, const struct deed *d);
/* seeded_fee.c */
void fees_make(struct world *w);
void fees_play(struct world *w);
/* What a closing does to the fees of a contract. */
void fees_stop(struct world *w, size_t contract, int32_t last_day);
/* Some of those that its closing ended are ended earlier yet. */
void fees_second_thought(struct world *w, size_t contract);
/* What a reopening does to them: they go on as if they had never ended. */
void fees_resume(struct world *w, size_t contract);

/* seeded_share.c */
void shares_make(struct world *w);
void shares_play(struct world *w);
/* seeded_life.c */
void life_play(struct world *w);

/* seeded_credit.c */
void credit_show(const struct smeter *m, struct report *r);
void credit_seen(struct smeter *m, const struct report *r);
void credit_flows(struct smeter *m);
void credit_hour_ends(struct smeter *m);
void credits_play(struct world *w);

/* seeded_check.c */
void check_hour(struct world *w);
void check_end(struct world *w);
