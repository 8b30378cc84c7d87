// Waits for pipes and sockets in each way, and passes by those that are ready or do not block.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include "asleep.h"

#define CHECK(truth) \
  do { \
    if (!(truth)) { \
      printf("line %d: %s\n", __LINE__, #truth); \
      exit(1); \
    } \
  } while (0)

static int ends[2];
static struct sockaddr_in address;
static char megabyte[1 << 20];

static void *sends(void *unused) {
  until_main_sleeps();
  CHECK(send(ends[1], "x", 1, 0) == 1);
  return unused;
}

static void *drains(void *unused) {
  until_main_sleeps();
  for (size_t left = sizeof megabyte; left;) {
    ssize_t length = recv(ends[1], megabyte, left, MSG_WAITALL);
    CHECK(length > 0);
    left -= length;
  }
  return unused;
}

static void *connects(void *unused) {
  until_main_sleeps();
  int client = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(!connect(client, (struct sockaddr *)&address, sizeof address));
  close(client);
  return unused;
}

static pthread_t start(void *(*function)(void *)) {
  pthread_t thread;
  CHECK(!pthread_create(&thread, NULL, function, NULL));
  return thread;
}

// The functions that the profile is asked for.
#define WAITS(name, other, call) \
  static __attribute__((noinline)) void name(void) { \
    char byte; \
    (void)byte; \
    pthread_t thread = start(other); \
    CHECK(call); \
    CHECK(!pthread_join(thread, NULL)); \
  }

static struct iovec one(char *byte) { return (struct iovec){byte, 1}; }

static int by_readv(char *byte) {
  struct iovec to = one(byte);
  return readv(ends[0], &to, 1);
}

static int by_message(char *byte) {
  struct iovec to = one(byte);
  struct msghdr message = {.msg_iov = &to, .msg_iovlen = 1};
  return recvmsg(ends[0], &message, 0);
}

static int taken(void) {
  char byte;
  return read(ends[0], &byte, 1) == 1;
}

static int by_poll(void) {
  struct pollfd wanted = {ends[0], POLLIN, 0};
  return poll(&wanted, 1, 60000) == 1 && wanted.revents == POLLIN && taken();
}

static int by_ppoll(void) {
  struct pollfd wanted = {ends[0], POLLIN, 0};
  return ppoll(&wanted, 1, NULL, NULL) == 1 && taken();
}

static int by_select(void) {
  fd_set wanted;
  FD_ZERO(&wanted);
  FD_SET(ends[0], &wanted);
  return select(ends[0] + 1, &wanted, NULL, NULL, NULL) == 1 && FD_ISSET(ends[0], &wanted) && taken();
}

static int by_epoll(void) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = 7};
  int epoll = epoll_create1(0);
  CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event));
  event.data.u32 = 0;
  int found = epoll_wait(epoll, &event, 1, -1);
  close(epoll);
  return found == 1 && event.data.u32 == 7 && taken();
}

static int listener;

static int by_accept(void) {
  int client = accept(listener, NULL, NULL);
  close(client);
  return client >= 0;
}

WAITS(waits_in_read, sends, read(ends[0], &byte, 1) == 1)
WAITS(waits_in_readv, sends, by_readv(&byte) == 1)
WAITS(waits_in_recv, sends, recv(ends[0], &byte, 1, 0) == 1)
WAITS(waits_in_recvfrom, sends, recvfrom(ends[0], &byte, 1, 0, NULL, NULL) == 1)
WAITS(waits_in_recvmsg, sends, by_message(&byte) == 1)
WAITS(waits_in_poll, sends, by_poll())
WAITS(waits_in_ppoll, sends, by_ppoll())
WAITS(waits_in_select, sends, by_select())
WAITS(waits_in_epoll, sends, by_epoll())
WAITS(waits_in_accept, connects, by_accept())
WAITS(waits_in_write, drains, write(ends[0], megabyte, sizeof megabyte) == sizeof megabyte)
WAITS(waits_in_send, drains, send(ends[0], megabyte, sizeof megabyte, 0) == sizeof megabyte)

static __attribute__((noinline)) void does_not_wait(const char *program) {
  char byte;
  CHECK(send(ends[1], "xy", 2, 0) == 2);
  CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
  CHECK(by_poll());
  CHECK(recv(ends[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
  int flags = fcntl(ends[0], F_GETFL);
  fcntl(ends[0], F_SETFL, flags | O_NONBLOCK);
  CHECK(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
  fcntl(ends[0], F_SETFL, flags);
  struct pollfd wanted = {ends[0], POLLIN, 0};
  CHECK(poll(&wanted, 1, 0) == 0);
  errno = 0;
  CHECK(read(-1, &byte, 1) == -1 && errno == EBADF);
  int file = open(program, O_RDONLY);
  CHECK(file >= 0 && read(file, megabyte, sizeof megabyte) > 0);
  errno = 77;
  CHECK(lseek(file, 0, SEEK_SET) == 0 && read(file, &byte, 1) == 1 && errno == 77);
  close(file);
}

int main(int count, char **arguments) {
  (void)count;
  CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  CHECK(!bind(listener, (struct sockaddr *)&address, length) && !listen(listener, 1));
  CHECK(!getsockname(listener, (struct sockaddr *)&address, &length));
  waits_in_read();
  waits_in_readv();
  waits_in_recv();
  waits_in_recvfrom();
  waits_in_recvmsg();
  waits_in_poll();
  waits_in_ppoll();
  waits_in_select();
  waits_in_epoll();
  waits_in_accept();
  waits_in_write();
  waits_in_send();
  does_not_wait(arguments[0]);
  puts("done");
}
