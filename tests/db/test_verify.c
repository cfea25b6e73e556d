/* yufu verify as a program, and while the system runs: it sees one moment, so that a mall at work
 * never looks damaged. */
#include "seeded.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "ctl/verify.h"
#include "shop_fixture.h"

#define SEED 20261130
#define METERS 14
#define DAYS 12
#define WAIT_MS 60000

struct utc seeded_now;

struct utc __wrap_utc_now(void);
struct utc __wrap_utc_now(void)
{
	return seeded_now;
}

/* ---- the program ---- */

static char dir[] = "/tmp/yufu-verify-XXXXXX";
static char out[4000], err[4000];

static void write_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void read_file(const char *name, char *text, size_t size)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

/* $Y is the program, $D a folder with settings. What it prints goes to out and err. */
static int run(const char *command)
{
	char line[600];
	int status;
	pid_t pid;

	snprintf(line, sizeof(line), "Y='%s' D='%s'; %s >$D/out 2>$D/err", YUFU_PROGRAM, dir,
		command);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	read_file("out", out, sizeof(out));
	read_file("err", err, sizeof(err));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int lines_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void settings_write(void)
{
	char text[300];

	snprintf(text, sizeof(text), "[database]\nsocket = %s\nuser = root\nname = yufu\n",
		getenv("YUFU_TEST_SOCKET"));
	write_file("yufu.conf", text);
	write_file("gone.conf",
		"[database]\nsocket = /nonexistent/mysqld.sock\nuser = root\nname = yufu\n");
}

static void the_program_says_what_it_found(void **state)
{
	struct db *db = fixture_as("root");

	(void)state;
	assert_int_equal(run("$Y verify --config $D/yufu.conf"), 0);
	assert_string_equal(out, "[]\n");
	assert_string_equal(err, "");
	assert_int_equal(run("$Y --config $D/yufu.conf verify"), 0);
	assert_string_equal(out, "[]\n");
	assert_int_equal(run("$Y --config=$D/yufu.conf verify"), 0);
	fixture_sql(db, "UPDATE account SET balance_nano = balance_nano + 1 WHERE kind = 'purse'"
			" LIMIT 1");
	assert_int_equal(run("$Y verify --config $D/yufu.conf"), 1);
	assert_non_null(strstr(out, "\"check\":\"balance_is_postings_minus_open_charges\""));
	assert_string_equal(err, "");
	fixture_sql(db, "UPDATE account SET balance_nano = balance_nano - 1 WHERE kind = 'purse'"
			" LIMIT 1");
	db_free(&db);
}

static void what_cannot_be_done_is_one_line(void **state)
{
	static const char *const commands[] = { "$Y verify --config $D/gone.conf",
		"$Y --config $D/gone.conf verify", "$Y verify --config $D/nothing.conf",
		"$Y verify everything --config $D/yufu.conf" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		assert_int_equal(run(commands[i]), 2);
		assert_string_equal(out, "");
		assert_int_equal(lines_of(err), 1);
	}
}

/* ---- while everything runs ---- */

static pid_t player;

/* A mall at work, in a process of its own, as fast as it can. */
static int play(void)
{
	struct world *w;

	log_open("play", LOG_LEVEL_ERROR);
	db_library_open();
	w = world_open(SEED, METERS, false);
	for (int64_t hour = 0; hour < DAYS * 24; hour++)
		play_hour(w, w->start + hour * HOUR);
	world_free(&w);
	return 0;
}

struct count_row {
	int64_t v;
};
SHAPE(count_shape, struct count_row, FIELD(struct count_row, v));
static const struct query Q_SETTLED = { "SELECT COUNT(*) AS v FROM settlement", &count_shape };
static const struct query Q_RECHARGED = {
	"SELECT COUNT(*) AS v FROM pay_order WHERE state = 'paid'", &count_shape
};
static const struct query Q_TABLES = {
	"SELECT COUNT(*) AS v FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'yufu' AND"
	" TABLE_NAME IN ('pay_order', 'share_line', 'meter_change')",
	&count_shape
};

static int64_t count(struct db *db, const struct query *q)
{
	struct count_row row = { 0 };

	return db_one(db, q, NO_ARGS, &row) == ERR_OK ? row.v : 0;
}

static bool plays(int *status)
{
	return waitpid(player, status, WNOHANG) == 0;
}

/* Every moment that is looked at lies between two commits of the mall. */
static void a_mall_at_work_ties_at_any_time(void **state)
{
	struct db *db = fixture_as("root");
	int64_t before, looked = 0, moved = 0;
	int status = 0;

	(void)state;
	for (int waited = 0; waited < WAIT_MS; waited++) {
		if (count(db, &Q_TABLES) == 3 && count(db, &Q_RECHARGED) > 0)
			break;
		assert_true(plays(&status));
		usleep(1000);
	}
	while (plays(&status)) {
		AUTO(json_free) json_t *findings = json_array();

		before = count(db, &Q_SETTLED) + count(db, &Q_RECHARGED);
		assert_int_equal(verify_run(db, findings), ERR_OK);
		if (json_array_size(findings) > 0)
			fail_msg("%s", json_text(findings));
		looked++;
		moved += count(db, &Q_SETTLED) + count(db, &Q_RECHARGED) > before;
	}
	player = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the mall ended with status %d, signal %d", WEXITSTATUS(status),
			WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	assert_true(looked > 1);
	assert_true(moved > 1); /* there was something to be confused by */
	db_free(&db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mall_at_work_ties_at_any_time),
		cmocka_unit_test(the_program_says_what_it_found),
		cmocka_unit_test(what_cannot_be_done_is_one_line),
	};
	int failed;

	player = fork();
	if (player == 0)
		_exit(play());
	log_open("test", LOG_LEVEL_ERROR);
	db_library_open();
	if (!mkdtemp(dir))
		return 1;
	settings_write();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	if (player > 0) {
		kill(player, SIGKILL);
		waitpid(player, NULL, 0);
	}
	return failed;
}
