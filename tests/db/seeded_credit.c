/* Credit in the meter: devices that take off what is used by a price of their own, purchases that
 * are written, refused, lost or half done, and the money's way in and out. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

#include "domain/credit.h"
#include "domain/purchase.h"

#define PRICE_MILLI 600 /* of a kWh, thousandths of a yuan */
#define NANO_PER_MILLI INT64_C(1000000)
#define MOST_PER_HOUR 200000
#define FRESH_MS (2 * MINUTE)

/* ---- the device ---- */

/* What it shows when its register does. */
void credit_show(const struct smeter *m, struct report *r)
{
	r->now.credit_count = -1;
	r->now.credit_total_milli = -1;
	if (!m->credit.able)
		return;
	r->now.credit_count = m->credit.count;
	r->now.credit_milli = m->credit.milli;
	if (m->hour_use > 0)
		r->now.credit_milli -=
			m->credit.use * (r->now.register_milli.milli - m->reg) / m->hour_use;
}

void credit_seen(struct smeter *m, const struct report *r)
{
	if (!m->credit.able) /* the last that came, late or not */
		return;
	m->credit.seen_at = r->now.read_at.ms;
	m->credit.seen_count = r->now.credit_count;
	m->credit.seen_milli = r->now.credit_milli;
}

/* What this hour will take off; it trips by its own rule. */
void credit_flows(struct smeter *m)
{
	m->credit.use = 0;
	if (!m->keeps_credit)
		return;
	m->credit.use = m->hour_use * PRICE_MILLI / 1000;
	if (m->credit.use > m->credit.milli)
		m->credit.use = m->credit.milli > 0 ? m->credit.milli : 0;
}

void credit_hour_ends(struct smeter *m)
{
	m->credit.milli -= m->credit.use;
	m->credit.use = 0;
	if (m->keeps_credit && m->credit.milli <= 0)
		m->on = false;
}

static void device_takes(struct smeter *m, const struct purchase_order *o)
{
	m->credit.count = o->count;
	m->credit.milli = m->credit.adds ? m->credit.milli + o->milli : o->milli;
	m->credit.times++;
	m->on = m->credit.milli > 0 && !m->manual && !m->vacant;
}

/* ---- readings ---- */

static bool answers_now(const struct smeter *m)
{
	return m->hours_silent == 0;
}

static void read_now(struct world *w, struct smeter *m)
{
	struct batch *b = calloc(1, sizeof(*b));

	ASSERT(b);
	seeded_now.ms += 1000;
	report_add(b, m, seeded_now.ms - 100, m->reg, "accepted");
	batch_sink(w, b);
	free(b);
}

/* ---- the worker's round ---- */

struct open_row {
	int64_t id, meter_id, count, amount, worth;
	char state[9];
};
#define F(member) FIELD(struct open_row, member)
SHAPE(open_shape, struct open_row, F(id), F(meter_id), F(count), F(amount), F(worth), F(state));
#undef F
static const struct query Q_OPEN = {
	"SELECT id, meter_id, count, amount_milli AS amount, worth_nano AS worth, state FROM"
	" purchase WHERE open_meter IS NOT NULL ORDER BY meter_id",
	&open_shape
};

static struct purse *purse_of_meter(struct world *w, const struct smeter *m)
{
	const struct hold *h = m->holds_n ? &m->holds[m->holds_n - 1] : NULL;

	return h && !h->to ? &w->purses[h->purse] : NULL;
}

static size_t paid_by(const struct world *w, const struct purse *p)
{
	size_t n = 0;

	for (size_t i = 0; i < w->meters_n; i++) {
		const struct smeter *m = &w->meters[i];

		n += m->holds_n && !m->holds[m->holds_n - 1].to &&
		     &w->purses[m->holds[m->holds_n - 1].purse] == p;
	}
	return n;
}

static void purchase_done(struct world *w, struct smeter *m, const struct open_row *r)
{
	CHECK(w, m->credit.accepted || m->credit.times == 1,
		"purchase %lld is done, and the meter took it %lld times", (long long)r->id,
		(long long)m->credit.times);
	book(w, "meter_transit", -r->worth);
	book_of(w, "meter_credit", m->id, r->worth);
	m->credit.sold = r->count;
	m->credit.booked = (m->credit.fresh ? 0 : m->credit.booked) + r->amount;
	m->credit.worth += r->worth;
	if (m->credit.fresh)
		m->credit.used_at = seeded_now.ms;
	m->credit.fresh = false;
	happened(w, EVENT_PURCHASE_DONE);
}

static void purchase_failed(struct world *w, struct smeter *m, const struct open_row *r)
{
	struct purse *p = &w->purses[m->credit.purse];

	CHECK(w, m->credit.times == 0, "purchase %lld has failed, and the meter took it",
		(long long)r->id);
	book(w, "meter_transit", -r->worth);
	purse_move(p, r->worth, SUBSIDY_STAYS);
	model_level(w, p);
	m->credit.blocked = true;
	happened(w, EVENT_PURCHASE_FAILED);
}

/* Ends first: what was decided since the last round. */
static void ends_take(struct world *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct open_row *r;

	assert_int_equal(db_list(w->root, &Q_OPEN, NO_ARGS, &rows), ERR_OK);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		struct smeter *m = &w->meters[r[i].meter_id - 1];

		if (str_eq(r[i].state, "done"))
			purchase_done(w, m, &r[i]);
		else if (str_eq(r[i].state, "failed"))
			purchase_failed(w, m, &r[i]);
		else if (str_eq(r[i].state, "mismatch"))
			m->credit.blocked = true;
		if (str_eq(r[i].state, "done") || str_eq(r[i].state, "failed")) {
			m->credit.purchase = 0;
			m->credit.ended_at = m->credit.decided_at;
		}
	}
}

/* A count that moves while nothing was sold. */
static void odd_take(struct smeter *m)
{
	if (m->keeps_credit && !m->credit.blocked && !m->credit.purchase &&
		m->credit.seen_count != m->credit.sold && m->credit.seen_at > m->credit.used_at &&
		m->credit.seen_at > m->credit.ended_at)
		m->credit.blocked = true;
}

/* Whole fen of the purse are sold. */
static void ready_take(struct world *w, struct smeter *m)
{
	struct purse *p = purse_of_meter(w, m);
	int64_t worth;

	if (!m->keeps_credit || m->credit.blocked || m->credit.purchase || !p || p->balance < FEN ||
		paid_by(w, p) != 1)
		return;
	worth = p->balance - p->balance % FEN;
	purse_move(p, -worth, SUBSIDY_GOES_FIRST);
	book(w, "meter_transit", worth);
	model_level(w, p);
	m->credit.purse = (size_t)(p - w->purses);
	m->credit.purchase = -1; /* its number is to be found */
	m->credit.times = 0;
	m->credit.accepted = false;
	m->credit.refuses = lot(w, 0, 5) == 0;
	m->credit.amount = worth / NANO_PER_MILLI;
	happened(w, EVENT_PURCHASE);
}

/* Once a day, what the meter took. */
static void use_take(struct world *w, struct smeter *m)
{
	int64_t used = m->credit.booked - m->credit.seen_milli;

	if (!m->keeps_credit || m->credit.blocked || m->credit.fresh || m->credit.purchase ||
		m->credit.seen_count != m->credit.sold ||
		m->credit.seen_at < m->credit.used_at + DAY)
		return;
	book_of(w, "meter_credit", m->id, -used * NANO_PER_MILLI);
	m->credit.worth -= used * NANO_PER_MILLI;
	m->credit.booked = m->credit.seen_milli;
	m->credit.used_at = m->credit.seen_at;
	happened(w, EVENT_METER_USE);
}

static void purchases_find(struct world *w)
{
	AUTO(rows_free) struct rows rows = { 0 };
	const struct open_row *r;
	size_t open = 0;

	assert_int_equal(db_list(w->root, &Q_OPEN, NO_ARGS, &rows), ERR_OK);
	r = rows.at;
	for (size_t i = 0; i < rows.n; i++) {
		struct smeter *m = &w->meters[r[i].meter_id - 1];

		CHECK(w, m->credit.purchase, "meter %lld is sold what it should not be",
			(long long)m->id);
		if (m->credit.purchase < 0)
			CHECK(w,
				r[i].amount == m->credit.amount && r[i].count == m->credit.sold + 1,
				"purchase %lld of %lld as %lld, should be %lld as %lld",
				(long long)r[i].id, (long long)r[i].amount, (long long)r[i].count,
				(long long)m->credit.amount, (long long)m->credit.sold + 1);
		m->credit.purchase = r[i].id;
	}
	for (size_t i = 0; i < w->meters_n; i++)
		open += w->meters[i].credit.purchase != 0;
	CHECK(w, open == rows.n, "%zu purchases are open, should be %zu", rows.n, open);
}

static void round_play(struct world *w)
{
	ends_take(w);
	for (size_t i = 0; i < w->meters_n; i++)
		odd_take(&w->meters[i]);
	for (size_t i = 0; i < w->meters_n; i++)
		ready_take(w, &w->meters[i]);
	for (size_t i = 0; i < w->meters_n; i++)
		use_take(w, &w->meters[i]);
	assert_int_equal(credit_work(w->worker, seeded_now), ERR_OK);
	purchases_find(w);
}

/* ---- the poller's part ---- */

static void frame_play(struct world *w, struct smeter *m, const struct purchase_order *o)
{
	struct purchase_order odd = *o;
	enum purchase_result result = PURCHASE_WRITTEN;
	bool told = true;

	CHECK(w, m->credit.times == 0 && o->count == m->credit.count + 1,
		"purchase %lld is written again, as %lld", (long long)o->purchase_id,
		(long long)o->count);
	switch (m->credit.refuses ? 0 : lot(w, 0, 15)) {
	case 0:
	case 1:
		result = PURCHASE_REFUSED;
		break;
	case 2:
		result = PURCHASE_LOST; /* and not taken */
		break;
	case 3:
		result = PURCHASE_NOT_SENT;
		break;
	case 4:
		odd.milli += 5000; /* another amount than was written */
		device_takes(m, &odd);
		break;
	case 5:
		result = PURCHASE_LOST; /* but taken */
		device_takes(m, o);
		break;
	case 6:
		told = false; /* the poller was killed */
		device_takes(m, o);
		break;
	default:
		device_takes(m, o);
	}
	seeded_now.ms += 500;
	if (told)
		assert_int_equal(purchase_sent(w->poller, &w->lease, o->purchase_id, result,
					 result == PURCHASE_WRITTEN ? "" : "a fault", seeded_now),
			ERR_OK);
	happened(w, result == PURCHASE_LOST ? EVENT_PURCHASE_LOST : EVENT_FRAME);
}

static void purchase_play(struct world *w, struct smeter *m)
{
	struct purchase_ask ask = { .lease = w->lease,
		.purchase_id = m->credit.purchase,
		.identity = IDENTITY_SURE,
		.now = seeded_now };
	struct purchase_order o;

	assert_int_equal(purchase_begin(w->poller, &ask, &o), ERR_OK);
	m->credit.decided_at = seeded_now.ms;
	if (o.answer == PURCHASE_GO)
		frame_play(w, m, &o);
}

/* ---- a person ---- */

static void decide_play(struct world *w, struct smeter *m)
{
	struct credit_deciding d = { .meter_id = m->id,
		.decision = m->credit.purchase && !m->credit.times
				    ? (lot(w, 0, 1) ? CREDIT_RETRY : CREDIT_REFUND)
				    : CREDIT_ACCEPT,
		.reason = "a test",
		.actor = "user:5",
		.address = "" };
	struct problem why = { 0 };
	enum err e;

	read_now(w, m);
	d.now = seeded_now;
	e = credit_decide(w->api, &d, &why);
	CHECK(w, e == ERR_OK, "decision: %s %s", err_word(e), why.text);
	m->credit.blocked = false;
	m->credit.sold = m->credit.seen_count;
	m->credit.accepted = d.decision == CREDIT_ACCEPT;
	if (d.decision != CREDIT_RETRY)
		m->credit.decided_at = seeded_now.ms;
	happened(w, EVENT_DECIDED);
}

/* ---- from one kind to the other ---- */

static enum err convert(struct world *w, const struct smeter *m, bool to_meter)
{
	char once[48];
	struct credit_converting c = { .meter_id = m->id,
		.to_meter = to_meter,
		.facts = { "yuan", 10, m->credit.adds },
		.reason = "a test",
		.once_key = once_key(w, "convert", once),
		.actor = "user:5",
		.address = "",
		.preview = lot(w, 0, 3) == 0,
		.now = seeded_now };
	struct credit_converted out;
	struct problem why = { 0 };
	enum err e = credit_convert(w->api, &c, &out, &why);

	if (e == ERR_OK && c.preview) {
		c.preview = false;
		e = credit_convert(w->api, &c, &out, &why);
	}
	return e;
}

static void to_meter(struct world *w, struct smeter *m)
{
	struct purse *p = purse_of_meter(w, m);
	enum err want = !p || paid_by(w, p) != 1 || m->waiting_n ? ERR_CONFLICT : ERR_OK, got;

	read_now(w, m);
	got = convert(w, m, true);
	CHECK(w, got == want, "credit into meter %lld: %s, not %s", (long long)m->id, err_word(got),
		err_word(want));
	if (got != ERR_OK)
		return;
	m->keeps_credit = true;
	m->charged = false;
	m->credit.fresh = true;
	m->credit.blocked = false;
	m->credit.sold = m->credit.seen_count;
	m->credit.booked = m->credit.used_at = 0;
	model_level(w, p);
	happened(w, EVENT_TO_METER);
}

/* What the meter holds comes back, to the last thousandth. */
static void to_account(struct world *w, struct smeter *m)
{
	enum err want = m->credit.purchase || m->credit.blocked ? ERR_CONFLICT : ERR_OK, got;
	struct purse *p = purse_of_meter(w, m);
	int64_t used;

	read_now(w, m);
	got = convert(w, m, false);
	CHECK(w, got == want, "credit out of meter %lld: %s, not %s", (long long)m->id,
		err_word(got), err_word(want));
	if (got != ERR_OK)
		return;
	used = m->credit.fresh || m->credit.seen_at <= m->credit.used_at
		       ? 0
		       : m->credit.booked - m->credit.seen_milli;
	m->credit.worth -= used * NANO_PER_MILLI;
	book_of(w, "meter_credit", m->id, -used * NANO_PER_MILLI - m->credit.worth);
	CHECK(w, m->credit.fresh || m->credit.worth == m->credit.milli * NANO_PER_MILLI,
		"meter %lld holds %lld, its credit is worth %lld", (long long)m->id,
		(long long)m->credit.milli, (long long)m->credit.worth);
	purse_move(p, m->credit.worth, SUBSIDY_STAYS);
	m->credit.worth = 0;
	m->keeps_credit = false;
	m->charged = true;
	m->on = true; /* its own rule does not hold any more */
	model_level(w, p);
	happened(w, EVENT_TO_ACCOUNT);
}

/* ---- the hour ---- */

static bool busy(struct world *w, const struct smeter *m)
{
	const struct purse *p = purse_of_meter(w, m);

	return m->credit.purchase || (!m->credit.blocked && p && p->balance >= FEN);
}

static void meter_play(struct world *w, struct smeter *m)
{
	if (!answers_now(m))
		return;
	if (!m->keeps_credit && m->last_at && lot(w, 0, 23) == 0)
		to_meter(w, m);
	else if (m->keeps_credit && lot(w, 0, 99) == 0)
		to_account(w, m);
	if (!m->keeps_credit)
		return;
	if (m->credit.blocked && lot(w, 0, 5) == 0)
		decide_play(w, m);
	if (!m->credit.blocked && !m->credit.purchase && lot(w, 0, 199) == 0) {
		m->credit.count++; /* a forged card */
		read_now(w, m);
	}
}

void credits_play(struct world *w)
{
	for (size_t i = 0; i < w->meters_n; i++)
		if (w->meters[i].credit.able)
			meter_play(w, &w->meters[i]);
	round_play(w);
	for (int turn = 0; turn < 3; turn++)
		for (size_t i = 0; i < w->meters_n; i++) {
			struct smeter *m = &w->meters[i];

			if (!m->keeps_credit || !answers_now(m) || !busy(w, m))
				continue;
			read_now(w, m);
			if (m->credit.purchase)
				purchase_play(w, m);
		}
	round_play(w);
}
