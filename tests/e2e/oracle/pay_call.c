/* One call to a service, as the platform makes it; prints what came of it as JSON:
 *	pay_call CONFIG open CHANNEL NUMBER FEN RETURN_URL
 *	pay_call CONFIG query|close CHANNEL NUMBER
 *	pay_call CONFIG sms|sms:CHANNEL PHONE KIND PARAMS
 *	pay_call CONFIG fate:CHANNEL PHONE REF */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "notice/notice.h"
#include "pay/pay.h"

#define CALL_MS 5000

static int print(enum err e, const struct problem *why, json_t *result)
{
	json_t *all = json_pack("{s:s, s:s, s:o*}", "outcome", err_word(e), "code",
		e == ERR_OK ? "" : why->field, "result", result);
	int bad = json_dumpf(all, stdout, JSON_COMPACT);

	json_decref(all);
	return bad ? 1 : 0;
}

static enum err pay_call(const struct pay *pay, char **v, json_t **result, struct problem *why)
{
	const struct pay_channel *channel = pay_channel_find(v[3]);
	int64_t deadline = mono_ms() + CALL_MS;
	struct pay_event ev = { 0 };
	struct pay_order order = { .out_trade_no = v[4],
		.description = "A-103 好味面馆 电费充值",
		.expires_at = { (utc_now().ms / 1000 + 1800) * 1000 },
		.payer_ip = "203.0.113.7" };
	enum err e;

	if (str_eq(v[2], "close"))
		return pay_close(pay, channel->service, v[4], utc_now(), deadline, why);
	if (str_eq(v[2], "open")) {
		e = i64_parse(v[5], 1, INT64_MAX, &order.amount_fen);
		order.return_url = v[6];
		return e == ERR_OK
			       ? pay_open(pay, channel, &order, utc_now(), deadline, result, why)
			       : e;
	}
	e = pay_query(pay, channel->service, v[4], utc_now(), deadline, &ev, why);
	if (e == ERR_OK)
		*result = json_pack("{s:s, s:I}", "state", pay_state_word(ev.state), "amount_fen",
			(json_int_t)ev.amount_fen);
	return e;
}

static int fate(struct conf *conf, char **v)
{
	const struct notice_channel *c = notice_channel_find(strchr(v[2], ':') + 1);
	struct notice_message m = { .recipient = v[3], .kind = "login_code", .out_id = "n-1" };
	AUTO(notice_free) struct notice *notice = NULL;
	struct notice_delivery d = { .fate = FATE_UNKNOWN };
	struct problem why = { 0 };
	enum err e;

	if (!c || !c->look_up)
		return 2;
	notice_load(conf, &notice);
	e = c->look_up(notice, &m, v[4], utc_now(), utc_now(), mono_ms() + CALL_MS, &d, &why);
	return print(e, &why,
		json_pack("{s:i, s:s, s:s}", "fate", (int)d.fate, "code", d.code, "ref",
			d.provider_ref));
}

static int sms(struct conf *conf, char **v)
{
	const char *colon = strchr(v[2], ':');
	const struct notice_channel *c = colon ? notice_channel_find(colon + 1) : NULL;
	struct notice_message m;
	AUTO(notice_free) struct notice *notice = NULL;
	AUTO(json_free) json_t *params = json_loads(v[5], 0, NULL);
	struct problem why = { 0 };
	struct notice_result r;

	if (colon && !c)
		return 2;
	notice_load(conf, &notice);
	m = (struct notice_message){
		.recipient = v[3], .kind = v[4], .language = "zh", .params = params, .out_id = "n-1"
	};
	if (c)
		c->send(notice, &m, utc_now(), mono_ms() + CALL_MS, &r);
	else
		notice_send_sms(notice, &m, utc_now(), mono_ms() + CALL_MS, &r);
	return print(ERR_OK, &why,
		json_pack("{s:s, s:s, s:i}", "code", r.code, "ref", r.provider_ref, "outcome",
			(int)r.outcome));
}

int main(int argc, char **argv)
{
	AUTO(conf_free) struct conf *conf = NULL;
	AUTO(pay_free) struct pay *pay = NULL;
	struct problem why = { 0 };
	json_t *result = NULL;
	enum err e;

	if (argc < 5 || conf_open(argv[1], &conf, &why) != ERR_OK)
		return 2;
	if (str_starts(argv[2], "fate:"))
		return fate(conf, argv);
	if (str_eq(argv[2], "sms") || str_starts(argv[2], "sms:"))
		return argc == 6 ? sms(conf, argv) : 2;
	if (argc != (str_eq(argv[2], "open") ? 7 : 5) || !pay_channel_find(argv[3]))
		return 2;
	pay_load(conf, &pay);
	e = pay_call(pay, argv, &result, &why);
	return print(e, &why, result);
}
