/* The bill of a day: asked for, fetched, unpacked. Its lines are read in alipay_bill_file.c. */
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/log.h"
#include "pay/alipay_inside.h"

#define FILES_MAX 16
#define UNPACKED_MAX ((size_t)64 << 20)
#define BEIJING_MS 28800000
#define DAY_MS INT64_C(86400000)
#define SURE_AFTER_MS (DAY_MS + 12 * INT64_C(3600000)) /* noon of the day after */

static void zip_free(zip_t **z)
{
	if (*z)
		zip_discard(*z);
	*z = NULL;
}

static void zip_file_free(zip_file_t **f)
{
	if (*f)
		zip_fclose(*f);
}

static void iconv_free(iconv_t *c)
{
	if (*c != (iconv_t)-1)
		iconv_close(*c);
}

static enum err damaged(struct problem *why, const char *what)
{
	return problem_set(why, ERR_PROTOCOL, "bill", "%s", what);
}

/* ---- charset ---- */

/* Names and lines come in GB18030; a file that is UTF-8 already is let through. */
static enum err to_utf8(const struct buf *in, struct buf *out)
{
	static const char mark[] = "\xef\xbb\xbf", begin[] = "#支付宝";
	AUTO(iconv_free) iconv_t c = iconv_open("UTF-8", "GB18030");
	char *from = in->text, part[4096];
	size_t left = in->len;

	ASSERT(c != (iconv_t)-1);
	buf_adds(out, "");
	if (in->text && (str_starts(in->text, mark) || str_starts(in->text, begin))) {
		buf_add(out, in->text, in->len);
		return ERR_OK;
	}
	while (left > 0) {
		char *to = part;
		size_t room = sizeof(part);

		if (iconv(c, &from, &left, &to, &room) == (size_t)-1 && errno != E2BIG)
			return ERR_PROTOCOL;
		buf_add(out, part, (size_t)(to - part));
	}
	return ERR_OK;
}

/* ---- unpacking ---- */

/* Counts what really comes out, not what the file says of itself. */
static enum err unpack(zip_t *z, zip_uint64_t i, size_t *left, struct buf *out)
{
	AUTO(zip_file_free) zip_file_t *f = zip_fopen_index(z, i, 0);
	char part[16384];
	zip_int64_t n;

	if (!f)
		return ERR_PROTOCOL;
	while ((n = zip_fread(f, part, sizeof(part))) > 0) {
		if ((size_t)n > *left)
			return ERR_TOO_LARGE;
		*left -= (size_t)n;
		buf_add(out, part, (size_t)n);
	}
	buf_adds(out, "");
	/* the check sum is compared at the end; a NUL is in no text */
	return n == 0 && !memchr(out->text, '\0', out->len) ? ERR_OK : ERR_PROTOCOL;
}

struct files {
	struct buf detail, summary;
};

static void files_free(struct files *f)
{
	buf_free(&f->detail);
	buf_free(&f->summary);
}

/* Which file is which, its name tells; the first lines would too. */
static enum err take_file(zip_t *z, zip_uint64_t i, size_t *left, struct files *out)
{
	AUTO(buf_free) struct buf raw_name = { 0 };
	AUTO(buf_free) struct buf name = { 0 };
	AUTO(buf_free) struct buf raw = { 0 };
	const char *text = zip_get_name(z, i, ZIP_FL_ENC_RAW);
	struct buf *to;
	enum err e;

	if (!text)
		return ERR_PROTOCOL;
	buf_adds(&raw_name, text);
	if (strstr(text, "汇总"))
		to = &out->summary;
	else
		to = to_utf8(&raw_name, &name) == ERR_OK && strstr(name.text, "汇总")
			     ? &out->summary
			     : &out->detail;
	if (raw_name.len == 0 || text[raw_name.len - 1] == '/')
		return ERR_OK; /* a folder */
	if (to->text)
		return ERR_PROTOCOL;
	e = unpack(z, i, left, &raw);
	return e == ERR_OK ? to_utf8(&raw, to) : e;
}

static enum err take_files(zip_t *z, struct files *out, struct problem *why)
{
	zip_int64_t n = zip_get_num_entries(z, 0);
	size_t left = UNPACKED_MAX;

	if (n < 1 || n > FILES_MAX)
		return damaged(why, "the ZIP file does not hold the files of a bill");
	for (zip_uint64_t i = 0; i < (zip_uint64_t)n; i++) {
		enum err e = take_file(z, i, &left, out);

		if (e == ERR_TOO_LARGE)
			return damaged(why, "the ZIP file unpacks to more than a bill can be");
		if (e != ERR_OK)
			return damaged(why, "the ZIP file or its text is damaged");
	}
	return out->detail.text ? ERR_OK : damaged(why, "the ZIP file holds no bill");
}

enum err alipay_bill_read(
	const char *zip, size_t n, struct day day, struct pay_bill *out, struct problem *why)
{
	AUTO(files_free) struct files files = { .detail = { 0 } };
	AUTO(zip_free) zip_t *z = NULL;
	zip_source_t *source = zip_source_buffer_create(zip, n, 0, NULL);
	enum err e;

	ASSERT(source);
	z = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, NULL);
	if (!z) {
		zip_source_free(source);
		return damaged(why, "no ZIP file");
	}
	e = take_files(z, &files, why);
	if (e != ERR_OK)
		return e;
	return alipay_bill_parse(files.detail.text, files.summary.text, day, out, why);
}

/* ---- asking ---- */

/* "isp.bill_not_exist" and other spellings of it. */
static bool says_no_bill(const char *code)
{
	const char *bill = strcasestr(code, "bill"), *no = bill ? strcasestr(bill, "not") : NULL;

	return no && strcasestr(no, "exist");
}

/* There is no bill of a day without trades, and none yet of a day that is not ready, and the same
 * code for both. Bills are ready about nine in the morning; from noon on it means no trades. */
static enum err no_bill(struct day day, struct utc now, struct pay_bill *out, struct problem *why)
{
	int64_t start = day.days * DAY_MS - BEIJING_MS;

	if (now.ms < start + SURE_AFTER_MS)
		return problem_set(why, ERR_UNKNOWN, "bill_date", "the bill is not ready yet");
	*out = (struct pay_bill){ 0 };
	return ERR_OK;
}

static enum err fetch(
	const char *url, int64_t deadline_ms, struct web_answer *out, struct problem *why)
{
	if (!web_url_allowed(url))
		return problem_set(why, ERR_PROTOCOL, "bill_download_url",
			"the bill's address is neither https nor on this machine");
	if (web_call(
		    &(struct web_request){
			    .method = "GET", .url = url, .deadline_ms = deadline_ms },
		    out, why) != ERR_OK)
		return ERR_UNKNOWN;
	return out->status == 200
		       ? ERR_OK
		       : problem_set(why, ERR_UNKNOWN, "bill_download_url", "HTTP %d", out->status);
}

enum err alipay_bill(const struct pay *pay, struct day day, struct utc now, int64_t deadline_ms,
	struct pay_bill *out, struct problem *why)
{
	AUTO(json_free) json_t *biz = NULL;
	AUTO(json_free) json_t *j = NULL;
	AUTO(web_answer_free) struct web_answer file = { 0 };
	struct problem said = { 0 };
	char date[DAY_TEXT_MAX];
	const char *url;
	enum err e;

	if (!pay->alipay)
		return alipay_not_configured(why);
	biz = json_pack("{s:s, s:s}", "bill_type", "trade", "bill_date", day_text(day, date));
	e = alipay_call(pay->alipay,
		&(struct alipay_asking){ .method = "alipay.data.dataservice.bill.downloadurl.query",
			.biz = biz,
			.now = now,
			.deadline_ms = deadline_ms },
		&j, &said);
	if (e == ERR_REFUSED && says_no_bill(said.field))
		return no_bill(day, now, out, why);
	if (e != ERR_OK)
		return problem_set(why, e, said.field, "%s", said.text);
	url = alipay_text(j, "bill_download_url");
	if (!url)
		return problem_set(why, ERR_UNKNOWN, "bill_download_url", "is missing");
	e = fetch(url, deadline_ms, &file, why);
	if (e == ERR_OK)
		e = alipay_bill_read(file.body.text, file.body.len, day, out, why);
	log_info("event=alipay_bill day=%s outcome=%s rows=%zu", date, err_word(e),
		e == ERR_OK ? out->n : 0);
	return e;
}
