/* Short messages by a GSM modem of one's own: gammu-smsd sends what stands in its database. It has
 * no templates, so that the whole text is made here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/notice_words.h"
#include "notice/channel.h"
#include "notice/gammu.h"
#include "notice/own_text.h"

#define SECTION "gammu"
#define LOGIN_CODE "login_code"
/* TP-VP: 5 minutes times v + 1 to 143, then half hours above 12 hours. */
#define VALID_5_MINUTES 0
#define VALID_24_HOURS 167
#define PRIORITY_CODE 10

void gammu_free(struct gammu **g)
{
	if (!*g)
		return;
	OPENSSL_cleanse(&(*g)->db, sizeof((*g)->db));
	free(*g);
	*g = NULL;
}

static enum err take_text(
	struct conf *conf, const char *key, char *dst, size_t size, struct problem *why)
{
	if (!str_copy(dst, size, conf_text(conf, SECTION, key, "")))
		return problem_set(
			why, ERR_NOT_CONFIGURED, key, "[" SECTION "] %s is too long", key);
	return ERR_OK;
}

static enum err take_rules(struct conf *conf, struct gammu *g, struct problem *why)
{
	int64_t report = 1;
	enum err e = take_text(conf, "sign_name", g->sign_name, sizeof(g->sign_name), why);

	if (e == ERR_OK)
		e = take_text(conf, "phone_id", g->phone_id, sizeof(g->phone_id), why);
	if (e == ERR_OK)
		e = conf_int(conf, SECTION, "report", 0, 1, 1, &report, why);
	if (e == ERR_OK)
		e = conf_int(conf, SECTION, "alive_s", 15, 3600, 120, &g->alive_s, why);
	g->report = report != 0;
	return e;
}

/* The database server is that of [database]; the user may be another one. */
static enum err take_database(struct conf *conf, struct gammu *g, struct problem *why)
{
	AUTO(buf_wipe) struct buf password = { 0 };
	enum err e = db_settings_read(conf, &g->db, why);

	if (e == ERR_OK)
		e = take_text(conf, "database", g->db.name, sizeof(g->db.name), why);
	if (e != ERR_OK || !conf_text(conf, SECTION, "user", "")[0])
		return e;
	e = take_text(conf, "user", g->db.user, sizeof(g->db.user), why);
	if (e != ERR_OK)
		return e;
	e = conf_secret(conf, SECTION, "password", &password);
	if ((e != ERR_OK && e != ERR_NOT_CONFIGURED) ||
		!str_copy(
			g->db.password, sizeof(g->db.password), password.len ? password.text : ""))
		return problem_set(why, ERR_NOT_CONFIGURED, "password",
			"[" SECTION "] password_file is not readable");
	return ERR_OK;
}

enum err gammu_load(struct conf *conf, struct gammu **out, struct problem *why)
{
	AUTO(gammu_free) struct gammu *g = NULL;
	enum err e;

	if (!conf_text(conf, SECTION, "database", "")[0])
		return problem_set(why, ERR_NOT_CONFIGURED, "", "[" SECTION "] is not set up");
	g = calloc(1, sizeof(*g));
	ASSERT(g);
	e = take_database(conf, g, why);
	if (e == ERR_OK)
		e = take_rules(conf, g, why);
	if (e != ERR_OK)
		return e;
	*out = g;
	g = NULL;
	return ERR_OK;
}

const struct problem *gammu_off(const struct notice *n)
{
	return n->gammu ? NULL : &n->gammu_off;
}

bool gammu_serves(const struct notice *n, const char *kind, const char *language)
{
	(void)language; /* each text is there in both */
	return n->gammu && notice_kind_find(kind) && notice_words_find(kind);
}

bool gammu_how(
	const struct notice *n, const char *kind, const char *language, struct notice_how *out)
{
	*out = (struct notice_how){ .language = "" };
	return gammu_serves(n, kind, language) &&
	       str_copy(out->language, sizeof(out->language),
		       notice_language_of(language) == NOTICE_EN ? "en" : "zh") &&
	       str_copy(out->sign, sizeof(out->sign), n->gammu->sign_name);
}

/* ---- the message ---- */

/* A mainland mobile number, as it is written everywhere, so that reports match: +86 and 11 digits.
 */
#define NUMBER_MAX 16
static bool number_of(const char *phone, char out[static NUMBER_MAX])
{
	if (strlen(phone) != 11 || strspn(phone, "0123456789") != 11 || phone[0] != '1' ||
		phone[1] < '3')
		return false;
	snprintf(out, NUMBER_MAX, "+86%s", phone);
	return true;
}

static void set(
	struct notice_result *out, enum notice_outcome outcome, bool retry, const char *code)
{
	*out = (struct notice_result){ .outcome = outcome, .retry = retry };
	snprintf(out->code, sizeof(out->code), "%s", code);
}

/* What a try to queue came to. */
static void judge(enum err e, int64_t id, struct notice_result *out)
{
	if (e == ERR_OK) {
		set(out, NOTICE_DONE, false, "queued");
		snprintf(out->provider_ref, sizeof(out->provider_ref), "%" PRId64, id);
	} else if (e == ERR_UNKNOWN) {
		set(out, NOTICE_UNKNOWN, false, "unknown");
	} else {
		set(out, NOTICE_REFUSED, true,
			e == ERR_UNAVAILABLE ? "no_connection" : "provider_down");
	}
}

void gammu_send(const struct notice *n, const struct notice_message *m, struct utc now,
	int64_t deadline_ms, struct notice_result *out)
{
	static const char *const words[] = { "done", "refused", "unknown" };
	const struct gammu *g = n->gammu;
	AUTO(buf_free) struct buf text = { 0 };
	bool is_code = str_eq(m->kind, LOGIN_CODE);
	struct sms_text parts;
	char to[NUMBER_MAX];
	int64_t id = 0;
	enum err e;

	(void)now;
	(void)deadline_ms; /* a statement waits 5 s for a lock at most */
	if (!gammu_serves(n, m->kind, m->language)) {
		set(out, NOTICE_REFUSED, false, "not_configured");
		return;
	}
	if (!number_of(m->recipient, to)) {
		set(out, NOTICE_REFUSED, false, "bad_phone");
		return;
	}
	if (!m->out_id || !m->out_id[0] ||
		!own_text(m->kind, m->language, m->params, g->sign_name, &text) ||
		!own_text_parts(&text, &parts)) {
		set(out, NOTICE_REFUSED, false, "bad_params");
		return;
	}
	e = gammu_queue(g,
		&(struct gammu_message){ .text = &parts,
			.to = to,
			.out_id = m->out_id,
			.priority = is_code ? PRIORITY_CODE : 0,
			.validity = is_code ? VALID_5_MINUTES : VALID_24_HOURS },
		&id);
	judge(e, id, out);
	log_info("event=modem_queue kind=%s parts=%zu outcome=%s code=%s", m->kind, parts.n,
		words[out->outcome], out->code);
}

enum err gammu_look_up(const struct notice *n, const struct notice_message *m, const char *ref,
	struct utc sent_at, struct utc now, int64_t deadline_ms, struct notice_delivery *out,
	struct problem *why)
{
	char to[NUMBER_MAX];
	int64_t id = 0;

	(void)sent_at;
	(void)now;
	(void)deadline_ms;
	*out = (struct notice_delivery){ .fate = FATE_NEVER_SENT };
	if (!n->gammu)
		return problem_set(why, ERR_NOT_CONFIGURED, "gammu", "[" SECTION "] is not set up");
	if (!number_of(m->recipient, to))
		return ERR_OK;
	if (!m->out_id || !m->out_id[0] || (ref[0] && i64_parse(ref, 1, UINT32_MAX, &id) != ERR_OK))
		return problem_set(why, ERR_BAD_VALUE, "ref", "not a number of this queue");
	if (!str_copy(out->out_id, sizeof(out->out_id), m->out_id) ||
		!str_copy(out->recipient, sizeof(out->recipient), m->recipient))
		return problem_set(why, ERR_OUT_OF_RANGE, "out_id", "too long");
	if (gammu_fate(n->gammu, to, m->out_id, id, out) != ERR_OK)
		return problem_set(why, ERR_UNKNOWN, "gammu", "the queue does not answer");
	return ERR_OK;
}
