/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The same races with pthreads, for the tools that look at C programs: races CASE [fixed]. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OVER 0xffffffffu
/* How many times a thread looks whether something is there. */
#define LOOKS 100
/* How many times a thread repeats its accesses in a round. */
#define TURNS 200
/* Makes the compiler read plain variables again. */
#define BETWEEN_LOOKS __asm__ volatile("" : : : "memory")

/* Rounds of two parties: neither begins a round before the other has ended the last one. Odd and even rounds
 * have words of their own, so that the beginning of the next round orders nothing of this one. helgrind
 * knows nothing of atomics, but of barriers. */
struct steps {
	_Atomic unsigned leader[2], follower[2];
#ifdef WITH_BARRIER
	pthread_barrier_t barrier;
	bool over;
#endif
};

/* The mapping of two processes. */
struct shared {
	struct steps steps;
	_Atomic unsigned spin;
	unsigned counter;
};

/* A value that is made when it is needed. */
struct lazy {
	pthread_mutex_t lock;
	unsigned value;
	bool ready;
	_Atomic bool marked;
};

/* A request whose end a thread awaits. */
struct request {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ready;
	unsigned served;
};

/* Everything that a case may use. */
struct slot {
	pthread_mutex_t lock[2];
	pthread_cond_t wake;
	unsigned value;
	bool flag;
	_Atomic bool marked;
	struct {
		unsigned char one : 1, two : 1, three : 1;
	} bits;
	bool words[2];
	unsigned ring[2], plain_written;
	_Atomic unsigned read, written;
	struct lazy lazy[TURNS];
	struct request requests[TURNS];
};

static struct slot slots[2];
static bool fixed;
/* Used by one thread only. */
static unsigned sink;
static struct timespec deadline;

static void set_deadline(void)
{
	const char *told = getenv("RACES_MS");
	long ms = told ? atol(told) : 300;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += ms / 1000;
	deadline.tv_nsec += ms % 1000 * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
}

static bool is_over(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline.tv_sec ||
	       (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec);
}

#ifdef WITH_BARRIER
static void init(struct steps *steps)
{
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&steps->barrier, &attr, 2);
}

static bool lead(struct steps *steps, unsigned round)
{
	(void)round;
	steps->over = is_over();
	pthread_barrier_wait(&steps->barrier);
	bool over = steps->over;
	pthread_barrier_wait(&steps->barrier);
	return !over;
}

static bool follow(struct steps *steps, unsigned round)
{
	(void)round;
	pthread_barrier_wait(&steps->barrier);
	bool over = steps->over;
	pthread_barrier_wait(&steps->barrier);
	return !over;
}
#else
static void init(struct steps *steps)
{
	(void)steps;
}

static bool meet(_Atomic unsigned *other, unsigned round)
{
	for (unsigned turn = 1;; turn++) {
		unsigned reached = atomic_load_explicit(other, memory_order_acquire);

		if (reached == OVER)
			return false;
		if (reached >= round)
			return true;
		if (turn % 64 == 0)
			sched_yield();
	}
}

static bool lead(struct steps *steps, unsigned round)
{
	bool over = is_over();

	atomic_store_explicit(&steps->leader[round % 2], over ? OVER : round + 1, memory_order_release);
	return !over && meet(&steps->follower[round % 2], round + 1);
}

static bool follow(struct steps *steps, unsigned round)
{
	atomic_store_explicit(&steps->follower[round % 2], round + 1, memory_order_release);
	return meet(&steps->leader[round % 2], round + 1);
}
#endif

/* The cases: first() runs in one thread, second() in the other. */

static void flag_publish_first(struct slot *s)
{
	s->value = 42;
	if (fixed)
		atomic_store_explicit(&s->marked, true, memory_order_release);
	else
		s->flag = true;
}

static void flag_publish_second(struct slot *s)
{
	for (int i = 0; i < LOOKS; i++) {
		bool ready = fixed ? atomic_load_explicit(&s->marked, memory_order_acquire) : s->flag;

		if (ready) {
			sink += s->value;
			break;
		}
		BETWEEN_LOOKS;
	}
}

static void bits_first(struct slot *s)
{
	pthread_mutex_lock(&s->lock[0]);
	if (fixed)
		s->words[0] = !s->words[0];
	else
		s->bits.one = !s->bits.one;
	pthread_mutex_unlock(&s->lock[0]);
}

static void bits_second(struct slot *s)
{
	pthread_mutex_lock(&s->lock[1]);
	if (fixed)
		s->words[1] = !s->words[1];
	else
		s->bits.three = !s->bits.three;
	pthread_mutex_unlock(&s->lock[1]);
}

static bool is_ready(struct lazy *l)
{
	return fixed ? atomic_load_explicit(&l->marked, memory_order_acquire) : l->ready;
}

static unsigned get(struct lazy *l)
{
	if (!is_ready(l)) {
		pthread_mutex_lock(&l->lock);
		if (!is_ready(l)) {
			l->value = 42;
			if (fixed)
				atomic_store_explicit(&l->marked, true, memory_order_release);
			else
				l->ready = true;
		}
		pthread_mutex_unlock(&l->lock);
	}
	return l->value;
}

static void double_checked(struct slot *s)
{
	/* The sink is not used here, because two threads are here. */
	volatile unsigned sum = 0;

	for (int i = 0; i < TURNS; i++)
		sum += get(&s->lazy[i]);
}

static void relaxed_first(struct slot *s)
{
	s->value = 42;
	if (fixed)
		atomic_store_explicit(&s->marked, true, memory_order_release);
	else
		atomic_store_explicit(&s->marked, true, memory_order_relaxed);
}

static void relaxed_second(struct slot *s)
{
	for (int i = 0; i < LOOKS; i++) {
		bool ready = fixed ? atomic_load_explicit(&s->marked, memory_order_acquire)
				   : atomic_load_explicit(&s->marked, memory_order_relaxed);

		if (ready) {
			sink += s->value;
			break;
		}
	}
}

static void counter(struct slot *s)
{
	if (fixed)
		pthread_mutex_lock(&s->lock[0]);
	s->value++;
	if (fixed)
		pthread_mutex_unlock(&s->lock[0]);
}

static void deposit(struct slot *s, int lock)
{
	pthread_mutex_lock(&s->lock[lock]);
	s->value++;
	pthread_mutex_unlock(&s->lock[lock]);
}

static void wrong_first(struct slot *s)
{
	deposit(s, 0);
}

static void wrong_second(struct slot *s)
{
	deposit(s, fixed ? 0 : 1);
}

static void after_signal_first(struct slot *s)
{
	for (struct request *r = s->requests; r < s->requests + TURNS; r++) {
		pthread_mutex_lock(&r->lock);
		if (fixed)
			r->served++;
		r->ready = true;
		pthread_cond_signal(&r->wake);
		pthread_mutex_unlock(&r->lock);
		if (!fixed)
			r->served++;
	}
}

static void after_signal_second(struct slot *s)
{
	for (struct request *r = s->requests; r < s->requests + TURNS; r++) {
		pthread_mutex_lock(&r->lock);
		while (!r->ready)
			pthread_cond_wait(&r->wake, &r->lock);
		pthread_mutex_unlock(&r->lock);
		sink += r->served;
	}
}

static unsigned written(struct slot *s)
{
	return fixed ? atomic_load_explicit(&s->written, memory_order_acquire) : s->plain_written;
}

static void ring_first(struct slot *s)
{
	unsigned w = written(s);

	if (w - atomic_load_explicit(&s->read, memory_order_acquire) == 2)
		return;
	s->ring[w % 2] = w;
	if (fixed)
		atomic_store_explicit(&s->written, w + 1, memory_order_release);
	else
		s->plain_written = w + 1;
}

static void ring_second(struct slot *s)
{
	unsigned r = atomic_load_explicit(&s->read, memory_order_relaxed);

	if (written(s) == r)
		return;
	sink += s->ring[r % 2];
	atomic_store_explicit(&s->read, r + 1, memory_order_release);
}

static void uninstrumented_first(struct slot *s)
{
	for (int i = 0; i < TURNS; i++) {
		if (fixed)
			pthread_mutex_lock(&s->lock[0]);
		sink += s->value;
		if (fixed)
			pthread_mutex_unlock(&s->lock[0]);
		BETWEEN_LOOKS;
	}
}

__attribute__((noinline, no_sanitize_thread)) static void increment(struct slot *s)
{
	/* This takes long enough for the other thread to make its access meanwhile. */
	for (int i = 0; i < 1000; i++)
		++*(volatile unsigned *)&s->value;
}

static void uninstrumented_second(struct slot *s)
{
	if (fixed)
		pthread_mutex_lock(&s->lock[0]);
	increment(s);
	if (fixed)
		pthread_mutex_unlock(&s->lock[0]);
}

static void nothing_first(struct slot *s)
{
	pthread_mutex_lock(&s->lock[0]);
	s->value++;
	s->flag = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock[0]);
}

static void nothing_second(struct slot *s)
{
	pthread_mutex_lock(&s->lock[0]);
	while (!s->flag)
		pthread_cond_wait(&s->wake, &s->lock[0]);
	s->value++;
	pthread_mutex_unlock(&s->lock[0]);
}

static const struct race {
	const char *name;
	void (*first)(struct slot *), (*second)(struct slot *);
	/* In a round. */
	int turns;
} races[] = {
	{ "flag-publish", flag_publish_first, flag_publish_second, 1 },
	{ "bits-two-locks", bits_first, bits_second, TURNS },
	{ "double-checked-init", double_checked, double_checked, 1 },
	{ "relaxed-publication", relaxed_first, relaxed_second, 1 },
	{ "counter", counter, counter, TURNS },
	{ "wrong-instance", wrong_first, wrong_second, TURNS },
	{ "after-signal", after_signal_first, after_signal_second, 1 },
	{ "ring-plain-index", ring_first, ring_second, TURNS },
	{ "uninstrumented-code", uninstrumented_first, uninstrumented_second, 1 },
	{ "no-defect", nothing_first, nothing_second, 1 },
};

static const struct race *race;
static struct steps steps;

static void *second_thread(void *unused)
{
	for (unsigned round = 0; follow(&steps, round); round++)
		for (int turn = 0; turn < race->turns; turn++)
			race->second(&slots[round % 2]);
	return unused;
}

static void reset(struct slot *s)
{
	s->value = 0;
	s->flag = false;
	atomic_store_explicit(&s->marked, false, memory_order_relaxed);
	for (int i = 0; i < TURNS; i++) {
		s->lazy[i].value = 0;
		s->lazy[i].ready = false;
		atomic_store_explicit(&s->lazy[i].marked, false, memory_order_relaxed);
		pthread_mutex_lock(&s->requests[i].lock);
		s->requests[i].ready = false;
		pthread_mutex_unlock(&s->requests[i].lock);
	}
}

static void threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		pthread_mutex_init(&slots[i].lock[0], NULL);
		pthread_mutex_init(&slots[i].lock[1], NULL);
		pthread_cond_init(&slots[i].wake, NULL);
		for (int j = 0; j < TURNS; j++) {
			pthread_mutex_init(&slots[i].lazy[j].lock, NULL);
			pthread_mutex_init(&slots[i].requests[j].lock, NULL);
			pthread_cond_init(&slots[i].requests[j].wake, NULL);
		}
	}
	init(&steps);
	pthread_create(&thread, NULL, second_thread, NULL);
	for (unsigned round = 0; lead(&steps, round); round++) {
		for (int turn = 0; turn < race->turns; turn++)
			race->first(&slots[round % 2]);
		/* Reset the case that is not in use. */
		reset(&slots[(round + 1) % 2]);
	}
	pthread_join(thread, NULL);
}

/* The races between processes: both count in the same mapping. */

__attribute__((noinline)) static void count(unsigned *counter, _Atomic unsigned *spin)
{
	if (fixed)
		while (atomic_exchange_explicit(spin, 1, memory_order_acquire))
			sched_yield();
	++*counter;
	if (fixed)
		atomic_store_explicit(spin, 0, memory_order_release);
}

static struct shared *map(int fd)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *place = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, flags, fd, 0);

	if (place == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return place;
}

static void lead_process(struct shared *s)
{
	for (unsigned round = 0; lead(&s->steps, round); round++)
		for (int turn = 0; turn < TURNS; turn++)
			count(&s->counter, &s->spin);
}

static void follow_process(struct shared *s)
{
	for (unsigned round = 0; follow(&s->steps, round); round++)
		for (int turn = 0; turn < TURNS; turn++)
			count(&s->counter, &s->spin);
}

static void child_process(void)
{
	struct shared *s = map(-1);

	init(&s->steps);
	if (fork() == 0) {
		follow_process(s);
		exit(0);
	}
	lead_process(s);
	wait(NULL);
}

static void other_process(const char *program)
{
	char path[] = "/tmp/races-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, sizeof(struct shared))) {
		perror(path);
		exit(1);
	}
	struct shared *s = map(fd);

	init(&s->steps);
	if (fork() == 0) {
		execl(program, program, "second", fixed ? "fixed" : "racy", path, (char *)NULL);
		perror(program);
		_exit(1);
	}
	lead_process(s);
	wait(NULL);
	unlink(path);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	fixed = argc > 2 && !strcmp(argv[2], "fixed");
	set_deadline();
	for (size_t i = 0; i < sizeof(races) / sizeof(races[0]); i++)
		if (!strcmp(races[i].name, name))
			race = &races[i];
	if (race) {
		threads();
	} else if (!strcmp(name, "child-process")) {
		child_process();
	} else if (!strcmp(name, "two-processes")) {
		char own[4096] = "";

		if (readlink("/proc/self/exe", own, sizeof(own) - 1) > 0)
			other_process(own);
	} else if (!strcmp(name, "uninstrumented-process")) {
		other_process(getenv("RACES_PEER"));
	} else if (!strcmp(name, "second") && argc > 3) {
		follow_process(map(open(argv[3], O_RDWR)));
	} else {
		fprintf(stderr, "races: no such case: %s\n", name);
		return 2;
	}
	return 0;
}
