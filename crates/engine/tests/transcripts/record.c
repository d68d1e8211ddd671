/* Plays a transcript on /dev/snd/seq and prints it with the replies of this kernel:
 *
 *     cc -static -no-pie -o record record.c && record < old.txt > new.txt
 *
 * Lines that begin with '#' are comments, with '=' replies (skipped on input). The others:
 *
 *     open SLOT r|w|rw        reply: client number
 *     close SLOT
 *     ioctl SLOT CODE ARG     reply: what comes back, or 'same' if that is what was passed
 *     ioctl32 SLOT CODE ARG   the same from the 32-bit system call
 *     write SLOT DATA         reply: count
 *     read SLOT SIZE          reply: count, data
 *     poll SLOT               reply: in, out
 *     proc                    reply: the texts of clients, queues and timer
 *
 * All in hexadecimal, zeros at the end left out; an error is 'E' and its number. Every file is
 * non-blocking. The time of a running queue and our own pid are not reproducible: they are replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SLOTS = 256, ARG = 1024, CLIENT_INFO = 188, PID_AT = 128, QUEUE_STATUS = 92, PID = 1000 };

static int files[SLOTS];
static unsigned char data[1 << 16], before[ARG];

static int digit(int c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

static size_t decode(const char *hex) {
	size_t n = 0;
	memset(data, 0, ARG);
	for (; hex[0] > ' ' && hex[1] > ' ' && n < sizeof data; hex += 2)
		data[n++] = digit(hex[0]) * 16 + digit(hex[1]);
	return n;
}

static void encode(size_t n) {
	while (n && !data[n - 1]) n--;
	putchar(' ');
	for (size_t i = 0; i < n; i++) printf("%02x", data[i]);
}

static void text(const char *name) {
	char path[64], line[4096];
	snprintf(path, sizeof path, "/proc/asound/seq/%s", name);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file)) printf("= %s", line);
	if (file) fclose(file);
}

static void reply(long result, size_t bytes) {
	if (result < 0) printf("= E%d\n", errno);
	else {
		printf("= %ld", result);
		if (bytes) encode(bytes);
		putchar('\n');
	}
}

/* The system call of a 32-bit process. All addresses fit, since nothing is relocated. */
static long ioctl32(int fd, unsigned code, void *arg) {
	long result;
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(54), "b"(fd), "c"(code), "d"(arg)
			 : "memory", "r8", "r9", "r10", "r11");
	if ((int)result >= 0) return (int)result;
	errno = -(int)result;
	return -1;
}

int main(void) {
	char *line = NULL, call[16], word[16];
	size_t size = 0;
	memset(files, -1, sizeof files);
	while (getline(&line, &size, stdin) > 0) {
		int slot = 0, at = 0;
		if (*line == '=') continue;
		fputs(line, stdout);
		if (sscanf(line, "%15s %d %15s %n", call, &slot, word, &at) < 1 || *line == '#') continue;
		int fd = files[slot];
		if (!strcmp(call, "open")) {
			int id = 0, mode = !strcmp(word, "r") ? O_RDONLY : !strcmp(word, "w") ? O_WRONLY : O_RDWR;
			fd = files[slot] = open("/dev/snd/seq", mode | O_NONBLOCK);
			if (fd >= 0) ioctl(fd, 0x80045301, &id);
			reply(fd < 0 ? -1 : id, 0);
		} else if (!strcmp(call, "close")) {
			close(fd);
			files[slot] = -1;
		} else if (!strncmp(call, "ioctl", 5)) {
			unsigned code = strtoul(word, NULL, 16);
			size_t bytes = code >> 16 & 0x3fff;
			int pid;
			decode(line + at);
			memcpy(before, data, ARG);
			long result = call[5] ? ioctl32(fd, code, data) : ioctl(fd, code, data);
			memcpy(&pid, data + PID_AT, sizeof pid);
			if (bytes == CLIENT_INFO && pid == getpid()) pid = PID, memcpy(data + PID_AT, &pid, sizeof pid);
			if (bytes == QUEUE_STATUS && data[20]) memset(data + 12, 0, 8);
			if (result == 0 && !memcmp(before, data, bytes)) puts("= same");
			else reply(result, bytes);
		} else if (!strcmp(call, "write")) {
			const char *hex = strchr(strchr(line, ' ') + 1, ' ');
			size_t bytes = decode(hex ? hex + 1 : "");
			reply(write(fd, data, bytes), 0);
		} else if (!strcmp(call, "read")) {
			long result = read(fd, data, strtoul(word, NULL, 10));
			reply(result, result > 0 ? result : 0);
		} else if (!strcmp(call, "poll")) {
			struct pollfd ask = { fd, POLLIN | POLLOUT, 0 };
			poll(&ask, 1, 0);
			printf("=%s%s\n", ask.revents & POLLIN ? " in" : "", ask.revents & POLLOUT ? " out" : "");
		} else if (!strcmp(call, "proc")) text("clients"), text("queues"), text("timer");
	}
	return 0;
}
