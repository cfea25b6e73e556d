#pragma once
/* What leaves the system: a row written in the transaction that caused it, addressed to a person's
 * phone. A worker chooses the way of each (outbox_waiting), hands it to the sender of that way
 * (outbox_hand), who claims it and writes each attempt down before the service is called
 * (outbox_begin) and what came of it afterwards (outbox_end). Which way and when: rules/sending.h.
 *
 * States: pending, sending, then sent (a service has it), delivered or undelivered (by its
 * receipt), failed (certainly not sent), unknown (may have been). */
#include "db/db.h"
#include "rules/sending.h"

struct outgoing {
	int64_t id;
	char recipient[65]; /* a phone */
	char template[25];  /* kind of notice: "low1" "login_code" … */
	char params[1001];  /* JSON */
	char medium[7];	    /* "any" "sms" "wechat" */
	char language[3];
	char way[17];	   /* "": to be chosen */
	int64_t tenant_id; /* 0: none */
	int64_t tries_from;
	struct utc expires_at;
};

struct outbox_new {
	const char *once_key;
	int64_t notice_id;    /* 0: none */
	int64_t tenant_id;    /* 0: none: no wishes and no quiet hours */
	const char *language; /* NULL: "zh" */
	const char *recipient;
	const char *template;
	const char *params;
	struct utc not_before;
	struct utc expires_at;
};
/* Writing the same once_key again changes nothing. */
MUST_USE enum err outbox_add(struct db *db, const struct outbox_new *o, struct utc now);

/* ---- choosing a way ---- */

/* Ends what is too old and what its sender died with (it is unknown then whether it left), and
 * lists at most max due rows that wait for a way (struct outgoing). */
MUST_USE enum err outbox_waiting(struct db *db, struct utc now, int64_t max, struct rows *out);
MUST_USE enum err outbox_hand(struct db *db, int64_t id, const char *way);
/* Not before at; extra_ms longer good for. why is shown while it waits. */
MUST_USE enum err outbox_postpone(
	struct db *db, int64_t id, struct utc at, int64_t extra_ms, const char *why);
/* Ends it; login codes are wiped. */
MUST_USE enum err outbox_finish(struct db *db, int64_t id, enum sending_end end);
/* Two ways at once, where a tenant wants that: this row goes by SMS, a copy of it by WeChat. */
MUST_USE enum err outbox_split(struct db *db, int64_t id, struct utc now);

/* What is known of a row, to decide by. */
struct outbox_try {
	int64_t id;
	char way[17];
	struct utc at;
	char outcome[13];
	char provider_ref[65];
	int64_t looks;
	struct utc looked_at;
};
struct outbox_way {
	char way[17];
	int64_t failures;
	struct utc down_until;
	struct utc quota_until;
};
struct outbox_unreached {
	char address[65];
	char way[17];
};
struct outbox_facts {
	struct rows tries;     /* struct outbox_try, oldest first */
	struct rows ways;      /* struct outbox_way */
	struct rows unreached; /* struct outbox_unreached */
	char channels[14];     /* "wechat_or_sms" "sms" "both" */
	int64_t site_id;       /* 0: none */
	char zone[64];
};
void outbox_facts_free(struct outbox_facts *f);
MUST_USE enum err outbox_facts(
	struct db *db, const struct outgoing *o, struct utc now, struct outbox_facts *out);

/* If a notice that can wait is due in the quiet hours of a site, their end; else 0. */
MUST_USE enum err outbox_quiet_until(
	struct db *db, const struct outbox_facts *f, struct utc now, struct utc *until);

/* ---- sending ---- */

/* Claims at most max due rows of a way for 60 s (struct outgoing). */
MUST_USE enum err outbox_claim(struct db *db, const char *owner, const char *way, struct utc now,
	int64_t max, struct rows *out);
/* Gives it back to be decided anew, not before at. */
MUST_USE enum err outbox_release(struct db *db, int64_t id, struct utc at);
/* All rows that wait for a way that is down: they are decided anew. */
MUST_USE enum err outbox_release_way(struct db *db, const char *way);

/* So many attempts within a window, by one phone and kind (or class of kinds), or all of a day. */
struct outbox_budget {
	int64_t code_minute, code_hour, code_day; /* login codes */
	int64_t kind_day;			  /* others, by phone and kind */
	int64_t alarm_hour;			  /* of these, alarms */
	int64_t phone_day;			  /* everything to one phone */
	int64_t all_day;			  /* everything */
};
/* Writes an attempt down. *wait is 0 and *try_id set: call the service. Else a budget is used up
 * until then, and nothing was written; *which names it. */
MUST_USE enum err outbox_begin(struct db *db, const struct outgoing *o, const char *way,
	const struct outbox_budget *b, struct utc now, int64_t *try_id, struct utc *wait,
	const char **which);

struct outbox_result {
	int64_t try_id;
	const char *way;
	const char *address; /* phone or openid */
	enum try_outcome outcome;
	const char *code;
	const char *provider_ref;
	bool no_answer;		/* the service did not answer */
	struct utc quota_until; /* of TRY_NEXT_DAY */
	struct utc ask_at;	/* when to ask for its receipt; 0: cannot be asked */
};
/* What came of an attempt. *down tells that the way is left out for a minute from now on. */
MUST_USE enum err outbox_end(struct db *db, const struct outgoing *o, const struct outbox_result *r,
	struct utc now, bool *down);

/* What a service says when it is asked after an unknown outcome; TRY_UNKNOWN: nothing. */
MUST_USE enum err outbox_looked(struct db *db, const struct outgoing *o, int64_t try_id,
	enum try_outcome outcome, const char *code, const char *provider_ref, struct utc now);

/* ---- receipts ---- */

struct outbox_receipt {
	const char *way;
	const char *out_id;	  /* ours, "" if not said */
	const char *provider_ref; /* "" if not said */
	const char *phone;	  /* as the outbox has it; "": not said (WeChat) */
	bool delivered;
	const char *code;
	struct utc at; /* 0: now */
	bool proven; /* signed, or an answer to our own question: it also settles what is unknown */
};
/* Moves sent to delivered or undelivered, once; anything else changes nothing. What insists and did
 * not arrive is decided anew. *moved may be NULL. */
MUST_USE enum err outbox_receive(
	struct db *db, const struct outbox_receipt *r, struct utc now, bool *moved);
/* Does an undelivered notice of this kind go on by the next way? */
bool outbox_insists(const char *kind);

/* Of the rows that a way has had without a receipt for a while, at most max; each is asked about a
 * few times at growing distance. */
struct outbox_sent {
	int64_t id;
	char recipient[65];
	char template[25];
	char language[3];
	char provider_ref[65];
	struct utc sent_at;
};
MUST_USE enum err outbox_unreceipted(struct db *db, const char *way, int64_t first_ms,
	struct utc now, int64_t max, struct rows *out);

/* Our name of a row at the services: "yufu-17". */
#define OUT_ID_MAX 32
const char *outbox_out_id(int64_t id, char buf[static OUT_ID_MAX]);
