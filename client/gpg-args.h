/*
 * Which command lines of gpg are ours: git's for signing, and nothing else.
 */
#ifndef CLIENT_GPG_ARGS_H
#define CLIENT_GPG_ARGS_H

#include <stdbool.h>

/*
 * True for a command line that means just what git's
 * "--status-fd=2 -bsau KEY" means: a detached, armoured signature of stdin
 * with one named key, on stdout, status on 2.  *key then points into argv.
 * Whatever has another option, a file, no key or two is gpg's.
 */
bool gpg_args_sign(int argc, char *const *argv, const char **key);

#endif
