/* Property fee and rent by the month. */
#include "seeded.h"

#include "domain/fee.h"

static struct fee_actor clerk(void)
{
	return (struct fee_actor){ .actor = "user:5", .address = "", .now = seeded_now };
}

static int32_t today(const struct world *w)
{
	return zone_local(w->zone, seeded_now).day.days;
}

/* Months since 1970, and the first day of one. */
static int32_t month_at(int32_t day)
{
	int year, month, of;

	civil_date(day, &year, &month, &of);
	return year * 12 + month - 1;
}

static int32_t first_of(int32_t month)
{
	return day_of(month / 12, month % 12 + 1, 1).days;
}

/* ---- the model ---- */

/* Whole fen, half a fen and more up. */
static int64_t costs(const struct world *w, const struct fee_model *f, int32_t month)
{
	int32_t first = first_of(month), next = first_of(month + 1);
	int32_t from = f->from > first ? f->from : first;
	int64_t ended = w->contracts[f->contract].ended, days, part;
	int32_t to = f->to < next - 1 ? f->to : next - 1;

	if (ended) {
		int32_t last = zone_local(w->zone, (struct utc){ ended - 1 }).day.days;

		to = to < last ? to : last;
	}
	if (to < from)
		return 0;
	days = next - first;
	part = f->monthly_fen * (to - from + 1);
	return part / days + (2 * (part % days) >= days);
}

static int64_t *charged_of(struct fee_model *f, int32_t month)
{
	for (size_t i = 0; i < f->charged_n; i++)
		if (f->charged[i].month == month)
			return &f->charged[i].fen;
	return NULL;
}

/* False: the month costs what was charged. */
static bool charge(struct world *w, struct fee_model *f, int32_t month)
{
	int64_t *before = charged_of(f, month);
	int64_t fen = costs(w, f, month) - (before ? *before : 0);

	if (fen == 0)
		return false;
	if (!before) {
		assert_true(f->charged_n < ARRAY_LEN(f->charged));
		f->charged[f->charged_n].month = month;
		f->charged[f->charged_n].fen = 0;
		before = &f->charged[f->charged_n++].fen;
	}
	*before += fen;
	purse_move(&w->purses[f->purse], -fen * FEN, SUBSIDY_GOES_FIRST);
	book(w, f->rent ? "rent" : "property_fee", fen * FEN);
	return true;
}

static bool is_due(const struct world *w, struct fee_model *f, int32_t month)
{
	int32_t first = first_of(month), next = first_of(month + 1);
	int64_t ended = w->contracts[f->contract].ended;
	int32_t last = next - 1 < today(w) ? next - 1 : today(w);

	return f->from <= last && f->to >= first && !charged_of(f, month) &&
	       (!ended || ended > zone_day_start(w->zone, (struct day){ first }).ms) &&
	       f->created < zone_day_start(w->zone, (struct day){ next }).ms;
}

/* ---- the play ---- */

static void fee_new_one(struct world *w, size_t contract)
{
	struct fee_actor by = clerk();
	struct fee_model f = { .contract = contract,
		.rent = lot(w, 0, 1),
		.monthly_fen = lot(w, 100, 9999),
		.from = today(w) + (int32_t)lot(w, -20, 20),
		.to = INT32_MAX,
		.created = seeded_now.ms };
	char once[48];
	struct fee_new n = { .contract_id = w->contracts[contract].id,
		.kind = f.rent ? "rent" : "property_fee",
		.monthly_fen = f.monthly_fen,
		.from = { f.from },
		.once_key = once_key(w, "fee", once) };
	struct problem why = { 0 };
	struct purse *p;

	if (w->contracts[contract].ended || w->fees_n == CONTRACTS_MAX)
		return;
	for (size_t i = 0; i < w->fees_n; i++) /* only one of a kind */
		if (w->fees[i].contract == contract && w->fees[i].rent == f.rent)
			return;
	if (lot(w, 0, 3) == 0) {
		f.to = f.from + (int32_t)lot(w, 0, 40);
		n.ends = true;
		n.to.days = f.to;
	}
	for (int64_t again = lot(w, 0, 1); again >= 0; again--)
		assert_int_equal(fee_add(w->api, &n, &by, &f.id, &why), ERR_OK);
	p = purse_of_contract(w, n.contract_id, "fee");
	CHECK(w, p, "contract %lld has no fee purse", (long long)n.contract_id);
	f.purse = (size_t)(p - w->purses);
	w->fees[w->fees_n++] = f;
}

void fees_make(struct world *w)
{
	for (size_t i = 0; i < w->contracts_n; i++)
		if (lot(w, 0, 1))
			fee_new_one(w, i);
}

/* Its months cost what they do with this end: what was charged too much comes back, what too little
 * is taken. */
static void end_set(struct world *w, struct fee_model *f, int32_t to)
{
	bool moved = false;

	f->to = to;
	for (size_t i = 0; i < f->charged_n; i++)
		moved = charge(w, f, f->charged[i].month) || moved;
	if (moved)
		model_level(w, &w->purses[f->purse]);
}

static void fee_ends(struct world *w, struct fee_model *f, int32_t to)
{
	end_set(w, f, to);
	happened(w, EVENT_FEE_ENDED);
}

static void fee_end_play(struct world *w, struct fee_model *f)
{
	struct fee_actor by = clerk();
	struct problem why = { 0 };
	int32_t to = today(w) + (int32_t)lot(w, -10, 10);

	if (w->contracts[f->contract].ended) /* of one that is closed: earlier only */
		to = f->to - (int32_t)lot(w, 1, 10);
	else if (f->to != INT32_MAX)
		return;
	if (to < f->from - 1)
		to = f->from - 1;
	for (int64_t again = lot(w, 0, 1); again >= 0; again--)
		assert_int_equal(fee_end(w->api, f->id, (struct day){ to }, &by, &why), ERR_OK);
	fee_ends(w, f, to);
}

void fees_stop(struct world *w, size_t contract, int32_t last_day)
{
	for (size_t i = 0; i < w->fees_n; i++) {
		struct fee_model *f = &w->fees[i];

		if (f->contract != contract)
			continue;
		f->stopped = f->to > last_day;
		if (!f->stopped)
			continue;
		f->before = f->to;
		f->stop = last_day < f->from - 1 ? f->from - 1 : last_day;
		fee_ends(w, f, f->stop);
	}
}

void fees_second_thought(struct world *w, size_t contract)
{
	for (size_t i = 0; i < w->fees_n; i++)
		if (w->fees[i].contract == contract && w->fees[i].stopped && lot(w, 0, 3) == 0)
			fee_end_play(w, &w->fees[i]);
}

void fees_resume(struct world *w, size_t contract)
{
	for (size_t i = 0; i < w->fees_n; i++) {
		struct fee_model *f = &w->fees[i];

		if (f->contract != contract || !f->stopped)
			continue;
		f->stopped = false;
		if (f->to != f->stop) /* somebody ended it earlier since */
			continue;
		end_set(w, f, f->before);
		happened(w, EVENT_FEE_RESUMED);
	}
}

void fees_play(struct world *w)
{
	int32_t month = month_at(today(w));

	if (lot(w, 0, 29) == 0)
		fee_new_one(w, (size_t)lot(w, 0, (int64_t)w->contracts_n - 1));
	if (w->fees_n > 0 && lot(w, 0, 29) == 0)
		fee_end_play(w, &w->fees[lot(w, 0, (int64_t)w->fees_n - 1)]);
	assert_int_equal(fees_due(w->worker, seeded_now), ERR_OK);
	for (int32_t back = 2; back >= 0; back--)
		for (size_t i = 0; i < w->fees_n; i++) {
			struct fee_model *f = &w->fees[i];

			if (!is_due(w, f, month - back) || !charge(w, f, month - back))
				continue;
			model_level(w, &w->purses[f->purse]);
			happened(w, EVENT_FEE);
		}
}
