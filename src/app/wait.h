// Calls the engine from a thread that may block (main, at start-up) and waits for its reply.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "delivery/engine.h"

namespace fanfare {

template <class T, class Call>
Result<T> wait_for(Call call) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  std::future<Result<T>> future = promise->get_future();
  call(Reply<T>([promise](Result<T> result) { promise->set_value(std::move(result)); }));
  return future.get();
}

}  // namespace fanfare
