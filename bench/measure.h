/*
 * measure.h - how long a piece of work takes, beside a floor that is measured in the same run
 *
 * A machine is faster at one time than at another, and so are two machines: the ratio to
 * something that cannot be done with less is what can be compared.  Knows nothing of mail.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

struct measure {
	const char *name;
	const char *unit;	/* what a run does so many of: "octet", "message", "session" */
	double units;
	void (*run)(void *context);
	const char *floor_name;
	void (*floor)(void *context);	/* of the same units */
	void *context;
	bool children;		/* the processor time is that of ended children, not ours */
};

/*
 * measure_begin - options: --quick, figures mean little then, it is to show that all of it still
 * runs; --only TEXT, rows whose name begins so.  Returns the first argument behind them.
 */
char **measure_begin(int argc, char *argv[]);
/* measure_quick - was there --quick? */
bool measure_quick(void);

/*
 * measure_row - rounds of floor and run, one after the other, and a line of their medians:
 * name, unit, ns of processor time of a unit, floor's name, ns of its, ratio, ns of wall time
 * of a unit, ratio of those; tabs between.  The ratios are medians of each round's.
 */
void measure_row(const struct measure *m);

/* measure_fail - says what and errno's reason, and ends: a figure of half the work is none */
void measure_fail(const char *what) __attribute__((noreturn));

#endif
