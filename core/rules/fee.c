#include "rules/fee.h"

#include <stdio.h>
#include <string.h>

const char *month_text(struct month m, char buf[static MONTH_TEXT_MAX])
{
	char text[DAY_TEXT_MAX];

	snprintf(buf, MONTH_TEXT_MAX, "%.7s", day_text(month_first(m), text));
	return buf;
}

enum err month_parse(const char *text, struct month *out)
{
	char first[DAY_TEXT_MAX];
	struct day d;

	if (strlen(text) != strlen("2026-11"))
		return ERR_BAD_VALUE;
	snprintf(first, sizeof(first), "%s-01", text);
	if (day_parse(first, &d) != ERR_OK || d.days < 0)
		return ERR_BAD_VALUE;
	*out = month_of(d);
	return ERR_OK;
}

struct month month_of(struct day d)
{
	int year, month, day;

	civil_date(d.days, &year, &month, &day);
	return (struct month){ (year - 1970) * 12 + month - 1 };
}

struct day month_first(struct month m)
{
	return day_of(1970 + m.months / 12, m.months % 12 + 1, 1);
}

struct day month_last(struct month m)
{
	return (struct day){ month_first((struct month){ m.months + 1 }).days - 1 };
}

enum err fee_check(const struct fee_term *t, struct problem *why)
{
	if (t->monthly_fen < 1 || t->monthly_fen > FEE_MONTHLY_MAX_FEN)
		return problem_set(why, ERR_OUT_OF_RANGE, "monthly_fen", "from 1 to %lld fen",
			(long long)FEE_MONTHLY_MAX_FEN);
	if (t->ends && t->to.days < t->from.days - 1)
		return problem_set(
			why, ERR_OUT_OF_RANGE, "to_day", "it must not end before it begins");
	return ERR_OK;
}

void fee_span(const struct fee_term *t, struct month m, struct day *first, struct day *last)
{
	*first = month_first(m);
	*last = month_last(m);
	if (t->from.days > first->days)
		*first = t->from;
	if (t->ends && t->to.days < last->days)
		*last = t->to;
}

int fee_days(const struct fee_term *t, struct month m)
{
	struct day first, last;

	fee_span(t, m, &first, &last);
	return last.days < first.days ? 0 : last.days - first.days + 1;
}

int64_t fee_amount(const struct fee_term *t, struct month m)
{
	int64_t days = fee_days(t, m);
	int64_t of = month_last(m).days - month_first(m).days + 1;

	return (2 * t->monthly_fen * days + of) / (2 * of);
}

int64_t fee_left(const struct fee_term *t, struct month m, int64_t charged_fen)
{
	return fee_amount(t, m) - charged_fen;
}
