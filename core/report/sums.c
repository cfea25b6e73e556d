/* Spans of book days as months that have their sums, and the days around them. */
#include <string.h>

#include "domain/monthsum.h"
#include "report/report.h"

static void span_put(struct day from, struct day to, char first[static DAY_TEXT_MAX],
	char last[static DAY_TEXT_MAX])
{
	if (from.days > to.days) {
		from = day_of(9999, 12, 31);
		to = day_of(1000, 1, 1);
	}
	day_text(from, first);
	day_text(to, last);
}

enum err report_sums_find(
	struct db *db, int64_t site_id, struct day from, struct day to, struct report_sums *out)
{
	struct day reach, begin, end, none = { to.days + 1 };
	enum err e = monthsum_to(db, site_id, &reach);

	if (e != ERR_OK && e != ERR_NOT_FOUND)
		return e;
	out->first = monthsum_month(from);
	if (monthsum_first(out->first).days < from.days)
		out->first = monthsum_month((struct day){ monthsum_last(out->first).days + 1 });
	begin = monthsum_first(out->first);
	end = to;
	if (e == ERR_OK && reach.days < end.days)
		end = reach;
	out->last = monthsum_month(end);
	if (monthsum_last(out->last).days > end.days)
		out->last = monthsum_month((struct day){ monthsum_first(out->last).days - 1 });
	end = monthsum_last(out->last);
	if (e == ERR_NOT_FOUND || begin.days > end.days) {
		out->first = 1;
		out->last = 0;
		span_put(from, to, out->head_first, out->head_last);
		span_put(none, to, out->tail_first, out->tail_last);
		return ERR_OK;
	}
	span_put(from, (struct day){ begin.days - 1 }, out->head_first, out->head_last);
	span_put((struct day){ end.days + 1 }, to, out->tail_first, out->tail_last);
	return ERR_OK;
}
