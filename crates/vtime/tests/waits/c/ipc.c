/* rt_sigtimedwait, semtimedop, mq_timedsend, mq_timedreceive. */
#include "table.h"
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/sem.h>

/* sigtimedwait waits for SIGUSR2, which is blocked. */
static void send_usr2(void) { kill(getppid(), SIGUSR2); }

static long by_sigtimedwait(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	siginfo_t info = {0};
	/* musl's sigtimedwait tries again after EINTR. */
	long result = syscall(SYS_rt_sigtimedwait, &set, &info, &t, 8);
	if (result > 0 && (info.si_code != SI_USER || info.si_signo != SIGUSR2))
		return -100;
	return result;
}

static long sigtimedwait_invalid(long long ns, long long *left)
{
	(void)left;
	struct timespec t = {0, ns};
	sigset_t set;
	sigemptyset(&set);
	return syscall(SYS_rt_sigtimedwait, &set, NULL, &t, 8);
}

static int semaphores;

static void up(void)
{
	struct sembuf op = {0, 1, 0};
	semop(semaphores, &op, 1);
}

static long by_semtimedop(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	struct sembuf op = {0, -1, 0};
	return semtimedop(semaphores, &op, 1, &t);
}

static long semtimedop_invalid(long long ns, long long *left)
{
	(void)left;
	struct timespec t = {0, ns};
	struct sembuf op = {0, -1, 0};
	return semtimedop(semaphores, &op, 1, &t);
}

static long semtimedop_nowait(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(ns);
	struct sembuf op = {0, -1, IPC_NOWAIT};
	return semtimedop(semaphores, &op, 1, &t);
}

static mqd_t queue;

static void put(void) { mq_send(queue, "x", 1, 0); }
static void take(void)
{
	char text[8];
	mq_receive(queue, text, sizeof text, NULL);
}

static long by_receive(long long ns, long long *left)
{
	(void)left;
	char text[8];
	struct timespec t = timespec(now_of(CLOCK_REALTIME) + ns);
	return mq_timedreceive(queue, text, sizeof text, NULL, &t);
}

static long by_send(long long ns, long long *left)
{
	(void)left;
	struct timespec t = timespec(now_of(CLOCK_REALTIME) + ns);
	return mq_timedsend(queue, "x", 1, 0, &t);
}

static long receive_invalid(long long ns, long long *left)
{
	(void)left;
	char text[8];
	struct timespec t = {0, ns};
	return syscall(SYS_mq_timedreceive, queue, text, sizeof text, NULL, &t);
}

int main(void)
{
	setup();
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	wait_rows("rt_sigtimedwait", by_sigtimedwait, send_usr2, NULL);
	wait_row("rt_sigtimedwait", "negative", by_sigtimedwait, -LONG, NULL);
	wait_row("rt_sigtimedwait", "invalid", sigtimedwait_invalid, SECOND, NULL);

	semaphores = semget(IPC_PRIVATE, 1, 0600);
	if (semaphores < 0)
		die("semget");
	wait_rows("semtimedop", by_semtimedop, up, NULL);
	wait_row("semtimedop", "negative", by_semtimedop, -LONG, NULL);
	wait_row("semtimedop", "invalid", semtimedop_invalid, SECOND, NULL);
	wait_row("semtimedop", "nowait", semtimedop_nowait, LONG, NULL);
	semctl(semaphores, 0, IPC_RMID);

	char name[40];
	snprintf(name, sizeof name, "/vtime-table-%d", (int)getpid());
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
	queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	if (queue == (mqd_t)-1)
		die("mq_open");
	mq_unlink(name);
	wait_rows("mq_timedreceive", by_receive, put, NULL);
	wait_row("mq_timedreceive", "past", by_receive, -LONG, NULL);
	wait_row("mq_timedreceive", "invalid", receive_invalid, SECOND, NULL);
	put();
	wait_row("mq_timedreceive", "ready-past", by_receive, -LONG, NULL);
	put();
	wait_rows("mq_timedsend", by_send, take, NULL);
	wait_row("mq_timedsend", "past", by_send, -LONG, NULL);
	return 0;
}
