/* What a call costs on descriptors that are not ours: nanoseconds of a read, of a write and of both
   through a pipe, the least of many rounds. */
#include "client.h"

enum { ROUNDS = 60, CALLS = 20000 };

static double round_of(int in, int out)
{
	char byte = 1;
	double start = now();
	for (int i = 0; i < CALLS; i++) {
		if (out >= 0)
			CHECK(write(out, &byte, 1) == 1);
		if (in >= 0)
			/* Of /dev/null: nothing. */
			CHECK(read(in, &byte, 1) == (out >= 0));
	}
	return (now() - start) * 1e9 / CALLS;
}

static double least(int in, int out)
{
	double best = 1e9;
	for (int i = 0; i < ROUNDS; i++) {
		double one = round_of(in, out);
		if (one < best)
			best = one;
	}
	return best;
}

int main(void)
{
	int null = open("/dev/null", O_RDWR), ends[2];
	CHECK(null >= 0 && pipe(ends) == 0);
	printf("%.1f %.1f %.1f\n", least(null, -1), least(-1, null), least(ends[0], ends[1]));
	return 0;
}
