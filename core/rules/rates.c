#include "rules/rates.h"

#include <string.h>

#include "base/str.h"
#include "rules/calendar.h"

static const char *const names[RATES_OF_METER] = { "sharp", "peak", "flat", "valley" };

const char *rate_of_meter(size_t i)
{
	return names[i];
}

bool rates_known(const struct rates_facts *f)
{
	bool counts = false;

	for (size_t i = 0; i < RATES_OF_METER; i++) {
		if ((f->before[i].milli < 0) != (f->after[i].milli < 0))
			return false;
		counts |= f->after[i].milli > 0;
	}
	return counts;
}

/* The parts as their registers have them, and what they miss of the total. */
static enum err parts_read(const struct rates_facts *f, struct rates_split *out, struct qty *missed)
{
	struct qty sum = { 0 };

	out->n = 0;
	for (size_t i = 0; i < RATES_OF_METER; i++) {
		struct rate_part *p = &out->at[out->n];

		if (f->after[i].milli < 0)
			continue;
		*p = (struct rate_part){ .rate = names[i] };
		if (f->after[i].milli < f->before[i].milli ||
			__builtin_mul_overflow(
				f->after[i].milli - f->before[i].milli, f->ratio, &p->qty.milli) ||
			qty_add(sum, p->qty, &sum) != ERR_OK)
			return ERR_CONFLICT;
		out->n++;
	}
	return qty_sub(f->total, sum, missed);
}

enum err rates_split(const struct rates_facts *f, struct rates_split *out)
{
	struct rates_split s = { 0 };
	struct qty missed = { 0 };
	__int128 most = (__int128)f->step * f->ratio * (RATES_OF_METER + 1);
	size_t largest = 0;

	if (parts_read(f, &s, &missed) != ERR_OK || s.n == 0 || missed.milli >= most ||
		-missed.milli >= most)
		return ERR_CONFLICT;
	for (size_t i = 1; i < s.n; i++)
		if (s.at[i].qty.milli > s.at[largest].qty.milli)
			largest = i;
	s.at[largest].qty.milli += missed.milli;
	if (s.at[largest].qty.milli < 0)
		return ERR_CONFLICT;
	*out = s;
	return ERR_OK;
}

/* ---- slots ---- */

struct slot_text {
	int32_t second;
	char rate[65];
};

/* The next slot that changes the rate; false at the end or at what is no slot. */
static bool slot_next(const char **text, const char *before, struct slot_text *out)
{
	char time[8];

	do {
		if (!str_word(text, time, sizeof(time)) ||
			!str_word(text, out->rate, sizeof(out->rate)))
			return false;
		out->second = slot_second(time);
	} while (str_eq(out->rate, before));
	return out->second >= 0;
}

static bool row_is(const struct version *v, const struct row *row, const char *text)
{
	struct slot_text s = { .rate = "" };

	for (size_t i = 0; i < row->slots_n; i++) {
		char before[sizeof(s.rate)];

		if (i > 0 && row->slots[i].rate == row->slots[i - 1].rate)
			continue;
		memcpy(before, s.rate, sizeof(before));
		if (!slot_next(&text, before, &s) || s.second != row->slots[i].second ||
			!str_eq(s.rate, v->rates[row->slots[i].rate].name))
			return false;
	}
	return !slot_next(&text, s.rate, &(struct slot_text){ 0 });
}

bool tariff_slots_are(const struct tariff *t, struct utc from, struct utc to, const char *slots)
{
	struct utc until;

	for (struct utc at = from; at.ms < to.ms; at = until) {
		struct local_day d = local_day_at(t->zone, at);
		const struct version *v = version_at(t, at, &until);
		int year, month, day;

		if (!v)
			return false;
		civil_date(d.day.days, &year, &month, &day);
		if (!row_is(v, row_find(v, month, day_kind_of(t, d.day)), slots))
			return false;
		if (d.end.ms < until.ms)
			until = d.end;
	}
	return true;
}
