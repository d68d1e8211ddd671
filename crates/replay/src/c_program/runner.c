
/* How many names there are for each kind of thing. */
enum { NUMBERS = 256 };
/* How long an answer may come later than in the recording, in milliseconds. */
enum { PATIENCE = 2000 };
/* Size of the longest answer to a read, in bytes. */
enum { ROOM = 1 << 20 };

static int files[FILES];
/* What a file has returned to reads, and the recording has later. */
static struct { unsigned char *bytes; size_t len; } ahead[FILES];
/* The present number of the client or queue that is recorded with a number, and the other way. */
struct numbers { unsigned char now[NUMBERS], recorded[NUMBERS]; };
static struct numbers clients, queues;
static int verbose, quick;
static unsigned long differences, skipped;

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static void differs(const struct step *step, const char *format, ...)
{
    va_list arguments;

    differences++;
    printf("record %lu differs: %s: ", step->record, step->words);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static void set_number(struct numbers *numbers, int recorded, unsigned char now)
{
    numbers->now[recorded] = now;
    numbers->recorded[now] = (unsigned char)recorded;
}

/* Replaces the numbers of clients and queues: recorded ones by those of now, or the other way. */
static void replace(unsigned char *bytes, size_t len, const struct place *place, int to_recorded)
{
    for (; place->size; place++) {
        const struct numbers *numbers = place->kind == 'c' ? &clients : &queues;
        size_t i;

        if (place->kind == 'i' || place->at + place->size > len)
            continue;
        for (i = 1; i < place->size && !bytes[place->at + i]; i++)
            ;
        if (i == place->size)
            bytes[place->at] = (to_recorded ? numbers->recorded : numbers->now)[bytes[place->at]];
    }
}

/* Returns where the numbers are in an event. */
static const struct place *in_event(const unsigned char *event)
{
    static const struct place of_queue[] = {{3, 1, 'q'}, {12, 1, 'c'}, {14, 1, 'c'}, {16, 1, 'q'}, {0, 0, 0}};
    static const struct place of_client[] = {{3, 1, 'q'}, {12, 1, 'c'}, {14, 1, 'c'}, {16, 1, 'c'}, {0, 0, 0}};
    static const struct place of_connection[] = {
        {3, 1, 'q'}, {12, 1, 'c'}, {14, 1, 'c'}, {16, 1, 'c'}, {18, 1, 'c'}, {0, 0, 0}};
    static const struct place plain[] = {{3, 1, 'q'}, {12, 1, 'c'}, {14, 1, 'c'}, {0, 0, 0}};
    int type = event[0];

    if (type >= 30 && type <= 38)
        return of_queue;
    if ((type >= 60 && type <= 65) || type == 68 || type == 69)
        return of_client;
    return type == 66 || type == 67 ? of_connection : plain;
}

/* Replaces the numbers in events. Those of a read fill whole records; those of a write do not. */
static void replace_in_events(unsigned char *bytes, size_t len, int ump, int is_read)
{
    size_t at = 0;

    while (at + 28 <= len) {
        size_t size = 28, extra = 0;

        if (ump && (is_read || (bytes[at + 1] & 0x20)))
            size = 32;
        replace(bytes + at, len - at, in_event(bytes + at), is_read);
        if ((bytes[at + 1] & 0x0c) == 4 && !(ump && (bytes[at + 1] & 0x20))) {
            uint32_t data;

            memcpy(&data, bytes + at + 16, sizeof(data));
            extra = data & 0x3fffffff;
            if (is_read)
                extra = (extra + size - 1) / size * size;
        }
        at += size + extra;
    }
}

static void print_bytes(const char *what, const unsigned char *bytes, size_t len)
{
    size_t i;

    printf("    %s", what);
    for (i = 0; i < len && i < 96; i++)
        printf("%s%02x", i % 4 ? "" : " ", bytes[i]);
    printf("%s\n", i < len ? " ..." : "");
}

static void compare(const struct step *step, unsigned char *expected, unsigned char *found, size_t len)
{
    if (memcmp(expected, found, len)) {
        differs(step, "the bytes that come back are others");
        print_bytes("recorded", expected, len);
        print_bytes("found   ", found, len);
    }
}

/* Compares the value of a call, or the number of its error. Returns whether both succeeded. */
static int agrees(const struct step *step, long value)
{
    int error = value < 0 ? errno : 0;

    if (error != step->error)
        differs(step, "recorded %s, found %s", step->error ? strerror(step->error) : "success",
            error ? strerror(error) : "success");
    else if (!error && step->kind != OPEN && value != step->want)
        differs(step, "recorded %ld, found %ld", step->want, value);
    return !error && !step->error;
}

static int wait_for(int fd, short events, int timeout)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};

    return poll(&poll_fd, 1, timeout) > 0 ? poll_fd.revents : 0;
}

static void do_open(const struct step *step)
{
    int fd = open(step->path, step->flags | O_NONBLOCK | O_CLOEXEC);
    int number;

    if (!agrees(step, fd))
        return;
    files[step->opens] = fd;
    if (step->client < 0)
        return;
    if (ioctl(fd, 0x80045301, &number) < 0) /* SNDRV_SEQ_IOCTL_CLIENT_ID */
        fail("SNDRV_SEQ_IOCTL_CLIENT_ID");
    set_number(&clients, step->client, (unsigned char)number);
}

static void do_ioctl(const struct step *step)
{
    static unsigned char bytes[1 << 14], expected[1 << 14];
    const struct place *place;
    long value;

    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, step->in, step->in_len);
    replace(bytes, step->in_len, step->places, 0);
    value = ioctl(files[step->file], step->request, bytes);
    if (!agrees(step, value))
        return;
    if (step->opens >= 0) {
        int fd;

        memcpy(&fd, bytes + 8, sizeof(fd)); /* The descriptor of a user-driven timer. */
        files[step->opens] = fd;
    }
    if (step->queue >= 0)
        set_number(&queues, step->queue, bytes[0]);
    replace(bytes, step->out_len, step->places, 1);
    memcpy(expected, step->out, step->out_len);
    for (place = step->places; place->size; place++) {
        if (place->kind == 'i' && place->at + place->size <= step->out_len) {
            memset(bytes + place->at, 0, place->size);
            memset(expected + place->at, 0, place->size);
        }
    }
    compare(step, expected, bytes, step->out_len);
}

/* Returns the length of an event with its data, as a read returns it; 0 if it is cut short. */
static size_t length(const unsigned char *event, size_t len, int ump)
{
    size_t size = ump ? 32 : 28, data = 0;
    uint32_t said;

    if (len < size)
        return 0;
    if ((event[1] & 0x0c) == 4) {
        memcpy(&said, event + 16, sizeof(said));
        data = ((said & 0x3fffffff) + size - 1) / size * size;
    }
    return size + data <= len ? size + data : 0;
}

/* Returns whether two events are the same. Times that are not zero come out otherwise in each run. */
static int same_event(const unsigned char *expected, const unsigned char *found, size_t len, size_t found_len, int ump)
{
    static const unsigned char zero[8];
    int timed = memcmp(expected + 4, zero, 8) != 0;
    size_t head = ump ? 32 : 28;
    uint32_t data;

    if (len != found_len || memcmp(expected, found, 4) || memcmp(expected + 12, found + 12, 8)
        || (!timed && memcmp(expected + 4, found + 4, 8)))
        return 0;
    if ((expected[1] & 0x0c) != 4)
        return !memcmp(expected + 20, found + 20, len - 20);
    /* Where the data are is of no interest, and what fills the last record neither. */
    memcpy(&data, expected + 16, sizeof(data));
    data &= 0x3fffffff;
    return !memcmp(expected + head, found + head, data < len - head ? data : len - head);
}

/* Reads once. Returns what the call returned. */
static long read_more(const struct step *step)
{
    unsigned char *bytes = realloc(ahead[step->file].bytes, ahead[step->file].len + ROOM);
    size_t before = ahead[step->file].len;
    long value;

    if (!bytes)
        fail("memory");
    ahead[step->file].bytes = bytes;
    value = read(files[step->file], bytes + before, step->len < ROOM ? step->len : ROOM);
    if (value > 0) {
        ahead[step->file].len += (size_t)value;
        if (step->client_file)
            replace_in_events(bytes + before, (size_t)value, step->ump, 1);
    }
    return value;
}

/* Takes the event out of what was read that comes next from the same sender and through the same queue. Events of
   different senders or queues may come in another order. Returns whether there was one. */
static int take_like(const struct step *step, const unsigned char *expected, size_t expected_len)
{
    unsigned char *bytes = ahead[step->file].bytes;
    size_t at = 0, len;

    while ((len = length(bytes + at, ahead[step->file].len - at, step->ump))) {
        unsigned char *found = bytes + at;

        if (found[3] == expected[3] && found[12] == expected[12] && found[13] == expected[13]) {
            if (!same_event(expected, found, expected_len, len, step->ump)) {
                differs(step, "an event is another one");
                print_bytes("recorded", expected, expected_len);
                print_bytes("found   ", found, len);
            }
            ahead[step->file].len -= len;
            memmove(found, found + len, ahead[step->file].len - at);
            return 1;
        }
        at += len;
    }
    return 0;
}

static void do_read(const struct step *step)
{
    size_t at = 0, len;

    if (!step->out_len) {
        long value = read_more(step);

        /* Something may have come sooner than in the recording. */
        if (value <= 0)
            agrees(step, value);
        return;
    }
    if (!step->client_file) {
        /* How often a timer has ticked is another number in each run. */
        if (!(wait_for(files[step->file], POLLIN, PATIENCE) & POLLIN))
            differs(step, "there is nothing to read");
        else if (read_more(step) < 0)
            agrees(step, -1);
        ahead[step->file].len = 0;
        return;
    }
    for (; (len = length(step->out + at, step->out_len - at, step->ump)); at += len) {
        while (!take_like(step, step->out + at, len)) {
            if (!(wait_for(files[step->file], POLLIN, PATIENCE) & POLLIN)) {
                differs(step, "an event did not come");
                print_bytes("recorded", step->out + at, len);
                break;
            }
            if (read_more(step) < 0) {
                agrees(step, -1);
                break;
            }
        }
    }
}

static void do_write(const struct step *step)
{
    unsigned char *bytes = malloc(step->in_len + 1);

    if (!bytes)
        fail("memory");
    memcpy(bytes, step->in, step->in_len);
    replace_in_events(bytes, step->in_len, step->ump, 0);
    agrees(step, write(files[step->file], bytes, step->in_len));
    free(bytes);
}

static void do_poll(const struct step *step)
{
    int readable = (step->want & 1) && !ahead[step->file].len;

    /* One after the other: a poll returns as soon as there is one of them. */
    if (readable && !(wait_for(files[step->file], POLLIN, PATIENCE) & POLLIN))
        differs(step, "there is nothing to read");
    if ((step->want & 2) && !(wait_for(files[step->file], POLLOUT, PATIENCE) & POLLOUT))
        differs(step, "there is no room to write");
}

static void wait_until(const struct timespec *start, unsigned long long at)
{
    struct timespec due = *start;

    due.tv_sec += (time_t)(at / 1000000000);
    due.tv_nsec += (long)(at % 1000000000);
    if (due.tv_nsec >= 1000000000) {
        due.tv_nsec -= 1000000000;
        due.tv_sec++;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        ;
}

int main(int argc, char **argv)
{
    struct timespec start;
    size_t i;
    int option;

    while ((option = getopt(argc, argv, "qv")) != -1) {
        if (option == 'q')
            quick = 1;
        else if (option == 'v')
            verbose = 1;
        else {
            fprintf(stderr, "usage: %s [-q] [-v]\n"
                "  -q  without the pauses of the recording, for one without queues\n"
                "  -v  print each record\n",
                argv[0]);
            return 2;
        }
    }
    for (i = 0; i < NUMBERS; i++) {
        set_number(&clients, (int)i, (unsigned char)i);
        set_number(&queues, (int)i, (unsigned char)i);
    }
    for (i = 0; i < FILES; i++)
        files[i] = -1;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        const struct step *step = &steps[i];

        if (!step->record)
            break;
        if (!quick)
            wait_until(&start, step->at);
        if (verbose) {
            printf("%lu: %s\n", step->record, step->words);
            fflush(stdout);
        }
        if (step->kind == SKIP || (step->kind != OPEN && files[step->file] < 0)) {
            skipped++;
            continue;
        }
        switch (step->kind) {
        case OPEN: do_open(step); break;
        case IOCTL: do_ioctl(step); break;
        case READ: do_read(step); break;
        case WRITE: do_write(step); break;
        case POLL: do_poll(step); break;
        case CLOSE:
            close(files[step->file]);
            files[step->file] = -1;
            ahead[step->file].len = 0;
            break;
        case SKIP: break;
        }
    }
    printf("%lu answers differ, %lu records were not made\n", differences, skipped);
    return differences != 0;
}
