/* One call to the GSM modem's channel, as the worker makes it; prints what came of it as JSON:
 *	modem_call CONFIG send PHONE KIND LANGUAGE OUT_ID PARAMS
 *	modem_call CONFIG look_up PHONE KIND LANGUAGE OUT_ID REF */
#include <stdio.h>

#include "base/log.h"
#include "db/db.h"
#include "notice/notice.h"

#define CALL_MS 5000

static json_t *send_it(const struct notice *n, const struct notice_message *m)
{
	static const char *const words[] = { "done", "refused", "unknown" };
	struct notice_result r;

	notice_channel_find("gammu")->send(n, m, utc_now(), mono_ms() + CALL_MS, &r);
	return json_pack("{s:s, s:s, s:s, s:b}", "outcome", words[r.outcome], "code", r.code, "ref",
		r.provider_ref, "retry", r.retry);
}

static json_t *look_up(const struct notice *n, const struct notice_message *m, const char *ref)
{
	static const char *const words[] = { "unknown", "waiting", "delivered", "failed",
		"never_sent" };
	struct notice_delivery d = { 0 };
	struct problem why = { 0 };
	enum err e = notice_channel_find("gammu")->look_up(
		n, m, ref, utc_now(), utc_now(), mono_ms() + CALL_MS, &d, &why);

	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "result", err_word(e), "fate", words[d.fate],
		"code", d.code, "ref", d.provider_ref, "at", json_utc(d.at));
}

int main(int argc, char **argv)
{
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(notice_free) struct notice *notice = NULL;
	AUTO(json_free) json_t *params = NULL;
	AUTO(json_free) json_t *answer = NULL;
	struct problem why = { 0 };
	struct notice_message m = { 0 };

	if (argc != 8 || conf_open(argv[1], &conf, &why) != ERR_OK)
		return 2;
	log_open("modem_call", LOG_LEVEL_INFO);
	db_library_open();
	notice_load(conf, &notice);
	params = json_loads(argv[7], 0, NULL);
	m = (struct notice_message){ .recipient = argv[3],
		.kind = argv[4],
		.language = argv[5],
		.out_id = argv[6],
		.params = params };
	answer = str_eq(argv[2], "send") ? send_it(notice, &m) : look_up(notice, &m, argv[7]);
	return json_dumpf(answer, stdout, JSON_COMPACT) ? 1 : 0;
}
