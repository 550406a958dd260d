/* One transfer: what libcurl is told, and what it tells. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/registry/headers.h"
#include "client/registry/transfer.h"

#define CONNECT_MS 15000
#define PROGRESS_MS 500

/* ---- what libcurl calls ---- */

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	headers_take(t->reply, view_of(p, size * n));
	return size * n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct http_reply *r = t->reply;
	long status = 0;

	curl_easy_getinfo(t->h->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300) {
		size_t room = ERROR_BODY - buf_len(&r->body);

		n = n * size;
		t->err = buf_put(&r->body, p, n < room ? n : room);
		return t->err ? 0 : n;
	}
	if (buf_len(&r->body) + size * n > t->ask->max) {
		t->too_large = true;
		return 0;
	}
	t->err = buf_put(&r->body, p, size * n);
	return t->err ? 0 : size * n;
}

static size_t
on_send(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	const struct http_request *ask = t->ask;

	n *= size;
	if (ask->fd >= 0) {
		ssize_t got = pread(ask->fd, p, n, (off_t)t->sent);

		if (got < 0) {
			t->err = gpg_error_from_syserror();
			return CURL_READFUNC_ABORT;
		}
		t->sent += (uint64_t)got;
		return (size_t)got;
	}
	if (n > ask->body.len - t->sent)
		n = ask->body.len - t->sent;
	memcpy(p, ask->body.p + t->sent, n);
	t->sent += n;
	return n;
}

static int
on_seek(void *arg, curl_off_t off, int origin)
{
	struct transfer *t = arg;

	if (origin != SEEK_SET || off < 0)
		return CURL_SEEKFUNC_FAIL;
	t->sent = (uint64_t)off;
	return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *arg, curl_off_t total, curl_off_t got, curl_off_t to_send,
    curl_off_t sent)
{
	struct transfer *t = arg;
	int64_t now = http_now_ms();

	if (now - t->told < PROGRESS_MS)
		return 0;
	t->told = now;
	t->h->options.progress(t->h->options.arg, t->ask->what,
	    (uint64_t)(to_send > 0 ? sent : got),
	    (uint64_t)(to_send > 0 ? to_send : total));
	return 0;
}

/* ---- one transfer ---- */

static bool
add_header(struct curl_slist **list, const char *name, const char *value)
{
	struct curl_slist *next;
	struct buf b;

	if (!value)
		return true;
	buf_init(&b, 65536);
	buf_putf(&b, "%s: %s", name, value);
	buf_put_u8(&b, 0);
	next = buf_error(&b) ? NULL :
	    curl_slist_append(*list, (const char *)buf_view(&b).p);
	buf_free(&b);
	if (next)
		*list = next;
	return next;
}

static bool
make_headers(const struct http_request *ask, bool home,
    struct curl_slist **list)
{
	bool fresh = ask->if_match && !strcmp(ask->if_match, "*");

	return add_header(list, "Accept", ask->accept) &&
	    add_header(list, "Content-Type", ask->type) &&
	    add_header(list, fresh ? "If-None-Match" : "If-Match",
	    ask->if_match) &&
	    add_header(list, "Authorization",
	    home ? ask->authorization : NULL) &&
	    (*list = curl_slist_append(*list, "Expect:"));
}

static void
set_body(struct transfer *t)
{
	const struct http_request *ask = t->ask;
	CURL *c = t->h->curl;
	uint64_t len = ask->fd >= 0 ? ask->fd_len : ask->body.len;

	if (!strcmp(ask->method, "HEAD")) {
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	} else if (len > 0) {
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(c, CURLOPT_READDATA, t);
		curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(c, CURLOPT_SEEKDATA, t);
		curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE,
		    (curl_off_t)len);
	} else if (strcmp(ask->method, "GET")) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L);
	}
	if (strcmp(ask->method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, ask->method);
}

static void
set_trust(struct transfer *t, bool home)
{
	const struct http_options *o = &t->h->options;
	const struct http_trust *trust = home ? t->ask->trust : NULL;
	CURL *c = t->h->curl;

	if (trust && buf_len(&trust->ca) > 0) {
		struct curl_blob blob = {
			.data = (void *)(uintptr_t)buf_view(&trust->ca).p,
			.len = buf_len(&trust->ca),
			.flags = CURL_BLOB_COPY,
		};

		curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &blob);
	} else if (o->ca) {
		curl_easy_setopt(c, CURLOPT_CAINFO, o->ca);
	}
	if (home && o->cert) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, o->cert);
		curl_easy_setopt(c, CURLOPT_SSLKEY, o->key ? o->key : o->cert);
	} else if (trust && trust->cert) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, trust->cert);
		curl_easy_setopt(c, CURLOPT_SSLKEY, trust->key);
	}
}

static void
set_limits(struct transfer *t, int64_t left)
{
	const struct http_options *o = &t->h->options;
	CURL *c = t->h->curl;

	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)left);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(o->idle_ms < CONNECT_MS ? o->idle_ms : CONNECT_MS));
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
	    (long)((o->idle_ms + 999) / 1000));
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "touchstone/" PACKAGE_VERSION);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->said);
	if (t->near)
		curl_easy_setopt(c, CURLOPT_PROXY, "");
	if (!o->progress)
		return;
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
}

CURLcode
transfer_run(struct transfer *t, const char *url, bool home,
    int64_t left)
{
	struct curl_slist *headers = NULL;
	CURL *c = t->h->curl;
	CURLcode rc;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	set_limits(t, left);
	set_trust(t, home);
	set_body(t);
	if (make_headers(t->ask, home, &headers)) {
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
		rc = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE,
		    &t->reply->status);
	} else {
		rc = CURLE_OUT_OF_MEMORY;
	}
	curl_slist_free_all(headers);
	return rc;
}

CURLcode
transfer_probe(struct transfer *t, const char *url, int64_t left)
{
	CURL *c = t->h->curl;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	set_limits(t, left);
	set_trust(t, true);
	curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, NULL);
	curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
	return curl_easy_perform(c);
}
