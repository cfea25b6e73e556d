#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/cmds.h"
#include "ctl/who.h"
#include "domain/audit.h"
#include "domain/role.h"
#include "domain/user.h"

struct adding {
	struct user_new user;
	char hash[PASSWORD_HASH_MAX];
	struct problem why;
};

static json_t *asked(const struct adding *a)
{
	return json_pack("{s:s, s:s, s:s}", "username", a->user.username, "role", a->user.role,
		"site", a->user.site);
}

static enum err add_tx(struct db *db, void *ctx)
{
	struct adding *a = ctx;
	char actor[WHO_MAX];
	int64_t id = 0;
	enum err e = user_add(db, &a->user, a->hash, &id, &a->why);

	return e == ERR_OK ? audit_add(db,
				     &(struct audit){ who_actor(actor), "", "user.create", "user",
					     id, NULL },
				     asked(a), utc_now())
			   : e;
}

/* One line from the terminal, without echo, or from standard input. */
static bool password_read(char *out, int size)
{
	struct termios old, quiet;
	bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
	char *got;

	if (terminal) {
		fprintf(stderr, "password: ");
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(out, size, stdin);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fprintf(stderr, "\n");
	}
	if (!got)
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

static int usage(void)
{
	fprintf(stderr, "usage: yufu user add NAME --role ROLE [--site CODE]\n");
	return 2;
}

int cmd_user(struct conf *conf, struct db *db, int argc, char **argv)
{
	struct adding a = {
		.user = { .name = "", .phone = "", .role = "", .site = "", .tenant = "" }
	};
	char password[PASSWORD_MAX + 2];
	enum err e;

	(void)conf;
	if (argc < 3 || !str_eq(argv[1], "add"))
		return usage();
	a.user.username = argv[2];
	a.user.name = argv[2];
	for (int i = 3; i + 1 < argc; i += 2) {
		if (str_eq(argv[i], "--role"))
			a.user.role = argv[i + 1];
		else if (str_eq(argv[i], "--site"))
			a.user.site = argv[i + 1];
		else
			return usage();
	}
	if (argc % 2 == 0 || !a.user.role[0])
		return usage();
	if (!password_read(password, sizeof(password))) {
		fprintf(stderr, "yufu user: a password is needed\n");
		return 1;
	}
	if (password_rules(password, a.user.username, "password", &a.why) != ERR_OK) {
		explicit_bzero(password, sizeof(password));
		fprintf(stderr, "yufu user: the password is refused: %s\n", a.why.text);
		return 1;
	}
	e = password_hash(password, a.hash);
	explicit_bzero(password, sizeof(password));
	if (e == ERR_OK)
		e = db_tx(db, add_tx, &a);
	if (e == ERR_OK)
		return 0;
	who_refused(db, "user.create", "user", e, asked(&a));
	fprintf(stderr, "yufu user: %s\n",
		e == ERR_ALREADY ? "there is a user of that name"
		: a.why.text[0]	 ? a.why.text
				 : err_text(e));
	return 1;
}
