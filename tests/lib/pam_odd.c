/*
 * pam_odd.c - a PAM module that does what a module may do, and what it should not
 *
 * auth required pam_odd.so WORD [FILE]; the other phases write their names into FILE.
 *
 * SPDX-License-Identifier: ISC
 */
#include <security/pam_modules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ask(pam_handle_t *h, int style, const char *text, struct pam_response **r)
{
	const struct pam_message m = { style, text };
	const struct pam_message *list = &m;
	const struct pam_conv *c;
	const void *item;

	if (pam_get_item(h, PAM_CONV, &item) != PAM_SUCCESS || !item)
		return PAM_SYSTEM_ERR;
	c = item;
	return c->conv(1, &list, r, c->appdata_ptr);
}

static int password(pam_handle_t *h, const char *text, const char *right)
{
	struct pam_response *r = NULL;
	int code = ask(h, PAM_PROMPT_ECHO_OFF, text, &r);

	if (code != PAM_SUCCESS)
		return code;
	code = r && r->resp && strcmp(r->resp, right) == 0 ? PAM_SUCCESS : PAM_AUTH_ERR;
	if (r)
		free(r->resp);
	free(r);
	return code;
}

static int prints(void)
{
	static const char text[] = "+OK printed by a module\r\n";

	printf("%s", text);
	(void)fflush(stdout);
	fprintf(stderr, "%s", text);
	for (int fd = 0; fd < 3; fd++)
		if (write(fd, text, sizeof text - 1) < 0)
			continue;
	return PAM_SUCCESS;
}

/* One hidden prompt is the password; whatever else is asked fails. */
static int odd(pam_handle_t *h, const char *word)
{
	struct pam_response *r = NULL;

	if (strcmp(word, "asks") == 0)
		return password(h, "Password: ", "secret");
	if (strcmp(word, "asks-twice") == 0)
		return password(h, "Password: ", "secret") == PAM_SUCCESS ? password(h, "Code: ", "secret") :
		    PAM_AUTH_ERR;
	if (strcmp(word, "asks-aloud") == 0)
		return ask(h, PAM_PROMPT_ECHO_ON, "Your name: ", &r);
	if (strcmp(word, "tells") == 0)
		return ask(h, PAM_TEXT_INFO, "expires in 3 days\r\n+OK", &r);
	if (strcmp(word, "tells-nobody") == 0)
		return ask(h, PAM_ERROR_MSG, "no answer wanted", NULL);
	if (strcmp(word, "asks-nobody") == 0)
		return ask(h, PAM_PROMPT_ECHO_OFF, "Password: ", NULL);
	if (strcmp(word, "renames") == 0)
		return pam_set_item(h, PAM_USER, "alice");
	if (strcmp(word, "prints") == 0)
		return prints();
	if (strcmp(word, "exits") == 0)
		_exit(0);
	if (strcmp(word, "crashes") == 0)
		abort();
	return PAM_SUCCESS;
}

static int trace(const char *phase, int argc, const char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "a") : NULL;

	if (file) {
		fprintf(file, "%s\n", phase);
		(void)fclose(file);
	}
	return PAM_SUCCESS;
}

int pam_sm_authenticate(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)flags;
	(void)trace("authenticate", argc, argv);
	return argc > 0 ? odd(h, argv[0]) : PAM_SUCCESS;
}

int pam_sm_setcred(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)h;
	return trace(flags & PAM_DELETE_CRED ? "delete-credentials" : "credentials", argc, argv);
}

int pam_sm_acct_mgmt(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)flags;
	(void)trace("account", argc, argv);
	return argc > 0 && strcmp(argv[0], "asks-late") == 0 ? password(h, "Password: ", "secret") : PAM_SUCCESS;
}

int pam_sm_open_session(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)h;
	(void)flags;
	return trace("open", argc, argv);
}

int pam_sm_close_session(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)h;
	(void)flags;
	return trace("close", argc, argv);
}
