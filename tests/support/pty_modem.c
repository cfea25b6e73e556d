/* A GSM modem on a pseudo terminal, for gammu-smsd's "at" driver:
 *	pty_modem LINK LOG CONTROL
 * LINK becomes the device. Every message that is handed over is a line of LOG, "CMGS 59 0011…", as
 *the network would get it. CONTROL is a file of words that is read at each message: allow=N
 *messages taken in all; the next is held at the prompt until N grows
 *	cms=N		the network refuses with +CMS ERROR: N
 *	report=HH	TP-Status of the delivery report; none: there is none
 * Without a word: all are allowed, none is refused, reports say delivered. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define CTRL_Z 0x1A
#define ESCAPE 0x1B
#define REPORT_AFTER_MS 700
#define REPORTS_MAX 32
#define SMSC "0891683108100005F0"

struct report {
	int64_t due_ms;
	char pdu[128];
};

struct modem {
	int fd; /* the master's side */
	const char *link, *control;
	FILE *log;
	char line[1024];
	size_t n;
	bool echo, prompted, held;
	int cmgs_length;
	long taken;
	unsigned reference;
	struct report reports[REPORTS_MAX];
};

/* The first command that fits; "…" in the end stands for whatever follows. */
static const struct {
	const char *command, *answer;
} answers[] = {
	{ "AT", NULL },
	{ "AT+CGMI", "Yufu" },
	{ "AT+CGMM", "PTY1" },
	{ "AT+CGMR", "1.0" },
	{ "AT+CGSN", "350000000000017" },
	{ "AT+CIMI", "460001234567890" },
	{ "AT+CPIN?", "+CPIN: READY" },
	{ "AT+CSCA?", "+CSCA: \"+8613800100500\",145" },
	{ "AT+CMGF=?", "+CMGF: (0,1)" },
	{ "AT+CMGF…", NULL },
	{ "AT+CSMS?", "+CSMS: 0,1,1,1" },
	{ "AT+CSMS…", "+CSMS: 1,1,1" },
	{ "AT+CPMS=?", "+CPMS: (\"ME\",\"SM\"),(\"ME\",\"SM\"),(\"ME\",\"SM\")" },
	{ "AT+CPMS?", "+CPMS: \"ME\",0,50,\"ME\",0,50,\"ME\",0,50" },
	{ "AT+CPMS…", "+CPMS: 0,50,0,50,0,50" },
	{ "AT+CNMI=?", "+CNMI: (0-3),(0-3),(0,2,3),(0-2),(0,1)" },
	{ "AT+CNMI?", "+CNMI: 2,1,0,1,0" },
	{ "AT+CNMI…", NULL },
	{ "AT+CNMA…", NULL },
	{ "AT+CSQ", "+CSQ: 24,99" },
	{ "AT+CREG?", "+CREG: 0,1" },
	{ "AT+CREG…", NULL },
	{ "AT+CGREG?", "+CGREG: 0,1" },
	{ "AT+CGREG…", NULL },
	{ "AT+CGATT?", "+CGATT: 1" },
	{ "AT+COPS?", "+COPS: 0,2,\"46000\"" },
	{ "AT+COPS…", NULL },
	{ "AT+CBC", "+CBC: 0,100" },
	{ "AT+CSCS=?", "+CSCS: (\"GSM\",\"UCS2\")" },
	{ "AT+CSCS?", "+CSCS: \"GSM\"" },
	{ "AT+CSCS…", NULL },
	{ "AT+CMEE…", NULL },
	{ "AT+CMMS…", NULL },
	{ "AT+CMGL…", NULL },
	{ "AT+CLIP…", NULL },
	{ "AT+CUSD…", NULL },
	{ "AT+CFUN…", NULL },
	{ "ATZ…", NULL },
};

static volatile sig_atomic_t ending;

static void on_signal(int sig)
{
	(void)sig;
	ending = 1;
}

static void say(struct modem *m, const char *text)
{
	size_t n = strlen(text);

	for (ssize_t w; n > 0; text += w, n -= (size_t)w) {
		w = write(m->fd, text, n);
		if (w < 0 && errno != EINTR)
			return; /* nobody listens */
		w = w < 0 ? 0 : w;
	}
}

static void reply(struct modem *m, const char *text)
{
	say(m, "\r\n");
	say(m, text);
	say(m, "\r\n");
}

/* A word of the control file as it is now. */
static void control(const struct modem *m, const char *name, const char *fallback, char out[16])
{
	FILE *f = fopen(m->control, "re");
	char line[64];

	snprintf(out, 16, "%s", fallback);
	while (f && fgets(line, sizeof(line), f))
		if (str_starts(line, name) && line[strlen(name)] == '=')
			snprintf(out, 16, "%.*s", (int)strcspn(line + strlen(name) + 1, "\r\n"),
				line + strlen(name) + 1);
	if (f)
		fclose(f);
}

static long control_number(const struct modem *m, const char *name, long fallback)
{
	char text[16];
	int64_t v = fallback;

	control(m, name, "", text);
	return text[0] && i64_parse(text, -1, 1000000, &v) == ERR_OK ? (long)v : fallback;
}

/* ---- delivery reports ---- */

/* A time stamp of the network: local digits swapped, then the zone in quarters of an hour. */
static void stamp(char out[15])
{
	time_t now = time(NULL);
	struct tm t;
	char d[64];

	gmtime_r(&now, &t);
	snprintf(d, sizeof(d), "%02d%02d%02d%02d%02d%02d00", t.tm_year % 100, t.tm_mon + 1,
		t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
	for (size_t i = 0; i < 14; i += 2) {
		out[i] = d[i + 1];
		out[i + 1] = d[i];
	}
	out[14] = '\0';
}

static size_t octet(const char *hex)
{
	return strtoul((char[]){ hex[0], hex[1], '\0' }, NULL, 16);
}

/* STATUS-REPORT of a SUBMIT: address of the SMSC, first octet, reference, address of the phone by
 * length, kind and digits. */
static void queue_report(struct modem *m, const char *pdu)
{
	const char *submit = pdu + 2 + 2 * octet(pdu);
	char status[16], now[15];
	int address;

	control(m, "report", "00", status);
	if (str_eq(status, "none") || !(octet(submit) & 0x20))
		return;
	address = (int)(4 + (octet(submit + 4) + 1) / 2 * 2);
	stamp(now);
	for (size_t i = 0; i < REPORTS_MAX; i++)
		if (m->reports[i].due_ms == 0) {
			m->reports[i].due_ms = mono_ms() + REPORT_AFTER_MS;
			snprintf(m->reports[i].pdu, sizeof(m->reports[i].pdu),
				SMSC "06%02X%.*s%s%s%s", m->reference, address, submit + 4, now,
				now, status);
			return;
		}
}

static void send_reports(struct modem *m)
{
	for (size_t i = 0; i < REPORTS_MAX; i++) {
		char head[32];

		if (m->reports[i].due_ms == 0 || m->reports[i].due_ms > mono_ms())
			continue;
		m->reports[i].due_ms = 0;
		snprintf(head, sizeof(head), "\r\n+CDS: %zu\r\n",
			(strlen(m->reports[i].pdu) - strlen(SMSC)) / 2);
		say(m, head);
		say(m, m->reports[i].pdu);
		say(m, "\r\n");
		fprintf(m->log, "CDS %s\n", m->reports[i].pdu);
	}
}

/* ---- messages ---- */

static void message(struct modem *m, const char *pdu)
{
	long cms = control_number(m, "cms", 0);
	char text[32];

	m->prompted = false;
	if (cms > 0) {
		fprintf(m->log, "REFUSED %ld %s\n", cms, pdu);
		snprintf(text, sizeof(text), "+CMS ERROR: %ld", cms);
		reply(m, text);
		return;
	}
	m->taken++;
	m->reference = (m->reference + 1) & 0xFF;
	fprintf(m->log, "CMGS %d %s\n", m->cmgs_length, pdu);
	snprintf(text, sizeof(text), "+CMGS: %u", m->reference);
	reply(m, text);
	reply(m, "OK");
	queue_report(m, pdu);
}

static void prompt(struct modem *m)
{
	long allow = control_number(m, "allow", -1);

	if (allow >= 0 && m->taken >= allow) {
		if (!m->held)
			fprintf(m->log, "HELD\n");
		m->held = true;
		return;
	}
	m->held = false;
	m->prompted = true;
	say(m, "\r\n> ");
}

static const char *answer_of(const char *command, bool *known)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		const char *c = answers[i].command, *more = strstr(c, "…");

		*known = more ? strncmp(command, c, (size_t)(more - c)) == 0 : str_eq(command, c);
		if (*known)
			return answers[i].answer;
	}
	return NULL;
}

static void command(struct modem *m, const char *line)
{
	bool known = true;
	const char *answer;

	m->held = false;
	if (!line[0])
		return;
	if (str_starts(line, "AT+CMGS=")) {
		m->cmgs_length = (int)strtol(line + 8, NULL, 10);
		prompt(m);
		return;
	}
	if (str_starts(line, "ATE")) {
		m->echo = line[3] == '1';
		reply(m, "OK");
		return;
	}
	answer = answer_of(line, &known);
	if (answer)
		reply(m, answer);
	reply(m, known ? "OK" : "ERROR");
	if (!known)
		fprintf(m->log, "UNKNOWN %s\n", line);
}

static void byte(struct modem *m, char c)
{
	if (m->echo)
		(void)!write(m->fd, &c, 1);
	if (c == ESCAPE) {
		m->prompted = false;
		m->n = 0;
	} else if (c == '\r' || c == CTRL_Z) {
		m->line[m->n] = '\0';
		m->n = 0;
		if (m->prompted && c == CTRL_Z)
			message(m, m->line);
		else if (!m->prompted)
			command(m, m->line);
	} else if (c != '\n' && m->n + 1 < sizeof(m->line)) {
		m->line[m->n++] = c;
	}
}

static int open_terminal(struct modem *m)
{
	struct termios t;
	int slave;

	m->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (m->fd < 0 || grantpt(m->fd) != 0 || unlockpt(m->fd) != 0)
		return -1;
	/* Kept open, so that the line is there while no program has it. */
	slave = open(ptsname(m->fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &t) != 0)
		return -1;
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	(void)!unlink(m->link);
	return symlink(ptsname(m->fd), m->link);
}

int main(int argc, char **argv)
{
	struct modem m = { .echo = true };
	struct sigaction sa = { .sa_handler = on_signal };

	if (argc != 4) {
		fprintf(stderr, "usage: pty_modem LINK LOG CONTROL\n");
		return 2;
	}
	sigaction(SIGTERM, &sa, NULL);
	m.link = argv[1];
	m.control = argv[3];
	m.log = fopen(argv[2], "ae");
	if (!m.log || open_terminal(&m) != 0) {
		perror("pty_modem");
		return 1;
	}
	setvbuf(m.log, NULL, _IOLBF, 0);
	while (!ending) {
		struct pollfd p = { .fd = m.fd, .events = POLLIN };
		char bytes[512];
		ssize_t n = poll(&p, 1, 50) > 0 ? read(m.fd, bytes, sizeof(bytes)) : 0;

		for (ssize_t i = 0; i < n; i++)
			byte(&m, bytes[i]);
		if (m.held)
			prompt(&m);
		send_reports(&m);
	}
	unlink(m.link);
	return 0;
}
