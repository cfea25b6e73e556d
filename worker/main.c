/* yufu-worker: one thread per job of the list, each with its own database connection. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/log.h"
#include "worker/jobs.h"

struct worker {
	struct db_settings settings;
	struct pay *pay;
	struct notice *notice;
	struct storage_rules storage;
	char name[80];
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

static void *run_job(void *arg)
{
	const struct runner *r = arg;
	struct worker *w = r->worker;
	struct tools t = { .db = db_open(&w->settings),
		.pay = w->pay,
		.notice = w->notice,
		.storage = &w->storage,
		.name = w->name,
		.job = r->job->name };
	enum err last = ERR_OK;

	log_context(r->job->name);
	do {
		enum err e = r->job->run(&t, utc_now());

		if (e != last)
			log_line(e == ERR_OK ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "job=%s result=%s",
				r->job->name, err_word(e));
		last = e;
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

static enum err worker_open(struct conf *conf, struct worker *w, struct problem *why)
{
	char host[48] = "host";
	pthread_condattr_t attr;
	enum err e = db_settings_read(conf, &w->settings, why);

	if (e == ERR_OK)
		e = storage_read(conf, &w->storage, why);
	if (e != ERR_OK)
		return e;
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

static void run_until_signal(struct worker *w, const sigset_t *signals)
{
	struct runner *runners = calloc(job_count, sizeof(*runners));
	int sig;

	ASSERT(runners);
	for (size_t i = 0; i < job_count; i++) {
		runners[i] = (struct runner){ .worker = w, .job = &jobs[i] };
		ASSERT(pthread_create(&runners[i].thread, NULL, run_job, &runners[i]) == 0);
	}
	log_info("started jobs=%zu", job_count);
	sigwait(signals, &sig);
	log_info("stopping signal=%d", sig);
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < job_count; i++)
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
