/* Golden frames: bytes with a source, never from our own encoder. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "meter/cjt188.h"
#include "meter/dlt645.h"
#include "meter/frame.h"
#include "meter/meter.h"

/* tests/vectors/model_*.txt, line by line:
 *   model NAME · unit N · class live|config   hold until changed
 *   request HEX, reply HEX                    frames as on a serial line; the pairs up to `end` are
 * one reading
 *   expect POINT VALUE · absent POINT · serial TEXT · supply WORD · nosupply · status WORD...
 *   refused POINT                             the reply cannot be; the point is named
 *   act WORD HEX                              the frame of an act
 *   setting KIND                              the pairs that follow are its reads, up to
 *   holds TEXT                                what they say
 *   set KIND TEXT = HEX [= HEX...]            the frames that write it
 *   setclock SECONDS HEX                      the frame that sets the clock
 *   purchase COUNT MILLI HEX                  the frame of a purchase
 *   answer HEX                                confirms the last of these three */
struct walk {
	struct models *models;
	const struct model *model;
	const char *file;
	int line;
	struct meter_address at;
	enum point_class class;
	bool of_setting;
	enum meter_setting setting;
	struct register_block blocks[MODEL_READS_MAX];
	struct item_block items[MODEL_READS_MAX];
	struct dlt645_frame dlt645; /* as asked last */
	struct cjt188_frame cjt188;
	size_t count;
	bool decoded;
	enum err result;
	struct meter_reading reading;
	struct problem why;
	struct meter_write sent;
	int checks;
};

static void fail_at(const struct walk *w, const char *what)
{
	fail_msg("%s:%d: %s (%s)", w->file, w->line, what, w->why.text);
}

static size_t bytes_of(struct walk *w, const char *hex, uint8_t *out)
{
	size_t n = 0;

	if (hex_decode(hex, out, FRAME_MAX, &n) != ERR_OK)
		fail_at(w, "not hex");
	return n;
}

static struct bus_request planned(struct walk *w)
{
	struct model_read reads[SETTING_READS_MAX];
	size_t n = 0;
	const struct model_read *plan = model_plan(w->model, w->class, &n);

	if (w->of_setting) {
		plan = reads;
		n = model_setting_reads(w->model, w->setting, reads);
	}

	if (w->count >= n)
		fail_at(w, "the plan has no such read");
	return (struct bus_request){ .unit = w->at.unit,
		.function = plan[w->count].function,
		.address = plan[w->count].address,
		.count = plan[w->count].count };
}

/* A read of the plan that asks for exactly these bytes, leaders aside. A model of items need not
 * ask for all of them. */
static void item_request(struct walk *w, const uint8_t *golden, size_t n)
{
	size_t reads = 0;
	const struct model_read *plan = model_plan(w->model, w->class, &reads);

	for (size_t i = 0; i < reads; i++) {
		uint8_t ours[FRAME_MAX];
		size_t k;

		w->items[w->count] = (struct item_block){ .item = plan[i].item };
		w->dlt645 = (struct dlt645_frame){ .control = DLT645_READ, .n = 4 };
		memcpy(w->dlt645.address, w->at.digits, DLT645_ADDRESS);
		dlt645_put_item(plan[i].item, w->dlt645.data);
		w->cjt188 = (struct cjt188_frame){
			.type = w->model->cjt188.type, .control = CJT188_READ, .n = 3
		};
		memcpy(w->cjt188.address, w->at.digits, CJT188_ADDRESS);
		memcpy(w->cjt188.data, w->model->cjt188.read.item, 2);
		k = w->model->framing == MODEL_DLT645 ? dlt645_build(&w->dlt645, 0, ours)
						      : cjt188_build(&w->cjt188, 0, ours);
		if (k == n && memcmp(golden, ours, n) == 0)
			return;
	}
	fail_at(w, "we would ask for something else");
}

static void item_reply(struct walk *w, const uint8_t *golden, size_t n)
{
	struct item_block *b = &w->items[w->count];
	struct dlt645_frame d = { 0 };
	struct cjt188_frame c = { 0 };
	const struct cjt188_words *words = &w->model->cjt188.read;
	struct cjt188_expect expect = { .item_count = words->item_count };
	struct bus_error why = { 0 };
	bool dlt645 = w->model->framing == MODEL_DLT645;
	size_t at = 0, head = dlt645 ? 4 : 3;
	size_t length = dlt645 ? dlt645_find(golden, n, &at) : cjt188_find(golden, n, &at);
	enum err e;

	memcpy(expect.codes, words->codes, sizeof(expect.codes));
	memcpy(expect.items, words->items, sizeof(expect.items));
	e = dlt645 ? dlt645_check_reply(&w->dlt645, golden + at, length, &d, &why)
		   : cjt188_check_reply(&w->cjt188, &expect, golden + at, length, &c, &why);
	if (e != ERR_OK || at + length != n)
		fail_at(w, why.text);
	b->n = (dlt645 ? d.n : c.n) - head;
	memcpy(b->bytes, (dlt645 ? d.data : c.data) + head, b->n);
	w->count++;
}

/* The plan asks for exactly these bytes. */
static void on_request(struct walk *w, const char *hex)
{
	uint8_t golden[FRAME_MAX], ours[FRAME_MAX];
	struct bus_request q;
	size_t n = bytes_of(w, hex, golden);

	if (w->decoded) { /* the next reading begins */
		w->count = 0;
		w->decoded = false;
	}
	if (w->model->framing != MODEL_MODBUS) {
		item_request(w, golden, n);
		return;
	}
	q = planned(w);
	if (frame_build(FRAMING_RTU, &q, 0, ours) != n || memcmp(golden, ours, n) != 0)
		fail_at(w, "we would ask for something else");
}

static void on_reply(struct walk *w, const char *hex)
{
	uint8_t golden[FRAME_MAX];
	struct bus_request q;
	struct register_block *b = &w->blocks[w->count];
	struct bus_error why = { 0 };
	size_t n = bytes_of(w, hex, golden);

	if (w->model->framing != MODEL_MODBUS) {
		item_reply(w, golden, n);
		return;
	}
	q = planned(w);
	b->function = q.function;
	b->address = q.address;
	b->count = q.count;
	if (frame_check_reply(FRAMING_RTU, &q, 0, golden, n, b->regs, &why) != ERR_OK)
		fail_at(w, why.text);
	w->count++;
}

static void decode(struct walk *w)
{
	if (w->decoded)
		return;
	w->result =
		w->model->framing == MODEL_MODBUS
			? model_decode(w->model, w->blocks, w->count, &w->reading, &w->why)
			: model_decode_items(w->model, w->items, w->count, &w->reading, &w->why);
	w->decoded = true;
}

static void need_reading(struct walk *w)
{
	decode(w);
	w->checks++;
	if (w->result != ERR_OK)
		fail_at(w, "refused");
}

static enum point point_of(struct walk *w, const char *word)
{
	enum point p = 0;

	if (point_parse(word, &p) != ERR_OK)
		fail_at(w, "no such point");
	return p;
}

static void on_expect(struct walk *w, const char *rest)
{
	char word[40], number[24];
	int64_t value = 0;
	enum point p;

	need_reading(w);
	if (sscanf(rest, "%39s %23s", word, number) != 2 ||
		i64_parse(number, INT64_MIN, INT64_MAX, &value) != ERR_OK)
		fail_at(w, "point and value are needed");
	p = point_of(w, word);
	if (!reading_has(&w->reading, p))
		fail_at(w, "absent");
	if (w->reading.value[p] != value) {
		printf("%s is %" PRId64 "\n", word, w->reading.value[p]);
		fail_at(w, "another value");
	}
}

static void on_absent(struct walk *w, const char *rest)
{
	need_reading(w);
	if (reading_has(&w->reading, point_of(w, rest)))
		fail_at(w, "it is there");
}

static void on_serial(struct walk *w, const char *rest)
{
	need_reading(w);
	if (!str_eq(w->reading.serial, rest))
		fail_at(w, w->reading.serial);
}

static void on_supply(struct walk *w, const char *rest)
{
	need_reading(w);
	if (!w->reading.has_supply || !str_eq(supply_word(w->reading.supply), rest))
		fail_at(w, supply_word(w->reading.supply));
}

static void on_nosupply(struct walk *w, const char *rest)
{
	(void)rest;
	need_reading(w);
	if (w->reading.has_supply)
		fail_at(w, "it has a supply");
}

static void on_status(struct walk *w, const char *rest)
{
	uint32_t want = 0;
	char words[200], *rest_of = NULL;

	need_reading(w);
	snprintf(words, sizeof(words), "%s", rest);
	for (char *s = strtok_r(words, " ", &rest_of); s; s = strtok_r(NULL, " ", &rest_of)) {
		enum meter_status status = 0;

		if (status_parse(s, &status) != ERR_OK)
			fail_at(w, "no such status");
		want |= UINT32_C(1) << status;
	}
	if (!w->reading.has_status || w->reading.status != want)
		fail_at(w, "another status");
}

static void on_refused(struct walk *w, const char *rest)
{
	decode(w);
	w->checks++;
	if (w->result != ERR_PROTOCOL || !str_eq(w->why.field, rest))
		fail_at(w, "not refused");
}

/* What the frame says but for sequence and time. */
static void item_act(struct walk *w, const struct model_action *a, const char *hex)
{
	uint8_t golden[FRAME_MAX];
	size_t n = bytes_of(w, hex, golden);
	struct dlt645_frame d = { 0 };
	struct cjt188_frame c = { 0 };
	size_t at = 0;

	w->checks++;
	if (w->model->framing == MODEL_DLT645) {
		if (dlt645_find(golden, n, &at) != n || dlt645_parse(golden, n, &d, NULL) != ERR_OK)
			fail_at(w, "not a frame");
		if (memcmp(d.address, w->at.digits, sizeof(d.address)) != 0 ||
			d.control != a->function || d.n != 16 || d.data[8] != a->values[0])
			fail_at(w, "we would send something else");
		return;
	}
	if (cjt188_find(golden, n, &at) != n - at || cjt188_parse(golden + at, n - at, &c, NULL))
		fail_at(w, "not a frame");
	if (memcmp(c.address, w->at.digits, sizeof(c.address)) != 0 || c.control != a->function ||
		c.n != 4 || memcmp(c.data, w->model->cjt188.act.item, 2) != 0 ||
		c.data[3] != a->values[0])
		fail_at(w, "we would send something else");
}

/* The write is these bytes. */
static void check_write(struct walk *w, const struct meter_write *write, const char *hex)
{
	uint8_t golden[FRAME_MAX], ours[FRAME_MAX];
	size_t n = bytes_of(w, hex, golden);

	w->checks++;
	if (frame_build(FRAMING_RTU, &write->request, 0, ours) != n || memcmp(golden, ours, n) != 0)
		fail_at(w, "we would send something else");
}

static void on_act(struct walk *w, const char *rest)
{
	enum meter_act act = ACT_ON;
	char word[8];
	int skip = 0;

	if (sscanf(rest, "%7s %n", word, &skip) != 1 || act_parse(word, &act) != ERR_OK)
		fail_at(w, "no such act");
	if (w->model->framing != MODEL_MODBUS) {
		item_act(w, &w->model->actions[act], rest + skip);
		return;
	}
	if (meter_act_write(w->model, w->at.unit, act, &w->sent) != ERR_OK)
		fail_at(w, "no such act");
	check_write(w, &w->sent, rest + skip);
}

static void on_setclock(struct walk *w, const char *rest)
{
	char number[24] = "";
	int64_t seconds = 0;
	int skip = 0;

	if (sscanf(rest, "%23s %n", number, &skip) != 1 ||
		i64_parse(number, INT64_MIN, INT64_MAX, &seconds) != ERR_OK ||
		meter_clock_write(w->model, w->at.unit, seconds, &w->sent) != ERR_OK)
		fail_at(w, "the clock cannot be set to this");
	check_write(w, &w->sent, rest + skip);
}

static void on_purchase(struct walk *w, const char *rest)
{
	char count[24] = "", milli[24] = "";
	int64_t c = 0, a = 0;
	int skip = 0;

	if (sscanf(rest, "%23s %23s %n", count, milli, &skip) != 2 ||
		i64_parse(count, 0, INT64_MAX, &c) != ERR_OK ||
		i64_parse(milli, 0, INT64_MAX, &a) != ERR_OK ||
		meter_purchase_write(w->model, w->at.unit, c, a, &w->sent) != ERR_OK)
		fail_at(w, "this cannot be sold");
	check_write(w, &w->sent, rest + skip);
}

/* The answer that confirms the last write. */
static void on_answer(struct walk *w, const char *hex)
{
	uint8_t golden[FRAME_MAX];
	struct bus_error why = { 0 };
	size_t n = bytes_of(w, hex, golden);

	w->checks++;
	if (frame_check_reply(FRAMING_RTU, &w->sent.request, 0, golden, n, NULL, &why) != ERR_OK)
		fail_at(w, why.text);
	if (frame_need_for(FRAMING_RTU, &w->sent.request, golden, n) != n)
		fail_at(w, "we would wait for more, or less");
}

static void on_model(struct walk *w, const char *rest)
{
	w->model = models_find(w->models, rest);
	if (!w->model)
		fail_at(w, "no such model");
}

static void on_unit(struct walk *w, const char *rest)
{
	if (meter_address_parse(w->model, rest, &w->at, &w->why) != ERR_OK)
		fail_at(w, "no such unit");
}

static void on_class(struct walk *w, const char *rest)
{
	w->class = str_eq(rest, "config") ? CLASS_CONFIG : CLASS_LIVE;
}

static const char *setting_of(struct walk *w, const char *rest)
{
	char word[16];
	int skip = 0;

	if (sscanf(rest, "%15s %n", word, &skip) != 1 ||
		meter_setting_parse(word, &w->setting) != ERR_OK)
		fail_at(w, "no such setting");
	return rest + skip;
}

static void on_setting(struct walk *w, const char *rest)
{
	setting_of(w, rest);
	w->of_setting = true;
	w->decoded = false;
	w->count = 0;
}

static void on_holds(struct walk *w, const char *rest)
{
	char text[METER_SETTING_TEXT] = "?";

	w->checks++;
	w->of_setting = false;
	w->decoded = true;
	if (model_setting_decode(w->model, w->setting, w->blocks, w->count, text) != ERR_OK ||
		!str_eq(text, rest))
		fail_at(w, text);
}

static void on_set(struct walk *w, const char *rest)
{
	struct settings_write frames[MODEL_SCHEDULES_MAX];
	char text[METER_SETTING_TEXT], *hex;
	uint8_t golden[FRAME_MAX], ours[FRAME_MAX];
	size_t n = 0, frames_n = 0;

	snprintf(text, sizeof(text), "%s", setting_of(w, rest));
	rest = strstr(rest, " = ");
	hex = strstr(text, " = ");
	if (!rest || !hex)
		fail_at(w, "no frame");
	*hex = '\0';
	if (model_setting_write(w->model, w->setting, text, frames, &frames_n) != ERR_OK)
		fail_at(w, "cannot be written");
	for (size_t i = 0; i < frames_n; i++) {
		struct bus_request q = { .unit = w->at.unit,
			.function = frames[i].function,
			.address = frames[i].address,
			.count = frames[i].count,
			.values = frames[i].values };
		char one[3 * FRAME_MAX];

		if (!rest)
			fail_at(w, "more frames than that");
		snprintf(one, sizeof(one), "%s", rest + 3);
		rest = strstr(rest + 3, " = ");
		if (rest)
			one[strcspn(one, "=")] = '\0';
		n = bytes_of(w, one, golden);
		if (frame_build(FRAMING_RTU, &q, 0, ours) != n || memcmp(golden, ours, n) != 0)
			fail_at(w, "we would send something else");
		w->checks++;
	}
	if (rest)
		fail_at(w, "fewer frames than that");
}

static void on_end(struct walk *w, const char *rest)
{
	(void)rest;
	if (!w->decoded)
		fail_at(w, "nothing was checked");
}

static const struct {
	const char *word;
	void (*on)(struct walk *, const char *rest);
} verbs[] = {
	{ "model", on_model },
	{ "unit", on_unit },
	{ "class", on_class },
	{ "request", on_request },
	{ "reply", on_reply },
	{ "expect", on_expect },
	{ "absent", on_absent },
	{ "serial", on_serial },
	{ "supply", on_supply },
	{ "nosupply", on_nosupply },
	{ "status", on_status },
	{ "refused", on_refused },
	{ "act", on_act },
	{ "setting", on_setting },
	{ "holds", on_holds },
	{ "set", on_set },
	{ "setclock", on_setclock },
	{ "purchase", on_purchase },
	{ "answer", on_answer },
	{ "end", on_end },
};

static void on_line(struct walk *w, char *line)
{
	char *rest = line + strcspn(line, " ");

	if (*rest)
		*rest++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (!str_eq(verbs[i].word, line))
			continue;
		verbs[i].on(w, rest);
		return;
	}
	fail_at(w, "no such verb");
}

static int walk_file(struct models *models, const char *file)
{
	struct walk w = { .models = models, .file = file };
	char line[1024];
	FILE *f = fopen(file, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		w.line++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			on_line(&w, line);
	}
	fclose(f);
	return w.checks;
}

/* Every model has golden frames, and each file checks something. */
static void every_model_decodes_its_golden_frames(void **state)
{
	struct models *models = NULL;
	struct problem why = { 0 };

	(void)state;
	if (models_open(NULL, &models, &why) != ERR_OK)
		fail_msg("%s: %s", why.field, why.text);
	assert_true(models_count(models) >= 4);
	for (size_t i = 0; i < models_count(models); i++) {
		char file[256];

		snprintf(file, sizeof(file), SOURCE_DIR "/tests/vectors/model_%s.txt",
			models_at(models, i)->name);
		assert_true(walk_file(models, file) > 5);
	}
	models_free(&models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_decodes_its_golden_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
