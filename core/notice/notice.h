#pragma once
/* Messages to people, each channel behind one row of functions. No database in here: the outbox
 * belongs to the worker. Neither phone numbers nor parameters are ever logged here. */
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"

/* Settings and secrets of the channels; loaded once, immutable, shared by threads. */
struct notice;

/* Never fails: a channel without settings is off, and so is one with half of them or with a secret
 * that cannot be read. */
void notice_load(struct conf *conf, struct notice **out);
void notice_free(struct notice **notice);

/* The kinds of message, and the variables that the approved template of a kind has; params may hold
 * more, only these are sent. The setting [aliyun_sms] template_<kind> names the provider's template
 * of each kind, [aliyun_sms] template_<kind>_en that in English (and so for every other channel); a
 * kind without an English one is sent by the Chinese, one without any is not sent. */
struct notice_kind {
	const char *name;
	const char *params[6]; /* NULL-terminated; all are texts */
};
extern const struct notice_kind notice_kinds[];
extern const size_t notice_kind_count;
const struct notice_kind *notice_kind_find(const char *name); /* NULL if unknown */

enum notice_outcome {
	NOTICE_DONE,	/* the provider has accepted it */
	NOTICE_REFUSED, /* it has not, for certain: nothing was sent */
	NOTICE_UNKNOWN, /* it may have: sending again may reach the person twice */
};

struct notice_message {
	const char
		*recipient; /* sms: digits of a mainland number, "13800000001"; wechat: an openid */
	const char *kind;   /* of notice_kinds */
	const char *language; /* "zh" or "en": which template */
	const json_t *params; /* object of texts */
	const char *out_id;   /* ours, comes back in receipts; at most 64 bytes */
	const char *url;      /* where a tap leads; NULL: nowhere. SMS leave it out */
};

struct notice_result {
	enum notice_outcome outcome;
	bool retry;	  /* trying again later can help, and is safe to do */
	bool next_day;	  /* the provider's quota of this day is used up */
	bool unreachable; /* this way never reaches this person (does not follow, no such number) */
	char code[64];	  /* the provider's word, or ours: "timeout" "not_configured" … */
	char provider_ref[64]; /* the provider's number of the message; empty if none */
};

/* What became of a message later, by receipt or when asked. */
enum notice_fate { FATE_UNKNOWN, FATE_WAITING, FATE_DELIVERED, FATE_FAILED, FATE_NEVER_SENT };
struct notice_delivery {
	enum notice_fate fate;
	char out_id[65];       /* ours; empty if the provider does not say */
	char provider_ref[64]; /* the provider's; empty if it does not say */
	char recipient[65];
	char code[64]; /* the provider's word */
	struct utc at; /* 0 if not said */
};

/* What a message is sent by. */
struct notice_how {
	char template[65]; /* its number at the provider; "": the text is our own */
	char language[3];  /* of the template; "": it has one of its own, which we do not know */
	char sign[65];	   /* stands before the text; "": none */
	char fields[1200]; /* of WeChat: as in the setting fields_<kind> */
};

struct notice_channel {
	const char *name;   /* "aliyun_sms" */
	const char *medium; /* "sms" or "wechat" */
	/* NULL: on. Else what is missing. */
	const struct problem *(*off)(const struct notice *);
	/* Has it a template for this kind in this language? */
	bool (*serves)(const struct notice *, const char *kind, const char *language);
	/* And which; false: none. */
	bool (*how)(const struct notice *, const char *kind, const char *language,
		struct notice_how *out);
	void (*send)(const struct notice *, const struct notice_message *, struct utc now,
		int64_t deadline_ms, struct notice_result *out);
	/* Asks what became of a message that was sent, or may have been, at sent_at. ref is the
	 * provider's number, "" if it never came. ERR_UNKNOWN: no answer. NULL: cannot be asked. */
	enum err (*look_up)(const struct notice *, const struct notice_message *, const char *ref,
		struct utc sent_at, struct utc now, int64_t deadline_ms,
		struct notice_delivery *out, struct problem *why);
};
/* The list of channels; a new channel is a row there and the functions that it names. */
extern const struct notice_channel notice_channels[];
extern const size_t notice_channel_count;
/* NULL for a name that is not in the list. */
const struct notice_channel *notice_channel_find(const char *name);

/* The channels in the order in which they are tried, of those that are on: [notice] order, or else
 * the list's. *n of them. */
const struct notice_channel *const *notice_ways(const struct notice *notice, size_t *n);

/* [notice]: limits of our own, below the providers', and times. Numbers that cannot be are logged
 * and count as shipped. */
struct notice_rules {
	int64_t code_minute, code_hour, code_day; /* login codes to one phone */
	int64_t kind_day;			  /* other messages of one kind to one phone */
	int64_t alarm_hour;			  /* alarms to one phone */
	int64_t phone_day;			  /* everything to one phone */
	int64_t all_day;			  /* everything to everybody */
	int64_t look_after_ms;			  /* an unknown outcome is looked up after */
	int64_t receipt_after_ms;		  /* a missing receipt is asked for after */
	int64_t send_ms;			  /* a service has so long to answer */
};
const struct notice_rules *notice_rules(const struct notice *notice);

/* Receipts as the providers push them: an array of messages and what became of each. At most max
 * are taken; *n is how many there were to take. ERR_BAD_JSON, ERR_BAD_VALUE for what is none. They
 * are not signed, so that they count as hints. */
#define NOTICE_RECEIPTS_MAX 200
MUST_USE enum err notice_receipts_aliyun(const char *body, size_t len, struct notice_delivery *out,
	size_t max, size_t *n, struct problem *why);
MUST_USE enum err notice_receipts_tencent(const char *body, size_t len, struct notice_delivery *out,
	size_t max, size_t *n, struct problem *why);
/* What the provider wants to hear. */
#define NOTICE_RECEIVED_ALIYUN "{\"code\":0,\"msg\":\"接收成功\"}"
#define NOTICE_RECEIVED_TENCENT "{\"result\":0,\"errmsg\":\"OK\"}"

/* Sends by the first SMS channel that is configured. deadline_ms is on the clock of mono_ms(). */
void notice_send_sms(const struct notice *notice, const struct notice_message *message,
	struct utc now, int64_t deadline_ms, struct notice_result *out);
