/* A process takes the descriptor of a client out of its child, as a debugger or a supervisor does: it is of the
 * same client, which lives as long as either has it. Other descriptors are taken as ever. */
#include "../../preload/c/client.h"
#include <sys/syscall.h>

int main(void)
{
	int told[2], numbers[2], watcher = open_seq(O_RDWR), taken, other;
	struct snd_seq_client_info info = { 0 };
	CHECK(pipe(told) == 0);
	pid_t child = fork();
	if (child == 0) {
		numbers[0] = open_seq(O_RDWR);
		numbers[1] = client_of(numbers[0]);
		CHECK(write(told[1], numbers, sizeof numbers) == sizeof numbers);
		pause();
	}
	CHECK(read(told[0], numbers, sizeof numbers) == sizeof numbers);
	int pidfd = syscall(SYS_pidfd_open, child, 0);
	CHECK(pidfd >= 0);
	taken = syscall(SYS_pidfd_getfd, pidfd, numbers[0], 0);
	CHECK(taken >= 0);
	CHECK(client_of(taken) == numbers[1]);
	CHECK(fcntl(taken, F_GETFD) == FD_CLOEXEC);
	CHECK(syscall(SYS_pidfd_getfd, pidfd, numbers[0], 1) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_pidfd_getfd, pidfd, 600, 0) == -1 && errno == EBADF);
	other = syscall(SYS_pidfd_getfd, pidfd, told[0], 0);
	CHECK(other >= 0 && other < 100);
	kill(child, SIGKILL);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(client_of(taken) == numbers[1]);
	info.client = numbers[1];
	CHECK(ioctl(watcher, SNDRV_SEQ_IOCTL_GET_CLIENT_INFO, &info) == 0);
	close(taken);
	puts("done");
	return 0;
}
