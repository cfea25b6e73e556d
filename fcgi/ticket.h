#pragma once
/* Small promises that a browser carries for us, under keys made of the API's own: the state of a
 * login at WeChat, which belongs to one browser by its cookie, and the ticket for an openid that is
 * not bound yet. */
#include "base/clock.h"
#include "base/str.h"

#define STATE_LIFE_S 600
#define STATE_NONCE_MAX 33 /* of the cookie: 32 hex digits */
#define STATE_MAX 65

/* Letters and digits, as WeChat wants; the nonce stays with the browser. */
void state_make(const struct buf *key, struct utc now, char nonce[static STATE_NONCE_MAX],
	char state[static STATE_MAX]);
bool state_is_good(const struct buf *key, const char *nonce, const char *state, struct utc now);

/* Ten minutes; sealed, so that nobody reads the openid in it. Appends. */
void ticket_make(const struct buf *key, const char *app_id, const char *openid, struct utc now,
	struct buf *out);
/* ERR_BAD_VALUE: not ours, or over. */
MUST_USE enum err ticket_open(const struct buf *key, const char *ticket, struct utc now,
	char app_id[static 33], char openid[static 65]);
