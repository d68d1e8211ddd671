// Shows, without aseqd, where QEMU's translation of user programs differs from Linux so that cases of the suite fail.
// Prints a line for each, and ends with 1 if one of them is as on Linux: then a list of known failures is too long.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int same;

static void show(const char *what, long returned, int error)
{
    int as_linux = error ? returned < 0 && errno == error : returned >= 0;
    printf("%s: %ld (%s), %s\n", what, returned, returned < 0 ? strerror(errno) : "ok",
           as_linux ? "as on Linux" : "not as on Linux");
    same |= as_linux;
}

int main(void)
{
    int ends[2];
    char bytes[8] = "1234567";
    struct iovec buffers[] = {{bytes, 4}, {(void *)16, 4}};
    struct msghdr message = {.msg_iov = buffers, .msg_iovlen = 2};

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        return 2;
    show("sendmsg from a bad second buffer", sendmsg(ends[0], &message, MSG_DONTWAIT), EFAULT);
    // What has come through must not be taken for the next message.
    recv(ends[1], bytes, sizeof bytes, MSG_DONTWAIT);
    if (send(ends[0], bytes, sizeof bytes, 0) != sizeof bytes)
        return 2;
    show("recvmsg into a bad second buffer", recvmsg(ends[1], &message, MSG_DONTWAIT), EFAULT);
    show("process_vm_readv", process_vm_readv(getpid(), buffers, 1, buffers, 1, 0), 0);
    show("PR_SET_CHILD_SUBREAPER", prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    return same;
}
