// Prints what the functions that are stood before answer, in every odd case that there is.
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct Guard {
  const char *name;
  ~Guard() { printf("%s: destructor\n", name); }
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static volatile int stage;

static void wake(void *name) { printf("%s: handler\n", (const char *)name); }

static void *in_condition(void *) {
  Guard guard{"condition"};
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push([](void *) { pthread_mutex_unlock(&mutex); }, nullptr);
  stage = 1;
  for (;;) pthread_cond_wait(&condition, &mutex);
  pthread_cleanup_pop(0);
  return nullptr;
}
static void *in_semaphore(void *) {
  Guard guard{"semaphore"};
  pthread_cleanup_push(wake, (void *)"semaphore");
  stage = 1;
  sem_wait(&semaphore);
  pthread_cleanup_pop(0);
  return nullptr;
}
static void *in_sleep(void *) {
  Guard guard{"sleep"};
  stage = 1;
  timespec time = {100, 0};
  nanosleep(&time, nullptr);
  return nullptr;
}

static void cancel(void *(*function)(void *)) {
  pthread_t thread;
  void *result = nullptr;
  stage = 0;
  pthread_create(&thread, nullptr, function, nullptr);
  while (!stage) usleep(1000);
  usleep(20000);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("canceled: %d\n", result == PTHREAD_CANCELED);
}

static int in_handler;
static void handler(int) {
  timespec time = {0, 1000};
  nanosleep(&time, nullptr);
  sem_post(&semaphore);
  sem_trywait(&semaphore);
  in_handler++;
}

static void *locks_for_ever(void *) {
  for (;;) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  }
}

int main() {
  sem_init(&semaphore, 0, 0);
  cancel(in_condition);
  cancel(in_semaphore);
  cancel(in_sleep);

  pthread_mutexattr_t attributes;
  pthread_mutex_t checked, recursive;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&checked, &attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&recursive, &attributes);
  printf("unlock of none: %d\n", pthread_mutex_unlock(&checked));
  printf("lock: %d, again: %d, try: %d\n", pthread_mutex_lock(&checked), pthread_mutex_lock(&checked),
         pthread_mutex_trylock(&checked));
  printf("recursive: %d %d %d\n", pthread_mutex_lock(&recursive), pthread_mutex_lock(&recursive),
         pthread_mutex_unlock(&recursive));
  timespec past = {1, 0};
  pthread_mutex_lock(&mutex);
  printf("timed: %d\n", pthread_mutex_timedlock(&mutex, &past));
  printf("timed condition: %d\n", pthread_cond_timedwait(&condition, &mutex, &past));
  pthread_mutex_unlock(&mutex);

  errno = 77;
  printf("mutex keeps errno: %d\n", (pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex), errno));
  errno = 77;
  printf("semaphore: %d %d\n", sem_trywait(&semaphore), errno);
  errno = 77;
  printf("timed semaphore: %d %d\n", sem_timedwait(&semaphore, &past), errno);

  errno = 77;
  void *memory = (void *)syscall(SYS_mmap, 0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  printf("six arguments: %d %d\n", memory != MAP_FAILED, errno);
  printf("no such call: %ld %d\n", syscall(999999), errno);
  printf("bad file: %ld %d\n", syscall(SYS_close, -1), errno);
  int word = 5;
  printf("futex, other value: %ld %d\n", syscall(SYS_futex, &word, FUTEX_WAIT, 4, nullptr), errno);
  timespec brief = {0, 1000000};
  printf("futex, timeout: %ld %d\n", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 5, &past, nullptr, ~0),
         errno);
  printf("futex, brief: %ld %d\n", syscall(SYS_futex, &word, FUTEX_WAIT, 5, &brief), errno);
  printf("futex, wake: %ld\n", syscall(SYS_futex, &word, FUTEX_WAKE, 1));

  struct sigaction action = {};
  action.sa_handler = handler;
  sigaction(SIGALRM, &action, nullptr);
  timer_t timer;
  timer_create(CLOCK_MONOTONIC, nullptr, &timer);
  itimerspec soon = {{0, 0}, {0, 20000000}};
  timer_settime(timer, 0, &soon, nullptr);
  timespec longer = {5, 0}, left = {0, 0};
  errno = 0;
  printf("interrupted: %d %d, left: %d\n", nanosleep(&longer, &left), errno, left.tv_sec == 4);
  timer_settime(timer, 0, &soon, nullptr);
  printf("interrupted semaphore: %d %d, handlers: %d\n", sem_wait(&semaphore), errno, in_handler);

  pthread_t thread;
  pthread_create(&thread, nullptr, locks_for_ever, nullptr);
  int good = 0;
  fflush(stdout);
  for (int i = 0; i < 20; i++) {
    pid_t child = fork();
    if (child == 0) {
      pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
      pthread_mutex_lock(&own);
      pthread_mutex_unlock(&own);
      usleep(100);
      _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    good += status == 0;
  }
  printf("forks: %d\n", good);
  fflush(stdout);
  _exit(9);
}
