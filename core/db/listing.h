#pragma once
/* Lists by pages. A page goes on behind the last row of the page before (keyset, never OFFSET):
 * rows that come or go meanwhile neither move others out of sight nor show them twice. */
#include "db/db.h"

#define LIST_SORTS_MAX 8
#define LIST_FILTERS_MAX 16
#define LIST_TEXT_MAX 1025 /* of a text that rows are sorted by */
#define LIST_KEYS 2

enum filter_kind {
	FILTER_ID,
	FILTER_TEXT,
	FILTER_WORD, /* one of words */
	FILTER_FLAG, /* 0 or 1 */
	FILTER_DAY,  /* a local day as text */
	FILTER_FROM, /* a local day, as the instant when it begins */
	FILTER_TO    /* a local day, as the instant when it is over */
};

struct list_filter {
	const char *name; /* of the parameter */
	enum filter_kind kind;
	const char *sql;   /* a condition; each ? of it is the value */
	const char *words; /* "open closed" */
	const char *usual; /* of a FILTER_FLAG that is not asked for: "0", "1"; NULL: any */
};

/* What rows may be sorted by: never NULL. column: of the result, where the name is another. */
struct list_sort {
	const char *name, *sql, *column;
};

struct listing {
	/* SELECT … WHERE … of all that its arguments let see, without ORDER BY and LIMIT. */
	struct query all;
	const char *group; /* " GROUP BY …", or NULL */
	/* The first has another value in each row, and decides between rows that are equal in what
	 * they are sorted by. */
	struct list_sort sorts[LIST_SORTS_MAX];
	bool tie_only;	   /* it only decides: it differs where the others are equal */
	const char *order; /* unless asked otherwise; "-at": descending */
	bool one_way;	   /* in no other order */
	struct list_filter filters[LIST_FILTERS_MAX];
	int usual, most; /* rows of a page; 0: LIST_USUAL, LIST_MOST */
};
#define LIST_USUAL 100
#define LIST_MOST 500

int listing_usual(const struct listing *l);
int listing_most(const struct listing *l);
/* What may be asked for: the n-th, or NULL behind the last; and by its name, or NULL. */
const struct list_sort *listing_sort_at(const struct listing *l, size_t n);
const struct list_sort *listing_sort(const struct listing *l, const char *name);

/* Where a row stands in the order. */
struct list_key {
	bool is_text;
	int64_t number;
	char text[LIST_TEXT_MAX];
};
struct list_place {
	size_t n; /* 0: before the first row; 1 when sorted by what differs in each row; else 2 */
	struct list_key keys[LIST_KEYS];
};

struct list_ask {
	const struct list_sort *sort;
	bool down;
	int limit; /* rows of the page, from 1 */
	struct list_place after;
	struct arg filters[LIST_FILTERS_MAX]; /* by place in the listing; ARG_NULL: not asked for */
};

/* The rows of a page, and the place of its last one; next->n is 0 when no row is behind it.
 * Prepared anew each time. */
MUST_USE enum err db_page(struct db *db, const struct listing *l, const struct list_ask *ask,
	const struct arg *args, size_t n, struct rows *out, struct list_place *next);
