#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"

namespace fanfare::net {

TimerWheel::TimerWheel(SteadyTime origin) : origin_(origin) {}

TimerWheel::Tick TimerWheel::due_tick(SteadyTime now, Millis delay) const {
  const auto since = std::max(now - origin_, SteadyTime::duration::zero()) +
                     std::max(SteadyTime::duration(delay), SteadyTime::duration::zero());
  // Rounded up, or the timer would be early; after the tick that has run, or it would wait a whole
  // turn.
  const auto ticks = static_cast<Tick>((since + kTick - SteadyTime::duration{1}) / kTick);
  return std::max(ticks, current_ + 1);
}

SteadyTime TimerWheel::time_of(Tick tick) const {
  return origin_ + kTick * static_cast<std::int64_t>(tick);
}

TimerWheel::TimerId TimerWheel::add(SteadyTime now, Millis delay, Task task) {
  const Index index = take_node();
  Node& node = nodes_[index];
  node.task = std::move(task);
  node.due = due_tick(now, delay);
  link(index);
  ++size_;
  return (TimerId{node.generation} << 32) | index;
}

bool TimerWheel::cancel(TimerId id) {
  const Index index = static_cast<Index>(id);
  if (index >= nodes_.size()) return false;
  const Node& node = nodes_[index];
  if (!node.is_linked || node.generation != static_cast<std::uint32_t>(id >> 32)) return false;
  unlink(index);
  // The task dies here, after the books are right: its destructor may call back into the wheel.
  const Task task = release(index);
  return true;
}

void TimerWheel::clear() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].is_linked) continue;
    unlink(static_cast<Index>(i));
    const Task task = release(static_cast<Index>(i));
  }
}

void TimerWheel::advance(SteadyTime now) {
  if (now < origin_) return;
  const auto target = static_cast<Tick>((now - origin_) / kTick);
  while (current_ < target) {
    const auto next = next_tick();
    if (!next || *next > target) {
      current_ = target;
      return;
    }
    current_ = *next;
    if (current_ % (kSlots * kSlots) == 0) cascade(2);
    if (current_ % kSlots == 0) cascade(1);
    run_slot();
  }
}

std::optional<SteadyTime> TimerWheel::next_wake() const {
  const auto tick = next_tick();
  if (!tick) return std::nullopt;
  return time_of(*tick);
}

std::optional<TimerWheel::Tick> TimerWheel::next_tick() const {
  if (size_ == 0) return std::nullopt;
  std::optional<Tick> first;
  for (unsigned level = 0; level < kLevels; ++level) {
    const Tick position = current_ >> (level * kSlotBits);
    const unsigned distance = distance_to_occupied(level, static_cast<unsigned>(position % kSlots));
    if (distance == 0) continue;
    const Tick tick = (position + distance) << (level * kSlotBits);
    if (!first || tick < *first) first = tick;
  }
  return first;
}

// Slots to go from `from` to the next occupied one, 1 to 256 (256 = `from` itself, a whole turn
// on); 0 if there is none.
unsigned TimerWheel::distance_to_occupied(unsigned level, unsigned from) const {
  const std::uint64_t* words = &occupied_[level * (kSlots / 64)];
  for (unsigned distance = 1; distance <= kSlots;) {
    const unsigned slot = (from + distance) % kSlots;
    const std::uint64_t rest = words[slot / 64] >> (slot % 64);
    if (rest != 0) {
      const unsigned found = distance + static_cast<unsigned>(std::countr_zero(rest));
      return found <= kSlots ? found : 0;
    }
    distance += 64 - slot % 64;
  }
  return 0;
}

void TimerWheel::link(Index index) {
  Node& node = nodes_[index];
  const Tick delta = node.due - current_;
  unsigned level = 0;
  Tick slot_tick = node.due;
  if (delta >= kSlots) level = 1;
  if (delta >= Tick{kSlots} * kSlots) level = 2;
  // Too far for the slowest wheel: parked in its last slot and linked again, by its true tick, when
  // that comes.
  constexpr Tick kReach = Tick{1} << (kLevels * kSlotBits);
  if (delta >= kReach) slot_tick = current_ + kReach - 1;
  const auto slot = static_cast<unsigned>((slot_tick >> (level * kSlotBits)) % kSlots);
  node.list = static_cast<std::uint16_t>(level * kSlots + slot);
  node.is_linked = true;
  node.next = kNone;
  List& list = lists_[node.list];
  node.previous = list.tail;
  (list.tail == kNone ? list.head : nodes_[list.tail].next) = index;
  list.tail = index;
  occupied_[node.list / 64] |= std::uint64_t{1} << (node.list % 64);
}

void TimerWheel::unlink(Index index) {
  Node& node = nodes_[index];
  FANFARE_ASSERT(node.is_linked);
  List& list = lists_[node.list];
  (node.previous == kNone ? list.head : nodes_[node.previous].next) = node.next;
  (node.next == kNone ? list.tail : nodes_[node.next].previous) = node.previous;
  if (list.head == kNone) occupied_[node.list / 64] &= ~(std::uint64_t{1} << (node.list % 64));
  node.is_linked = false;
}

TimerWheel::Index TimerWheel::take_node() {
  if (free_ != kNone) return std::exchange(free_, nodes_[free_].next);
  FANFARE_ASSERT(nodes_.size() < kNone);
  nodes_.emplace_back();
  return static_cast<Index>(nodes_.size() - 1);
}

TimerWheel::Task TimerWheel::release(Index index) {
  Node& node = nodes_[index];
  Task task = std::exchange(node.task, nullptr);
  --size_;
  if (++node.generation != 0) {  // else retired: its ids would come round again
    node.next = free_;
    free_ = index;
  }
  return task;
}

void TimerWheel::cascade(unsigned level) {
  const auto slot = static_cast<unsigned>((current_ >> (level * kSlotBits)) % kSlots);
  // Taken off first: a parked timer may be linked into this very slot again.
  Index index = std::exchange(lists_[level * kSlots + slot], List{}).head;
  const unsigned list = level * kSlots + slot;
  occupied_[list / 64] &= ~(std::uint64_t{1} << (list % 64));
  while (index != kNone) {
    const Index next = nodes_[index].next;
    link(index);
    index = next;
  }
}

void TimerWheel::run_slot() {
  // Nothing can be added to this slot while it runs: add() is for later ticks, and a whole turn on
  // is another wheel's.
  const List& list = lists_[current_ % kSlots];
  while (list.head != kNone) {
    const Index index = list.head;
    unlink(index);
    Task task = release(index);
    task();
  }
}

}  // namespace fanfare::net
