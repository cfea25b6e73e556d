#pragma once
/* What the import, and whoever uses its rules, asks of a request. */
#include "fcgi/api.h"

/* Which changes of what is in use the caller may make: bits by enum import_right. */
MUST_USE enum err request_import_rights(struct request *r, unsigned *out);
