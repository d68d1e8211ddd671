/*
 * A model of the queue flags of the kernel's sequencer: two flags that two locks guard, in one word.
 * `separate` gives each a word of its own, `marked` makes their accesses atomic ones. The flags are in
 * the program, or in a file that two processes map.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct queue {
	struct {
		unsigned locked : 1, check_blocked : 1, klocked : 1;
	} flags;
	unsigned separate[2];
	_Atomic unsigned marked;
	pthread_spinlock_t owner_lock, check_lock;
};

static struct queue own;
static struct queue *queue = &own;
static enum { TOGETHER, SEPARATE, MARKED } form;
static atomic_int stop;

static void queue_access_unlock(unsigned turn)
{
	pthread_spin_lock(&queue->owner_lock);
	if (form == TOGETHER)
		queue->flags.klocked = turn & 1;
	else if (form == SEPARATE)
		queue->separate[0] = turn & 1;
	else
		atomic_fetch_xor(&queue->marked, 4);
	pthread_spin_unlock(&queue->owner_lock);
}

static void check_queue(unsigned turn)
{
	pthread_spin_lock(&queue->check_lock);
	if (form == TOGETHER)
		queue->flags.check_blocked = turn & 1;
	else if (form == SEPARATE)
		queue->separate[1] = turn & 1;
	else
		atomic_fetch_xor(&queue->marked, 2);
	pthread_spin_unlock(&queue->check_lock);
}

static void *run(void *argument)
{
	void (*what)(unsigned) = argument;
	for (unsigned turn = 0; !atomic_load_explicit(&stop, memory_order_relaxed); turn++)
		what(turn);
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: flags together|separate|marked MILLISECONDS both|FILE [first|second]\n");
		return 1;
	}
	form = strcmp(argv[1], "together") == 0 ? TOGETHER : strcmp(argv[1], "separate") == 0 ? SEPARATE : MARKED;
	long ms = atol(argv[2]);
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	int first = argc < 5 || strcmp(argv[4], "first") == 0;
	int second = argc < 5 || !first;
	if (strcmp(argv[3], "both") != 0) {
		int file = open(argv[3], O_RDWR);
		/* The second process has other memory at the address where the first has the file. */
		if (!first)
			mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		queue = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (queue == MAP_FAILED) {
			perror(argv[3]);
			return 1;
		}
	}
	pthread_spin_init(first ? &queue->owner_lock : &queue->check_lock, PTHREAD_PROCESS_SHARED);
	if (second)
		pthread_spin_init(&queue->check_lock, PTHREAD_PROCESS_SHARED);
	printf("%p\n", (void *)queue);
	pthread_t threads[2];
	if (first)
		pthread_create(&threads[0], NULL, run, queue_access_unlock);
	if (second)
		pthread_create(&threads[1], NULL, run, check_queue);
	while (nanosleep(&time, &time))
		;
	atomic_store(&stop, 1);
	if (first)
		pthread_join(threads[0], NULL);
	if (second)
		pthread_join(threads[1], NULL);
	return 0;
}
