/* Workbooks of any bytes: read whole, or refused with a reason; rows ascend, texts end. */
#include <stdlib.h>
#include <string.h>

#include "sheet/sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static enum err on_sheet(void *ctx, const char *name, struct problem *why)
{
	(void)why;
	*(int64_t *)ctx = 0;
	ASSERT(strlen(name) < 100000);
	return ERR_OK;
}

static enum err on_row(
	void *ctx, int64_t row, const struct cell *cells, size_t n, struct problem *why)
{
	int64_t *last = ctx;

	(void)why;
	ASSERT(row > *last && n >= 1 && n <= SHEET_COLUMNS_MAX);
	*last = row;
	for (size_t i = 0; i < n; i++)
		ASSERT(strlen(cells[i].text) <= SHEET_TEXT_MAX);
	return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct problem why = { 0 };
	int64_t last = 0;
	enum err e = sheet_read("fuzz.csv", (const char *)bytes, n,
		&(struct sheet_reader){ &last, on_sheet, on_row }, &why);

	ASSERT(e == ERR_OK || why.text[0]);
	return 0;
}
