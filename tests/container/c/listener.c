/* Starts the command of its arguments, and prints how many notes come out of Midi Through, once none has come for a
 * second. It does without alsa-lib, so it can be linked with any C library. */
#include <fcntl.h>
#include <poll.h>
#include <sound/asequencer.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    int fd = open("/dev/snd/seq", O_RDWR), id, notes = 0;
    if (fd < 0 || ioctl(fd, SNDRV_SEQ_IOCTL_CLIENT_ID, &id)) {
        perror("/dev/snd/seq");
        return 1;
    }
    struct snd_seq_port_info port = {
        .addr.client = id,
        .name = "listener",
        .capability = SNDRV_SEQ_PORT_CAP_WRITE | SNDRV_SEQ_PORT_CAP_SUBS_WRITE,
        .type = SNDRV_SEQ_PORT_TYPE_APPLICATION,
    };
    if (ioctl(fd, SNDRV_SEQ_IOCTL_CREATE_PORT, &port)) {
        perror("a port");
        return 1;
    }
    struct snd_seq_port_subscribe through = {.sender = {14, 0}, .dest = port.addr};
    if (ioctl(fd, SNDRV_SEQ_IOCTL_SUBSCRIBE_PORT, &through)) {
        perror("subscribing to Midi Through");
        return 1;
    }
    if (count > 1 && fork() == 0) {
        close(fd);
        execvp(arguments[1], arguments + 1);
        perror(arguments[1]);
        _exit(127);
    }
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    /* The player needs some time to start; after that, the song has no pause of a second. */
    while (poll(&ready, 1, notes ? 1000 : 20000) > 0) {
        struct snd_seq_event events[16];
        ssize_t size = read(fd, events, sizeof events);
        for (size_t at = 0; size > 0 && at < size / sizeof events[0]; at++)
            notes += events[at].type == SNDRV_SEQ_EVENT_NOTEON && events[at].data.note.velocity;
    }
    printf("%d notes\n", notes);
    return notes == 0;
}
