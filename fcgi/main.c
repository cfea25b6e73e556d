/* yufu-api: the HTTP interface behind nginx, over FastCGI on a unix socket. */
#include <fcgiapp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rand.h"
#include "fcgi/openapi.h"
#include "fcgi/routes.h"

#define THREADS_MAX 128
#define STACK_BYTES (1024 * 1024)
#define STOP_S 5

struct server {
	struct api *api;
	int fd;
};

static const char *param(const FCGX_Request *f, const char *name)
{
	const char *v = FCGX_GetParam(name, f->envp);

	return v ? v : "";
}

/* The path as it was sent, without query. An encoded path is not decoded: no route needs it. */
static void take_path(struct request *r, const char *uri, char path[static 256])
{
	size_t n = strcspn(uri, "?");

	snprintf(path, 256, "%.*s", n < 256 ? (int)n : 0, uri);
	r->path = path;
	r->query = uri[n] == '?' ? uri + n + 1 : "";
}

static bool id_is_sane(const char *id)
{
	size_t n = strlen(id);

	return n >= 8 && n < 65 && strspn(id, "0123456789abcdefABCDEF-") == n;
}

static void take_id(struct request *r, const char *id)
{
	if (!id_is_sane(id) || !str_copy(r->id, sizeof(r->id), id))
		rand_hex(r->id, 16);
}

/* The length is checked before a byte is read; nginx has the whole body by then. */
static enum err take_body(FCGX_Request *f, size_t most, struct buf *body, struct problem *why)
{
	const char *length = param(f, "CONTENT_LENGTH");
	char chunk[8192];
	int64_t n = 0;
	int got;

	if (!length[0] && param(f, "HTTP_TRANSFER_ENCODING")[0])
		return problem_set(why, ERR_BAD_JSON, "", "a body needs a Content-Length");
	if (length[0] && i64_parse(length, 0, INT64_MAX, &n) != ERR_OK)
		return problem_set(why, ERR_BAD_JSON, "", "this Content-Length is no number");
	if (n > (int64_t)most)
		return problem_set(why, ERR_TOO_LARGE, "", "at most %zu bytes", most);
	while ((int64_t)body->len < n) {
		int64_t want = n - (int64_t)body->len;

		got = FCGX_GetStr(chunk,
			want < (int64_t)sizeof(chunk) ? (int)want : (int)sizeof(chunk), f->in);
		if (got <= 0)
			return problem_set(why, ERR_BAD_JSON, "", "the body ended too early");
		buf_add(body, chunk, (size_t)got);
	}
	return ERR_OK;
}

struct incoming {
	FCGX_Request *f;
	struct buf body;
};

static void incoming_free(struct incoming *in)
{
	buf_free(&in->body);
}

static enum err read_body(struct request *r, size_t most, struct problem *why)
{
	struct incoming *in = r->incoming;
	enum err e = take_body(in->f, most, &in->body, why);

	r->body = in->body.text ? in->body.text : "";
	r->body_n = in->body.len;
	return e;
}

/* A large body waits until it is known who sends it. */
static void begin_body(struct request *r, struct answer *a)
{
	if (route_body_most(r->method, r->path) > BODY_MAX)
		r->read_body = read_body;
	else
		r->body_error = read_body(r, BODY_MAX, &a->why);
}

/* One that was not wanted: nginx reads the answer when it has sent all. */
static void drop_body(FCGX_Request *f)
{
	char chunk[8192];

	while (FCGX_GetStr(chunk, sizeof(chunk), f->in) > 0)
		continue;
}

static void log_answer(const struct request *r, const struct answer *a, int64_t began_ms)
{
	log_info("method=%s route=%s status=%d ms=%lld user=%lld", r->method,
		r->route ? r->route->path : "none", a->status, (long long)(mono_ms() - began_ms),
		(long long)r->user.id);
}

/* A piece at a time, however long it is. */
static void send_file(FILE *file, FCGX_Stream *out)
{
	char chunk[32768];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		if (FCGX_PutStr(chunk, (int)n, out) < 0)
			return; /* nobody listens any more */
}

static void serve_one(const struct server *s, struct db *db, FCGX_Request *f)
{
	AUTO(answer_free) struct answer a = { 0 };
	AUTO(incoming_free) struct incoming in = { .f = f };
	AUTO(buf_free) struct buf out = { 0 };
	struct request r = { .api = s->api,
		.db = db,
		.now = utc_now(),
		.headers = f->envp,
		.body = "",
		.incoming = &in,
		.method = param(f, "REQUEST_METHOD"),
		.remote = param(f, "REMOTE_ADDR") };
	char path[256], context[80];
	int64_t began = mono_ms();

	take_path(&r, param(f, "REQUEST_URI"), path);
	take_id(&r,
		param(f, "REQUEST_ID")[0] ? param(f, "REQUEST_ID") : param(f, "HTTP_X_REQUEST_ID"));
	snprintf(context, sizeof(context), "req=%s", r.id);
	log_context(context);
	begin_body(&r, &a);
	api_handle(&r, &a);
	if (r.read_body)
		drop_body(f);
	answer_write(&r, &a, &out);
	FCGX_PutStr(out.text, (int)out.len, f->out);
	if (a.file && !str_eq(r.method, "HEAD"))
		send_file(a.file, f->out);
	log_answer(&r, &a, began); /* r points into f, which finishing frees */
	FCGX_Finish_r(f);
	log_context(NULL);
}

static void *serve(void *ctx)
{
	const struct server *s = ctx;
	AUTO(db_free) struct db *db = db_open(&s->api->db);
	FCGX_Request f;

	ASSERT(FCGX_InitRequest(&f, s->fd, FCGI_FAIL_ACCEPT_ON_INTR) == 0);
	while (FCGX_Accept_r(&f) == 0)
		serve_one(s, db, &f);
	FCGX_Free(&f, 1);
	db_free(&db);
	db_thread_end();
	return NULL;
}

/* A socket that a killed process has left behind would stand in the way. */
static void unlink_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

static int listen_on(const char *path)
{
	mode_t old = umask(0117); /* owner and group: nginx is in the group */
	int fd;

	unlink_stale(path);
	fd = FCGX_OpenSocket(path, 512);
	umask(old);
	if (fd >= 0 && chmod(path, 0660) != 0)
		log_warn("listen=%s mode=unchanged", path);
	return fd;
}

static size_t start_threads(struct server *s, pthread_t *threads, size_t n)
{
	pthread_attr_t attr;
	size_t started = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (started < n && pthread_create(&threads[started], &attr, serve, s) == 0)
		started++;
	pthread_attr_destroy(&attr);
	return started;
}

static void *give_up(void *unused)
{
	(void)unused;
	sleep(STOP_S);
	log_warn("stop=forced");
	_exit(1);
}

/* libfcgi's own handlers only set a flag that a thread blocked in accept() never sees. So the
 * signals stay blocked everywhere, this thread waits for them, and shutting down the listening
 * socket wakes the workers; each finishes its request. */
static void wait_and_stop(const struct server *s, const sigset_t *signals, pthread_t *threads,
	size_t n, const char *path)
{
	pthread_t watchdog;
	int sig = 0;

	while (sigwait(signals, &sig) != 0)
		continue;
	log_info("stop=begun signal=%d", sig);
	FCGX_ShutdownPending();
	shutdown(s->fd, SHUT_RDWR);
	if (pthread_create(&watchdog, NULL, give_up, NULL) == 0)
		pthread_detach(watchdog);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	unlink_stale(path);
	log_info("stop=done");
}

static int run(struct conf *conf)
{
	AUTO(api_free) struct api *api = NULL;
	const char *path = conf_text(conf, "api", "listen", "/run/yufu/api.sock");
	pthread_t threads[THREADS_MAX];
	struct problem why = { 0 };
	struct server s;
	sigset_t signals;
	int64_t n;
	size_t started;
	enum err e = conf_int(conf, "api", "threads", 1, THREADS_MAX, 16, &n, &why);

	if (e == ERR_OK)
		e = api_open(conf, &api, &why);
	if (e != ERR_OK) {
		log_error("start=refused setting=%s why=\"%s\"", why.field,
			why.text[0] ? why.text : err_text(e));
		return 1;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	db_library_open();
	FCGX_Init();
	s = (struct server){ api, listen_on(path) };
	if (s.fd < 0) {
		log_error("start=refused listen=%s", path);
		return 1;
	}
	started = start_threads(&s, threads, (size_t)n);
	log_info("start=ok listen=%s threads=%zu version=%s", path, started, YUFU_VERSION);
	if (started == (size_t)n)
		wait_and_stop(&s, &signals, threads, started, path);
	return started == (size_t)n ? 0 : 1;
}

static int print_document(void)
{
	AUTO(schemas_free) struct schemas *s = schemas_open();
	AUTO(json_free) json_t *document = openapi_document(s);
	AUTO(buf_free) struct buf b = { 0 };

	buf_adds(&b,
		"# Printed by `yufu-api --openapi` from the list of routes and schemas.json.\n");
	yaml_write(document, &b);
	fwrite(b.text, 1, b.len, stdout);
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: yufu-api [--config FILE] | --openapi | --version\n");
	return 2;
}

int main(int argc, char **argv)
{
	const char *file = "/etc/yufu/yufu.conf";
	AUTO(conf_free) struct conf *conf = NULL;
	struct problem why = { 0 };

	if (argc == 2 && str_eq(argv[1], "--openapi"))
		return print_document();
	if (argc == 2 && str_eq(argv[1], "--version"))
		return printf("yufu-api %s\n", YUFU_VERSION) < 0;
	if (argc == 3 && str_eq(argv[1], "--config"))
		file = argv[2];
	else if (argc != 1)
		return usage();
	log_open("api", LOG_LEVEL_INFO);
	if (conf_open(file, &conf, &why) != ERR_OK) {
		log_error("start=refused file=%s why=\"%s\"", file, why.text);
		return 1;
	}
	return run(conf);
}
