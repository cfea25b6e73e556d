#include "worker/crew.h"

#include <pthread.h>

#include "base/log.h"

struct member {
	struct tools tools;
	const struct crew_work *work;
	pthread_t thread;
	enum err result;
};

static enum err work_on(struct tools *t, const struct crew_work *w)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && !atomic_load(t->stopping))
		e = w->step(t, w->service);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void *member_run(void *arg)
{
	struct member *m = arg;

	log_context(m->work->service);
	m->tools.db = db_open(m->tools.settings);
	m->result = work_on(&m->tools, m->work);
	db_free(&m->tools.db);
	db_thread_end();
	return NULL;
}

enum err crew_run(struct tools *t, const struct crew_work *w, struct utc now)
{
	struct member members[CREW_MOST - 1];
	size_t n = 0, wanted;
	int64_t due = 0;
	enum err e = w->due(t->db, w->service, now, &due);

	if (e != ERR_OK || due == 0)
		return e;
	ASSERT(w->most >= 1 && w->most <= CREW_MOST);
	wanted = due < (int64_t)w->most ? (size_t)due - 1 : w->most - 1;
	for (; n < wanted; n++) {
		members[n] = (struct member){ .tools = *t, .work = w };
		if (pthread_create(&members[n].thread, NULL, member_run, &members[n]) != 0)
			break;
	}
	e = work_on(t, w);
	for (size_t i = 0; i < n; i++) {
		pthread_join(members[i].thread, NULL);
		if (e == ERR_OK)
			e = members[i].result;
	}
	return e;
}
