/*
 * Where a program that was built with sanitizers leaves its reports.  The
 * agent and its helpers have neither a terminal nor the environment of the
 * tests, so the place is compiled in; builds without --enable-sanitizers do
 * not have this file.
 */
#include "config.h"

const char *__asan_default_options(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "log_path=" SANITIZER_REPORTS ":log_exe_name=1:"
	    "detect_stack_use_after_return=1";
}

const char *
__lsan_default_options(void)
{
	return "report_objects=1:print_suppressions=0";
}

/*
 * libconfig loses the last string before an error of syntax.  The token
 * process links no libcrypto: what is lost there, a module has lost.
 */
const char *
__lsan_default_suppressions(void)
{
#ifdef SANITIZED_MODULES
	return "leak:libcrypto.so";
#else
	return "leak:libconfig.so";
#endif
}

const char *
__ubsan_default_options(void)
{
	return "log_path=" SANITIZER_REPORTS ":print_stacktrace=1";
}
