// Waits for a lock, then ends in the way that it is told.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "asleep.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void *holds(void *unused) {
  pthread_mutex_lock(&lock);
  pthread_barrier_wait(&both);
  until_main_sleeps();
  pthread_mutex_unlock(&lock);
  return unused;
}

int main(int count, char **arguments) {
  pthread_t thread;
  pthread_barrier_init(&both, NULL, 2);
  pthread_create(&thread, NULL, holds, NULL);
  pthread_barrier_wait(&both);
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
  pthread_join(thread, NULL);
  printf("LD_PRELOAD=%s\n", getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "");
  fflush(stdout);
  const char *ending = count > 1 ? arguments[1] : "return";
  if (!strcmp(ending, "wait")) pause();
  if (!strcmp(ending, "kill")) kill(getpid(), SIGKILL);
  if (!strcmp(ending, "terminate")) kill(getpid(), SIGTERM);
  if (!strcmp(ending, "abort")) abort();
  if (!strcmp(ending, "_exit")) _exit(5);
  if (!strcmp(ending, "exec")) execl("/bin/echo", "echo", "another program", NULL);
  if (!strcmp(ending, "nobody")) return setgid(65534) || setuid(65534) ? 1 : 4;
  if (!strcmp(ending, "chroot")) return chroot("/var/empty") && chroot("/proc") ? 1 : 6;
  return 3;
}
