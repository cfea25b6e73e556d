/* What the mall should be: balances, levels and use, from the contract's rules alone. */
#include "seeded.h"

#include <stdlib.h>
#include <string.h>

/* ---- use ---- */

const struct hold *model_hold(const struct smeter *m, int64_t at)
{
	for (size_t i = 0; i < m->holds_n; i++)
		if (m->holds[i].from <= at && (!m->holds[i].to || at < m->holds[i].to))
			return &m->holds[i];
	return NULL;
}

static int64_t tariff_at(const struct smeter *m, int64_t at)
{
	int64_t found = -1;

	for (size_t i = 0; i < m->tariffs_n; i++)
		if (m->tariffs[i].from <= at)
			found = (int64_t)m->tariffs[i].tariff;
	return found;
}

/* The first change of contract or tariff after an instant. */
static int64_t change_after(const struct smeter *m, int64_t at, int64_t end)
{
	for (size_t i = 0; i < m->holds_n; i++) {
		if (m->holds[i].from > at && m->holds[i].from < end)
			end = m->holds[i].from;
		if (m->holds[i].to > at && m->holds[i].to < end)
			end = m->holds[i].to;
	}
	for (size_t i = 0; i < m->tariffs_n; i++)
		if (m->tariffs[i].from > at && m->tariffs[i].from < end)
			end = m->tariffs[i].from;
	for (size_t i = 0; i < m->ratios_n; i++)
		if (m->ratios[i].from > at && m->ratios[i].from < end)
			end = m->ratios[i].from;
	return end;
}

/* What the register is multiplied by. */
static int64_t ratio_at(const struct smeter *m, int64_t at)
{
	int64_t found = 1;

	for (size_t i = 0; i < m->ratios_n; i++)
		if (m->ratios[i].from <= at)
			found = m->ratios[i].ct * m->ratios[i].pt;
	return found;
}

static struct slow_use *use_of(struct smeter *m, int64_t contract)
{
	for (size_t i = 0; i < m->uses_n; i++)
		if (m->uses[i].contract == contract)
			return &m->uses[i].use;
	assert_true(m->uses_n < ARRAY_LEN(m->uses));
	m->uses[m->uses_n].contract = contract;
	return &m->uses[m->uses_n++].use;
}

struct taking {
	struct smeter *m;
	int64_t contract, account, tariff, charge;
};

static void take(void *ctx, const struct slow_line *l)
{
	struct taking *t = ctx;
	struct use_line u = { .day = l->day.days,
		.contract = t->contract,
		.account = t->account,
		.tariff = t->tariff,
		.version = l->version.ms,
		.tier = l->tier,
		.price = l->price_micro,
		.qty = l->qty_milli,
		.charge = l->charge_nano };
	struct smeter *m = t->m;
	size_t i = m->lines_n;

	assert_true(str_copy(u.rate, sizeof(u.rate), l->rate));
	t->charge += l->charge_nano;
	while (i > 0 &&
		(m->lines[i - 1].day != u.day || m->lines[i - 1].contract != u.contract ||
			m->lines[i - 1].account != u.account ||
			m->lines[i - 1].tariff != u.tariff ||
			m->lines[i - 1].version != u.version || m->lines[i - 1].tier != u.tier ||
			m->lines[i - 1].price != u.price || !str_eq(m->lines[i - 1].rate, u.rate)))
		i--;
	if (i > 0) {
		m->lines[i - 1].qty += u.qty;
		m->lines[i - 1].charge += u.charge;
		return;
	}
	m->lines = reallocarray(m->lines, m->lines_n + 1, sizeof(*m->lines));
	ASSERT(m->lines);
	m->lines[m->lines_n++] = u;
}

static int64_t register_at(const struct smeter *m, int64_t at, int64_t end, int64_t reg)
{
	int64_t span = (end - m->last_at) / 1000, elapsed = (at - m->last_at) / 1000;

	if (at >= end || span == 0)
		return reg;
	return m->last_reg + (int64_t)((__int128)(reg - m->last_reg) * elapsed / span);
}

int64_t model_ratio(const struct smeter *m)
{
	return ratio_at(m, INT64_MAX);
}

/* Does every charged piece have a tariff? */
bool model_covered(const struct smeter *m, int64_t at, int64_t reg)
{
	for (int64_t from = m->last_at, to, r = m->last_reg; from < at; from = to) {
		int64_t next;

		to = change_after(m, from, at);
		next = register_at(m, to, at, reg);
		if (next > r && m->billed && model_hold(m, from) && tariff_at(m, from) < 0)
			return false;
		r = next;
	}
	return true;
}

static void price_piece(struct world *w, struct smeter *m, int64_t from, int64_t to, int64_t qty)
{
	const struct hold *h = model_hold(m, from);
	int64_t tariff = tariff_at(m, from);
	struct slow_use none = { 0 };
	struct taking t = { .m = m,
		.contract = h ? h->contract : 0,
		.account = h && m->charged ? w->purses[h->purse].id : 0,
		.tariff = tariff < 0 ? 0 : w->tariffs[tariff].id };
	enum err e = slow_charge(tariff < 0 ? w->spread : w->tariffs[tariff].slow,
		(struct utc){ from }, (struct utc){ to }, qty,
		tariff < 0 ? &none : use_of(m, t.contract), (struct slow_sink){ take, &t });

	assert_int_equal(e, ERR_OK);
	if (t.account) {
		w->purses[h->purse].due += t.charge;
		w->purses[h->purse].touched |= t.charge != 0;
	}
}

static void touch(struct world *w, struct smeter *m, int64_t at)
{
	int32_t from = zone_local(w->zone, (struct utc){ m->last_at }).day.days - 1;
	int32_t to = zone_local(w->zone, (struct utc){ at }).day.days + 1;

	if (m->touched_to == 0 || from < m->touched_from)
		m->touched_from = from;
	if (to > m->touched_to)
		m->touched_to = to;
}

bool model_settle(struct world *w, struct smeter *m, int64_t at, int64_t reg)
{
	if (m->last_at && reg > m->last_reg) {
		if (!model_covered(m, at, reg))
			return false;
		touch(w, m, at);
		for (int64_t from = m->last_at, to, r = m->last_reg; from < at; from = to) {
			int64_t next;

			to = change_after(m, from, at);
			next = register_at(m, to, at, reg);
			if (next > r)
				price_piece(w, m, from, to, (next - r) * ratio_at(m, from));
			r = next;
		}
	}
	m->last_at = at;
	m->last_reg = reg;
	return true;
}

#define CATCH_UP 200 /* in one transaction */

/* What waited for its tariff is charged reading by reading. */
bool model_reading(struct world *w, struct smeter *m, int64_t at, int64_t reg)
{
	size_t n = 0, most = m->waiting_n < CATCH_UP ? m->waiting_n : CATCH_UP;
	bool whole = m->waiting_n < CATCH_UP;

	while (n < most && model_settle(w, m, m->waiting[n].at, m->waiting[n].reg))
		n++;
	m->waiting_n -= n;
	memmove(m->waiting, &m->waiting[n], m->waiting_n * sizeof(*m->waiting));
	if (whole && m->waiting_n == 0 && model_settle(w, m, at, reg))
		return true;
	assert_true(m->waiting_n < ARRAY_LEN(m->waiting));
	m->waiting[m->waiting_n++] = (struct waiting){ at, reg };
	return false;
}

/* ---- purses ---- */

static int64_t margin(int64_t threshold)
{
	return threshold / 20 > NANO_PER_YUAN ? threshold / 20 : NANO_PER_YUAN;
}

/* A level is entered at once; it is left when the balance is clearly above its threshold. */
static enum level level_now(const struct purse *p)
{
	int64_t floor = -p->limit - (p->emergency ? p->emergency_limit : 0);
	bool fee = str_eq(p->purpose, "fee"); /* owes nothing at zero */
	enum level enter = LEVEL_OK, l = p->level;

	if (fee ? p->balance < floor : p->balance <= floor)
		enter = LEVEL_ARREARS;
	else if (p->warn2 > 0 && p->balance <= p->warn2)
		enter = LEVEL_LOW2;
	else if (p->warn1 > 0 && p->balance <= p->warn1)
		enter = LEVEL_LOW1;
	if (enter >= l)
		return enter;
	if (l == LEVEL_ARREARS && (fee ? p->balance >= 0 : p->balance > 0))
		l = LEVEL_LOW2;
	if (l == LEVEL_LOW2 && enter < l &&
		(p->warn2 <= 0 || p->balance > p->warn2 + margin(p->warn2)))
		l = LEVEL_LOW1;
	if (l == LEVEL_LOW1 && enter < l &&
		(p->warn1 <= 0 || p->balance > p->warn1 + margin(p->warn1)))
		l = LEVEL_OK;
	return l;
}

/* Does it pay for meters that keep credit themselves, and for no other? */
static bool goes_on(const struct world *w, const struct purse *p)
{
	bool found = false;

	for (size_t i = 0; i < w->meters_n; i++) {
		const struct smeter *m = &w->meters[i];
		const struct hold *h = m->holds_n ? &m->holds[m->holds_n - 1] : NULL;

		if (!h || h->to || &w->purses[h->purse] != p)
			continue;
		if (!m->keeps_credit)
			return false;
		found = true;
	}
	return found;
}

void model_level(struct world *w, struct purse *p)
{
	bool fee = str_eq(p->purpose, "fee");
	enum level l;

	if (p->closed)
		return;
	if (p->balance > 0)
		p->emergency = false;
	l = level_now(p);
	if (l != LEVEL_OK && goes_on(w, p))
		l = LEVEL_OK;
	if (l > p->level) {
		assert_true(w->news_n < NEWS_MAX);
		w->news[w->news_n++] = (struct news){ p->id, !fee		  ? level_word(l)
							     : l == LEVEL_ARREARS ? "fee_short"
										  : "fee_low" };
	}
	p->level = l;
}

void model_post(struct world *w)
{
	for (size_t i = 0; i < w->purses_n; i++) {
		struct purse *p = &w->purses[i];

		if (!p->touched)
			continue;
		purse_move(p, -p->due, SUBSIDY_GOES_FIRST);
		p->due = 0;
		p->touched = false;
		model_level(w, p);
	}
}
