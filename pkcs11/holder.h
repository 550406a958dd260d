/*
 * Who else uses smart cards: which of the user's processes are connected to
 * pcscd.  For people to read only; a process may call itself anything.
 */
#ifndef PKCS11_HOLDER_H
#define PKCS11_HOLDER_H

struct holders {
	char text[256];
};

/*
 * ": scdaemon (pid 123)", ": one of firefox (pid 4), scdaemon (pid 123)", with
 * what makes scdaemon let go; "" if there is none that can be seen.
 */
struct holders holders_find(void);

#endif
