/*
 * login.h - the login process: locked up, it greets, asks the monitor, and hands over
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_LOGIN_H
#define PROG_LOGIN_H

/*
 * login_run - the whole life of the login process, for spawn_child
 * fd         to the monitor
 * argument   the struct plan
 * Returns its exit status.
 */
int login_run(int fd, void *argument);

#endif
