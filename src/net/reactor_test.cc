#include "net/reactor.h"

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace fanfare::net {
namespace {

using namespace std::chrono_literals;

class ReactorTest : public testing::Test {
 protected:
  ~ReactorTest() override { stop(); }
  void start() {
    thread_ = std::jthread([this] { reactor_.run(); });
  }
  void stop() {
    reactor_.stop();
    if (thread_.joinable()) thread_.join();
  }
  // Runs `task` on the loop and waits for it.
  template <class Task>
  void on_loop(Task task) {
    std::promise<void> done;
    reactor_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().get();
  }

  SystemClock clock_;
  Reactor reactor_{clock_};
  std::jthread thread_;
};

TEST_F(ReactorTest, RunsPostedTasksInOrder) {
  std::vector<int> ran;
  for (int i = 0; i < 1000; ++i) reactor_.post([&ran, i] { ran.push_back(i); });
  start();

  on_loop([] {});

  ASSERT_EQ(ran.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST_F(ReactorTest, RunsTasksOnTheLoopsThread) {
  start();
  std::thread::id seen;

  on_loop([&] { seen = std::this_thread::get_id(); });

  EXPECT_EQ(seen, thread_.get_id());
}

TEST_F(ReactorTest, RunsATaskPostedFromATaskAfterIt) {
  start();
  std::vector<int> ran;
  std::promise<void> done;

  reactor_.post([&] {
    reactor_.post([&] {
      ran.push_back(2);
      done.set_value();
    });
    ran.push_back(1);
  });
  done.get_future().get();

  EXPECT_EQ(ran, (std::vector{1, 2}));
}

TEST_F(ReactorTest, LosesNoPostOfManyThreads) {
  start();
  std::atomic<int> count = 0;
  {
    std::vector<std::jthread> posters;
    for (int t = 0; t < 4; ++t) {
      posters.emplace_back([&] {
        for (int i = 0; i < 20'000; ++i) reactor_.post([&] { ++count; });
      });
    }
  }

  on_loop([] {});

  EXPECT_EQ(count, 80'000);
}

TEST_F(ReactorTest, DestroysATaskOnceItHasRun) {
  start();
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  bool was_alive_in_the_next_task = true;
  reactor_.post([token = std::move(token)] {});
  on_loop([&] { was_alive_in_the_next_task = !watch.expired(); });

  EXPECT_FALSE(was_alive_in_the_next_task);
}

TEST_F(ReactorTest, RunsATimerNeverEarly) {
  start();
  std::promise<SteadyTime> ran;
  SteadyTime started;

  on_loop([&] {
    started = clock_.steady_now();
    reactor_.after(30ms, [&] { ran.set_value(clock_.steady_now()); });
  });

  EXPECT_GE(ran.get_future().get() - started, 30ms);
}

TEST_F(ReactorTest, RunsAnEarlierTimerThatWasAddedLaterFirst) {
  start();
  std::vector<int> ran;
  std::promise<void> done;

  on_loop([&] {
    reactor_.after(60ms, [&] {
      ran.push_back(2);
      done.set_value();
    });
    reactor_.after(10ms, [&] { ran.push_back(1); });
  });
  done.get_future().get();

  EXPECT_EQ(ran, (std::vector{1, 2}));
}

TEST_F(ReactorTest, NeverRunsACancelledTimer) {
  start();
  std::atomic<bool> has_run = false;
  std::promise<void> later;

  on_loop([&] {
    const auto id = reactor_.after(10ms, [&] { has_run = true; });
    reactor_.cancel(id);
    reactor_.after(40ms, [&] { later.set_value(); });
  });
  later.get_future().get();

  EXPECT_FALSE(has_run);
}

TEST_F(ReactorTest, ATimerMayBeSetBeforeTheLoopRuns) {
  std::promise<void> ran;
  reactor_.after(10ms, [&] { ran.set_value(); });

  start();

  EXPECT_EQ(ran.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(ReactorTest, StopsFromAnotherThreadThoughTimersWait) {
  bool ran = false;
  start();
  on_loop([&] { reactor_.after(1h, [&] { ran = true; }); });

  stop();  // hangs if the timer keeps the loop

  EXPECT_FALSE(ran);
}

TEST(Reactor, DropsWhatItNeverRan) {
  SystemClock clock;
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  {
    Reactor reactor(clock);
    reactor.post([token] {});
    reactor.after(1h, [token = std::move(token)] {});
  }

  EXPECT_TRUE(watch.expired());
}

TEST(ReactorDeathTest, AnExceptionEndsTheProcessAndSaysWhich) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  SystemClock clock;
  Reactor reactor(clock);
  reactor.post([] { throw std::runtime_error("the dog ate it"); });

  EXPECT_DEATH(reactor.run(), "exception reached the event loop: the dog ate it");
}

TEST(ReactorDeathTest, ATimerFromAnotherThreadIsABug) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  SystemClock clock;
  Reactor reactor(clock);

  EXPECT_DEATH(
      {
        std::jthread loop([&] { reactor.run(); });
        std::promise<void> is_up;
        reactor.post([&] { is_up.set_value(); });
        is_up.get_future().get();
        reactor.after(1s, [] {});
      },
      "is_loop_thread");
}

}  // namespace
}  // namespace fanfare::net
