/* A sleep of 60 s; the program is linked statically. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec began, ended;
	clock_gettime(CLOCK_MONOTONIC, &began);
	nanosleep(&(struct timespec){60, 0}, NULL);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%lld\n", (ended.tv_sec - began.tv_sec) * 1000000000LL + ended.tv_nsec - began.tv_nsec);
	return 0;
}
