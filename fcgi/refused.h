#pragma once
/* Attempts at the books that were refused are kept and shown. */
#include "domain/attempt.h"
#include "fcgi/api.h"

/* Keeps one; actor and site are the caller's. Outages are not attempts: nothing is kept of them. */
void note_refused(struct request *r, struct attempt_new *a);
