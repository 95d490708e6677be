#include "net/timer_wheel.h"

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace fanfare::net {
namespace {

using namespace std::chrono_literals;

class TimerWheelTest : public testing::Test {
 protected:
  static constexpr SteadyTime kOrigin{Millis{1'000'003}};
  void advance_to(Millis since_origin) {
    now_ = kOrigin + since_origin;
    wheel_.advance(now_);
  }
  TimerWheel::TimerId add(Millis delay, int name) {
    return wheel_.add(now_, delay, [this, name] { ran_.push_back(name); });
  }

  SteadyTime now_ = kOrigin;
  TimerWheel wheel_{kOrigin};
  std::vector<int> ran_;
};

using Ran = std::vector<int>;

TEST_F(TimerWheelTest, RunsNothingEarly) {
  add(100ms, 1);

  advance_to(99ms);

  EXPECT_EQ(ran_, Ran{});
}

TEST_F(TimerWheelTest, RunsWhenDue) {
  add(100ms, 1);

  advance_to(100ms);

  EXPECT_EQ(ran_, Ran{1});
}

TEST_F(TimerWheelTest, RoundsAnOddDelayUpToTheNextTick) {
  advance_to(3ms);
  add(100ms, 1);  // due at 103 ms

  advance_to(109ms);
  EXPECT_EQ(ran_, Ran{});
  advance_to(110ms);

  EXPECT_EQ(ran_, Ran{1});
}

TEST_F(TimerWheelTest, RunsAZeroDelayAtTheNextTick) {
  add(0ms, 1);

  advance_to(10ms);

  EXPECT_EQ(ran_, Ran{1});
}

TEST_F(TimerWheelTest, TreatsANegativeDelayAsZero) {
  add(-5s, 1);

  advance_to(10ms);

  EXPECT_EQ(ran_, Ran{1});
}

TEST_F(TimerWheelTest, RunsInOrderOfDueTimeAcrossABigJump) {
  add(24h, 5);
  add(3s, 3);
  add(10ms, 1);
  add(700s, 4);
  add(2560ms, 2);

  advance_to(24h);

  EXPECT_EQ(ran_, (Ran{1, 2, 3, 4, 5}));
}

TEST_F(TimerWheelTest, KeepsTheOrderOfAdditionWithinATick) {
  for (int i = 0; i < 5; ++i) add(50ms, i);

  advance_to(50ms);

  EXPECT_EQ(ran_, (Ran{0, 1, 2, 3, 4}));
}

TEST_F(TimerWheelTest, RunsATimerPastTheSlowestWheelOnTime) {
  add(100h, 1);

  advance_to(100h - 1ms);
  EXPECT_EQ(ran_, Ran{});
  advance_to(100h);

  EXPECT_EQ(ran_, Ran{1});
}

TEST_F(TimerWheelTest, RunsEachTimerOnce) {
  add(10ms, 1);

  advance_to(10ms);
  advance_to(48h);

  EXPECT_EQ(ran_, Ran{1});
}

TEST_F(TimerWheelTest, IgnoresATimeBeforeTheLastOne) {
  advance_to(1s);
  add(100ms, 1);

  advance_to(0ms);
  advance_to(-1h);

  EXPECT_EQ(ran_, Ran{});
  advance_to(1100ms);
  EXPECT_EQ(ran_, Ran{1});
}

TEST_F(TimerWheelTest, NeverRunsACancelledTimer) {
  const auto id = add(10ms, 1);

  EXPECT_TRUE(wheel_.cancel(id));
  advance_to(1h);

  EXPECT_EQ(ran_, Ran{});
  EXPECT_TRUE(wheel_.empty());
}

TEST_F(TimerWheelTest, DestroysTheTaskOfACancelledTimerAtOnce) {
  auto alive = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = alive;
  const auto id = wheel_.add(now_, 1h, [alive = std::move(alive)] {});

  wheel_.cancel(id);

  EXPECT_TRUE(watch.expired());
}

TEST_F(TimerWheelTest, RefusesToCancelTwice) {
  const auto id = add(10ms, 1);
  wheel_.cancel(id);

  EXPECT_FALSE(wheel_.cancel(id));
}

TEST_F(TimerWheelTest, RefusesToCancelWhatHasRun) {
  const auto id = add(10ms, 1);
  advance_to(10ms);

  EXPECT_FALSE(wheel_.cancel(id));
}

TEST_F(TimerWheelTest, RefusesIdsItNeverGave) {
  EXPECT_FALSE(wheel_.cancel(0));
  EXPECT_FALSE(wheel_.cancel(~TimerWheel::TimerId{0}));
}

TEST_F(TimerWheelTest, GivesNewIdsToReusedNodes) {
  std::set<TimerWheel::TimerId> ids;
  for (int i = 0; i < 1000; ++i) {
    const auto id = add(10ms, 1);
    EXPECT_NE(id, 0U);
    EXPECT_TRUE(ids.insert(id).second);
    wheel_.cancel(id);
  }
}

TEST_F(TimerWheelTest, AnOldIdDoesNotCancelTheTimerThatTookItsNode) {
  const auto old_id = add(10ms, 1);
  wheel_.cancel(old_id);
  add(10ms, 2);

  EXPECT_FALSE(wheel_.cancel(old_id));

  advance_to(10ms);
  EXPECT_EQ(ran_, Ran{2});
}

TEST_F(TimerWheelTest, ACallbackMayCancelAnotherTimerOfItsTick) {
  TimerWheel::TimerId second = 0;
  wheel_.add(now_, 10ms, [&] { EXPECT_TRUE(wheel_.cancel(second)); });
  second = add(10ms, 2);

  advance_to(10ms);

  EXPECT_EQ(ran_, Ran{});
}

TEST_F(TimerWheelTest, ACallbackCannotCancelItself) {
  TimerWheel::TimerId self = 0;
  bool was_cancelled = true;
  self = wheel_.add(now_, 10ms, [&] { was_cancelled = wheel_.cancel(self); });

  advance_to(10ms);

  EXPECT_FALSE(was_cancelled);
}

TEST_F(TimerWheelTest, ACallbackMayAddATimer) {
  wheel_.add(now_, 10ms, [this] { add(20ms, 2); });

  advance_to(10ms);
  EXPECT_EQ(ran_, Ran{});
  advance_to(30ms);

  EXPECT_EQ(ran_, Ran{2});
}

TEST_F(TimerWheelTest, ACallbackThatAddsItselfAgainRunsOnceForEachTick) {
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    wheel_.add(now_, 0ms, again);
  };
  wheel_.add(now_, 0ms, again);

  for (int tick = 1; tick <= 100; ++tick) advance_to(tick * 10ms);

  EXPECT_EQ(runs, 100);
}

TEST_F(TimerWheelTest, ATimerAddedDuringABigJumpCountsFromTheNewTime) {
  wheel_.add(now_, 10ms, [this] { add(1s, 2); });  // now_ is 1 h when this runs

  advance_to(1h);
  EXPECT_EQ(ran_, Ran{});
  advance_to(1h + 1s);

  EXPECT_EQ(ran_, Ran{2});
}

TEST_F(TimerWheelTest, AnEmptyWheelAsksForNoWakeUp) {
  EXPECT_EQ(wheel_.next_wake(), std::nullopt);
  wheel_.cancel(add(10ms, 1));

  EXPECT_EQ(wheel_.next_wake(), std::nullopt);
}

TEST_F(TimerWheelTest, AsksForAWakeUpAtTheNearestTimer) {
  add(1h, 1);
  add(500ms, 2);

  EXPECT_EQ(wheel_.next_wake(), kOrigin + 500ms);
}

TEST_F(TimerWheelTest, FollowingItsWakeUpsTakesFewTurns) {
  add(24h, 1);
  int turns = 0;

  while (const auto next = wheel_.next_wake()) {
    now_ = *next;
    wheel_.advance(now_);
    ASSERT_LT(++turns, 10);
  }

  EXPECT_EQ(now_, kOrigin + 24h);
}

TEST_F(TimerWheelTest, ClearDropsEveryTimer) {
  add(10ms, 1);
  add(10h, 2);

  wheel_.clear();
  advance_to(24h);

  EXPECT_EQ(ran_, Ran{});
  EXPECT_EQ(wheel_.size(), 0U);
}

// Against a model: a sorted map of due times. Random adds, cancels and jumps of every size.
TEST_F(TimerWheelTest, AgreesWithASortedMapUnderRandomUse) {
  std::mt19937_64 random{20260301};  // NOLINT: the same numbers each time
  std::map<TimerWheel::TimerId, SteadyTime> due_of;
  const auto draw = [&](std::uint64_t below) {
    return static_cast<std::int64_t>(random() % below);
  };

  for (int step = 0; step < 20'000; ++step) {
    const auto choice = draw(10);
    if (choice < 6) {
      const Millis delay{draw(std::uint64_t{1} << (1 + draw(27)))};
      auto id = std::make_shared<TimerWheel::TimerId>(0);
      *id = wheel_.add(now_, delay, [&, id] {
        const SteadyTime due = due_of.at(*id);
        EXPECT_LE(due, now_) << "early";
        due_of.erase(*id);
      });
      due_of[*id] = now_ + delay;
    } else if (choice < 8 && !due_of.empty()) {
      const auto victim = std::next(due_of.begin(), draw(std::min<std::size_t>(due_of.size(), 50)));
      EXPECT_TRUE(wheel_.cancel(victim->first));
      due_of.erase(victim);
    } else {
      now_ += Millis{draw(std::uint64_t{1} << (1 + draw(23)))};
      wheel_.advance(now_);
      if (step % 97 == 0) {
        for (const auto& [id, due] : due_of) ASSERT_GT(due + TimerWheel::kTick, now_) << "late";
      }
    }
    ASSERT_EQ(wheel_.size(), due_of.size());
  }
}

TEST_F(TimerWheelTest, HoldsAMillionTimers) {
  std::size_t count = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    wheel_.add(now_, Millis{i % 86'400'000}, [&count] { ++count; });
  }

  advance_to(24h);

  EXPECT_EQ(count, 1'000'000U);
}

}  // namespace
}  // namespace fanfare::net
