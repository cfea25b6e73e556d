#include "domain/totp.h"

#include <liboath/oath.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/audit.h"

#define SECRET_BYTES 20
#define STEP_S 30
#define WINDOW 1 /* steps that a clock may be wrong by */
#define BOX_BYTES (crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + SECRET_BYTES)

__attribute__((constructor)) static void oath_open(void)
{
	ASSERT(oath_init() == OATH_OK);
}

struct totp_row {
	char secret_box[201];
	struct utc confirmed_at;
	int64_t last_step;
};
SHAPE(totp_shape, struct totp_row, FIELD(struct totp_row, secret_box),
	FIELD(struct totp_row, confirmed_at), FIELD(struct totp_row, last_step));
static const struct query Q_LOCK = {
	"SELECT secret_box, confirmed_at, last_step FROM user_totp WHERE user_id = ? FOR UPDATE",
	&totp_shape
};
static const struct query Q_ON = {
	"SELECT user_id AS id FROM user_totp WHERE user_id = ? AND confirmed_at > 0", &id_shape
};
static const struct query Q_PUT = { "INSERT INTO user_totp (user_id, secret_box) VALUES (?, ?)",
	NULL };
static const struct query Q_DROP = { "DELETE FROM user_totp WHERE user_id = ?", NULL };
static const struct query Q_DROP_CODES = { "DELETE FROM user_recovery WHERE user_id = ?", NULL };
static const struct query Q_TAKEN = {
	"UPDATE user_totp SET last_step = ?, confirmed_at = IF(confirmed_at = 0, ?, confirmed_at)"
	" WHERE user_id = ?",
	NULL
};
static const struct query Q_CODE_ADD = {
	"INSERT INTO user_recovery (user_id, code_sha256) VALUES (?, ?)", NULL
};
static const struct query Q_CODE_USE = {
	"UPDATE user_recovery SET used_at = ? WHERE user_id = ? AND code_sha256 = ?"
	" AND used_at = 0",
	NULL
};

void totp_key(const struct buf *from, unsigned char out[static TOTP_KEY_BYTES])
{
	static const char use[] = "yufu second factor";

	crypto_generichash(out, TOTP_KEY_BYTES, (const unsigned char *)use, sizeof(use) - 1,
		(const unsigned char *)from->text,
		from->len < crypto_generichash_KEYBYTES_MAX ? from->len
							    : crypto_generichash_KEYBYTES_MAX);
}

/* ---- the secret ---- */

static void seal(const unsigned char *key, const unsigned char secret[static SECRET_BYTES],
	char out[static 2 * BOX_BYTES + 1])
{
	unsigned char box[BOX_BYTES];

	rand_bytes(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, secret, SECRET_BYTES, box, key);
	hex_encode(box, sizeof(box), out);
}

static enum err unseal(
	const unsigned char *key, const char *text, unsigned char secret[static SECRET_BYTES])
{
	uint8_t box[BOX_BYTES];
	size_t n = 0;

	if (hex_decode(text, box, sizeof(box), &n) != ERR_OK || n != BOX_BYTES ||
		crypto_secretbox_open_easy(secret, box + crypto_secretbox_NONCEBYTES,
			BOX_BYTES - crypto_secretbox_NONCEBYTES, box, key) != 0) {
		log_error("totp=unreadable why=\"the key of tokens was changed\"");
		return ERR_INTERNAL;
	}
	return ERR_OK;
}

static enum err secret_text(
	const unsigned char secret[static SECRET_BYTES], char out[static TOTP_SECRET_TEXT_MAX])
{
	char *text = NULL;
	size_t n = 0;
	enum err e = ERR_INTERNAL;

	if (oath_base32_encode((const char *)secret, SECRET_BYTES, &text, &n) == OATH_OK &&
		str_copy(out, TOTP_SECRET_TEXT_MAX, text))
		e = ERR_OK;
	free(text);
	return e;
}

struct work {
	const struct totp_act *by;
	char box[2 * BOX_BYTES + 1];
	const char *code;
	char (*codes)[RECOVERY_CODE_MAX];
	struct problem *why;
	enum err verdict; /* an error of db_tx would undo the rest */
};

static enum err audit(struct db *db, const struct totp_act *by, const char *action)
{
	return audit_add(db,
		&(struct audit){ by->actor, by->address, action, "user", by->user_id, NULL }, NULL,
		by->now);
}

static enum err drop(struct db *db, int64_t user_id)
{
	enum err e = db_exec(db, &Q_DROP_CODES, ARGS(arg_i64(user_id)), NULL);

	return e == ERR_OK ? db_exec(db, &Q_DROP, ARGS(arg_i64(user_id)), NULL) : e;
}

static enum err begin_tx(struct db *db, void *ctx)
{
	struct work *w = ctx;
	struct totp_row row;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(w->by->user_id)), &row);

	if (e == ERR_OK && row.confirmed_at.ms)
		return problem_set(w->why, ERR_CONFLICT, "", "a second factor is in force already");
	if (e == ERR_OK || e == ERR_NOT_FOUND)
		e = drop(db, w->by->user_id);
	return e == ERR_OK
		       ? db_exec(db, &Q_PUT, ARGS(arg_i64(w->by->user_id), arg_text(w->box)), NULL)
		       : e;
}

enum err totp_begin(struct db *db, const struct totp_act *by,
	char secret[static TOTP_SECRET_TEXT_MAX], struct problem *why)
{
	unsigned char bytes[SECRET_BYTES];
	struct work w = { .by = by, .why = why };
	enum err e;

	rand_bytes(bytes, sizeof(bytes));
	seal(by->key, bytes, w.box);
	e = secret_text(bytes, secret);
	sodium_memzero(bytes, sizeof(bytes));
	return e == ERR_OK ? db_tx(db, begin_tx, &w) : e;
}

/* ---- codes ---- */

/* The step that a code is of, when it is later than the last one taken. */
static enum err code_step(const struct totp_row *row, const unsigned char *key, const char *code,
	struct utc now, int64_t *step)
{
	unsigned char secret[SECRET_BYTES];
	uint64_t counter = 0;
	int rc;
	enum err e = unseal(key, row->secret_box, secret);

	if (e != ERR_OK)
		return e;
	rc = oath_totp_validate3((const char *)secret, SECRET_BYTES, (time_t)(now.ms / 1000),
		STEP_S, 0, WINDOW, NULL, &counter, code);
	sodium_memzero(secret, sizeof(secret));
	*step = (int64_t)counter;
	return rc >= 0 && *step > row->last_step ? ERR_OK : ERR_WRONG_CODE;
}

static void recovery_sha256(int64_t user_id, const char *code, char out[static 65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[64];
	int n = snprintf(text, sizeof(text), "%lld/%.32s", (long long)user_id, code);

	crypto_hash_sha256(hash, (const unsigned char *)text, (unsigned long long)n);
	hex_encode(hash, sizeof(hash), out);
	sodium_memzero(text, sizeof(text));
}

static enum err recovery_use(struct db *db, int64_t user_id, const char *code, struct utc now)
{
	char sha[65];
	int64_t n = 0;
	enum err e;

	recovery_sha256(user_id, code, sha);
	e = db_exec(db, &Q_CODE_USE, ARGS(arg_utc(now), arg_i64(user_id), arg_text(sha)), &n);
	return e == ERR_OK && !n ? ERR_WRONG_CODE : e;
}

enum err totp_check(struct db *db, int64_t user_id, const unsigned char key[static TOTP_KEY_BYTES],
	const char *code, struct utc now)
{
	struct totp_row row;
	int64_t step = 0;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(user_id)), &row);

	ASSERT(db_in_tx(db));
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_WRONG_CODE : e;
	if (strlen(code) != 6)
		return recovery_use(db, user_id, code, now);
	e = code_step(&row, key, code, now, &step);
	return e == ERR_OK ? db_exec(db, &Q_TAKEN,
				     ARGS(arg_i64(step), arg_utc(now), arg_i64(user_id)), NULL)
			   : e;
}

static enum err codes_make(struct db *db, const struct work *w)
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < RECOVERY_CODES; i++) {
		char *code = w->codes[i], sha[65];

		for (size_t k = 0; k < RECOVERY_CODE_MAX - 1; k++)
			code[k] = k == 5 ? '-' : letters[rand_below(sizeof(letters) - 1)];
		code[RECOVERY_CODE_MAX - 1] = '\0';
		recovery_sha256(w->by->user_id, code, sha);
		e = db_exec(db, &Q_CODE_ADD, ARGS(arg_i64(w->by->user_id), arg_text(sha)), NULL);
	}
	return e;
}

static enum err confirm_tx(struct db *db, void *ctx)
{
	struct work *w = ctx;
	struct totp_row row;
	enum err e = db_one(db, &Q_LOCK, ARGS(arg_i64(w->by->user_id)), &row);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && row.confirmed_at.ms))
		return problem_set(w->why, ERR_CONFLICT, "", "no second factor waits for a code");
	if (e == ERR_OK)
		e = totp_check(db, w->by->user_id, w->by->key, w->code, w->by->now);
	if (e == ERR_WRONG_CODE)
		return problem_set(w->why, e, "code", "the code is wrong or has expired");
	if (e == ERR_OK)
		e = db_exec(db, &Q_DROP_CODES, ARGS(arg_i64(w->by->user_id)), NULL);
	if (e == ERR_OK)
		e = codes_make(db, w);
	return e == ERR_OK ? audit(db, w->by, "user.totp_on") : e;
}

enum err totp_confirm(struct db *db, const struct totp_act *by, const char *code,
	char codes[static RECOVERY_CODES][RECOVERY_CODE_MAX], struct problem *why)
{
	struct work w = { .by = by, .code = code, .codes = codes, .why = why };

	return db_tx(db, confirm_tx, &w);
}

static enum err remove_tx(struct db *db, void *ctx)
{
	const struct work *w = ctx;
	enum err e = drop(db, w->by->user_id);

	return e == ERR_OK ? audit(db, w->by, "user.totp_off") : e;
}

enum err totp_remove(struct db *db, const struct totp_act *by)
{
	return db_tx(db, remove_tx, &(struct work){ .by = by });
}

enum err totp_is_on(struct db *db, int64_t user_id, bool *out)
{
	struct id_row row;
	enum err e = db_one(db, &Q_ON, ARGS(arg_i64(user_id)), &row);

	*out = e == ERR_OK;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
