/* What the bench's programs share: time, CPU time, percentiles. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

double load_now(void);		/* seconds, monotonic */
double load_cpu(int pid);	/* user and system seconds of a process */

/* Sorts in place; p from 0 to 1. */
double load_percentile(double *samples, size_t count, double p);

#endif
