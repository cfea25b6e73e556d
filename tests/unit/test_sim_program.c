/* The program yufu-sim itself: what it prints, how it begins and ends. */
#include "sim_fixture.h"

#include "cmock.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	char dir[64];
	char config[96];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof *p);
	FILE *file;

	snprintf(p->dir, sizeof p->dir, "/tmp/yufu-sim-program.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->config, sizeof p->config, "%s/sim.conf", p->dir);
	file = fopen(p->config, "w");
	assert_non_null(file);
	fprintf(file, "[sim]\nmodbus_base_port=0\nhttp_listen=127.0.0.1:0\nstate_dir=%s\nbuses=2\n",
		p->dir);
	fclose(file);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "sim.conf", "G1.json", "G2.json" };
	struct place *p = *state;
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", p->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

/* Starts the program; *out reads what it writes to the descriptor given (1 or 2). */
static pid_t start(char *const argv[], int descriptor, FILE **out)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], descriptor);
		execv(SIM_PROGRAM, argv);
		_exit(127);
	}
	close(ends[1]);
	*out = fdopen(ends[0], "r");
	assert_non_null(*out);
	return pid;
}

static int ended(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void it_prints_the_mall(void **state)
{
	struct place *p = *state;
	char *const argv[] = { "yufu-sim", "--config", p->config, "--mall", NULL };
	FILE *out;
	pid_t pid = start(argv, 1, &out);
	AUTO(json_free) json_t *all = json_loadf(out, 0, NULL);

	fclose(out);
	assert_int_equal(ended(pid), 0);
	assert_int_equal(json_array_size(json_object_get(all, "meters")), 2 * MALL_UNITS);
	assert_int_equal(json_array_size(json_object_get(all, "gateways")), 2);
	assert_int_equal(json_array_size(json_object_get(all, "tenants")), 120);
	assert_int_equal(json_array_size(json_object_get(all, "purses")), 128);
}

static void it_serves_until_it_is_told_to_stop(void **state)
{
	struct place *p = *state;
	char *const argv[] = { "yufu-sim", "--config", p->config, NULL };
	FILE *out;
	pid_t pid = start(argv, 2, &out);
	static const char told[] = "gateway=G1 port=";
	char line[512];
	unsigned long port = 0;
	uint32_t before;
	int fd;

	while (fgets(line, sizeof line, out) && !strstr(line, "event=started")) {
		const char *at = strstr(line, told);

		if (at)
			port = strtoul(at + strlen(told), NULL, 10);
	}
	assert_in_range(port, 1, UINT16_MAX);
	fd = client_open((uint16_t)port);
	before = read_energy(fd, 1);
	kill(pid, SIGTERM);
	assert_int_equal(ended(pid), 0);
	assert_true(before > 0);
	fclose(out);
	close(fd);
}

static void it_says_what_it_cannot_do(void **state)
{
	struct place *p = *state;
	char *const wrong[] = { "yufu-sim", "--fly", NULL };
	char *const missing[] = { "yufu-sim", "--config", "/nonexistent.conf", NULL };
	char line[512];
	FILE *out;
	pid_t pid = start(wrong, 2, &out);

	(void)p;
	assert_int_equal(ended(pid), 2);
	fclose(out);
	pid = start(missing, 2, &out);
	assert_non_null(fgets(line, sizeof line, out));
	assert_non_null(strstr(line, "yufu-sim: "));
	assert_int_equal(ended(pid), 1);
	fclose(out);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_prints_the_mall),
		TEST(it_serves_until_it_is_told_to_stop),
		TEST(it_says_what_it_cannot_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
