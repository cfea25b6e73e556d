#include "cmd_fixture.h"

#include "cmock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void slurp(FILE *f, char *text, size_t size)
{
	size_t n;

	rewind(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
}

struct result run(int (*command)(int, char **), const char *const argv[])
{
	struct result r;
	FILE *out = tmpfile(), *err = tmpfile();
	int argc = 0, status = 0;
	pid_t child;

	while (argv[argc])
		argc++;
	assert_true(out && err);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		char *own[32] = { 0 };

		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		for (int i = 0; i < argc; i++)
			own[i] = strdup(argv[i]);
		status = command(argc, own);
		fflush(NULL);
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	r.status = WEXITSTATUS(status);
	slurp(out, r.out, sizeof(r.out));
	slurp(err, r.err, sizeof(r.err));
	return r;
}

void one_line(const char *text)
{
	assert_non_null(strchr(text, '\n'));
	assert_string_equal(strchr(text, '\n'), "\n");
}
