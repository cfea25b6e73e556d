#pragma once
/* Damage: a real history, in which one row at a time is changed by hand. yufu verify must name that
 * row, and must find nothing once it is put back. */
#include "seeded.h"

/* One kind of damage: which row (into user variables), what is done to it, what must be said. It is
 * undone by ROLLBACK. */
struct damage {
	const char *name;
	const char *tables; /* that it changes, separated by blanks */
	const char *pick;   /* the rest of SELECT … INTO; must find a row */
	const char *harm;
	const char *check;
	const char *object; /* an expression over the variables */
};

struct damages {
	const struct damage *list;
	size_t n;
};
/* By subject: damage_use.c, damage_money.c, damage_life.c, damage_pay.c,
 * damage_bills.c. */
extern const struct damages damages_of_use, damages_of_money, damages_of_life, damages_of_pay,
	damages_of_bills;

/* What the seeded play does not do, at a second site, in the hours after it: two parties at one
 * meter, exchanged devices, credit in a meter, fees, shares, refunds, reversals, adjustments by one
 * and by two persons, an allowance, closings. Time goes on by PAST_HOURS. (damage_past.c) */
#define PAST_HOURS 60
void past_make(struct world *w);
void past_pay(struct world *w); /* the part of it in damage_pay.c */
/* A service's bills of the last days, compared and resolved. (damage_bills.c) */
void bills_make(struct world *w);

#define AN_ENTRY(kind)                                                                             \
	"id, book_day INTO @e, @d FROM entry WHERE kind = '" kind "' ORDER BY id LIMIT 1"
#define ENTRY "CONCAT('entry:', @e)"
#define A_PURSE                                                                                    \
	"id INTO @a FROM account WHERE kind = 'purse' AND balance_nano > 100 ORDER BY id LIMIT 1"
#define ACCOUNT "CONCAT('account:', @a)"
