/* A load generator that is much lighter than what it measures: HTTP/1.1, keep-alive, one thread, one epoll.
 *
 *     loadgen throughput --to 127.0.0.1:8080 --requests FILE --connections 256 --seconds 5 --expect 304
 *     loadgen once       --to 127.0.0.1:8080 --requests FILE --connections 64 --answers FILE
 *     loadgen hold       --to A[,B] --requests FILE --publish-to A --publish FILE --carry '"cursor":"'
 *
 * throughput: each connection sends, waits for the whole answer, sends the next. Connection i takes the requests
 *     i, i + connections, i + 2 * connections, ... of the file, round and round.
 * once: every request of the file is sent once; the answers are written down as `<index> <status> <bytes>\n<answer>`.
 * hold: request i is the long poll of client i, on a connection of its own. Commands come line by line on standard
 *     input and each is answered by one line of JSON:
 *         open              connect all, send all polls, wait until the server has come to rest
 *         wake COUNT GAP    COUNT notifications, each to one client, GAP milliseconds apart
 *         broadcast         one notification to all; they poll again when everybody has it
 *         storm             one notification to all; each polls again at once, and when half of them have it, another
 *                           notification goes to one of them
 *         quit              close everything, and say what was counted
 *     Publish record i is a notification to client i, and one more record, the last, is to everybody.
 *
 * A file of requests is a row of records `<bytes>\n<request>`. In a request, ten at signs (@@@@@@@@@@) are replaced by
 * a running number each time that it is sent. In a long poll, \x01value\x02 is a slot: what comes after a --carry text
 * in an answer, up to a quote or the end of the line, is the slot's next value.
 *
 * Nothing is believed. An answer with another status than the expected one is wrong, so is one without the --contain
 * text. In hold mode each notification carries `bench-<number>`: whoever gets one that is not for them, or gets one
 * twice, is told of, and so is whoever gets none. Anything wrong makes the exit code 1.
 *
 * Times are read from the monotonic clock, in nanoseconds; reports are in seconds and milliseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

#define MS 1000000ull
#define SECOND 1000000000ull
#define STAMP "@@@@@@@@@@"
#define STAMP_LENGTH 10
#define MARK "bench-"
#define MAX_STAMPS 8
#define MAX_SLOTS 2
#define MAX_SLOT_LENGTH 256
#define MAX_ADDRESSES 8
#define MAX_WATCHED 16
#define READ_SIZE (256 * 1024)
#define EVENTS 1024
/* So many connections are being made at the same time: well below any listener's backlog. */
#define MAX_CONNECTING 256

/* --- what was asked for ------------------------------------------------------------------------------------------ */

static struct sockaddr_in addresses[MAX_ADDRESSES];
static int address_count;
static struct sockaddr_in publish_address;
static int connection_count, source_count = 16, expected_status = 200;
static double run_seconds = 1, warmup_seconds;
/* No answer within this time: the server has lost it. Longer than a slow peer needs for a broadcast to all. */
static uint64_t patience = 30 * SECOND;
static const char *contained, *carry[MAX_SLOTS];
static int carry_count;

/* --- small things ------------------------------------------------------------------------------------------------ */

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "loadgen: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(2);
}

static void *need(void *memory)
{
    if (!memory)
        die("out of memory");
    return memory;
}

static long wrong_count;

/* Counts a wrong answer; the first few are shown. */
static void wrong(const char *format, ...)
{
    va_list arguments;
    if (wrong_count++ >= 5)
        return;
    va_start(arguments, format);
    fprintf(stderr, "loadgen: WRONG: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
}

struct times {
    uint64_t *values;
    size_t used, size;
};

static void add_time(struct times *times, uint64_t value)
{
    if (times->used == times->size) {
        times->size = times->size ? 2 * times->size : 1024;
        times->values = need(realloc(times->values, times->size * sizeof *times->values));
    }
    times->values[times->used++] = value;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Milliseconds below which `share` of the times lie; the times must have been sorted. */
static double percentile(const struct times *times, double share)
{
    size_t place = (size_t)(share * (double)times->used);
    if (!times->used)
        return 0;
    return (double)times->values[place < times->used ? place : times->used - 1] / MS;
}

static void print_times(const char *name, struct times *times)
{
    qsort(times->values, times->used, sizeof *times->values, compare);
    printf("\"%s\": {\"count\": %zu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.4f}", name, times->used,
           percentile(times, .5), percentile(times, .99), percentile(times, 1));
}

/* --- the watched processes: how much processor time they have used -------------------------------------------------- */

static clockid_t watched[MAX_WATCHED];
static int watched_stat[MAX_WATCHED], watched_schedstat[MAX_WATCHED]; /* files of their first threads */
static int watched_count;

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t))
        die("a watched process has ended");
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* Nanoseconds that the watched processes have run, with all their threads. */
static uint64_t cpu_time(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < watched_count; i++)
        sum += read_clock(watched[i]);
    return sum;
}

/* Nanoseconds that the watched processes were ready to run while something else had their core: noise. */
static uint64_t kept_waiting(void)
{
    uint64_t sum = 0, ran, waited;
    for (int i = 0; i < watched_count; i++) {
        char text[128] = "";
        if (pread(watched_schedstat[i], text, sizeof text - 1, 0) > 0 && sscanf(text, "%lu %lu", &ran, &waited) == 2)
            sum += waited;
    }
    return sum;
}

/* Says whether one of the watched processes runs or is ready to run, at this moment. */
static int is_running(void)
{
    for (int i = 0; i < watched_count; i++) {
        char text[512] = "";
        const char *after_name;
        if (pread(watched_stat[i], text, sizeof text - 1, 0) > 0 && (after_name = strrchr(text, ')')) &&
            after_name[2] == 'R')
            return 1;
    }
    return 0;
}

static void take_pid(const char *text)
{
    char path[64];
    if (watched_count == MAX_WATCHED || clock_getcpuclockid(atoi(text), &watched[watched_count]))
        die("no process %s to watch", text);
    snprintf(path, sizeof path, "/proc/%d/stat", atoi(text));
    watched_stat[watched_count] = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/schedstat", atoi(text));
    watched_schedstat[watched_count++] = open(path, O_RDONLY | O_CLOEXEC);
}

static uint64_t own_cpu_time(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

struct request {
    char *text; /* with the stamps and slots as they are in the file */
    int length;
    int stamps[MAX_STAMPS], stamp_count; /* where the at signs are */
};

struct requests {
    struct request *items;
    int count;
};

static void find_stamps(struct request *request)
{
    char *at = request->text, *end = request->text + request->length;
    while (request->stamp_count < MAX_STAMPS && (at = memmem(at, (size_t)(end - at), STAMP, STAMP_LENGTH))) {
        request->stamps[request->stamp_count++] = (int)(at - request->text);
        at += STAMP_LENGTH;
    }
}

static struct requests read_requests(const char *path)
{
    struct requests requests = {0};
    struct stat information;
    int file = open(path, O_RDONLY | O_CLOEXEC), size = 0;
    if (file < 0 || fstat(file, &information))
        die("can't read %s", path);
    char *text = need(malloc((size_t)information.st_size + 1)), *end = text + information.st_size;
    for (char *at = text; at < end;) {
        ssize_t got = read(file, at, (size_t)(end - at));
        if (got <= 0)
            die("can't read %s", path);
        at += got;
    }
    *end = 0;
    close(file);
    for (char *at = text; at < end;) {
        char *after;
        long length = strtol(at, &after, 10);
        if (*after != '\n' || length <= 0 || length > end - after - 1)
            die("%s is no file of requests, at byte %ld", path, (long)(at - text));
        if (requests.count == size) {
            size = size ? 2 * size : 1024;
            requests.items = need(realloc(requests.items, (size_t)size * sizeof *requests.items));
        }
        struct request *request = &requests.items[requests.count++];
        memset(request, 0, sizeof *request);
        request->text = after + 1;
        request->length = (int)length;
        find_stamps(request);
        at = after + 1 + length;
    }
    if (!requests.count)
        die("%s is empty", path);
    return requests;
}

/* Writes into the text that was read, which is sent at once. A request that doesn't fit into the socket's buffer, some
 * 200 KB, must therefore not be shared by several connections. */
static void stamp(struct request *request, uint64_t number)
{
    char digits[STAMP_LENGTH];
    for (int i = STAMP_LENGTH - 1; i >= 0; i--, number /= 10)
        digits[i] = (char)('0' + number % 10);
    for (int i = 0; i < request->stamp_count; i++)
        memcpy(request->text + request->stamps[i], digits, STAMP_LENGTH);
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

struct answer {
    const char *text; /* head and body */
    int length, head_length, status, closes;
};

static int is_field(const char *line, const char *name, size_t length)
{
    return !strncasecmp(line, name, length);
}

/* Returns the length of a chunked body, 0 if it isn't all there, -1 if it is none. */
static int chunked_length(const char *body, int available)
{
    const char *at = body, *end = body + available;
    for (;;) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        char *after;
        if (!line_end)
            return 0;
        long size = strtol(at, &after, 16);
        if (after == at || size < 0 || size > (1 << 24))
            return -1;
        if (line_end + 1 + size + 2 > end)
            return 0;
        at = line_end + 1 + size + 2;
        if (!size)
            return (int)(at - body);
    }
}

/* Reads one answer. Returns its length in bytes, 0 if it isn't all there, -1 if it is no answer. */
static int parse(const char *text, int available, struct answer *answer)
{
    if (available < 16)
        return 0;
    const char *end = memmem(text, (size_t)available, "\r\n\r\n", 4);
    if (!end)
        return available > 64 * 1024 ? -1 : 0;
    if (memcmp(text, "HTTP/1.", 7))
        return -1;
    answer->text = text;
    answer->status = atoi(text + 9);
    answer->head_length = (int)(end + 4 - text);
    answer->closes = 0;
    int body = 0, is_chunked = 0, has_length = 0;
    for (const char *line = memchr(text, '\n', (size_t)(end - text)); line && line < end;
         line = memchr(line, '\n', (size_t)(end - line))) {
        line++;
        if ((*line | 32) == 'c') {
            if (is_field(line, "content-length:", 15)) {
                body = atoi(line + 15);
                has_length = 1;
            } else if (is_field(line, "connection: close", 17)) {
                answer->closes = 1;
            }
        } else if ((*line | 32) == 't' && is_field(line, "transfer-encoding: chunked", 26)) {
            is_chunked = 1;
        }
    }
    if (answer->status == 304 || answer->status == 204) {
        body = 0;
    } else if (is_chunked) {
        body = chunked_length(end + 4, available - answer->head_length);
        if (body <= 0)
            return body;
    } else if (!has_length) {
        return -1; /* it would end with the connection, and no measured server does that */
    }
    answer->length = answer->head_length + body;
    return answer->length <= available ? answer->length : 0;
}

/* --- connections ------------------------------------------------------------------------------------------------- */

enum state { CLOSED, CONNECTING, IDLE, WAITING };

struct connection {
    int descriptor, index;
    enum state state;
    const struct sockaddr_in *address;
    char *in; /* an answer of which only a part has come */
    int in_used, in_size;
    const char *out; /* what is left of a request that didn't fit into the socket */
    int out_length;
    uint64_t sent_at;
    int request;             /* throughput, once: the request it is at */
    char *poll;              /* hold: the text of its long poll */
    char slots[MAX_SLOTS][MAX_SLOT_LENGTH];
    int publication;         /* publishers: the number of what they have sent */
};

static int poller, connecting_count, open_count;
static struct connection *connections;
static void (*on_open)(struct connection *);
static void (*on_answer)(struct connection *, const struct answer *, uint64_t at);
static int has_command;

static void watch(struct connection *connection, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(poller, operation, connection->descriptor, &event))
        die("epoll: %s", strerror(errno));
}

static void start_connecting(struct connection *connection)
{
    int one = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    /* 127.0.1.1, 127.0.1.2, ...: each has its own 28,000 ports. */
    source.sin_addr.s_addr = htonl(0x7f000101u + (uint32_t)(connection->index % source_count));
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        die("socket: %s (see ulimit -n)", strerror(errno));
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    /* The port is taken when connecting, so that one can be used towards several servers. */
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(descriptor, (struct sockaddr *)&source, sizeof source))
        die("bind: %s", strerror(errno));
    connection->descriptor = descriptor;
    connection->state = CONNECTING;
    connection->in_used = connection->out_length = 0;
    connecting_count++;
    if (connect(descriptor, (const struct sockaddr *)connection->address, sizeof *connection->address) &&
        errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    watch(connection, EPOLLOUT, EPOLL_CTL_ADD);
}

static void finish_connecting(struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        die("connect: %s", strerror(error));
    watch(connection, EPOLLIN, EPOLL_CTL_MOD);
    connection->state = IDLE;
    connecting_count--;
    open_count++;
    if (on_open)
        on_open(connection);
}

static void close_connection(struct connection *connection)
{
    if (connection->state == CLOSED)
        return;
    close(connection->descriptor);
    connection->state = CLOSED;
    open_count--;
}

static void send_bytes(struct connection *connection, const char *text, int length)
{
    connection->state = WAITING;
    ssize_t sent = send(connection->descriptor, text, (size_t)length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        sent = length; /* the end of the connection shows when it is read from */
    if (sent < 0)
        sent = 0;
    if (sent < length) {
        connection->out = text + sent;
        connection->out_length = length - (int)sent;
        watch(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
}

static void send_rest(struct connection *connection)
{
    ssize_t sent = send(connection->descriptor, connection->out, (size_t)connection->out_length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN)
        return;
    if (sent < 0)
        sent = connection->out_length;
    connection->out += sent;
    connection->out_length -= (int)sent;
    if (!connection->out_length)
        watch(connection, EPOLLIN, EPOLL_CTL_MOD);
}

/* Takes an answer from what has been read; what is left over is kept. */
static void take_answer(struct connection *connection, const char *text, int length, uint64_t at)
{
    struct answer answer;
    int used = parse(text, length, &answer);
    if (used < 0) {
        wrong("connection %d got no answer in HTTP: %.200s", connection->index, text);
        close_connection(connection);
        return;
    }
    if (!used) {
        if (connection->in_size < length) {
            connection->in_size = length + READ_SIZE / 16;
            connection->in = need(realloc(connection->in, (size_t)connection->in_size));
        }
        if (text != connection->in)
            memcpy(connection->in, text, (size_t)length);
        connection->in_used = length;
        return;
    }
    connection->in_used = 0;
    if (used < length || connection->state != WAITING)
        wrong("connection %d got more than it has asked for: %.200s", connection->index, text + used);
    connection->state = IDLE;
    if (answer.closes) {
        close_connection(connection);
        start_connecting(connection);
    }
    on_answer(connection, &answer, at);
}

static void read_from(struct connection *connection)
{
    static char buffer[READ_SIZE + 1];
    ssize_t got = recv(connection->descriptor, buffer, READ_SIZE, 0);
    uint64_t at = now();
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        wrong("the server closed connection %d%s", connection->index,
              connection->state == WAITING ? " instead of answering" : "");
        close_connection(connection);
        return;
    }
    if (!connection->in_used) {
        buffer[got] = 0;
        take_answer(connection, buffer, (int)got, at);
        return;
    }
    if (connection->in_used + got > connection->in_size) {
        connection->in_size = 2 * (connection->in_used + (int)got);
        connection->in = need(realloc(connection->in, (size_t)connection->in_size));
    }
    memcpy(connection->in + connection->in_used, buffer, (size_t)got);
    take_answer(connection, connection->in, connection->in_used + (int)got, at);
}

/* Waits for events for at most so many milliseconds, and deals with them. */
static void pump(int timeout_ms)
{
    static struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, timeout_ms);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (!connection) {
            has_command = 1;
            continue;
        }
        if (connection->state == CONNECTING) {
            finish_connecting(connection);
            continue;
        }
        if (events[i].events & EPOLLOUT && connection->out_length)
            send_rest(connection);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && connection->state != CLOSED)
            read_from(connection);
    }
}

static void connect_all(void)
{
    uint64_t give_up = now() + 2 * patience;
    for (int i = 0; i < connection_count; i++) {
        while (connecting_count >= MAX_CONNECTING && now() < give_up)
            pump(100);
        connections[i].index = i;
        connections[i].address = &addresses[i % address_count];
        start_connecting(&connections[i]);
    }
    while (connecting_count && now() < give_up)
        pump(100);
    if (connecting_count)
        die("the server takes no connections");
}

/* --- throughput, once -------------------------------------------------------------------------------------------- */

static struct requests requests;
static struct times latencies;
static uint64_t counted_from, stop_at, numbers;
static long answered, counted, by_status[600];
static int next_request;
static FILE *answers;

static void check(struct connection *connection, const struct answer *answer)
{
    if (answer->status != expected_status)
        wrong("connection %d got status %d instead of %d: %.*s", connection->index, answer->status, expected_status,
              answer->length < 600 ? answer->length : 600, answer->text);
    else if (contained && !memmem(answer->text, (size_t)answer->length, contained, strlen(contained)))
        wrong("connection %d got an answer without '%s': %.*s", connection->index, contained,
              answer->length < 600 ? answer->length : 600, answer->text);
}

static void send_request(struct connection *connection)
{
    struct request *request = &requests.items[connection->request];
    if (request->stamp_count)
        stamp(request, ++numbers);
    connection->sent_at = now();
    send_bytes(connection, request->text, request->length);
}

static void throughput_open(struct connection *connection)
{
    if (stop_at && now() < stop_at)
        send_request(connection);
}

static void throughput_answer(struct connection *connection, const struct answer *answer, uint64_t at)
{
    check(connection, answer);
    answered++;
    by_status[answer->status < 600 ? answer->status : 0]++;
    if (at >= counted_from && at < stop_at) {
        counted++;
        add_time(&latencies, at - connection->sent_at);
    }
    connection->request += connection_count;
    if (connection->request >= requests.count)
        connection->request = connection->index % requests.count;
    if (at < stop_at && connection->state == IDLE)
        send_request(connection);
}

static int count_waiting(void)
{
    int waiting = 0;
    for (int i = 0; i < connection_count; i++)
        waiting += connections[i].state == WAITING;
    return waiting;
}

static void run_throughput(void)
{
    on_open = throughput_open;
    on_answer = throughput_answer;
    connect_all();
    uint64_t begin = now(), cpu = 0, waited = 0, own = 0;
    int is_warm = 0;
    counted_from = begin + (uint64_t)(warmup_seconds * SECOND);
    stop_at = counted_from + (uint64_t)(run_seconds * SECOND);
    for (int i = 0; i < connection_count; i++) {
        connections[i].request = i % requests.count;
        send_request(&connections[i]);
    }
    while (open_count && now() < stop_at) {
        pump(20);
        if (!is_warm && now() >= counted_from) {
            is_warm = 1;
            cpu = cpu_time();
            waited = kept_waiting();
            own = own_cpu_time();
        }
    }
    cpu = cpu_time() - cpu;
    waited = kept_waiting() - waited;
    own = own_cpu_time() - own;
    uint64_t give_up = now() + patience;
    while (count_waiting() && now() < give_up)
        pump(20);
    if (count_waiting())
        wrong("%d requests were never answered", count_waiting());
    printf("{\"per_second\": %.1f, \"counted\": %ld, \"answered\": %ld, \"per_cpu_second\": %.1f, \"server_busy\": %.3f, "
           "\"server_kept_waiting\": %.3f, \"own_busy\": %.3f, ",
           (double)counted / run_seconds, counted, answered,
           cpu ? (double)counted * SECOND / (double)cpu : 0, (double)cpu / (run_seconds * SECOND),
           (double)waited / (run_seconds * SECOND), (double)own / (run_seconds * SECOND));
    printf("\"statuses\": {");
    const char *separator = "";
    for (int status = 0; status < 600; status++)
        if (by_status[status]) {
            printf("%s\"%d\": %ld", separator, status, by_status[status]);
            separator = ", ";
        }
    printf("}, ");
    print_times("latency", &latencies);
    printf(", \"wrong\": %ld}\n", wrong_count);
}

static void once_next(struct connection *connection)
{
    if (next_request >= requests.count)
        return;
    connection->request = next_request++;
    send_request(connection);
}

static void once_answer(struct connection *connection, const struct answer *answer, uint64_t at)
{
    (void)at;
    check(connection, answer);
    answered++;
    by_status[answer->status < 600 ? answer->status : 0]++;
    if (answers) {
        fprintf(answers, "%d %d %d\n", connection->request, answer->status, answer->length);
        fwrite(answer->text, 1, (size_t)answer->length, answers);
    }
    if (connection->state == IDLE)
        once_next(connection);
}

static void run_once(void)
{
    uint64_t begin = now(), last = begin;
    on_open = once_next;
    on_answer = once_answer;
    connect_all();
    for (long before = 0; answered < requests.count && open_count + connecting_count && now() - last < patience;) {
        pump(20);
        if (answered > before) {
            before = answered;
            last = now();
        }
    }
    if (answered < requests.count)
        wrong("%ld requests were never answered", requests.count - answered);
    printf("{\"answered\": %ld, \"seconds\": %.4f, \"wrong\": %ld}\n", answered, (double)(now() - begin) / SECOND,
           wrong_count);
}

/* --- hold -------------------------------------------------------------------------------------------------------- */

struct publication {
    int target; /* the client it is for, -1 for all */
    uint64_t sent_at, last_at;
    int got, is_answered;
    unsigned char *has; /* which clients have it, a bit each; to all only */
};

static struct requests publish_records;
static struct publication *publications; /* numbered from 1 */
static int publication_count, publication_size;
static struct connection publishers[2]; /* two, since one may still wait for the answer to a broadcast */
static int polls_again, middle_number;
static long renewed, polls_sent;
static struct times publish_times; /* until publishing was answered, of the present command */
static struct times *arrival_times; /* of the present wake or broadcast; one row for each server address */

static void send_poll(struct connection *connection)
{
    struct request *request = &requests.items[connection->index];
    char *to = connection->poll;
    int slot = 0;
    if (!to) {
        to = connection->poll = need(malloc((size_t)request->length + MAX_SLOTS * MAX_SLOT_LENGTH));
        const char *end = request->text + request->length;
        for (const char *at = request->text; slot < MAX_SLOTS && (at = memchr(at, 1, (size_t)(end - at))); slot++) {
            const char *close = memchr(at, 2, (size_t)(end - at));
            if (!close || close - at > MAX_SLOT_LENGTH)
                die("a slot without an end");
            memcpy(connection->slots[slot], at + 1, (size_t)(close - at - 1));
            at = close;
        }
        slot = 0;
    }
    for (const char *at = request->text, *end = at + request->length; at < end; at++) {
        if (*at == 1 && slot < MAX_SLOTS) {
            to = stpcpy(to, connection->slots[slot++]);
            at = memchr(at, 2, (size_t)(end - at));
        } else {
            *to++ = *at;
        }
    }
    polls_sent++;
    connection->sent_at = now();
    send_bytes(connection, connection->poll, (int)(to - connection->poll));
}

static void publish(struct connection *publisher, int record, int target)
{
    if (publisher->state != IDLE)
        die("the publisher is still waiting");
    if (++publication_count >= publication_size) {
        publication_size = publication_size ? 2 * publication_size : 1024;
        publications = need(realloc(publications, (size_t)publication_size * sizeof *publications));
    }
    struct publication *publication = &publications[publication_count];
    memset(publication, 0, sizeof *publication);
    publication->target = target;
    if (target < 0)
        publication->has = need(calloc((size_t)connection_count / 8 + 1, 1));
    publisher->publication = publication_count;
    stamp(&publish_records.items[record], (uint64_t)publication_count);
    publication->sent_at = now();
    send_bytes(publisher, publish_records.items[record].text, publish_records.items[record].length);
}

/* Notes that a client has got a notification, once; says whether it was right. */
static void note(struct connection *client, long number, uint64_t at)
{
    if (number < 1 || number > publication_count) {
        wrong("client %d got notification %ld, which nobody has published", client->index, number);
        return;
    }
    struct publication *publication = &publications[number];
    if (publication->target >= 0 && publication->target != client->index) {
        wrong("client %d got notification %ld, which is for client %d", client->index, number, publication->target);
        return;
    }
    unsigned char bit = (unsigned char)(1 << client->index % 8);
    int has_it = publication->has ? publication->has[client->index / 8] & bit : publication->got;
    if (has_it) {
        wrong("client %d got notification %ld twice", client->index, number);
        return;
    }
    if (publication->has)
        publication->has[client->index / 8] |= bit;
    publication->got++;
    publication->last_at = at;
    if (number != middle_number)
        add_time(&arrival_times[client->index % address_count], at - publication->sent_at);
}

static void carry_slots(struct connection *client, const struct answer *answer)
{
    for (int i = 0; i < carry_count; i++) {
        size_t length = strlen(carry[i]);
        const char *end = answer->text + answer->length;
        const char *from = memmem(answer->text, (size_t)answer->length, carry[i], length);
        if (!from) {
            if (answer->status == 200)
                wrong("client %d got no %s: %.*s", client->index, carry[i],
                      answer->length < 600 ? answer->length : 600, answer->text);
            continue;
        }
        const char *to = from += length;
        while (to < end && *to != '"' && *to != '\r' && *to != '\n' && to - from < MAX_SLOT_LENGTH - 1)
            to++;
        memcpy(client->slots[i], from, (size_t)(to - from));
        client->slots[i][to - from] = 0;
    }
}

static void hold_answer(struct connection *connection, const struct answer *answer, uint64_t at)
{
    if (connection >= publishers && connection < publishers + 2) {
        publications[connection->publication].is_answered = 1;
        add_time(&publish_times, at - publications[connection->publication].sent_at);
        if (answer->status < 200 || answer->status > 299)
            wrong("publishing was answered with %d: %.*s", answer->status,
                  answer->length < 600 ? answer->length : 600, answer->text);
        return;
    }
    if (answer->status != 200 && answer->status != 304)
        wrong("client %d got status %d: %.*s", connection->index, answer->status,
              answer->length < 600 ? answer->length : 600, answer->text);
    carry_slots(connection, answer);
    int marks = 0;
    const char *from = answer->text, *end = answer->text + answer->length;
    for (; (from = memmem(from, (size_t)(end - from), MARK, sizeof MARK - 1)); marks++) {
        from += sizeof MARK - 1;
        note(connection, from < end ? strtol(from, NULL, 10) : 0, at);
    }
    if (!marks)
        renewed++; /* its time was over */
    if ((polls_again || !marks) && connection->state == IDLE)
        send_poll(connection);
}

static void hold_open(struct connection *connection)
{
    if (connection < publishers || connection >= publishers + 2)
        send_poll(connection);
}

/* Waits until the server has nothing to do any more: for 20 ms it was never seen ready to run, and it has run for less
 * than 5 % of them. Returns when that began. */
static uint64_t settle(void)
{
    const uint64_t window = 20 * MS, step = 2 * MS;
    uint64_t begin_at = now(), begin_cpu = cpu_time(), give_up = now() + 2 * patience;
    for (;;) {
        uint64_t until = now() + step;
        while (now() < until)
            pump(1);
        uint64_t at = now(), cpu = cpu_time();
        if (cpu - begin_cpu > window / 20 || is_running()) {
            begin_at = at;
            begin_cpu = cpu;
        } else if (at - begin_at >= window) {
            return begin_at;
        }
        if (at > give_up)
            die("the server doesn't come to rest");
    }
}

static int is_everywhere(const struct publication *publication)
{
    return publication->is_answered && publication->got >= (publication->target < 0 ? connection_count : 1);
}

static void wait_for(int number)
{
    uint64_t give_up = now() + patience;
    while (!is_everywhere(&publications[number]) && now() < give_up && open_count)
        pump(20);
    if (!is_everywhere(&publications[number]))
        wrong("notification %d has reached %d instead of %d clients", number, publications[number].got,
              publications[number].target < 0 ? connection_count : 1);
}

static void clear_times(void)
{
    publish_times.used = 0;
    for (int i = 0; i < address_count; i++)
        arrival_times[i].used = 0;
}

static void print_arrival_times(void)
{
    struct times all = {0};
    for (int i = 0; i < address_count; i++)
        for (size_t j = 0; j < arrival_times[i].used; j++)
            add_time(&all, arrival_times[i].values[j]);
    print_times("latency", &all);
    free(all.values);
    for (int i = 0; address_count > 1 && i < address_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "latency_%d", i);
        printf(", ");
        print_times(name, &arrival_times[i]);
    }
}

static void command_open(void)
{
    uint64_t begin = now();
    polls_again = 1;
    connect_all();
    uint64_t settled = settle();
    printf("{\"held\": %d, \"seconds\": %.4f, \"wrong\": %ld}\n", count_waiting(),
           (double)(settled - begin) / SECOND, wrong_count);
}

static void command_wake(int count, int gap_ms)
{
    polls_again = 1;
    clear_times();
    for (int i = 0; i < count && !wrong_count; i++) {
        int target = (int)(random() % connection_count);
        for (int tried = 0; connections[target].state != WAITING; tried++) { /* its time was over just now */
            if (tried > connection_count)
                die("no client waits any more");
            target = (target + 1) % connection_count;
        }
        publish(&publishers[0], target, target);
        wait_for(publication_count);
        for (uint64_t until = now() + (uint64_t)gap_ms * MS; now() < until;)
            pump(1);
    }
    printf("{");
    print_arrival_times();
    printf(", ");
    print_times("published", &publish_times);
    printf(", \"wrong\": %ld}\n", wrong_count);
}

static void command_broadcast(int is_storm)
{
    uint64_t settled, cpu, all_cpu, waited;
    int number, middle = 0;
    settle();
    cpu = cpu_time();
    waited = kept_waiting();
    polls_again = is_storm;
    middle_number = 0;
    clear_times();
    publish(&publishers[0], connection_count, -1);
    number = publication_count;
    while (is_storm && publications[number].got < connection_count / 2 && now() - publications[number].sent_at < patience)
        pump(20);
    if (is_storm) {
        int target = (int)(random() % connection_count);
        middle = middle_number = publication_count + 1;
        publish(&publishers[1], target, target);
    }
    wait_for(number);
    all_cpu = cpu_time() - cpu;
    if (middle)
        wait_for(middle);
    if (!is_storm) {
        polls_again = 1;
        for (int i = 0; i < connection_count; i++)
            if (connections[i].state == IDLE)
                send_poll(&connections[i]);
    }
    settled = settle();
    cpu = cpu_time() - cpu;
    waited = kept_waiting() - waited;
    const struct publication *all = &publications[number];
    printf("{\"all_ms\": %.3f, \"settled_ms\": %.3f, \"held\": %d, ", (double)(all->last_at - all->sent_at) / MS,
           (double)(settled - all->sent_at) / MS, count_waiting());
    printf("\"all_cpu_ms\": %.3f, \"settled_cpu_ms\": %.3f, \"server_kept_waiting\": %.3f, ", (double)all_cpu / MS,
           (double)cpu / MS, (double)waited / (double)(now() - all->sent_at));
    if (middle)
        printf("\"middle_ms\": %.3f, ",
               (double)(publications[middle].last_at - publications[middle].sent_at) / MS);
    print_arrival_times();
    printf(", \"wrong\": %ld}\n", wrong_count);
}

static void command_quit(void)
{
    /* What was delivered twice or to a stranger would have come by now. */
    for (uint64_t until = now() + 50 * MS; now() < until;)
        pump(10);
    printf("{\"published\": %d, \"polls\": %ld, \"renewed\": %ld, \"wrong\": %ld}\n", publication_count, polls_sent,
           renewed, wrong_count);
}

static void run_hold(void)
{
    char line[128];
    int count, gap;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    on_open = hold_open;
    on_answer = hold_answer;
    arrival_times = need(calloc((size_t)address_count, sizeof *arrival_times));
    if (publish_records.count != connection_count + 1)
        die("%d publish records are not one for each of %d clients and one for all", publish_records.count,
            connection_count);
    for (int i = 0; i < 2; i++) {
        publishers[i].index = connection_count + i;
        publishers[i].address = &publish_address;
        start_connecting(&publishers[i]);
    }
    if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &event))
        die("hold takes its commands from a pipe");
    for (;;) {
        pump(-1);
        if (!has_command)
            continue;
        has_command = 0;
        if (!fgets(line, sizeof line, stdin) || !strcmp(line, "quit\n")) {
            command_quit();
            return;
        }
        if (!strcmp(line, "open\n"))
            command_open();
        else if (sscanf(line, "wake %d %d", &count, &gap) == 2)
            command_wake(count, gap);
        else if (!strcmp(line, "broadcast\n"))
            command_broadcast(0);
        else if (!strcmp(line, "storm\n"))
            command_broadcast(1);
        else
            die("unknown command %s", line);
        fflush(stdout);
    }
}

/* --- start ------------------------------------------------------------------------------------------------------- */

static struct sockaddr_in parse_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64];
    int port;
    if (sscanf(text, "%63[0-9.]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &address.sin_addr) != 1)
        die("%s is no address and port", text);
    if (ntohl(address.sin_addr.s_addr) >> 24 != 127)
        die("%s is not of this machine: load goes to 127.0.0.0/8 only", text);
    address.sin_port = htons((uint16_t)port);
    return address;
}

static void parse_list(char *text, void (*take)(const char *))
{
    char *rest;
    for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest))
        take(part);
}

static void take_address(const char *text)
{
    if (address_count == MAX_ADDRESSES)
        die("too many addresses");
    addresses[address_count++] = parse_address(text);
}

int main(int count, char **arguments)
{
    static const struct option options[] = {
        {"to", required_argument, NULL, 't'},         {"requests", required_argument, NULL, 'r'},
        {"connections", required_argument, NULL, 'c'}, {"seconds", required_argument, NULL, 's'},
        {"warmup", required_argument, NULL, 'w'},     {"expect", required_argument, NULL, 'e'},
        {"contain", required_argument, NULL, 'x'},    {"answers", required_argument, NULL, 'a'},
        {"publish-to", required_argument, NULL, 'p'}, {"publish", required_argument, NULL, 'P'},
        {"carry", required_argument, NULL, 'C'},      {"watch", required_argument, NULL, 'W'},
        {"sources", required_argument, NULL, 'S'},    {"patience", required_argument, NULL, 'T'},
        {NULL, 0, NULL, 0},
    };
    const char *mode = count > 1 ? arguments[1] : "";
    int option;
    optind = 2;
    while ((option = getopt_long(count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 't': parse_list(optarg, take_address); break;
        case 'r': requests = read_requests(optarg); break;
        case 'c': connection_count = atoi(optarg); break;
        case 's': run_seconds = atof(optarg); break;
        case 'w': warmup_seconds = atof(optarg); break;
        case 'e': expected_status = atoi(optarg); break;
        case 'x': contained = optarg; break;
        case 'a': answers = fopen(optarg, "w"); break;
        case 'p': publish_address = parse_address(optarg); break;
        case 'P': publish_records = read_requests(optarg); break;
        case 'C':
            if (carry_count == MAX_SLOTS)
                die("too many slots");
            carry[carry_count++] = optarg;
            break;
        case 'W': parse_list(optarg, take_pid); break;
        case 'T': patience = (uint64_t)(atof(optarg) * SECOND); break;
        case 'S': source_count = atoi(optarg); break;
        default: die("see the top of loadgen.c");
        }
    }
    if (!address_count || !requests.count || source_count < 1 || source_count > 250)
        die("--to and --requests are needed; see the top of loadgen.c");
    if (!strcmp(mode, "hold") || connection_count <= 0 || (!strcmp(mode, "once") && connection_count > requests.count))
        connection_count = requests.count;
    connections = need(calloc((size_t)connection_count, sizeof *connections));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!strcmp(mode, "throughput"))
        run_throughput();
    else if (!strcmp(mode, "once"))
        run_once();
    else if (!strcmp(mode, "hold"))
        run_hold();
    else
        die("%s is none of throughput, once, hold", mode);
    if (answers && fclose(answers))
        die("the answers couldn't be written");
    return wrong_count ? 1 : 0;
}
