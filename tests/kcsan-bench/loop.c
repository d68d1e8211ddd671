/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The random-access loop of tests/kcsan-bench in C. It prints how long it took, in ms. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STEPS 20000000
#define WORDS (1 << 20)

int main(void)
{
	uint64_t *words = calloc(WORDS, sizeof(*words)), state = 0x9e3779b97f4a7c15;
	struct timespec begin, end;

	for (int i = 0; i < WORDS; i++)
		words[i] = 1;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < STEPS; i++) {
		/* xorshift64 */
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		words[state & (WORDS - 1)] += state;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.3f\n", (end.tv_sec - begin.tv_sec) * 1e3 + (end.tv_nsec - begin.tv_nsec) / 1e6);
	free(words);
	return 0;
}
