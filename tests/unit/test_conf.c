#include "cmock.h"

#include <string.h>
#include <unistd.h>

#include "base/conf.h"

struct place {
	char dir[32], file[64], secret[64];
};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int open_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	memcpy(p->dir, "/tmp/yufu-conf-XXXXXX", sizeof("/tmp/yufu-conf-XXXXXX"));
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/yufu.conf", p->dir);
	snprintf(p->secret, sizeof(p->secret), "%s/secret", p->dir);
	*state = p;
	return 0;
}

static int close_place(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	unlink(p->secret);
	rmdir(p->dir);
	free(p);
	return 0;
}

static struct conf *open_conf(const char *path)
{
	struct conf *c = NULL;
	struct problem why = { 0 };

	if (conf_open(path, &c, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	return c;
}

static void texts_of_file_and_environment(void **state)
{
	const struct place *p = *state;
	AUTO(conf_free) struct conf *c = NULL;

	put(p->file,
		"# mall\n[database]\nhost = db1 \nname=yufu\n\n[site]\nbase=https://a/?b=c#d\n");
	c = open_conf(p->file);
	assert_string_equal(conf_text(c, "database", "host", "x"), "db1");
	assert_string_equal(conf_text(c, "site", "base", NULL), "https://a/?b=c#d");
	assert_string_equal(conf_text(c, "database", "port", "3306"), "3306");
	assert_null(conf_text(c, "database", "port", NULL));
	assert_null(conf_text(c, "nowhere", "port", NULL));
	setenv("YUFU_DATABASE_HOST", "db2", 1);
	setenv("YUFU_DATABASE_PORT", "3307", 1);
	assert_string_equal(conf_text(c, "database", "host", "x"), "db2");
	assert_string_equal(conf_text(c, "database", "port", NULL), "3307");
	unsetenv("YUFU_DATABASE_HOST");
	unsetenv("YUFU_DATABASE_PORT");
	assert_string_equal(conf_text(c, "database", "host", "x"), "db1");
}

static void environment_alone(void **state)
{
	AUTO(conf_free) struct conf *c = open_conf(NULL);

	(void)state;
	assert_null(conf_text(c, "api", "threads", NULL));
	setenv("YUFU_API_THREADS", "4", 1);
	assert_string_equal(conf_text(c, "api", "threads", NULL), "4");
	unsetenv("YUFU_API_THREADS");
}

static void numbers(void **state)
{
	const struct place *p = *state;
	AUTO(conf_free) struct conf *c = NULL;
	struct problem why = { 0 };
	int64_t v = 42;

	put(p->file, "[api]\nthreads=8\nbad=8x\nlarge=65\n");
	c = open_conf(p->file);
	assert_int_equal(conf_int(c, "api", "threads", 1, 64, 4, &v, &why), ERR_OK);
	assert_int_equal(v, 8);
	assert_int_equal(conf_int(c, "api", "absent", 1, 64, 4, &v, &why), ERR_OK);
	assert_int_equal(v, 4);
	assert_int_equal(conf_int(c, "api", "bad", 1, 64, 4, &v, &why), ERR_BAD_VALUE);
	assert_non_null(strstr(why.text, "[api] bad"));
	assert_int_equal(conf_int(c, "api", "large", 1, 64, 4, &v, &why), ERR_BAD_VALUE);
	assert_int_equal(v, 4);
}

static void secrets(void **state)
{
	const struct place *p = *state;
	AUTO(conf_free) struct conf *c = NULL;
	AUTO(buf_free) struct buf plain = { 0 }, filed = { 0 }, lost = { 0 };
	char text[256];

	snprintf(text, sizeof(text),
		"[database]\npassword = in-the-open\n[jwt]\nkey=ignored\nkey_file=%s\n"
		"[alipay]\nprivate_key_file=%s/absent\nprivate_key=not this one\n",
		p->secret, p->dir);
	put(p->file, text);
	put(p->secret, " from a file \n\r\n\n");
	c = open_conf(p->file);
	assert_int_equal(conf_secret(c, "database", "password", &plain), ERR_OK);
	assert_string_equal(plain.text, "in-the-open");
	assert_int_equal(conf_secret(c, "jwt", "key", &filed), ERR_OK);
	assert_string_equal(filed.text, " from a file ");
	assert_int_equal(filed.len, strlen(filed.text));
	assert_int_equal(conf_secret(c, "alipay", "private_key", &lost), ERR_NOT_CONFIGURED);
	assert_int_equal(conf_secret(c, "jwt", "nothing", &lost), ERR_NOT_CONFIGURED);
	assert_null(lost.text);
}

static void a_secret_file_named_by_the_environment(void **state)
{
	const struct place *p = *state;
	AUTO(conf_free) struct conf *c = open_conf(NULL);
	AUTO(buf_free) struct buf b = { 0 };

	put(p->secret, "k");
	setenv("YUFU_JWT_KEY_FILE", p->secret, 1);
	assert_int_equal(conf_secret(c, "jwt", "key", &b), ERR_OK);
	assert_string_equal(b.text, "k");
	unsetenv("YUFU_JWT_KEY_FILE");
}

static void refuses_files_that_do_not_parse(void **state)
{
	static const char *const bad[] = { "key=before any section\n", "[open\nkey=1\n",
		"[a]\nno equals\n" };
	const struct place *p = *state;
	struct conf *c = NULL;
	struct problem why = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put(p->file, bad[i]);
		assert_int_equal(conf_open(p->file, &c, &why), ERR_NOT_CONFIGURED);
		assert_string_equal(why.field, p->file);
		assert_true(why.text[0] != '\0');
	}
	unlink(p->file);
	assert_int_equal(conf_open(p->file, &c, &why), ERR_NOT_CONFIGURED);
	assert_null(c);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(texts_of_file_and_environment),
		IN_PLACE(environment_alone),
		IN_PLACE(numbers),
		IN_PLACE(secrets),
		IN_PLACE(a_secret_file_named_by_the_environment),
		IN_PLACE(refuses_files_that_do_not_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
