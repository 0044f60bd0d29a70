/*
 * probe_options.c - the command line of restantectl probe
 *
 * SPDX-License-Identifier: ISC
 */
#include <getopt.h>
#include <string.h>
#include <sys/socket.h>

#include "base/num.h"
#include "pop/pop3_visit.h"
#include "prog/probe.h"
#include "prog/secret.h"

#define LIMIT 10000			/* ms: Nagios itself waits for a minute */
#define LIMIT_MOST 3600000
#define DAYS 14
#define DAYS_MOST 36500
#define HOST_MOST 255

enum { OPTION_STARTTLS = 1000, OPTION_CLEAR, OPTION_CA, OPTION_NAME, OPTION_DAYS, OPTION_LIST, OPTION_FILE };

static const struct option longs[] = {
	{ "starttls", no_argument, NULL, OPTION_STARTTLS }, { "clear", no_argument, NULL, OPTION_CLEAR },
	{ "port", required_argument, NULL, 'p' }, { "ca", required_argument, NULL, OPTION_CA },
	{ "name", required_argument, NULL, OPTION_NAME }, { "days", required_argument, NULL, OPTION_DAYS },
	{ "list", no_argument, NULL, OPTION_LIST },
	{ "password-file", required_argument, NULL, OPTION_FILE },
	{ "timeout", required_argument, NULL, 't' }, { "warning", required_argument, NULL, 'w' },
	{ "critical", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 },
};

/* "2", "0.25": at most three places; "" and "." are none */
static bool take_seconds(const char *text, int64_t *ms)
{
	size_t whole = strcspn(text, "."), places = text[whole] ? strlen(text + whole + 1) : 0;
	uint64_t seconds = 0, part = 0;

	if (!num_parse(text, whole, LIMIT_MOST / 1000, &seconds) || places > 3)
		return false;
	if (text[whole] && !num_parse(text + whole + 1, places, 999, &part))
		return false;
	for (; places > 0 && places < 3; places++)
		part *= 10;
	*ms = (int64_t)(seconds * 1000 + part);
	return *ms > 0 && *ms <= LIMIT_MOST;
}

static bool take_number(const char *text, uint64_t least, uint64_t most, uint64_t *to)
{
	return num_parse(text, strlen(text), most, to) && *to >= least;
}

static bool take_cover(struct probe_asked *a, enum probe_cover cover)
{
	if (a->cover != PROBE_TLS && a->cover != cover)
		return false;
	a->cover = cover;
	return true;
}

/* With a dot in front the TLS library takes the certificate of any host below it. */
static bool is_host(const char *text)
{
	return secret_fits(text, HOST_MOST) && text[0] != '.';
}

/* The options with a value; what is wrong, or NULL */
static const char *take_value(struct probe_asked *a, int option)
{
	switch (option) {
	case 'p':
		return take_number(optarg, 1, UINT16_MAX, &a->port) ? NULL : "--port is 1 to 65535";
	case 't':
		return take_seconds(optarg, &a->limit) ? NULL : "--timeout is 0.001 to 3600 seconds";
	case 'w':
		return take_seconds(optarg, &a->warning) ? NULL : "--warning is 0.001 to 3600 seconds";
	case 'c':
		return take_seconds(optarg, &a->critical) ? NULL : "--critical is 0.001 to 3600 seconds";
	case OPTION_DAYS:
		return take_number(optarg, 0, DAYS_MOST, &a->days) ? NULL : "--days is 0 to 36500";
	case OPTION_CA:
		a->ca = optarg;
		return NULL;
	case OPTION_NAME:
		a->name = optarg;
		return is_host(optarg) ? NULL : "--name is the name of a host";
	case OPTION_FILE:
		a->password_file = optarg;
		return NULL;
	default:
		return "an option that there is not, or one without its value";
	}
}

static const char *take(struct probe_asked *a, int option)
{
	switch (option) {
	case '4':
		a->family = AF_INET;
		return NULL;
	case '6':
		a->family = AF_INET6;
		return NULL;
	case OPTION_STARTTLS:
		return take_cover(a, PROBE_STLS) ? NULL : "--starttls or --clear, not both";
	case OPTION_CLEAR:
		return take_cover(a, PROBE_CLEAR) ? NULL : "--starttls or --clear, not both";
	case OPTION_LIST:
		a->lists = true;
		return NULL;
	default:
		return take_value(a, option);
	}
}

/* The certificate is made for a name without the dot at the end. */
static void take_name(struct probe_asked *a, char *host)
{
	size_t len = strlen(host);

	if (len > 1 && host[len - 1] == '.')
		host[len - 1] = '\0';
	a->host = host;
	if (!a->name)
		a->name = host;
}

const char *probe_parse(struct probe_asked *a, int argc, char *argv[])
{
	const char *wrong;
	int c;

	*a = (struct probe_asked){ .family = AF_UNSPEC, .days = DAYS, .limit = LIMIT, .warning = -1,
	    .critical = -1 };
	opterr = 0;
	while ((c = getopt_long(argc, argv, "46p:t:w:c:", longs, NULL)) != -1) {
		wrong = take(a, c);
		if (wrong)
			return wrong;
	}
	if (argc - optind != 2)
		return "it needs HOST and USER, and nothing else";
	if (!is_host(argv[optind]))
		return "HOST is a name or an address";
	take_name(a, argv[optind]);
	a->user = argv[optind + 1];
	if (!secret_fits(a->user, VISIT_WORD))
		return "USER is empty, too long or has a control character in it";
	if (a->port == 0)
		a->port = a->cover == PROBE_TLS ? 995 : 110;
	return NULL;
}
