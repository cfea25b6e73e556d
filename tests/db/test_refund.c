/* Refunds through a payment service: what the worker does by the domain, with a service played by
 * hand. Nothing goes back twice, nothing is lost, and after each story everything ties. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "ctl/verify.h"
#include "domain/order.h"
#include "domain/refundwork.h"
#include "domain/role.h"
#include "domain/unmatched.h"
#include "shop_fixture.h"

#define FEN(n) ((int64_t)(n)*NANO_PER_FEN)
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (INT64_C(24) * HOUR)

static struct utc now = { SHOP_T0 };
static struct db *api, *worker;
static int shops, keys;

struct story { /* a shop, and an order that it paid */
	struct shop shop;
	int64_t user;
	struct order order;
};

static const char *key(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "test:%d", ++keys);
	return text;
}

static struct order paid(int64_t account, const char *service, int64_t fen)
{
	char channel[32], transaction[32];
	struct order_new n = { .account_id = account,
		.amount_fen = fen,
		.channel = channel,
		.service = service,
		.payer_address = "" };
	enum credit_outcome outcome;
	struct problem why = { 0 };
	struct order o;
	struct payment p = {
		.service = service, .amount_fen = fen, .currency = "CNY", .paid_at = now
	};

	snprintf(channel, sizeof(channel), "%s_%s", service,
		str_eq(service, "wechat") ? "native" : "wap");
	snprintf(transaction, sizeof(transaction), "t%d", ++keys);
	assert_int_equal(order_create(api, &n, now, &o, &why), ERR_OK);
	p.out_trade_no = o.out_trade_no;
	p.transaction_id = transaction;
	assert_int_equal(order_credit(api, &p, "notify", now, &outcome), ERR_OK);
	assert_int_equal(outcome, CREDIT_DONE);
	assert_int_equal(order_get(api, o.id, &o), ERR_OK);
	return o;
}

static struct story story_make(struct db *db, const char *service, int64_t fen)
{
	struct story s = { .shop = shop_make(db, ++shops) };

	now.ms += DAY; /* what was left of the story before does not meddle */
	shop_set(db, "UPDATE refund SET ask_at = IF(ask_at > 0, 9000000000000, 0)");
	shop_set(db, "UPDATE alarm SET open_key = NULL");
	shop_set(db, "UPDATE account SET balance_nano = 0 WHERE id = %lld",
		(long long)s.shop.account);
	shop_set(db,
		"INSERT INTO user (username, kind, role_id) SELECT 'finance%d', 'staff', id FROM"
		" role WHERE code = 'finance'",
		shops);
	s.user = shop_number(db, "SELECT LAST_INSERT_ID() AS v", 0);
	s.order = paid(s.shop.account, service, fen);
	return s;
}

static int64_t balance(struct db *db, const struct story *s)
{
	return shop_number(
		db, "SELECT balance_nano AS v FROM account WHERE id = %lld", s->shop.account);
}

static void ties(struct db *db)
{
	AUTO(json_free) json_t *findings = json_array();

	assert_int_equal(verify_run(db, findings), ERR_OK);
	if (json_array_size(findings))
		fail_msg("%s", json_dumps(findings, JSON_INDENT(1)));
}

static int64_t alarms(struct db *db, const char *kind)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		"SELECT COUNT(*) AS v FROM alarm WHERE open_key IS NOT NULL AND kind = '%s'", kind);
	return shop_number(db, sql, 0);
}

static struct refund_new part_of(const struct story *s, int64_t fen)
{
	return (struct refund_new){ .order_id = s->order.id,
		.user_id = s->user,
		.actor = "user:1",
		.address = "",
		.amount_fen = fen,
		.method = "service",
		.reason = "paid too much",
		.once_key = key() };
}

static struct refund refund(const struct story *s, int64_t fen)
{
	struct refund_new n = part_of(s, fen);
	struct problem why = { 0 };
	int64_t approval = 0;
	struct refund f;

	assert_int_equal(refund_create(api, &n, now, &f, &approval, &why), ERR_OK);
	assert_int_equal(approval, 0);
	assert_string_equal(f.state, "requested");
	return f;
}

static struct refund read_back(int64_t id)
{
	struct refund f;

	assert_int_equal(refund_get(api, 0, id, &f), ERR_OK);
	return f;
}

static enum told_outcome tell(const struct story *s, const struct refund *f, enum refund_word word)
{
	struct refund_told t = { .service = s->order.service,
		.out_refund_no = f->out_refund_no,
		.out_trade_no = s->order.out_trade_no,
		.refund_id = "500",
		.word = word,
		.amount_fen = f->amount_fen,
		.via = "query" };
	enum told_outcome outcome;

	assert_int_equal(refund_told(worker, &t, now, &outcome), ERR_OK);
	return outcome;
}

/* The worker takes it up; ERR_NOT_FOUND: it is not due. */
static enum err claim(const struct story *s, struct refund_work *out)
{
	return refund_claim(worker, s->order.service, now, out);
}

static void a_refund_is_sent_once_and_asked_about_until_done(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 5000);
	struct refund f = refund(&s, 3000);
	struct refund_work w;

	assert_int_equal(balance(db, &s), FEN(2000));
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_int_equal(w.f.id, f.id);
	assert_false(w.sent_before);
	assert_string_equal(w.out_trade_no, s.order.out_trade_no);
	assert_int_equal(w.total_fen, 5000);
	assert_int_equal(claim(&s, &w), ERR_NOT_FOUND); /* planned for later, at once */
	now.ms += 10 * SECOND;
	assert_int_equal(claim(&s, &w), ERR_OK); /* its answer was lost */
	assert_true(w.sent_before);
	assert_string_equal(w.f.out_refund_no, f.out_refund_no);
	assert_int_equal(tell(&s, &f, REFUND_ACCEPTED), TOLD_TAKEN);
	assert_string_equal(read_back(f.id).state, "accepted");
	now.ms += 29 * SECOND;
	assert_int_equal(claim(&s, &w), ERR_NOT_FOUND);
	now.ms += 1 * SECOND;
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_int_equal(tell(&s, &f, REFUND_DONE), TOLD_TAKEN);
	assert_int_equal(tell(&s, &f, REFUND_DONE), TOLD_REPEATED);
	assert_int_equal(tell(&s, &f, REFUND_ACCEPTED), TOLD_REPEATED); /* late news */
	f = read_back(f.id);
	assert_string_equal(f.state, "done");
	assert_string_equal(f.service_refund_id, "500");
	assert_int_equal(f.ask_at.ms, 0);
	now.ms += 2 * DAY;
	assert_int_equal(claim(&s, &w), ERR_NOT_FOUND);
	assert_int_equal(balance(db, &s), FEN(2000));
	ties(db);
}

static void what_the_service_closes_is_back_in_the_purse(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 5000);
	struct refund f = refund(&s, 5000);
	struct refund_work w;

	assert_int_equal(balance(db, &s), 0);
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_int_equal(tell(&s, &f, REFUND_CLOSED), TOLD_TAKEN);
	assert_string_equal(read_back(f.id).state, "failed");
	assert_int_equal(tell(&s, &f, REFUND_CLOSED), TOLD_REPEATED);
	assert_int_equal(balance(db, &s), FEN(5000));
	/* the whole may be asked for again, by another number */
	assert_string_not_equal(refund(&s, 5000).out_refund_no, f.out_refund_no);
	/* and a service that says "done" all the same has paid twice: somebody must know */
	assert_int_equal(tell(&s, &f, REFUND_DONE), TOLD_DIFFERENT);
	assert_int_equal(alarms(db, "refund_contradiction"), 1);
	ties(db);
}

static void a_blocked_way_waits_for_a_person_and_may_still_end(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 5000);
	struct refund f = refund(&s, 1000), g = refund(&s, 1000);
	struct refund_settling by_hand = {
		.id = g.id, .done = true, .note = "seen", .actor = "user:2", .address = ""
	};
	struct problem why = { 0 };
	struct refund_work w;

	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_int_equal(tell(&s, &f, REFUND_PERSON), TOLD_TAKEN);
	assert_int_equal(tell(&s, &g, REFUND_PERSON), TOLD_TAKEN);
	assert_string_equal(read_back(f.id).state, "person");
	assert_int_equal(alarms(db, "refund_person"), 2);
	now.ms += HOUR;
	assert_int_equal(claim(&s, &w), ERR_OK); /* it is still asked about */
	assert_int_equal(tell(&s, &f, REFUND_DONE), TOLD_TAKEN);
	assert_int_equal(refund_settle(api, &by_hand, now, &g, &why), ERR_OK);
	assert_string_equal(g.state, "done");
	assert_int_equal(alarms(db, "refund_person"), 0);
	ties(db);
}

static void a_no_that_may_pass_waits_and_one_for_good_asks_a_person(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "alipay", 5000);
	struct refund f = refund(&s, 1000);
	struct problem why = { 0 };
	struct refund_work w;
	int tries = 0;

	for (int64_t end = now.ms + DAY; now.ms < end; now.ms += MINUTE)
		while (claim(&s, &w) == ERR_OK) {
			assert_string_equal(w.f.out_refund_no, f.out_refund_no);
			assert_int_equal(w.sent_before, tries++ > 0);
			assert_int_equal(refund_refused(worker, f.id,
						 "ACQ.SELLER_BALANCE_NOT_ENOUGH", "no", true, now),
				ERR_OK);
		}
	assert_in_range(tries, 24, 40); /* seldom in the end */
	assert_int_equal(alarms(db, "refund_waiting"), 0);
	now.ms += HOUR;
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_int_equal(alarms(db, "refund_waiting"), 1);
	assert_int_equal(
		refund_refused(worker, f.id, "ACQ.TRADE_NOT_ALLOW_REFUND", "no", false, now),
		ERR_OK);
	f = read_back(f.id);
	assert_string_equal(f.state, "person");
	assert_string_equal(f.said, "ACQ.TRADE_NOT_ALLOW_REFUND");
	now.ms += DAY;
	assert_int_equal(claim(&s, &w), ERR_NOT_FOUND); /* it would say the same */
	assert_int_equal(refund_retry(api, f.id, 0, "user:1", "", now, &f, &why), ERR_OK);
	assert_string_equal(f.state, "requested");
	assert_int_equal(refund_retry(api, f.id, 0, "user:1", "", now, &f, &why), ERR_CONFLICT);
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_true(w.sent_before);
	assert_int_equal(tell(&s, &f, REFUND_DONE), TOLD_TAKEN);
	assert_int_equal(alarms(db, "refund_waiting"), 0);
	ties(db);
}

static void wechat_takes_parts_of_an_order_a_minute_apart(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 5000), a;
	struct refund_work w;
	int64_t first;

	for (int i = 0; i < 3; i++)
		refund(&s, 100);
	assert_int_equal(claim(&s, &w), ERR_OK);
	first = w.f.id;
	assert_int_equal(tell(&s, &w.f, REFUND_ACCEPTED), TOLD_TAKEN);
	assert_int_equal(claim(&s, &w), ERR_NOT_FOUND);
	now.ms += MINUTE - 1;
	while (claim(&s, &w) == ERR_OK)
		assert_int_equal(w.f.id, first);
	now.ms += 1;
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_false(w.sent_before);
	assert_int_equal(claim(&s, &w), ERR_NOT_FOUND);
	now.ms += MINUTE;
	while (claim(&s, &w) == ERR_OK && w.sent_before)
		;
	assert_false(w.sent_before);

	a = story_make(db, "alipay", 5000);
	refund(&a, 100);
	refund(&a, 100);
	assert_int_equal(claim(&a, &w), ERR_OK);
	assert_int_equal(claim(&a, &w), ERR_OK);
	ties(db);
}

static void a_service_pays_back_in_so_many_parts_and_days(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 6000);
	struct refund_new n;
	struct problem why = { 0 };
	struct refund f;
	int64_t approval;

	for (int i = 0; i < 50; i++)
		refund(&s, 100);
	n = part_of(&s, 100);
	assert_int_equal(refund_create(api, &n, now, &f, &approval, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "50"));
	s = story_make(db, "alipay", 5000);
	n = part_of(&s, 100);
	assert_int_equal(refund_create(api, &n, (struct utc){ s.order.paid_at.ms + 365 * DAY + 1 },
				 &f, &approval, &why),
		ERR_CONFLICT);
	assert_non_null(strstr(why.text, "365"));
}

struct racer {
	pthread_t thread;
	const struct story *s;
	struct refund_new n;
	char once[32];
	const struct refund *f;
	enum err result;
	enum told_outcome outcome;
};

static void *race_part(void *arg)
{
	AUTO(db_free) struct db *db = fixture_as("yufu_api");
	struct racer *r = arg;
	struct problem why = { 0 };
	struct refund f;
	int64_t approval;

	r->result = refund_create(db, &r->n, now, &f, &approval, &why);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void twenty_parts_at_once_never_exceed_what_was_paid(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 5000);
	struct racer racers[20] = { 0 };
	int done = 0;

	paid(s.shop.account, "alipay", 5000); /* the purse would allow more */
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		racers[i].n = part_of(&s, 300);
		snprintf(racers[i].once, sizeof(racers[i].once), "part:%zu", i);
		racers[i].n.once_key = racers[i].once;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race_part, &racers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		pthread_join(racers[i].thread, NULL);
		assert_true(racers[i].result == ERR_OK || racers[i].result == ERR_AMOUNT_LARGE);
		done += racers[i].result == ERR_OK;
	}
	assert_int_equal(done, 16); /* 16 × 3.00 of 50.00 */
	assert_int_equal(balance(db, &s), FEN(10000 - 4800));
	ties(db);
}

static void *race_told(void *arg)
{
	AUTO(db_free) struct db *db = fixture_as("yufu_api");
	struct racer *r = arg;
	struct refund_told t = { .service = "wechat",
		.out_refund_no = r->f->out_refund_no,
		.out_trade_no = r->s->order.out_trade_no,
		.refund_id = "501",
		.word = REFUND_DONE,
		.amount_fen = r->f->amount_fen,
		.via = "notify" };

	r->result = refund_told(db, &t, now, &r->outcome);
	db_free(&db);
	db_thread_end();
	return NULL;
}

static void ten_notifies_at_once_settle_it_once(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 5000);
	struct refund f = refund(&s, 1000);
	struct racer racers[10] = { 0 };
	struct refund_work w;
	int taken = 0;

	assert_int_equal(claim(&s, &w), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		racers[i].s = &s;
		racers[i].f = &f;
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race_told, &racers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
		pthread_join(racers[i].thread, NULL);
		assert_int_equal(racers[i].result, ERR_OK);
		taken += racers[i].outcome == TOLD_TAKEN;
	}
	assert_int_equal(taken, 1);
	ties(db);
}

static void another_amount_is_not_taken(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "wechat", 5000);
	struct refund f = refund(&s, 1000), other = f;
	struct refund_work w;

	assert_int_equal(claim(&s, &w), ERR_OK);
	other.amount_fen = 999;
	assert_int_equal(tell(&s, &other, REFUND_DONE), TOLD_DIFFERENT);
	assert_string_equal(read_back(f.id).state, "person");
	assert_int_equal(alarms(db, "refund_amount"), 1);
	ties(db);
}

static void a_refund_that_nobody_asked_for_is_listed_once(void **state)
{
	struct db *db = *state;
	struct story s = story_make(db, "alipay", 5000);
	struct refund f = refund(&s, 1000);
	struct refund foreign = { .out_refund_no = "X1", .amount_fen = 700 };
	struct unmatched_act act = { .how = UNMATCHED_CLOSE,
		.user_id = s.user,
		.actor = "user:1",
		.address = "",
		.reason = "made by hand at the service",
		.once_key = "close" };
	struct problem why = { 0 };
	struct refund_work w;
	struct unmatched u;
	int64_t approval;

	for (int i = 0; i < 3; i++)
		assert_int_equal(tell(&s, &foreign, REFUND_DONE), TOLD_FOREIGN);
	assert_int_equal(alarms(db, "refund_foreign"), 1);
	act.id = shop_number(
		db, "SELECT id AS v FROM pay_unmatched WHERE order_id = %lld", s.order.id);
	act.how = UNMATCHED_CREDIT;
	act.account_id = s.shop.account;
	assert_int_equal(unmatched_settle(api, &act, now, &u, &approval, &why), ERR_CONFLICT);
	act.how = UNMATCHED_CLOSE;
	assert_int_equal(unmatched_settle(api, &act, now, &u, &approval, &why), ERR_OK);
	assert_string_equal(u.state, "closed");
	assert_int_equal(alarms(db, "refund_foreign"), 0);

	/* By sums: no more than ours is nothing new, and brings the question forward. */
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_int_equal(refunds_hint(api, "alipay", s.order.out_trade_no, 1000, now), ERR_OK);
	assert_int_equal(alarms(db, "refund_foreign"), 0);
	assert_int_equal(claim(&s, &w), ERR_OK);
	assert_int_equal(w.f.id, f.id);
	assert_int_equal(refunds_hint(api, "alipay", s.order.out_trade_no, 1001, now), ERR_OK);
	assert_int_equal(refunds_hint(api, "alipay", s.order.out_trade_no, 1001, now), ERR_OK);
	assert_int_equal(alarms(db, "refund_foreign"), 1);
	assert_int_equal(refunds_hint(api, "wechat", s.order.out_trade_no, 1, now), ERR_NOT_FOUND);
	ties(db);
}

static int open_all(void **state)
{
	if (fixture_open(state) != 0 || roles_install(*state) != ERR_OK)
		return -1;
	api = fixture_as("yufu_api");
	worker = fixture_as("yufu_worker");
	return 0;
}

static int close_all(void **state)
{
	db_free(&api);
	db_free(&worker);
	return fixture_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refund_is_sent_once_and_asked_about_until_done),
		cmocka_unit_test(what_the_service_closes_is_back_in_the_purse),
		cmocka_unit_test(a_blocked_way_waits_for_a_person_and_may_still_end),
		cmocka_unit_test(a_no_that_may_pass_waits_and_one_for_good_asks_a_person),
		cmocka_unit_test(wechat_takes_parts_of_an_order_a_minute_apart),
		cmocka_unit_test(a_service_pays_back_in_so_many_parts_and_days),
		cmocka_unit_test(twenty_parts_at_once_never_exceed_what_was_paid),
		cmocka_unit_test(ten_notifies_at_once_settle_it_once),
		cmocka_unit_test(another_amount_is_not_taken),
		cmocka_unit_test(a_refund_that_nobody_asked_for_is_listed_once),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
