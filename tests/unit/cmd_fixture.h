#pragma once
/* A command as a user runs it. */
struct result {
	int status;
	char out[4096];
	char err[1024];
};

/* Runs the command in a process of its own, for its output and its exit status. */
struct result run(int (*command)(int, char **), const char *const argv[]);
/* Fails the test unless the text is one line. */
void one_line(const char *text);
