#include "damage.h"

#include <stdlib.h>
#include <string.h>

#include "domain/adjust.h"
#include "domain/allowance.h"
#include "domain/bookday.h"
#include "domain/contract.h"
#include "domain/credit.h"
#include "domain/fee.h"
#include "domain/meterchange.h"
#include "domain/order.h"
#include "domain/purchase.h"
#include "domain/refund.h"
#include "domain/register.h"
#include "domain/reversal.h"
#include "domain/role.h"
#include "domain/sale.h"
#include "domain/sharerun.h"
#include "shop_fixture.h"

#define SITE 2
#define CASHIER 21
#define FINANCE 22
#define YUAN(n) ((n)*NANO_PER_YUAN)
#define MUST(act)                                                                                  \
	do {                                                                                       \
		struct problem why = { 0 };                                                        \
		enum err e_ = (act);                                                               \
		if (e_ != ERR_OK)                                                                  \
			fail_msg("%s:%d: %s %s: %s", __FILE__, __LINE__, err_word(e_), why.field,  \
				why.text);                                                         \
	} while (0)

static int keys;

static const char *key(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "past:%d", ++keys);
	return text;
}

static int64_t number(struct world *w, const char *format, int64_t id)
{
	return shop_number(w->root, format, id);
}

/* ---- the place ---- */

static const char TOU[] =
	"{\"code\": \"p1\", \"name\": \"p1\", \"utility\": \"electricity\", \"versions\": ["
	"{\"effective_from\": \"2000-01-01T00:00:00Z\", \"tier_cycle\": \"month\","
	" \"tiers_upto_kwh\": [\"5\", \"9\"], \"calendar\": [{\"slots\": [[\"00:00\", \"valley\"],"
	" [\"08:00\", \"peak\"], [\"18:00\", \"flat\"]]}], \"prices\": {"
	"\"peak\": [\"1.0987\", \"1.1487\", \"1.3987\"],"
	" \"flat\": [\"0.6583\", \"0.7083\", \"0.9583\"],"
	" \"valley\": [\"0.312\", \"0.362\", \"0.612\"]}}]}";
static const char FLAT[] =
	"{\"code\": \"p2\", \"name\": \"p2\", \"utility\": \"electricity\", \"versions\": ["
	"{\"effective_from\": \"2000-01-01T00:00:00Z\", \"calendar\": [{\"slots\": [[\"00:00\","
	" \"flat\"]]}], \"prices\": {\"flat\": [\"1\"]}}]}";

static void tariff(struct world *w, int id, const char *doc)
{
	shop_set(w->root,
		"INSERT INTO tariff (id, code, name, utility, doc) VALUES (%d, 'p%d', 'p',"
		" 'electricity', '%s')",
		id, id, doc);
	shop_set(w->root,
		"INSERT INTO tariff_revision SELECT id, revision, doc, 'user:22', 1 FROM tariff "
		"WHERE"
		" id = %d",
		id);
}

static void meter(struct world *w, int id, const char *billing, int tariff_id)
{
	shop_set(w->root,
		"INSERT INTO supply_point (id, code, site_id, utility, switchable, billing) VALUES"
		" (%d, 'P%d', 2, 'electricity', 1, '%s')",
		id, id, billing);
	shop_set(w->root,
		"INSERT INTO meter (id, code, gateway_id, unit, model, utility, supply_point_id,"
		" billing) VALUES (%d, 'M%d', 20, '%d', 'acrel-ddsy1352', 'electricity', %d, '%s')",
		id, id, id, id, billing);
	shop_set(w->root, "INSERT INTO meter_tariff VALUES (%d, 1, %d)", id, tariff_id);
}

/* A contract with a purse that pays for a meter for a time. */
static void holder(struct world *w, int id, int meter_id, int64_t from, int64_t to)
{
	shop_set(w->root,
		"INSERT INTO tenant (id, code, name, site_id, phone, floor_m2_milli) VALUES (%d, "
		"'T%d',"
		" 'T', 2, '', %d000)",
		id, id, id);
	shop_set(w->root,
		"INSERT INTO contract (id, code, tenant_id, start_at) VALUES (%d, 'C%d', %d, 1)",
		id, id, id);
	shop_set(w->root,
		"INSERT INTO account (id, code, kind, contract_id, purpose, warn1_nano) VALUES (%d,"
		" 'purse:%d:electricity', 'purse', %d, 'electricity', 1000000000)",
		2000 + id, id, id);
	shop_set(w->root, "INSERT INTO contract_point VALUES (%d, %d, %d, %lld, %lld)", id,
		meter_id, 2000 + id, (long long)from, (long long)to);
}

#define CUT_AT(w) ((w)->start + 90 * HOUR + 31 * MINUTE + 7450)

static void place_make(struct world *w)
{
	MUST(roles_install(w->root));
	shop_set(w->root, "INSERT INTO site (id, code, name, zone) VALUES (2, 'S2', 'S2', '%s')",
		w->zone_name);
	shop_set(w->root, "INSERT INTO gateway (id, code, name, site_id, transport, address, "
			  "bus_group_id) VALUES"
			  " (20, 'G20', 'G', 2, 'modbus-tcp', '127.0.0.1:20', 7)");
	for (int i = CASHIER; i <= FINANCE; i++)
		shop_set(w->root,
			"INSERT INTO user (id, username, kind, role_id, site_id) SELECT %d, "
			"'staff%d',"
			" 'staff', id, 2 FROM role WHERE code = 'admin'",
			i, i);
	shop_set(w->root, "INSERT INTO setting (site_id, name, value) VALUES (2,"
			  " 'service_charge_permille', 10), (2, 'brake_count', 1000000), (2,"
			  " 'brake_percent', 100), (2, 'refund_limit_fen', 3000), (2,"
			  " 'reversal_limit_fen', 3000), (2, 'adjustment_limit_fen', 20000)");
	tariff(w, 11, TOU);
	tariff(w, 12, FLAT);
	meter(w, 101, "account", 11);
	meter(w, 102, "none", 12);    /* shared */
	meter(w, 103, "account", 12); /* keeps its credit, later */
	meter(w, 104, "account", 11); /* two parties */
	meter(w, 105, "account", 11); /* another device */
	meter(w, 106, "account", 12); /* comes and goes */
	meter(w, 107, "account", 11); /* splits a gap itself, jumps, falls */
	holder(w, 101, 101, 1, 0);
	holder(w, 103, 103, 1, 0);
	holder(w, 104, 104, 1, CUT_AT(w));
	holder(w, 105, 105, 1, 0);
	holder(w, 107, 107, 1, 0);
	holder(w, 108, 104, CUT_AT(w), 0);
	shop_set(w->root, "INSERT INTO meter_slots VALUES (107, 1, '00:00 valley 08:00 peak 18:00"
			  " flat')");
}

/* ---- readings ---- */

struct shown { /* by a meter */
	int64_t id, reg;
	int64_t rates[4];
	bool has_rates;
	int64_t most;
	int64_t device;
};

static void read_meter(struct world *w, int64_t at, const struct shown *m)
{
	struct report r = { .meter_id = m->id,
		.group_id = 7,
		.device = m->device ? m->device : 1,
		.has_reading = true,
		.has_register = true,
		.most_per_hour = 20000,
		.step = 10,
		.comm = COMM_OK,
		.observed = "on",
		.now = { .meter_id = m->id,
			.read_at = { at },
			.register_milli = { m->reg },
			.sharp_milli = { -1 },
			.peak_milli = { m->has_rates ? m->rates[1] : -1 },
			.flat_milli = { m->has_rates ? m->rates[2] : -1 },
			.valley_milli = { m->has_rates ? m->rates[3] : -1 },
			.credit_count = -1,
			.credit_total_milli = -1,
			.phases = 1 } };

	snprintf(r.code, sizeof(r.code), "M%lld", (long long)m->id);
	seeded_now.ms = at + 500;
	MUST(sink_batch(w->sink, &r, 1));
}

/* Every meter once an hour, each with its own use. */
static void hours_pass(struct world *w, int from, int to)
{
	for (int h = from; h < to; h++)
		for (int id = 101; id <= 107; id++) {
			struct shown m = { .id = id, .reg = 1000 + (h - 80) * (id - 100) * 130 };

			if (id == 103 || id == 106 || id == 107 || (id == 105 && h > 100))
				continue;
			read_meter(w, w->start + h * HOUR + id * 1000, &m);
		}
}

/* ---- money ---- */

static int64_t adjust(struct world *w, int64_t account, const char *kind, int64_t fen)
{
	struct adjust_new n = { .account_id = account,
		.user_id = CASHIER,
		.actor = "user:21",
		.address = "",
		.kind = kind,
		.amount_fen = fen,
		.document = "D-1",
		.reason = "a test",
		.once_key = key() };
	struct booked booked = { 0 };

	MUST(adjust_create(w->api, &n, seeded_now, &booked, &why));
	return booked.approval_id;
}

static void approve(struct world *w, int64_t id)
{
	struct approval_decision d = { .id = id,
		.user_id = FINANCE,
		.actor = "user:22",
		.address = "",
		.approve = true,
		.note = "",
		.now = seeded_now };
	struct approval out;

	assert_int_not_equal(id, 0);
	MUST(approval_decide(w->api, &d, &out, &why));
}

static int64_t refund(
	struct world *w, int64_t account, int64_t order, int64_t fen, const char *method)
{
	struct refund_new n = { .account_id = account,
		.order_id = order,
		.user_id = CASHIER,
		.actor = "user:21",
		.address = "",
		.amount_fen = fen,
		.method = method,
		.reason = "too much",
		.once_key = key() };
	struct refund out = { 0 };
	int64_t approval = 0;

	MUST(refund_create(w->api, &n, seeded_now, &out, &approval, &why));
	if (approval)
		approve(w, approval);
	return out.id;
}

static void settle_refund(struct world *w, int64_t id, bool done)
{
	struct refund_settling s = {
		.id = id, .done = done, .note = "", .actor = "user:22", .address = ""
	};
	struct refund out;

	MUST(refund_settle(w->api, &s, seeded_now, &out, &why));
}

static int64_t sale(struct world *w, const char *method, int64_t fen, int64_t fen2)
{
	struct sale_line lines[] = { { .account_id = 2108, .amount_fen = fen },
		{ .account_id = 2101, .amount_fen = fen2 } };
	struct sale_new n = { .user_id = CASHIER,
		.actor = "user:21",
		.method = method,
		.lines = lines,
		.n = fen2 ? 2 : 1,
		.tendered_fen = fen + fen2,
		.note = "by hand",
		.once_key = key() };
	struct sale s;

	MUST(sale_create(w->api, &n, seeded_now, &s, &why));
	return s.entry_id;
}

static void reverse(struct world *w, int64_t entry)
{
	struct reversal_new n = { .entry_id = entry,
		.user_id = CASHIER,
		.actor = "user:21",
		.address = "",
		.reason = "a slip",
		.once_key = key() };
	struct booked booked = { 0 };

	MUST(reversal_create(w->api, &n, seeded_now, &booked, &why));
	if (booked.approval_id)
		approve(w, booked.approval_id);
}

static int64_t order(struct world *w, int64_t account, int64_t fen, bool twice)
{
	struct order_new n = { .account_id = account,
		.amount_fen = fen,
		.channel = "wechat_native",
		.service = "wechat",
		.payer_address = "" };
	struct order o;
	enum credit_outcome got;
	char transaction[32];

	MUST(order_create(w->api, &n, seeded_now, &o, &why));
	for (int i = 0; i <= twice; i++) {
		struct payment p = { .service = "wechat",
			.out_trade_no = o.out_trade_no,
			.transaction_id = transaction,
			.amount_fen = fen,
			.currency = "CNY",
			.paid_at = seeded_now };

		snprintf(transaction, sizeof(transaction), "past%d", ++keys);
		MUST(order_credit(w->api, &p, "notify", seeded_now, &got));
	}
	return o.id;
}

/* Old debt is agreed on, and paid off by what comes in. */
static void purses_fill(struct world *w)
{
	static const int64_t accounts[] = { 2101, 2103, 2104, 2105, 2107 };

	for (size_t i = 0; i < ARRAY_LEN(accounts); i++)
		adjust(w, accounts[i], "opening", 9000);
	adjust(w, 2108, "correction", -1700);
	adjust(w, 2108, "debt", 1700);
	shop_set(w->root, "INSERT INTO contract_debt VALUES (108, 200, 100000)");
}

static void desk_acts(struct world *w)
{
	struct shift s;

	MUST(shift_open(w->api, CASHIER, seeded_now, &s));
	sale(w, "cash", 5000, 2500); /* 50.00 of it 10.00 for the debt */
	sale(w, "pos", 700, 800);
	sale(w, "transfer", 900, 0);
	order(w, 2108, 2000, true); /* 4.00 for the debt; and a second payment */
	refund(w, 0, order(w, 2101, 1200, false), 700, "service");
	refund(w, 2101, 0, 300, "cash");
	refund(w, 2101, 0, 200, "bank");
	settle_refund(w, refund(w, 2101, 0, 110, "bank"), true);
	settle_refund(w, refund(w, 2101, 0, 120, "bank"), false);
	refund(w, 2101, 0, 3500, "bank"); /* by two persons */
	reverse(w, sale(w, "cash", 800, 300));
	reverse(w, sale(w, "cash", 3100, 0));
	approve(w, adjust(w, 2101, "write_off", 20100));
	adjust(w, 2101, "subsidy", 1234);
	adjust(w, 2101, "deposit_in", 2000);
	adjust(w, 2101, "deposit_out", 500);
	seeded_now.ms += MINUTE;
	MUST(shift_current(w->api, CASHIER, &s));
	MUST(shift_close(w->api, s.id, CASHIER, s.cash_fen + 3, seeded_now, &s, &why));
	MUST(shift_open(w->api, CASHIER, seeded_now, &s));
}

/* ---- by the month ---- */

static void month_acts(struct world *w)
{
	struct fee_actor by = { .actor = "user:22", .address = "", .now = seeded_now };
	struct day today = zone_local(w->zone, seeded_now).day;
	struct month month = month_of(today);
	struct fee_run run;
	struct fee_new n = { .contract_id = 101,
		.kind = "rent",
		.monthly_fen = 31000,
		.from = month_first(month),
		.once_key = key() };
	struct allowance_new gift = { .contract_id = 101,
		.account_id = 2101,
		.unit = "yuan",
		.amount = { 8000 },
		.price = { 1000000 },
		.user_id = FINANCE,
		.actor = "user:22",
		.address = "",
		.reason = "agreed",
		.once_key = key() };
	int64_t fee = 0, approval = 0;

	MUST(fee_add(w->api, &n, &by, &fee, &why));
	MUST(fee_run(w->api, SITE, month, "user:22", seeded_now, &run, &why));
	MUST(fee_end(w->api, fee, (struct day){ month_last(month).days - 2 }, &by, &why));
	adjust(w,
		number(w, "SELECT id AS v FROM account WHERE contract_id = 101 AND purpose = 'fee'",
			0),
		"opening", 4000);
	MUST(allowance_set(w->api, &gift, seeded_now, &approval, &why));
	shop_set(w->root, "UPDATE contract_allowance SET last_month = ''");
	MUST(allowances_give(w->worker, seeded_now));
}

static void shares_begin(struct world *w)
{
	struct share_source_new sources[] = { { 102, 1 } };
	struct share_target_new targets[] = { { .contract_id = 101 }, { .contract_id = 105 },
		{ .contract_id = 107 } };
	struct share_new n = { .site_id = SITE,
		.name = "hall",
		.utility = "electricity",
		.basis = "area",
		.kind = "public",
		.purse = "utility",
		.has_from = true,
		.from = zone_local(w->zone, seeded_now).day,
		.sources = sources,
		.sources_n = 1,
		.targets = targets,
		.targets_n = 3,
		.once_key = key() };
	struct share_actor by = { .actor = "user:22", .address = "", .now = seeded_now };
	int64_t id = 0;

	MUST(share_add(w->api, &n, &by, &id, &why));
}

/* ---- credit in the meter ---- */

static void meter_shows(struct world *w, int64_t count, int64_t milli)
{
	seeded_now.ms += 1000;
	shop_set(w->root,
		"UPDATE meter_state SET read_at = %lld, credit_count = %lld, credit_milli = %lld "
		"WHERE"
		" meter_id = 103",
		(long long)seeded_now.ms, (long long)count, (long long)milli);
	seeded_now.ms += 100;
}

static struct purchase_order purchase_ask_now(struct world *w)
{
	struct purchase_ask a = { .lease = w->lease,
		.purchase_id =
			number(w, "SELECT MAX(id) AS v FROM purchase WHERE meter_id = 103", 0),
		.identity = IDENTITY_SURE,
		.now = seeded_now };
	struct purchase_order o;

	MUST(purchase_begin(w->poller, &a, &o));
	return o;
}

/* Into the meter, done, and used; then one that the meter refuses, and one on its way. */
static void credit_acts(struct world *w)
{
	struct shown m = { .id = 103, .reg = 1000 };
	struct credit_converting c = { .meter_id = 103,
		.to_meter = true,
		.facts = { "yuan", 10, false },
		.reason = "test",
		.once_key = "convert",
		.actor = "user:22",
		.address = "" };
	struct credit_converted out;
	struct purchase_order o;

	read_meter(w, seeded_now.ms + 1000, &m);
	meter_shows(w, 7, 0);
	c.now = seeded_now;
	MUST(credit_convert(w->api, &c, &out, &why));
	MUST(credit_work(w->worker, seeded_now));
	meter_shows(w, 7, 0);
	o = purchase_ask_now(w);
	assert_int_equal(o.answer, PURCHASE_GO);
	seeded_now.ms += 50;
	MUST(purchase_sent(w->poller, &w->lease, o.purchase_id, PURCHASE_WRITTEN, "", seeded_now));
	meter_shows(w, 8, 90000);
	(void)purchase_ask_now(w);
	MUST(credit_work(w->worker, seeded_now));
}

static void credit_goes_on(struct world *w)
{
	struct purchase_order o;

	meter_shows(w, 8, 70000); /* 20 yuan were used since yesterday */
	MUST(credit_work(w->worker, seeded_now));
	order(w, 2103, 3000, false);
	MUST(credit_work(w->worker, seeded_now));
	for (int i = 0; i < PURCHASE_REFUSALS_MAX; i++) {
		meter_shows(w, 8, 70000);
		o = purchase_ask_now(w);
		assert_int_equal(o.answer, PURCHASE_GO);
		seeded_now.ms += 50;
		MUST(purchase_sent(
			w->poller, &w->lease, o.purchase_id, PURCHASE_REFUSED, "no", seeded_now));
		meter_shows(w, 8, 70000);
		(void)purchase_ask_now(w);
		seeded_now.ms += 5000;
	}
	MUST(credit_work(w->worker, seeded_now)); /* back to the purse, and blocked */
	meter_shows(w, 8, 70000);
	MUST(credit_decide(w->api,
		&(struct credit_deciding){
			103, CREDIT_ACCEPT, "looked", "user:22", "", seeded_now },
		&why));
	MUST(credit_work(w->worker, seeded_now)); /* another one sets out */
}

/* ---- meters and contracts ---- */

static struct life_ask *ask(struct world *w, const char *what)
{
	static struct life_ask a;
	static char once[32];
	static json_t *request;

	(void)w;
	json_free(&request);
	snprintf(once, sizeof(once), "%s", key());
	request = json_pack("{s:s}", "test", what);
	a = (struct life_ask){ .user_id = CASHIER,
		.actor = "user:21",
		.address = "",
		.once_key = once,
		.request = request,
		.now = seeded_now };
	return &a;
}

/* The device of 105 is exchanged at hour 100; the new one counts from 50. */
static void exchange(struct world *w)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	struct shown m = { .id = 105, .device = 2 };
	struct meter_change_new n = { .meter_id = 105,
		.old_register = { 1000 + 20 * 5 * 130 + 400 },
		.model = "acrel-ddsy1352",
		.unit = "95",
		.serial = "X2",
		.new_register = { 50 },
		.ct_ratio = 10,
		.pt_ratio = 1,
		.switchable = true,
		.reason = "worn" };

	seeded_now.ms = w->start + 100 * HOUR + 30 * MINUTE;
	MUST(meter_replace(w->api, ask(w, "replace"), &n, &done, &why));
	for (int h = 101; h < 106; h++) {
		m.reg = 50 + (h - 100) * 60;
		read_meter(w, w->start + h * HOUR + 105000, &m);
	}
}

/* 106 is taken, used, and given back; somebody else comes and stays. */
static void contracts_come_and_go(struct world *w, bool close)
{
	AUTO(life_done_free) struct life_done done = { 0 };
	static int64_t first;
	struct shown m = { .id = 106, .reg = close ? 8000 : 5000 };
	struct contract_open o = { .code = "",
		.site_id = SITE,
		.tenant = { 0, close ? "N2" : "N1", "New", "", "", "A1" },
		.meters = &(struct life_reading){ .meter_id = 106 },
		.meters_n = 1,
		.purses = &(struct life_purse){ "electricity", { YUAN(20) }, { 0 }, { 0 }, { 0 },
			{ 0 } },
		.purses_n = 1 };
	struct contract_close c = { .id = first, .payout = "bank", .reason = "moves out" };

	read_meter(w, seeded_now.ms + 1000, &m);
	seeded_now.ms += 1000;
	if (close) {
		MUST(contract_close(w->api, ask(w, "close"), &c, &done, &why));
		life_done_free(&done);
		seeded_now.ms += 1000;
	}
	MUST(contract_open(w->api, ask(w, "open"), &o, &done, &why));
	if (!close)
		first = done.id;
}

/* 107 is silent for hours, and its own rate registers split the gap; then it jumps, and falls. */
static void doubts(struct world *w)
{
	int64_t at = w->start + 81 * HOUR;
	struct shown m = { .id = 107, .reg = 1000, .has_rates = true };
	struct reading_decide d = {
		.meter_id = 107, .reason = "looked", .actor = "user:22", .address = ""
	};

	memcpy(m.rates, (int64_t[]){ -1, 300, 300, 400 }, sizeof(m.rates));
	read_meter(w, at, &m);
	m.reg = 2200;
	memcpy(m.rates, (int64_t[]){ -1, 900, 500, 800 }, sizeof(m.rates));
	read_meter(w, at + 20 * HOUR, &m);
	m.has_rates = false;
	m.reg = 900000;
	read_meter(w, at + 21 * HOUR, &m);
	d.read_at.ms = at + 21 * HOUR;
	d.action = DECISION_ACCEPT;
	d.now.ms = seeded_now.ms + 1000;
	MUST(reading_decide(w->api, &d, &why));
	m.reg = 100;
	read_meter(w, at + 22 * HOUR, &m);
	d.read_at.ms = at + 22 * HOUR;
	d.action = DECISION_REBASE;
	d.now.ms = seeded_now.ms + 1000;
	MUST(reading_decide(w->api, &d, &why));
	m.reg = 300;
	read_meter(w, at + 23 * HOUR, &m);
}

void past_make(struct world *w)
{
	place_make(w);
	seeded_now.ms = w->start + 80 * HOUR;
	shares_begin(w);
	purses_fill(w);
	hours_pass(w, 80, 84);
	desk_acts(w);
	past_pay(w);
	month_acts(w);
	contracts_come_and_go(w, false);
	seeded_now.ms = w->start + 84 * HOUR;
	credit_acts(w);
	hours_pass(w, 85, 100);
	exchange(w);
	hours_pass(w, 101, 106);
	seeded_now.ms = w->start + 106 * HOUR;
	contracts_come_and_go(w, true);
	doubts(w);
	MUST(bookday_seal_due(w->worker, seeded_now));
	seeded_now.ms = w->start + 109 * HOUR;
	credit_goes_on(w);
	MUST(shares_due(w->worker, seeded_now));
	hours_pass(w, 110, 112);
	seeded_now.ms = w->start + 125 * HOUR;
	MUST(bookday_seal_due(w->worker, seeded_now));
	MUST(bookday_seal_due(w->worker, seeded_now));
	MUST(shares_due(w->worker, seeded_now));
	hours_pass(w, 126, 128);
	/* The play that follows has no relays here. */
	shop_set(w->root,
		"UPDATE supply_point SET observed = IF(desired = 'auto', observed, desired),"
		" pending = 0 WHERE site_id = 2");
}
