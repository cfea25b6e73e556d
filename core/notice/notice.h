#pragma once
/* Messages to people, each channel behind one row of functions. No database in here: the outbox
 * belongs to the worker. Neither phone numbers nor parameters are ever logged here. */
#include "base/clock.h"
#include "base/conf.h"
#include "base/json.h"

/* Settings and secrets of the channels; loaded once, immutable, shared by threads. */
struct notice;

/* A channel without settings is left out; half of them, or an unreadable secret, is an error. */
MUST_USE enum err notice_load(struct conf *conf, struct notice **out, struct problem *why);
void notice_free(struct notice **notice);

/* The kinds of message, and the variables that the approved template of a kind has; params may hold
 * more, only these are sent. The setting [aliyun_sms] template_<kind> names the provider's template
 * of each kind; a kind without one is not sent. */
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
	const char *phone;    /* digits of a mainland number: "13800000001" */
	const char *kind;     /* of notice_kinds */
	const json_t *params; /* object of texts */
	const char *out_id;   /* ours, comes back in receipts; at most 64 bytes */
};

struct notice_result {
	enum notice_outcome outcome;
	bool retry;	       /* trying again later can help, and is safe to do */
	char code[64];	       /* the provider's word, or ours: "timeout" "not_configured" … */
	char provider_ref[64]; /* the provider's number of the message; empty if none */
};

struct notice_channel {
	const char *name; /* "aliyun_sms" */
	void (*send)(const struct notice *, const struct notice_message *, struct utc now,
		int64_t deadline_ms, struct notice_result *out);
};
extern const struct notice_channel notice_channels[];
extern const size_t notice_channel_count;

/* Sends by the first SMS channel that is configured. deadline_ms is on the clock of mono_ms(). */
void notice_send_sms(const struct notice *notice, const struct notice_message *message,
	struct utc now, int64_t deadline_ms, struct notice_result *out);
