#pragma once
/* What the tests of reports share: a mall that has lived for a while, and reports of its sealed
 * days. By subject: reports_money.c, reports_use.c. */
#include "report/report.h"
#include "seeded.h"

#define METERS 16

extern struct world *world;
extern struct day first, last; /* of what was sealed when it was asked first */

struct report_ask asking(const char *name, const char *format);
void make(const struct report_ask *ask, struct buf *out);
json_t *made(const struct report_ask *ask);
json_t *report(const char *name);
int64_t number(const json_t *row, const char *member);
const char *text(const json_t *row, const char *member);
int64_t total(const json_t *report, const char *member);
/* The total of each summed column is the sum of its rows. */
void totals_are_sums(const json_t *report);

/* One number of the tables, with the first and the last day for each %s pair. */
#define TABLE(sql)                                                                                 \
	__extension__({                                                                            \
		static const struct query q_ = { (sql), &fixture_shape };                          \
		table(&q_);                                                                        \
	})
int64_t table(const struct query *q);
#define IN_DAYS " AND e.book_day BETWEEN ? AND ?"
#define POSTED(kinds, accounts)                                                                    \
	"SELECT CAST(COALESCE(SUM(p.amount_nano), 0) AS SIGNED) AS v FROM entry e JOIN posting p"  \
	" ON p.entry_id = e.id JOIN account a ON a.id = p.account_id WHERE e.kind IN (" kinds      \
	") AND (" accounts ")" IN_DAYS

void sales_are_what_came_into_purses(void **state);
void payments_of_nobody_are_told(void **state);
void shifts_tie_to_their_drawers(void **state);
void purchases_tie_to_purses_and_use(void **state);
void energy_and_money_tie(void **state);
void shares_and_fees_tie_to_their_entries(void **state);
void debtors_are_those_below_zero(void **state);
void use_is_the_same_however_it_is_grouped(void **state);
void the_period_before_stands_beside(void **state);
void months_and_carbon_add_up(void **state);
void losses_are_the_difference(void **state);
void hours_are_the_same_however_they_are_grouped(void **state);
void hours_and_peaks_add_up(void **state);
void load_is_that_of_the_hours(void **state);
