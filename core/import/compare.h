#pragma once
/* An imported book beside what the database holds: each row is new, the same (all cells that are
 * not empty are equal) or changed; and which changes an import does not make. Pure. */
#include "import/present.h"

/* What a caller needs beyond import.run to change what is in use already. */
enum import_right { RIGHT_TARIFF, RIGHT_PURSE, RIGHT_SHARE, RIGHT_FEE, RIGHT__MAX };
extern const char *const import_rights[RIGHT__MAX]; /* names of permissions */
#define RIGHTS_ALL ((1u << RIGHT__MAX) - 1)

enum row_state { ROW_NEW, ROW_SAME, ROW_CHANGED, ROW__MAX };

struct row_plan {
	enum row_state state;
	const struct book_row *is; /* what the database holds; NULL: nothing */
	uint32_t changed;	   /* bits by column */
};

struct plan {
	struct row_plan *rows[SHEET__MAX]; /* beside those of the book */
	int64_t counts[SHEET__MAX][ROW__MAX];
	GHashTable *index[SHEET__MAX]; /* book_key() -> row of the book */
	GHashTable *utility;	       /* code of a tariff -> word */
};
void plan_free(struct plan *p); /* for AUTO() */

struct compare {
	struct book *book;
	const struct present *present;
	const struct models *models;
	unsigned rights; /* bits by enum import_right */
	bool confined;	 /* the caller sees one site only */
	struct plan *plan;
};
/* Fills an empty plan and adds errors to the book; of new tenants it finds the site (row.site). */
void book_compare(struct compare *c);

static inline bool is_changed(const struct row_plan *p, size_t column)
{
	return p->changed >> column & 1;
}
/* What the value of a row shall be: the imported one, or where that is empty the present one. */
const char *merged(const struct row_plan *p, const struct book_row *row, size_t column);
