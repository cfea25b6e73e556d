#pragma once
/* Between the files that read what the database holds. */
#include "base/zone.h"
#include "import/present.h"

#define CODE 129 /* VARCHAR(32) */
#define NAME 257 /* VARCHAR(64) */
#define PRESENT_PAGE 5000

struct loading {
	struct db *db;
	int64_t site_id;
	struct utc now;
	struct present *out;
	struct zone *zone; /* of the last row that asked for one */
};

/* A sheet that is read page by page, by id: each row begins with it. */
struct present_page {
	const struct query *q;
	enum err (*take)(struct loading *l, const void *row);
	int64_t page;
};
extern const struct present_page present_sites, present_areas, present_gateways, present_tariffs,
	present_tenants, present_purses;
MUST_USE enum err present_meters(struct loading *l);
MUST_USE enum err present_held(struct loading *l); /* whose meters are whose */
MUST_USE enum err present_shares(struct loading *l);

/* A text that lives as long as the book. */
const char *keep(struct loading *l, const char *text);
/* A number of thousandths, or of what `places` says; nothing for 0, which is what an empty cell
 * means. */
const char *number(struct loading *l, int64_t v, int places);
/* The row that was made last can be found by its key from here on. */
void present_add(struct loading *l, enum sheet_id sheet, const struct book_row *row);
