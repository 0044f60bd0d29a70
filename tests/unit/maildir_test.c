/*
 * maildir_test.c - the rules of mail/maildir: whatever lies in a Maildir, nothing hangs,
 * nothing is followed, nothing is replaced
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "mail/maildir.h"
#include "mail/name.h"

static struct maildir m;
static char why[256];

TestSuite(maildir, .init = scratch_maildir, .fini = scratch_end);

static enum maildir_open open_at(const char *name, bool home)
{
	why[0] = '\0';
	return maildir_open(&m, scratch_path(name), home ? scratch : NULL, why, sizeof why);
}

static void ready(void)
{
	cr_assert_eq(open_at("m", true), MAILDIR_OK, "%s", why);
}

/* opening */

Test(maildir, a_maildir_opens_with_or_without_a_home)
{
	ready();
	cr_assert_geq(m.top, 0);
	cr_assert_geq(m.dir[MAILDIR_NEW], 0);
	cr_assert_geq(m.dir[MAILDIR_CUR], 0);
	maildir_close(&m);
	cr_assert_eq(m.top, -1);
	cr_assert_eq(open_at("m/", false), MAILDIR_OK);
	cr_assert_eq(symlink("m", "link"), 0);
	cr_assert_eq(open_at("link", true), MAILDIR_OK, "a link to the Maildir is the owner's own");
}

Test(maildir, what_is_not_there_in_an_own_home_is_not_made_yet)
{
	cr_assert_eq(open_at("none", true), MAILDIR_ABSENT);
	cr_assert_eq(open_at("m/none", true), MAILDIR_ABSENT);
	cr_assert_eq(open_at("none/none/", true), MAILDIR_ABSENT);
	cr_assert_not(scratch_has("none"), "never made");
}

Test(maildir, what_is_missing_elsewhere_may_be_a_missing_mount)
{
	cr_assert_eq(open_at("none", false), MAILDIR_TEMP);
	cr_assert_str_neq(why, "");
	cr_assert_eq(maildir_open(&m, scratch_path("none"), "/nowhere", why, sizeof why), MAILDIR_TEMP);
	cr_assert_eq(maildir_open(&m, scratch_path("h/Maildir"), scratch_path("h"), why, sizeof why), MAILDIR_TEMP,
	    "the home is missing");
	cr_assert_eq(maildir_open(&m, scratch_path("mm"), scratch_path("m"), why, sizeof why), MAILDIR_TEMP,
	    "mm is not below m");
	cr_assert_eq(maildir_open(&m, scratch_path("m/../none"), scratch_path("m"), why, sizeof why), MAILDIR_TEMP,
	    "nor is m/..");
	cr_assert_eq(maildir_open(&m, scratch_path("none"), "", why, sizeof why), MAILDIR_TEMP);
}

Test(maildir, a_link_that_leads_nowhere_is_temporary)
{
	cr_assert_eq(symlink("none", "dangling"), 0);
	cr_assert_eq(mkdir("mount", 0700), 0);
	cr_assert_eq(symlink("mount", "link"), 0);
	cr_assert_eq(open_at("dangling", true), MAILDIR_TEMP);
	cr_assert_eq(open_at("dangling/", true), MAILDIR_TEMP);
	cr_assert_eq(open_at("dangling/Maildir", true), MAILDIR_TEMP);
	cr_assert_eq(open_at("link/Maildir", true), MAILDIR_TEMP, "an empty mount point behind a link");
}

Test(maildir, a_home_that_is_not_the_callers_own_is_no_home)
{
	if (geteuid() != 0) {
		scratch_end();
		cr_skip_test("needs root to give a directory away");
	}
	cr_assert_eq(chown(scratch, SCRATCH_NOBODY, SCRATCH_NOBODY), 0);
	cr_assert_eq(open_at("none", true), MAILDIR_TEMP);
}

Test(maildir, one_of_new_and_cur_may_be_missing_but_not_both)
{
	cr_assert_eq(rmdir("m/new"), 0);
	ready();
	cr_assert_eq(m.dir[MAILDIR_NEW], -1);
	maildir_close(&m);
	cr_assert_eq(mkdir("m/new", 0700) | rmdir("m/cur"), 0);
	ready();
	cr_assert_eq(m.dir[MAILDIR_CUR], -1);
	maildir_close(&m);
	cr_assert_eq(rmdir("m/new"), 0);
	cr_assert_eq(open_at("m", true), MAILDIR_TEMP);
	cr_assert_eq(m.top, -1);
}

Test(maildir, what_is_no_maildir_is_permanent)
{
	scratch_put("file", "");
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(symlink("loop", "loop"), 0);
	cr_assert_eq(open_at("file", true), MAILDIR_PERM);
	cr_assert_eq(open_at("fifo", true), MAILDIR_PERM);
	cr_assert_eq(open_at("file/Maildir", true), MAILDIR_PERM);
	cr_assert_eq(open_at("loop", true), MAILDIR_PERM);
}

Test(maildir, another_owner_is_permanent)
{
	if (geteuid() == 0)
		cr_assert_eq(chown("m", SCRATCH_NOBODY, SCRATCH_NOBODY), 0);
	cr_assert_eq(geteuid() == 0 ? open_at("m", true) : maildir_open(&m, "/etc", NULL, why, sizeof why),
	    MAILDIR_PERM);
	cr_assert_not_null(strstr(why, "uid"));
}

Test(maildir, new_and_cur_are_not_followed)
{
	cr_assert_eq(rmdir("m/cur") | mkdir("real", 0700) | symlink("../real", "m/cur"), 0);
	cr_assert_eq(open_at("m", true), MAILDIR_PERM);
	cr_assert_not_null(strstr(why, "symbolic link"), "%s", why);
	cr_assert_eq(unlink("m/cur"), 0);
	scratch_put("m/cur", "");
	cr_assert_eq(open_at("m", true), MAILDIR_PERM);
}

static int forbidden(void)
{
	SCRATCH_SURE(chmod("m/cur", 0) == 0);
	SCRATCH_SURE(open_at("m", true) == MAILDIR_PERM);
	SCRATCH_SURE(chmod("m/cur", 0700) == 0 && chmod("m", 0) == 0);
	SCRATCH_SURE(open_at("m", true) == MAILDIR_PERM);
	SCRATCH_SURE(chmod("m", 0700) == 0);
	return 0;
}

Test(maildir, no_permission_is_permanent)
{
	scratch_as_user(forbidden);
}

/* listing */

struct seen {
	int count;
	enum maildir_where where;
	char name[NAME_MAX_OCTETS + 1];
	uint64_t inode;
};

static bool remember(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	struct seen *s = context;

	s->count++;
	s->where = where;
	s->inode = inode;
	(void)snprintf(s->name, sizeof s->name, "%s", name);
	return true;
}

static bool forget(void *context, enum maildir_where where)
{
	struct seen *s = context;

	(void)where;
	s->count = 0;
	return true;
}

static const bool both[2] = { true, true };

static struct seen only(enum maildir_where where)
{
	bool due[2] = { where == MAILDIR_NEW, where == MAILDIR_CUR };
	struct seen s = { .count = 0 };

	cr_assert(maildir_list(&m, due, remember, forget, &s));
	return s;
}

Test(maildir, an_empty_maildir_lists_nothing)
{
	ready();
	cr_assert_eq(only(MAILDIR_NEW).count, 0);
	cr_assert_eq(only(MAILDIR_CUR).count, 0);
}

Test(maildir, a_name_comes_with_place_and_inode)
{
	struct stat st;
	struct seen s;

	ready();
	scratch_put("m/cur/1.a:2,S", "");
	s = only(MAILDIR_CUR);
	cr_assert_eq(s.count, 1);
	cr_assert_eq(s.where, MAILDIR_CUR);
	cr_assert_str_eq(s.name, "1.a:2,S");
	cr_assert_eq(stat("m/cur/1.a:2,S", &st), 0);
	cr_assert_eq(s.inode, st.st_ino);
	cr_assert_eq(only(MAILDIR_NEW).count, 0);
	cr_assert_eq(only(MAILDIR_CUR).count, 1, "and again");
}

Test(maildir, only_what_is_due_is_read_and_what_is_missing_is_passed_over)
{
	static const bool neither[2] = { false, false };
	struct seen s = { .count = 0 };

	ready();
	scratch_put("m/new/1.a", "");
	scratch_put("m/cur/2.b", "");
	cr_assert(maildir_list(&m, neither, remember, forget, &s));
	cr_assert_eq(s.count, 0);
	cr_assert_str_eq(only(MAILDIR_NEW).name, "1.a");
	cr_assert_str_eq(only(MAILDIR_CUR).name, "2.b");
	m.dir[MAILDIR_NEW] = -1;
	cr_assert_eq(only(MAILDIR_NEW).count, 0);
	cr_assert(maildir_list(&m, both, remember, forget, &s));
	cr_assert_str_eq(s.name, "2.b");
}

static bool change_new(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	scratch_put("m/new/2.late", "");
	return remember(context, where, name, inode);
}

static bool fail_for_new(void *context, enum maildir_where where)
{
	(void)context;
	return where != MAILDIR_NEW;
}

Test(maildir, what_is_not_due_may_change)
{
	static const bool cur[2] = { false, true };
	struct seen s = { .count = 0 };

	ready();
	scratch_put("m/cur/1.a", "");
	cr_assert(maildir_list(&m, cur, change_new, fail_for_new, &s));
	cr_assert_str_eq(s.name, "1.a");
}

static void make_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	cr_assert_eq(close(fd), 0);
}

Test(maildir, only_regular_files_are_messages, .timeout = 10)
{
	ready();
	scratch_put("outside", "secret");
	cr_assert_eq(symlink("../../outside", "m/cur/1.link"), 0);
	cr_assert_eq(symlink("none", "m/cur/2.dangling"), 0);
	cr_assert_eq(mkfifo("m/cur/3.fifo", 0600), 0);
	cr_assert_eq(mkdir("m/cur/4.dir", 0700), 0);
	make_socket("m/cur/5.socket");
	scratch_put("m/cur/.hidden", "");
	cr_assert_eq(only(MAILDIR_CUR).count, 0);
	scratch_put("m/cur/6.file", "");
	cr_assert_eq(chmod("m/cur/6.file", 0), 0);
	cr_assert_eq(only(MAILDIR_CUR).count, 1);
	cr_assert(scratch_has("m/cur/4.dir"), "and what is odd is left alone");
}

Test(maildir, names_are_octets_and_may_be_as_long_as_a_name_can_be)
{
	static const char *const odd[] = { "x", "1.\x01\x7f", "1. b", "1.\xc3\xa4", "1.\xff", "a...", ":2,S", "-rf", "1.\nx" };
	char name[NAME_MAX_OCTETS + 1], path[300];
	size_t i;
	int fd;

	ready();
	memset(name, 'n', NAME_MAX_OCTETS);
	name[NAME_MAX_OCTETS] = '\0';
	for (i = 0; i <= sizeof odd / sizeof odd[0]; i++) {
		const char *this = i < sizeof odd / sizeof odd[0] ? odd[i] : name;
		struct seen s;

		(void)snprintf(path, sizeof path, "m/new/%s", this);
		scratch_put(path, "text");
		s = only(MAILDIR_NEW);
		cr_assert_eq(s.count, 1);
		cr_assert_str_eq(s.name, this);
		fd = maildir_open_file(&m, MAILDIR_NEW, this);
		cr_assert_geq(fd, 0);
		close(fd);
		cr_assert_eq(maildir_remove(&m, MAILDIR_NEW, this), 0);
	}
}

static bool stop(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	(void)where;
	(void)name;
	(void)inode;
	++*(int *)context;
	errno = ENOMEM;
	return false;
}

Test(maildir, whoever_cannot_go_on_stops_the_listing)
{
	int calls = 0;

	ready();
	scratch_put("m/cur/1", "");
	scratch_put("m/cur/2", "");
	cr_assert_not(maildir_list(&m, both, stop, forget, &calls));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_eq(calls, 1);
}

static bool change(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	struct seen *s = context;

	scratch_put("m/cur/2.late", "");
	return remember(s, where, name, inode);
}

static bool count_restarts(void *context, enum maildir_where where)
{
	(void)where;
	((struct seen *)context)->count += 1000;
	return true;
}

Test(maildir, a_directory_that_changes_is_read_again_but_not_for_ever)
{
	struct timespec past[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	struct seen s = { .count = 0 };

	ready();
	scratch_put("m/cur/1.a", "");
	cr_assert_eq(utimensat(AT_FDCWD, "m/cur", past, 0) | utimensat(AT_FDCWD, "m/new", past, 0), 0);
	cr_assert(maildir_list(&m, both, remember, count_restarts, &s));
	cr_assert_eq(s.count, 1, "nothing changed");
	s.count = 0;
	cr_assert(maildir_list(&m, both, change, count_restarts, &s));
	cr_assert_geq(s.count, 1002, "the one that came late is seen");
	cr_assert_leq(s.count, 3010);
}

/* files */

Test(maildir, nothing_but_a_regular_file_is_opened, .timeout = 10)
{
	ready();
	scratch_put("outside", "secret");
	cr_assert_eq(symlink("../../outside", "m/cur/link"), 0);
	cr_assert_eq(mkfifo("m/cur/fifo", 0600) | mkdir("m/cur/dir", 0700), 0);
	make_socket("m/cur/socket");
	cr_assert_eq(maildir_open_file(&m, MAILDIR_CUR, "link"), -1);
	cr_assert_eq(errno, ELOOP);
	cr_assert_eq(maildir_open_file(&m, MAILDIR_CUR, "fifo"), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(maildir_open_file(&m, MAILDIR_CUR, "dir"), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(maildir_open_file(&m, MAILDIR_CUR, "socket"), -1);
	cr_assert_eq(maildir_open_file(&m, MAILDIR_CUR, "none"), -1);
	cr_assert_eq(errno, ENOENT);
	m.dir[MAILDIR_CUR] = -1;
	cr_assert_eq(maildir_open_file(&m, MAILDIR_CUR, "none"), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(maildir_remove(&m, MAILDIR_CUR, "none"), ENOENT);
	cr_assert_eq(maildir_move(&m, MAILDIR_NEW, "x", MAILDIR_CUR, "x"), ENOENT);
}

Test(maildir, a_move_never_replaces)
{
	ready();
	scratch_put("m/new/1.a", "first");
	scratch_put("m/cur/1.a:2,S", "second");
	cr_assert_eq(maildir_move(&m, MAILDIR_NEW, "1.a", MAILDIR_CUR, "1.a:2,S"), EEXIST);
	cr_assert(scratch_is("m/new/1.a", "first"));
	cr_assert(scratch_is("m/cur/1.a:2,S", "second"));
	cr_assert_eq(maildir_move(&m, MAILDIR_NEW, "1.a", MAILDIR_CUR, "1.a:2,"), 0);
	cr_assert(scratch_is("m/cur/1.a:2,", "first"));
	cr_assert_not(scratch_has("m/new/1.a"));
	cr_assert_eq(maildir_move(&m, MAILDIR_NEW, "1.a", MAILDIR_CUR, "1.a:2,"), ENOENT);
	cr_assert_eq(maildir_sync(&m, MAILDIR_NEW), 0);
	cr_assert_eq(maildir_sync(&m, MAILDIR_CUR), 0);
}

Test(maildir, trash_is_made_as_a_maildir_folder_and_keeps_place_and_name)
{
	struct stat st;

	ready();
	scratch_put("m/new/1.a", "first");
	scratch_put("m/cur/2.b:2,FS", "second");
	cr_assert_eq(maildir_trash(&m, MAILDIR_NEW, "1.a"), 0);
	cr_assert_eq(maildir_trash(&m, MAILDIR_CUR, "2.b:2,FS"), 0);
	cr_assert(scratch_is("m/.Trash/new/1.a", "first"));
	cr_assert(scratch_is("m/.Trash/cur/2.b:2,FS", "second"));
	cr_assert(scratch_has("m/.Trash/tmp"));
	cr_assert(scratch_is("m/.Trash/maildirfolder", ""));
	cr_assert_eq(stat("m/.Trash", &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0700);
	cr_assert_eq(maildir_trash(&m, MAILDIR_NEW, "1.a"), ENOENT);
}

Test(maildir, trash_never_replaces_and_is_not_followed)
{
	ready();
	cr_assert_eq(mkdir("m/.Trash", 0700) | mkdir("m/.Trash/new", 0700), 0);
	scratch_put("m/.Trash/new/1.a", "old");
	scratch_put("m/new/1.a", "young");
	cr_assert_eq(maildir_trash(&m, MAILDIR_NEW, "1.a"), 0);
	cr_assert(scratch_is("m/.Trash/new/1.a", "old"));
	cr_assert(scratch_is("m/.Trash/new/1.a.1", "young"));
	scratch_put("m/new/1.a", "young");
	cr_assert_eq(rename("m/.Trash", "elsewhere") | symlink("../elsewhere", "m/.Trash"), 0);
	cr_assert_eq(unlink("elsewhere/new/1.a"), 0);
	cr_assert_neq(maildir_trash(&m, MAILDIR_NEW, "1.a"), 0);
	cr_assert_not(scratch_has("elsewhere/new/1.a"));
	cr_assert_eq(unlink("m/.Trash") | symlink("none", "m/.Trash"), 0);
	cr_assert_neq(maildir_trash(&m, MAILDIR_NEW, "1.a"), 0);
	cr_assert(scratch_is("m/new/1.a", "young"));
	cr_assert_not(scratch_has("m/none"));
}

/* an old kernel, or a filter of somebody else: two calls fail with the error given */
static bool deny(int openat2_error, int renameat2_error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)openat2_error),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)renameat2_error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof code / sizeof code[0], .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int old_kernel(void)
{
	SCRATCH_SURE(deny(ENOSYS, ENOSYS) || deny(EPERM, EINVAL));
	SCRATCH_SURE(open_at("m", true) == MAILDIR_OK);
	SCRATCH_SURE(maildir_move(&m, MAILDIR_NEW, "1.a", MAILDIR_CUR, "1.a:2,S") == EEXIST);
	SCRATCH_SURE(scratch_is("m/cur/1.a:2,S", "second") && scratch_is("m/new/1.a", "first"));
	SCRATCH_SURE(maildir_move(&m, MAILDIR_NEW, "1.a", MAILDIR_CUR, "1.a:2,") == 0);
	SCRATCH_SURE(scratch_is("m/cur/1.a:2,", "first") && !scratch_has("m/new/1.a"));
	SCRATCH_SURE(maildir_trash(&m, MAILDIR_CUR, "1.a:2,") == 0);
	SCRATCH_SURE(scratch_is("m/.Trash/cur/1.a:2,", "first"));
	SCRATCH_SURE(open_at("none/none", true) == MAILDIR_ABSENT);
	/* on the way to it nothing need be readable: search permission will do */
	SCRATCH_SURE(chmod("mount", 0100) == 0 && open_at("mount/none", true) == MAILDIR_ABSENT);
	SCRATCH_SURE(open_at("m/../none", true) == MAILDIR_TEMP);
	SCRATCH_SURE(open_at("link/Maildir", true) == MAILDIR_TEMP);
	SCRATCH_SURE(rename("m/new", "real") == 0 && symlink("../real", "m/new") == 0);
	SCRATCH_SURE(open_at("m", true) == MAILDIR_PERM);
	return 0;
}

/* folders */

static enum maildir_open enter(const char *folder)
{
	ready();
	return maildir_enter(&m, folder, "m", why, sizeof why);
}

Test(maildir, what_a_folder_may_be_called)
{
	static const char *const good[] = { "Work", "a", "Sent Items", "a.b.c", "a.", "-x", "\xc3\xa4", "%%", "~" };
	static const char *const bad[] = { "", ".", "..", ".a", "a/b", "/", "a..b", "a..", "../a", "a\nb", "\x7f",
	    "\t", "a/../b" };
	char name[NAME_MAX_OCTETS + 1];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_expect(maildir_folder(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect_not(maildir_folder(bad[i]), "%s", bad[i]);
	memset(name, 'x', sizeof name);
	name[NAME_MAX_OCTETS] = '\0';
	cr_expect_not(maildir_folder(name), "with its dot it is too long");
	name[NAME_MAX_OCTETS - 1] = '\0';
	cr_expect(maildir_folder(name));
}

Test(maildir, a_folder_is_a_maildir_below_the_maildir)
{
	cr_assert(mkdir("m/.Work", 0700) == 0 && mkdir("m/.Work/new", 0700) == 0);
	cr_assert(mkdir("m/.Bare", 0700) == 0 && mkdir("Outside", 0700) == 0);
	cr_assert(symlink("../Outside", "m/.Link") == 0 && symlink(".Work", "m/.Beside") == 0);
	cr_assert_eq(enter("Work"), MAILDIR_OK, "%s", why);
	cr_assert(m.top >= 0 && m.root >= 0 && m.top != m.root && maildir_top(&m) == m.root);
	cr_assert(m.dir[MAILDIR_NEW] >= 0 && m.dir[MAILDIR_CUR] == -1);
	maildir_close(&m);
	cr_assert(m.top == -1 && m.root == -1);
	cr_assert_eq(enter("Play"), MAILDIR_ABSENT);
	cr_assert_eq(m.top, -1);
	cr_assert_eq(enter("Bare"), MAILDIR_ABSENT);
	cr_assert_eq(enter("../Outside"), MAILDIR_ABSENT);
	cr_assert_eq(enter("Link"), MAILDIR_PERM);
	cr_assert_eq(enter("Beside"), MAILDIR_PERM);
}

Test(maildir, kernels_without_the_newer_calls_do)
{
	cr_assert_eq(mkdir("mount", 0700) | symlink("mount", "link"), 0);
	scratch_put("m/new/1.a", "first");
	scratch_put("m/cur/1.a:2,S", "second");
	scratch_as_user(old_kernel);
}
