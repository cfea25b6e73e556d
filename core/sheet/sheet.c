#include "sheet/sheet.h"

#include <string.h>

enum err sheet_read(const char *name, const char *bytes, size_t n, const struct sheet_reader *r,
	struct problem *why)
{
	static const char zip[] = "PK\x03\x04", ole[] = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

	if (n >= sizeof(zip) - 1 && memcmp(bytes, zip, sizeof(zip) - 1) == 0)
		return sheet_read_xlsx(bytes, n, r, why);
	if (n >= sizeof(ole) - 1 && memcmp(bytes, ole, sizeof(ole) - 1) == 0)
		return sheet_read_xls(bytes, n, r, why);
	return sheet_read_csv(name, bytes, n, r, why);
}
