// Notes which edges of the engine a test program takes, for `scripts/seqfuzz --compare`. The script links it to programs
// that have no reader of the counters of their own (seqfuzz has: src/cover.rs).
//
// At its end the program writes a file into the folder $SEQFUZZ_EDGES: its path, and a line for each edge: its address,
// without the address at which the program was loaded, and 1 if it was taken. Counters have 8 bits and begin again at 0, so
// a thread looks at them all the time.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const unsigned char *counters, *counters_end;
static const uintptr_t *places;
static unsigned char *taken;
extern const char __executable_start;

static void look(void)
{
	for (long edge = 0; edge < counters_end - counters; edge++)
		taken[edge] |= counters[edge] != 0;
}

static void *watch(void *unused)
{
	(void)unused;
	for (;;) {
		look();
		usleep(1000);
	}
	return NULL;
}

__attribute__((constructor(65535))) static void begin(void)
{
	pthread_t thread;

	if (!getenv("SEQFUZZ_EDGES") || !counters)
		return;
	taken = calloc(counters_end - counters, 1);
	if (taken && pthread_create(&thread, NULL, watch, NULL) == 0)
		pthread_detach(thread);
}

__attribute__((weak)) void __sanitizer_cov_8bit_counters_init(unsigned char *start, unsigned char *stop)
{
	counters = start;
	counters_end = stop;
}

__attribute__((weak)) void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop)
{
	(void)stop;
	places = start;
}

__attribute__((destructor)) static void write_edges(void)
{
	const char *folder = getenv("SEQFUZZ_EDGES");
	char name[4096], program[4096];
	FILE *file;
	ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (!folder || !taken || !places || len < 0)
		return;
	look();
	program[len] = 0;
	snprintf(name, sizeof(name), "%s/%ld.edges", folder, (long)getpid());
	file = fopen(name, "w");
	if (!file)
		return;
	fprintf(file, "%s\n", program);
	for (size_t edge = 0; edge < (size_t)(counters_end - counters); edge++)
		fprintf(file, "%lx %d\n", (unsigned long)(places[2 * edge] - (uintptr_t)&__executable_start),
			taken[edge]);
	fclose(file);
}
