/* Time, CPU time, percentiles. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

double
load_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Of the process's own CPU clock, which counts in nanoseconds. */
double
load_cpu(int pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
load_percentile(double *samples, size_t count, double p)
{
	size_t i = (size_t)((double)count * p);

	if (count == 0)
		return 0;
	qsort(samples, count, sizeof(*samples), compare);
	return samples[i < count ? i : count - 1];
}
