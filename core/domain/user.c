#include "domain/user.h"

#include <semaphore.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/rand.h"
#include "domain/audit.h"
#include "domain/outbox.h"
#include "domain/totp.h"

#define HASH_PASSES 2
#define HASH_BYTES (19456UL * 1024)
#define HASHES_AT_ONCE 4
#define FREE_FAILURES 5
#define CODE_TRIES 5
#define CODE_DAY_MS (INT64_C(24) * 3600 * 1000)

SHAPE(user_shape, struct user, FIELD(struct user, id), FIELD(struct user, username),
	FIELD(struct user, kind), FIELD(struct user, name), FIELD(struct user, phone),
	FIELD(struct user, role), FIELD(struct user, site_id), FIELD(struct user, in_areas),
	FIELD(struct user, disabled), FIELD(struct user, password_old),
	FIELD(struct user, may));

#define USER_COLUMNS                                                                               \
	"SELECT u.id, u.username, u.kind, u.name, u.phone, COALESCE(r.code, '') AS role,"          \
	" COALESCE(u.site_id, 0) AS site_id, EXISTS (SELECT 1 FROM user_area ua"                   \
	" WHERE ua.user_id = u.id) AS in_areas, u.disabled, u.password_old,"
#define USER_TABLES " FROM user u LEFT JOIN role r ON r.id = u.role_id"

static const struct query Q_GET = { USER_COLUMNS " 0 AS may" USER_TABLES " WHERE u.id = ?",
	&user_shape };
static const struct query Q_CHECK = { USER_COLUMNS
	" ? = '' OR EXISTS (SELECT 1 FROM role_permission p WHERE p.role_id = u.role_id"
	" AND p.permission = ?) AS may" USER_TABLES " WHERE u.id = ? AND NOT u.disabled AND EXISTS"
	" (SELECT 1 FROM session s WHERE s.family = ? AND s.user_id = u.id"
	" AND s.revoked_at = 0)",
	&user_shape };
static const struct query Q_CHECK_SERVICE = { USER_COLUMNS
	" ? = '' OR EXISTS (SELECT 1 FROM role_permission p WHERE p.role_id = u.role_id"
	" AND p.permission = ?) AS may" USER_TABLES " WHERE u.id = ? AND NOT u.disabled"
	" AND u.kind = 'service'",
	&user_shape };

struct secret {
	int64_t id;
	char username[257];
	char password_hash[PASSWORD_HASH_MAX + 1];
	bool disabled;
	int64_t failures;
	struct utc locked_until;
};
SHAPE(secret_shape, struct secret, FIELD(struct secret, id), FIELD(struct secret, username),
	FIELD(struct secret, password_hash), FIELD(struct secret, disabled), FIELD(struct secret, failures),
	FIELD(struct secret, locked_until));
#define SECRET "SELECT id, username, password_hash, disabled, failures, locked_until FROM user WHERE "
static const struct query Q_SECRET = { SECRET "username = ?", &secret_shape };
static const struct query Q_SECRET_OF = { SECRET "id = ?", &secret_shape };
/* Assignments run from left to right: the second sees the new count. */
static const struct query Q_FAILED = {
	"UPDATE user SET failures = failures + 1, locked_until = IF(failures >= ?,"
	" ? + LEAST(3600000, 30000 << LEAST(failures - ?, 7)), locked_until) WHERE id = ?",
	NULL
};
static const struct query Q_SUCCEEDED = {
	"UPDATE user SET failures = 0, locked_until = 0 WHERE id = ? AND failures > 0", NULL
};
/* With a second factor the password alone is no success. */
static const struct query Q_PASSWORD_RIGHT = {
	"UPDATE user SET failures = 0, locked_until = 0 WHERE id = ? AND failures > 0 AND NOT EXISTS"
	" (SELECT 1 FROM user_totp t WHERE t.user_id = user.id AND t.confirmed_at > 0)",
	NULL
};

/* At most four hashes at a time: 76 MiB, and the other threads keep a processor. */
static sem_t hash_places;
__attribute__((constructor)) static void hash_places_open(void)
{
	ASSERT(sem_init(&hash_places, 0, HASHES_AT_ONCE) == 0);
	ASSERT(sodium_init() >= 0);
}

enum err password_hash(const char *password, char out[static PASSWORD_HASH_MAX])
{
	_Static_assert(crypto_pwhash_STRBYTES <= PASSWORD_HASH_MAX, "room for the hash");

	if (strlen(password) > PASSWORD_MAX)
		return ERR_TOO_LARGE;
	if (crypto_pwhash_str_alg(out, password, strlen(password), HASH_PASSES, HASH_BYTES,
		    crypto_pwhash_ALG_ARGON2ID13) != 0)
		return ERR_UNAVAILABLE;
	return ERR_OK;
}

/* An unknown user costs the same time: the password is hashed against nothing. */
static enum err password_check(const char *hash, const char *password)
{
	char dummy[PASSWORD_HASH_MAX];
	enum err e;

	if (sem_trywait(&hash_places) != 0)
		return ERR_UNAVAILABLE;
	if (!hash[0]) {
		e = password_hash(password, dummy);
		if (e == ERR_OK)
			e = ERR_WRONG_PASSWORD;
	} else {
		e = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0
			    ? ERR_OK
			    : ERR_WRONG_PASSWORD;
	}
	sem_post(&hash_places);
	return e;
}

static enum err login_failed(struct db *db, const struct secret *s, struct utc now)
{
	enum err e = ERR_OK;

	if (s->id)
		e = db_exec(db, &Q_FAILED,
			ARGS(arg_i64(FREE_FAILURES), arg_utc(now), arg_i64(FREE_FAILURES),
				arg_i64(s->id)),
			NULL);
	return e == ERR_OK ? ERR_WRONG_PASSWORD : e;
}

/* Is it the password of this user (id 0: of nobody)? Wrong ones are counted. */
static enum err secret_check(
	struct db *db, const struct secret *s, const char *password, struct utc now)
{
	enum err e;

	if (strlen(password) > PASSWORD_MAX)
		return ERR_WRONG_PASSWORD;
	if (s->locked_until.ms > now.ms)
		return ERR_LOCKED;
	e = password_check(s->password_hash, password);
	if (e == ERR_OK && s->disabled)
		return ERR_WRONG_PASSWORD;
	return e == ERR_WRONG_PASSWORD ? login_failed(db, s, now) : e;
}

enum err user_login(
	struct db *db, const char *username, const char *password, struct utc now, struct user *out)
{
	struct secret s = { 0 };
	enum err e = db_one(db, &Q_SECRET, ARGS(arg_text(username)), &s);

	if (e == ERR_OK || e == ERR_NOT_FOUND)
		e = secret_check(db, &s, password, now);
	if (e == ERR_OK && s.failures > 0)
		e = db_exec(db, &Q_PASSWORD_RIGHT, ARGS(arg_i64(s.id)), NULL);
	return e == ERR_OK ? user_get(db, s.id, out) : e;
}

/* ---- a password of one's own ---- */

static const struct query Q_PASSWORD = {
	"UPDATE user SET password_hash = ?, password_old = 0, password_at = ?, failures = 0"
	" WHERE id = ?",
	NULL
};
static const struct query Q_END_OTHERS = {
	"UPDATE session SET revoked_at = ? WHERE user_id = ? AND family <> ? AND revoked_at = 0",
	NULL
};

enum err user_password_is(struct db *db, int64_t id, const char *password, struct utc now,
	struct problem *why)
{
	struct secret s = { 0 };
	enum err e = db_one(db, &Q_SECRET_OF, ARGS(arg_i64(id)), &s);

	if (e == ERR_OK)
		e = secret_check(db, &s, password, now);
	return e == ERR_WRONG_PASSWORD
		       ? problem_set(why, e, "password", "this is not your password")
		       : e;
}

struct changing {
	const struct password_change *c;
	char hash[PASSWORD_HASH_MAX];
};

static enum err change_tx(struct db *db, void *ctx)
{
	const struct changing *g = ctx;
	const struct password_change *c = g->c;
	enum err e = db_exec(db, &Q_PASSWORD,
		ARGS(arg_text(g->hash), arg_utc(c->now), arg_i64(c->user_id)), NULL);

	if (e == ERR_OK)
		e = db_exec(db, &Q_END_OTHERS,
			ARGS(arg_utc(c->now), arg_i64(c->user_id), arg_text(c->family)), NULL);
	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ c->actor, c->address, "user.password",
					     "user", c->user_id, NULL },
				     NULL, c->now)
			   : e;
}

enum err user_password_change(struct db *db, const struct password_change *c, struct problem *why)
{
	struct changing g = { .c = c };
	struct secret s = { 0 };
	enum err e = db_one(db, &Q_SECRET_OF, ARGS(arg_i64(c->user_id)), &s);

	if (e == ERR_OK)
		e = secret_check(db, &s, c->old_password, c->now);
	if (e == ERR_WRONG_PASSWORD)
		return problem_set(why, e, "old_password", "this is not your password");
	if (e == ERR_OK)
		e = password_rules(c->new_password, s.username, "new_password", why);
	if (e == ERR_OK && str_eq(c->old_password, c->new_password))
		return problem_set(why, ERR_BAD_VALUE, "new_password", "this is the old one");
	if (e == ERR_OK)
		e = password_hash(c->new_password, g.hash);
	return e == ERR_OK ? db_tx(db, change_tx, &g) : e;
}

void password_make(char out[static PASSWORD_MADE_MAX])
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";

	for (size_t i = 0; i < PASSWORD_MADE_MAX - 1; i++)
		out[i] = letters[rand_below(sizeof(letters) - 1)];
	out[PASSWORD_MADE_MAX - 1] = '\0';
}

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

enum err user_get(struct db *db, int64_t id, struct user *out)
{
	return db_one(db, &Q_GET, ARGS(arg_i64(id)), out);
}

enum err user_check(
	struct db *db, int64_t id, const char *family, const char *permission, struct user *out)
{
	enum err e = db_one(db, &Q_CHECK,
		ARGS(arg_text(permission), arg_text(permission), arg_i64(id), arg_text(family)),
		out);

	return e == ERR_NOT_FOUND ? ERR_UNAUTHORIZED : e;
}

enum err user_check_service(
	struct db *db, int64_t id, const char *permission, struct user *out)
{
	enum err e = db_one(db, &Q_CHECK_SERVICE,
		ARGS(arg_text(permission), arg_text(permission), arg_i64(id)), out);

	return e == ERR_NOT_FOUND ? ERR_UNAUTHORIZED : e;
}

struct factor {
	int64_t user_id;
	const unsigned char *key;
	const char *code;
	struct utc now;
};

static enum err factor_tx(struct db *db, void *ctx)
{
	const struct factor *f = ctx;
	enum err e = totp_check(db, f->user_id, f->key, f->code, f->now);

	return e == ERR_OK ? db_exec(db, &Q_SUCCEEDED, ARGS(arg_i64(f->user_id)), NULL) : e;
}

enum err user_second_factor(struct db *db, int64_t id, const unsigned char *key, const char *code,
	struct utc now)
{
	bool on = false;
	enum err e = totp_is_on(db, id, &on);

	if (e != ERR_OK || !on)
		return e;
	if (!code[0])
		return ERR_CODE_REQUIRED;
	e = db_tx(db, factor_tx, &(struct factor){ id, key, code, now });
	if (e != ERR_WRONG_CODE)
		return e;
	e = login_failed(db, &(struct secret){ .id = id }, now);
	return e == ERR_WRONG_PASSWORD ? ERR_WRONG_CODE : e;
}

SHAPE(permission_shape, struct permission, FIELD(struct permission, permission));
static const struct query Q_PERMISSIONS = {
	"SELECT p.permission FROM role_permission p JOIN user u ON u.role_id = p.role_id"
	" WHERE u.id = ? ORDER BY p.permission",
	&permission_shape
};

enum err user_permissions(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_PERMISSIONS, ARGS(arg_i64(id)), out);
}

SHAPE(area_shape, struct user_area, FIELD(struct user_area, id), FIELD(struct user_area, code),
	FIELD(struct user_area, name));
static const struct query Q_AREAS = {
	"SELECT a.id, a.code, a.name FROM user_area ua JOIN area a ON a.id = ua.area_id"
	" WHERE ua.user_id = ? ORDER BY a.id",
	&area_shape
};

enum err user_areas(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_AREAS, ARGS(arg_i64(id)), out);
}

static const struct field user_tenant_fields[] = { FIELD(struct user_tenant, id),
	FIELD(struct user_tenant, code), FIELD(struct user_tenant, name),
	FIELD(struct user_tenant, room), FIELD(struct user_tenant, site_id) };
const struct shape user_tenant_shape = { .fields = user_tenant_fields,
	.n = ARRAY_LEN(user_tenant_fields),
	.size = sizeof(struct user_tenant) };
static const struct query Q_TENANTS = {
	"SELECT t.id, t.code, t.name, t.room, t.site_id FROM user_tenant ut"
	" JOIN tenant t ON t.id = ut.tenant_id WHERE ut.user_id = ? ORDER BY t.id",
	&user_tenant_shape
};

enum err user_tenants(struct db *db, int64_t id, struct rows *out)
{
	return db_list(db, &Q_TENANTS, ARGS(arg_i64(id)), out);
}

SHAPE(site_shape, struct site, FIELD(struct site, id), FIELD(struct site, code),
	FIELD(struct site, name), FIELD(struct site, zone));
static const struct query Q_SITE_STAFF = {
	"SELECT id, code, name, zone FROM site WHERE ? IN (0, id)", &site_shape
};
static const struct query Q_SITE_TENANT = {
	"SELECT s.id, s.code, s.name, s.zone FROM user_tenant ut JOIN tenant t ON t.id = "
	"ut.tenant_id"
	" JOIN site s ON s.id = t.site_id WHERE ut.user_id = ? ORDER BY t.id",
	&site_shape
};

enum err user_site(struct db *db, const struct user *u, struct site *out)
{
	AUTO(rows_free) struct rows r = { 0 };
	bool staff = str_eq(u->kind, "staff");
	enum err e = staff ? db_list(db, &Q_SITE_STAFF, ARGS(arg_i64(u->site_id)), &r)
			   : db_list(db, &Q_SITE_TENANT, ARGS(arg_i64(u->id)), &r);

	if (e != ERR_OK)
		return e;
	if (r.n == 0 || (staff && r.n > 1))
		return ERR_NOT_FOUND;
	*out = *(const struct site *)r.at;
	return ERR_OK;
}
