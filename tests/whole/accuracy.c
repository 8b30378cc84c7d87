// Threads that hold one lock for known times, with clocks around it: prints how much waiting each of the
// three sites is to blame for, and how much there was.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SITES = 3, MOST = 100000 };
struct Span { uint64_t wait, begin, end; int site; };
static struct Span spans[MOST];
static int used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t holds[SITES];

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}
static void hold(int site, uint64_t wait) {
  uint64_t begin = now();
  while (now() - begin < holds[site]) nanosleep(&(struct timespec){0, 100000}, NULL);
  int at = __atomic_fetch_add(&used, 1, __ATOMIC_RELAXED);
  if (at < MOST) spans[at] = (struct Span){wait, begin, now(), site};
}
#define SITE(name, number)                                                                                   \
  __attribute__((noinline)) static void name(void) {                                                         \
    uint64_t wait = now();                                                                                   \
    pthread_mutex_lock(&lock);                                                                               \
    hold(number, wait);                                                                                      \
    pthread_mutex_unlock(&lock);                                                                             \
    __asm__("");                                                                                             \
  }
SITE(slow_site, 0)
SITE(quick_site, 1)
SITE(tiny_site, 2)

static int rounds;
static void *work(void *number) {
  unsigned seed = (unsigned)(uintptr_t)number;
  for (int i = 0; i < rounds; i++) {
    switch (rand_r(&seed) % 8) {
    case 0: case 1: slow_site(); break;
    case 2: case 3: case 4: quick_site(); break;
    default: tiny_site();
    }
  }
  return NULL;
}

int main(int count, char **arguments) {
  int is_queue = count > 1 && !strcmp(arguments[1], "queue");
  int threads = is_queue ? 6 : 4;
  rounds = is_queue ? 40 : 60;
  holds[0] = is_queue ? 2000000 : 3000000;
  holds[1] = 1000000;
  holds[2] = is_queue ? 500000 : 300000;
  pthread_t all[8];
  for (long i = 0; i < threads; i++) pthread_create(&all[i], NULL, work, (void *)(i + 1));
  for (int i = 0; i < threads; i++) pthread_join(all[i], NULL);
  uint64_t blame[SITES] = {0}, waited = 0;
  for (int i = 0; i < used; i++) {
    waited += spans[i].begin - spans[i].wait;
    for (int j = 0; j < used; j++) {
      uint64_t from = spans[j].begin > spans[i].wait ? spans[j].begin : spans[i].wait;
      uint64_t to = spans[j].end < spans[i].begin ? spans[j].end : spans[i].begin;
      if (to > from) blame[spans[j].site] += to - from;
    }
  }
  printf("%llu %llu %llu %llu\n", (unsigned long long)blame[0], (unsigned long long)blame[1],
         (unsigned long long)blame[2], (unsigned long long)waited);
}
