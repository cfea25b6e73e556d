/* Sessions, and the second factor of staff. */
#include "domain/session.h"

#include <string.h>

#include "domain/totp.h"
#include "fcgi/handlers.h"
#include "fcgi/users.h"

static enum err list_of(struct request *r, int64_t user_id, struct answer *a)
{
	AUTO(rows_free) struct rows rows = { 0 };
	json_t *items = json_array();
	enum err e = session_list(r->db, user_id, r->now, &rows);
	const struct session_row *s = rows.at;

	for (size_t i = 0; i < rows.n; i++)
		json_array_append_new(items,
			json_pack("{s:I, s:b, s:s, s:s, s:o, s:o}", "id", (json_int_t)s[i].id,
				"current", str_eq(s[i].family, r->family), "agent", s[i].agent,
				"address", s[i].address, "since", json_utc(s[i].since),
				"last_used_at", json_utc(s[i].used_at)));
	a->json = json_items(items);
	return e;
}

static enum err revoke(struct request *r, int64_t user_id, int64_t id, const char *keep)
{
	return session_revoke(r->db, &(struct session_revoke){ .user_id = user_id,
					     .id = id,
					     .keep = keep,
					     .actor = r->actor,
					     .address = r->remote,
					     .now = r->now });
}

enum err me_sessions(struct request *r, struct answer *a)
{
	return list_of(r, r->user.id, a);
}

enum err me_session_end(struct request *r, struct answer *a)
{
	(void)a;
	return revoke(r, r->user.id, r->object, "");
}

enum err me_sessions_end(struct request *r, struct answer *a)
{
	(void)a;
	return revoke(r, r->user.id, 0, r->family);
}

enum err user_sessions(struct request *r, struct answer *a)
{
	struct staff u;
	enum err e = staff_get(r->db, caller_site(r), r->object, &u);

	return e == ERR_OK ? list_of(r, u.id, a) : e;
}

enum err user_sessions_end(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);

	return staff_sessions_end(r->db, r->object, &by, &a->why);
}

/* ---- the second factor ---- */

static struct totp_act totp_act_of(const struct request *r)
{
	return (struct totp_act){ .user_id = r->user.id,
		.key = r->api->totp_key,
		.actor = r->actor,
		.address = r->remote,
		.now = r->now };
}

enum err me_totp_begin(struct request *r, struct answer *a)
{
	const struct totp_act by = totp_act_of(r);
	char secret[TOTP_SECRET_TEXT_MAX];
	enum err e = totp_begin(r->db, &by, secret, &a->why);

	if (e == ERR_OK)
		a->json = json_pack("{s:s, s:o}", "secret", secret, "uri",
			json_sprintf("otpauth://totp/Yufu:%s?secret=%s&issuer=Yufu",
				r->user.username, secret));
	explicit_bzero(secret, sizeof(secret));
	return e;
}

enum err me_totp_confirm(struct request *r, struct answer *a)
{
	const struct totp_act by = totp_act_of(r);
	char codes[RECOVERY_CODES][RECOVERY_CODE_MAX];
	json_t *list;
	enum err e = totp_confirm(r->db, &by, body_text(r, "code", ""), codes, &a->why);

	if (e != ERR_OK)
		return e;
	list = json_array();
	for (size_t i = 0; i < RECOVERY_CODES; i++)
		json_array_append_new(list, json_string(codes[i]));
	a->json = json_pack("{s:o}", "recovery_codes", list);
	explicit_bzero(codes, sizeof(codes));
	return ERR_OK;
}

/* Who found an open page must not take the factor away: the password is asked once more. */
enum err me_totp_remove(struct request *r, struct answer *a)
{
	const struct totp_act by = totp_act_of(r);
	enum err e =
		user_password_is(r->db, r->user.id, body_text(r, "password", ""), r->now, &a->why);

	return e == ERR_OK ? totp_remove(r->db, &by) : e;
}

enum err user_totp_remove(struct request *r, struct answer *a)
{
	const struct staff_act by = staff_act_of(r);
	struct totp_act of = totp_act_of(r);
	enum err e = staff_check(r->db, r->object, &by, &a->why);

	of.user_id = r->object;
	return e == ERR_OK ? totp_remove(r->db, &of) : e;
}
