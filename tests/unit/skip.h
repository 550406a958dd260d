/* A test that is skipped says why; tests/tools/Tally.pm tells. */
#ifndef TESTS_SKIP_H
#define TESTS_SKIP_H

#define skip_because(why) do {				\
	print_message("# skipped: %s\n", (why));	\
	skip();						\
} while (0)

#endif
