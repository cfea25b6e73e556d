/* The command as a user meets it: exit status, one line on standard error, JSON on standard
 * output. */
#include "cmock.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "ctl/cmds.h"

#define HEAD "time,energy_kwh\n2026-03-01T00:00:00+08:00,1234.560\n"

static char shop_tariff[] = SOURCE_DIR "/tests/fuzz/corpus/tariff/shop-tou.json";

struct place {
	char dir[40], readings[64], tariff[64], out[64], err[64];
};

static int open_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	memcpy(p->dir, "/tmp/yufu-tariff-XXXXXX", sizeof("/tmp/yufu-tariff-XXXXXX"));
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->readings, sizeof(p->readings), "%s/readings.csv", p->dir);
	snprintf(p->tariff, sizeof(p->tariff), "%s/tariff.json", p->dir);
	snprintf(p->out, sizeof(p->out), "%s/out", p->dir);
	snprintf(p->err, sizeof(p->err), "%s/err", p->dir);
	*state = p;
	return 0;
}

static int close_place(void **state)
{
	struct place *p = *state;

	unlink(p->readings);
	unlink(p->tariff);
	unlink(p->out);
	unlink(p->err);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int redirect(int fd, const char *path)
{
	int saved = dup(fd), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(saved >= 0 && file >= 0);
	assert_true(dup2(file, fd) == fd);
	close(file);
	return saved;
}

static void restore(int fd, int saved)
{
	assert_true(dup2(saved, fd) == fd);
	close(saved);
}

/* Runs the command; its two outputs land in files and then in out and err. */
static int run(const struct place *p, char *const args[], struct buf *out, struct buf *err)
{
	char *argv[8] = { "tariff" };
	int argc = 1, status, saved_out, saved_err;

	for (; args[argc - 1]; argc++)
		argv[argc] = args[argc - 1];
	fflush(stdout);
	saved_out = redirect(STDOUT_FILENO, p->out);
	saved_err = redirect(STDERR_FILENO, p->err);
	status = cmd_tariff(argc, argv);
	fflush(stdout);
	restore(STDOUT_FILENO, saved_out);
	restore(STDERR_FILENO, saved_err);
	assert_int_equal(file_read(p->out, 100000, out), ERR_OK);
	assert_int_equal(file_read(p->err, 100000, err), ERR_OK);
	return status;
}

static void prints_the_bill(void **state)
{
	struct place *p = *state;
	AUTO(buf_free) struct buf out = { 0 }, err = { 0 };

	put(p->readings, HEAD "2026-03-01T20:00:00+08:00,1243.025\n");
	assert_int_equal(
		run(p, (char *[]){ "simulate", shop_tariff, p->readings, NULL }, &out, &err), 0);
	assert_string_equal(err.text, "");
	assert_string_equal(out.text,
		"{\"energy_wh\":8465,\"charge\":\"5.572509500\",\"lines\":[{\"cycle\":\"2026-03\","
		"\"rate\":\"flat\",\"tier\":1,\"price\":\"0.6583\",\"energy_wh\":8465,"
		"\"charge\":\"5.572509500\"}]}\n");
}

static void takes_a_zone_anywhere(void **state)
{
	struct place *p = *state;
	AUTO(buf_free) struct buf out = { 0 }, err = { 0 };

	/* 07:00 in Shanghai on a Monday is Sunday in New York. */
	put(p->readings,
		"time,energy_kwh\n2026-03-02T00:00:00+08:00,0\n2026-03-02T07:00:00+08:00,1\n");
	assert_int_equal(run(p,
				 (char *[]){ "simulate", "--tz", "America/New_York", shop_tariff,
					 p->readings, NULL },
				 &out, &err),
		0);
	assert_non_null(strstr(out.text, "\"rate\":\"flat\""));
	buf_free(&out);
	buf_free(&err);
	assert_int_equal(run(p,
				 (char *[]){ "simulate", shop_tariff, p->readings,
					 "--tz=Asia/Shanghai", NULL },
				 &out, &err),
		0);
	assert_non_null(strstr(out.text, "\"rate\":\"valley\""));
}

/* Refused: status 2, nothing on standard output, one line that holds the text. */
static void expect_refusal(const struct place *p, char *const args[], const char *text)
{
	AUTO(buf_free) struct buf out = { 0 }, err = { 0 };

	assert_int_equal(run(p, args, &out, &err), 2);
	assert_string_equal(out.text, "");
	if (!strstr(err.text, text))
		fail_msg("\"%s\" is not in: %s", text, err.text);
	assert_ptr_equal(strchr(err.text, '\n'), err.text + err.len - 1);
}

static void refusals(void **state)
{
	struct place *p = *state;

	put(p->readings, HEAD "2026-03-01T20:00:00+08:00,1\n");
	expect_refusal(p, (char *[]){ "simulate", shop_tariff, p->readings, NULL },
		"readings.csv: line 3: ");
	expect_refusal(
		p, (char *[]){ "simulate", shop_tariff, "/nowhere.csv", NULL }, "/nowhere.csv");
	expect_refusal(
		p, (char *[]){ "simulate", "/nowhere.json", p->readings, NULL }, "/nowhere.json");
	expect_refusal(p,
		(char *[]){ "simulate", shop_tariff, p->readings, "--tz", "Mars/Base", NULL },
		"Mars/Base");
	expect_refusal(p, (char *[]){ "simulate", shop_tariff, NULL }, "usage");
	expect_refusal(p, (char *[]){ "simulate", shop_tariff, p->readings, "x", NULL }, "usage");
	expect_refusal(p, (char *[]){ "simulate", shop_tariff, p->readings, "--x", NULL }, "usage");
	expect_refusal(p, (char *[]){ "guess", shop_tariff, p->readings, NULL }, "usage");
	expect_refusal(p, (char *[]){ NULL }, "usage");
	put(p->tariff, "{\"code\":");
	expect_refusal(
		p, (char *[]){ "simulate", p->tariff, p->readings, NULL }, "line 1 column 8");
	put(p->tariff, "{\"two\\nlines\":1}");
	expect_refusal(p, (char *[]){ "simulate", p->tariff, p->readings, NULL },
		"tariff.json: two?lines");
}

/* The nth block of the documentation that begins so (and stands between lines of ```), as text. */
static void doc_block(const char *doc, const char *begin, int nth, struct buf *out)
{
	const char *end;

	for (; nth > 0 && doc; nth--) {
		doc = strstr(doc, begin);
		doc = doc ? doc + strlen(begin) : NULL;
	}
	assert_non_null(doc);
	end = strstr(doc, "\n```");
	assert_non_null(end);
	buf_add(out, doc, (size_t)(end - doc) + 1);
}

static void the_documented_example_is_true(void **state)
{
	struct place *p = *state;
	AUTO(buf_free)
	struct buf doc = { 0 }, tariff = { 0 }, csv = { 0 }, answer = { 0 }, out = { 0 },
		   err = { 0 };
	AUTO(json_free) json_t *expected = NULL, *got = NULL;
	struct problem why = { 0 };

	assert_int_equal(file_read(SOURCE_DIR "/docs/tariff-file.md", 100000, &doc), ERR_OK);
	doc_block(doc.text, "```json\n", 1, &tariff);
	doc_block(doc.text, "```json\n", 2, &answer);
	buf_adds(&csv, "time,");
	doc_block(doc.text, "```\ntime,", 1, &csv);
	put(p->tariff, tariff.text);
	put(p->readings, csv.text);
	assert_int_equal(
		run(p, (char *[]){ "simulate", p->tariff, p->readings, NULL }, &out, &err), 0);
	assert_int_equal(json_parse(answer.text, answer.len, &expected, &why), ERR_OK);
	assert_int_equal(json_parse(out.text, out.len, &got, &why), ERR_OK);
	assert_true(json_equal(expected, got));
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(prints_the_bill),
		IN_PLACE(takes_a_zone_anywhere),
		IN_PLACE(refusals),
		IN_PLACE(the_documented_example_is_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
