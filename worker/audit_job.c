#include <inttypes.h>

#include "base/log.h"
#include "domain/audit.h"
#include "worker/jobs.h"

static enum err chain(struct tools *t, bool all, struct audit_head *head)
{
	int64_t added = 1;
	enum err e = ERR_OK;

	while (e == ERR_OK && added > 0 && !atomic_load(t->stopping))
		e = audit_chain(t->db, all, head, &added);
	return e;
}

enum err job_audit_chain(struct tools *t, struct utc now)
{
	struct audit_head head;

	(void)now;
	return chain(t, false, &head);
}

/* What lies far back; and the end of the chain goes to the log, which is kept elsewhere. */
enum err job_audit_sweep(struct tools *t, struct utc now)
{
	struct audit_head head = { 0 };
	enum err e = chain(t, true, &head);

	(void)now;
	if (e == ERR_OK && head.n)
		log_info("audit=chained n=%" PRId64 " sha256=%s", head.n, head.sha256);
	return e;
}
