// Children that are killed as soon as they are made: some before they have run at all. Prints how many there were.
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int killed = 0;
	for (int i = 0; i < 300; i++) {
		pid_t child = fork();
		if (child == 0)
			for (;;)
				pause();
		kill(child, SIGKILL);
		int status;
		if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
			killed++;
		if (fork() == 0) {
			// Its parent does not wait for it.
			if (fork() == 0)
				_exit(0);
			kill(getpid(), SIGKILL);
		}
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	printf("%d\n", killed);
	return 0;
}
