/* Login codes of tenants, sent to their phones. */
#include <sodium.h>
#include <stdio.h>

#include "base/rand.h"
#include "domain/outbox.h"
#include "domain/user.h"

#define CODE_TRIES 5
#define CODE_DAY_MS (INT64_C(24) * 3600 * 1000)

struct code_row {
	char code_sha256[65];
	struct utc created_at;
	struct utc expires_at;
	int64_t tries;
};
SHAPE(code_shape, struct code_row, FIELD(struct code_row, code_sha256),
	FIELD(struct code_row, created_at), FIELD(struct code_row, expires_at),
	FIELD(struct code_row, tries));
static const struct query Q_CODE = { "SELECT code_sha256, created_at, expires_at, tries FROM "
				     "sms_code WHERE phone = ? FOR UPDATE",
	&code_shape };
static const struct query Q_CODE_PUT = {
	"INSERT INTO sms_code (phone, code_sha256, created_at, expires_at, tries)"
	" VALUES (?, ?, ?, ?, 0) ON DUPLICATE KEY UPDATE code_sha256 = VALUES(code_sha256),"
	" created_at = VALUES(created_at), expires_at = VALUES(expires_at), tries = 0",
	NULL
};
static const struct query Q_CODE_TRIED = { "UPDATE sms_code SET tries = tries + 1 WHERE phone = ?",
	NULL };
static const struct query Q_CODE_SPENT = { "UPDATE sms_code SET expires_at = 0 WHERE phone = ?",
	NULL };

static const struct query Q_BY_PHONE = {
	"SELECT id FROM user WHERE username = ? AND kind = 'tenant' AND NOT disabled", &id_shape
};

static void code_sha256(const char *phone, const char *code, char out[static 65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[64];
	int n = snprintf(text, sizeof(text), "%s/%s", phone, code);

	crypto_hash_sha256(hash, (const unsigned char *)text, (unsigned long long)n);
	hex_encode(hash, sizeof(hash), out);
	sodium_memzero(text, sizeof(text));
}

static const struct query Q_ASKED_PHONE = { "SELECT COUNT(*) AS id FROM sms_code_asked WHERE phone"
					    " = ? AND at > ?",
	&id_shape };
static const struct query Q_ASKED_ADDRESS = {
	"SELECT COUNT(*) AS id FROM sms_code_asked WHERE address = ? AND at > ?", &id_shape
};
static const struct query Q_CODE_LOCK = {
	"INSERT INTO sms_code (phone, code_sha256, created_at, expires_at) VALUES (?, '', ?, 0)"
	" ON DUPLICATE KEY UPDATE tries = tries",
	NULL
};
static const struct query Q_ASKED = {
	"INSERT INTO sms_code_asked (phone, address, at) VALUES (?, ?, ?)", NULL
};
static const struct query Q_PURGE_CODES = { "DELETE FROM sms_code WHERE created_at < ? LIMIT 5000",
	NULL };
static const struct query Q_PURGE_ASKED = { "DELETE FROM sms_code_asked WHERE at < ? LIMIT 5000",
	NULL };

static const struct {
	int64_t window_ms, phone, address;
} code_limits[] = {
	{ SMS_CODE_PAUSE_MS, 1, 10 },
	{ INT64_C(3600) * 1000, 5, 60 },
	{ CODE_DAY_MS, 10, 300 },
};

struct code_job {
	const char *phone;
	const char *address;
	const char *code;
	struct utc now;
	int64_t user_id;
	enum err verdict; /* an error of db_tx would undo the count of tries */
};

static enum err post_code(struct db *db, const struct code_job *j)
{
	struct outbox_new o = { .recipient = j->phone,
		.template = "login_code",
		.not_before = j->now,
		.expires_at = { j->now.ms + SMS_CODE_LIFE_MS } };
	char once[128], params[64];

	snprintf(once, sizeof(once), "login_code:%s:%lld", j->phone, (long long)j->now.ms);
	snprintf(params, sizeof(params), "{\"code\":\"%s\"}", j->code);
	o.once_key = once;
	o.params = params;
	return outbox_add(db, &o, j->now);
}

/* An address that is not known (a test, a socket) is not limited. */
static enum err limit_codes(struct db *db, const struct code_job *j)
{
	for (size_t i = 0; i < ARRAY_LEN(code_limits); i++) {
		struct arg from = arg_i64(j->now.ms - code_limits[i].window_ms);
		struct id_row phone = { 0 }, address = { 0 };
		enum err e = db_one(db, &Q_ASKED_PHONE, ARGS(arg_text(j->phone), from), &phone);

		if (e == ERR_OK && j->address[0])
			e = db_one(
				db, &Q_ASKED_ADDRESS, ARGS(arg_text(j->address), from), &address);
		if (e != ERR_OK)
			return e;
		if (phone.id >= code_limits[i].phone || address.id >= code_limits[i].address)
			return ERR_TOO_MANY;
	}
	return db_exec(db, &Q_ASKED,
		ARGS(arg_text(j->phone), arg_text(j->address), arg_utc(j->now)), NULL);
}

static enum err send_code_tx(struct db *db, void *ctx)
{
	struct code_job *j = ctx;
	struct id_row user;
	char sha[65];
	/* locks the phone, so that requests at the same time are counted one after the other */
	enum err e = db_exec(db, &Q_CODE_LOCK, ARGS(arg_text(j->phone), arg_utc(j->now)), NULL);

	if (e == ERR_OK)
		e = limit_codes(db, j);
	if (e != ERR_OK)
		return e;
	code_sha256(j->phone, j->code, sha);
	e = db_exec(db, &Q_CODE_PUT,
		ARGS(arg_text(j->phone), arg_text(sha), arg_utc(j->now),
			arg_i64(j->now.ms + SMS_CODE_LIFE_MS)),
		NULL);
	if (e != ERR_OK)
		return e;
	e = db_one(db, &Q_BY_PHONE, ARGS(arg_text(j->phone)), &user);
	if (e == ERR_NOT_FOUND)
		return ERR_OK; /* nobody learns which phones are known */
	return e == ERR_OK ? post_code(db, j) : e;
}

enum err user_codes_purge(struct db *db, struct utc now)
{
	struct arg before = arg_i64(now.ms - CODE_DAY_MS);
	enum err e = db_exec(db, &Q_PURGE_CODES, ARGS(before), NULL);

	return e == ERR_OK ? db_exec(db, &Q_PURGE_ASKED, ARGS(before), NULL) : e;
}

enum err user_send_code(struct db *db, const char *phone, const char *address, struct utc now)
{
	char code[8];
	struct code_job j = { .phone = phone, .address = address, .code = code, .now = now };
	enum err e;

	snprintf(code, sizeof(code), "%06u", (unsigned)rand_below(1000000));
	e = db_tx(db, send_code_tx, &j);
	sodium_memzero(code, sizeof(code));
	return e;
}

static enum err login_code_tx(struct db *db, void *ctx)
{
	struct code_job *j = ctx;
	struct code_row c;
	struct id_row user;
	char sha[65];
	enum err e = db_one(db, &Q_CODE, ARGS(arg_text(j->phone)), &c);

	j->verdict = ERR_WRONG_CODE;
	if (e != ERR_OK || c.expires_at.ms <= j->now.ms || c.tries >= CODE_TRIES)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	code_sha256(j->phone, j->code, sha);
	if (sodium_memcmp(sha, c.code_sha256, 64) != 0)
		return db_exec(db, &Q_CODE_TRIED, ARGS(arg_text(j->phone)), NULL);
	e = db_exec(db, &Q_CODE_SPENT, ARGS(arg_text(j->phone)), NULL);
	if (e == ERR_OK)
		e = db_one(db, &Q_BY_PHONE, ARGS(arg_text(j->phone)), &user);
	if (e != ERR_OK)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	j->user_id = user.id;
	j->verdict = ERR_OK;
	return ERR_OK;
}

enum err user_login_code(
	struct db *db, const char *phone, const char *code, struct utc now, struct user *out)
{
	struct code_job j = { .phone = phone, .code = code, .now = now };
	enum err e = db_tx(db, login_code_tx, &j);

	if (e == ERR_OK)
		e = j.verdict;
	return e == ERR_OK ? user_get(db, j.user_id, out) : e;
}
