/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Programs with known findings, by the first argument. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockdep.h"

static pthread_mutex_t mixer = PTHREAD_MUTEX_INITIALIZER;

/* Whether the other thread has the lock, and whether the callback wants it. */
enum { NOBODY, HELD, WANTED };
static volatile int state;

__attribute__((noinline)) static void allocates(void)
{
	void *memory = malloc(100);

	LOCKDEP(lockdep_hardirq_exit());
	free(memory);
	LOCKDEP(lockdep_hardirq_enter("process"));
}

__attribute__((noinline)) static void locks(void)
{
	pthread_mutex_lock(&mixer);
	pthread_mutex_unlock(&mixer);
}

__attribute__((noinline)) static void sleeps(void)
{
	usleep(1);
}

__attribute__((noinline)) static void opens(void)
{
	int fd = open("/dev/null", O_RDONLY);
	char byte;

	if (read(fd, &byte, 1) != 0)
		abort();
	close(fd);
}

/* Reaches the same place by a different stack at each depth. */
__attribute__((noinline)) static int deep(int depth)
{
	if (depth == 0)
		allocates();
	else
		return deep(depth - 1) + 1;
	return 0;
}

__attribute__((noinline)) static void callback(void (*process)(void))
{
	LOCKDEP(lockdep_hardirq_enter("process"));
	process();
	LOCKDEP(lockdep_hardirq_exit());
}

static void nothing(void)
{
}

/* Rounds of both threads. In each, the callback most probably has to wait, but the machine may be busy. */
#define ROUNDS 10

static void until(int wanted)
{
	while (state != wanted)
		usleep(100);
}

/* An ordinary thread that keeps the lock until the callback wants it, and then for 50 ms more. */
static void *interface(void *unused)
{
	(void)unused;
	for (int round = 0; round < ROUNDS; round++) {
		pthread_mutex_lock(&mixer);
		state = HELD;
		until(WANTED);
		usleep(50000);
		pthread_mutex_unlock(&mixer);
		until(NOBODY);
	}
	return NULL;
}

__attribute__((noinline)) static void waits(void)
{
	state = WANTED;
	pthread_mutex_lock(&mixer);
	pthread_mutex_unlock(&mixer);
}

static void is_waited_for(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, interface, NULL);
	pthread_setname_np(thread, "interface");
	for (int round = 0; round < ROUNDS; round++) {
		until(HELD);
		callback(waits);
		state = NOBODY;
	}
	exit(pthread_join(thread, NULL));
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const pid_t command = getpid();

	if (!strcmp(word, "clean")) {
		for (int round = 0; round < 100; round++)
			callback(nothing);
		return argc > 2 ? atoi(argv[2]) : 0;
	}
	if (!strcmp(word, "many")) {
		for (int round = 0; round < 1000; round++) {
			callback(allocates);
			callback(locks);
		}
		callback(sleeps);
		callback(opens);
		return argc > 2 ? atoi(argv[2]) : 0;
	}
	if (!strcmp(word, "deep")) {
		LOCKDEP(lockdep_hardirq_enter("process"));
		for (int depth = 0; depth < 40; depth++)
			deep(depth);
		LOCKDEP(lockdep_hardirq_exit());
		return 0;
	}
	if (!strcmp(word, "sections")) {
		/* A session has room for 512. */
		for (int number = 0; number < 600; number++) {
			char name[32];

			snprintf(name, sizeof(name), "section %d", number);
			LOCKDEP(lockdep_hardirq_enter(name));
			LOCKDEP(lockdep_hardirq_exit());
		}
		return 0;
	}
	if (!strcmp(word, "waits"))
		is_waited_for();
	if (!strcmp(word, "signal")) {
		raise(SIGTERM);
		return 0;
	}
	if (!strcmp(word, "sleep")) {
		puts("started");
		fflush(stdout);
		pause();
	}
	if (!strcmp(word, "closes")) {
		int last = -1;

		for (int fd = 0; fd < 1024; fd++)
			close(fd);
		/* These take all numbers that may have been the checker's. */
		for (int count = 0; count < 300; count++)
			last = open("/dev/null", O_RDWR);
		callback(allocates);
		return last < 0;
	}
	if (!strcmp(word, "fork")) {
		pid_t child = fork();

		if (child == 0) {
			callback(allocates);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		callback(sleeps);
		return 0;
	}
	callback(allocates);
	if (!strcmp(word, "exit"))
		_exit(3);
	if (!strcmp(word, "killed"))
		kill(getpid(), SIGKILL);
	if (!strcmp(word, "exec")) {
		execl(argv[0], argv[0], "many", NULL);
		return 1;
	}
	if (!strcmp(word, "background") && fork() == 0) {
		usleep(300000);
		callback(sleeps);
	}
	if (!strcmp(word, "lingers") && fork() == 0) {
		char byte;

		/* The command, its parent, has ended. */
		while (getppid() == command)
			usleep(1000);
		if (write(1, "alone\n", 6) != 6)
			abort();
		/* Until the test closes the pipe. */
		close(1);
		close(2);
		while (read(0, &byte, 1) > 0)
			;
	}
	return 0;
}
