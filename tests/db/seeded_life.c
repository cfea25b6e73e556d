/* Contracts from opening to closing and back, and devices that are exchanged: the acts, and what
 * the model makes of them. */
#include "seeded.h"

#include <string.h>

#include "domain/contract.h"
#include "domain/meterchange.h"
#include "shop_fixture.h"

struct asking {
	struct life_ask ask;
	json_t *request;
	char once[48];
};

static void asking_free(struct asking *a)
{
	json_free(&a->request);
}

static void asking_open(struct world *w, struct asking *a, const char *what)
{
	once_key(w, what, a->once);
	a->request = json_pack("{s:s}", "key", a->once);
	a->ask = (struct life_ask){ .user_id = w->user,
		.actor = "user:5",
		.address = "",
		.once_key = a->once,
		.request = a->request,
		.now = seeded_now };
}

/* ---- the meters of a contract ---- */

static struct hold *open_hold(struct smeter *m)
{
	return m->holds_n && !m->holds[m->holds_n - 1].to ? &m->holds[m->holds_n - 1] : NULL;
}

/* May it be settled to a register that a person types in now? */
static bool can_be_read(const struct smeter *m)
{
	return m->last_at && m->waiting_n == 0 && m->last_at < seeded_now.ms &&
	       m->reg >= m->last_reg && m->holds_n + 2 < ARRAY_LEN(m->holds) &&
	       m->uses_n + 2 < ARRAY_LEN(m->uses);
}

/* Places of the meters that a contract holds now; 0 when one of them cannot be read. */
static size_t meters_of(struct world *w, int64_t contract, size_t *out, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < w->meters_n; i++) {
		const struct hold *h = open_hold(&w->meters[i]);

		if (!h || h->contract != contract)
			continue;
		if (n == most || !can_be_read(&w->meters[i]) || w->meters[i].keeps_credit)
			return 0;
		out[n++] = i;
	}
	return n;
}

static void hold_add(struct smeter *m, int64_t contract, size_t purse, int64_t from)
{
	struct hold *last = m->holds_n ? &m->holds[m->holds_n - 1] : NULL;

	if (last && last->from == from) /* it held for no time at all */
		m->holds_n--;
	assert_true(m->holds_n < ARRAY_LEN(m->holds));
	m->holds[m->holds_n++] = (struct hold){ contract, purse, from, 0 };
}

static void settle_typed(struct world *w, const size_t *meters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(w,
			model_settle(
				w, &w->meters[meters[i]], seeded_now.ms, w->meters[meters[i]].reg),
			"meter %lld was not covered", (long long)w->meters[meters[i]].id);
}

static bool all_covered(const struct world *w, const size_t *meters, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!model_covered(&w->meters[meters[i]], seeded_now.ms, w->meters[meters[i]].reg))
			return false;
	return true;
}

/* ---- closing, in the model ---- */

static void deposit_back(struct world *w, struct contract *c, struct purse *p)
{
	if (c->deposit <= 0)
		return;
	c->undo[c->undo_n++] =
		(struct undoing){ UNDO_DEPOSIT, (size_t)(p - w->purses), c->deposit, 0 };
	purse_move(p, c->deposit, SUBSIDY_STAYS);
	book_of(w, "deposit", c->id, -c->deposit);
	c->deposit = 0;
}

static void subsidy_back(struct world *w, struct contract *c, struct purse *p)
{
	int64_t back = p->subsidy < p->balance ? p->subsidy : p->balance;

	if (back <= 0)
		return;
	c->undo[c->undo_n++] = (struct undoing){ UNDO_SUBSIDY, (size_t)(p - w->purses), back, 0 };
	purse_move(p, -back, SUBSIDY_GIVEN);
	book(w, "subsidy", back);
}

/* Whole fen are paid, less than one is rounding. */
static void rest_out(struct world *w, struct contract *c, struct purse *p, const char *payout)
{
	int64_t fraction = p->balance % FEN, whole = p->balance - fraction;

	c->undo[c->undo_n++] = (struct undoing){ str_eq(payout, "cash") ? UNDO_CASH : UNDO_BANK,
		(size_t)(p - w->purses), whole, fraction };
	if (str_eq(payout, "cash"))
		book_of(w, "drawer", w->shift, whole);
	else
		book(w, "bank", whole);
	book(w, "rounding", fraction);
	purse_move(p, -p->balance, SUBSIDY_STAYS);
}

static void purse_ends(struct world *w, struct contract *c, struct purse *p, const char *payout)
{
	subsidy_back(w, c, p);
	if (p->balance < 0) {
		c->undo[c->undo_n++] =
			(struct undoing){ UNDO_DEBT, (size_t)(p - w->purses), -p->balance, 0 };
		c->debt -= p->balance;
		book_of(w, "debt", c->id, p->balance);
		purse_move(p, -p->balance, SUBSIDY_STAYS);
	} else if (p->balance > 0 && !str_eq(payout, "none")) {
		rest_out(w, c, p, payout);
	}
}

static void purses_end(struct world *w, struct contract *c, const char *payout)
{
	bool first = true;

	for (int64_t id = 0, next; (next = purse_after(w, c->id, id)) != 0; id = next) {
		struct purse *p = purse_by_id(w, next);

		if (first)
			deposit_back(w, c, p);
		first = false;
		purse_ends(w, c, p, payout);
	}
}

/* Holds end, purses warn nobody. */
static void closing_holds(
	struct world *w, struct contract *c, const size_t *meters, size_t n, int64_t at)
{
	c->ended = at;
	c->undo_n = 0;
	for (size_t i = 0; i < w->purses_n; i++)
		if (w->purses[i].contract == c->id)
			w->purses[i].closed = true;
	for (size_t i = 0; i < n; i++)
		open_hold(&w->meters[meters[i]])->to = at;
}

static void closing_rest(
	struct world *w, struct contract *c, const size_t *meters, size_t n, const char *payout)
{
	fees_stop(w, (size_t)(c - w->contracts),
		zone_local(w->zone, (struct utc){ c->ended - 1 }).day.days);
	purses_end(w, c, payout);
	for (size_t i = 0; i < n; i++)
		w->meters[meters[i]].keep_until = 0;
}

/* ---- opening, in the model ---- */

struct opening {
	struct life_purse purses[3];
	size_t n;
};

static void opening_draw(struct world *w, struct opening *o, const size_t *meters, size_t n)
{
	static const char *const purposes[] = { "electricity", "water", "fee" };

	o->n = 0;
	for (size_t k = 0; k < ARRAY_LEN(purposes); k++) {
		bool wanted = k == 2 && lot(w, 0, 1);

		for (size_t i = 0; i < n; i++)
			wanted = wanted || (k < 2 && w->meters[meters[i]].water == (k == 1));
		if (!wanted || lot(w, 0, 5) == 0)
			continue;
		o->purses[o->n++] = (struct life_purse){ .purpose = purposes[k],
			.opening = { lot(w, -200, 4000) * FEN },
			.warn1 = { 20 * NANO_PER_YUAN },
			.warn2 = { 10 * NANO_PER_YUAN },
			.credit_limit = { lot(w, 0, 1) * 5 * NANO_PER_YUAN },
			.emergency_limit = { 3 * NANO_PER_YUAN } };
	}
}

static void opening_purses(struct world *w, const struct opening *o, int64_t contract)
{
	for (size_t i = 0; i < o->n; i++) {
		const struct life_purse *n = &o->purses[i];
		struct purse *p = purse_of_contract(w, contract, n->purpose);

		CHECK(w, p, "contract %lld has no purse for %s", (long long)contract, n->purpose);
		p->warn1 = n->warn1.nano;
		p->warn2 = n->warn2.nano;
		p->limit = n->credit_limit.nano;
		p->emergency_limit = n->emergency_limit.nano;
		purse_move(p, n->opening.nano, SUBSIDY_STAYS);
		book(w, "opening", -n->opening.nano);
	}
}

static void opening_holds(
	struct world *w, int64_t contract, const size_t *meters, size_t n, const int64_t *cuts)
{
	for (size_t i = 0; i < n; i++) {
		struct smeter *m = &w->meters[meters[i]];
		struct purse *p =
			purse_of_contract(w, contract, m->water ? "water" : "electricity");

		CHECK(w, p, "contract %lld has no purse", (long long)contract);
		hold_add(m, contract, (size_t)(p - w->purses), cuts[i]);
		m->vacant = false;
	}
}

static bool pays(struct world *w, const struct purse *p)
{
	for (size_t i = 0; i < w->meters_n; i++) {
		const struct hold *h = open_hold(&w->meters[i]);

		if (h && w->meters[i].charged && &w->purses[h->purse] == p)
			return true;
	}
	return false;
}

/* The levels of its purses, once all is booked; those that pay for nothing and hold nothing have
 * none. */
static void levels_of(struct world *w, int64_t contract)
{
	model_post(w);
	for (int64_t id = 0; (id = purse_after(w, contract, id)) != 0;) {
		struct purse *p = purse_by_id(w, id);

		if (p->balance || p->level != LEVEL_OK || pays(w, p))
			model_level(w, p);
	}
}

static struct life_tenant tenant_draw(struct world *w, char code[static 48])
{
	return (struct life_tenant){ .code = once_key(w, "T", code),
		.name = "tenant",
		.phone = "13800000002",
		.contacts = "",
		.room = "" };
}

/* ---- the acts ---- */

#define METERS_AT_ONCE 8

struct act {
	size_t meters[METERS_AT_ONCE];
	size_t n;
	struct life_reading readings[METERS_AT_ONCE];
	int64_t cuts[METERS_AT_ONCE];
	int64_t at; /* 0: now */
};

/* Typed in now. Offline: as of an instant since the last readings. */
static void readings_type(struct world *w, struct act *a, int64_t not_before)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct smeter *m = &w->meters[a->meters[i]];

		a->readings[i] = (struct life_reading){ .meter_id = m->id,
			.typed = true,
			.reg = { m->reg },
			.at = { lot(w, 0, 1) * seeded_now.ms } };
		if (m->last_at > not_before)
			not_before = m->last_at;
		if (m->holds_n && m->holds[m->holds_n - 1].to > not_before)
			not_before = m->holds[m->holds_n - 1].to;
		if (m->holds_n && m->holds[m->holds_n - 1].from > not_before)
			not_before = m->holds[m->holds_n - 1].from;
	}
	a->at = lot(w, 0, 2) && not_before < seeded_now.ms ? 0 : lot(w, not_before, seeded_now.ms);
	for (size_t i = 0; i < a->n; i++)
		a->cuts[i] = a->at ? a->at : seeded_now.ms;
}

static void answer_is(
	struct world *w, const char *what, enum err got, enum err want, const struct problem *why)
{
	CHECK(w, got == want, "%s: %s, not %s (%s: %s)", what, err_word(got), err_word(want),
		why->field, why->text);
}

static struct contract *any_open(struct world *w)
{
	struct contract *c = &w->contracts[lot(w, 0, (int64_t)w->contracts_n - 1)];

	return c->ended ? NULL : c;
}

/* At most so much is there to be paid out. */
static int64_t worth_at_most(const struct world *w, const struct contract *c)
{
	int64_t sum = c->deposit;

	for (size_t i = 0; i < w->purses_n; i++)
		if (w->purses[i].contract == c->id && w->purses[i].balance > 0)
			sum += w->purses[i].balance;
	for (size_t i = 0; i < w->fees_n; i++)
		if (w->contracts[w->fees[i].contract].id == c->id)
			sum += 3 * w->fees[i].monthly_fen * FEN;
	return sum;
}

static bool closing_begin(struct world *w, struct act *a, struct contract **c,
	struct contract_close *n, enum err *want)
{
	static const char *const payouts[] = { "cash", "bank", "none" };

	*c = any_open(w);
	*a = (struct act){ 0 };
	if (!*c)
		return false;
	a->n = meters_of(w, (*c)->id, a->meters, METERS_AT_ONCE);
	if (a->n == 0 || w->contracts_n + 2 > CONTRACTS_MAX)
		return false;
	readings_type(w, a, 0);
	*n = (struct contract_close){ .id = (*c)->id,
		.at = { a->at },
		.readings = a->readings,
		.readings_n = a->n,
		.payout = payouts[lot(w, 0, 2)],
		.reason = "a test" };
	*want = str_eq(n->payout, "cash") && !w->shift ? ERR_SHIFT_CLOSED
		: !all_covered(w, a->meters, a->n)     ? ERR_CONFLICT
						       : ERR_OK;
	return true;
}

/* More than the limit needs a refund with a second person instead; only the books can say how much
 * it was. */
static bool refused(struct world *w, const struct contract *c, const struct contract_close *n,
	enum err got, enum err want, const struct problem *why)
{
	bool large = !str_eq(n->payout, "none") && worth_at_most(w, c) > REFUND_LIMIT_FEN * FEN;

	if (got == ERR_CONFLICT && want == ERR_OK && large)
		return true;
	answer_is(w, "closing", got, want, why);
	return got != ERR_OK;
}

static void close_play(struct world *w)
{
	AUTO(asking_free) struct asking ask = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, again = { 0 };
	struct problem why = { 0 };
	struct contract_close n;
	struct contract *c;
	struct act a;
	enum err got, want;

	if (!closing_begin(w, &a, &c, &n, &want))
		return;
	asking_open(w, &ask, "close");
	ask.ask.preview = lot(w, 0, 3) == 0; /* tells, and changes nothing */
	got = contract_close(w->api, &ask.ask, &n, &done, &why);
	if (refused(w, c, &n, got, want, &why) || ask.ask.preview)
		return;
	answer_is(w, "closing again", contract_close(w->api, &ask.ask, &n, &again, &why), ERR_OK,
		&why);
	closing_holds(w, c, a.meters, a.n, a.at ? a.at : seeded_now.ms);
	settle_typed(w, a.meters, a.n);
	model_post(w);
	closing_rest(w, c, a.meters, a.n, n.payout);
	for (size_t i = 0; i < a.n; i++)
		w->meters[a.meters[i]].vacant = w->vacant_block;
	w->closed_last = (size_t)(c - w->contracts);
	happened(w, a.at ? EVENT_CLOSED_OFFLINE : EVENT_CLOSED);
}

static void change_play(struct world *w)
{
	AUTO(asking_free) struct asking ask = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct problem why = { 0 };
	struct contract_close n;
	struct contract_open o = { .code = "" };
	struct opening opening;
	struct contract *c;
	char code[48];
	struct act a;
	enum err got, want;

	if (!closing_begin(w, &a, &c, &n, &want))
		return;
	asking_open(w, &ask, "change");
	opening_draw(w, &opening, a.meters, a.n);
	o.tenant = tenant_draw(w, code);
	o.purses = opening.purses;
	o.purses_n = opening.n;
	got = contract_change(w->api, &ask.ask, &n, &o, &done, &why);
	if (refused(w, c, &n, got, want, &why))
		return;
	closing_holds(w, c, a.meters, a.n, a.at ? a.at : seeded_now.ms);
	contract_new(w, done.id)->started = a.at ? a.at : seeded_now.ms;
	opening_purses(w, &opening, done.id);
	opening_holds(w, done.id, a.meters, a.n, a.cuts);
	settle_typed(w, a.meters, a.n);
	levels_of(w, done.id);
	closing_rest(w, c, a.meters, a.n, n.payout);
	happened(w, EVENT_CHANGED);
}

/* Meters that nobody holds. */
static size_t free_meters(struct world *w, size_t *out, size_t most)
{
	size_t n = 0, from = (size_t)lot(w, 0, (int64_t)w->meters_n - 1);

	for (size_t i = 0; i < w->meters_n && n < most; i++) {
		struct smeter *m = &w->meters[(from + i) % w->meters_n];
		const struct hold *last = m->holds_n ? &m->holds[m->holds_n - 1] : NULL;

		if (last && last->to && last->to <= seeded_now.ms && can_be_read(m))
			out[n++] = (from + i) % w->meters_n;
	}
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && out[k - 1] > out[k]; k--) {
			size_t t = out[k];

			out[k] = out[k - 1];
			out[k - 1] = t;
		}
	return n;
}

/* Some are not read: theirs is the last reading if it is fresh, else the next is spread. */
static void some_unread(struct world *w, struct act *a)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct smeter *m = &w->meters[a->meters[i]];

		if (lot(w, 0, 1))
			continue;
		a->readings[i].typed = false;
		if (!a->at && m->last_at >= seeded_now.ms - LIFE_FRESH_MS)
			a->cuts[i] = m->last_at;
	}
}

static void settle_some(struct world *w, const struct act *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->readings[i].typed)
			settle_typed(w, &a->meters[i], 1);
}

static void open_play(struct world *w)
{
	AUTO(asking_free) struct asking ask = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 }, again = { 0 };
	struct problem why = { 0 };
	struct contract_open o = { .code = "", .site_id = 1 };
	struct opening opening;
	char code[48];
	struct act a = { 0 };

	a.n = free_meters(w, a.meters, (size_t)lot(w, 1, 2));
	if (a.n == 0 || w->contracts_n == CONTRACTS_MAX)
		return;
	readings_type(w, &a, 0);
	some_unread(w, &a);
	asking_open(w, &ask, "open");
	opening_draw(w, &opening, a.meters, a.n);
	o.tenant = tenant_draw(w, code);
	o.at.ms = a.at;
	o.meters = a.readings;
	o.meters_n = a.n;
	o.purses = opening.purses;
	o.purses_n = opening.n;
	if (!all_covered(w, a.meters, a.n)) /* who may answer either way is left alone */
		return;
	answer_is(w, "opening", contract_open(w->api, &ask.ask, &o, &done, &why), ERR_OK, &why);
	answer_is(w, "opening again", contract_open(w->api, &ask.ask, &o, &again, &why), ERR_OK,
		&why);
	contract_new(w, done.id)->started = a.at ? a.at : seeded_now.ms;
	opening_purses(w, &opening, done.id);
	opening_holds(w, done.id, a.meters, a.n, a.cuts);
	settle_some(w, &a);
	levels_of(w, done.id);
	happened(w, EVENT_OPENED);
}

static void add_play(struct world *w)
{
	AUTO(asking_free) struct asking ask = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct contract *c = any_open(w);
	struct problem why = { 0 };
	struct act a = { 0 };
	enum err got;

	a.n = free_meters(w, a.meters, 1);
	if (a.n == 0 || !c || meters_of(w, c->id, a.meters + 1, METERS_AT_ONCE - 1) == 0)
		return;
	readings_type(w, &a, 0);
	a.at = 0;
	a.cuts[0] = seeded_now.ms;
	some_unread(w, &a);
	if (!all_covered(w, a.meters, a.n))
		return;
	asking_open(w, &ask, "add");
	got = contract_add(
		w->api, &ask.ask, c->id, (struct utc){ 0 }, a.readings, a.n, &done, &why);
	answer_is(w, "adding a meter", got, ERR_OK, &why);
	opening_holds(w, c->id, a.meters, a.n, a.cuts);
	settle_some(w, &a);
	levels_of(w, c->id);
	happened(w, EVENT_METER_ADDED);
}

/* ---- by mistake ---- */

static struct hold *last_hold(struct smeter *m, int64_t contract)
{
	for (size_t i = m->holds_n; i > 0; i--)
		if (m->holds[i - 1].contract == contract)
			return &m->holds[i - 1];
	return NULL;
}

static enum err reopen_answer(struct world *w, const struct contract *c)
{
	int64_t debt = c->debt;

	for (size_t i = 0; i < w->meters_n; i++) {
		const struct hold *h = last_hold(&w->meters[i], c->id);

		if (h && h != &w->meters[i].holds[w->meters[i].holds_n - 1])
			return ERR_CONFLICT;
	}
	for (size_t i = 0; i < c->undo_n; i++) {
		if (c->undo[i].what == UNDO_DEBT && debt < c->undo[i].nano)
			return ERR_CONFLICT;
		if (c->undo[i].what == UNDO_DEBT)
			debt -= c->undo[i].nano;
		if (c->undo[i].what == UNDO_CASH && c->undo[i].nano && !w->shift)
			return ERR_SHIFT_CLOSED;
	}
	return ERR_OK;
}

static void entry_undone(struct world *w, struct contract *c, const struct undoing *u)
{
	struct purse *p = &w->purses[u->purse];

	switch (u->what) {
	case UNDO_DEPOSIT:
		c->deposit += u->nano;
		book_of(w, "deposit", c->id, u->nano);
		purse_move(p, -u->nano, SUBSIDY_STAYS);
		return;
	case UNDO_SUBSIDY:
		book(w, "subsidy", -u->nano);
		purse_move(p, u->nano, SUBSIDY_GIVEN);
		return;
	case UNDO_DEBT:
		c->debt -= u->nano;
		book_of(w, "debt", c->id, u->nano);
		purse_move(p, -u->nano, SUBSIDY_STAYS);
		return;
	case UNDO_CASH:
		if (u->nano)
			book_of(w, "drawer", w->shift, -u->nano);
		break;
	case UNDO_BANK:
		book(w, "bank", -u->nano);
		break;
	}
	book(w, "rounding", -u->fraction);
	purse_move(p, u->nano + u->fraction, SUBSIDY_STAYS);
}

/* The tenant has the meter again from its last reading on. */
static void hold_resume(struct smeter *m, struct hold *h)
{
	m->vacant = false;
	if (m->last_at <= h->to)
		h->to = 0;
	else
		hold_add(m, h->contract, h->purse, m->last_at);
}

static void reopen_play(struct world *w)
{
	AUTO(asking_free) struct asking ask = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct contract *c = &w->contracts[lot(w, 0, (int64_t)w->contracts_n - 1)];
	struct problem why = { 0 };
	enum err want, got;

	if (lot(w, 0, 3)) /* it was a mistake */
		c = &w->contracts[w->closed_last];
	if (!c->ended)
		return;
	for (size_t i = 0; i < w->meters_n; i++)
		if (last_hold(&w->meters[i], c->id) &&
			w->meters[i].holds_n + 2 >= ARRAY_LEN(w->meters[i].holds))
			return;
	want = reopen_answer(w, c);
	if (want == ERR_OK)
		fees_second_thought(w, (size_t)(c - w->contracts));
	asking_open(w, &ask, "reopen");
	got = contract_reopen(w->api, &ask.ask, c->id, &done, &why);
	answer_is(w, "reopening", got, want, &why);
	if (got != ERR_OK)
		return;
	c->ended = 0;
	for (size_t i = 0; i < w->purses_n; i++)
		if (w->purses[i].contract == c->id)
			w->purses[i].closed = false;
	for (size_t i = 0; i < w->meters_n; i++) {
		struct hold *h = last_hold(&w->meters[i], c->id);

		if (h && h->to)
			hold_resume(&w->meters[i], h);
	}
	for (size_t i = 0; i < c->undo_n; i++)
		entry_undone(w, c, &c->undo[i]);
	fees_resume(w, (size_t)(c - w->contracts));
	levels_of(w, c->id);
	happened(w, EVENT_REOPENED);
}

/* ---- devices ---- */

/* Each change cuts, also one of equal product. */
static void ratio_from(struct smeter *m, int64_t from, int64_t ct, int64_t pt)
{
	int64_t ct_before = m->ratios_n ? m->ratios[m->ratios_n - 1].ct : 1;
	int64_t pt_before = m->ratios_n ? m->ratios[m->ratios_n - 1].pt : 1;

	if (ct == ct_before && pt == pt_before)
		return;
	assert_true(m->ratios_n < ARRAY_LEN(m->ratios));
	m->ratios[m->ratios_n].from = from;
	m->ratios[m->ratios_n].ct = ct;
	m->ratios[m->ratios_n++].pt = pt;
}

static void replaced_undo(struct world *w, struct smeter *m, int64_t reg, int64_t ct, int64_t pt)
{
	AUTO(asking_free) struct asking ask = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct problem why = { 0 };

	asking_open(w, &ask, "undo");
	answer_is(w, "undoing", meter_replace_undo(w->api, &ask.ask, m->id, &done, &why), ERR_OK,
		&why);
	m->device++;
	m->reg = m->last_reg = reg;
	ratio_from(m, m->last_at + 1, ct, pt);
	happened(w, EVENT_DEVICE_UNDONE);
}

static void replace_play(struct world *w)
{
	AUTO(asking_free) struct asking ask = { 0 };
	AUTO(life_done_free) struct life_done done = { 0 };
	struct smeter *m = &w->meters[lot(w, 0, (int64_t)w->meters_n - 1)];
	struct problem why = { 0 };
	int64_t reg = m->reg, ct_before = m->ratios_n ? m->ratios[m->ratios_n - 1].ct : 1;
	int64_t pt_before = m->ratios_n ? m->ratios[m->ratios_n - 1].pt : 1;
	int64_t ct = lot(w, 0, 2) ? 1 : lot(w, 2, 4), pt = lot(w, 0, 3) ? 1 : 2;
	char unit[16], serial[48];
	struct meter_change_new n = { .meter_id = m->id,
		.old_register = { reg },
		.model = m->water ? "xintai-water" : "acrel-ddsy1352",
		.unit = unit,
		.serial = once_key(w, "s", serial),
		.new_register = { lot(w, 0, 1) * lot(w, 0, 9999999) },
		.ct_ratio = ct,
		.pt_ratio = pt,
		.switchable = true,
		.reason = "a test" };

	if (!can_be_read(m) || m->ratios_n + 2 > ARRAY_LEN(m->ratios) || m->keeps_credit ||
		!model_covered(m, seeded_now.ms, reg))
		return;
	snprintf(unit, sizeof(unit), "%lld", (long long)(1 + m->id % 240));
	asking_open(w, &ask, "replace");
	answer_is(w, "exchange", meter_replace(w->api, &ask.ask, &n, &done, &why), ERR_OK, &why);
	settle_typed(w, (size_t[]){ (size_t)(m - w->meters) }, 1);
	model_post(w);
	m->device++;
	m->reg = m->last_reg = n.new_register.milli;
	ratio_from(m, seeded_now.ms, ct, pt);
	happened(w, EVENT_DEVICE);
	if (ct * pt > 1)
		happened(w, EVENT_RATIO);
	if (lot(w, 0, 2) == 0)
		replaced_undo(w, m, reg, ct_before, pt_before);
}

/* ---- the hour ---- */

void life_play(struct world *w)
{
	if (lot(w, 0, 7) == 0)
		close_play(w);
	if (lot(w, 0, 19) == 0)
		change_play(w);
	if (lot(w, 0, 3) == 0)
		reopen_play(w);
	if (lot(w, 0, 7) == 0)
		open_play(w);
	if (lot(w, 0, 11) == 0)
		add_play(w);
	if (lot(w, 0, 19) == 0)
		replace_play(w);
}
