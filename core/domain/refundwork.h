#pragma once
/* Refunds at their services. Rows that are open say when the worker turns to them next:
 *	requested  to be sent, or sent and not answered: asked about first, then sent again under
 *	           the same number;
 *	accepted   asked about until final;
 *	person     the service needs somebody, at its own site or here; asked about each hour where
 *	           it may still become final, or not at all.
 * The number is stored before the first call and never changes, so nothing goes back twice. */
#include "domain/refund.h"

struct refund_work {
	struct refund f;
	bool sent_before; /* so its outcome is to be asked first */
	char out_trade_no[257];
	int64_t total_fen; /* of the payment */
};
MUST_USE enum err refunds_due(struct db *db, const char *service, struct utc now, int64_t *n);
/* Takes the one that has waited longest, marks it sent, and plans when to turn to it again (after
 * 10 s at first, in the end each hour). WeChat takes the parts of one order at least a minute
 * apart: a part that comes too early is put off. After a day unsent the alarm refund_waiting is
 * raised. ERR_NOT_FOUND: none is due. */
MUST_USE enum err refund_claim(
	struct db *db, const char *service, struct utc now, struct refund_work *out);

enum refund_word { /* what a service says */
	REFUND_ACCEPTED,
	REFUND_DONE,
	REFUND_CLOSED, /* it will not happen */
	REFUND_PERSON, /* the payer's way is blocked */
	REFUND_WORD__MAX
};
/* "accepted", "done", "closed" or "person"; false: any other word, which says nothing of a refund.
 */
bool refund_word_find(const char *word, enum refund_word *out);
struct refund_told {
	const char *service, *out_refund_no, *out_trade_no;
	const char *refund_id; /* the service's; "" */
	enum refund_word word;
	int64_t amount_fen; /* 0: not said */
	const char *via;    /* "notify" or "query" */
};
enum told_outcome {
	TOLD_TAKEN,	/* it is as the service says now */
	TOLD_REPEATED,	/* it was before */
	TOLD_FOREIGN,	/* nobody asked for it here: listed and alarmed */
	TOLD_DIFFERENT, /* amount or order differ, or it ended otherwise here: alarmed */
	TOLD__MAX
};
const char *told_outcome_word(enum told_outcome o);
/* Done: out of refund_due. Closed: back in the purse by the mirror entry. Safe to repeat. */
MUST_USE enum err refund_told(
	struct db *db, const struct refund_told *t, struct utc now, enum told_outcome *out);

/* The service said no. It may get better (passing): the refund waits and is sent again. Or not: a
 * person is asked, with the alarm refund_person. */
MUST_USE enum err refund_refused(struct db *db, int64_t id, const char *code, const char *text,
	bool passing, struct utc now);

/* A hint that something happened to refunds of this order: they are asked about at once. fen (0:
 * not said) is all that the service gave back of it; more than was asked for here is listed and
 * alarmed. ERR_NOT_FOUND without such an order. */
MUST_USE enum err refunds_hint(
	struct db *db, const char *service, const char *out_trade_no, int64_t fen, struct utc now);
