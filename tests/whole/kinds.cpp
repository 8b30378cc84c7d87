// One wait of each kind, each in a function with its name.
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <semaphore.h>
#include <shared_mutex>
#include <thread>
#include <atomic>
#include <pthread.h>
#include "asleep.h"

using namespace std::chrono_literals;
#define NOINLINE __attribute__((noinline))

static std::mutex plain;
static std::timed_mutex timed;
static std::shared_mutex shared;
static std::mutex of_condition;
static std::condition_variable condition;
static bool is_ready;
static sem_t semaphore;
static pthread_barrier_t barrier;

// Set by whoever others are to wait for, when it is under way.
static std::atomic<bool> is_held;

NOINLINE static void until_somebody_waits() {
  is_held = true;
  until_main_sleeps();
}
NOINLINE static void pauses() { std::this_thread::sleep_for(5ms); asm(""); }

NOINLINE void holds_plain() { plain.lock(); until_somebody_waits(); plain.unlock(); asm(""); }
NOINLINE void waits_for_plain() { plain.lock(); plain.unlock(); asm(""); }
NOINLINE void holds_timed() { timed.lock(); until_somebody_waits(); timed.unlock(); asm(""); }
NOINLINE void waits_for_timed() { if (timed.try_lock_for(10s)) timed.unlock(); asm(""); }
NOINLINE void holds_shared() { shared.lock(); until_somebody_waits(); shared.unlock(); asm(""); }
NOINLINE void waits_for_shared() { shared.lock_shared(); shared.unlock_shared(); asm(""); }
NOINLINE void holds_to_read() { shared.lock_shared(); until_somebody_waits(); shared.unlock_shared(); asm(""); }
NOINLINE void waits_to_write() { shared.lock(); shared.unlock(); asm(""); }
NOINLINE void waits_for_condition() {
  std::unique_lock<std::mutex> guard(of_condition);
  condition.wait(guard, [] { return is_ready; });
}
NOINLINE void notifies() {
  until_somebody_waits();
  { std::lock_guard<std::mutex> guard(of_condition); is_ready = true; }
  condition.notify_one();
  asm("");
}
NOINLINE void waits_for_semaphore() { sem_wait(&semaphore); asm(""); }
NOINLINE void posts() { until_somebody_waits(); sem_post(&semaphore); asm(""); }
NOINLINE void waits_at_barrier() { pthread_barrier_wait(&barrier); asm(""); }
NOINLINE void comes_last() { until_somebody_waits(); pthread_barrier_wait(&barrier); asm(""); }
static std::once_flag once;
static bool has_run;
NOINLINE void initialises() { std::call_once(once, [] { until_somebody_waits(); has_run = true; }); asm(""); }
NOINLINE void waits_for_initialiser() { std::call_once(once, [] {}); asm(""); }
NOINLINE void waits_for_future(std::future<int> &future) { future.get(); asm(""); }

// Calls `second` when `first` is under way.
template <typename First, typename Second> static void together(First first, Second second) {
  is_held = false;
  std::thread thread(first);
  while (!is_held) std::this_thread::yield();
  second();
  thread.join();
}

NOINLINE static void joins() {
  std::thread thread(until_somebody_waits);
  thread.join();
  asm("");
}

int main() {
  sem_init(&semaphore, 0, 0);
  pthread_barrier_init(&barrier, nullptr, 2);
  together(holds_plain, waits_for_plain);
  together(holds_timed, waits_for_timed);
  together(holds_shared, waits_for_shared);
  together(holds_to_read, waits_to_write);
  together(notifies, waits_for_condition);
  together(posts, waits_for_semaphore);
  together(comes_last, waits_at_barrier);
  together(initialises, waits_for_initialiser);
  if (!has_run) return 1;
  joins();
  pauses();
  std::promise<int> promise;
  auto future = promise.get_future();
  together([&] { until_somebody_waits(); promise.set_value(1); }, [&] { waits_for_future(future); });
}
