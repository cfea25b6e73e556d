#include "worker/crew.h"

#include <pthread.h>

#include "base/log.h"

struct member {
	struct tools tools;
	const struct crew_work *work;
	pthread_t thread;
	bool started;
	atomic_bool over;
	enum err result;
};

static void *member_run(void *arg)
{
	struct member *m = arg;

	log_context(m->work->service);
	m->tools.db = db_open(m->tools.settings);
	while (m->result == ERR_OK && !atomic_load(m->tools.stopping))
		m->result = m->work->step(&m->tools, m->work->service);
	db_free(&m->tools.db);
	db_thread_end();
	atomic_store(&m->over, true);
	return NULL;
}

static enum err join(struct member *m)
{
	pthread_join(m->thread, NULL);
	m->started = false;
	return m->result == ERR_NOT_FOUND ? ERR_OK : m->result;
}

/* As many members as there is work for. What comes due while they work, and places of members that
 * found nothing to do, count too: a crew that began small does not stay so. */
static enum err fill_up(struct tools *t, const struct crew_work *w, struct member *members)
{
	int64_t due = 0;
	enum err e = w->due(t->db, w->service, utc_now(), &due);

	for (size_t i = 0; i + 1 < w->most && e == ERR_OK; i++) {
		struct member *m = &members[i];

		if (m->started && atomic_load(&m->over))
			e = join(m);
		if (e != ERR_OK || m->started || due-- <= 1) /* the leader takes one */
			continue;
		*m = (struct member){ .tools = *t, .work = w };
		m->started = pthread_create(&m->thread, NULL, member_run, m) == 0;
	}
	return e;
}

enum err crew_run(struct tools *t, const struct crew_work *w)
{
	struct member members[CREW_MOST - 1] = { 0 };
	enum err e = ERR_OK;

	ASSERT(w->most >= 1 && w->most <= CREW_MOST);
	while (e == ERR_OK && !atomic_load(t->stopping)) {
		e = fill_up(t, w, members);
		if (e == ERR_OK)
			e = w->step(t, w->service);
	}
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		enum err other = members[i].started ? join(&members[i]) : ERR_OK;

		if (e == ERR_OK)
			e = other;
	}
	return e;
}
