/* How many single rows a database makes durable in a second: the ceiling for whatever commits one
 * thing at a time.
 *	commit_bench SOCKET CONNECTIONS SECONDS
 * into the table bench_commit of the database yufu, as root. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/db.h"

#define CONNECTIONS_MAX 128

struct run {
	struct db_settings settings;
	int64_t until_ms;
	atomic_llong done;
};

static const struct query Q_ADD = { "INSERT INTO bench_commit (at_ms) VALUES (?)", NULL };

static void *commits(void *arg)
{
	struct run *r = arg;
	struct db *db = db_open(&r->settings);

	while (mono_ms() < r->until_ms) {
		if (db_exec(db, &Q_ADD, ARGS(arg_i64(mono_ms())), NULL) != ERR_OK)
			exit(1);
		atomic_fetch_add(&r->done, 1);
	}
	db_free(&db);
	db_thread_end();
	return NULL;
}

int main(int argc, char **argv)
{
	static struct run r = { .settings = { .user = "root", .name = "yufu" } };
	pthread_t threads[CONNECTIONS_MAX];
	int64_t n = 0, seconds = 0;

	if (argc != 4 || !str_copy(r.settings.socket, sizeof(r.settings.socket), argv[1]) ||
		i64_parse(argv[2], 1, CONNECTIONS_MAX, &n) != ERR_OK ||
		i64_parse(argv[3], 1, 600, &seconds) != ERR_OK) {
		fprintf(stderr, "usage: commit_bench SOCKET CONNECTIONS SECONDS\n");
		return 2;
	}
	db_library_open();
	r.until_ms = mono_ms() + seconds * 1000;
	for (int64_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, commits, &r) != 0)
			return 1;
	for (int64_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("{\"per_s\": %lld}\n", (long long)(atomic_load(&r.done) / seconds));
	return 0;
}
