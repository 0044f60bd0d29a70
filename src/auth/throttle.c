/*
 * throttle.c - a source that guesses passwords waits before each try, whatever it connects by
 *
 * The file: a head with the key, then buckets.  A bucket's range is locked for those who change a
 * slot of it.  Who only looks takes no lock, and may see half a change, at worst for one attempt.
 * Nobody waits for a lock or a full file system: one
 * attempt takes no place in the line then, or is not counted.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "auth/slots.h"
#include "auth/throttle.h"
#include "base/buf.h"
#include "base/fdio.h"

#define FILE_NAME "throttle"
#define PATIENCE 20	/* ms for a lock, which its holder needs for some microseconds */
#define BUCKETS 2048

static const char magic[16] = "restante slows1\n";

struct head {
	char magic[sizeof magic];
	unsigned char key[32];
	unsigned char unused[16];
};

#define FILE_SIZE ((off_t)(sizeof(struct head) + BUCKETS * sizeof(struct slots)))

_Static_assert(sizeof(struct head) == 64, "the file has no gaps");

/* The bucket of one source, and where it is in the file */
struct place {
	int fd;
	struct head head;
	off_t at;
	unsigned char tag[SLOTS_TAG];
	struct slots bucket;
	int64_t now;
};

static int64_t since_boot(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* kind keeps digests of sources and of pairs apart */
static void digest(const struct head *h, char kind, const void *a, size_t a_len, const char *b,
    unsigned char out[32])
{
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, h->key, sizeof h->key);
	SHA256Update(&context, (const uint8_t *)&kind, 1);
	SHA256Update(&context, a, a_len);
	SHA256Update(&context, (const uint8_t *)b, strlen(b));
	SHA256Final(out, &context);
	buf_wipe(&context, sizeof context);
}

static unsigned char pair_digest(const struct head *h, const char *name, const char *password)
{
	unsigned char d[32];

	digest(h, 'p', name, strlen(name) + 1, password, d);
	return d[0] ? d[0] : 1;
}

/* Where the source's bucket is, by the key of the file that is open */
static bool find(struct place *p, const struct throttle_rules *r)
{
	unsigned char d[32];

	if (pread(p->fd, &p->head, sizeof p->head, 0) != (ssize_t)sizeof p->head ||
	    memcmp(p->head.magic, magic, sizeof magic) != 0)
		return false;
	/* the length, too: an IPv4 address is not the begin of an IPv6 one */
	digest(&p->head, r->source_len == 4 ? '4' : '6', r->source, r->source_len, "", d);
	memcpy(p->tag, d + 2, sizeof p->tag);
	p->at = (off_t)(sizeof p->head + (d[0] + d[1] * 256U) % BUCKETS * sizeof p->bucket);
	return true;
}

static bool read_bucket(struct place *p)
{
	p->now = since_boot();
	return pread(p->fd, &p->bucket, sizeof p->bucket, p->at) == (ssize_t)sizeof p->bucket;
}

static bool lock_bucket(const struct place *p)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = p->at,
	    .l_len = sizeof p->bucket };
	int64_t deadline = fdio_after(PATIENCE);

	while (fcntl(p->fd, F_OFD_SETLK, &lock) != 0)
		if ((errno != EAGAIN && errno != EACCES) || fdio_now() >= deadline ||
		    fdio_sleep_until(fdio_after(1)) == FDIO_SIGNAL)
			return false;
	return true;
}

static bool write_slot(const struct place *p, const struct slot *s)
{
	off_t at = p->at + (off_t)((size_t)(s - p->bucket.slot) * sizeof *s);

	return pwrite(p->fd, s, sizeof *s, at) == (ssize_t)sizeof *s;
}

static bool is_off(const struct throttle_rules *r)
{
	return r->source_len == 0 || r->first <= 0 || r->most <= 0;
}

/* As with failures_wait: up to a tenth more */
static int64_t with_jitter(int64_t wait)
{
	uint16_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		random = 0;
	return wait + random % (wait / 10 + 1);
}

/* How long attempts of the source wait, by what was read of it */
static int64_t delay_of(struct place *p, const struct throttle_rules *r)
{
	const struct slot *s = slots_find(&p->bucket, p->tag);

	return s ? slots_delay(slots_failures(s, p->now), r->first, r->most) : 0;
}

/* The next place in line, written down so that the next one stands behind it */
static int64_t stand(struct place *p, const struct throttle_rules *r)
{
	struct slot *s = slots_find(&p->bucket, p->tag);
	int64_t delay = delay_of(p, r), wait;

	if (delay == 0)
		return 0;
	wait = slots_stand(s, p->now, delay, r->most);
	if (wait < 0)
		return wait;
	/* where it cannot be written the wait is still right, for one */
	(void)write_slot(p, s);
	return wait;
}

int64_t throttle_place(const struct throttle_rules *r)
{
	char error[THROTTLE_ERROR];
	struct place p = { .fd = -1 };
	int64_t wait = 0;
	int at;

	if (is_off(r))
		return 0;
	at = rundir_open(r->directory, error);
	if (at < 0)
		return 0;
	p.fd = rundir_look(at, FILE_NAME, O_RDWR, FILE_SIZE, NULL);
	/* without a lock first: of nearly all there is nothing known */
	if (p.fd >= 0 && find(&p, r) && read_bucket(&p))
		wait = delay_of(&p, r);
	if (wait > 0 && lock_bucket(&p) && read_bucket(&p))
		wait = stand(&p, r);
	fdio_close(&p.fd);
	fdio_close(&at);
	buf_wipe(&p.head, sizeof p.head);
	return wait < 0 ? wait : with_jitter(wait);
}

/* One failure more */
static void count(struct place *p, const struct throttle_rules *r, unsigned char pair,
    struct throttle_news *news)
{
	struct slot *s = slots_take(&p->bucket, p->tag, p->now);
	struct throttle_news now;

	if (!slots_count(s, p->now, pair))
		return;
	now.failures = slots_failures(s, p->now);
	now.delay = slots_delay(now.failures, r->first, r->most);
	if (s->told || now.delay == 0) {
		(void)write_slot(p, s);
		return;
	}
	s->told = 1;
	/* told only where it is known that it was told */
	if (write_slot(p, s))
		*news = now;
}

static bool make(int at)
{
	struct head h = { .unused = { 0 } };
	bool made;

	memcpy(h.magic, magic, sizeof magic);
	made = getrandom(h.key, sizeof h.key, 0) == (ssize_t)sizeof h.key &&
	    rundir_put(at, FILE_NAME, &h, sizeof h, FILE_SIZE);
	buf_wipe(&h, sizeof h);
	return made;
}

static bool look(struct place *p, const struct throttle_rules *r, int at)
{
	p->fd = rundir_look(at, FILE_NAME, O_RDWR, FILE_SIZE, NULL);
	if (p->fd >= 0 && !find(p, r))
		fdio_close(&p->fd);
	return p->fd >= 0;
}

/* The file, made if there is none that can be used */
static bool look_or_make(struct place *p, const struct throttle_rules *r, int at, char error[THROTTLE_ERROR])
{
	bool there;

	if (look(p, r, at))
		return true;
	/* who comes while another makes it is not counted */
	if (!rundir_lock(at, PATIENCE))
		return false;
	if (look(p, r, at))
		return true;
	there = faccessat(at, FILE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (!make(at)) {
		(void)rundir_complain(error, FILE_NAME ".new", strerror(errno));
		return false;
	}
	if (there)
		(void)rundir_complain(error, FILE_NAME, "another's, open to others or damaged: made anew");
	return look(p, r, at);
}

void throttle_count(const struct throttle_rules *r, const char *name, const char *password,
    struct throttle_news *news, char error[THROTTLE_ERROR])
{
	struct place p = { .fd = -1 };
	int at;

	error[0] = '\0';
	*news = (struct throttle_news){ 0, 0 };
	if (is_off(r))
		return;
	at = rundir_open(r->directory, error);
	if (at < 0)
		return;
	if (look_or_make(&p, r, at, error) && lock_bucket(&p) && read_bucket(&p))
		count(&p, r, pair_digest(&p.head, name, password), news);
	fdio_close(&p.fd);
	fdio_close(&at);
	buf_wipe(&p.head, sizeof p.head);
}

bool throttle_usable(const struct throttle_rules *r, char error[THROTTLE_ERROR])
{
	int at;

	if (r->first <= 0 || r->most <= 0 || !r->expected)
		return true;
	at = rundir_open(r->directory, error);
	if (at < 0)
		return false;
	fdio_close(&at);
	return true;
}
