/*
 * measure.c - how long a piece of work takes, beside a floor that is measured in the same run
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "measure.h"

#define ROUNDS 15
#define ROUNDS_QUICK 3
#define LEAST 30e6	/* ns of processor time that a round is made of */
#define LEAST_QUICK 1e6

static bool quick;
static const char *only = "";

struct times {
	double cpu, wall;	/* ns */
};

void measure_fail(const char *what)
{
	(void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

char **measure_begin(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	/* +: what is behind the first argument belongs to the program that is measured */
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		switch (c) {
		case 'q':
			quick = true;
			break;
		case 'o':
			only = optarg;
			break;
		default:
			exit(64);
		}
	return argv + optind;
}

bool measure_quick(void)
{
	return quick;
}

static double since(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		measure_fail("clock");
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double of_children(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_CHILDREN, &u) != 0)
		measure_fail("getrusage");
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e9 +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e3;
}

static struct times now(bool children)
{
	return (struct times){
		.cpu = children ? of_children() : since(CLOCK_PROCESS_CPUTIME_ID),
		.wall = since(CLOCK_MONOTONIC),
	};
}

/* As often as makes a time that the clock can tell; of one run. */
static struct times once(const struct measure *m, void (*run)(void *))
{
	struct times begin = now(m->children), end;
	double count = 0;

	do {
		run(m->context);
		count++;
		end = now(m->children);
	} while (end.cpu - begin.cpu < (quick ? LEAST_QUICK : LEAST));
	return (struct times){ (end.cpu - begin.cpu) / count, (end.wall - begin.wall) / count };
}

static int order(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *of, size_t rounds)
{
	qsort(of, rounds, sizeof *of, order);
	return of[rounds / 2];
}

/* of each round: what it took, the floor, and the ratio */
struct figures {
	double work[ROUNDS], floor[ROUNDS], ratio[ROUNDS];
};

static void note(struct figures *f, size_t round, double work, double floor)
{
	f->work[round] = work;
	f->floor[round] = floor;
	f->ratio[round] = work / floor;
}

void measure_row(const struct measure *m)
{
	size_t rounds = quick ? ROUNDS_QUICK : ROUNDS, i;
	struct figures cpu, wall;

	if (strncmp(m->name, only, strlen(only)) != 0)
		return;
	/* caches are warm then, and what is loaded late is there */
	m->floor(m->context);
	m->run(m->context);
	for (i = 0; i < rounds; i++) {
		struct times floor = once(m, m->floor), work = once(m, m->run);

		note(&cpu, i, work.cpu, floor.cpu);
		note(&wall, i, work.wall, floor.wall);
	}
	if (printf("%s\t%s\t%.4g\t%s\t%.4g\t%.4g\t%.4g\t%.4g\n", m->name, m->unit,
	    median(cpu.work, rounds) / m->units, m->floor_name, median(cpu.floor, rounds) / m->units,
	    median(cpu.ratio, rounds), median(wall.work, rounds) / m->units, median(wall.ratio, rounds)) < 0 ||
	    fflush(stdout) != 0)
		measure_fail("output");
}
