/*
 * pop3_auth.c - AUTH (RFC 5034)
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth/ask.h"
#include "auth/names.h"
#include "auth/sasl.h"
#include "base/buf.h"
#include "base/fdio.h"
#include "pop/login.h"
#include "pop/pop3_auth.h"

/*
 * One SASL response, decoded: the initial one, or asked for with a challenge.
 * Returns COMMAND_OK with *len set, or what the handler is to return.
 */
static enum command_outcome response(struct command_loop *l, char *initial, const char *challenge,
    char *decoded, size_t *len)
{
	char *text = initial;
	size_t text_len;
	bool right;

	*len = 0;
	if (initial)
		text_len = strlen(initial);
	else if (!command_more(l, challenge, &text, &text_len))
		return l->end == COMMAND_GOES_ON ? COMMAND_BAD : COMMAND_END;
	if (!initial && text_len == 1 && text[0] == '*')
		return command_say(l, COMMAND_ERR, "cancelled");
	/* RFC 5034 section 4: "=" is an initial response of no octets */
	if (initial && text_len == 1 && text[0] == '=')
		text_len = 0;
	right = sasl_decode(text, text_len, decoded, len);
	buf_wipe(text, text_len);
	decoded[*len] = '\0';
	return right ? COMMAND_OK : command_say(l, COMMAND_BAD, "not base64");
}

static enum command_outcome auth_plain(struct command_loop *l, struct pop3_auth *a, char *initial)
{
	struct sasl_plain p;
	size_t len;
	enum command_outcome outcome = response(l, initial, "", a->decoded[0], &len);

	if (outcome != COMMAND_OK)
		return outcome;
	if (!sasl_plain(a->decoded[0], len, &p))
		return command_say(l, COMMAND_BAD, "not a PLAIN message");
	/* nobody acts for somebody else here */
	if (p.authzid[0] && strcmp(p.authzid, p.authcid) != 0)
		return command_say(l, COMMAND_ERR, "[AUTH] only for oneself");
	return login_password(l, a->monitor, "PLAIN", p.authcid, p.password);
}

static enum command_outcome auth_login(struct command_loop *l, struct pop3_auth *a, char *initial)
{
	size_t name, password;
	enum command_outcome outcome = response(l, initial, "VXNlcm5hbWU6", a->decoded[0], &name);

	if (outcome == COMMAND_OK)
		outcome = response(l, NULL, "UGFzc3dvcmQ6", a->decoded[1], &password);
	if (outcome != COMMAND_OK)
		return outcome;
	if (name == 0 || memchr(a->decoded[0], '\0', name) || memchr(a->decoded[1], '\0', password))
		return command_say(l, COMMAND_BAD, "not a LOGIN message");
	return login_password(l, a->monitor, "LOGIN", a->decoded[0], a->decoded[1]);
}

/* RFC 4422 appendix A: the certificate says who it is; the response at most who it wants to be */
static enum command_outcome auth_external(struct command_loop *l, struct pop3_auth *a, char *initial)
{
	enum ask_result result = ASK_REFUSED;
	bool last = true, answered;
	size_t len;
	enum command_outcome outcome = response(l, initial, "", a->decoded[0], &len);

	if (outcome != COMMAND_OK)
		return outcome;
	if (len > NAMES_MAX || memchr(a->decoded[0], '\0', len))
		return command_say(l, COMMAND_BAD, "not an EXTERNAL message");
	if (!login_ready(l))
		return COMMAND_QUIET;
	answered = ask_external(a->monitor, a->decoded[0], &result, &last);
	return login_conclude(l, answered, result, last);
}

static const struct {
	const char *name;
	size_t offer;	/* of a bool in struct pop3_offers */
	enum command_outcome (*run)(struct command_loop *l, struct pop3_auth *a, char *initial);
} mechanisms[] = {
	{ "PLAIN", offsetof(struct pop3_offers, plain), auth_plain },
	{ "LOGIN", offsetof(struct pop3_offers, login), auth_login },
	{ "EXTERNAL", offsetof(struct pop3_offers, external), auth_external },
};

#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

static bool is_offered(const struct pop3_offers *offers, size_t mechanism)
{
	return *(const bool *)((const char *)offers + mechanisms[mechanism].offer);
}

static enum command_outcome list_mechanisms(struct command_loop *l, const struct pop3_auth *a)
{
	/* RFC 1734's bare AUTH, which KMail and Outlook still send */
	(void)out_text(l->out, "+OK mechanisms follow\r\n");
	for (size_t i = 0; i < MECHANISMS; i++)
		if (is_offered(&a->offers, i))
			(void)out_format(l->out, "%s\r\n", mechanisms[i].name);
	(void)out_text(l->out, ".\r\n");
	return COMMAND_QUIET;
}

enum command_outcome pop3_auth(struct command_loop *l, struct pop3_auth *a, char *const argument[],
    size_t count)
{
	char *initial = count > 1 ? argument[1] : NULL;
	enum command_outcome outcome = COMMAND_BAD;
	size_t i = 0;

	if (count == 0)
		return list_mechanisms(l, a);
	while (i < MECHANISMS &&
	    !(is_offered(&a->offers, i) && strcasecmp(argument[0], mechanisms[i].name) == 0))
		i++;
	if (i < MECHANISMS)
		outcome = mechanisms[i].run(l, a, initial);
	else
		(void)command_say(l, COMMAND_BAD, "mechanism not known");
	buf_wipe(a->decoded, sizeof a->decoded[0]);
	buf_wipe(a->decoded[1], sizeof a->decoded[1]);
	return outcome;
}

const char *pop3_auth_capa(const struct pop3_offers *offers)
{
	static char line[64];
	size_t len = 0;

	for (size_t i = 0; i < MECHANISMS; i++)
		if (is_offered(offers, i))
			len += (size_t)snprintf(line + len, sizeof line - len, "%s %s", len ? "" : "SASL",
			    mechanisms[i].name);
	return len ? line : NULL;
}
