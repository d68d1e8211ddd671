/* The cases of cases.rs that can be written in C. */
#define _GNU_SOURCE
#include "kcsan.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

struct flags { unsigned char info : 1, locked : 1, active : 1; };
struct wide { long words[8]; };

char v1;
short v2;
int v4;
long v8;
__int128 v16 __attribute__((aligned(16)));
static volatile int marked;
static _Atomic int atomic;
struct flags flags;
unsigned char alone;
struct wide wide, copy;
static pthread_mutex_t locks[2] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };

static int good;
static atomic_int stop;

static void write1(int i) { v1 = i; }
static void read1(int i) { (void)i; marked += v1; }
static void write2(int i) { v2 = i; }
static void write4(int i) { v4 = i; }
static void write8(int i) { v8 = i; }
static void write16(int i) { v16 = i; }
static void add4(int i) { v4 += i; }
static void mark(int i) { marked = i; }
static void unmark(int i) { *(int *)&marked = i; }
static void store(int i) { atomic_store_explicit(&atomic, i, memory_order_relaxed); }
static void look(int i) { (void)i; (void)atomic_load_explicit(&atomic, memory_order_relaxed); }
static void plain(int i) { *(int *)&atomic = i; }
static void locked_flag(int i) { flags.locked = i; }
static void active_flag(int i) { if (good) alone = i & 1; else flags.active = i; }
static void copy_all(int i) { (void)i; copy = wide; }
static void one_word(int i) { wide.words[5] = i; }
static void meant_write(int i) { if (good) data_race(v8 = i); else v8 = i; }
static void meant_read(int i) { (void)i; marked += good ? data_race(v8) : v8; }
static void writer(int i) { if (good) look(i); else store(i); }
static void sole_writer(int i) { (void)i; ASSERT_EXCLUSIVE_WRITER(atomic); }
static void other_access(int i) { if (!good) look(i); }
static void sole_access(int i) { (void)i; ASSERT_EXCLUSIVE_ACCESS(atomic); }
static void bits(int i) { (void)i; atomic_fetch_xor(&atomic, good ? 2 : 1); }
static void sole_bits(int i) { (void)i; ASSERT_EXCLUSIVE_BITS(atomic, 1); }
static volatile long busy;
static void scoped_writer(int i) { ASSERT_EXCLUSIVE_WRITER_SCOPED(atomic); for (int n = 0; n < 50; n++) v8 = busy + i; }
static void scoped_access(int i) { ASSERT_EXCLUSIVE_ACCESS_SCOPED(atomic); for (int n = 0; n < 50; n++) v8 = busy + i; }
static void checked(int i) { (void)i; kcsan_check_read_write(&wide, sizeof(wide)); }
static void once(int i) { if (good) WRITE_ONCE(v8, i); else v8 = i; }
static void once_read(int i) { (void)i; (void)READ_ONCE(v8); }

/* What the two threads do, and whether there is one lock around both or a lock around each. */
static const struct row {
	const char *name;
	void (*one)(int), (*other)(int);
	enum { NO_LOCK, TWIN_LOCKED, OWN_LOCKS } lock;
} rows[] = {
	{ "char", write1, read1, TWIN_LOCKED },
	{ "short", write2, write2, TWIN_LOCKED },
	{ "int", write4, add4, TWIN_LOCKED },
	{ "long", write8, write8, TWIN_LOCKED },
	{ "int128", write16, write16, TWIN_LOCKED },
	{ "volatile", mark, unmark, NO_LOCK },
	{ "atomic", store, plain, NO_LOCK },
	{ "bitfield", locked_flag, active_flag, OWN_LOCKS },
	{ "struct-copy", copy_all, one_word, TWIN_LOCKED },
	{ "data-race", meant_write, meant_read, NO_LOCK },
	{ "assert-writer", writer, sole_writer, NO_LOCK },
	{ "assert-access", other_access, sole_access, NO_LOCK },
	{ "assert-bits", bits, sole_bits, NO_LOCK },
	{ "assert-writer-scoped", writer, scoped_writer, NO_LOCK },
	{ "assert-access-scoped", other_access, scoped_access, NO_LOCK },
	{ "checked-range", checked, one_word, TWIN_LOCKED },
	{ "once", once, once_read, NO_LOCK },
};

struct job {
	void (*what)(int);
	pthread_mutex_t *lock;
};

static void *run(void *argument)
{
	const struct job *job = argument;
	for (int i = 1; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
		if (job->lock)
			pthread_mutex_lock(job->lock);
		job->what(i);
		if (job->lock)
			pthread_mutex_unlock(job->lock);
	}
	return NULL;
}

static void wait_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	while (nanosleep(&time, &time))
		;
}

static long signalled;

static void handler(int number)
{
	(void)number;
	if (good)
		WRITE_ONCE(signalled, signalled + 1);
	else
		signalled++;
}

/* One thread and its signal handler. */
static void with_signals(long ms)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } }, never = { { 0, 0 }, { 0, 0 } };
	time_t end = time(NULL) + 1 + ms / 1000;
	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &every, NULL);
	while (time(NULL) < end)
		for (int i = 0; i < 1000; i++) {
			if (good)
				WRITE_ONCE(signalled, 0);
			else
				signalled = i;
		}
	setitimer(ITIMER_REAL, &never, NULL);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	long ms = argc > 2 ? atol(argv[2]) : 100;
	good = strncmp(name, "no-", 3) == 0;
	if (good)
		name += 3;
	if (strcmp(name, "signal") == 0) {
		with_signals(ms);
		return 0;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		if (strcmp(row->name, name) != 0)
			continue;
		int uses_lock = row->lock == OWN_LOCKS || (row->lock == TWIN_LOCKED && good);
		struct job one = { row->one, uses_lock ? &locks[0] : NULL };
		struct job other = { row->other, uses_lock ? &locks[row->lock == OWN_LOCKS] : NULL };
		/* The twins of these mark both sides. */
		if (good && other.what == unmark)
			other.what = mark;
		if (good && other.what == plain)
			other.what = store;
		pthread_t thread;
		pthread_create(&thread, NULL, run, &one);
		pthread_t second;
		pthread_create(&second, NULL, run, &other);
		wait_ms(ms);
		atomic_store(&stop, 1);
		pthread_join(thread, NULL);
		pthread_join(second, NULL);
		return 0;
	}
	fprintf(stderr, "no such case: %s\n", name);
	return 1;
}
