/*
 * mount_test.c - the rules of mail/mount: lines of /proc/self/mountinfo, and which locks are doubtful
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include "mail/mount.h"

static struct mount m;

static const char text[] =
    "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "23 22 0:20 / /proc rw - proc proc rw\n"
    "40 22 0:50 / /srv/mail rw,noatime shared:7 master:2 - nfs4 nas:/mail rw,vers=4.2,hard,local_lock=none\n"
    "41 22 0:51 / /srv/m\\040x rw - nfs nas:/x rw,vers=3,nolock,local_lock=all\n"
    "42 22 0:52 / /home rw - cifs //nas/home rw,vers=3.1.1\n"
    "43 42 0:53 / /home rw - fuse.glusterfs gl:/mail rw,user_id=0\n"
    "this is no line\n"
    "44 22 0:54 / /tmp rw -\n"
    "45 22 0:55 / /empty rw - tmpfs  rw,size=1k\n"
    "46 22 0:56 / /last rw - nfs nas:/y rw,vers=4.1";

Test(mount, a_path_is_on_the_deepest_mount_above_it)
{
	cr_assert(mount_find(&m, text, 0, "/srv/mail/alice"));
	cr_assert_str_eq(m.point, "/srv/mail");
	cr_assert_str_eq(m.type, "nfs4");
	cr_assert_str_eq(m.options, "rw,noatime,rw,vers=4.2,hard,local_lock=none");
	cr_assert(mount_find(&m, text, 0, "/srv/mail"));
	cr_assert_str_eq(m.point, "/srv/mail");
	cr_assert(mount_find(&m, text, 0, "/srv/mailbox"));
	cr_assert_str_eq(m.point, "/");
	cr_assert(mount_find(&m, text, 0, "/"));
	cr_assert_str_eq(m.type, "ext4");
	cr_assert(mount_find(&m, text, 0, "/last"));
	cr_assert_str_eq(m.options, "rw,rw,vers=4.1");
}

Test(mount, blanks_in_names_are_written_as_numbers)
{
	cr_assert(mount_find(&m, text, 0, "/srv/m x/y"));
	cr_assert_str_eq(m.point, "/srv/m x");
	cr_assert_str_eq(m.type, "nfs");
}

Test(mount, of_two_at_one_place_the_last_counts)
{
	cr_assert(mount_find(&m, text, 0, "/home/alice"));
	cr_assert_str_eq(m.type, "fuse.glusterfs");
}

Test(mount, its_number_tells_what_points_do_not)
{
	/* 43 was mounted over /srv, with a directory of the name of a mount that it hides */
	static const char hiding[] =
	    "22 1 254:0 / / rw - ext4 /dev/vda rw\n"
	    "41 22 0:50 / /srv rw - tmpfs a rw\n"
	    "42 41 0:51 / /srv/mail rw - ext4 /dev/vdb rw\n"
	    "x3 22 0:52 / /srv rw - xfs c rw\n"
	    "43 22 0:52 / /srv rw - nfs4 nas:/ rw,vers=4.2\n";

	cr_assert(mount_find(&m, hiding, 43, "/srv/mail"));
	cr_assert_str_eq(m.type, "nfs4");
	cr_assert(mount_find(&m, hiding, 42, "/nowhere"));
	cr_assert_str_eq(m.point, "/srv/mail");
	cr_assert_not(mount_find(&m, hiding, 4, "/srv/mail"));
	cr_assert(mount_find(&m, hiding, 0, "/srv/mail"));
	cr_assert_str_eq(m.type, "ext4");
}

Test(mount, what_is_not_understood_is_passed_over)
{
	cr_assert(mount_find(&m, text, 0, "/tmp/x"));
	cr_assert_str_eq(m.point, "/");
	cr_assert(mount_find(&m, text, 0, "/empty"));
	cr_assert_str_eq(m.type, "tmpfs");
	cr_assert_not(mount_find(&m, "", 0, "/"));
	cr_assert_not(mount_find(&m, "\n\n \n- - -", 0, "/"));
}

Test(mount, no_length_of_a_line_and_no_cut_breaks_it)
{
	static char cut[sizeof text];
	static char line[3 * PATH_MAX];
	size_t len;

	for (len = 0; len < sizeof text; len++) {
		memcpy(cut, text, len);
		cut[len] = '\0';
		(void)mount_find(&m, cut, 0, "/srv/m x");
	}
	memset(line, 'x', sizeof line - 1);
	memcpy(line, "1 2 3 / /", 9);
	cr_assert_not(mount_find(&m, line, 0, "/x"));
	line[2 * PATH_MAX] = ' ';
	memcpy(line + 2 * PATH_MAX + 1, "o - ", 4);
	(void)mount_find(&m, line, 0, "/x");
	cr_assert_lt(strlen(m.options), sizeof m.options);
	memset(line, '\\', sizeof line - 1);
	cr_assert_not(mount_find(&m, line, 0, "/x"));
}

static enum mount_doubt doubt(const char *type, const char *options, bool identified)
{
	(void)snprintf(m.type, sizeof m.type, "%s", type);
	(void)snprintf(m.options, sizeof m.options, "%s", options);
	return mount_doubt(&m, identified);
}

Test(mount, locks_that_others_do_not_see)
{
	cr_assert_eq(doubt("nfs", "rw,vers=3,nolock", true), MOUNT_LOCKS_LOCAL);
	cr_assert_eq(doubt("nfs", "rw,local_lock=flock,vers=3", true), MOUNT_LOCKS_LOCAL);
	cr_assert_eq(doubt("nfs4", "rw,local_lock=all", false), MOUNT_LOCKS_LOCAL);
	cr_assert_eq(doubt("fuse.sshfs", "rw", true), MOUNT_LOCKS_LOCAL);
	cr_assert_eq(doubt("gfs2", "rw,localflocks", true), MOUNT_LOCKS_LOCAL);
	cr_assert_eq(doubt("gfs2", "rw", true), MOUNT_GOOD);
	cr_assert_eq(doubt("cifs", "rw", true), MOUNT_SMB);
	cr_assert_eq(doubt("smb3", "rw", true), MOUNT_SMB);
}

Test(mount, a_host_without_an_identity)
{
	cr_assert_eq(doubt("nfs4", "rw,vers=4.2,local_lock=none", false), MOUNT_NFS_NAME);
	cr_assert_eq(doubt("nfs4", "rw", false), MOUNT_NFS_NAME);
	cr_assert_eq(doubt("nfs4", "rw,vers=4.2,local_lock=none", true), MOUNT_GOOD);
	cr_assert_eq(doubt("nfs", "rw,vers=3,local_lock=none", false), MOUNT_GOOD);
	cr_assert_eq(doubt("ext4", "rw,nolocks,local_locks=all", false), MOUNT_GOOD);
	cr_assert_eq(doubt("fuse.glusterfs", "rw", false), MOUNT_GOOD);
	cr_assert(mount_identity("web-17\n"));
	cr_assert(mount_identity("x"));
	cr_assert_not(mount_identity("\n"));
	cr_assert_not(mount_identity(""));
	cr_assert_not(mount_identity("(null)\n"));
}
