/*
 * pam.c - the PAM child: one conversation, one account, then the end
 *
 * Modules may do as they like in this process: change the name, prompt, print, sleep, crash.
 * What their codes mean is verdict.c's.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dlfcn.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "auth/apop.h"
#include "auth/pam.h"
#include "auth/secrets.h"
#include "auth/verdict.h"
#include "base/buf.h"
#include "base/dlnote.h"
#include "base/log.h"

DLNOTE(pam_note, "libpam.so.0", "login", "required");	/* cppcheck-suppress unusedStructMember */

/* The library, by hand: linking it would cost each process its pages. */
struct pam_library {
	int (*start)(const char *, const char *, const struct pam_conv *, pam_handle_t **);
	int (*start_confdir)(const char *, const char *, const struct pam_conv *, const char *,
	    pam_handle_t **);
	int (*end)(pam_handle_t *, int);
	int (*set_item)(pam_handle_t *, int, const void *);
	int (*get_item)(const pam_handle_t *, int, const void **);
	int (*authenticate)(pam_handle_t *, int);
	int (*acct_mgmt)(pam_handle_t *, int);
	int (*setcred)(pam_handle_t *, int);
	int (*open_session)(pam_handle_t *, int);
	int (*close_session)(pam_handle_t *, int);
};

struct talk {
	const struct pam_request *request;
	const char *name;	/* by our rules */
	bool answered;		/* the password has been given once */
	struct pam_library lib;
	pam_handle_t *handle;
	int last;		/* PAM's last code, for pam_end */
};

static bool load(void *library, const char *name, void *pointer)
{
	void *symbol = dlsym(library, name);

	/* POSIX's way round C's rule that object and function pointers differ */
	memcpy(pointer, &symbol, sizeof symbol);
	return symbol != NULL;
}

static bool open_library(struct pam_library *lib)
{
	void *l = dlopen("libpam.so.0", RTLD_NOW | RTLD_GLOBAL);

	if (!l) {
		const char *why = dlerror();

		log_note(LOG_ERR, "libpam cannot be loaded: %s", why ? why : "no reason given");
		return false;
	}
	/* old libraries lack it; only auth.pam_confdir needs it */
	if (!load(l, "pam_start_confdir", &lib->start_confdir))
		lib->start_confdir = NULL;
	return load(l, "pam_start", &lib->start) && load(l, "pam_end", &lib->end) &&
	    load(l, "pam_set_item", &lib->set_item) && load(l, "pam_get_item", &lib->get_item) &&
	    load(l, "pam_authenticate", &lib->authenticate) && load(l, "pam_acct_mgmt", &lib->acct_mgmt) &&
	    load(l, "pam_setcred", &lib->setcred) && load(l, "pam_open_session", &lib->open_session) &&
	    load(l, "pam_close_session", &lib->close_session);
}

/* No module sleeps: the monitor answers all failures at one and the same time. */
static void no_delay(int status, unsigned microseconds, void *data)
{
	(void)status;
	(void)microseconds;
	(void)data;
}

static int answer_message(struct talk *t, const struct pam_message *m, struct pam_response *r)
{
	struct log_line l;

	switch (m->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		/*
		 * one hidden prompt is the password; a second is something else, which we do not know.  A
		 * digest is nobody's password
		 */
		if (!r || t->answered || t->request->proof != PAM_BY_PASSWORD)
			return PAM_CONV_ERR;
		t->answered = true;
		r->resp = strdup(t->request->password);
		return r->resp ? PAM_SUCCESS : PAM_BUF_ERR;
	case PAM_TEXT_INFO:
	case PAM_ERROR_MSG:
		log_begin(&l, LOG_INFO, "PAM TEXT");
		log_text(&l, "user", t->name);
		log_sentence(&l, "text", m->msg);
		log_send(&l);
		return PAM_SUCCESS;
	default:
		return PAM_CONV_ERR;
	}
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
    void *data)
{
	struct pam_response *answers = NULL;
	int result = PAM_SUCCESS;

	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	/* some modules ask for no answers when they only tell */
	if (responses && !(answers = calloc((size_t)count, sizeof *answers)))
		return PAM_BUF_ERR;
	for (int i = 0; i < count && result == PAM_SUCCESS; i++)
		result = answer_message(data, messages[i], answers ? &answers[i] : NULL);
	if (result != PAM_SUCCESS && answers) {
		for (int i = 0; i < count; i++) {
			if (answers[i].resp)
				buf_wipe(answers[i].resp, strlen(answers[i].resp));
			free(answers[i].resp);
		}
		free(answers);
		answers = NULL;
	}
	if (responses)
		*responses = answers;
	return result;
}

static int start(struct talk *t)
{
	const struct pam_rules *rules = t->request->rules;
	const struct pam_conv conversation = { converse, t };
	void (*delay)(int, unsigned, void *) = no_delay;
	const void *item;
	int code;

	if (rules->confdir[0] && !t->lib.start_confdir)
		return PAM_BAD_ITEM;
	code = rules->confdir[0] ?
	    t->lib.start_confdir(rules->service, t->name, &conversation, rules->confdir, &t->handle) :
	    t->lib.start(rules->service, t->name, &conversation, &t->handle);
	/* without a service file and without "other" PAM starts nothing */
	if (code != PAM_SUCCESS)
		return PAM_BAD_ITEM;
	memcpy(&item, &delay, sizeof item);
	code = t->lib.set_item(t->handle, PAM_FAIL_DELAY, item);
	if (code == PAM_SUCCESS)
		code = t->lib.set_item(t->handle, PAM_TTY, rules->service);
	if (code == PAM_SUCCESS && rules->rhost[0])
		code = t->lib.set_item(t->handle, PAM_RHOST, rules->rhost);
	return code;
}

/* authenticate, account; on success the name is what PAM settled on */
static bool ask_pam(struct talk *t, struct verdict *v)
{
	const void *user = NULL;

	t->last = start(t);
	if (t->last == PAM_SUCCESS && t->request->proof == PAM_BY_PASSWORD)
		t->last = t->lib.authenticate(t->handle, PAM_DISALLOW_NULL_AUTHTOK);
	verdict_of_code(v, t->last);
	if (v->result != ASK_GRANTED)
		return false;
	t->last = t->lib.acct_mgmt(t->handle, PAM_DISALLOW_NULL_AUTHTOK);
	verdict_of_account(v, t->last);
	if (v->result != ASK_GRANTED)
		return false;
	if (t->lib.get_item(t->handle, PAM_USER, &user) != PAM_SUCCESS || !user || strlen(user) > NAMES_MAX) {
		verdict_set(v, ASK_TEMP, "pam-user");
		return false;
	}
	memcpy(v->account.name, user, strlen(user) + 1);
	return true;
}

static bool open_session(struct talk *t, struct verdict *v)
{
	if (!t->request->calls->take_groups(&v->account)) {
		verdict_set(v, ASK_TEMP, "groups");
		return false;
	}
	t->last = t->lib.setcred(t->handle, PAM_ESTABLISH_CRED);
	if (t->last == PAM_SUCCESS) {
		t->last = t->lib.open_session(t->handle, 0);
		if (t->last == PAM_SUCCESS)
			return true;
		(void)t->lib.setcred(t->handle, PAM_DELETE_CRED);
	}
	verdict_of_code(v, t->last);
	/* the password was right: what fails now is never the client's fault */
	if (v->result == ASK_REFUSED)
		verdict_set(v, ASK_TEMP, "pam-session");
	return false;
}

static void close_session(struct talk *t)
{
	t->last = t->lib.close_session(t->handle, 0);
	if (t->last != PAM_SUCCESS)
		log_note(LOG_WARNING, "PAM session could not be closed, code %d", t->last);
	(void)t->lib.setcred(t->handle, PAM_DELETE_CRED);
}

static struct wire frame;

static void answer(int fd, const struct verdict *v)
{
	verdict_put(&frame, v);
	if (wire_send(fd, &frame) == FDIO_ERROR)
		log_note(LOG_ERR, "PAM child: the answer could not be sent");
}

/* The session is granted: its plan comes, it runs, and whatever its end was PAM is told. */
static int serve_session(struct talk *t, int fd)
{
	const struct pam_calls *calls = t->request->calls;
	int status = 0;

	if (wire_receive(fd, &frame, FDIO_FOREVER) == FDIO_OK && wire_open(&frame) == WIRE_START_SESSION)
		status = calls->session(calls->context, &frame);
	/* told before PAM is: modules that hang are the monitor's to judge */
	wire_begin(&frame, WIRE_TELL_SESSION);
	wire_put_number(&frame, (unsigned)status);
	(void)wire_send(fd, &frame);
	close_session(t);
	return status;
}

/* PAM has no way to ask for a digest; all else that it decides stays its. */
static bool prove(const struct talk *t, struct verdict *v)
{
	const struct pam_rules *rules = t->request->rules;
	char error[SECRETS_ERROR];
	enum ask_result result = apop_prove(rules->secrets_file, rules->timestamp, t->name,
	    t->request->password, error);

	buf_wipe(t->request->password, strlen(t->request->password));
	if (result == ASK_PERM) {
		log_note(LOG_ERR, "APOP: %s", error);
		v->setup = true;
	}
	verdict_set(v, result, result == ASK_PERM ? PAM_SECRETS : "auth");
	return result == ASK_GRANTED;
}

static bool permit(struct talk *t, struct verdict *v, char name[NAMES_MAX + 1])
{
	const struct pam_rules *rules = t->request->rules;

	if (!names_apply(&rules->names, t->request->name, name)) {
		verdict_set(v, ASK_REFUSED, "name");
		return false;
	}
	if (t->request->proof == PAM_BY_DIGEST && !prove(t, v))
		return false;
	if (!open_library(&t->lib)) {
		verdict_set(v, ASK_PERM, "libpam");
		v->setup = true;
		return false;
	}
	if (!ask_pam(t, v))
		return false;
	v->result = account_find(&v->account, rules->mail_user, rules->min_uid, v->reason, sizeof v->reason);
	return v->result == ASK_GRANTED && (!rules->session || open_session(t, v));
}

int pam_child(int fd, const struct pam_request *r)
{
	static struct verdict v;
	static char name[NAMES_MAX + 1];
	struct talk t = { .request = r, .name = name };
	bool granted = permit(&t, &v, name);
	int status = 0;

	buf_wipe(r->password, strlen(r->password));
	answer(fd, &v);
	if (granted && r->rules->session)
		status = serve_session(&t, fd);
	if (t.handle)
		(void)t.lib.end(t.handle, t.last);
	return status;
}
