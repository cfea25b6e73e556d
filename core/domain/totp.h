#pragma once
/* The second factor of staff: one-time passwords by time (RFC 6238: SHA-1, 6 digits, 30 s), by
 * liboath. Secrets are enciphered (XSalsa20-Poly1305) by a key that is not in the database. */
#include "db/db.h"

#define TOTP_KEY_BYTES 32
#define TOTP_SECRET_TEXT_MAX 40 /* base32 */
#define RECOVERY_CODES 10
#define RECOVERY_CODE_MAX 12 /* "abcde-fghij" */

/* The key for secrets out of the one that signs tokens. */
void totp_key(const struct buf *from, unsigned char out[static TOTP_KEY_BYTES]);

struct totp_act {
	int64_t user_id;
	const unsigned char *key; /* TOTP_KEY_BYTES */
	const char *actor, *address;
	struct utc now;
};

/* A new secret, not in force until it is confirmed. ERR_CONFLICT while another one is. */
MUST_USE enum err totp_begin(struct db *db, const struct totp_act *by,
	char secret[static TOTP_SECRET_TEXT_MAX], struct problem *why);
/* In force from now on, when the code is right (else ERR_WRONG_CODE): with new recovery codes, that
 * are nowhere else readable. ERR_CONFLICT when nothing was begun. */
MUST_USE enum err totp_confirm(struct db *db, const struct totp_act *by, const char *code,
	char codes[static RECOVERY_CODES][RECOVERY_CODE_MAX], struct problem *why);
/* No second factor any more; of nobody is no error. */
MUST_USE enum err totp_remove(struct db *db, const struct totp_act *by);

MUST_USE enum err totp_is_on(struct db *db, int64_t user_id, bool *out);
/* A code of the phone or a recovery code, which counts once; inside db_tx. ERR_WRONG_CODE. */
MUST_USE enum err totp_check(struct db *db, int64_t user_id,
	const unsigned char key[static TOTP_KEY_BYTES], const char *code, struct utc now);
