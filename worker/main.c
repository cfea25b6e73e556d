/* yufu-worker: one thread per job of the list, or several, each with its own database connection.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/log.h"
#include "domain/jobhealth.h"
#include "domain/reconciliation.h"
#include "worker/jobs.h"

struct worker {
	struct db_settings settings;
	struct pay *pay;
	struct notice *notice;
	struct storage_rules storage;
	bool private_hooks;
	struct bill_rules bills;
	char name[80];
	const char *site_base; /* lives as long as the conf */
	atomic_bool stopping;  /* the same as stop, for work that is long */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop;
};

struct runner {
	struct worker *worker;
	const struct job *job;
	pthread_t thread;
};

/* Waits until the next run or the end; false at the end. */
static bool wait_turn(struct worker *w, int64_t ms)
{
	struct timespec until;
	bool go;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&w->lock);
	while (!w->stop && pthread_cond_timedwait(&w->changed, &w->lock, &until) == 0)
		;
	go = !w->stop;
	pthread_mutex_unlock(&w->lock);
	return go;
}

#define TELL_MS 10000

/* What is told of a job's runs: at each change, and else every ten seconds. */
struct telling {
	enum err last;
	struct utc failing_since, told_at;
};

/* That the database is away is no failure of the job; it says so itself once it is back. */
static void tell(const struct tools *t, struct telling *s, enum err e)
{
	struct utc now = utc_now();
	bool changed = (e == ERR_OK) != (s->last == ERR_OK);

	if (e != s->last)
		log_line(e == ERR_OK ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "job=%s result=%s", t->job,
			err_word(e));
	s->last = e;
	if (e == ERR_OK)
		s->failing_since = (struct utc){ 0 };
	else if (!s->failing_since.ms)
		s->failing_since = now;
	if (e == ERR_UNAVAILABLE || (!changed && now.ms - s->told_at.ms < TELL_MS))
		return;
	if (job_health_put(t->db, &(struct job_sign){ t->job, t->name, e, s->failing_since },
		    now) == ERR_OK)
		s->told_at = now;
}

static void *run_job(void *arg)
{
	const struct runner *r = arg;
	struct worker *w = r->worker;
	struct tools t = { .db = db_open(&w->settings),
		.pay = w->pay,
		.notice = w->notice,
		.storage = &w->storage,
		.private_hooks = w->private_hooks,
		.bills = &w->bills,
		.name = w->name,
		.job = r->job->name,
		.settings = &w->settings,
		.site_base = w->site_base,
		.stopping = &w->stopping };
	struct telling told = { .last = ERR_OK };

	log_context(r->job->name);
	do {
		tell(&t, &told, r->job->run(&t, utc_now()));
	} while (wait_turn(w, r->job->every_ms));
	db_free(&t.db);
	db_thread_end();
	return NULL;
}

static enum err storage_read(struct conf *c, struct storage_rules *out, struct problem *why)
{
	enum err e =
		conf_int(c, "storage", "raw_days", 1, 3650, STORAGE_RAW_DAYS, &out->raw_days, why);

	return e == ERR_OK ? conf_int(c, "storage", "raw_spacing_s", 0, 3600, 0,
				     &out->raw_spacing_s, why)
			   : e;
}

static enum err bills_read(struct conf *c, struct bill_rules *out, struct problem *why)
{
	enum err e = conf_int(c, "reconciliation", "from_hour", 0, 23, RECONCILIATION_FROM_HOUR,
		&out->from_hour, why);

	ASSERT(pay_service_count <= PAY_SERVICES_MAX);
	if (e == ERR_OK)
		e = conf_int(c, "reconciliation", "back_days", 1, 90, RECONCILIATION_BACK_DAYS,
			&out->back_days, why);
	for (size_t i = 0; e == ERR_OK && i < pay_service_count; i++) {
		char key[48];

		snprintf(key, sizeof(key), "%s_fee_per_10000", pay_services[i].name);
		e = conf_int(c, "reconciliation", key, RECONCILE_NO_FEE, 1000, RECONCILE_NO_FEE,
			&out->fee_per_10000[i], why);
	}
	return e;
}

static enum err worker_open(struct conf *conf, struct worker *w, struct problem *why)
{
	char host[48] = "host";
	pthread_condattr_t attr;
	int64_t private_hooks = 0;
	enum err e = db_settings_read(conf, &w->settings, why);

	if (e == ERR_OK)
		e = storage_read(conf, &w->storage, why);
	if (e == ERR_OK)
		e = conf_int(conf, "webhook", "allow_private", 0, 1, 0, &private_hooks, why);
	if (e == ERR_OK)
		e = bills_read(conf, &w->bills, why);
	if (e != ERR_OK)
		return e;
	w->private_hooks = private_hooks;
	w->site_base = conf_text(conf, "site", "base",
		conf_text(conf, "alipay", "notify_base",
			conf_text(conf, "wechat_pay", "notify_base", "")));
	pay_load(conf, &w->pay);
	notice_load(conf, &w->notice);
	gethostname(host, sizeof(host) - 1);
	snprintf(w->name, sizeof(w->name), "%s:%d", host, (int)getpid());
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->changed, &attr);
	pthread_condattr_destroy(&attr);
	return ERR_OK;
}

static size_t start(struct worker *w, struct runner **out)
{
	size_t n = 0, started = 0;
	struct runner *runners;

	for (size_t i = 0; i < job_count; i++)
		n += job_threads(&jobs[i]);
	runners = calloc(n, sizeof(*runners));
	ASSERT(runners);
	for (size_t i = 0; i < job_count; i++)
		for (size_t k = 0; k < job_threads(&jobs[i]); k++, started++) {
			struct runner *r = &runners[started];

			*r = (struct runner){ .worker = w, .job = &jobs[i] };
			ASSERT(pthread_create(&r->thread, NULL, run_job, r) == 0);
		}
	*out = runners;
	return started;
}

static void run_until_signal(struct worker *w, const sigset_t *signals)
{
	struct runner *runners;
	size_t n = start(w, &runners);
	int sig;

	log_info("started jobs=%zu threads=%zu", job_count, n);
	sigwait(signals, &sig);
	log_info("stopping signal=%d", sig);
	atomic_store(&w->stopping, true);
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < n; i++)
		pthread_join(runners[i].thread, NULL);
	free(runners);
}

static void worker_close(struct worker *w)
{
	pay_free(&w->pay);
	notice_free(&w->notice);
}

int main(int argc, char **argv)
{
	AUTO(worker_close) struct worker w = { 0 };
	AUTO(conf_free) struct conf *conf = NULL;
	struct problem why = { 0 };
	sigset_t signals;
	enum err e;

	log_open("yufu-worker", LOG_LEVEL_INFO);
	if (argc != 3 || !str_eq(argv[1], "--config")) {
		fprintf(stderr, "usage: yufu-worker --config FILE\n");
		return 2;
	}
	/* Before any thread: signals are taken by sigwait alone. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	db_library_open();
	e = conf_open(argv[2], &conf, &why);
	if (e == ERR_OK)
		e = worker_open(conf, &w, &why);
	if (e != ERR_OK) {
		log_error("config=%s key=%s why=\"%s\"", argv[2], why.field, why.text);
		return 2;
	}
	run_until_signal(&w, &signals);
	curl_global_cleanup();
	return 0;
}
